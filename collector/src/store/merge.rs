//! Merging: the parts of a day become chunks in one of its tables, so many streams at a step.
//!
//! A day is merged once it has been over for a while and no part of it is fresh, or once too many parts wait that cannot be folded. The table
//! is written aside, group by group; only when all of it is durable does one batch of the database put it into the
//! day's manifest, and only then go the parts that no day needs any more. A crash before that leaves everything as it
//! was. The hours of each stream are rolled up on the way. Late rows make further parts, and the streams they are of are
//! merged again; when tables have piled up, or much is new, the whole day is written anew. What cannot be read of a part
//! or a table is left out, and the file is put aside instead of removed (`aside`); a table that is missing stays named.
//!
//! A merge holds the decoded rows of some streams of a group on its day, half a million of them, or of one stream where that
//! has more; and those of one stream once more while it is written.

pub(super) mod group;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use uphold_common::time::Instant;

use super::Maintained;
use super::chunk;
use super::database::Writes;
use super::day::TableRecord;
use super::embedded::EmbeddedStore;
use super::error::StoreError;
use super::files::Files;
use super::head::end_of;
use super::part::{GROUP_STREAMS, Part};
use super::recovery::{State, put_day, put_state};
use super::rollup_block;
use super::rollup_store::{DayRollups, Rolling, put_rollups};
use super::stream::StreamId;
use super::table::{Purpose, TableWriter};

/// How many tables a day may have before it is written anew.
const TABLES_MAX: usize = 4;
/// A day is written anew when its tables have at most so many times the rows that are new.
const REWRITTEN_BELOW: u64 = 4;
/// With so many times the parts that may wait a day is merged even where parts could be folded.
const CROWDED: usize = 2;
/// How many groups of streams one step merges.
const GROUPS_AT_ONCE: usize = 1;

/// A compaction leaves no more of the journal than this when nothing has arrived meanwhile.
const JOURNAL_LEFT_BYTES: u64 = 1024 * 1024;

/// What is to be done about the parts that wait.
enum Due {
    /// A day is to be merged.
    Merge(i32),
    /// These parts are to be folded, or a fold that is under way goes on.
    Fold(Range<usize>),
}

/// A day that is being merged.
#[derive(Debug)]
pub(super) struct Merging {
    day: i32,
    made: u64,
    /// The last part that goes into it.
    to: u64,
    /// Whether its tables before are written into it too.
    anew: bool,
    writer: TableWriter,
    groups: Vec<u32>,
    next: usize,
    streams: BTreeSet<u32>,
    rolling: Rolling,
}

impl Merging {
    /// Gives it up: nothing of it was made known.
    fn give_up(self, files: &dyn Files) -> Result<(), StoreError> {
        self.rolling.discard(files)?;
        self.writer.discard(files)
    }
}

impl EmbeddedStore {
    /// One bounded step: a seal if one is due, else some merging.
    pub(super) fn step(&mut self, now: Instant) -> Result<Maintained, StoreError> {
        self.disk.alive()?;
        self.latest = self.latest.max(now);
        self.date_records(now);
        if self.seal_is_due(now) {
            let sealed_rows = Some(self.seal()?);
            return Ok(Maintained { sealed_rows, merged_streams: 0, more: self.has_more(now) });
        }
        self.tidy_step(now)
    }

    /// One bounded step of folding or merging.
    pub(super) fn tidy_step(&mut self, now: Instant) -> Result<Maintained, StoreError> {
        let due = if self.merging.is_none() { self.due(now) } else { None };
        let day = match due {
            Some(Due::Fold(run)) => {
                self.fold_step(run)?;
                return Ok(Maintained { more: self.has_more(now), ..Maintained::default() });
            }
            Some(Due::Merge(day)) => Some(day),
            None => None,
        };
        self.merge_step(day, |store| store.has_more(now))
    }

    fn has_more(&self, now: Instant) -> bool {
        self.folding.is_some() || self.due(now).is_some()
    }

