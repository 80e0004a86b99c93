//! The rows of one stream, whichever of the three kinds it is, and how two rows of the same instant are settled.
//!
//! Observations are settled by the law in `common`. Of two readings at one instant the higher utilisation counts, by
//! exact cross multiplication, then the larger amount in use; of two volumes the one over the longer stretch, then the
//! larger amount. Each is a total order, so the order of arrival never matters.

use std::cmp::Ordering;

use uphold_common::observation::{Observation, Reading, Volume, settle_all};
use uphold_common::time::{Instant, Interval};
use uphold_common::wire::sheet::RowsOf;

use super::stream::StreamKind;

/// Rows of one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Block {
    /// Of a vantage point.
    Probe(Vec<Observation>),
    /// Of a resource.
    Capacity(Vec<Reading>),
    /// Of a flow.
    Volume(Vec<Volume>),
}

/// Rows of one stream, where they lie; sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slice<'a> {
    /// Of a vantage point.
    Probe(&'a [Observation]),
    /// Of a resource.
    Capacity(&'a [Reading]),
    /// Of a flow.
    Volume(&'a [Volume]),
}

/// What all rows have.
pub(super) trait Row: Copy {
    /// The instant it stands at.
    fn at(&self) -> Instant;
    /// Sorts by instant, and keeps one row of each.
    fn settle_all(rows: &mut Vec<Self>);
}

impl Row for Observation {
    fn at(&self) -> Instant {
        self.at
    }

    fn settle_all(rows: &mut Vec<Self>) {
        settle_all(rows);
    }
}

impl Row for Reading {
    fn at(&self) -> Instant {
        self.at
    }

    fn settle_all(rows: &mut Vec<Self>) {
        rows.sort_by(|a, b| a.at.cmp(&b.at).then_with(|| utilisation(b, a)));
        rows.dedup_by_key(|row| row.at);
    }
}

impl Row for Volume {
    fn at(&self) -> Instant {
        self.at
    }

    fn settle_all(rows: &mut Vec<Self>) {
        rows.sort_by_key(|row| (row.at, std::cmp::Reverse((row.over_ms, row.amount))));
        rows.dedup_by_key(|row| row.at);
    }
}

/// Sorts readings, and keeps the one of each instant that counts.
pub fn settle_readings(rows: &mut Vec<Reading>) {
    Row::settle_all(rows);
}

/// Sorts volumes, and keeps the one of each instant that counts.
pub fn settle_volumes(rows: &mut Vec<Volume>) {
    Row::settle_all(rows);
}

/// How `a` is used compared with `b`: used / limit, then used.
pub(super) fn utilisation(a: &Reading, b: &Reading) -> Ordering {
    let cross = |x: &Reading, y: &Reading| u128::from(x.used) * u128::from(y.limit);
    cross(a, b).cmp(&cross(b, a)).then(a.used.cmp(&b.used))
}

impl Block {
    /// No rows of this kind.
    pub(super) const fn empty(kind: StreamKind) -> Self {
        match kind {
            StreamKind::Probe => Self::Probe(Vec::new()),
            StreamKind::Capacity => Self::Capacity(Vec::new()),
            StreamKind::Volume => Self::Volume(Vec::new()),
        }
    }

    /// As [`Self::empty`], with room for so many.
    pub(super) fn with_room(kind: StreamKind, rows: usize) -> Self {
        match kind {
            StreamKind::Probe => Self::Probe(Vec::with_capacity(rows)),
            StreamKind::Capacity => Self::Capacity(Vec::with_capacity(rows)),
            StreamKind::Volume => Self::Volume(Vec::with_capacity(rows)),
        }
    }

    /// The rows, where they lie; they must be sorted.
    pub(super) fn as_slice(&self) -> Slice<'_> {
        match self {
            Self::Probe(rows) => Slice::Probe(rows),
            Self::Capacity(rows) => Slice::Capacity(rows),
            Self::Volume(rows) => Slice::Volume(rows),
        }
    }

    /// Adds all rows of the same kind; rows of another kind have no place here and are left out.
    pub(super) fn append(&mut self, other: &Self) {
        self.extend(other.as_slice());
    }

    /// As [`Self::append`].
    pub(super) fn extend(&mut self, more: Slice<'_>) {
        match (self, more) {
            (Self::Probe(rows), Slice::Probe(more)) => rows.extend_from_slice(more),
            (Self::Capacity(rows), Slice::Capacity(more)) => rows.extend_from_slice(more),
            (Self::Volume(rows), Slice::Volume(more)) => rows.extend_from_slice(more),
            _ => {}
        }
    }

    /// Which kind the rows are.
    pub(super) const fn kind(&self) -> StreamKind {
        match self {
            Self::Probe(_) => StreamKind::Probe,
            Self::Capacity(_) => StreamKind::Capacity,
            Self::Volume(_) => StreamKind::Volume,
        }
    }

    /// How many rows there are.
    pub(super) const fn len(&self) -> usize {
        match self {
            Self::Probe(rows) => rows.len(),
            Self::Capacity(rows) => rows.len(),
            Self::Volume(rows) => rows.len(),
        }
    }

    /// What the rows take in memory with what their vector has in reserve.
    pub(super) const fn bytes_held(&self) -> usize {
        match self {
            Self::Probe(rows) => rows.capacity() * size_of::<Observation>(),
            Self::Capacity(rows) => rows.capacity() * size_of::<Reading>(),
            Self::Volume(rows) => rows.capacity() * size_of::<Volume>(),
        }
    }

    /// Adds rows of the same kind that lie in `span`; rows of another kind have no place here and are left out.
    pub(super) fn take_from(&mut self, other: &Self, span: Interval) {
        match (self, other) {
            (Self::Probe(rows), Self::Probe(more)) => within(rows, more, span),
            (Self::Capacity(rows), Self::Capacity(more)) => within(rows, more, span),
            (Self::Volume(rows), Self::Volume(more)) => within(rows, more, span),
            _ => {}
        }
    }

    /// Whether the rows are sorted, with one of each instant.
    pub(super) fn is_settled(&self) -> bool {
        fn ascends<R: Row>(rows: &[R]) -> bool {
            rows.is_sorted_by(|a, b| a.at() < b.at())
        }
        match self {
            Self::Probe(rows) => ascends(rows),
            Self::Capacity(rows) => ascends(rows),
            Self::Volume(rows) => ascends(rows),
        }
    }

    /// Sorts, and keeps one row of each instant.
    pub(super) fn settle(&mut self) {
        match self {
            Self::Probe(rows) => Row::settle_all(rows),
            Self::Capacity(rows) => Row::settle_all(rows),
            Self::Volume(rows) => Row::settle_all(rows),
        }
    }

    /// The rows in pieces of at most `rows_max`, in their order.
    pub(super) fn pieces(&self, rows_max: usize) -> Vec<Self> {
        let rows_max = rows_max.max(1);
        match self {
            Self::Probe(rows) => rows.chunks(rows_max).map(|piece| Self::Probe(piece.to_vec())).collect(),
            Self::Capacity(rows) => rows.chunks(rows_max).map(|piece| Self::Capacity(piece.to_vec())).collect(),
            Self::Volume(rows) => rows.chunks(rows_max).map(|piece| Self::Volume(piece.to_vec())).collect(),
        }
    }

    /// The stretch from the first instant to just after the last one; rows must be sorted.
    pub(super) fn span(&self) -> Option<Interval> {
        self.as_slice().span()
    }
}

impl<'a> From<RowsOf<'a>> for Slice<'a> {
    fn from(rows: RowsOf<'a>) -> Self {
        match rows {
            RowsOf::Probe(_, rows) => Self::Probe(rows),
            RowsOf::Capacity(_, rows) => Self::Capacity(rows),
            RowsOf::Volume(_, rows) => Self::Volume(rows),
        }
    }
}

