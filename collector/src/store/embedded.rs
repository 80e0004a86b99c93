//! [`EmbeddedStore`]: the store in files and an embedded database on this machine.
//!
//! Rows are asked of a day's tables, of the parts that wait to be merged and of the head together, and settled, so that
//! it never shows which of them holds what. How it is opened stands in `recovery`, how it is kept up in `seal` and
//! `merge`, how it forgets in `retention`, its records in `records`.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use uphold_common::ids::{Id, VantagePoint};
use uphold_common::observation::{FlowId, Observation, Reading, ResourceId, Volume};
use uphold_common::time::{Instant, Interval};
use uphold_common::wire::BATCH_BYTES_MAX;
use uphold_common::wire::batch::{BatchKey, Epoch};

use super::cache::GroupCache;
use super::chunk::{self, Of};
use super::database::Database;
use super::day::Day;
use super::delivery::{Delivery, Gaps, Reckoned, Told};
use super::error::StoreError;
use super::files::{Files, Folder};
use super::fold::Folding;
use super::head::days_of;
use super::journal::Journal;
use super::journal_entry::EntryKind;
use super::lock::DataDir;
use super::memory::Memory;
use super::merge::Merging;
use super::options::StoreOptions;
use super::part::{GROUP_STREAMS, Part};
use super::records::{self, Damage, Damaged};
use super::recovery::State;
use super::rollup::Hours;
use super::rollup_store::DayRollups;
use super::rows::Block;
use super::sled_store::Disk;
use super::stream::StreamId;
use super::table::{Table, TableError};
use super::{Admitted, Appended, KeyRange, Maintained, Record, RecordChange, RecordKind, Store, StoreStats, Touched};
use crate::clock::Stopwatch;

/// The store in files and an embedded database.
#[derive(Debug)]
pub struct EmbeddedStore {
    pub(super) disk: Box<dyn Database>,
    pub(super) files: Box<dyn Files>,
    pub(super) memory: Memory,
    pub(super) state: State,
    pub(super) journal: Journal,
    /// The parts that wait to be merged, in the order of their making.
    pub(super) parts: Vec<Part>,
    /// The days that were merged.
    pub(super) days: BTreeMap<i32, Day>,
    /// The roll-ups of days.
    pub(super) rollups: BTreeMap<i32, DayRollups>,
    pub(super) merging: Option<Merging>,
    pub(super) folding: Option<Folding>,
    /// The last part that is to be merged before a compaction that was begun is over.
    pub(super) compacting: Option<u64>,
    pub(super) groups: RefCell<GroupCache>,
    pub(super) options: StoreOptions,
    pub(super) counted: StoreStats,
    pub(super) damage: RefCell<Damage>,
    /// The latest instant that the store was told.
    pub(super) latest: Instant,
    // Last, so that the directory is given up after everything in it is closed.
    data_dir: Option<DataDir>,
}

impl EmbeddedStore {
    /// Opens the store of a data directory, making it if there is none.
    pub fn open(data_dir: DataDir, options: StoreOptions) -> Result<Self, StoreError> {
        let path = data_dir.path().join("store");
        let disk = Disk::open(&path, options.cache_bytes, options.open_retry_ms)?;
        let files = Folder::open(&path.join("series"))?;
        let mut store = Self::open_in(Box::new(disk), Box::new(files), options)?;
        store.data_dir = Some(data_dir);
        Ok(store)
    }

    /// A store of these parts, before anything was read of it.
    pub(super) fn of(
        (disk, files): (Box<dyn Database>, Box<dyn Files>),
        options: StoreOptions,
        state: State,
        journal: Journal,
    ) -> Self {
        Self {
            disk,
            files,
            memory: Memory::default(),
            state,
            journal,
            parts: Vec::new(),
            days: BTreeMap::new(),
            rollups: BTreeMap::new(),
            merging: None,
            folding: None,
            compacting: None,
            groups: RefCell::default(),
            options,
            counted: StoreStats::default(),
            damage: RefCell::default(),
            latest: Instant::MIN,
            data_dir: None,
        }
    }

    /// The rows of a stream in `span`, from wherever they are, sorted and settled.
    fn rows(&self, id: &StreamId, span: Interval) -> Result<Block, StoreError> {
        self.disk.alive()?;
        let kind = id.kind();
        let mut rows = Block::empty(kind);
        let (Some(stream), false) = (self.memory.streams.number(id), span.is_empty()) else { return Ok(rows) };
        let (first, last) = days_of(span);
        let first = first.max(self.state.raw_from.unwrap_or(i32::MIN));
        if first > last {
            return Ok(rows);
        }
        let wanted = |day: &i32| (first..=last).contains(day);
        let mut days: BTreeSet<i32> = self.days.range(first..=last).map(|(day, _)| *day).collect();
        days.extend(self.parts.iter().flat_map(|part| part.days().iter().copied().filter(wanted)));
        days.extend(self.memory.head.days().filter(wanted));
        for day in days {
            rows.take_from(&self.rows_of_day(Of { day, stream, kind })?, span);
        }
        Ok(rows)
    }

