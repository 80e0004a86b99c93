//! Confirmation and silence, by table: each line is a row of outcomes and the states the rules give it.

use super::*;
use crate::measure::law::Step;
use crate::observation::{Cause, Micros, Phases};

/// `u` up, `s` slow, `D` down, `?` unknown, `.` nothing arrived; one a second, reach 2.5 s.
fn observed(row: &str) -> Vec<Observation> {
    let outcome = |c| match c {
        'u' => Outcome::Up,
        's' => Outcome::Degraded,
        'D' => Outcome::Down,
        _ => Outcome::Unknown,
    };
    let each = row.chars().enumerate().filter(|(_, c)| *c != '.');
    each.map(|(i, c)| Observation {
        at: Instant::from_ms(i as i64 * 1000),
        outcome: outcome(c),
        cause: Cause::None,
        code: 0,
        total: Micros::NONE,
        phases: Phases::default(),
    })
    .collect()
}

/// The state in the middle of each second: `u`, `d`egraded, `D`own, `.` unmeasured.
fn shown(row: &str, fall: u32, rise: u32) -> String {
    let rules = VantageRules { reach_ms: 2500, fall, rise };
    let span = Interval::new(Instant::from_ms(0), Instant::from_ms(row.chars().count() as i64 * 1000));
    let timeline = vantage_timeline(&observed(row), &rules.into(), span);
    assert_eq!(timeline.span(), Some(span));
    let letter = |s| match s {
        State::Up => 'u',
        State::Degraded => 'd',
        State::Down => 'D',
        State::Unmeasured => '.',
    };
    (0..row.chars().count() as i64).map(|s| letter(timeline.state_at(Instant::from_ms(s * 1000 + 700)))).collect()
}

#[test]
fn outages_are_confirmed_from_their_first_failure() {
    for (row, fall, rise, states) in [
        ("uuDDuu", 2, 1, "uuDDuu"),
        ("uuDuuu", 2, 1, "uuduuu"),
        ("uuDuuu", 1, 1, "uuDuuu"),
        ("uDDDDu", 5, 1, "uddddu"),
        ("uuuuuD", 2, 1, "uuuuud"),
        ("uuuuDD", 2, 1, "uuuuDD"),
        ("sDDs", 2, 1, "dDDd"),
    ] {
        assert_eq!(shown(row, fall, rise), states, "{row} fall {fall} rise {rise}");
    }
}

#[test]
fn a_recovery_too_short_between_two_outages_is_none() {
    for (row, fall, rise, states) in [
        ("DDuDD", 2, 2, "DDDDD"),
        ("DDuuDD", 2, 2, "DDuuDD"),
        ("DDuuDD", 2, 3, "DDDDDD"),
        ("DDu", 2, 2, "DDu"),
        ("uDDuD", 2, 2, "uDDud"),
        ("DDuDuDD", 2, 2, "DDuduDD"),
        ("DDuDuDD", 2, 4, "DDDDDDD"),
        ("DDu?DD", 2, 2, "DDu.DD"),
    ] {
        assert_eq!(shown(row, fall, rise), states, "{row} fall {fall} rise {rise}");
    }
}

#[test]
fn silence_and_unknown_are_unmeasured_and_end_runs() {
    for (row, fall, states) in [
        ("uu....uu", 2, "uuu...uu"),
        ("D...D...", 2, "dd..dd.."),
        ("D..D", 2, "dd.d"),
        ("D.D.", 2, "DDDD"),
        ("uD?Du", 2, "ud.du"),
        ("u??u", 2, "u..u"),
        ("........", 2, "........"),
    ] {
        assert_eq!(shown(row, fall, 1), states, "{row}");
    }
}

#[test]
fn what_lies_beyond_the_context_decides_nothing() {
    let mut seed = 7_u64;
    let mut draw = |below: u32| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from((seed >> 33) % u64::from(below)).unwrap()
    };
    for _ in 0..300 {
        let outcomes = ['u', 'u', 'D', 'D', 'D', 's', '?', '.', 'u', 'D'];
        let row: String = (0..120).map(|_| outcomes[draw(10) as usize]).collect();
        let all = observed(&row);
        let mut step = |from| {
            let rules =
                VantageRules { reach_ms: 1_500 + 500 * i64::from(draw(10)), fall: 1 + draw(4), rise: 1 + draw(4) };
            Step { from: Instant::from_ms(from), rules }
        };
        let law = VantageLaw::of([step(0), step(30_500), step(45_500), step(80_000)]).unwrap();
        let whole = vantage_timeline(&all, &law, Interval::new(Instant::from_ms(0), Instant::from_ms(120_000)));
        for start in (20_000..90_000).step_by(7_300) {
            let span = Interval::new(Instant::from_ms(start), Instant::from_ms(start + 9_000));
            let law = law.deciding(span);
            let (from, to) = (span.start.minus_ms(law.context_ms()), span.end.plus_ms(law.context_ms()));
            let near: Vec<_> = all.iter().copied().filter(|o| from <= o.at && o.at < to).collect();
            assert_eq!(vantage_timeline(&near, &law, span), whole.clip(span), "{row} from {start} by {law:?}");
        }
    }
}

#[test]
fn an_observation_and_a_run_follow_the_rules_in_force_at_them() {
    let rules = |reach_ms, fall| VantageRules { reach_ms, fall, rise: 1 };
    let law = VantageLaw::of([
        Step { from: Instant::from_ms(0), rules: rules(1_000, 2) },
        Step { from: Instant::from_ms(4_000), rules: rules(3_000, 3) },
    ]);
    let span = Interval::new(Instant::from_ms(0), Instant::from_ms(10_000));
    for (row, states) in [
        // It begins where two confirm it, and goes on where three would have to.
        ("uuuDDuuuuu", "uuuDDuuuuu"),
        ("uuuuDDuuuu", "uuuudduuuu"),
        // The last one from before speaks for a second, the first one after for three.
        ("uuu..u....", "uuu..uuu.."),
    ] {
        let timeline = vantage_timeline(&observed(row), law.as_ref().unwrap(), span);
        let letter = |second: i64| match timeline.state_at(Instant::from_ms(second * 1_000 + 700)) {
            State::Up => 'u',
            State::Degraded => 'd',
            State::Down => 'D',
            State::Unmeasured => '.',
        };
        assert_eq!((0..10).map(letter).collect::<String>(), states, "{row}");
    }
}
