//! The head: rows that are durable in the journal and not yet in a part, in memory, as they arrived.
//!
//! ```text
//! rows     of each kind: segments of SEGMENT_ROWS, filled one after the other
//! pieces   where the rows of a piece begin, how many they are, which piece of the same stream and day came before
//! days     day → stream → its last piece
//! ```
//!
//! A batch brings a row or two of each of its streams, so nothing is made for a stream alone: its rows are found by
//! going from its last piece to the first. The head is rebuilt from the journal when the store is opened.

use std::collections::{BTreeMap, BTreeSet};

use uphold_common::observation::{Observation, Reading, Volume};
use uphold_common::time::{DAY_MS, Instant, Interval};

use super::crowded::CROWD;
use super::numbered::ByNumber;
use super::rows::{Block, Slice};
use super::stream::StreamKind;

/// How many rows a segment has room for.
const SEGMENT_ROWS: usize = 4096;

/// The rows that wait to be sealed.
#[derive(Debug, Default)]
pub(super) struct Head {
    observations: Segments<Observation>,
    readings: Segments<Reading>,
    volumes: Segments<Volume>,
    pieces: Segments<Piece>,
    days: BTreeMap<i32, ByNumber<Last>>,
    /// The days of streams that have many rows.
    crowded: BTreeSet<(i32, u32)>,
    bytes: usize,
    rows: usize,
}

/// Rows of a stream on a day that follow each other in a segment.
#[derive(Clone, Copy, Debug)]
struct Piece {
    begin: u32,
    rows: u32,
    /// The piece before it, or [`NONE`].
    before: u32,
}

const NONE: u32 = u32::MAX;

/// The last piece of a stream on a day, and how many rows all of them have.
#[derive(Clone, Copy, Debug)]
struct Last {
    kind: StreamKind,
    piece: u32,
    rows: u32,
}

/// Rows in segments, so that none is ever moved to make room for more.
#[derive(Debug)]
struct Segments<R>(Vec<Vec<R>>);

impl<R> Default for Segments<R> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<R: Copy> Segments<R> {
    /// Takes as many of `rows` as go into one segment: where they begin, and how many they are.
    fn put(&mut self, rows: &[R]) -> (u32, u32) {
        if self.0.last().is_none_or(|last| last.len() >= SEGMENT_ROWS) {
            self.0.push(Vec::with_capacity(SEGMENT_ROWS));
        }
        let full = (self.0.len() - 1) * SEGMENT_ROWS;
        let Some(last) = self.0.last_mut() else { return (0, 0) };
        let begin = full + last.len();
        let taken = rows.get(..SEGMENT_ROWS - last.len()).unwrap_or(rows);
        last.extend_from_slice(taken);
        // The head is bounded far below what these numbers can say.
        (u32::try_from(begin).unwrap_or(NONE), u32::try_from(taken.len()).unwrap_or(NONE))
    }

    fn get(&self, begin: u32, rows: u32) -> &[R] {
        let (begin, rows) = (begin as usize, rows as usize);
        let of_segment = self.0.get(begin / SEGMENT_ROWS);
        of_segment.and_then(|rows_of| rows_of.get(begin % SEGMENT_ROWS..)?.get(..rows)).unwrap_or_default()
    }
}

impl Head {
    /// Adds rows of a stream; rows must be sorted.
    pub(super) fn add(&mut self, stream: u32, rows: Slice<'_>) {
        let Some(span) = rows.span() else { return };
        let (first, last) = days_of(span);
        if first == last {
            self.add_to_day(first, stream, rows);
        } else {
            for (day, rows) in rows.by_day() {
                self.add_to_day(day_number(day), stream, rows);
            }
        }
    }

    fn add_to_day(&mut self, day: i32, stream: u32, rows: Slice<'_>) {
        self.bytes += rows.bytes();
        self.rows += rows.len();
        let streams = self.days.entry(day).or_default();
        let bytes = streams.bytes();
        let mut last = streams.get(stream).copied().unwrap_or(Last { kind: rows.kind(), piece: NONE, rows: 0 });
        let mut left = rows;
        while !left.is_empty() {
            let (begin, taken) = match left {
                Slice::Probe(rows) => self.observations.put(rows),
                Slice::Capacity(rows) => self.readings.put(rows),
                Slice::Volume(rows) => self.volumes.put(rows),
            };
            left = left.skip(taken as usize);
            last.rows += taken;
            (last.piece, _) = self.pieces.put(&[Piece { begin, rows: taken, before: last.piece }]);
            self.bytes += size_of::<Piece>();
        }
        streams.insert(stream, last);
        if last.rows >= CROWD {
            self.crowded.insert((day, stream));
        }
        self.bytes += streams.bytes() - bytes;
    }

