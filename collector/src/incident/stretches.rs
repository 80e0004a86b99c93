//! Stretches of a service's timeline that want an incident of their own: long degraded, long not measured. Pure.
//!
//! Degraded time adds up until the service is seen up. Time in which it was down, or nothing was seen, neither counts nor
//! ends it. Time that was not measured ends with whatever is seen first.

use uphold_common::catalogue::model::Threshold;
use uphold_common::measure::capacity::Level;
use uphold_common::measure::timeline::Timeline;
use uphold_common::observation::State;
use uphold_common::time::{Instant, Interval};

use super::episode::Episode;
use super::holding::Holding;

/// The stretches in which a service was degraded for `after_ms`.
pub fn degraded(timeline: &Timeline, after_ms: i64) -> Vec<Episode> {
    let level = |state| match state {
        State::Degraded => Level::Warning,
        State::Up => Level::Below,
        State::Down | State::Unmeasured => Level::Unmeasured,
    };
    held(timeline, after_ms, Instant::MIN, level)
}

/// The stretches in which nothing was seen of it for `after_ms`. What lies before the first thing that was seen counts from
/// `from` on: nobody can know what was before anybody looked.
pub fn unmeasured(timeline: &Timeline, after_ms: i64, from: Instant) -> Vec<Episode> {
    let begins = timeline.stretches().first().filter(|stretch| stretch.state == State::Unmeasured);
    let from = begins.map_or(Instant::MIN, |stretch| from.min(stretch.interval.end).max(stretch.interval.start));
    let level = |state| match state {
        State::Unmeasured => Level::Warning,
        State::Up | State::Degraded | State::Down => Level::Below,
    };
    held(timeline, after_ms, from, level)
}

fn held(timeline: &Timeline, after_ms: i64, from: Instant, level: impl Fn(State) -> Level) -> Vec<Episode> {
    let mut holding = Holding::new(Threshold::Warning, after_ms);
    for stretch in timeline.stretches() {
        let interval = Interval::new(stretch.interval.start.max(from), stretch.interval.end);
        if !interval.is_empty() {
            holding.push(interval, level(stretch.state));
        }
    }
    holding.episodes(Instant::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeline(row: &str) -> Timeline {
        let mut timeline = Timeline::default();
        for (i, c) in row.chars().enumerate() {
            let start = Instant::from_ms(10 * i64::try_from(i).unwrap());
            let state = match c {
                'u' => State::Up,
                'g' => State::Degraded,
                'D' => State::Down,
                _ => State::Unmeasured,
            };
            timeline.push(Interval::new(start, start.plus_ms(10)), state);
        }
        timeline
    }

    fn shown(episodes: &[Episode]) -> Vec<(i64, Option<i64>, bool)> {
        episodes.iter().map(|e| (e.started.as_ms(), e.ended.map(Instant::as_ms), e.is_enough)).collect()
    }

    #[test]
    fn degraded_time_adds_up_until_it_is_seen_up() {
        for (row, expected) in [
            ("uggu", vec![]),
            ("ugggu", vec![(10, Some(40), true)]),
            ("ug.gDgu", vec![(10, Some(60), true)]),
            ("ugg", vec![(10, None, false)]),
            ("uggug.g", vec![(40, None, false)]),
        ] {
            assert_eq!(shown(&degraded(&timeline(row), 30)), expected, "{row}");
        }
    }

    #[test]
    fn nobody_is_blamed_for_what_was_before_anybody_looked() {
        let at = Instant::from_ms;
        for (row, from, expected) in [
            ("....", 20, vec![(20, None, true)]),
            ("....u", 20, vec![(20, Some(40), true)]),
            ("....u", 30, vec![]),
            ("....u", 90, vec![]),
            ("u...D", 30, vec![(10, Some(40), true)]),
            ("u..", 0, vec![(10, None, true)]),
            ("u.", 0, vec![(10, None, false)]),
        ] {
            assert_eq!(shown(&unmeasured(&timeline(row), 20, at(from))), expected, "{row} {from}");
        }
    }
}
