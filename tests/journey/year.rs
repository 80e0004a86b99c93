//! A year of history: imported, reported, one hour of it changed by late data. Then the days that hold the hour are derived
//! anew, the windows that hold it are revised, and everything else is the same to the byte.
//!
//! Usually it is a quarter of 6 services, an observation each five minutes. `YEAR_SERVICES=50` asks for the whole:
//! so many services over all twelve months, an observation a minute, as `docs/testing.md` tells.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fmt::Write as _;
use std::fs::File;
use std::io::BufWriter;
use std::time::Duration;

use jiff::tz::TimeZone;
use serde_json::{Value, json};
use uphold_common::catalogue::model::WindowKind;
use uphold_common::measure::window::Window;
use uphold_common::observation::Outcome;
use uphold_common::time::{Instant, Interval};
use uphold_tests::process::wait::{Stopwatch, wait_for, wall_ms};

use crate::pushes::{batch, post, push};
use crate::world::{World, run};

const DAY_MS: i64 = 86_400_000;
const HOUR_MS: i64 = 3_600_000;
const MINUTE_MS: i64 = 60_000;
/// How long anything may take: the whole size is measured, not timed.
const PATIENCE: Duration = Duration::from_hours(1);
/// The windows of every service, and those of the first two beside them.
const KINDS: [WindowKind; 3] = [WindowKind::Month, WindowKind::Quarter, WindowKind::Year];
const MORE_KINDS: [WindowKind; 2] = [WindowKind::Day, WindowKind::Week];
/// The service whose hour comes late.
const LATE: usize = 0;

/// How much history there is.
#[derive(Clone, Copy)]
struct Size {
    services: usize,
    span: Interval,
    every_ms: i64,
}

impl Size {
    /// That of the usual run, or what the environment asks for. It ends with the last quarter that has been over for forty
    /// days, so that no incident is raised and every day of that quarter is among those that have revisions.
    fn asked() -> Self {
        let quarter = |at: Instant| holding(WindowKind::Quarter, at);
        let last = quarter(quarter(Instant::from_ms(wall_ms() - 40 * DAY_MS)).start.minus_ms(1));
        let first = (0..3).fold(last, |first, _| quarter(first.start.minus_ms(1)));
        match env::var("YEAR_SERVICES") {
            Ok(text) => {
                let services =
                    text.parse().unwrap_or_else(|_| panic!("YEAR_SERVICES: expected a number, not {text:?}"));
                Self { services, span: Interval::new(first.start, last.end), every_ms: MINUTE_MS }
            }
            Err(_) => Self { services: 6, span: last, every_ms: 5 * MINUTE_MS },
        }
    }

    /// The hour that comes late: half of it in the last month but one, half in the last.
    fn hour(&self) -> Interval {
        let month = holding(WindowKind::Month, self.span.end.minus_ms(1)).start;
        Interval::new(month.minus_ms(HOUR_MS / 2), month.plus_ms(HOUR_MS / 2))
    }

    fn name(service: usize) -> String {
        if service == LATE { "shop".to_owned() } else { format!("service-{service}") }
    }

    fn kinds(service: usize) -> impl Iterator<Item = WindowKind> {
        KINDS.into_iter().chain(MORE_KINDS.into_iter().filter(move |_| service < 2))
    }

    fn catalogue(&self) -> String {
        let (every, stale) = (self.every_ms / 1_000, 3 * self.every_ms / 1_000);
        let mut text = "organisation: { name: Example Services, time_zone: UTC }\ncustomers:\n  - { id: retail, name: Retail division }\nservices:\n".to_owned();
        for service in (0..self.services).map(Self::name) {
            write!(
                text,
                "  - id: {service}\n    name: Service\n    outcome: Customers are served\n    customers: [retail]\n    criticality: high\n    \
                 since: {}\n    probes:\n      - id: front\n        agents: [zurich-1]\n        interval: {every}s\n        \
                 timeout: 10s\n        stale_after: {stale}s\n        fall: 2\n        tcp: {{ address: \"127.0.0.1:9\" }}\n",
                self.span.start
            )
            .unwrap();
        }
        text += "agreements:\n  - id: sla\n    kind: sla\n    party: retail\n    targets:\n";
        for service in 0..self.services {
            for kind in Self::kinds(service) {
                let (name, kind) = (Self::name(service), kind.text());
                writeln!(
                    text,
                    "      - {{ id: {name}-{kind}, service: {name}, window: {kind}, availability: \"99.5%\" }}"
                )
                .unwrap();
            }
        }
        text
    }

