//! The contract's own example, word for word, and a month of it that a person can follow.
//!
//! `golden/contract/README.md` works December 2026 out by hand. The catalogue is that of the contract as it stands there,
//! with a file beside it for the one service it refers to and does not hold.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::Path;

use uphold_common::catalogue::course::{Courses, ServiceCourse};
use uphold_common::catalogue::model::{AvailabilityPromise, Catalogue, Promise, Service, Target};
use uphold_common::ids::{Id, ProbeId, TargetId};
use uphold_common::measure::agreed::agreed;
use uphold_common::measure::availability;
use uphold_common::measure::burn::{AlertFigures, Alerting};
use uphold_common::measure::capacity::{CapacityFigures, Utilisation};
use uphold_common::measure::committed::{Committed, Facts, Planned};
use uphold_common::measure::figures::{Figures, Measured};
use uphold_common::measure::kinds::Account;
use uphold_common::measure::probe::probe_timeline;
use uphold_common::measure::response::{Asked, ResponseFigures, is_within};
use uphold_common::measure::service::{ServiceTimeline, service_timeline};
use uphold_common::measure::target::{TargetFigures, probe_rules, settling_ms};
use uphold_common::measure::timeline::Timeline;
use uphold_common::measure::vantage::vantage_timeline;
use uphold_common::measure::window::Window;
use uphold_common::observation::{Cause, Micros, Observation, Outcome, Phases, Reading};
use uphold_common::time::{Instant, Interval, parse_duration_ms};

use super::{compared, laid_out, shortened_in};

const MINUTE_MS: i64 = 60_000;
const FILES: [&str; 3] = ["catalogue.yaml", "mobile-uplink.yaml", "holidays-ch.ics"];

fn text(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/contract").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn catalogue() -> Catalogue {
    let files = FILES.map(|name| (name, text(name)));
    uphold_common::catalogue::read(&files).unwrap_or_else(|problems| panic!("{problems}"))
}

fn at(word: &str) -> Instant {
    Instant::parse(word).unwrap_or_else(|| panic!("{word} is no instant"))
}

/// Everything that `month.txt` says.
#[derive(Default)]
struct Month {
    seen: BTreeMap<String, Vec<Observation>>,
    readings: Vec<Utilisation>,
    maintenance: Vec<Planned>,
    excluded: Vec<Interval>,
}

impl Month {
    fn read() -> Self {
        let text = text("month.txt");
        let lines: Vec<Vec<&str>> = text
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>())
            .filter(|words| words.first().is_some_and(|first| *first != "#"))
            .collect();
        let (mut month, mut of) = (Self::default(), ("", 0));
        for (line, next) in lines.iter().zip(lines.iter().skip(1).chain([&vec![]])) {
            match line.as_slice() {
                ["probe" | "disk", name, "every", every] => of = (name, parse_duration_ms(every).unwrap()),
                ["maintenance", start, end, announced] => {
                    let interval = Interval::new(at(start), at(end));
                    month.maintenance.push(Planned { interval, announced_at: at(announced) });
                }
                ["exclusion", start, end] => month.excluded.push(Interval::new(at(start), at(end))),
                [_, "end" | ".."] => {}
                [start, word] => month.goes_on(of, Interval::new(at(start), at(next[0])), word),
                other => panic!("{other:?}"),
            }
        }
        month
    }

    /// The same again and again, from the start of a stretch up to its end.
    fn goes_on(&mut self, (name, every_ms): (&str, i64), stretch: Interval, word: &str) {
        let mut at = stretch.start;
        while at < stretch.end {
            if name == "/var" {
                let reading = Reading { at, used: word.parse().unwrap(), limit: 100 };
                self.readings.push(Utilisation::from(&reading));
            } else {
                self.seen.entry(name.to_owned()).or_default().push(observation(at, word));
            }
            at = at.plus_ms(every_ms);
        }
    }
}

