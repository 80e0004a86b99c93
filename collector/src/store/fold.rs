//! Folding: when many parts wait for days that are not over, some of them become one larger part.
//!
//! ```text
//! part-LLLLLLLLLLLL-FFFFFFFFFFFF-N   what was left of the parts F to L, each of its rows written for the time N again
//! ```
//!
//! A part that a seal made has level 0. Beyond `parts_max` a sixth of that many neighbours of one level (2 to 16) are
//! folded into one of the next level, the lowest level first. So a row is written once more for each level: with 96 parts
//! the first 16 seals become one part, 256 of them one of the next level. Rows of days that have merged them are left
//! out. Where no such neighbours are, or a block would become too large, and where twice as many parts wait as may, the day
//! that most parts wait for is merged before it is over.
//!
//! Measured with 24 parts at most and 400 seals on one day: 1.4 bytes written for each byte sealed; with the day merged
//! each time instead, 7.2 bytes.
//!
//! A folded part has the number of the last part in it, so that it waits for exactly the days that need any of them. It is
//! written aside, group by group, like a merge; from the moment that it is durable under its name it stands for those it
//! is made of, whatever the database says. Then the database forgets those, and their files go. Opening removes what a
//! crash in between has left. A merge that begins, and a day that is forgotten, make a fold that is under way void.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Range, RangeInclusive};

use super::database::Writes;
use super::embedded::EmbeddedStore;
use super::error::StoreError;
use super::files::Files;
use super::part::{self, Level, Part};
use super::recovery::put_state;
use super::rows::Block;
use super::seal::opened;
use super::stream::StreamId;
use super::table::{Purpose, Table, TableWriter};

/// Most parts that are folded into one.
const FOLDED_MAX: usize = 16;
/// How many levels the parts that may wait have room for.
const LEVELS: usize = 6;
/// Most rows of a group of streams on one day in a folded part, so that its block can be read again and held in memory.
const GROUP_ROWS_MAX: u64 = 1_000_000;

/// The numbers of the parts that folded ones stand for.
type Stands = Vec<RangeInclusive<u64>>;

/// Parts that are being folded.
#[derive(Debug)]
pub(super) struct Folding {
    /// Their numbers, ascending.
    sources: Vec<u64>,
    writer: TableWriter,
    /// The days and groups that they have rows of which are not merged.
    groups: Vec<(i32, u32)>,
    next: usize,
    streams: BTreeSet<u32>,
}

impl Folding {
    /// Gives it up: nothing of it was made known.
    pub(super) fn give_up(self, files: &dyn Files) -> Result<(), StoreError> {
        self.writer.discard(files)
    }
}

impl EmbeddedStore {
    /// The neighbours that are to be folded next, by their places, if too many parts wait.
    pub(super) fn parts_to_fold(&self) -> Option<Range<usize>> {
        if self.parts.len() <= self.options.parts_max {
            return None;
        }
        let many = (self.options.parts_max / LEVELS).clamp(2, FOLDED_MAX);
        // One that is named and is not there would seem to be folded too; one that came back has to be merged first.
        let mut apart = self.absent_parts();
        apart.extend(self.parts.iter().filter(|part| self.came_back(part)).map(Part::made));
        let of_one = |run: &&[Part]| {
            let one_level = run.windows(2).all(|two| matches!(two, [a, b] if a.level() == b.level()));
            let spans = |part: &u64| matches!(run, [a, .., b] if (a.first()..=b.made()).contains(part));
            one_level && !apart.iter().any(spans)
        };
        // Of several runs of one level the first is the oldest.
        let mut runs: Vec<(usize, &[Part])> =
            self.parts.windows(many).enumerate().filter(|(_, run)| of_one(run)).collect();
        runs.sort_by_key(|(_, run)| run.first().map(Part::level));
        let fits = |run: &[Part]| self.rows_to_fold(run).into_values().all(|rows| rows <= GROUP_ROWS_MAX);
        let (place, _) = runs.into_iter().find(|(_, run)| fits(run))?;
        Some(place..place + many)
    }

    /// The parts that are named and could not be opened.
    pub(super) fn absent_parts(&self) -> BTreeSet<u64> {
        let opened: BTreeSet<u64> = self.parts.iter().map(Part::made).collect();
        self.state.parts.iter().copied().filter(|part| !opened.contains(part)).collect()
    }

    /// Whether a part was missing when a day was merged that it has rows of.
    pub(super) fn came_back(&self, part: &Part) -> bool {
        let merged_without =
            |day: &i32| self.days.get(day).is_some_and(|day| day.record.without.contains(&part.made()));
        part.days().iter().any(merged_without)
    }

    /// The days and groups of which parts have rows that are not merged, and how many.
    fn rows_to_fold(&self, parts: &[Part]) -> BTreeMap<(i32, u32), u64> {
        let mut rows = BTreeMap::new();
        for part in parts {
            for (day, group, count) in part.blocks().filter(|(day, ..)| self.waits_for(part, *day)) {
                *rows.entry((day, group)).or_default() += u64::from(count);
            }
        }
        rows
    }

