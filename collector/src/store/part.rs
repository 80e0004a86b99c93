//! A part: what one seal made of the head, to be merged into its days later.
//!
//! ```text
//! table  part-NNNNNNNNNNNN  (see `table`); from and to are the first and the last entry of the journal that it covers;
//!        one that others were folded into has more in its name (see `fold`)
//! key    day:u32 (its sign bit flipped) group:u32
//! block  frame UPHg, version 1, zstd:
//!          number of streams, then of each: its number less the group's first, kind (one byte), number of rows,
//!          and the rows as flat columns (uphold_common::wire::flat), based at the day's midnight
//! ```
//!
//! A group is [`GROUP_STREAMS`] streams whose numbers follow each other; as numbers are given in the order in which
//! streams are first seen, they are mostly of one agent. Rows are sorted and lie in the block's day.

use uphold_common::time::{DAY_MS, Instant};
use uphold_common::wire::flat;
use uphold_common::wire::frame::{self, Compression, Magic};

use super::error::StoreError;
use super::files::Files;
use super::keys::{day_bytes, day_from};
use super::rows::Block;
use super::stream::StreamKind;
use super::table::{Entry, Table, TableError};

/// How many streams stand in one block.
pub(super) const GROUP_STREAMS: u32 = 64;
/// Most bytes of a block once decompressed.
const GROUP_BYTES_MAX: usize = 256 * 1024 * 1024;
const GROUP: Magic = Magic(*b"UPHg");
const VERSION: u16 = 1;

/// Rows of some streams on one day.
pub(super) type Group = Vec<(u32, Block)>;

/// A part that waits, with its list of blocks in memory.
#[derive(Debug)]
pub(super) struct Part {
    /// The table.
    pub(super) table: Table,
    entries: Vec<Entry>,
    days: Vec<i32>,
    level: Level,
}

/// What parts were folded into one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Level {
    /// The number of the first of them; its own if it is as a seal made it.
    pub(super) first: u64,
    /// How often its rows were folded.
    pub(super) folds: u32,
}

impl Part {
    /// Reads the list of blocks of a part.
    pub(super) fn open(files: &dyn Files, table: Table) -> Result<Self, TableError> {
        let entries = table.entries(files, 0, u64::MAX)?;
        let mut days: Vec<i32> = entries.iter().map(|entry| key_parts(entry.key).0).collect();
        days.dedup();
        let level = level_of(&table.name, table.directory.made);
        Ok(Self { table, entries, days, level })
    }

    /// The number of the first part that was folded into it, or its own.
    pub(super) const fn first(&self) -> u64 {
        self.level.first
    }

    /// How often its rows were folded.
    pub(super) const fn level(&self) -> u32 {
        self.level.folds
    }

    /// The day, the group and the number of rows of each block.
    pub(super) fn blocks(&self) -> impl Iterator<Item = (i32, u32, u32)> {
        let of = |entry: &Entry| (key_parts(entry.key), entry.rows);
        self.entries.iter().map(of).map(|((day, group), rows)| (day, group, rows))
    }

    /// The number of the seal that made it, or the last part that was folded into it.
    pub(super) const fn made(&self) -> u64 {
        self.table.directory.made
    }

    /// The days it has rows of, ascending.
    pub(super) fn days(&self) -> &[i32] {
        &self.days
    }

    /// The groups of a day that it has rows of, ascending.
    pub(super) fn groups(&self, day: i32) -> impl Iterator<Item = u32> {
        let (first, last) = (key(day, 0), key(day, u32::MAX));
        let begin = self.entries.partition_point(|entry| entry.key < first);
        self.entries.iter().skip(begin).take_while(move |entry| entry.key <= last).map(|entry| key_parts(entry.key).1)
    }

    /// How many rows of a day it has.
    pub(super) fn rows_of(&self, day: i32) -> u64 {
        let of_day = self.entries.iter().filter(|entry| key_parts(entry.key).0 == day);
        of_day.map(|entry| u64::from(entry.rows)).sum()
    }

    /// How many rows of a group on a day it has.
    pub(super) fn rows_of_group(&self, day: i32, group: u32) -> u64 {
        let found = self.entries.binary_search_by_key(&key(day, group), |entry| entry.key);
        found.ok().and_then(|place| self.entries.get(place)).map_or(0, |entry| u64::from(entry.rows))
    }

    /// The rows of a group on a day; none if it has none.
    pub(super) fn group(&self, files: &dyn Files, day: i32, group: u32) -> Result<Group, TableError> {
        let wanted = key(day, group);
        let Ok(place) = self.entries.binary_search_by_key(&wanted, |entry| entry.key) else { return Ok(Vec::new()) };
        let Some(entry) = self.entries.get(place) else { return Ok(Vec::new()) };
        decode(day, group, &self.table.block(files, entry)?)
    }
}

/// The name of a part's file.
pub(super) fn name(made: u64) -> String {
    format!("part-{made:012}")
}

/// The name of the file of a part that others were folded into.
pub(super) fn folded_name(made: u64, level: Level) -> String {
    format!("part-{made:012}-{:012}-{}", level.first, level.folds)
}

