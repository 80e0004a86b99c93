//! Rules 2 to 4: from observations to the states of a vantage point, and from vantage points to a probe.

use super::{Out, Seen, Settings, St};

/// The observations that count: those before `now`, in order, one for each instant.
///
/// Of two at one instant the worse counts (down, then degraded, then up, then unknown) with its own duration; of
/// equal ones the longest, none being the shortest.
pub fn settled(seen: &[Seen], now: i64) -> Vec<Seen> {
    let weight = |s: &Seen| match s.out {
        Out::Down => 3,
        Out::Degraded => 2,
        Out::Up => 1,
        Out::Unknown => 0,
    };
    let mut all: Vec<Seen> = seen.iter().filter(|s| s.at < now).copied().collect();
    // Of those at one instant the one that counts comes last.
    all.sort_by_key(|s| (s.at, weight(s), s.us));
    let last = |i: &usize| all.get(i + 1).is_none_or(|next| next.at != all[*i].at);
    (0..all.len()).filter(last).map(|i| all[i]).collect()
}

/// The states of one vantage point, one for each tick of `span` (from, to).
pub fn vantage_states(seen: &[Seen], settings: &[Settings], now: i64, span: (i64, i64)) -> Vec<St> {
    let kept = settled(seen, now);
    let confirmed = confirm(&kept, settings);
    let state_at = |t| speaker(&kept, settings, t).and_then(|i| confirmed.get(i).copied()).unwrap_or(St::Unmeasured);
    (span.0..span.1).map(state_at).collect()
}

/// The settings in force at an instant.
fn in_force(settings: &[Settings], at: i64) -> Settings {
    let newest = settings.iter().rev().find(|s| s.from <= at).or_else(|| settings.first());
    newest.copied().unwrap_or(Settings { from: 0, reach: 0, fall: 1, rise: 1 })
}

/// Which observation speaks for an instant: the newest one not after it, if its reach goes so far.
fn speaker(kept: &[Seen], settings: &[Settings], t: i64) -> Option<usize> {
    let newest = kept.partition_point(|s| s.at <= t).checked_sub(1)?;
    let at = kept.get(newest)?.at;
    (t < at + in_force(settings, at).reach).then_some(newest)
}

/// What each observation stands for once failures are confirmed.
fn confirm(kept: &[Seen], settings: &[Settings]) -> Vec<St> {
    let mut words: Vec<St> = kept
        .iter()
        .map(|s| match s.out {
            Out::Up => St::Up,
            Out::Degraded => St::Degraded,
            Out::Down => St::Down,
            Out::Unknown => St::Unmeasured,
        })
        .collect();
    // Whether observation i follows the one before it with no unmeasured time between them.
    let follows: Vec<bool> = (0..kept.len())
        .map(|i| i > 0 && kept.get(i).is_some_and(|s| speaker(kept, settings, s.at - 1) == Some(i - 1)))
        .collect();
    let rules_of = |run: &Run| kept.get(run.first).map(|s| in_force(settings, s.at));

    for run in runs(&words, &follows) {
        let short = rules_of(&run).is_some_and(|r| run.len() < r.fall);
        if run.down && short {
            words[run.first..=run.last].fill(St::Degraded);
        }
    }
    let again = runs(&words, &follows);
    for run in again.iter().filter(|r| !r.down) {
        let short = rules_of(run).is_some_and(|r| run.len() < r.rise);
        let before = again.iter().any(|b| b.down && b.last + 1 == run.first && follows[run.first]);
        let after = again.iter().any(|a| a.down && run.last + 1 == a.first && follows[a.first]);
        if short && before && after {
            words[run.first..=run.last].fill(St::Down);
        }
    }
    words
}

/// Neighbouring observations of one kind, both ends included.
struct Run {
    first: usize,
    last: usize,
    down: bool,
}

impl Run {
    const fn len(&self) -> usize {
        self.last - self.first + 1
    }
}

