//! The head: rows that are durable in the journal and not yet in a chunk, in memory, by day and stream.
//!
//! It is rebuilt from the journal when the store is opened. Its size counts the rows and a little for each block; what
//! a vector holds in reserve is not counted, so the process may take up to twice that.

use std::collections::BTreeMap;

use uphold_common::time::{DAY_MS, Instant, Interval};

use super::rows::Block;
use super::stream::StreamKind;

/// What a block costs beside its rows: its place in two maps and its vector.
const BLOCK_BYTES: usize = 96;

/// The rows that wait to be sealed.
#[derive(Debug, Default)]
pub(super) struct Head {
    days: BTreeMap<i32, BTreeMap<u32, Block>>,
    bytes: usize,
    rows: usize,
}

impl Head {
    /// Adds rows of a stream; rows must be sorted.
    pub(super) fn add(&mut self, stream: u32, rows: &Block) {
        for (day, part) in rows.by_day() {
            let blocks = self.days.entry(day_number(day)).or_default();
            let block = blocks.entry(stream).or_insert_with(|| {
                self.bytes += BLOCK_BYTES;
                Block::empty(part.kind())
            });
            block.take_from(&part, all_time());
            self.bytes += part.bytes();
            self.rows += part.len();
        }
    }

    /// The rows of a stream in `span`, in no order.
    pub(super) fn rows_within(&self, stream: u32, kind: StreamKind, span: Interval) -> Block {
        let mut rows = Block::empty(kind);
        if !span.is_empty() {
            let (first, last) = days_of(span);
            for block in self.days.range(first..=last).filter_map(|(_, blocks)| blocks.get(&stream)) {
                rows.take_from(block, span);
            }
        }
        rows
    }

    /// Its blocks in the order of chunk keys.
    pub(super) fn blocks(&self) -> impl Iterator<Item = (i32, u32, &Block)> {
        self.days.iter().flat_map(|(day, blocks)| blocks.iter().map(|(stream, block)| (*day, *stream, block)))
    }

    /// The days it has rows of.
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

/// Every instant.
pub(super) const fn all_time() -> Interval {
    // The last instant itself lies outside of a half-open interval; nothing is admitted that far ahead.
    Interval::new(Instant::MIN, Instant::MAX)
}
