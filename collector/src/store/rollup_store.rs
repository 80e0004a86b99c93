//! Roll-ups in the store: written with each merge, asked for, taken up when it is opened, and forgotten.
//!
//! ```text
//! manifest  key  06 day:u32   value  frame UPHu, version 1, MessagePack of [`TableRecord`]
//! ```
//!
//! A merged day has one table of roll-ups, made by the merge that made its newest table of rows; both are put in place by
//! one batch of the database. Streams with new rows are rolled up anew, the others copied; hours of which rows were lost
//! since stay as they are kept (`rollup`), in what is written and in what is answered. A table that is missing,
//! damaged or of an earlier merge is not used: the hours are reckoned from rows while those are there, as they are for
//! rows that are not merged, and the next merge writes the day anew. Its manifest is its own, because roll-ups outlive
//! the rows they are of.

use std::collections::{BTreeSet, VecDeque};

use uphold_common::time::Interval;
use uphold_common::wire::frame::Magic;
use uphold_common::wire::pack;

use super::chunk::Of;
use super::database::Writes;
use super::day::TableRecord;
use super::embedded::EmbeddedStore;
use super::error::StoreError;
use super::files::Files;
use super::head::days_of;
use super::keys;
use super::part::{GROUP_STREAMS, Part};
use super::parts;
use super::records::Damaged;
use super::recovery::packed;
use super::rollup::Hours;
use super::rollup_block::{self, Rolled};
use super::stream::StreamId;
use super::table::{Entry, Purpose, Table, TableError, TableWriter};

const MANIFEST: Magic = Magic(*b"UPHu");
/// How the names of tables of roll-ups begin.
const ROLLUP: &str = "rollup-";

/// The roll-ups of a day that are kept.
#[derive(Clone, Debug, Default)]
pub(super) struct DayRollups {
    /// What the manifest says; none if that is damaged.
    pub(super) record: Option<TableRecord>,
    /// The table, if it is there.
    pub(super) table: Option<Table>,
}

/// The roll-ups of a day that is being merged.
#[derive(Debug)]
pub(super) struct Rolling {
    day: i32,
    writer: TableWriter,
    /// The blocks of the table before, in their order, that are still to be copied or written anew.
    old: VecDeque<Entry>,
    streams: BTreeSet<u32>,
}

impl Rolling {
    /// Gives it up.
    pub(super) fn discard(self, files: &dyn Files) -> Result<(), StoreError> {
        self.writer.discard(files)
    }

    fn put(&mut self, files: &dyn Files, group: u32, rolled: &Rolled) -> Result<(), StoreError> {
        if rolled.is_empty() {
            return Ok(());
        }
        self.streams.extend(rolled.keys());
        let block = rollup_block::encode(self.day, group, rolled)?;
        self.writer.put(files, u64::from(group), rollup_block::hours_in(rolled), &block)
    }
}

impl EmbeddedStore {
    /// The roll-ups of the hours that begin in `span`: of what is merged as they were written, of the rest from rows.
    pub(super) fn hours(&self, id: &StreamId, span: Interval) -> Result<Hours, StoreError> {
        self.disk.alive()?;
        let kind = id.kind();
        let mut hours = Hours::empty(kind);
        let (Some(stream), false) = (self.memory.streams.number(id), span.is_empty()) else { return Ok(hours) };
        let (first, last) = days_of(span);
        let wanted = |day: &i32| (first..=last).contains(day);
        let mut days: BTreeSet<i32> = self.days.range(first..=last).map(|(day, _)| *day).collect();
        days.extend(self.rollups.range(first..=last).map(|(day, _)| *day));
        days.extend(self.parts.iter().flat_map(|part| part.days().iter().copied().filter(wanted)));
        days.extend(self.memory.head.days().filter(wanted));
        for day in days {
            hours.take_from(self.hours_of_day(Of { day, stream, kind })?, |start| span.contains(start));
        }
        Ok(hours)
    }

