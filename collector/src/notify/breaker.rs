//! When a receiver that fails again and again is left alone. Pure.
//!
//! ```text
//!            five failures in a row              the pause is over
//!   closed ────────────────────────▶ open ─────────────────────────▶ one attempt
//!      ▲                              ▲                                │      │
//!      └──────────────────────────────┼──────── it is delivered ──────┘      │
//!                                     └── it fails: a longer pause ──────────┘
//! ```
//!
//! A message that is refused for good is given up, and the next would be tried at once: a receiver whose password is wrong
//! would have everything that waits refused within moments. So failures of whatever message count, and pauses hold for all.
//! Known in memory only: after a start a receiver is tried anew.

use uphold_common::time::Instant;

/// How many failures, and which pauses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerPolicy {
    /// How many failures in a row open it.
    pub after: u32,
    /// The first pause.
    pub base_ms: i64,
    /// The longest; each is twice as long as the one before.
    pub cap_ms: i64,
}

impl Default for BreakerPolicy {
    fn default() -> Self {
        Self { after: 5, base_ms: 30_000, cap_ms: 300_000 }
    }
}

/// The breaker of one receiver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Breaker {
    failures: u32,
    not_before: Option<Instant>,
}

impl Breaker {
    /// Whether an attempt may be made.
    pub fn lets(&self, policy: &BreakerPolicy, now: Instant) -> bool {
        // A pause that is longer than any was begun by a clock that has been set back since.
        self.not_before.is_none_or(|at| at <= now || at.since_ms(now) > policy.cap_ms)
    }

    /// Whether it is open: what waits, waits, and one attempt after each pause probes the receiver.
    pub const fn is_open(&self) -> bool {
        self.not_before.is_some()
    }

    /// After one more failure. Between three quarters of a pause and all of it, as `random` says, so that receivers that
    /// failed together are not probed together.
    #[must_use]
    pub fn failed(self, policy: &BreakerPolicy, now: Instant, random: u32) -> Self {
        let failures = self.failures.saturating_add(1);
        let Some(doublings) = failures.checked_sub(policy.after) else { return Self { failures, not_before: None } };
        let longest = policy.base_ms.saturating_mul(1 << doublings.min(30)).min(policy.cap_ms);
        let part = i64::try_from(i128::from(longest / 4) * i128::from(random) / i128::from(u32::MAX)).unwrap_or(0);
        Self { failures, not_before: Some(now.plus_ms(longest - longest / 4 + part)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Instant {
        Instant::from_ms(ms)
    }

    #[test]
    fn five_failures_open_it_and_pauses_grow_up_to_five_minutes() {
        let policy = BreakerPolicy::default();
        let mut breaker = Breaker::default();
        for _ in 0..4 {
            breaker = breaker.failed(&policy, at(0), u32::MAX);
            assert!(!breaker.is_open() && breaker.lets(&policy, at(0)));
        }
        for pause in [30_000, 60_000, 120_000, 240_000, 300_000, 300_000] {
            breaker = breaker.failed(&policy, at(7), u32::MAX);
            assert!(breaker.is_open() && !breaker.lets(&policy, at(7 + pause - 1)), "{pause}");
            assert!(breaker.lets(&policy, at(7 + pause)), "{pause}");
            assert!(breaker.lets(&policy, at(7 - 300_001)), "the clock was set back");
        }
        let early = Breaker { failures: 4, not_before: None }.failed(&policy, at(0), 0);
        assert!(!early.lets(&policy, at(22_499)) && early.lets(&policy, at(22_500)));
        assert!(breaker.failed(&policy, at(0), 0).is_open());
        assert!(Breaker { failures: u32::MAX, not_before: None }.failed(&policy, at(0), 0).is_open());
    }
}
