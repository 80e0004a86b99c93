//! Section 4 of the rules: from the timelines of a probe's vantage points to the probe's timeline.

use crate::observation::State;
use crate::time::Interval;

use super::timeline::{Timeline, side_by_side};

/// The timeline of a probe over `span`, out of those of its assigned vantage points.
///
/// Without a `quorum` the probe has the ⌈M/2⌉-th best state of the M vantage points that see something. With one it
/// has the k-th best of all, in the order up, degraded, unmeasured, down; with fewer than k, the worst.
pub fn probe_timeline(vantage: &[&Timeline], quorum: Option<u32>, span: Interval) -> Timeline {
    let mut timeline = Timeline::default();
    let mut sorted = Vec::with_capacity(vantage.len());
    side_by_side(vantage, span, |interval, states| {
        sorted.clear();
        sorted.extend_from_slice(states);
        timeline.push(interval, agreed(&mut sorted, quorum));
    });
    timeline
}

fn agreed(states: &mut Vec<State>, quorum: Option<u32>) -> State {
    if quorum.is_none() {
        states.retain(|s| *s != State::Unmeasured);
    }
    states.sort_unstable();
    let k = quorum.map_or(states.len().div_ceil(2), |k| k as usize);
    let kth = k.checked_sub(1).and_then(|place| states.get(place));
    kth.or(states.last()).copied().unwrap_or(State::Unmeasured)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vantage_points_agree_by_the_rules() {
        let read = |row: &str| -> Vec<State> {
            let state = |c| match c {
                'u' => State::Up,
                'g' => State::Degraded,
                'D' => State::Down,
                _ => State::Unmeasured,
            };
            row.chars().map(state).collect()
        };
        for (row, quorum, expected) in [
            ("", None, State::Unmeasured),
            ("..", None, State::Unmeasured),
            ("D", None, State::Down),
            ("uD", None, State::Up),
            ("uDD", None, State::Down),
            ("ugD", None, State::Degraded),
            ("u.DD", None, State::Down),
            ("u.D.", None, State::Up),
            ("", Some(1), State::Unmeasured),
            ("uD", Some(2), State::Down),
            ("u.", Some(2), State::Unmeasured),
            (".D", Some(1), State::Unmeasured),
            ("ug.D", Some(3), State::Unmeasured),
            ("uD", Some(3), State::Down),
            ("u", Some(3), State::Up),
        ] {
            assert_eq!(agreed(&mut read(row), quorum), expected, "{row} {quorum:?}");
        }
    }
}