    fn hours_of_day(&self, of: Of) -> Result<Hours, StoreError> {
        let group = of.stream / GROUP_STREAMS;
        let forgotten = self.state.raw_from.is_some_and(|from| of.day < from);
        let waits = |part: &Part| self.waits_for(part, of.day) && part.groups(of.day).any(|found| found == group);
        let merged = || !self.memory.head.contains(of.day, of.stream) && !self.parts.iter().any(waits);
        let rolled = self.rolled_group(of.day, group)?;
        let known = rolled.is_some();
        let kept = rolled.and_then(|mut rolled| rolled.remove(&of.stream)).filter(|hours| hours.kind() == of.kind);
        if forgotten || (known && merged()) {
            return Ok(kept.unwrap_or_else(|| Hours::empty(of.kind)));
        }
        let all = Hours::of(&self.rows_of_day(of)?);
        Ok(match kept {
            Some(kept) => all.beside(kept, &Hours::of(&self.merged_rows(of)?)),
            None => all,
        })
    }

    /// The table of a day's roll-ups, if it is there and covers everything that was merged.
    pub(super) fn rolled_table(&self, day: i32) -> Option<&Table> {
        let table = self.rollups.get(&day)?.table.as_ref()?;
        let newest = self.days.get(&day).and_then(|known| known.record.tables.iter().map(|table| table.made).max());
        newest.is_none_or(|newest| newest <= table.directory.made).then_some(table)
    }

    /// The merged roll-ups of a group on a day; none when they cannot be told from its table.
    pub(super) fn rolled_group(&self, day: i32, group: u32) -> Result<Option<Rolled>, StoreError> {
        let Some(table) = self.rolled_table(day) else { return Ok(None) };
        let found = table.entries(self.files.as_ref(), u64::from(group), u64::from(group)).and_then(|entries| {
            entries.first().map_or_else(|| Ok(Rolled::new()), |entry| self.rolled_block(table, day, entry))
        });
        self.sound(table, found)
    }

    fn rolled_block(&self, table: &Table, day: i32, entry: &Entry) -> Result<Rolled, TableError> {
        let group = u32::try_from(entry.key).map_err(|_| TableError::Damaged("a group that cannot be".to_owned()))?;
        rollup_block::decode(day, group, &table.block(self.files.as_ref(), entry)?)
    }

    /// What was read, or none when it is damaged, which is noted.
    fn sound<T>(&self, table: &Table, found: Result<T, TableError>) -> Result<Option<T>, StoreError> {
        match found {
            Ok(found) => Ok(Some(found)),
            Err(why) => self.note_table(table, why).map(|()| None),
        }
    }

    /// The roll-ups of what was merged of a group on a day, from rows, but for those of `anew`.
    fn roll_up_merged(&self, day: i32, group: u32, anew: impl Fn(u32) -> bool) -> Result<Rolled, StoreError> {
        let mut rolled = Rolled::new();
        for stream in self.old_chunks(day, group)?.into_keys().filter(|stream| !anew(*stream)) {
            let Some(kind) = self.memory.streams.id(stream).map(StreamId::kind) else { continue };
            rolled.insert(stream, Hours::of(&self.merged_rows(Of { day, stream, kind })?));
        }
        Ok(rolled)
    }

    /// Begins the roll-ups of a day that is to be merged.
    pub(super) fn begin_rolling(&self, day: i32, purpose: Purpose) -> Result<Rolling, StoreError> {
        let old = match self.rolled_table(day) {
            Some(table) => self.sound(table, table.entries(self.files.as_ref(), 0, u64::MAX))?.unwrap_or_default(),
            None => Vec::new(),
        };
        let writer = TableWriter::begin(self.files.as_ref(), rollup_block::name(day, purpose.made), purpose)?;
        Ok(Rolling { day, writer, old: old.into(), streams: BTreeSet::new() })
    }

    /// Writes the roll-ups of a group, of which those of `anew` have new rows; groups come in their order.
    pub(super) fn roll_up_group(&self, rolling: &mut Rolling, group: u32, anew: Rolled) -> Result<(), StoreError> {
        self.copy_groups_before(rolling, u64::from(group))?;
        let _replaced = rolling.old.pop_front_if(|entry| entry.key == u64::from(group));
        let mut rolled = match self.rolled_group(rolling.day, group)? {
            Some(rolled) => rolled,
            None => self.roll_up_merged(rolling.day, group, |stream| anew.contains_key(&stream))?,
        };
        rolled.extend(anew);
        rolling.put(self.files.as_ref(), group, &rolled)
    }