    /// What was seen of a service at an instant: on one day of ten an outage, on one of twenty nothing for a while.
    fn seen(&self, service: usize, at: Instant) -> Option<Outcome> {
        let day = at.utc_day();
        let (minute, hour) = ((at.as_ms() - day * DAY_MS) / MINUTE_MS, self.hour());
        // Around the hour that comes late everything is well.
        if service == LATE && (hour.start.utc_day()..=hour.end.utc_day()).contains(&day) {
            return Some(Outcome::Up);
        }
        let dice = |salt: u64, below: u64| {
            let bits = u64::try_from(day).unwrap() * 1_000 + u64::try_from(service).unwrap() + (salt << 40);
            let bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            i64::try_from((bits ^ (bits >> 31)) % below).unwrap()
        };
        let within = |salt, one_of| {
            let start = dice(salt + 1, 1_200);
            dice(salt, one_of) == 0 && (start..start + 15 + dice(salt + 2, 200)).contains(&minute)
        };
        if within(10, 20) {
            return None;
        }
        Some(if within(20, 10) { Outcome::Down } else { Outcome::Up })
    }

    /// The instants of observations inside a span.
    fn instants(&self, span: Interval) -> impl Iterator<Item = Instant> + use<> {
        let every_ms = self.every_ms;
        (0..span.len_ms() / every_ms).map(move |n| span.start.plus_ms(n * every_ms))
    }

    /// Every window of every service that has certainly settled and is among those that have revisions, as its target and its
    /// start.
    fn closed(&self) -> BTreeSet<(String, i64)> {
        let settled = Instant::from_ms(wall_ms() - HOUR_MS);
        let from = settled.minus_ms(390 * DAY_MS);
        let mut all = BTreeSet::new();
        for service in 0..self.services {
            for kind in Self::kinds(service) {
                let mut window = holding(kind, self.span.start);
                while window.end <= settled {
                    if kind != WindowKind::Day || window.start >= from {
                        all.insert((target(service, kind), window.start.as_ms()));
                    }
                    window = holding(kind, window.end);
                }
            }
        }
        all
    }
}

fn holding(kind: WindowKind, at: Instant) -> Interval {
    Window::holding(kind, &TimeZone::UTC, at, at).interval
}

fn target(service: usize, kind: WindowKind) -> String {
    format!("sla/{}-{}", Size::name(service), kind.text())
}

fn write_line(file: &mut impl std::io::Write, service: usize, at: Instant, outcome: Outcome) {
    let (service, at, us) = (Size::name(service), at.as_ms(), 1_000 + at.as_ms() / MINUTE_MS % 997);
    let outcome = if outcome == Outcome::Up { "up" } else { "down" };
    writeln!(
        file,
        r#"{{"probe":"{service}/front","agent":"zurich-1","at":{at},"outcome":"{outcome}","duration_us":{us}}}"#
    )
    .unwrap();
}

impl World {
    /// Writes the lines of a span, and imports them through the running collector; how many there were.
    fn bring(&self, name: &str, lines: impl FnOnce(&mut BufWriter<File>)) -> i64 {
        let path = self.path(name);
        let mut file = BufWriter::new(File::create(&path).unwrap());
        lines(&mut file);
        file.into_inner().unwrap();
        let path = path.display().to_string();
        let done = run("uphold-collector", &["import", &path, "--format", "json", "--data", &self.collector_data()]);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let told: Value = serde_json::from_slice(&done.stdout).unwrap();
        assert_eq!(told["refused"], 0, "{told}");
        told["taken"].as_i64().unwrap()
    }

