//! How many requests an identity may make: token buckets in a bounded table.
//!
//! A bucket holds `burst` tokens and gains `per_second` of them each second; a request takes one, and one that finds
//! none is told how long to wait. A bucket is kept as the moment at which it will be full again, so one that is full
//! needs no place. The table holds at most [`BUCKETS_MAX`]; when it is full, the bucket that is nearest to full goes
//! first, since whoever it belongs to gains the least.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Stopwatch;
use crate::limits::{Limit, Limiter};

/// Most buckets that are remembered.
pub const BUCKETS_MAX: usize = 10_000;

/// Token buckets by identity; `now` is the time since any moment that stays the same.
///
/// ```
/// use std::time::Duration;
/// use uphold_collector::listen::rate::Buckets;
///
/// let mut buckets = Buckets::new(10, 2);
/// let now = Duration::from_secs(60);
/// assert_eq!(buckets.take("agent zurich-1", now), Ok(()));
/// assert_eq!(buckets.take("agent zurich-1", now), Ok(()));
/// assert_eq!(buckets.take("agent zurich-1", now), Err(Duration::from_millis(100)), "how long to wait");
/// assert_eq!(buckets.take("agent geneva-1", now), Ok(()), "everybody has their own");
/// assert_eq!(buckets.take("agent zurich-1", now + Duration::from_millis(100)), Ok(()));
/// ```
#[derive(Debug)]
pub struct Buckets {
    /// How long it takes to gain a token.
    gain: Duration,
    /// How long it takes to fill an empty bucket.
    fill: Duration,
    full_at: HashMap<Arc<str>, Duration>,
    in_order: BTreeSet<(Duration, Arc<str>)>,
    most: usize,
}

impl Buckets {
    /// Buckets of `burst` tokens that gain `per_second` each second; both at least 1.
    pub fn new(per_second: u32, burst: u32) -> Self {
        let gain = Duration::from_secs(1) / per_second.max(1);
        let fill = gain * burst.max(1);
        Self { gain, fill, full_at: HashMap::new(), in_order: BTreeSet::new(), most: BUCKETS_MAX }
    }

    /// Takes a token of `identity`, or says how long to wait for one.
    pub fn take(&mut self, identity: &str, now: Duration) -> Result<(), Duration> {
        let known = self.full_at.get_key_value(identity).map(|(identity, full_at)| (Arc::clone(identity), *full_at));
        let full_at = known.as_ref().map_or(now, |(_, full_at)| (*full_at).max(now)) + self.gain;
        if let Some(wait) = full_at.checked_sub(now + self.fill).filter(|wait| !wait.is_zero()) {
            return Err(wait);
        }
        let identity = if let Some((identity, before)) = known {
            self.in_order.remove(&(before, Arc::clone(&identity)));
            identity
        } else {
            self.make_room(now);
            Arc::from(identity)
        };
        self.in_order.insert((full_at, Arc::clone(&identity)));
        self.full_at.insert(identity, full_at);
        Ok(())
    }

    /// How many buckets are remembered.
    pub fn len(&self) -> usize {
        self.full_at.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.full_at.is_empty()
    }

    /// Forgets a few buckets that are full, and the fullest one if there is no room all the same.
    fn make_room(&mut self, now: Duration) {
        const FULL_AT_ONCE: usize = 4;
        for _ in 0..FULL_AT_ONCE {
            let full = self.in_order.first().is_some_and(|(full_at, _)| *full_at <= now);
            if !full && self.full_at.len() < self.most {
                break;
            }
            let Some((_, identity)) = self.in_order.pop_first() else { break };
            self.full_at.remove(&identity);
        }
    }
}

/// The buckets that every connection shares, under the limits `requests_per_second` and `request_burst`.
#[derive(Clone, Debug)]
pub struct Rates {
    buckets: Arc<Mutex<Buckets>>,
    limiter: Limiter,
    since: Stopwatch,
}

impl Rates {
    /// Buckets as the limits say.
    pub fn new(limiter: Limiter) -> Self {
        let of = |limit| u32::try_from(limiter.limits().of(limit)).unwrap_or(u32::MAX);
        let buckets = Buckets::new(of(Limit::RequestsPerSecond), of(Limit::RequestBurst));
        Self { buckets: Arc::new(Mutex::new(buckets)), limiter, since: Stopwatch::start() }
    }

    /// Takes a token of `identity`, or counts that there was none and says after how many whole seconds to come again.
    pub fn take(&self, identity: &str) -> Result<(), u32> {
        let now = self.since.elapsed();
        let taken = self.buckets.lock().unwrap_or_else(PoisonError::into_inner).take(identity, now);
        taken.map_err(|wait| {
            self.limiter.reached(Limit::RequestsPerSecond);
            self.limiter.reached(Limit::RequestBurst);
            u32::try_from(wait.as_millis().div_ceil(1_000)).unwrap_or(u32::MAX).max(1)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_bucket_empties_and_fills_again() {
        let mut buckets = Buckets::new(2, 3);
        for (now, expected) in [
            (0, Ok(())),
            (0, Ok(())),
            (0, Ok(())),
            (0, Err(ms(500))),
            (200, Err(ms(300))),
            (500, Ok(())),
            (500, Err(ms(500))),
            (60_000, Ok(())),
            (60_000, Ok(())),
            (60_000, Ok(())),
            (60_000, Err(ms(500))),
        ] {
            assert_eq!(buckets.take("a", ms(now)), expected, "at {now}");
        }
    }

    #[test]
    fn in_the_long_run_it_is_the_rate() {
        let mut buckets = Buckets::new(50, 500);
        let taken = (0..60_000).filter(|now| buckets.take("a", ms(*now)).is_ok()).count();
        assert!((3_499..=3_501).contains(&taken), "{taken}");
    }

    #[test]
    fn the_table_is_bounded_and_the_fullest_goes_first() {
        let mut buckets = Buckets { most: 3, ..Buckets::new(1, 9) };
        for identity in ["greedy", "greedy", "greedy", "a", "b", "b"] {
            buckets.take(identity, ms(0)).unwrap();
        }
        buckets.take("c", ms(0)).unwrap();
        assert_eq!(buckets.len(), 3);
        assert!(!buckets.full_at.contains_key("a") && buckets.full_at.contains_key("greedy"));
        for other in 0..100_000 {
            buckets.take(&format!("x{other}"), ms(other / 100)).unwrap();
        }
        assert_eq!((buckets.len(), buckets.in_order.len()), (3, 3));
        buckets.take("d", ms(1_000_000)).unwrap();
        assert_eq!(buckets.len(), 1, "those that are full need no place");
        assert!(!buckets.is_empty());
    }

    #[test]
    fn a_refusal_is_counted_and_says_whole_seconds() {
        let limiter = Limiter::new(crate::limits::Limits::default().with(Limit::RequestBurst, 1));
        let rates = Rates::new(limiter.clone());
        assert_eq!((rates.take("a"), rates.take("a"), rates.take("b")), (Ok(()), Err(1), Ok(())));
        assert_eq!((limiter.count(Limit::RequestsPerSecond), limiter.count(Limit::RequestBurst)), (1, 1));
    }
}
