//! [`EmbeddedStore`]: the store in an embedded database on this machine.
//!
//! ```text
//! the store's own state   key 01   frame UPHm, MessagePack of State
//! a day                   key 05 day:u32   frame UPHy, one byte: 1 when the day has parts to merge
//! ```
//!
//! Opening reads the state, the dictionaries and the list of days, never the history, and replays the journal: both
//! are bounded. A state that is damaged or of another version is an error; a damaged entry of a dictionary is counted
//! and left out. See the module above for the rules of recovery.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};
use uphold_common::ids::{Id, VantagePoint};
use uphold_common::observation::{FlowId, Observation, Reading, ResourceId, Volume};
use uphold_common::time::{Instant, Interval};
use uphold_common::wire::batch::{self, Batch, Epoch};
use uphold_common::wire::frame::Magic;
use uphold_common::wire::{BATCH_BYTES_MAX, pack};

use super::chunk;
use super::delivery::Delivery;
use super::error::StoreError;
use super::head::days_of;
use super::keys::{self, ChunkKey};
use super::lock::DataDir;
use super::maintenance::MergeCursor;
use super::memory::Memory;
use super::parts::{self, JournalReader, journal_key, journal_parts};
use super::records::{Damage, Damaged};
use super::rows::Block;
use super::sled_store::{Disk, Place, Writes};
use super::stream::StreamId;
use super::{Admitted, Appended, KeyRange, Maintained, Record, RecordChange, RecordKind, Store, StoreStats};

/// The version of everything in the store.
const FORMAT: u16 = 1;
pub(super) const STATE: Magic = Magic(*b"UPHm");
pub(super) const DAY: Magic = Magic(*b"UPHy");
pub(super) const STREAM: Magic = Magic(*b"UPHs");
pub(super) const NEWEST: Magic = Magic(*b"UPHl");
pub(super) const DELIVERY: Magic = Magic(*b"UPHd");

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
    /// Most agents that are known.
    pub agents_max: usize,
    /// How many streams one step of upkeep merges.
    pub merge_streams_max: usize,
    /// How long a day rests after its end before it is merged.
    pub merge_after_ms: i64,
    /// How long opening waits for a lock that a killed process still holds.
    pub open_retry_ms: u64,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            cache_bytes: 64 * 1024 * 1024,
            head_bytes_max: 32 * 1024 * 1024,
            journal_bytes_max: 64 * 1024 * 1024,
            journal_age_max_ms: 3_600_000,
            streams_max: 200_000,
            agents_max: 10_000,
            merge_streams_max: 64,
            merge_after_ms: 3_600_000,
            open_retry_ms: 5_000,
        }
    }
}

/// The store's own state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    /// The version of everything in the store.
    pub(super) format: u16,
    /// Its id.
    pub(super) id: Epoch,
    /// The number of the last journal entry that is in chunks.
    pub(super) watermark: u64,
    /// The number of the last seal or merge.
    pub(super) made: u32,
}