    /// The rows of a stream on a day, sorted and settled.
    pub(super) fn rows_of_day(&self, of: Of) -> Result<Block, StoreError> {
        let mut rows = self.merged_rows(of)?;
        let known = self.days.get(&of.day).map(|day| &day.record);
        let waits = |part: &&Part| known.is_none_or(|known| known.lacks(part.made())) && part.days().contains(&of.day);
        let group = of.stream / GROUP_STREAMS;
        for part in self.parts.iter().filter(waits) {
            match self.groups.borrow_mut().get(self.files.as_ref(), part, of.day, group) {
                Ok(found) => {
                    let of_stream =
                        found.iter().filter(|(stream, block)| *stream == of.stream && block.kind() == of.kind);
                    of_stream.for_each(|(_, block)| rows.append(block));
                }
                Err(why) => self.note_table(&part.table, why)?,
            }
        }
        if let Some(block) = self.memory.head.rows_of(of.day, of.stream) {
            rows.append(&block);
        }
        if !rows.is_settled() {
            rows.settle();
        }
        Ok(rows)
    }

    /// The rows of a stream on a day as they were merged: those of the newest table that has any.
    pub(super) fn merged_rows(&self, of: Of) -> Result<Block, StoreError> {
        let mut rows = Block::empty(of.kind);
        let Some(day) = self.days.get(&of.day) else { return Ok(rows) };
        let (first, last) = (chunk::key(of.stream, 0), chunk::key(of.stream, u32::MAX));
        for table in day.tables.iter().rev() {
            let entries = match table.entries(self.files.as_ref(), first, last) {
                Ok(entries) => entries,
                Err(why) => {
                    self.note_table(table, why)?;
                    continue;
                }
            };
            for entry in &entries {
                let decoded = table
                    .block(self.files.as_ref(), entry)
                    .and_then(|bytes| chunk::decode(of, &bytes).map_err(|why| TableError::Damaged(why.to_string())));
                match decoded {
                    Ok(block) if rows.len() == 0 => rows = block,
                    Ok(block) => rows.append(&block),
                    Err(why) => self.note_table(table, why)?,
                }
            }
            if !entries.is_empty() {
                break;
            }
        }
        Ok(rows)
    }

    /// Counts what is damaged in a table, and names it once; a failure of the files stays one.
    pub(super) fn note_table(&self, table: &Table, why: TableError) -> Result<(), StoreError> {
        match why {
            TableError::Store(failed) => Err(failed),
            TableError::Damaged(why) => {
                self.damage.borrow_mut().note(Damaged::Chunk, &format!("{} ({why})", table.name), &why);
                Ok(())
            }
        }
    }

    /// Before when no row is kept.
    pub(super) fn kept_from(&self) -> Instant {
        self.state.raw_from.map_or(Instant::MIN, |day| super::head::end_of(day.saturating_sub(1)))
    }

    /// Whether a batch can only be judged once those before it are taken in.
    fn depends_on(&self, pending: &[Admitted], admitted: &Admitted) -> bool {
        let key = &admitted.batch.key;
        pending.iter().any(|before| before.batch.key.seq == key.seq && before.batch.key == *key)
            || (!pending.is_empty() && self.memory.near_bounds(&admitted.batch, pending, &self.options))
    }

    /// Makes durable what was added to the journal, and notes how long that took.
    fn commit_journal(&mut self) -> Result<(), StoreError> {
        let took = Stopwatch::start();
        self.journal.commit(self.files.as_ref())?;
        self.name_journal()?;
        self.counted.flushes.observe(took.elapsed_us());
        Ok(())
    }

    /// Makes batches durable that were added to the journal, and takes them in.
    fn commit_batches(&mut self, received_at: Instant, pending: &mut Vec<Admitted>) -> Result<(), StoreError> {
        self.commit_journal()?;
        let from = self.kept_from();
        for admitted in pending.drain(..) {
            self.counted.appended_batches += 1;
            self.counted.appended_rows += admitted.batch.rows() as u64;
            self.memory.absorb(received_at, &admitted.batch, admitted.digest, from);
        }
        Ok(())
    }
}

impl Store for EmbeddedStore {
    fn id(&self) -> Epoch {
        self.state.id
    }

    fn delivery(&self, agent: &Id, epoch: Epoch) -> Option<&Delivery> {
        self.memory.deliveries.get(agent, epoch)
    }

    fn reckon(&mut self, key: &BatchKey, told: &Told) -> Reckoned {
        self.memory.deliveries.reckon(key, told)
    }

    fn gaps(&self, agent: &Id) -> Gaps {
        self.memory.deliveries.gaps(agent)
    }

