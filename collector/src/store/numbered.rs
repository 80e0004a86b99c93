//! Maps by the numbers of streams. We give those ourselves, one after the other, so nobody can choose them to collide, and
//! they are found with one multiplication.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

/// Values by the number of a stream.
pub(super) type ByNumber<V> = HashMap<u32, V, BuildHasherDefault<NumberHasher>>;

/// Numbers of streams.
pub(super) type Numbers = HashSet<u32, BuildHasherDefault<NumberHasher>>;

/// Spreads numbers over all bits.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct NumberHasher(u64);

/// 2^64 divided by the golden ratio: the multiples of neighbours lie far apart.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

impl Hasher for NumberHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(SPREAD);
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.0 = (self.0 ^ u64::from(number)).wrapping_mul(SPREAD);
    }
}