    /// One step towards a store in which nothing waits: a seal, then the merging of every day, whether it rests or not.
    /// What arrives after the first step is not part of it, so that a compaction under load has an end.
    pub(super) fn compact_step(&mut self, now: Instant) -> Result<Maintained, StoreError> {
        self.disk.alive()?;
        self.latest = self.latest.max(now);
        let begins = self.compacting.is_none();
        if self.seal_is_due(now) || begins && self.memory.head.rows() > 0 && self.takes_a_part() {
            let sealed_rows = Some(self.seal()?);
            self.compacting.get_or_insert(self.state.made);
            return Ok(Maintained { sealed_rows, merged_streams: 0, more: true });
        }
        let last = *self.compacting.get_or_insert(self.state.made);
        let waiting = |store: &Self| store.days_waiting_up_to(last).keys().next().copied();
        let day = if self.merging.is_none() { waiting(self) } else { None };
        let done = self.merge_step(day, |store| waiting(store).is_some())?;
        self.compacting = Some(last).filter(|_| done.more);
        // The file of the journal before the seal is kept until the next one; by now it is no longer needed.
        if !done.more && self.memory.head.rows() == 0 && self.journal.bytes_of_files() > JOURNAL_LEFT_BYTES {
            self.seal()?;
        }
        Ok(done)
    }

    fn merge_step(&mut self, begin: Option<i32>, more: impl Fn(&Self) -> bool) -> Result<Maintained, StoreError> {
        if let Some(day) = begin {
            self.begin_merge(day)?;
        }
        let Some(mut merging) = self.merging.take() else { return Ok(Maintained::default()) };
        let mut merged_streams = 0;
        for _ in 0..GROUPS_AT_ONCE {
            let Some(group) = merging.groups.get(merging.next).copied() else { break };
            match self.merge_group(&mut merging, group) {
                Ok(merged) => merged_streams += merged,
                Err(why) => {
                    // What was written so far is in the way of whatever is to be written next.
                    merging.give_up(self.files.as_ref())?;
                    return Err(why);
                }
            }
            merging.next += 1;
        }
        self.counted.merged_streams += merged_streams as u64;
        if merging.next < merging.groups.len() {
            self.merging = Some(merging);
            return Ok(Maintained { sealed_rows: None, merged_streams, more: true });
        }
        self.end_merge(merging)?;
        Ok(Maintained { sealed_rows: None, merged_streams, more: more(self) })
    }

    /// The days that parts wait for, with how many do and when the newest of them was made.
    pub(super) fn waiting_days(&self) -> BTreeMap<i32, (usize, Instant)> {
        self.days_waiting_up_to(u64::MAX)
    }

    fn days_waiting_up_to(&self, last: u64) -> BTreeMap<i32, (usize, Instant)> {
        let mut waiting: BTreeMap<i32, (usize, Instant)> = BTreeMap::new();
        for part in self.parts.iter().filter(|part| part.made() <= last) {
            for day in part.days().iter().filter(|day| self.waits_for(part, **day)) {
                let (count, newest) = waiting.entry(*day).or_insert((0, Instant::MIN));
                *count += 1;
                *newest = part.table.directory.made_at.max(*newest);
            }
        }
        waiting
    }

    /// Whether a part has rows of a day that are not merged, and are kept.
    pub(super) fn waits_for(&self, part: &Part, day: i32) -> bool {
        self.state.raw_from.is_none_or(|from| day >= from)
            && self.days.get(&day).is_none_or(|known| known.record.lacks(part.made()))
    }

    /// What is to be done next about the parts that wait.
    fn due(&self, now: Instant) -> Option<Due> {
        let (waiting, most) = (self.waiting_days(), self.options.parts_max);
        let rests = |day: i32, newest: Instant| {
            let after = self.options.merge_after_ms;
            end_of(day).plus_ms(after) <= now && newest.plus_ms(after) <= now
        };
        let rested = waiting.iter().find(|(day, (_, newest))| rests(**day, *newest)).map(|(day, _)| *day);
        if let Some(day) = rested {
            return Some(Due::Merge(day));
        }
        let crowded = || waiting.iter().max_by_key(|(_, (count, _))| *count).map(|(day, _)| Due::Merge(*day));
        match self.parts.len() {
            // Folding does not keep up.
            many if many > most.saturating_mul(CROWDED) => crowded(),
            _ if self.folding.is_some() => Some(Due::Fold(0..0)),
            many if many > most => self.parts_to_fold().map(Due::Fold).or_else(crowded),
            _ => None,
        }
    }