    fn slice(&self, kind: StreamKind, piece: Piece) -> Slice<'_> {
        match kind {
            StreamKind::Probe => Slice::Probe(self.observations.get(piece.begin, piece.rows)),
            StreamKind::Capacity => Slice::Capacity(self.readings.get(piece.begin, piece.rows)),
            StreamKind::Volume => Slice::Volume(self.volumes.get(piece.begin, piece.rows)),
        }
    }

    /// The pieces of a stream that are not older than the piece `from`, the newest first.
    fn pieces(&self, last: Last, from: u32) -> impl Iterator<Item = Slice<'_>> {
        let mut next = last.piece;
        std::iter::from_fn(move || {
            let wanted = next != NONE && next >= from;
            let piece = wanted.then(|| self.pieces.get(next, 1).first().copied()).flatten()?;
            next = piece.before;
            Some(self.slice(last.kind, piece))
        })
    }

    /// Whether there are rows of a stream on a day.
    pub(super) fn contains(&self, day: i32, stream: u32) -> bool {
        self.days.get(&day).is_some_and(|streams| streams.contains(stream))
    }

    /// The rows of a stream on a day, as they arrived.
    pub(super) fn rows_of(&self, day: i32, stream: u32) -> Option<Block> {
        let last = *self.days.get(&day)?.get(stream)?;
        let mut pieces: Vec<Slice<'_>> = self.pieces(last, 0).collect();
        pieces.reverse();
        let mut block = Block::with_room(last.kind, pieces.iter().map(|piece| piece.len()).sum());
        for piece in pieces {
            block.extend(piece);
        }
        Some(block)
    }

    /// How many rows of a stream on a day there are.
    pub(super) fn rows_on(&self, day: i32, stream: u32) -> u64 {
        self.days.get(&day).and_then(|streams| streams.get(stream)).map_or(0, |last| u64::from(last.rows))
    }

    /// The days of streams that have many rows.
    pub(super) const fn crowded(&self) -> &BTreeSet<(i32, u32)> {
        &self.crowded
    }

    /// The streams that have rows on a day, ascending.
    pub(super) fn streams(&self, day: i32) -> Vec<u32> {
        let mut streams: Vec<u32> =
            self.days.get(&day).into_iter().flat_map(|of| of.iter().map(|(stream, _)| stream)).collect();
        streams.sort_unstable();
        streams
    }

    /// What stands here now, for [`Self::added_since`].
    pub(super) fn mark(&self) -> u32 {
        let full = self.pieces.0.len().saturating_sub(1) * SEGMENT_ROWS;
        u32::try_from(full + self.pieces.0.last().map_or(0, Vec::len)).unwrap_or(NONE)
    }

    /// What was added since a mark was taken: each stream with pieces of its rows, day by day.
    pub(super) fn added_since(&self, mark: u32) -> impl Iterator<Item = (u32, impl Iterator<Item = Slice<'_>>)> {
        let fresh = move |last: &Last| last.piece != NONE && last.piece >= mark;
        let streams = self.days.values().flat_map(ByNumber::iter).filter(move |(_, last)| fresh(last));
        streams.map(move |(stream, last)| (stream, self.pieces(*last, mark)))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::*;

    fn observations(from: i64, count: i64) -> Vec<Observation> {
        (from..from + count).map(|ms| up(ms * 10)).collect()
    }

    #[test]
    fn rows_of_streams_are_found_among_others_and_over_segments() {
        let (mut head, mut expected) = (Head::default(), Vec::new());
        let many = i64::try_from(SEGMENT_ROWS / 3 * 2).unwrap();
        for turn in 0..5 {
            let rows = observations(turn * many, many);
            head.add(7, Slice::Probe(&rows));
            expected.extend(rows);
            head.add(8, Slice::Probe(&[up(turn)]));
            head.add(9, Slice::Capacity(&[Reading { at: at(turn), used: 1, limit: 2 }]));
        }
        let day = days_of(Interval::new(at(0), at(1))).0;
        assert_eq!(head.rows_of(day, 7), Some(Block::Probe(expected)));
        assert_eq!(head.rows_of(day, 8).map(|rows| rows.len()), Some(5));
        assert_eq!(head.rows_of(day, 9).map(|rows| rows.kind()), Some(StreamKind::Capacity));
        assert_eq!((head.rows_of(day, 6), head.rows_of(day + 1, 7)), (None, None));
        assert_eq!((head.streams(day), head.rows()), (vec![7, 8, 9], usize::try_from(5 * many).unwrap() + 10));
    }

    #[test]
    fn what_was_added_since_a_mark_is_told_once() {
        let mut head = Head::default();
        head.add(1, Slice::Probe(&observations(0, 3)));
        head.add(2, Slice::Probe(&observations(0, 2)));
        let mark = head.mark();
        let added = |head: &Head, mark| {
            let of = |rows: &mut dyn Iterator<Item = Slice<'_>>| rows.map(Slice::len).sum::<usize>();
            let mut added: Vec<(u32, usize)> =
                head.added_since(mark).map(|(stream, mut rows)| (stream, of(&mut rows))).collect();
            added.sort_unstable();
            added
        };
        assert_eq!(added(&head, mark), []);
        head.add(1, Slice::Probe(&observations(5, 1)));
        // Over midnight: a piece of each day.
        head.add(3, Slice::Probe(&[up(DAY_MS - 1), up(DAY_MS)]));
        assert_eq!(added(&head, mark), [(1, 1), (3, 1), (3, 1)]);
        assert_eq!(added(&head, 0), [(1, 4), (2, 2), (3, 1), (3, 1)]);
    }
}