    /// Folds one group of streams on one day: of the fold that is under way, else of the parts in these places.
    pub(super) fn fold_step(&mut self, places: Range<usize>) -> Result<(), StoreError> {
        let begun = self.folding.take();
        let Some(mut folding) = begun.map_or_else(|| self.begin_fold(places), |folding| Ok(Some(folding)))? else {
            return Ok(());
        };
        if let Some((day, group)) = folding.groups.get(folding.next).copied() {
            if let Err(why) = self.fold_group(&mut folding, day, group) {
                folding.give_up(self.files.as_ref())?;
                return Err(why);
            }
            folding.next += 1;
            self.folding = Some(folding);
        } else {
            self.end_fold(folding)?;
        }
        Ok(())
    }

    fn begin_fold(&self, places: Range<usize>) -> Result<Option<Folding>, StoreError> {
        let parts = self.parts.get(places).unwrap_or_default();
        let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return Ok(None) };
        let made_at = parts.iter().map(|part| part.table.directory.made_at).max().unwrap_or(self.latest);
        let (from, to) = (first.table.directory.from, last.table.directory.to);
        let purpose = Purpose { made: last.made(), made_at, day: None, from, to };
        let level = Level { first: first.first(), folds: first.level().saturating_add(1) };
        let writer = TableWriter::begin(self.files.as_ref(), part::folded_name(last.made(), level), purpose)?;
        let groups = self.rows_to_fold(parts).into_keys().collect();
        let sources = parts.iter().map(Part::made).collect();
        Ok(Some(Folding { sources, writer, groups, next: 0, streams: BTreeSet::new() }))
    }

    fn fold_group(&mut self, folding: &mut Folding, day: i32, group: u32) -> Result<(), StoreError> {
        let mut pieces: BTreeMap<u32, Vec<Block>> = BTreeMap::new();
        let sources = self.parts.iter().filter(|part| folding.sources.binary_search(&part.made()).is_ok());
        for part in sources.filter(|part| self.waits_for(part, day)) {
            match part.group(self.files.as_ref(), day, group) {
                Ok(found) => found.into_iter().for_each(|(stream, rows)| pieces.entry(stream).or_default().push(rows)),
                Err(why) => self.note_table(&part.table, why)?,
            }
        }
        let mut streams: Vec<(u32, Block)> = Vec::with_capacity(pieces.len());
        for (stream, pieces) in pieces {
            let Some(kind) = pieces.first().map(Block::kind) else { continue };
            let mut rows = Block::empty(kind);
            for piece in &pieces {
                rows.append(piece);
            }
            if !rows.is_settled() {
                rows.settle();
            }
            streams.push((stream, rows));
        }
        if streams.is_empty() {
            return Ok(());
        }
        let rows: usize = streams.iter().map(|(_, rows)| rows.len()).sum();
        let block = part::encode(day, group, &streams)?;
        folding.writer.put(
            self.files.as_ref(),
            part::key(day, group),
            u32::try_from(rows).unwrap_or(u32::MAX),
            &block,
        )?;
        folding.streams.extend(streams.iter().map(|(stream, _)| *stream));
        self.counted.chunks_written += 1;
        Ok(())
    }

    /// Makes the folded part durable, and lets go those it is made of; unless one of them went meanwhile.
    fn end_fold(&mut self, folding: Folding) -> Result<(), StoreError> {
        let there = |number: &u64| self.parts.iter().any(|part| part.made() == *number);
        if !folding.sources.iter().all(there) {
            return folding.give_up(self.files.as_ref());
        }
        let Folding { sources, writer, streams, .. } = folding;
        let named: Vec<(u32, &StreamId)> =
            streams.iter().filter_map(|n| Some((*n, self.memory.streams.id(*n)?))).collect();
        let table = writer.finish(self.files.as_ref(), &named)?;
        let folded = opened(self.files.as_ref(), table)?;
        let mut state = self.state.clone();
        state.parts.retain(|part| sources.binary_search(part).is_err() || sources.last() == Some(part));
        let mut writes = Writes::default();
        put_state(&mut writes, &state)?;
        self.disk.apply(writes)?;
        self.disk.sync()?;
        self.state = state;
        let parts = std::mem::take(&mut self.parts).into_iter();
        let (gone, kept): (Vec<Part>, Vec<Part>) = parts.partition(|part| sources.binary_search(&part.made()).is_ok());
        self.parts = kept;
        self.parts.extend(folded);
        self.parts.sort_by_key(Part::made);
        self.groups.borrow_mut().clear();
        gone.iter().try_for_each(|part| self.let_file_go(&part.table.name))
    }

    /// Of parts that are there, removes the files of those that stand in a folded one; gives the others, and of each
    /// folded one the numbers of the parts that it stands for, its own the last.
    pub(super) fn without_folded(&self, tables: Vec<Table>) -> Result<(Vec<Table>, Stands), StoreError> {
        let of = |table: &Table| (table.directory.made, part::level_of(&table.name, table.directory.made));
        let is_part = |table: &&Table| table.directory.day.is_none();
        let all: Vec<(u64, Level)> = tables.iter().filter(is_part).map(of).collect();
        let mut kept = Vec::new();
        for table in tables {
            let (made, level) = of(&table);
            let stands_in =
                |(other, higher): &(u64, Level)| higher.folds > level.folds && (higher.first..=*other).contains(&made);
            if is_part(&&table) && all.iter().any(stands_in) {
                self.files.remove(&table.name)?;
            } else {
                kept.push(table);
            }
        }
        let folded = all.iter().filter(|(_, level)| level.folds > 0);
        Ok((kept, folded.map(|(made, level)| level.first..=*made).collect()))
    }
}

#[cfg(test)]
#[path = "fold_tests.rs"]
mod tests;
