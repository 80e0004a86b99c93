//! When an Alertmanager is told. Pure.
//!
//! At once when there is something new, else at its rhythm; after a failure later and later, but never later than at its
//! rhythm, unless it asked for more time. Something new does not shorten that wait: it is part of whatever is told next.

use uphold_common::time::Instant;

use super::state::Shape;
use crate::notify::retry::RetryPolicy;

/// The longest wait that an Alertmanager may ask for, in turns: what it was told stands for five.
const WAIT_TURNS_MAX: i64 = 3;

/// One Alertmanager's rhythm.
#[derive(Debug)]
pub struct Rhythm {
    every_ms: i64,
    retry: RetryPolicy,
    /// When it was told last, and what.
    told: Option<(Instant, Shape)>,
    /// How many attempts have failed since.
    failed: u32,
    not_before: Option<Instant>,
}

impl Rhythm {
    /// The rhythm of an Alertmanager that was never told.
    pub fn new(every_ms: i64) -> Self {
        // Never given up: what is told next is always the state as it is then.
        let retry = RetryPolicy { base_ms: 1_000, cap_ms: every_ms, give_up_after_ms: i64::MAX, attempts_min: 0 };
        Self { every_ms, retry, told: None, failed: 0, not_before: None }
    }

    /// Whether it is to be told now.
    pub fn is_due(&self, shape: &Shape, now: Instant) -> bool {
        if let Some(at) = self.not_before {
            // A wait that is longer than any was made by a clock that has been set back since.
            return at <= now || at.since_ms(now) > self.retry.longest_ms();
        }
        let Some((last, known)) = &self.told else { return true };
        let passed_ms = now.since_ms(*last);
        passed_ms >= self.every_ms || passed_ms < 0 || shape.iter().any(|one| !known.contains(one))
    }

    /// It was told at `now`.
    pub fn delivered(&mut self, shape: Shape, now: Instant) {
        self.told = Some((now, shape));
        self.failed = 0;
        self.not_before = None;
    }

    /// It could not be told. When the same would be refused again, it waits for its next turn. However long it is asked
    /// to wait, it is told again before what it was told last would end by itself.
    pub fn failed(&mut self, retryable: bool, retry_after_ms: Option<i64>, now: Instant, random: u32) {
        self.failed = self.failed.saturating_add(1);
        let longest_ms = self.every_ms.saturating_mul(WAIT_TURNS_MAX);
        let again_ms = self.retry.wait_ms(self.failed, retry_after_ms, random).min(longest_ms);
        self.not_before = Some(now.plus_ms(if retryable { again_ms } else { self.every_ms }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::model::Number;

    fn at(ms: i64) -> Instant {
        Instant::from_ms(ms)
    }

    fn shape(incidents: &[(u64, Option<i64>)]) -> Shape {
        incidents.iter().map(|(number, ended)| (Number(*number), ended.map(at))).collect()
    }

    #[test]
    fn it_is_told_what_is_new_at_once_and_else_at_its_rhythm() {
        let (nothing, one) = (shape(&[]), shape(&[(1, None)]));
        let mut rhythm = Rhythm::new(60_000);
        assert!(rhythm.is_due(&nothing, at(0)), "it was never told");
        rhythm.delivered(one.clone(), at(100_000));
        for (what, now, due) in [
            (&one, 100_001, false),
            (&one, 159_999, false),
            (&one, 160_000, true),
            (&shape(&[(1, None), (2, None)]), 100_001, true),
            (&shape(&[(1, Some(7))]), 100_001, true),
            (&nothing, 100_001, false),
            (&one, 99_999, true),
        ] {
            assert_eq!(rhythm.is_due(what, at(now)), due, "{what:?} at {now}");
        }
    }

    #[test]
    fn after_a_failure_it_waits_and_never_longer_than_its_rhythm_unless_asked() {
        let (one, two) = (shape(&[(1, None)]), shape(&[(1, None), (2, None)]));
        for (retryable, asked, failures, wait_ms) in [
            (true, None, 1, 1_000),
            (true, None, 3, 4_000),
            (true, None, 30, 60_000),
            (true, Some(90_000), 1, 90_000),
            (true, Some(3_600_000), 1, 180_000),
            (false, None, 1, 60_000),
        ] {
            let mut rhythm = Rhythm::new(60_000);
            rhythm.delivered(one.clone(), at(0));
            (0..failures).for_each(|_| rhythm.failed(retryable, asked, at(5_000), u32::MAX));
            assert!(!rhythm.is_due(&two, at(5_000 + wait_ms - 1)), "{asked:?} {failures}");
            assert!(rhythm.is_due(&one, at(5_000 + wait_ms)), "{asked:?} {failures}");
            assert!(rhythm.is_due(&one, at(5_000 - 2 * 3_600_000)), "the clock was set back");
            rhythm.delivered(one.clone(), at(70_000));
            assert!(!rhythm.is_due(&one, at(70_001)) && rhythm.is_due(&two, at(70_001)), "all is forgiven");
        }
    }
}
