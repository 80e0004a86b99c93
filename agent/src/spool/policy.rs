//! What a spool lets go: of what waits when it is full, of what was acknowledged when it is much or old; pure.

use uphold_common::time::Instant;

use super::kept::KeptBatch;
use crate::config::{Overflow, SpoolConfig};

/// A file takes whole blocks of a disk; counting them bounds the number of files along with their bytes.
const BLOCK_BYTES: u64 = 4096;

/// What a spool holds, and what it lets go when there is more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpoolPolicy {
    bytes_max: u64,
    overflow: Overflow,
}

impl SpoolPolicy {
    /// The policy of a configured spool.
    pub const fn new(config: SpoolConfig) -> Self {
        Self { bytes_max: config.bytes_max, overflow: config.overflow }
    }

    /// What a file of `bytes` takes on disk.
    pub const fn disk_bytes(bytes: u64) -> u64 {
        bytes.div_ceil(BLOCK_BYTES).saturating_mul(BLOCK_BYTES)
    }

    /// How many of the oldest batches go so that `incoming` fits, given what each takes on disk, oldest first.
    pub fn to_drop(&self, disk_bytes: impl Iterator<Item = u64> + Clone, incoming: u64) -> usize {
        let Overflow::DropOldest = self.overflow;
        let mut held: u64 = disk_bytes.clone().fold(incoming, u64::saturating_add);
        let mut dropped = 0;
        for bytes in disk_bytes {
            if held <= self.bytes_max {
                break;
            }
            held = held.saturating_sub(bytes);
            dropped += 1;
        }
        dropped
    }
}

/// Most batches that are kept once they were acknowledged: what is known of each takes memory.
const KEPT_MAX: usize = 65_536;
/// How many go at once for their age alone: files are removed where batches are written, and those must not wait long.
const AGED_AT_ONCE: usize = 64;

/// What of the acknowledged batches is kept to be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplayPolicy {
    age_ms: i64,
    bytes_max: u64,
}

impl ReplayPolicy {
    /// The policy of a configured spool.
    pub const fn new(config: SpoolConfig) -> Self {
        Self { age_ms: config.replay_age_ms, bytes_max: config.replay_bytes_max }
    }

    /// Whether nothing is kept at all.
    pub const fn is_off(&self) -> bool {
        self.bytes_max == 0 || self.age_ms == 0
    }

    /// How many of the oldest go, given all of them, oldest first, how many there are, and what they take on disk.
    pub(super) fn excess(
        &self,
        batches: impl Iterator<Item = KeptBatch>,
        count: usize,
        disk_bytes: u64,
        now: Instant,
    ) -> usize {
        let (mut left, mut bytes) = (count, disk_bytes);
        for (gone, batch) in batches.enumerate() {
            let too_much = self.is_off() || bytes > self.bytes_max || left > KEPT_MAX;
            let too_old = gone < AGED_AT_ONCE && now.since_ms(batch.since) > self.age_ms;
            if !too_much && !too_old {
                return gone;
            }
            left = left.saturating_sub(1);
            bytes = bytes.saturating_sub(batch.disk_bytes);
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_few_of_the_oldest_go_as_make_room() {
        let policy = SpoolPolicy::new(SpoolConfig { bytes_max: 100, ..SpoolConfig::default() });
        for (held, incoming, dropped) in [
            (&[][..], 100, 0),
            (&[50, 50], 0, 0),
            (&[50, 50], 1, 1),
            (&[10, 10, 80], 15, 2),
            (&[10, 10, 80], 200, 3),
            (&[u64::MAX], 1, 1),
        ] {
            assert_eq!(policy.to_drop(held.iter().copied(), incoming), dropped, "{held:?} + {incoming}");
        }
        assert_eq!([0, 1, 4096, 4097].map(SpoolPolicy::disk_bytes), [0, 4096, 4096, 8192]);
    }
    #[test]
    fn the_oldest_that_are_too_much_or_too_old_are_let_go() {
        let kept = |batches: &[(u64, i64)]| -> Vec<KeptBatch> {
            (1..).zip(batches).map(|(seq, (bytes, since_ms))| KeptBatch::of(seq, *bytes, *since_ms)).collect()
        };
        let now = Instant::from_ms(1_000);
        for (age_ms, bytes_max, batches, gone) in [
            (500, 100, &[][..], 0),
            (500, 100, &[(50, 900), (50, 950)], 0),
            (500, 99, &[(50, 900), (50, 950)], 1),
            (500, 100, &[(10, 499), (10, 500), (10, 950)], 1),
            (500, 100, &[(10, 2_000), (10, 100), (10, 950)], 0),
            (500, 25, &[(10, 2_000), (10, 100), (10, 950)], 2),
            (500, 9, &[(10, 999)], 1),
            (500, 0, &[(10, 999), (10, 999)], 2),
            (0, 100, &[(10, 1_000)], 1),
        ] {
            let policy = ReplayPolicy { age_ms, bytes_max };
            let all = kept(batches);
            let disk_bytes = all.iter().map(|batch| batch.disk_bytes).sum();
            let told = policy.excess(all.iter().copied(), all.len(), disk_bytes, now);
            assert_eq!(told, gone, "{age_ms} ms, {bytes_max} bytes: {batches:?}");
            assert_eq!(policy.is_off(), age_ms == 0 || bytes_max == 0);
        }
        let policy = ReplayPolicy { age_ms: 500, bytes_max: u64::MAX };
        let many = |since_ms: i64, count: usize| {
            policy.excess((0..count as u64).map(|seq| KeptBatch::of(seq, 1, since_ms)), count, count as u64, now)
        };
        assert_eq!(many(0, 1_000), AGED_AT_ONCE, "the rest goes with the next");
        assert_eq!(many(999, KEPT_MAX + 9), 9, "their number is bounded whatever their budget");
        let before_all = policy.excess(std::iter::once(KeptBatch::of(1, 1, 999)), 1, 1, Instant::MIN);
        assert_eq!(before_all, 0, "a clock that was set back lets nothing go");
    }
}
