//! A month that a person can follow, from the catalogue and the observations to the figures' JSON.
//!
//! `golden/month/observations.txt` works it out by hand; `figures.json` holds the text that users get, laid out with one
//! item on a line where a list is long. The two figures that equal the contractual one are shortened, and the release
//! of the time zone data is left open. On a difference the text found is written beside the test's other output.
//!
//! `golden/contract` holds the contract's own example, with all that a target can promise.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a golden file that cannot be read fails the test")]

#[path = "golden/contract.rs"]
mod contract;

use std::collections::BTreeMap;
use std::path::Path;

use uphold_common::catalogue::course::Courses;
use uphold_common::catalogue::model::{Catalogue, Promise, Service};
use uphold_common::ids::{Id, ProbeId};
use uphold_common::measure::agreed::agreed;
use uphold_common::measure::committed::{Committed, Facts};
use uphold_common::measure::figures::{Figures, Measured, time_zone_data};
use uphold_common::measure::probe::probe_timeline;
use uphold_common::measure::service::service_timeline;
use uphold_common::measure::target::TargetFigures;
use uphold_common::measure::timeline::Timeline;
use uphold_common::measure::vantage::vantage_timeline;
use uphold_common::measure::window::Window;
use uphold_common::observation::{Cause, Micros, Observation, Outcome, Phases};
use uphold_common::time::Instant;

const MINUTE_MS: i64 = 60_000;
/// The longest object or list that stays on one line.
const LINE_MAX: usize = 260;

fn text(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/month").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What each probe's agent saw: every ten minutes what its line says, up to the next line.
fn observations(text: &str) -> BTreeMap<Id, Vec<Observation>> {
    let lines = text.lines().map(|line| line.split('#').next().unwrap().split_whitespace().collect::<Vec<_>>());
    let lines: Vec<Vec<&str>> = lines.filter(|words| !words.is_empty()).collect();
    let mut all: BTreeMap<Id, Vec<Observation>> = BTreeMap::new();
    let mut probe = None;
    for (line, next) in lines.iter().zip(lines.iter().skip(1)) {
        if let ["probe", id, _agent] = line.as_slice() {
            probe = Some(Id::new(id).unwrap());
        } else if line[1] != "end" {
            let (mut at, end) = (Instant::parse(line[0]).unwrap(), Instant::parse(next[0]).unwrap());
            while at < end {
                all.entry(probe.clone().unwrap()).or_default().extend(observation(at, line[1]));
                at = at.plus_ms(10 * MINUTE_MS);
            }
        }
    }
    all
}

fn observation(at: Instant, word: &str) -> Option<Observation> {
    let outcome = match word {
        "up" => Outcome::Up,
        "slow" => Outcome::Degraded,
        "DOWN" => Outcome::Down,
        ".." => return None,
        other => panic!("{other} is no outcome"),
    };
    Some(Observation { at, outcome, cause: Cause::None, code: 0, total: Micros::NONE, phases: Phases::default() })
}

/// The month's figures, and as the JSON text that users get.
fn measured(catalogue: &Catalogue, service: &Service) -> (TargetFigures, String) {
    let target = catalogue.targets.values().next().unwrap();
    let Promise::Availability(promise) = target.promise else { panic!("{target:?}") };
    let as_of = Instant::parse("2026-04-02T00:00:00+02:00").unwrap();
    let within = Instant::parse("2026-03-20T00:00:00+01:00").unwrap();
    let window = Window::holding(target.window, &service.time_zone, within, as_of);
    let courses = Courses::of(catalogue);
    let course = courses.service(&service.id).unwrap();
    let probes: BTreeMap<ProbeId, Timeline> = observations(&text("observations.txt"))
        .into_iter()
        .map(|(id, seen)| {
            let vantage = vantage_timeline(&seen, courses.law(&service.probes[&id].id).unwrap(), window.elapsed());
            let timeline = probe_timeline(&[&vantage], service.probes[&id].quorum, window.elapsed());
            (service.probes[&id].id.clone(), timeline)
        })
        .collect();
    let seen = service_timeline(&service.structure.formula, &probes, window.elapsed());
    let hours = target.agreed_in(service).map(|calendar| agreed(calendar, window.interval));
    let (entry, rules) = (service.since.unwrap(), target.maintenance);
    let committed = Committed::of(window.interval, entry, hours.as_deref(), rules, &Facts::default());
    let figures = TargetFigures::measure(promise, course, window, &committed, &seen);
    let of_it = [Measured::Availability { target, figures: &figures, seen: &seen, alerts: &[] }];
    let told = Figures::of((service, course), 1, as_of, &of_it);
    (figures, serde_json::to_string(&told).unwrap())
}

/// JSON text with one item on a line, wherever it does not fit on one together with its neighbours.
fn laid_out(json: &str, indent: usize) -> String {
    let inside = |open, close| json.strip_prefix(open).and_then(|rest: &str| rest.strip_suffix(close));
    let Some((open, items, close)) =
        inside('{', '}').map(|items| ('{', items, '}')).or_else(|| inside('[', ']').map(|items| ('[', items, ']')))
    else {
        // A key with its value, or a plain value.
        return match json.split_once("\":").filter(|_| json.starts_with('"')) {
            Some((key, value)) => format!("{key}\": {}", laid_out(value, indent)),
            None => json.to_owned(),
        };
    };
    if json.len() <= LINE_MAX {
        return json.to_owned();
    }
    let margin = " ".repeat(indent + 2);
    let lines: Vec<String> =
        items_of(items).into_iter().map(|item| format!("{margin}{}", laid_out(item, indent + 2))).collect();
    format!("{open}\n{}\n{}{close}", lines.join(",\n"), " ".repeat(indent))
}

/// What stands between the outermost commas. No text in these figures holds a bracket or an escaped quote.
fn items_of(json: &str) -> Vec<&str> {
    let (mut items, mut depth, mut quoted, mut start) = (Vec::new(), 0, false, 0);
    for (i, c) in json.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '{' | '[' if !quoted => depth += 1,
            '}' | ']' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => {
                items.push(&json[start..i]);
                start = i + 1;
            }
            _ => {}
        }
    }
    items.push(&json[start..]);
    items
}

