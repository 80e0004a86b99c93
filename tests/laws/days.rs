//! Days: those of a window add up to it in every zone, and a timeline derived day by day is the whole one.
//!
//! The collector keeps settled days and derives each from its own observations and those within
//! [`VantageLaw::context_ms`]; late data makes it derive the days within the same distance again.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use proptest::prelude::*;
use uphold_common::catalogue::{self, model::WindowKind};
use uphold_common::ids::ProbeId;
use uphold_common::measure::kinds::{Account, Kinds};
use uphold_common::measure::law::{Step, VantageLaw};
use uphold_common::measure::service::service_timeline;
use uphold_common::measure::timeline::Timeline;
use uphold_common::measure::vantage::{VantageRules, vantage_timeline};
use uphold_common::measure::window::{Window, local_days};
use uphold_common::observation::{Cause, Micros, Observation, Outcome, Phases, State, settle_all};
use uphold_common::time::{DAY_MS, Instant, Interval};

use crate::made_up::config;

/// Zones and instants close to a change of their clocks; on one of them a whole date is missing.
const CHANGES: [(&str, &str); 6] = [
    ("Europe/Zurich", "2026-03-29T01:00:00Z"),
    ("Europe/Zurich", "2026-10-25T01:00:00Z"),
    ("Australia/Lord_Howe", "2026-10-03T15:30:00Z"),
    ("America/Sao_Paulo", "2018-11-04T03:00:00Z"),
    ("Pacific/Apia", "2011-12-30T10:00:00Z"),
    ("UTC", "1970-01-01T00:00:00Z"),
];

/// A service of two probes.
const TWO_PROBES: &str = "
organisation: { name: Example, time_zone: UTC }
services:
  - id: s
    name: S
    probes:
      - { id: a, agents: [x], interval: 1m, timeout: 1s, tcp: { address: 'a:1' } }
      - { id: b, agents: [x], interval: 1m, timeout: 1s, tcp: { address: 'a:1' } }
";

fn observations() -> impl Strategy<Value = Vec<Observation>> {
    let outcome = prop_oneof![
        3 => Just(Outcome::Up), 1 => Just(Outcome::Degraded), 4 => Just(Outcome::Down), 1 => Just(Outcome::Unknown)
    ];
    prop::collection::vec((0_i64..16, outcome), 0..120).prop_map(|rows| {
        let mut at = -40;
        let mut all: Vec<Observation> = rows
            .into_iter()
            .map(|(gap, outcome)| {
                at += gap;
                observation(at, outcome)
            })
            .collect();
        settle_all(&mut all);
        all
    })
}

fn observation(at: i64, outcome: Outcome) -> Observation {
    let (at, total, phases) = (Instant::from_ms(at), Micros::NONE, Phases::default());
    Observation { at, outcome, cause: Cause::None, code: 0, total, phases }
}

fn rules() -> impl Strategy<Value = VantageRules> {
    (1_i64..16, 1_u32..5, 1_u32..5).prop_map(|(reach_ms, fall, rise)| VantageRules { reach_ms, fall, rise })
}

fn laws() -> impl Strategy<Value = VantageLaw> {
    prop::collection::vec((-100_i64..1_000, rules()), 1..4).prop_filter_map("at least one step", |mut steps| {
        steps.sort_by_key(|(from, _)| *from);
        let step = |(from, rules)| Step { from: Instant::from_ms(from), rules };
        VantageLaw::of(steps.into_iter().map(step))
    })
}

fn span(from: i64, to: i64) -> Interval {
    Interval::new(Instant::from_ms(from), Instant::from_ms(to))
}

/// A timeline over `whole` that changes after these lengths.
fn timeline(whole: Interval, lengths: &[(i64, State)]) -> Timeline {
    let (mut timeline, mut at) = (Timeline::default(), whole.start);
    for (length, state) in lengths {
        let part = Interval::new(at, at.plus_ms(*length)).intersect(whole);
        timeline.push(part, *state);
        at = at.plus_ms(*length);
    }
    timeline
}

fn added(sum: Kinds, more: Kinds) -> Kinds {
    Kinds {
        not_agreed: sum.not_agreed + more.not_agreed,
        maintenance: sum.maintenance + more.maintenance,
        excluded: sum.excluded + more.excluded,
        up: sum.up + more.up,
        degraded: sum.degraded + more.degraded,
        down: sum.down + more.down,
        unmeasured: sum.unmeasured + more.unmeasured,
    }
}