    /// Copies the groups that nothing is new of, up to the group `end`.
    fn copy_groups_before(&self, rolling: &mut Rolling, end: u64) -> Result<(), StoreError> {
        while let Some(entry) = rolling.old.pop_front_if(|entry| entry.key < end) {
            let (day, group) = (rolling.day, u32::try_from(entry.key).unwrap_or_default());
            let rolled = match self.rolled_group(day, group)? {
                Some(rolled) => rolled,
                None => self.roll_up_merged(day, group, |_| false)?,
            };
            rolling.put(self.files.as_ref(), group, &rolled)?;
        }
        Ok(())
    }

    /// Makes the roll-ups of a merged day durable; nobody knows of them yet.
    pub(super) fn end_rolling(&self, mut rolling: Rolling) -> Result<Table, StoreError> {
        self.copy_groups_before(&mut rolling, u64::MAX)?;
        let Rolling { writer, streams, .. } = rolling;
        let named: Vec<(u32, &StreamId)> =
            streams.iter().filter_map(|n| Some((*n, self.memory.streams.id(*n)?))).collect();
        writer.finish(self.files.as_ref(), &named)
    }

    /// Opens the tables of roll-ups that are there, and says which are missing. Those that the database does not know are
    /// adopted when it is `older` than the files, and else were never made known. Tells whether any was adopted.
    pub(super) fn take_up_rollups(&mut self, known_made: u64, older: bool) -> Result<bool, StoreError> {
        let mut adopted = false;
        let mut tables = self.open_tables_named(&[ROLLUP])?;
        tables.sort_by_key(|table| table.directory.made);
        for table in tables {
            let made = table.directory.made;
            let Some(day) = table.directory.day else { continue };
            self.state.made = self.state.made.max(made);
            let known = self.rollups.get(&day);
            let named = known.and_then(|known| known.record.as_ref());
            let unsaid = known.is_some() && named.is_none();
            if named.is_some_and(|record| record.made == made) {
                self.rollups.entry(day).or_default().table = Some(table);
            } else if unsaid || (made > known_made && older) {
                if self.adopt_streams(&table)? {
                    tracing::warn!(table = table.name, "taken up, because the database does not know it");
                    let kept = DayRollups { record: Some(TableRecord::of(&table)), table: Some(table) };
                    let before = self.rollups.insert(day, kept).and_then(|before| before.table);
                    before.map_or(Ok(()), |before| self.files.remove(&before.name))?;
                    adopted = true;
                }
            } else {
                self.files.remove(&table.name)?;
            }
        }
        let damage = self.damage.get_mut();
        for (day, known) in &self.rollups {
            let Some(record) = &known.record else { continue };
            let name = rollup_block::name(*day, record.made);
            match &known.table {
                None => damage.note(Damaged::File, &name, "it is missing or unreadable"),
                Some(table) if TableRecord::of(table) != *record => {
                    damage.note(Damaged::File, &name, "it is not the one that the day's manifest names");
                }
                Some(_) => {}
            }
        }
        Ok(adopted)
    }

    /// Forgets the roll-ups of all days before `day`. It is durable when this returns.
    pub(super) fn forget_hours_before(&mut self, day: i32) -> Result<(), StoreError> {
        self.disk.alive()?;
        let forgotten: Vec<i32> = self.rollups.range(..day).map(|(day, _)| *day).collect();
        if forgotten.is_empty() {
            return Ok(());
        }
        let mut writes = Writes::default();
        for day in &forgotten {
            writes.remove(keys::rollups_key(*day));
        }
        self.disk.apply(writes)?;
        self.disk.sync()?;
        let kept = self.rollups.split_off(&day);
        let forgotten = std::mem::replace(&mut self.rollups, kept);
        let tables = forgotten.into_values().filter_map(|day| day.table);
        tables.map(|table| table.name).try_for_each(|name| self.files.remove(&name))?;
        self.forget_damaged_rollups_before(day)
    }
}

/// What a manifest of a day's roll-ups says.
pub(super) fn record_of(value: &[u8]) -> Result<TableRecord, String> {
    let content = parts::unframed(MANIFEST, value)?;
    pack::unpack(&content).map_err(|why| why.to_string())
}

/// Writes the manifest of a day's roll-ups.
pub(super) fn put_rollups(writes: &mut Writes, day: i32, record: &TableRecord) -> Result<(), StoreError> {
    writes.put(keys::rollups_key(day), parts::framed(MANIFEST, &packed(record)?)?);
    Ok(())
}
