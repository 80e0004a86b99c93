//! Terms made up at random: calendars over changes of the clocks, maintenance and exclusions on record, response times,
//! windows that roll, look-backs, credits.
//!
//! They are put upon the facts of `made_up`, whose milliseconds are kept, or stretched to minutes around a change of the
//! clocks, where calendars have something to say.

#![expect(clippy::expect_used, reason = "what is made up here is sound")]

use jiff::Timestamp;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use proptest::prelude::*;
use uphold_tests::reference::burn::Rule;
use uphold_tests::reference::calendar::{Calendar, Hours};
use uphold_tests::reference::judged::BreakTargets;
use uphold_tests::reference::local::shown;
use uphold_tests::reference::response::Wanted;
use uphold_tests::scenario::{Clock, Exclusion, Maintenance, Response, Scenario, Span, Target, Window};

use crate::made_up::{LENGTH_MS, scenario};

/// Zones and instants at which their clocks are changed.
pub(crate) const CHANGES: [(&str, &str); 14] = [
    ("Europe/Zurich", "2026-03-29T01:00:00Z"),
    ("Europe/Zurich", "2026-10-25T01:00:00Z"),
    ("America/New_York", "2026-03-08T07:00:00Z"),
    ("America/New_York", "2026-11-01T06:00:00Z"),
    ("Australia/Lord_Howe", "2026-04-04T15:00:00Z"),
    ("Australia/Lord_Howe", "2026-10-03T15:30:00Z"),
    ("America/Sao_Paulo", "2018-02-18T02:00:00Z"),
    ("America/Sao_Paulo", "2018-11-04T03:00:00Z"),
    ("Africa/Cairo", "2026-04-23T22:00:00Z"),
    ("Africa/Cairo", "2026-10-29T21:00:00Z"),
    // Kathmandu has no summer time, and a quarter of an hour; in 1986 it was set by that much.
    ("Asia/Kathmandu", "1985-12-31T18:30:00Z"),
    ("Asia/Kathmandu", "2026-01-01T00:00:00Z"),
    // A whole date was left out, and midnight of Havana comes twice.
    ("Pacific/Apia", "2011-12-30T10:00:00Z"),
    ("America/Havana", "2026-11-01T05:00:00Z"),
];

/// The zone and the instant of a change.
pub(crate) fn change((zone, at): (&str, &str)) -> (TimeZone, i64) {
    let at: Timestamp = at.parse().expect("an instant");
    (TimeZone::get(zone).expect("a zone of the bundled data"), at.as_millisecond())
}

fn span() -> impl Strategy<Value = Span> {
    (-40..LENGTH_MS, 0..LENGTH_MS / 2).prop_map(|(from, length)| (from, from + length))
}

/// One of the services, or all of them.
fn services() -> impl Strategy<Value = Vec<String>> {
    prop_oneof![Just(vec![]), Just(vec!["inner".to_owned()]), Just(vec!["outer".to_owned()])]
}

fn maintenance() -> impl Strategy<Value = Vec<Maintenance>> {
    let one = (services(), span(), -80..20_i64, prop_oneof![3 => Just(None), 1 => (0..LENGTH_MS).prop_map(Some)]);
    let one = one.prop_map(|(services, span, announced, cancelled)| {
        let announced = span.0 + announced;
        Maintenance { services, span, announced, added: announced, cancelled }
    });
    prop::collection::vec(one, 0..5)
}

fn exclusions() -> impl Strategy<Value = Vec<Exclusion>> {
    let when = || prop_oneof![3 => Just(None), 1 => (0..LENGTH_MS).prop_map(Some)];
    let targets = prop_oneof![3 => Just(vec![]), 1 => Just(vec!["target".to_owned()])];
    let one = (services(), targets, span(), when(), when()).prop_map(|(services, targets, span, added, revoked)| {
        Exclusion { services, targets, span, class: "other".to_owned(), added, revoked }
    });
    prop::collection::vec(one, 0..4)
}

/// More of a target than its share and its policies.
#[derive(Clone, Debug)]
pub(crate) struct More {
    notice: i64,
    allowance: Option<i64>,
    rolling: Option<i64>,
    breaks: BreakTargets,
    alerts: Option<Vec<Rule>>,
    min_bad: u64,
    response: (usize, Wanted, u64),
}