    fn begin_merge(&mut self, day: i32) -> Result<(), StoreError> {
        if let Some(folding) = self.folding.take() {
            folding.give_up(self.files.as_ref())?;
        }
        let files = self.files.as_ref();
        let waiting: Vec<&Part> =
            self.parts.iter().filter(|part| part.days().contains(&day) && self.waits_for(part, day)).collect();
        let (Some(first), Some(last)) = (waiting.first(), waiting.last()) else { return Ok(()) };
        let mut groups: BTreeSet<u32> = waiting.iter().flat_map(|part| part.groups(day)).collect();
        let known = self.days.get(&day).map_or(&[][..], |known| &known.tables);
        let old: u64 = known.iter().map(|table| table.directory.rows).sum();
        let new: u64 = waiting.iter().map(|part| part.rows_of(day)).sum();
        let unrolled = self.rolled_table(day).is_none();
        let anew = unrolled || known.len() >= TABLES_MAX || old <= new.saturating_mul(REWRITTEN_BELOW);
        let (mut from, to) = (first.first(), last.made());
        if anew {
            for table in known {
                // It has their rows too, and stands for the parts that they were made of.
                from = from.min(table.directory.from);
                let entries = self.entries_left(table, 0, u64::MAX)?;
                groups.extend(entries.iter().map(|e| chunk::stream_of(e.key) / GROUP_STREAMS));
            }
        }
        let made = self.state.made.saturating_add(1);
        let purpose = Purpose { made, made_at: self.latest, day: Some(day), from, to };
        let writer = TableWriter::begin(files, chunk::name(day, made), purpose)?;
        let rolling = self.begin_rolling(day, purpose)?;
        let (groups, streams) = (groups.into_iter().collect(), BTreeSet::new());
        // What was read for answers makes room for what is read for the merge.
        self.groups.borrow_mut().clear();
        self.merging = Some(Merging { day, made, to, anew, writer, groups, next: 0, streams, rolling });
        // A seal in between takes the next number.
        self.state.made = made;
        Ok(())
    }

    /// Makes the merged day known, and lets go what it replaces.
    fn end_merge(&mut self, merging: Merging) -> Result<(), StoreError> {
        let Merging { day, made, to, anew, writer, streams, rolling, .. } = merging;
        if self.state.raw_from.is_some_and(|from| day < from) {
            rolling.discard(self.files.as_ref())?;
            return writer.discard(self.files.as_ref());
        }
        let named: Vec<(u32, &StreamId)> =
            streams.iter().filter_map(|n| Some((*n, self.memory.streams.id(*n)?))).collect();
        let rolled = match self.end_rolling(rolling) {
            Ok(rolled) => rolled,
            Err(why) => return writer.discard(self.files.as_ref()).and(Err(why)),
        };
        let table = match writer.finish(self.files.as_ref(), &named) {
            Ok(table) => table,
            Err(why) => return self.files.remove(&rolled.name).and(Err(why)),
        };
        let mut writes = Writes::default();
        let record = TableRecord::of(&rolled);
        put_rollups(&mut writes, day, &record)?;
        let before = self.rollups.insert(day, DayRollups { record: Some(record), table: Some(rolled) });
        // By the manifest, because a damaged table was not opened.
        let rolled_before = before.and_then(|before| before.record).map(|record| rollup_block::name(day, record.made));
        let mut known = self.days.get(&day).cloned().unwrap_or_default();
        let replaced = if anew { std::mem::take(&mut known.tables) } else { Vec::new() };
        known.record.tables.retain(|of| replaced.iter().all(|table| table.directory.made != of.made));
        known.unsaid = false;
        known.record.merge_up_to(to, &self.absent_parts());
        known.record.tables.push(TableRecord::of(&table));
        known.tables.push(table);
        let mut state = State { made: self.state.made.max(made), ..self.state.clone() };
        self.days.insert(day, known.clone());
        let gone: Vec<u64> = self.parts.iter().filter(|part| self.is_spent(part)).map(Part::made).collect();
        state.parts.retain(|part| !gone.contains(part));
        put_day(&mut writes, day, &known.record)?;
        put_state(&mut writes, &state)?;
        self.disk.apply(writes)?;
        self.disk.sync()?;
        self.state = state;
        self.drop_parts(&gone)?;
        let replaced = replaced.iter().map(|table| &table.name).chain(&rolled_before);
        replaced.into_iter().try_for_each(|name| self.let_file_go(name))
    }

    /// Whether no day needs a part any more.
    pub(super) fn is_spent(&self, part: &Part) -> bool {
        !part.days().iter().any(|day| self.waits_for(part, *day))
    }

    /// Removes parts that no day needs.
    pub(super) fn drop_parts(&mut self, gone: &[u64]) -> Result<(), StoreError> {
        let (dropped, kept) = std::mem::take(&mut self.parts).into_iter().partition(|part| gone.contains(&part.made()));
        self.parts = kept;
        self.groups.borrow_mut().clear();
        let dropped: Vec<Part> = dropped;
        dropped.iter().try_for_each(|part| self.let_file_go(&part.table.name))
    }
}