fn observation(at: Instant, word: &str) -> Observation {
    let (outcome, took) = match word.split_once('/') {
        Some(("up", took)) => (Outcome::Up, took),
        Some(("slow", took)) => (Outcome::Degraded, took),
        _ if word == "DOWN" => (Outcome::Down, ""),
        _ => panic!("{word} is no outcome"),
    };
    let total = parse_duration_ms(took).map_or(Micros::NONE, |ms| Micros::new(ms.unsigned_abs() * 1_000));
    Observation { at, outcome, cause: Cause::None, code: 0, total, phases: Phases::default() }
}

/// The service over a window, and what is committed of it for each target.
struct Measuring<'a> {
    service: &'a Service,
    course: &'a ServiceCourse,
    window: Window,
    month: &'a Month,
    seen: ServiceTimeline,
}

impl<'a> Measuring<'a> {
    fn of((service, course): (&'a Service, &'a ServiceCourse), window: Window, month: &'a Month) -> Self {
        let probes: BTreeMap<ProbeId, Timeline> = service
            .looks_at()
            .map(|probe| {
                assert_eq!(probe.agents.len(), 1, "{}", probe.id);
                let seen = &month.seen[&probe.id.to_string()];
                let vantage = vantage_timeline(seen, &probe_rules(probe).into(), window.elapsed());
                (probe.id.clone(), probe_timeline(&[&vantage], probe.quorum, window.elapsed()))
            })
            .collect();
        let seen = service_timeline(&service.structure.formula, &probes, window.elapsed());
        Self { service, course, window, month, seen }
    }

    fn committed(&self, target: &Target) -> Committed {
        let hours = target.agreed_in(self.service).map(|calendar| agreed(calendar, self.window.interval));
        let of_availability = target.id.to_string() == "shop-sla/availability";
        let facts = Facts {
            maintenance: self.month.maintenance.clone(),
            excluded: if of_availability { self.month.excluded.clone() } else { Vec::new() },
        };
        let entry = self.service.since.unwrap();
        Committed::of(self.window.interval, entry, hours.as_deref(), target.maintenance, &facts)
    }

    fn availability(&self, target: &Target, promise: AvailabilityPromise) -> (TargetFigures, Vec<AlertFigures>) {
        let committed = self.committed(target);
        let figures = TargetFigures::measure(promise, self.course, self.window, &committed, &self.seen);
        let consequences = &target.consequences;
        let rules = consequences.rules(promise.share, self.window.interval.len_ms());
        let counted =
            availability::Promise { target: promise.share, unmeasured: promise.unmeasured, degraded: promise.degraded };
        let (min_bad, window, zone) = (consequences.min_bad, self.window, &self.service.time_zone);
        let alerting = Alerting { rules: &rules, min_bad, promise: counted, window, zone };
        let account = |_: &Window, part| Account::over(part, &committed.contractual, &self.seen.states);
        let failed = |committed: &[Interval]| {
            let all = self.month.seen.values().flatten();
            Ok::<u64, Infallible>(
                all.filter(|one| one.outcome == Outcome::Down && is_within(committed, one.at)).count() as u64,
            )
        };
        let alerts = alerting.figures(account, failed).unwrap_or_else(|never| match never {});
        (figures, alerts)
    }

    fn response(&self, target: &Target) -> ResponseFigures {
        let Promise::Response(promise) = &target.promise else { panic!("{target:?}") };
        let committed = self.committed(target);
        let settled = self.window.is_settled(settling_ms(self.course, &self.window));
        let asked = Asked { promise, window: self.window, settled, entry: committed.entry };
        let committed = committed.contractual.committed(self.window.elapsed());
        ResponseFigures::measure(&asked, &committed, &self.month.seen["webshop/front-page"])
    }

    fn capacity(&self, target: &Target) -> CapacityFigures {
        let Promise::Capacity(promise) = &target.promise else { panic!("{target:?}") };
        let committed = self.committed(target);
        let parts = committed.contractual.committed(self.window.elapsed());
        CapacityFigures::measure(promise, committed.entry, self.window, &parts, &self.month.readings)
    }
}