/// Puts an entry back from its key and, if its frame is sound, its content; tells whether that was possible.
type Restore<'a> = dyn FnMut(&[u8], Option<&[u8]>) -> bool + 'a;

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

    fn read_dictionaries(&mut self) -> Result<(), StoreError> {
        let Self { disk, memory, days, damage, .. } = self;
        let damage = damage.get_mut();
        let mut each = |kind: u8, magic: Magic, restore: &mut Restore<'_>| {
            disk.scan(Place::Main, &KeyRange::prefix(&[kind]), &mut |key, value| {
                let content = parts::unframed(magic, value);
                if !restore(key, content.as_deref().ok()) {
                    damage.note(Damaged::Record, &format!("entry {key:02x?}"), "it is not understood");
                }
                ControlFlow::Continue(())
            })
        };
        each(keys::STREAM, STREAM, &mut |key, content| {
            let Some(number) = keys::number_of(key) else { return false };
            let id: Option<StreamId> = content.and_then(|bytes| pack::unpack(bytes).ok());
            let sound = id.is_some();
            memory.streams.restore(number, id);
            sound
        })?;
        each(keys::NEWEST, NEWEST, &mut |key, content| {
            let (Some(number), Some(bytes)) = (keys::number_of(key), content) else { return false };
            memory.streams.restore_newest(number, bytes)
        })?;
        each(keys::DELIVERY, DELIVERY, &mut |key, content| {
            let Some((agent, epoch)) = keys::delivery_of(key) else { return false };
            let (Ok(agent), Some(delivery)) = (Id::new(agent), content.and_then(Delivery::from_bytes)) else {
                return false;
            };
            memory.deliveries.restore(agent, epoch, delivery);
            true
        })?;
        each(keys::DAY, DAY, &mut |key, content| {
            let Some(day) = keys::day_of(key) else { return false };
            // A day whose entry is damaged still has chunks: it is kept, and merged once more.
            days.insert(day, content != Some(&[0]));
            content.is_some()
        })
    }

    /// Takes the entries of one journal tree above the watermark into memory, and empties a tree that has none.
    fn replay(&mut self, place: Place) -> Result<(), StoreError> {
        let (watermark, mut reader, mut live) = (self.state.watermark, JournalReader::default(), false);
        let Self { disk, memory, journal, damage, .. } = self;
        let damage = damage.get_mut();
        disk.scan(place, &KeyRange::all(), &mut |key, value| {
            let seq = journal_key(key).map_or(u64::MAX, |(seq, _)| seq);
            if seq <= watermark {
                return ControlFlow::Continue(());
            }
            live = true;
            if seq != u64::MAX && seq >= journal.next_seq {
                (journal.next_seq, journal.active) = (seq + 1, place);
            }
            journal.bytes += value.len() as u64;
            let decoded = reader.take(key, value).and_then(|entry| {
                let Some(entry) = entry else { return Ok(()) };
                let batch = Batch::decode(&entry.batch).map_err(|why| why.to_string())?;
                memory.absorb(entry.received_at, &batch, batch::digest(&entry.batch));
                journal.batches += 1;
                journal.oldest = Some(journal.oldest.map_or(entry.received_at, |oldest| oldest.min(entry.received_at)));
                Ok(())
            });
            if let Err(why) = decoded {
                damage.note(Damaged::Journal, &format!("journal entry {seq}"), &why);
            }
            ControlFlow::Continue(())
        })?;
        if let Some(seq) = reader.unfinished() {
            damage.note(Damaged::Journal, &format!("journal entry {seq}"), "its parts are not all there");
        }
        if live || disk.is_empty(place)? { Ok(()) } else { disk.clear(place) }
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

/// The state of the store, made if this is a new one.
fn read_state(disk: &Disk) -> Result<State, StoreError> {
    let corrupt = |reason: String| StoreError::Corrupt { place: "the state of the store".to_owned(), reason };
    if let Some(bytes) = disk.get(keys::STATE)? {
        let state: State = parts::unframed(STATE, &bytes)
            .and_then(|content| pack::unpack(&content).map_err(|why| why.to_string()))
            .map_err(corrupt)?;
        return match state.format {
            FORMAT => Ok(state),
            found => Err(StoreError::Version { found, readable: FORMAT }),
        };
    }
    if !disk.is_empty(Place::Main)? {
        return Err(corrupt("it is missing, and other entries are there".to_owned()));
    }
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(|_| StoreError::Random)?;
    let state = State { format: FORMAT, id: Epoch(id), watermark: 0, made: 0 };
    let mut writes = Writes::default();
    put_state(&mut writes, &state)?;
    disk.apply(Place::Main, writes)?;
    disk.sync()?;
    Ok(state)
}

/// Writes the store's state.
pub(super) fn put_state(writes: &mut Writes, state: &State) -> Result<(), StoreError> {
    writes.put(keys::STATE.to_vec(), parts::framed(STATE, &packed(state)?)?);
    Ok(())
}

/// The bytes of a value of our own; all of them have a form.
pub(super) fn packed<T: Serialize>(value: &T) -> Result<Vec<u8>, StoreError> {
    pack::pack(value)
        .map_err(|why| StoreError::Corrupt { place: "a value to be written".to_owned(), reason: why.to_string() })
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
            let answer = self.memory.judge(&admitted, self.options.streams_max, self.options.agents_max);
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

    fn take_touched(&mut self) -> BTreeMap<VantagePoint, Interval> {
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
