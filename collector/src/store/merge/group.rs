//! Merging one group of streams: their new rows out of the parts, beside what the day's tables have of them.
//!
//! Of a group with very many rows the streams take turns, so that memory stays bounded. A stream without new rows is taken over
//! as it is when the day is written anew.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use super::super::chunk::{self, ChunkError, Of};
use super::super::embedded::EmbeddedStore;
use super::super::error::StoreError;
use super::super::part::GROUP_STREAMS;
use super::super::rollup::Hours;
use super::super::rollup_block::Rolled;
use super::super::rows::Block;
use super::super::stream::StreamKind;
use super::super::table::{Entry, Table};
use super::Merging;

impl EmbeddedStore {
    /// Merges the streams of a group; gives how many had new rows.
    pub(super) fn merge_group(&mut self, merging: &mut Merging, group: u32) -> Result<usize, StoreError> {
        let day = merging.day;
        let of_day = self.parts.iter().filter(|part| part.made() <= merging.to && self.waits_for(part, day));
        let rows: u64 = of_day.map(|part| part.rows_of_group(day, group)).sum();
        let mut old = if merging.anew { self.old_chunks(day, group)? } else { BTreeMap::new() };
        let mut kept = if rows > 0 { self.rolled_group(day, group)?.unwrap_or_default() } else { Rolled::new() };
        let (mut rolled, mut count) = (Rolled::new(), 0);
        for numbers in at_once(group, rows, self.options.merge_rows_max) {
            let mut fresh = self.fresh_rows(merging, group, &numbers)?;
            count += fresh.len();
            let streams: BTreeSet<u32> =
                fresh.keys().copied().chain(old.range(numbers).map(|(stream, _)| *stream)).collect();
            for stream in streams {
                match (fresh.remove(&stream), old.remove(&stream)) {
                    (Some(rows), _) => {
                        let hours = self.write_stream(merging, stream, rows, kept.remove(&stream))?;
                        rolled.insert(stream, hours);
                    }
                    (None, Some((table, entries))) => self.copy_stream(merging, table, &entries)?,
                    (None, None) => {}
                }
                merging.streams.insert(stream);
            }
        }
        self.roll_up_group(&mut merging.rolling, group, rolled)?;
        Ok(count)
    }

    /// The new rows of some streams of a group, as they were decoded: put together they are one stream at a time.
    fn fresh_rows(
        &self,
        merging: &Merging,
        group: u32,
        numbers: &RangeInclusive<u32>,
    ) -> Result<BTreeMap<u32, Vec<Block>>, StoreError> {
        let mut fresh: BTreeMap<u32, Vec<Block>> = BTreeMap::new();
        for part in self.parts.iter().filter(|part| part.made() <= merging.to && self.waits_for(part, merging.day)) {
            match part.group(self.files.as_ref(), merging.day, group) {
                Ok(found) => {
                    for (stream, block) in found.into_iter().filter(|(stream, _)| numbers.contains(stream)) {
                        fresh.entry(stream).or_default().push(block);
                    }
                }
                // It is met once for each turn, and said once.
                Err(why) => self.note_table(&part.table, why)?,
            }
        }
        Ok(fresh)
    }

    /// Of each stream of a group the newest table of the day that has its chunks, and where.
    pub(in crate::store) fn old_chunks(
        &self,
        day: i32,
        group: u32,
    ) -> Result<BTreeMap<u32, (usize, Vec<Entry>)>, StoreError> {
        let mut old: BTreeMap<u32, (usize, Vec<Entry>)> = BTreeMap::new();
        let first = group.saturating_mul(GROUP_STREAMS);
        let (first, last) = (chunk::key(first, 0), chunk::key(first.saturating_add(GROUP_STREAMS - 1), u32::MAX));
        let tables = self.days.get(&day).map_or(&[][..], |known| &known.tables);
        for (place, table) in tables.iter().enumerate() {
            let entries = self.entries_left(table, first, last)?;
            for chunks in entries.chunk_by(|a, b| chunk::stream_of(a.key) == chunk::stream_of(b.key)) {
                let Some(stream) = chunks.first().map(|entry| chunk::stream_of(entry.key)) else { continue };
                old.insert(stream, (place, chunks.to_vec()));
            }
        }
        Ok(old)
    }

    /// The entries of a table's sound pages; the others are noted.
    pub(in crate::store) fn entries_left(
        &self,
        table: &Table,
        first: u64,
        last: u64,
    ) -> Result<Vec<Entry>, StoreError> {
        let (entries, damaged) = table.entries_left(self.files.as_ref(), first, last)?;
        damaged.into_iter().try_for_each(|why| self.note_table(table, why))?;
        Ok(entries)
    }

    /// Writes a stream with new rows; gives what its hours come to, beside what is kept of them.
    fn write_stream(
        &mut self,
        merging: &mut Merging,
        stream: u32,
        fresh: Vec<Block>,
        kept: Option<Hours>,
    ) -> Result<Hours, StoreError> {
        let Some(kind) = fresh.first().map(Block::kind) else { return Ok(Hours::empty(StreamKind::Probe)) };
        let of = Of { day: merging.day, stream, kind };
        let mut all = self.merged_rows(of)?;
        let kept = kept.map(|kept| (kept, Hours::of(&all)));
        for rows in fresh {
            all.append(&rows);
        }
        if !all.is_settled() {
            all.settle();
        }
        let place = || format!("stream {stream} of day {}", of.day);
        let refused = |why: ChunkError| StoreError::Corrupt { place: place(), reason: why.to_string() };
        for (piece, (rows, chunk)) in chunk::encode_day(of, &all).map_err(refused)?.iter().enumerate() {
            let piece = u32::try_from(piece).map_err(|_| refused(ChunkError::Content("too many pieces")))?;
            merging.writer.put(self.files.as_ref(), chunk::key(stream, piece), *rows, chunk)?;
            self.counted.chunks_written += 1;
        }
        self.memory.crowded.merged(of.day, stream, all.len() as u64);
        let hours = Hours::of(&all);
        Ok(match kept {
            Some((kept, merged)) => hours.beside(kept, &merged),
            None => hours,
        })
    }

    /// Takes chunks over as they are. A damaged one stays behind.
    fn copy_stream(&self, merging: &mut Merging, table: usize, entries: &[Entry]) -> Result<(), StoreError> {
        let Some(table) = self.days.get(&merging.day).and_then(|day| day.tables.get(table)) else { return Ok(()) };
        for entry in entries {
            match table.block(self.files.as_ref(), entry) {
                Ok(bytes) => merging.writer.put(self.files.as_ref(), entry.key, entry.rows, &bytes)?,
                Err(why) => self.note_table(table, why)?,
            }
        }
        Ok(())
    }
}

/// The numbers of a group's streams in turns, so that about `rows_max` rows are in memory at once.
pub(in crate::store) fn at_once(group: u32, rows: u64, rows_max: u64) -> Vec<RangeInclusive<u32>> {
    let turns = rows.div_ceil(rows_max.max(1)).clamp(1, u64::from(GROUP_STREAMS));
    let width = GROUP_STREAMS.div_ceil(u32::try_from(turns).unwrap_or(GROUP_STREAMS));
    let first = group.saturating_mul(GROUP_STREAMS);
    let turn = |begin: u32| first.saturating_add(begin)..=first.saturating_add((begin + width).min(GROUP_STREAMS) - 1);
    (0..GROUP_STREAMS).step_by(width as usize).map(turn).collect()
}
