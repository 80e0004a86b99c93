//! When to try again, and when to give up. Pure: the random part is an argument.

use uphold_common::time::{DAY_MS, Instant};

/// Longest wait that a receiver may ask for with `Retry-After`.
pub const RETRY_AFTER_MAX_MS: i64 = 3_600_000;

/// Full-jitter exponential backoff, and an end to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The bound of the first wait.
    pub base_ms: i64,
    /// The bound of every wait but those that receivers ask for.
    pub cap_ms: i64,
    /// How long after its creation a message is still tried again.
    pub give_up_after_ms: i64,
    /// How often it is tried at least, however old it is: it may have waited while the collector was off, or the clock been
    /// wrong.
    pub attempts_min: u32,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { base_ms: 1_000, cap_ms: 300_000, give_up_after_ms: 3 * DAY_MS, attempts_min: 10 }
    }
}

impl RetryPolicy {
    /// How long to wait after the failed attempt number `attempts`, counted from 1.
    ///
    /// Anywhere between nothing and the bound, which doubles with each attempt: `random` says where, evenly over its
    /// range. So receivers that came back are not met by everything at once. What a receiver asked for is waited for.
    pub fn wait_ms(&self, attempts: u32, retry_after_ms: Option<i64>, random: u32) -> i64 {
        let doublings = attempts.saturating_sub(1).min(30);
        let bound = self.base_ms.saturating_mul(1 << doublings).min(self.cap_ms).max(0);
        let wait = i128::from(bound) * i128::from(random) / i128::from(u32::MAX);
        let asked = retry_after_ms.unwrap_or(0).clamp(0, RETRY_AFTER_MAX_MS);
        i64::try_from(wait).unwrap_or(bound).max(asked)
    }

    /// Whether a message of this age that has failed so often is given up.
    pub fn gives_up(&self, created: Instant, now: Instant, attempts: u32) -> bool {
        attempts >= self.attempts_min && now.since_ms(created) >= self.give_up_after_ms
    }

    /// Longest wait it ever gives. A message that would have to wait longer was put off by a clock that has been set
    /// back since.
    pub fn longest_ms(&self) -> i64 {
        self.cap_ms.max(RETRY_AFTER_MAX_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_cap_and_are_spread_evenly() {
        let policy = RetryPolicy::default();
        let table = [
            (1, None, u32::MAX, 1_000),
            (2, None, u32::MAX, 2_000),
            (9, None, u32::MAX, 256_000),
            (10, None, u32::MAX, 300_000),
            (u32::MAX, None, u32::MAX, 300_000),
            (5, None, 0, 0),
            (5, None, u32::MAX / 2, 7_999),
            (0, None, u32::MAX, 1_000),
            (1, Some(30_000), u32::MAX, 30_000),
            (10, Some(30_000), u32::MAX, 300_000),
            (1, Some(i64::MAX), 0, RETRY_AFTER_MAX_MS),
            (1, Some(-5), 0, 0),
        ];
        for (attempts, asked, random, wait) in table {
            assert_eq!(policy.wait_ms(attempts, asked, random), wait, "{attempts} {asked:?} {random}");
        }
    }

    #[test]
    fn a_message_is_given_up_three_days_after_its_creation_and_ten_attempts() {
        let (policy, created) = (RetryPolicy::default(), Instant::from_ms(5));
        assert!(!policy.gives_up(created, created.plus_ms(3 * DAY_MS - 1), 900));
        assert!(policy.gives_up(created, created.plus_ms(3 * DAY_MS), 10));
        assert!(!policy.gives_up(created, created.plus_ms(30 * DAY_MS), 9), "the collector was off");
        assert!(!policy.gives_up(created, created.minus_ms(DAY_MS), 900), "the clock was set back");
    }
}