impl Slice<'_> {
    /// Which kind the rows are.
    pub(super) const fn kind(self) -> StreamKind {
        match self {
            Self::Probe(_) => StreamKind::Probe,
            Self::Capacity(_) => StreamKind::Capacity,
            Self::Volume(_) => StreamKind::Volume,
        }
    }

    /// How many rows there are.
    pub(super) const fn len(self) -> usize {
        match self {
            Self::Probe(rows) => rows.len(),
            Self::Capacity(rows) => rows.len(),
            Self::Volume(rows) => rows.len(),
        }
    }

    /// Whether there are none.
    pub(super) const fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// What the rows take in memory.
    pub(super) const fn bytes(self) -> usize {
        match self {
            Self::Probe(rows) => size_of_val(rows),
            Self::Capacity(rows) => size_of_val(rows),
            Self::Volume(rows) => size_of_val(rows),
        }
    }

    /// Without the first so many.
    pub(super) fn skip(self, count: usize) -> Self {
        match self {
            Self::Probe(rows) => Self::Probe(rows.get(count..).unwrap_or_default()),
            Self::Capacity(rows) => Self::Capacity(rows.get(count..).unwrap_or_default()),
            Self::Volume(rows) => Self::Volume(rows.get(count..).unwrap_or_default()),
        }
    }

    /// Without those before `from`.
    pub(super) fn since(self, from: Instant) -> Self {
        fn before<R: Row>(rows: &[R], from: Instant) -> usize {
            if rows.first().is_none_or(|row| row.at() >= from) {
                0
            } else {
                rows.partition_point(|row| row.at() < from)
            }
        }
        match self {
            Self::Probe(rows) => self.skip(before(rows, from)),
            Self::Capacity(rows) => self.skip(before(rows, from)),
            Self::Volume(rows) => self.skip(before(rows, from)),
        }
    }

    /// The rows divided by the UTC day they lie in.
    pub(super) fn by_day(self) -> Vec<(i64, Self)> {
        match self {
            Self::Probe(rows) => days(rows, Self::Probe),
            Self::Capacity(rows) => days(rows, Self::Capacity),
            Self::Volume(rows) => days(rows, Self::Volume),
        }
    }

    /// The stretch from the first instant to just after the last one.
    pub(super) fn span(self) -> Option<Interval> {
        fn ends<R: Row>(rows: &[R]) -> Option<Interval> {
            Some(Interval::new(rows.first()?.at(), rows.last()?.at().plus_ms(1)))
        }
        match self {
            Self::Probe(rows) => ends(rows),
            Self::Capacity(rows) => ends(rows),
            Self::Volume(rows) => ends(rows),
        }
    }
}