/// The text without what another release of the time zone data changes.
fn shortened_in(json: &str) -> String {
    json.replace(&format!("\"{}\"", time_zone_data()), "\"(as bundled)\"")
}

/// Nor saying the same three times.
fn shortened(json: &str) -> String {
    let json = shortened_in(json);
    let (_, rest) = json.split_once("\"contractual\":").unwrap();
    let block = items_of(rest).first().copied().unwrap().to_owned();
    let others = ["without_exclusions", "experienced"];
    others.iter().fold(json, |json, name| {
        json.replace(&format!("\"{name}\":{block}"), &format!("\"{name}\":\"(as contractual)\""))
    })
}

#[test]
fn the_worked_month_reads_as_it_was_worked_out() {
    let catalogue = uphold_common::catalogue::read(&[("catalogue.yaml", text("catalogue.yaml"))]).unwrap();
    let service = catalogue.services.values().next().unwrap();
    let (figures, json) = measured(&catalogue, service);

    // The sums of the remarks in `observations.txt`, in minutes.
    let a = &figures.availability;
    let minutes = [a.committed, a.unmeasured, a.down, a.degraded, a.counted, a.lost].map(|ms| ms / MINUTE_MS);
    assert_eq!(minutes, [22_980, 150, 120, 40, 22_830, 120]);
    assert_eq!(figures.account.kinds.not_agreed, 360 * 60 * MINUTE_MS);
    let breaks: Vec<i64> = figures.breaks.all.iter().map(|b| b.committed_ms / MINUTE_MS).collect();
    assert_eq!(breaks, [20, 40, 50, 10]);
    let charges: Vec<i64> = figures.charges.values().map(|ms| ms / MINUTE_MS).collect();
    assert_eq!(charges, [100, 20]);
    assert_eq!((figures.budget.budget_ms, figures.budget.remaining_ms), (13_698_000, 6_498_000));

    compared("month", &(laid_out(&shortened(&json), 0) + "\n"), &text("figures.json"));
}

/// Fails with the first line that differs; what was found is kept.
fn compared(name: &str, found: &str, expected: &str) {
    if found != expected {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-figures.json"));
        std::fs::write(&path, found).unwrap();
        let line = found.lines().zip(expected.lines()).position(|(a, b)| a != b);
        let (number, first) = line.map_or((0, ""), |i| (i + 1, found.lines().nth(i).unwrap()));
        panic!("{} differs from figures.json at line {number}: {first}", path.display());
    }
}