    /// The report of a service over a stretch, byte for byte.
    fn report(&self, service: usize, over: Interval, as_of: Instant) -> String {
        let [from, to, as_of] = [over.start, over.end, as_of].map(|at| at.to_string());
        let (name, data) = (Size::name(service), self.collector_data());
        let over = ["--from", &from, "--to", &to, "--as-of", &as_of];
        let done =
            run("uphold-collector", &[&["report", &name, "--format", "json", "--data", &data][..], &over].concat());
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    }

    /// The reports of every service over every month and over the whole, by service and start and end of what they are over.
    fn reports(&self, size: &Size) -> BTreeMap<(usize, i64, i64), String> {
        let as_of = size.span.end.plus_ms(30 * DAY_MS);
        let mut over = vec![size.span];
        let mut month = holding(WindowKind::Month, size.span.start);
        while month.start < size.span.end {
            over.push(month);
            month = holding(WindowKind::Month, month.end);
        }
        let of = |service| over.iter().map(move |over| (service, *over));
        let all = (0..size.services).flat_map(of);
        all.map(|(service, over)| ((service, over.start.as_ms(), over.end.as_ms()), self.report(service, over, as_of)))
            .collect()
    }

    /// Every revision there is, by target, start of its window and number.
    fn all_revisions(&self, size: &Size) -> BTreeMap<(String, i64, i64), Value> {
        let mut all = BTreeMap::new();
        for service in (0..size.services).map(Size::name) {
            let path = format!("/api/v1/services/{service}/revisions?limit=1000");
            let mut next = Some(path.clone());
            while let Some(asked) = next {
                let answer = self.ask(&asked);
                for one in answer["revisions"].as_array().unwrap() {
                    let number = |value: &Value| value.as_i64().unwrap();
                    let start = number(&one["window"]["start_ms"]);
                    let key = (one["target"].as_str().unwrap().to_owned(), start, number(&one["number"]));
                    all.insert(key, one.clone());
                }
                next = answer["next"].as_str().map(|after| format!("{path}&after={after}"));
            }
        }
        all
    }

    fn revised_count(&self, cause: &str) -> f64 {
        self.collector_metric(&format!("uphold_collector_revisions_total{{cause=\"{cause}\"}}")).unwrap_or(0.0)
    }

    /// Waits until so many revisions were issued for this cause, and nothing waits any more.
    fn until_issued(&self, cause: &str, count: usize) {
        let count = f64::from(u32::try_from(count).unwrap());
        let waited = wait_for(PATIENCE, "revisions", || {
            let waiting = self.collector_metric("uphold_collector_revisions_waiting")?;
            (waiting < 0.5 && self.revised_count(cause) >= count).then_some(())
        });
        waited.unwrap_or_else(|error| panic!("{error}: {} of {count} for {cause}", self.revised_count(cause)));
    }

    fn days_derived(&self) -> f64 {
        self.collector_metric("uphold_collector_day_timelines_derived_total").unwrap()
    }
}