type Lengths = Vec<(i64, State)>;

fn lengths() -> impl Strategy<Value = Lengths> {
    let state = prop_oneof![Just(State::Up), Just(State::Degraded), Just(State::Unmeasured), Just(State::Down)];
    prop::collection::vec((1..DAY_MS / 2, state), 0..100)
}

proptest! {
    #![proptest_config(config())]

    /// Each day from its own observations and its context, and all days together: the timeline of all at once.
    #[test]
    fn day_by_day_is_the_whole(all in observations(), law in laws(), day in 5_i64..200, first in -60_i64..0) {
        let whole = span(first, first + 1000);
        let mut joined = Timeline::default();
        let mut start = whole.start;
        while start < whole.end {
            let today = Interval::new(start, start.plus_ms(day).min(whole.end));
            let law = law.deciding(today);
            let context = law.context_ms();
            let near = Interval::new(today.start.minus_ms(context), today.end.plus_ms(context));
            let near: Vec<Observation> = all.iter().copied().filter(|o| near.contains(o.at)).collect();
            for stretch in vantage_timeline(&near, &law, today).stretches() {
                joined.push(stretch.interval, stretch.state);
            }
            start = today.end;
        }
        prop_assert_eq!(joined, vantage_timeline(&all, &law, whole));
    }

    /// What arrives late changes nothing farther away than the context, and nothing before what had settled by then.
    #[test]
    fn late_data_touches_what_is_near(all in observations(), rules in rules(), at in -50_i64..900, down in any::<bool>()) {
        let mut more = all.clone();
        more.push(observation(at, if down { Outcome::Down } else { Outcome::Up }));
        settle_all(&mut more);
        let (whole, law) = (span(-200, 1200), VantageLaw::from(rules));
        let (before, after) = (vantage_timeline(&all, &law, whole), vantage_timeline(&more, &law, whole));
        let settling = rules.reach_ms * i64::from(rules.fall + rules.rise);
        for far in [span(-200, at - settling), span(at + law.context_ms() + 1, 1200)] {
            prop_assert_eq!(before.clip(far), after.clip(far));
        }
    }

    /// Law 2: the days of a window add up to it, whatever the clock did, before and after its end and the entry.
    #[test]
    fn the_days_of_a_window_add_up(
        change in prop::sample::select(CHANGES.to_vec()),
        kind in prop::sample::select(vec!["day", "week", "month", "7d", "36h"]),
        (held, as_of, entry) in (-40..40_i64, -40..40_i64, -40..40_i64),
        (a, b) in (lengths(), lengths()),
    ) {
        let zone = TimeZone::get(change.0).expect("a zone of the bundled data");
        let around = Instant::parse(change.1).expect("an instant");
        let after = |quarters: i64| around.plus_ms(quarters * DAY_MS / 4 + quarters);
        let kind = WindowKind::parse(kind).expect("a kind of window");
        let window = Window::holding(kind, &zone, after(held), after(as_of));
        let elapsed = window.elapsed();
        let ids = ["s/a", "s/b"].map(|id| id.parse::<ProbeId>().expect("an id"));
        let probes = ids.into_iter().zip([timeline(elapsed, &a), timeline(elapsed, &b)]).collect();
        let service = catalogue::read(&[("a.yaml", TWO_PROBES)]).expect("a sound catalogue").services;
        let formula = &service.values().next().expect("a service").structure.formula;
        let seen = service_timeline(formula, &probes, elapsed);
        let account = Account::of(elapsed, after(entry), &seen.states);
        let days = local_days(&zone, elapsed);

        prop_assert!(elapsed.start <= elapsed.end && elapsed.start == window.interval.start);
        prop_assert_eq!(account.kinds.total(), elapsed.len_ms());
        let sum = days.iter().map(|(_, part)| account.kinds_within(*part)).fold(Kinds::default(), added);
        prop_assert_eq!(sum, account.kinds);
        let (mut whole, mut by_day) = (BTreeMap::new(), BTreeMap::new());
        seen.charge(elapsed, &mut whole);
        for (_, part) in &days {
            seen.charge(*part, &mut by_day);
        }
        whole.retain(|_, ms| *ms != 0);
        by_day.retain(|_, ms| *ms != 0);
        prop_assert_eq!(&whole, &by_day);
        let down = seen.states.stretches().iter().filter(|s| s.state == State::Down).map(|s| s.interval.len_ms());
        prop_assert_eq!(whole.values().sum::<i64>(), down.sum::<i64>());
    }
}
