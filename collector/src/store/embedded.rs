//! [`EmbeddedStore`]: the store in an embedded database on this machine.
//!
//! Rows are asked of chunks and head together and settled, so that it never shows which of them is sealed. How it is
//! opened stands in `recovery`, how it is kept up in `maintenance`, its records in `records`.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

use uphold_common::ids::{Id, VantagePoint};
use uphold_common::observation::{FlowId, Observation, Reading, ResourceId, Volume};
use uphold_common::time::{Instant, Interval};
use uphold_common::wire::BATCH_BYTES_MAX;
use uphold_common::wire::batch::Epoch;

use super::chunk;
use super::delivery::Delivery;
use super::error::StoreError;
use super::head::days_of;
use super::keys::{self, ChunkKey};
use super::lock::DataDir;
use super::maintenance::MergeCursor;
use super::memory::Memory;
use super::parts::journal_parts;
use super::records::{Damage, Damaged};
use super::recovery::{State, read_state};
use super::rows::Block;
use super::sled_store::{Disk, Place, Writes};
use super::stream::StreamId;
use super::{Admitted, Appended, KeyRange, Maintained, Record, RecordChange, RecordKind, Store, StoreStats, Touched};

/// The store's bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreOptions {
    /// Bytes of the database's page cache.
    pub cache_bytes: u64,
    /// The head is sealed at this size, and appends are refused at twice this size.
    pub head_bytes_max: usize,
    /// The head is sealed when the journal has this many bytes.
    pub journal_bytes_max: u64,
    /// The head is sealed when the oldest entry of the journal is this old.
    pub journal_age_max_ms: i64,
    /// Most streams that are known.
    pub streams_max: usize,
    /// Most streams that one agent brings.
    pub streams_per_agent_max: usize,
    /// Most agents that are known.
    pub agents_max: usize,
    /// How many streams one step of upkeep merges.
    pub merge_streams_max: usize,
    /// How long a day rests after its end before it is merged.
    pub merge_after_ms: i64,
    /// How long opening waits for a lock that a killed process still holds.
    pub open_retry_ms: u64,
    /// Bytes of the disk that are kept free, which is seen to before the store is asked; none: the default.
    pub reserve_bytes: Option<u64>,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            cache_bytes: 64 * 1024 * 1024,
            head_bytes_max: 32 * 1024 * 1024,
            journal_bytes_max: 64 * 1024 * 1024,
            journal_age_max_ms: 3_600_000,
            streams_max: 200_000,
            streams_per_agent_max: 10_000,
            agents_max: 10_000,
            merge_streams_max: 64,
            merge_after_ms: 3_600_000,
            open_retry_ms: 5_000,
            reserve_bytes: None,
        }
    }
}

/// What the journal holds.
#[derive(Debug)]
pub(super) struct Journal {
    pub(super) active: Place,
    pub(super) next_seq: u64,
    pub(super) batches: u64,
    pub(super) bytes: u64,
    pub(super) oldest: Option<Instant>,
}

/// The store in an embedded database.
#[derive(Debug)]
pub struct EmbeddedStore {
    pub(super) disk: Disk,
    pub(super) memory: Memory,
    pub(super) state: State,
    pub(super) journal: Journal,
    /// The days that have chunks; true when there are parts to merge.
    pub(super) days: BTreeMap<i32, bool>,
    pub(super) cursor: Option<MergeCursor>,
    pub(super) options: StoreOptions,
    pub(super) counted: StoreStats,
    pub(super) damage: RefCell<Damage>,
    // Last, so that the directory is given up after the database is closed.
    _data_dir: DataDir,
}

impl EmbeddedStore {
    /// Opens the store of a data directory, making it if there is none.
    pub fn open(data_dir: DataDir, options: StoreOptions) -> Result<Self, StoreError> {
        let disk = Disk::open(&data_dir.path().join("store"), options.cache_bytes, options.open_retry_ms)?;
        let state = read_state(&disk)?;
        let journal = Journal {
            active: Place::Journal0,
            next_seq: state.watermark.saturating_add(1),
            batches: 0,
            bytes: 0,
            oldest: None,
        };
        let mut store = Self {
            disk,
            memory: Memory::default(),
            state,
            journal,
            days: BTreeMap::new(),
            cursor: None,
            options,
            counted: StoreStats::default(),
            damage: RefCell::default(),
            _data_dir: data_dir,
        };
        store.read_dictionaries()?;
        store.replay(Place::Journal0)?;
        store.replay(Place::Journal1)?;
        Ok(store)
    }

    /// The rows of a stream in `span`, from chunks and head, sorted and settled.
    fn rows(&self, id: &StreamId, span: Interval) -> Result<Block, StoreError> {
        self.disk.alive()?;
        let kind = id.kind();
        let (Some(stream), false) = (self.memory.streams.number(id), span.is_empty()) else {
            return Ok(Block::empty(kind));
        };
        let mut rows = Block::empty(kind);
        let (first, last) = days_of(span);
        for day in self.days.range(first..=last).map(|(day, _)| *day) {
            let range = KeyRange::prefix(&keys::chunks_of(day, Some(stream)));
            self.disk.scan(Place::Main, &range, &mut |key, value| {
                match chunk::decode(day, kind, value) {
                    Ok(block) => rows.take_from(&block, span),
                    Err(why) => self.note_chunk(key, &why.to_string()),
                }
                ControlFlow::Continue(())
            })?;
        }
        rows.take_from(&self.memory.head.rows_within(stream, kind, span), span);
        rows.settle();
        Ok(rows)
    }