    fn append(&mut self, received_at: Instant, batches: Vec<Admitted>) -> Result<Vec<Appended>, StoreError> {
        self.disk.alive()?;
        self.latest = self.latest.max(received_at);
        let (head_bytes, limit) = (self.memory.head.bytes(), self.options.head_bytes_max.saturating_mul(2));
        if head_bytes >= limit {
            return Err(StoreError::Full { head_bytes, limit });
        }
        if let Some(found) = batches.iter().map(|b| b.framed.len()).find(|len| *len > BATCH_BYTES_MAX) {
            return Err(StoreError::TooLarge { what: "a batch", found, limit: BATCH_BYTES_MAX });
        }
        let mut pending: Vec<Admitted> = Vec::with_capacity(batches.len());
        let mut answers = Vec::with_capacity(batches.len());
        for admitted in batches {
            if self.depends_on(&pending, &admitted) {
                self.commit_batches(received_at, &mut pending)?;
            }
            let answer = self.memory.judge(&admitted, &self.options);
            answers.push(answer);
            match answer {
                Appended::Kept => {
                    self.journal.add(EntryKind::Batch, received_at, &admitted.framed)?;
                    pending.push(admitted);
                }
                Appended::Duplicate => self.counted.duplicate_batches += 1,
                _ => {}
            }
        }
        self.commit_batches(received_at, &mut pending)?;
        Ok(answers)
    }

    fn observations(&self, from: &VantagePoint, span: Interval) -> Result<Vec<Observation>, StoreError> {
        let rows = self.rows(&StreamId::Probe(from.clone()), span)?;
        Ok(if let Block::Probe(rows) = rows { rows } else { Vec::new() })
    }

    fn readings(&self, of: &ResourceId, span: Interval) -> Result<Vec<Reading>, StoreError> {
        let rows = self.rows(&StreamId::Capacity(of.clone()), span)?;
        Ok(if let Block::Capacity(rows) = rows { rows } else { Vec::new() })
    }

    fn volumes(&self, of: &FlowId, span: Interval) -> Result<Vec<Volume>, StoreError> {
        let rows = self.rows(&StreamId::Volume(of.clone()), span)?;
        Ok(if let Block::Volume(rows) = rows { rows } else { Vec::new() })
    }

    fn rollups(&self, of: &StreamId, span: Interval) -> Result<Hours, StoreError> {
        self.hours(of, span)
    }

    fn latest_readings(&self, wanted: &dyn Fn(&Id) -> bool) -> Vec<(ResourceId, Reading)> {
        self.memory.streams.latest_readings(wanted)
    }

    fn latest_volumes(&self, wanted: &dyn Fn(&Id) -> bool) -> Vec<(FlowId, Volume)> {
        self.memory.streams.latest_volumes(wanted)
    }

    fn vantage_points(&self) -> Vec<VantagePoint> {
        self.memory.streams.vantage_points()
    }

    fn take_touched(&mut self, wanted: &dyn Fn(&StreamId) -> bool) -> Touched {
        self.memory.take_touched(wanted)
    }

    fn ask_anew(&mut self) {
        self.memory.ask_anew();
    }

    fn commit(&mut self, changes: &[RecordChange]) -> Result<(), StoreError> {
        let writes = self.record_writes(changes)?;
        self.disk.make_room()?;
        self.journal.add(EntryKind::Records, self.latest, &records::pack_changes(changes)?)?;
        self.commit_journal()?;
        self.disk.apply(writes)
    }

    fn commit_derived(&mut self, changes: &[RecordChange]) -> Result<(), StoreError> {
        let writes = self.record_writes(changes)?;
        match self.disk.make_room() {
            // They fit into the room that was made for what is governed.
            Ok(()) | Err(StoreError::NoSpace { .. }) => self.disk.apply(writes),
            Err(failed) => Err(failed),
        }
    }

    fn record(&self, kind: RecordKind, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        match self.disk.get(&super::keys::record_key(kind as u8, key))? {
            Some(entry) => self.whole_record(kind, key, &entry),
            None => Ok(None),
        }
    }

    fn records(&self, kind: RecordKind, range: &KeyRange, limit: usize) -> Result<Vec<Record>, StoreError> {
        self.record_list(kind, range, limit)
    }

    fn wants_a_seal(&self) -> bool {
        self.takes_a_part() && self.is_large()
    }

    fn maintain(&mut self, now: Instant) -> Result<Maintained, StoreError> {
        self.disk.make_room()?;
        self.step(now)
    }

    fn compact(&mut self, now: Instant) -> Result<Maintained, StoreError> {
        self.disk.make_room()?;
        self.compact_step(now)
    }

    fn forget_rows_before(&mut self, day: i32) -> Result<(), StoreError> {
        self.forget_before(day)
    }

    fn raw_from(&self) -> Option<i32> {
        self.state.raw_from
    }

    fn forget_rollups_before(&mut self, day: i32) -> Result<(), StoreError> {
        self.forget_hours_before(day)
    }

    fn close(&mut self) -> Result<(), StoreError> {
        self.disk.sync()
    }

    fn stats(&self) -> StoreStats {
        self.statistics()
    }
}