/// What stands in the name of the part `made`.
pub(super) fn level_of(name: &str, made: u64) -> Level {
    let folded = || {
        let (rest, folds) = name.strip_prefix("part-")?.rsplit_once('-')?;
        Some(Level { first: rest.split_once('-')?.1.parse().ok()?, folds: folds.parse().ok()? })
    };
    folded().unwrap_or(Level { first: made, folds: 0 })
}

/// The key of a group's block.
pub(super) fn key(day: i32, group: u32) -> u64 {
    u64::from(u32::from_be_bytes(day_bytes(day))) << 32 | u64::from(group)
}

/// The day and the group in a key.
pub(super) fn key_parts(key: u64) -> (i32, u32) {
    let [d0, d1, d2, d3, g0, g1, g2, g3] = key.to_be_bytes();
    (day_from([d0, d1, d2, d3]), u32::from_be_bytes([g0, g1, g2, g3]))
}

/// The block of some streams' rows on a day: numbers ascend and lie in the group; rows are settled.
pub(super) fn encode(day: i32, group: u32, rows: &[(u32, Block)]) -> Result<Vec<u8>, StoreError> {
    let base = midnight(day);
    let mut out = Vec::new();
    flat::put(&mut out, rows.len() as u64);
    for (stream, block) in rows {
        flat::put(&mut out, u64::from(stream.wrapping_sub(group * GROUP_STREAMS)));
        out.push(block.kind() as u8);
        flat::put(&mut out, block.len() as u64);
        match block {
            Block::Probe(rows) => flat::put_observations(&mut out, base, rows),
            Block::Capacity(rows) => flat::put_readings(&mut out, base, rows),
            Block::Volume(rows) => flat::put_volumes(&mut out, base, rows),
        }
    }
    let refused =
        |_| StoreError::Corrupt { place: format!("group {group}"), reason: "it has too many rows".to_owned() };
    frame::seal(GROUP, VERSION, Compression::Zstd, &out).map_err(refused)
}

/// The rows in a block.
pub(super) fn decode(day: i32, group: u32, bytes: &[u8]) -> Result<Group, TableError> {
    let damaged = |what: &str| TableError::Damaged(format!("group {group} of day {day}: {what}"));
    let content = frame::open(GROUP, VERSION, GROUP_BYTES_MAX, bytes).map_err(|why| damaged(&why.to_string()))?;
    let base = midnight(day);
    let mut rest: &[u8] = &content;
    let count = flat::take(&mut rest).filter(|count| *count <= u64::from(GROUP_STREAMS));
    let count = count.ok_or_else(|| damaged("it has no header"))?;
    let mut found: Group = Vec::new();
    for _ in 0..count {
        let place = flat::take(&mut rest).and_then(|place| u32::try_from(place).ok());
        let place = place.filter(|place| *place < GROUP_STREAMS).ok_or_else(|| damaged("a stream of another group"))?;
        let (kind, after) = rest.split_first().ok_or_else(|| damaged("it ends early"))?;
        rest = after;
        let rows = flat::take(&mut rest).and_then(|rows| usize::try_from(rows).ok());
        let rows = rows.ok_or_else(|| damaged("it ends early"))?;
        let kind = StreamKind::from_code(*kind).ok_or_else(|| damaged("a kind that is not known"))?;
        let mut block = Block::empty(kind);
        let taken = match &mut block {
            Block::Probe(found) => flat::take_observations(&mut rest, base, rows, found),
            Block::Capacity(found) => flat::take_readings(&mut rest, base, rows, found),
            Block::Volume(found) => flat::take_volumes(&mut rest, base, rows, found),
        };
        taken.map_err(|why| damaged(&why.to_string()))?;
        let in_day = |at: Instant| at.utc_day() == i64::from(day);
        if !block.span().is_some_and(|span| in_day(span.start) && in_day(span.end.minus_ms(1))) {
            return Err(damaged("rows of another day"));
        }
        found.push((group.wrapping_mul(GROUP_STREAMS).wrapping_add(place), block));
    }
    if rest.is_empty() { Ok(found) } else { Err(damaged("more than its streams")) }
}

fn midnight(day: i32) -> Instant {
    Instant::from_ms(i64::from(day) * DAY_MS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::*;

    #[test]
    fn rows_come_back_as_they_went_in() {
        let day = i32::try_from(MIDNIGHT / DAY_MS).unwrap();
        let rows = vec![
            (64, block_of(probed("web", [0, 5_000, DAY_MS - 1]))),
            (70, block_of(read(7, 40))),
            (127, block_of(flowed(8, 99))),
        ];
        let block = encode(day, 1, &rows).unwrap();
        assert_eq!(decode(day, 1, &block).unwrap(), rows);
        assert!(decode(day + 1, 1, &block).is_ok_and(|found| found != rows) || decode(day + 1, 1, &block).is_err());
        for end in 0..block.len() {
            assert!(decode(day, 1, &block[..end]).is_err(), "cut at {end}");
        }
        for place in 0..block.len() {
            let mut flipped = block.clone();
            flipped[place] ^= 1;
            assert!(decode(day, 1, &flipped).is_err(), "byte {place}");
        }
    }

    #[test]
    fn keys_are_in_the_order_of_days_and_groups() {
        let keys = [key(-1, 9), key(0, 0), key(0, 1), key(1, 0)];
        assert!(keys.is_sorted());
        assert_eq!(keys.map(key_parts), [(-1, 9), (0, 0), (0, 1), (1, 0)]);
    }
}