pub(crate) fn more() -> impl Strategy<Value = More> {
    let length = || prop::option::of(1_i64..120);
    let breaks = (prop::option::of(0_i64..4), length(), length(), length())
        .prop_map(|(at_most, longest, mtrs, mtbsi)| BreakTargets { at_most, longest, mtrs, mtbsi });
    let factor = prop_oneof![Just((72, 5)), Just((1, 1)), Just((1, 10)), Just((3, 2))];
    // The short look-back is never the longer one: the catalogue refuses that.
    let rule = (1_i64..LENGTH_MS, 1_i64..60, factor).prop_map(|(long, short, factor)| Rule {
        long,
        short: short.min(long),
        factor,
        urgent: false,
    });
    let alerts = prop_oneof![1 => Just(None), 3 => prop::collection::vec(rule, 1..4).prop_map(Some)];
    let share = || prop_oneof![Just(950_000_000), Just(1_000_000_000), Just(500_000_000), 1_i64..=1_000_000_000];
    let wanted = prop_oneof![share().prop_map(Wanted::Percentile), share().prop_map(Wanted::Share)];
    let response = (0_usize..2, wanted, 1_u64..12);
    let notice = prop_oneof![Just(0), 0_i64..80];
    (notice, prop::option::of(0_i64..120), length(), breaks, alerts, 0_u64..6, response).prop_map(
        |(notice, allowance, rolling, breaks, alerts, min_bad, response)| More {
            notice,
            allowance,
            rolling,
            breaks,
            alerts,
            min_bad,
            response,
        },
    )
}

impl More {
    /// Puts it upon a target; a second one is on response times.
    pub(crate) fn upon(self, target: &Target) -> [Target; 2] {
        let mut with = target.clone();
        (with.min_notice_ms, with.allowance_ms) = (self.notice, self.allowance);
        with.window = self.rolling.map_or(target.window, Window::Rolling);
        with.breaks = self.breaks;
        with.credits = vec![(999_000_000, 100_000_000), (500_000_000, 250_000_000)];
        (with.alerts, with.min_bad) = (self.alerts, self.min_bad);
        let (place, wanted, below_us) = self.response;
        // The first two probes are the inner service's, the others the outer one's.
        let probe = if target.service == "inner" { place } else { place + 2 };
        let answers = Target {
            name: "answers".to_owned(),
            response: Some(Response { probe: format!("p{probe}"), wanted, below_us }),
            alerts: None,
            breaks: BreakTargets::default(),
            credits: Vec::new(),
            ..with.clone()
        };
        [with, answers]
    }
}

/// Durations of some microseconds, or none, by the place of the observation.
fn durations(scenario: &mut Scenario, durations: &[Option<u64>]) {
    for (one, us) in scenario.arrivals.iter_mut().zip(durations.iter().cycle()) {
        one.us = *us;
    }
}

/// A scenario of some hundred milliseconds with terms upon it, which has no calendar.
pub(crate) fn with_terms() -> impl Strategy<Value = Scenario> {
    let us = prop::collection::vec(prop::option::weighted(0.8, 1_u64..12), 1..20);
    (scenario(), maintenance(), exclusions(), more(), us).prop_map(
        |(mut scenario, maintenance, exclusions, more, us)| {
            let base = scenario.targets[0].at;
            let moved = |(from, to): Span| (base + from, base + to);
            let maintenance = maintenance.into_iter().map(|m| Maintenance {
                span: moved(m.span),
                announced: base + m.announced,
                added: base + m.added,
                cancelled: m.cancelled.map(|at| base + at),
                ..m
            });
            let exclusions = exclusions.into_iter().map(|x| Exclusion {
                span: moved(x.span),
                added: x.added.map(|at| base + at),
                revoked: x.revoked.map(|at| base + at),
                ..x
            });
            (scenario.maintenance, scenario.exclusions) = (maintenance.collect(), exclusions.collect());
            scenario.targets = more.upon(&scenario.targets[0]).to_vec();
            scenario.arrivals.sort_by_key(|a| (a.arrives_at, a.at));
            durations(&mut scenario, &us);
            scenario
        },
    )
}

fn hours() -> impl Strategy<Value = Hours> {
    // Most hours are close to a change of the clocks; some end on the next day, some with the day.
    let minute = || prop_oneof![4 => 0_i16..240, 2 => 0_i16..1440, 1 => Just(0)];
    let close = prop_oneof![6 => minute(), 1 => Just(1440)];
    (minute(), close).prop_map(|(open, close)| Hours { open, close })
}

/// A calendar of the dates around a change of the clocks.
pub(crate) fn calendar(zone: TimeZone, date: Date) -> impl Strategy<Value = Calendar> {
    let weekday = (0_i8..7).prop_map(|day| Weekday::from_monday_zero_offset(day).expect("a weekday"));
    let near =
        move || (-3_i64..4).prop_map(move |days| date.checked_add(jiff::Span::new().days(days)).expect("a date"));
    let weekly = prop::collection::vec((weekday, hours()), 0..9);
    let extra = prop::collection::vec((near(), prop::collection::vec(hours(), 0..3)), 0..2);
    (weekly, prop::collection::vec(near(), 0..3), extra).prop_map(move |(weekly, holidays, extra_days)| Calendar {
        zone: zone.clone(),
        weekly,
        holidays,
        extra_days,
    })
}