/// The runs among the states; an unknown (here unmeasured) belongs to none.
fn runs(words: &[St], follows: &[bool]) -> Vec<Run> {
    let mut all: Vec<Run> = Vec::new();
    for (i, word) in words.iter().enumerate().filter(|(_, w)| **w != St::Unmeasured) {
        let down = *word == St::Down;
        match all.last_mut() {
            Some(run) if run.last + 1 == i && follows[i] && run.down == down => run.last = i,
            _ => all.push(Run { first: i, last: i, down }),
        }
    }
    all
}

/// The states of a probe out of those of its assigned vantage points, which are equally long.
pub fn probe_states(vantages: &[Vec<St>], quorum: Option<usize>, ticks: usize) -> Vec<St> {
    (0..ticks).map(|t| probe_state(vantages.iter().filter_map(|v| v.get(t).copied()).collect(), quorum)).collect()
}

fn probe_state(mut states: Vec<St>, quorum: Option<usize>) -> St {
    let place = if let Some(k) = quorum {
        k.min(states.len())
    } else {
        states.retain(|s| *s != St::Unmeasured);
        states.len().div_ceil(2)
    };
    states.sort_unstable();
    place.checked_sub(1).and_then(|i| states.get(i).copied()).unwrap_or(St::Unmeasured)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULT: Settings = Settings { from: 0, reach: 25, fall: 2, rise: 1 };

    /// One letter an observation, one each 10 ticks from 0: `u`, `s`low, `D`own, `?` unknown, `.` nothing.
    fn seen(letters: &str) -> Vec<Seen> {
        let out = |c| match c {
            'u' => Some(Out::Up),
            's' => Some(Out::Degraded),
            'D' => Some(Out::Down),
            '?' => Some(Out::Unknown),
            _ => None,
        };
        (0..).step_by(10).zip(letters.chars()).filter_map(|(at, c)| Some(Seen::new(at, out(c)?))).collect()
    }

    /// One letter for each 5 ticks: `u`, `d`egraded, `D`own, `-` unmeasured.
    fn told(seen: &[Seen], settings: Settings, ticks: i64) -> String {
        let states = vantage_states(seen, &[settings], i64::MAX, (0, ticks));
        let letter = |s: &St| match s {
            St::Up => 'u',
            St::Degraded => 'd',
            St::Unmeasured => '-',
            St::Down => 'D',
        };
        states.iter().step_by(5).map(letter).collect()
    }

    #[test]
    fn an_observation_speaks_until_the_next_or_as_far_as_it_reaches() {
        assert_eq!(told(&seen("uu"), DEFAULT, 50), "uuuuuuu---");
        assert_eq!(told(&seen("u...u"), DEFAULT, 50), "uuuuu---uu");
        assert_eq!(told(&seen("u?u"), DEFAULT, 50), "uu--uuuuu-");
    }

    #[test]
    fn a_failure_that_is_not_confirmed_is_degraded() {
        assert_eq!(told(&seen("uDu"), DEFAULT, 30), "uudduu");
        assert_eq!(told(&seen("uDDu"), DEFAULT, 40), "uuDDDDuu");
        assert_eq!(told(&seen("uDDu"), Settings { fall: 3, ..DEFAULT }, 40), "uudddduu");
        // The newest run may still grow.
        assert_eq!(told(&seen("uD"), DEFAULT, 20), "uudd");
    }

    #[test]
    fn an_outage_begins_at_its_first_failure_and_ends_at_the_first_success() {
        assert_eq!(told(&seen("uDDDu"), Settings { fall: 3, ..DEFAULT }, 50), "uuDDDDDDuu");
    }

    #[test]
    fn a_recovery_shorter_than_rise_between_two_outages_is_down() {
        let rise = Settings { rise: 2, ..DEFAULT };
        assert_eq!(told(&seen("DDuDD"), rise, 50), "DDDDDDDDDD");
        assert_eq!(told(&seen("DDuuDD"), rise, 60), "DDDDuuuuDDDD");
        // The short failure becomes degraded first, and joins the recovery: three in a row.
        assert_eq!(told(&seen("DDuDuDD"), Settings { rise: 3, ..DEFAULT }, 70), "DDDDuudduuDDDD");
        assert_eq!(told(&seen("DDuDuDD"), Settings { rise: 4, ..DEFAULT }, 70), "DDDDDDDDDDDDDD");
        // At either end of what is known there is no outage on the other side.
        assert_eq!(told(&seen("uDDu"), rise, 40), "uuDDDDuu");
    }

    #[test]
    fn silence_and_unknown_end_runs() {
        assert_eq!(told(&seen("D?D"), DEFAULT, 30), "dd--dd");
        assert_eq!(told(&seen("D...D"), DEFAULT, 50), "ddddd---dd");
        assert_eq!(told(&seen("DD?uDD"), Settings { rise: 2, ..DEFAULT }, 60), "DDDD--uuDDDD");
        // An observation that comes exactly where the other's reach ends leaves no unmeasured time.
        let touching = [Seen::new(0, Out::Down), Seen::new(25, Out::Down)];
        assert_eq!(told(&touching, DEFAULT, 40), "DDDDDDDD");
        let apart = [Seen::new(0, Out::Down), Seen::new(26, Out::Down)];
        assert_eq!(told(&apart, DEFAULT, 40), "ddddd-dd");
    }

    #[test]
    fn twice_at_one_instant_the_worse_counts() {
        let order = [Out::Unknown, Out::Up, Out::Degraded, Out::Down];
        for (i, better) in order.iter().enumerate() {
            for worse in &order[i..] {
                let (a, b) = (Seen::new(5, *better), Seen { at: 5, out: *worse, us: Some(0) });
                assert_eq!(settled(&[a, b], 6), vec![b]);
                assert_eq!(settled(&[b, a], 6), vec![b]);
            }
        }
        assert_eq!(settled(&[Seen::new(5, Out::Up)], 5), vec![], "at or after now takes no part");
    }

    #[test]
    fn settings_hold_from_the_first_observation_of_a_run() {
        let stricter = Settings { from: 15, reach: 25, fall: 3, rise: 1 };
        let states = vantage_states(&seen("uDDu"), &[DEFAULT, stricter], i64::MAX, (0, 40));
        assert_eq!(states[10], St::Down, "the run began under fall 2");
        let states = vantage_states(&seen("uuDDu"), &[DEFAULT, stricter], i64::MAX, (0, 50));
        assert_eq!(states[20], St::Degraded, "the run began under fall 3");
    }

    #[test]
    fn the_default_quorum_is_half_of_those_that_see_something() {
        use St::{Degraded, Down, Unmeasured, Up};
        assert_eq!(probe_state(vec![Down, Up], None), Up);
        assert_eq!(probe_state(vec![Down, Up, Down], None), Down);
        assert_eq!(probe_state(vec![Down, Unmeasured, Unmeasured], None), Down);
        assert_eq!(probe_state(vec![Down, Degraded, Up, Unmeasured], None), Degraded);
        assert_eq!(probe_state(vec![Unmeasured], None), Unmeasured);
        assert_eq!(probe_state(vec![], None), Unmeasured);
    }

    #[test]
    fn a_quorum_looks_at_all_of_them() {
        use St::{Down, Unmeasured, Up};
        assert_eq!(probe_state(vec![Down, Up, Unmeasured], Some(1)), Up);
        assert_eq!(probe_state(vec![Down, Up, Unmeasured], Some(2)), Unmeasured);
        assert_eq!(probe_state(vec![Down, Up, Unmeasured], Some(3)), Down);
        assert_eq!(probe_state(vec![Up, Unmeasured], Some(3)), Unmeasured, "fewer than k: the worst");
        assert_eq!(probe_state(vec![], Some(1)), Unmeasured);
    }
}