#[test]
fn a_year_is_imported_and_an_hour_of_it_that_comes_late_changes_its_days_and_its_windows_and_nothing_else() {
    let size = Size::asked();
    let mut world = World::under("retention: { raw: 900d }\n", |_, _| size.catalogue());
    let since = Stopwatch::start();
    let mut written = since.elapsed();
    let lines = world.bring("history.jsonl", |file| {
        for at in size.instants(size.span) {
            for service in 0..size.services {
                size.seen(service, at).into_iter().for_each(|outcome| write_line(file, service, at, outcome));
            }
        }
        written = since.elapsed();
    });
    println!("{lines} lines written in {written:?}, imported in {:?}", since.elapsed().saturating_sub(written));
    // The agent is heard, so that nothing waits for it.
    let heard = post(&world, &push(&batch(1, &[(wall_ms() - 1_000, Outcome::Up)])).encode().unwrap());
    assert_eq!(heard.code, 200, "{}", heard.text());
    let closed = size.closed();
    world.until_issued("settled", closed.len());
    println!("{} windows issued after {:?}", closed.len(), since.elapsed());

    let since = Stopwatch::start();
    let reports = world.reports(&size);
    println!("{} reports took {:?}", reports.len(), since.elapsed());
    let (revisions, derived) = (world.all_revisions(&size), world.days_derived());
    assert!(revisions.keys().all(|(_, _, number)| *number == 1), "each window was issued once, with its history");
    let there: BTreeSet<_> = revisions.keys().map(|(target, start, _)| (target.clone(), *start)).collect();
    assert!(closed.is_subset(&there), "{:?}", closed.difference(&there).next());

    let (since, hour) = (Stopwatch::start(), size.hour());
    world.bring("late.jsonl", |file| size.instants(hour).for_each(|at| write_line(file, LATE, at, Outcome::Down)));
    let expected = hit(&size);
    world.until_issued("late_data", expected.len());
    println!("{} windows revised after {:?}", expected.len(), since.elapsed());
    let days = world.days_derived() - derived;
    assert!((days - 2.0).abs() < 0.1, "the two days that hold the hour were derived anew, not {days}");
    assert_revised(&size, &revisions, world.all_revisions(&size));
    assert_reported(&size, &reports, &world.reports(&size));
    world.stop_collector();
    let verified = run("uphold-collector", &["verify", "--all", "--data", &world.collector_data()]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
}

/// The closed windows that hold some of the hour, as their targets and starts.
fn hit(size: &Size) -> BTreeSet<(String, i64)> {
    let (hour, closed) = (size.hour(), size.closed());
    let ends = [hour.start, hour.end.minus_ms(1)];
    let windows = |kind| ends.map(|at| (target(LATE, kind), holding(kind, at).start.as_ms()));
    Size::kinds(LATE).flat_map(windows).filter(|window| closed.contains(window)).collect()
}

/// Exactly the windows that hold the hour have a second revision, which says what came late; all else is as it was.
fn assert_revised(
    size: &Size,
    before: &BTreeMap<(String, i64, i64), Value>,
    mut after: BTreeMap<(String, i64, i64), Value>,
) {
    let (hour, last) = (size.hour(), size.instants(size.hour()).last().unwrap());
    let expected = json!({
        "from_ms": hour.start.as_ms(), "to_ms": last.as_ms() + 1, "of": ["shop/front zurich-1"], "of_count": 1
    });
    let mut again = BTreeSet::new();
    after.retain(|(target, start, number), revision| {
        if *number > 1 {
            let late = &revision["why"]["late_data"];
            assert!(*number == 2 && *late == expected, "{revision}");
            again.insert((target.clone(), *start));
        }
        *number == 1
    });
    assert_eq!(again, hit(size));
    assert!(after == *before, "the first revisions are kept as they were");
}

/// Of the service whose hour came late the two months and the whole have so much more downtime; all other reports are the
/// same to the byte.
fn assert_reported(
    size: &Size,
    before: &BTreeMap<(usize, i64, i64), String>,
    after: &BTreeMap<(usize, i64, i64), String>,
) {
    let hour = size.hour();
    let key = |over: Interval| (LATE, over.start.as_ms(), over.end.as_ms());
    let months = [hour.start, hour.end].map(|at| (key(holding(WindowKind::Month, at)), HOUR_MS / 2));
    let more = BTreeMap::from([(key(size.span), HOUR_MS), months[0], months[1]]);
    assert!(before.keys().eq(after.keys()));
    let down = |text: &String, kind| {
        let told: Value = serde_json::from_str(text).unwrap();
        told["targets"][target(LATE, kind)]["contractual"]["kinds"]["down"].as_i64().unwrap()
    };
    for (over, text) in before {
        match more.get(over) {
            Some(more) => assert_eq!(down(&after[over], KINDS[0]) - down(text, KINDS[0]), *more, "{over:?}"),
            None => assert!(*text == after[over], "{over:?} is another"),
        }
    }
    // The history has what makes a difference: some of it lost, some of it not seen.
    let all: Vec<Value> = before.values().map(|text| serde_json::from_str(text).unwrap()).collect();
    for kind in ["down", "unmeasured"] {
        let has = |told: &Value| {
            let targets = told["targets"].as_object().unwrap();
            targets.values().any(|one| one["contractual"]["kinds"][kind].as_i64().unwrap() > 0)
        };
        assert!(all.iter().filter(|told| has(told)).count() > all.len() / 2, "{kind}");
    }
}