/// How many minutes a millisecond of the facts becomes.
const MINUTES: i64 = 12;

/// The same in two and a half days around a change of the clocks, with a calendar for the services, and one for the target.
pub(crate) fn over_days(scenarios: impl Strategy<Value = Scenario>) -> impl Strategy<Value = Scenario> {
    let kind = prop_oneof![2 => Just(None), 1 => Just(Some(Window::Day)), 1 => Just(Some(Window::Week))];
    (scenarios, prop::sample::select(CHANGES.to_vec()), kind, any::<bool>())
        .prop_flat_map(|(scenario, place, kind, own)| {
            let (zone, at) = change(place);
            let date = shown(&zone, at).date();
            let calendars = (calendar(zone.clone(), date), calendar(zone.clone(), date));
            (Just((scenario, zone, at, date, kind, own)), calendars)
        })
        .prop_map(|((scenario, zone, at, date, kind, own), (of_services, of_target))| {
            let mut stretched = stretched(scenario, at);
            stretched.clock = Clock { date, zone };
            stretched.calendars.insert("services".to_owned(), of_services);
            stretched.calendars.insert("target".to_owned(), of_target);
            for service in &mut stretched.services {
                service.calendar = Some("services".to_owned());
            }
            let agree = |target: &mut Target| {
                target.calendar = own.then(|| "target".to_owned());
                if let (Some(kind), Window::Span(..)) = (kind, target.window) {
                    target.window = kind;
                }
            };
            stretched.targets.iter_mut().for_each(agree);
            // From version to version the services have other hours, then none, then the first again.
            let hours = [Some("target"), None, Some("services")];
            for (version, hours) in stretched.versions.iter_mut().zip(hours.into_iter().cycle()) {
                version.targets.iter_mut().for_each(agree);
                for service in &mut version.services {
                    service.calendar = hours.map(str::to_owned);
                }
            }
            stretched
        })
}

/// Every time of a scenario times so many minutes, its middle at this instant.
fn stretched(mut scenario: Scenario, to: i64) -> Scenario {
    let unit = MINUTES * 60_000;
    let base = scenario.checks[0].now.min(scenario.targets[0].at);
    let moved = |at: i64| to + (at - base - LENGTH_MS / 2) * unit;
    let moved_span = |(from, to): Span| (moved(from), moved(to));
    for probe in scenario.probes.iter_mut().chain(scenario.versions.iter_mut().flat_map(|v| &mut v.probes)) {
        probe.stale_after_ms *= unit;
    }
    let later = scenario.versions.iter_mut().flat_map(|v| &mut v.services);
    for service in scenario.services.iter_mut().chain(later) {
        service.since = service.since.map(moved);
    }
    for one in &mut scenario.arrivals {
        (one.at, one.arrives_at) = (moved(one.at), moved(one.arrives_at));
    }
    for m in &mut scenario.maintenance {
        (m.span, m.announced, m.added) = (moved_span(m.span), moved(m.announced), moved(m.added));
        m.cancelled = m.cancelled.map(moved);
    }
    for x in &mut scenario.exclusions {
        (x.span, x.added, x.revoked) = (moved_span(x.span), x.added.map(moved), x.revoked.map(moved));
    }
    for version in &mut scenario.versions {
        (version.from, version.recorded) = (moved(version.from), moved(version.recorded));
    }
    for target in scenario.targets.iter_mut().chain(scenario.versions.iter_mut().flat_map(|v| &mut v.targets)) {
        target.at = moved(target.at);
        target.window = match target.window {
            Window::Span(from, to) => Window::Span(moved(from), moved(to)),
            Window::Rolling(length) => Window::Rolling(length * unit),
            other => other,
        };
        target.min_notice_ms *= unit;
        target.allowance_ms = target.allowance_ms.map(|ms| ms * unit);
        for ms in [&mut target.breaks.longest, &mut target.breaks.mtrs, &mut target.breaks.mtbsi] {
            *ms = ms.map(|ms| ms * unit);
        }
        for rule in target.alerts.iter_mut().flatten() {
            (rule.long, rule.short) = (rule.long * unit, rule.short * unit);
        }
    }
    for check in &mut scenario.checks {
        check.now = moved(check.now);
    }
    scenario
}
