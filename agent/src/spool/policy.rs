//! What a spool that is full lets go; pure.

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_few_of_the_oldest_go_as_make_room() {
        let policy = SpoolPolicy::new(SpoolConfig { bytes_max: 100, overflow: Overflow::DropOldest });
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
}
