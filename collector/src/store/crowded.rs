//! How many rows a stream has on a day, where they are many.
//!
//! The day of a stream is merged, rolled up and measured in one piece, so it must not hold more rows than memory has room
//! for. A probe that is attempted each second makes 86,400; a million are kept. It is *about* a million, because
//! what is counted here is what the head had a crowd of when it was sealed, and what a merge found: rows that trickle in,
//! or that wait in parts from before a start, count from the next merge on.

use std::collections::BTreeMap;

/// From how many rows of a stream and a day in the head on they are a crowd.
pub(super) const CROWD: u32 = 4096;
/// From how many merged rows of a stream and a day on they are counted.
const COUNTED_FROM: u64 = 1 << 16;

/// The rows of days of streams with many, beside those in the head.
#[derive(Debug, Default)]
pub(super) struct Crowded(BTreeMap<(i32, u32), u64>);

impl Crowded {
    /// Whether nothing is known to be crowded.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many rows a stream has on a day, as far as they were counted.
    pub(super) fn rows(&self, day: i32, stream: u32) -> u64 {
        self.0.get(&(day, stream)).copied().unwrap_or_default()
    }

    /// Whether the rows of a stream's day are counted.
    pub(super) fn counts(&self, day: i32, stream: u32) -> bool {
        self.0.contains_key(&(day, stream))
    }

    /// More rows were sealed.
    pub(super) fn add(&mut self, day: i32, stream: u32, rows: u64) {
        let known = self.0.entry((day, stream)).or_default();
        *known = known.saturating_add(rows);
    }

    /// So many there are altogether.
    pub(super) fn merged(&mut self, day: i32, stream: u32, rows: u64) {
        if rows >= COUNTED_FROM {
            self.0.insert((day, stream), rows);
        } else {
            self.0.remove(&(day, stream));
        }
    }

    /// The days before `day` are forgotten.
    pub(super) fn forget_before(&mut self, day: i32) {
        self.0 = self.0.split_off(&(day, 0));
    }
}
