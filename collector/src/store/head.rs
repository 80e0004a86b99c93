//! The head: rows that are durable in the journal and not yet in a part, in memory, by day and stream.
//!
//! It is rebuilt from the journal when the store is opened. Its size counts the rows and a little for each block; what
//! a vector holds in reserve is not counted, so the process may take up to twice that.

use std::collections::BTreeMap;

use uphold_common::time::{DAY_MS, Instant, Interval};

use super::numbered::ByNumber;
use super::rows::Block;

/// What a block costs beside its rows: its place in a map and its vector.
const BLOCK_BYTES: usize = 64;

/// The rows that wait to be sealed.
#[derive(Debug, Default)]
pub(super) struct Head {
    days: BTreeMap<i32, ByNumber<Block>>,
    bytes: usize,
    rows: usize,
}

impl Head {
    /// Adds rows of a stream; rows must be sorted.
    pub(super) fn add(&mut self, stream: u32, rows: Block) {
        let Some(span) = rows.span() else { return };
        let (first, last) = days_of(span);
        if first == last {
            self.add_to_day(first, stream, rows);
        } else {
            for (day, part) in rows.by_day() {
                self.add_to_day(day_number(day), stream, part);
            }
        }
    }

    fn add_to_day(&mut self, day: i32, stream: u32, rows: Block) {
        self.bytes += rows.bytes();
        self.rows += rows.len();
        let blocks = self.days.entry(day).or_default();
        if let Some(block) = blocks.get_mut(&stream) {
            block.append(&rows);
        } else {
            self.bytes += BLOCK_BYTES;
            blocks.insert(stream, rows);
        }
    }

    /// The rows of a stream on a day, in no order.
    pub(super) fn rows_of(&self, day: i32, stream: u32) -> Option<&Block> {
        self.days.get(&day)?.get(&stream)
    }

    /// The streams of a day with their blocks, ascending.
    pub(super) fn blocks(&self, day: i32) -> Vec<(u32, &Block)> {
        let blocks = self.days.get(&day).into_iter().flatten();
        let mut sorted: Vec<(u32, &Block)> = blocks.map(|(stream, block)| (*stream, block)).collect();
        sorted.sort_unstable_by_key(|(stream, _)| *stream);
        sorted
    }

    /// The days it has rows of, ascending.
    pub(super) fn days(&self) -> impl Iterator<Item = i32> {
        self.days.keys().copied()
    }

    /// What it takes in memory.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many rows wait.
    pub(super) const fn rows(&self) -> usize {
        self.rows
    }
}

/// A UTC day as it stands in keys; every instant's day fits.
pub(super) fn day_number(day: i64) -> i32 {
    i32::try_from(day).unwrap_or(if day < 0 { i32::MIN } else { i32::MAX })
}

/// The first and the last day that a span which is not empty touches.
pub(super) fn days_of(span: Interval) -> (i32, i32) {
    (day_number(span.start.utc_day()), day_number(span.end.minus_ms(1).utc_day()))
}

/// When a day is over.
pub(super) fn end_of(day: i32) -> Instant {
    Instant::from_ms((i64::from(day) + 1).saturating_mul(DAY_MS))
}