fn within<R: Row>(rows: &mut Vec<R>, more: &[R], span: Interval) {
    // Mostly all of them lie in it, in their order.
    let sorted = more.is_sorted_by(|a, b| a.at() < b.at());
    if let (true, Some(first), Some(last)) = (sorted, more.first(), more.last())
        && span.contains(first.at())
        && span.contains(last.at())
    {
        rows.extend_from_slice(more);
        return;
    }
    rows.extend(more.iter().filter(|row| span.contains(row.at())));
}

fn days<'a, R: Row>(rows: &'a [R], slice: fn(&'a [R]) -> Slice<'a>) -> Vec<(i64, Slice<'a>)> {
    let same_day = |a: &R, b: &R| a.at().utc_day() == b.at().utc_day();
    let day = |rows: &'a [R]| rows.first().map(|row| (row.at().utc_day(), slice(rows)));
    rows.chunk_by(same_day).filter_map(day).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(at: i64, used: u64, limit: u64) -> Reading {
        Reading { at: Instant::from_ms(at), used, limit }
    }

    #[test]
    fn of_two_readings_the_higher_utilisation_counts() {
        let (third, more, same) = (read(5, 1, 3), read(5, 33_333_334, 100_000_000), read(5, 2, 6));
        for mut rows in [vec![third, more], vec![more, third]] {
            Row::settle_all(&mut rows);
            assert_eq!(rows, vec![more]);
        }
        for mut rows in [vec![third, same, read(1, 0, 1)], vec![same, read(1, 0, 1), third]] {
            Row::settle_all(&mut rows);
            assert_eq!(rows, vec![read(1, 0, 1), same]);
        }
        let (huge, full) = (read(5, u64::MAX - 1, u64::MAX), read(5, 7, 7));
        assert_eq!(utilisation(&full, &huge), Ordering::Greater);
    }

    #[test]
    fn rows_are_divided_at_midnight() {
        let day = uphold_common::time::DAY_MS;
        let block = Block::Capacity(vec![read(-1, 1, 2), read(0, 1, 2), read(day - 1, 1, 2), read(day, 1, 2)]);
        let days: Vec<(i64, usize)> = block.as_slice().by_day().iter().map(|(day, rows)| (*day, rows.len())).collect();
        assert_eq!(days, vec![(-1, 1), (0, 2), (1, 1)]);
    }
}