#[test]
fn the_contracts_example_loads_as_it_is() {
    let catalogue = catalogue();
    let webshop = &catalogue.services[&Id::new("webshop").unwrap()];
    assert_eq!(webshop.weight, Some(1_200));
    assert_eq!(webshop.available_when.text(), "all of (any of (service mobile-uplink, uplink), front-page)");
    let remarks: Vec<String> =
        catalogue.remarks.iter().map(|remark| format!("{}: {}", remark.path, remark.message)).collect();
    assert_eq!(
        remarks,
        [
            "services.webshop.probes.front-page.agents[1]: no agent has the label \"site\" (no agent under \"agents\" has \
         labels): this chooses nobody yet",
            "agreements.shop-sla.targets.disk.capacity.lead_time: nothing is forecast yet: an incident is raised once a \
         threshold is reached, and none before",
        ]
    );
}

/// The sums of `README.md`, in minutes unless a name says else.
fn as_worked_out(availability: &TargetFigures, response: &ResponseFigures, disk: &CapacityFigures) {
    let a = &availability.availability;
    assert_eq!(availability.account.kinds.not_agreed, 515 * 60 * MINUTE_MS);
    assert_eq!(availability.account.kinds.maintenance, 4 * 60 * MINUTE_MS);
    assert_eq!(availability.account.kinds.excluded, 30 * MINUTE_MS);
    assert_eq!([a.committed, a.unmeasured, a.counted].map(|ms| ms / 1_000), [808_200, 7_165, 801_035]);
    assert_eq!([a.down, a.degraded, a.lost].map(|ms| ms / MINUTE_MS), [126, 15, 126]);
    assert_eq!(a.ratio.unwrap().to_string(), "158695/160207");
    let breaks: Vec<i64> = availability.breaks.all.iter().map(|one| one.committed_ms / MINUTE_MS).collect();
    assert_eq!(breaks, [20, 10, 20, 60, 6, 10]);
    let charges: Vec<String> =
        availability.charges.iter().map(|(probe, ms)| format!("{probe} {}", ms / MINUTE_MS)).collect();
    assert_eq!(charges, ["mobile-uplink/gate 5", "webshop/front-page 116", "webshop/uplink 5"]);
    assert_eq!((availability.budget.budget_ms, availability.budget.remaining_ms), (801_035, -6_758_965));
    let others = [&availability.without_exclusions, &availability.experienced];
    let down = others.map(|figure| (figure.availability.down / MINUTE_MS, figure.breaks.all.len()));
    assert_eq!(down, [(156, 7), (366, 8)]);
    let tally = &response.tally;
    assert_eq!((tally.n, tally.failed, response.rank, response.value_us), (26_360, 160, Some(25_042), Some(750_000)));
    assert_eq!((disk.n, disk.rank, disk.percentile_ppb), (53_040, Some(50_388), Some(850_000_000)));
}

#[test]
fn the_month_of_the_contracts_example_reads_as_it_was_worked_out() {
    let (catalogue, month) = (catalogue(), Month::read());
    let service = &catalogue.services[&Id::new("webshop").unwrap()];
    let courses = Courses::of(&catalogue);
    let course = courses.service(&service.id).unwrap();
    let as_of = at("2027-01-02T00:00+01");
    let target = |name: &str| &catalogue.targets[&TargetId::new(Id::new("shop-sla").unwrap(), Id::new(name).unwrap())];
    let (available, quick, disk) = (target("availability"), target("response"), target("disk"));
    let window = Window::holding(available.window, &service.time_zone, at("2026-12-15T00:00+01"), as_of);
    let measuring = Measuring::of((service, course), window, &month);
    let Promise::Availability(promise) = available.promise else { panic!("{available:?}") };
    let (figures, alerts) = measuring.availability(available, promise);
    let (response, capacity) = (measuring.response(quick), measuring.capacity(disk));
    as_worked_out(&figures, &response, &capacity);

    let measured = [
        Measured::Availability { target: available, figures: &figures, seen: &measuring.seen, alerts: &alerts },
        Measured::Capacity { target: &disk.id, figures: &capacity },
        Measured::Response { target: &quick.id, figures: &response },
    ];
    let told = serde_json::to_string(&Figures::of((service, course), 1, as_of, &measured)).unwrap();
    compared("contract", &(laid_out(&shortened_in(&told), 0) + "\n"), &text("figures.json"));
}