    /// Counts a damaged chunk, and names it once.
    pub(super) fn note_chunk(&self, key: &[u8], why: &str) {
        let place = ChunkKey::from_bytes(key).map_or_else(|| format!("chunk {key:02x?}"), |key| key.to_string());
        self.damage.borrow_mut().note(Damaged::Chunk, &place, why);
    }
}

impl Store for EmbeddedStore {
    fn id(&self) -> Epoch {
        self.state.id
    }

    fn delivery(&self, agent: &Id, epoch: Epoch) -> Option<&Delivery> {
        self.memory.deliveries.get(agent, epoch)
    }

    fn append(&mut self, received_at: Instant, batches: Vec<Admitted>) -> Result<Vec<Appended>, StoreError> {
        self.disk.alive()?;
        let (head_bytes, limit) = (self.memory.head.bytes(), self.options.head_bytes_max.saturating_mul(2));
        if head_bytes >= limit {
            return Err(StoreError::Full { head_bytes, limit });
        }
        if let Some(found) = batches.iter().map(|b| b.framed.len()).find(|len| *len > BATCH_BYTES_MAX) {
            return Err(StoreError::TooLarge { what: "a batch", found, limit: BATCH_BYTES_MAX });
        }
        let mut writes = Writes::default();
        let mut answers = Vec::with_capacity(batches.len());
        for admitted in batches {
            let answer = self.memory.judge(&admitted, &self.options);
            answers.push(answer);
            match answer {
                Appended::Kept => self.journal_and_absorb(received_at, &admitted, &mut writes)?,
                Appended::Duplicate => self.counted.duplicate_batches += 1,
                _ => {}
            }
        }
        if !writes.is_empty() {
            self.disk.apply(self.journal.active, writes)?;
            self.disk.sync()?;
        }
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

    fn latest_readings(&self) -> Vec<(ResourceId, Reading)> {
        self.memory.streams.latest_readings()
    }

    fn latest_volumes(&self) -> Vec<(FlowId, Volume)> {
        self.memory.streams.latest_volumes()
    }

    fn vantage_points(&self) -> Vec<VantagePoint> {
        self.memory.streams.vantage_points()
    }

    fn take_touched(&mut self) -> Touched {
        std::mem::take(&mut self.memory.touched)
    }

    fn commit(&mut self, changes: &[RecordChange]) -> Result<(), StoreError> {
        self.commit_derived(changes)?;
        self.disk.sync()
    }

    fn commit_derived(&mut self, changes: &[RecordChange]) -> Result<(), StoreError> {
        let writes = self.record_writes(changes)?;
        self.disk.apply(Place::Main, writes)
    }

    fn record(&self, kind: RecordKind, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        match self.disk.get(&keys::record_key(kind as u8, key))? {
            Some(entry) => self.whole_record(kind, key, &entry),
            None => Ok(None),
        }
    }

    fn records(&self, kind: RecordKind, range: &KeyRange, limit: usize) -> Result<Vec<Record>, StoreError> {
        self.record_list(kind, range, limit)
    }

    fn maintain(&mut self, now: Instant) -> Result<Maintained, StoreError> {
        self.step(now)
    }

    fn close(&mut self) -> Result<(), StoreError> {
        self.disk.sync()
    }

    fn stats(&self) -> StoreStats {
        let damage = self.damage.borrow();
        StoreStats {
            journal_batches: self.journal.batches,
            journal_bytes: self.journal.bytes,
            journal_oldest: self.journal.oldest,
            head_bytes_max: self.options.head_bytes_max.saturating_mul(2),
            flushes: self.disk.flushes(),
            head_rows: self.memory.head.rows(),
            head_bytes: self.memory.head.bytes(),
            streams: self.memory.streams.len(),
            agents: self.memory.deliveries.agents(),
            days: self.days.len(),
            days_unmerged: self.days.values().filter(|unmerged| **unmerged).count(),
            disk_bytes: self.disk.bytes(),
            corrupt_chunks: damage.count(Damaged::Chunk),
            corrupt_journal: damage.count(Damaged::Journal),
            corrupt_records: damage.count(Damaged::Record),
            ..self.counted
        }
    }
}

impl EmbeddedStore {
    /// Adds a batch to the journal's next commit and to memory. Should that commit fail, the store is dead, so nobody
    /// sees what memory holds too much.
    fn journal_and_absorb(
        &mut self,
        received_at: Instant,
        admitted: &Admitted,
        writes: &mut Writes,
    ) -> Result<(), StoreError> {
        for (key, value) in journal_parts(self.journal.next_seq, received_at, &admitted.framed)? {
            self.journal.bytes += value.len() as u64;
            writes.put(key, value);
        }
        self.journal.next_seq += 1;
        self.journal.batches += 1;
        self.journal.oldest = Some(self.journal.oldest.map_or(received_at, |oldest| oldest.min(received_at)));
        self.memory.absorb(received_at, &admitted.batch, admitted.digest);
        self.counted.appended_batches += 1;
        self.counted.appended_rows += admitted.batch.rows() as u64;
        Ok(())
    }
}
