//! Opening a store: its state, its dictionaries, its tables, and the replay of the journal.
//!
//! ```text
//! the store's own state   key 01   frame UPHm, MessagePack of State
//! ```
//!
//! Opening reads the state, the dictionaries, the manifests of days and the ends of tables, never the history, and
//! replays the journal: all of them are bounded. A state that is damaged or of a later format is an error; whatever
//! else is damaged or missing is counted, named once and left out.
//!
//! **Older.** The files of the journal say up to which entry all was sealed. When the database knows less, and the
//! journal no longer has all of that, or when a part is gone that a table it does not know was made of, then it came up
//! older than it was, or was lost: tables and parts that it does not know are taken up, because each says what it is
//! and whose rows it holds, and what the journal still has is replayed. Otherwise a table that the database does not
//! know was never made known to anybody, and is removed.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};
use uphold_common::wire::BATCH_RAW_BYTES_MAX;
use uphold_common::wire::batch::{self, Epoch};
use uphold_common::wire::frame::Magic;
use uphold_common::wire::pack;
use uphold_common::wire::sheet::Sheet;

use super::KeyRange;
use super::database::{Database, Writes};
use super::day::{Day, DayRecord};
use super::embedded::EmbeddedStore;
use super::error::StoreError;
use super::files::{Files, TEMPORARY};
use super::journal::{self, Journal};
use super::journal_entry::{EntryKind, Head, Salt};
use super::journal_read;
use super::keys;
use super::options::StoreOptions;
use super::parts;
use super::records::{Damaged, Replayed};
use super::rollup_store::{DayRollups, put_rollups, record_of};

/// The version of everything in the store.
pub(super) const FORMAT: u16 = 2;
pub(super) const STATE: Magic = Magic(*b"UPHm");
pub(super) const DAY: Magic = Magic(*b"UPHy");

/// The store's own state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    /// The version of everything in the store.
    pub(super) format: u16,
    /// Its id.
    pub(super) id: Epoch,
    /// The number of the last journal entry that is sealed.
    pub(super) watermark: u64,
    /// The number of the last seal or merge.
    pub(super) made: u64,
    /// The first file of the journal that is needed, and the last one that was begun when the store was opened or sealed.
    #[serde(default)]
    pub(super) journal: (u64, u64),
    /// The parts that wait to be merged.
    #[serde(default)]
    pub(super) parts: Vec<u64>,
    /// The first day whose rows are kept; none while all are.
    #[serde(default)]
    pub(super) raw_from: Option<i32>,
    /// The salt of the journal's tags; none in a store of before there was one, until it is opened.
    #[serde(default)]
    pub(super) salt: Option<Salt>,
}

impl EmbeddedStore {
    /// Opens the store that lies in a database and the files beside it.
    pub(super) fn open_in(
        disk: Box<dyn Database>,
        files: Box<dyn Files>,
        options: StoreOptions,
    ) -> Result<Self, StoreError> {
        for (name, _) in files.list()?.iter().filter(|(name, _)| name.ends_with(TEMPORARY)) {
            files.remove(name)?;
        }
        let heads = journal_read::heads(files.as_ref())?;
        let there = journal::numbers(files.as_ref())?;
        let files_of_rows = files.list()?.iter().any(|(name, _)| !journal::is_name(name));
        let (mut state, known) = read_state(disk.as_ref(), &heads)?;
        let as_read = state.clone();
        let salt = salt_of(&state, &heads)?;
        state.salt = Some(salt);
        let last = heads.iter().map(|head| head.before()).fold(state.watermark, u64::max);
        let journal = Journal::after(files.as_ref(), (state.id, salt), last.saturating_add(1), state.watermark)?;
        let mut store = Self::of((disk, files), options, state, journal);
        let found = store.read_dictionaries()?;
        store.read_manifests()?;
        if known {
            let (from, to) = store.state.journal;
            for file in (from.max(1)..=to).filter(|file| !there.contains(file)) {
                store.damage.get_mut().note(Damaged::File, &format!("journal file {file}"), "it is missing");
            }
        }
        let sealed = heads.iter().map(|head| head.sealed).max().unwrap_or_default();
        let first = heads.iter().map(|head| head.first).min();
        let watermark = store.state.watermark;
        let gap = sealed > watermark && first.is_none_or(|first| first > watermark.saturating_add(1));
        // A database that was lost knows of no table at all.
        let knows_none = !known && files_of_rows;
        let adopted = store.take_up_tables(gap || knows_none, first)?;
        if found.unnamed {
            store.name_from_tables()?;
        }
        store.replay()?;
        store.begin_journal()?;
        store.take_up_format_1()?;
        store.name_files(adopted, &as_read, found.lone)?;
        Ok(store)
    }

    /// Begins a file of the journal. On a full disk that waits, so that what is there can be read.
    fn begin_journal(&mut self) -> Result<(), StoreError> {
        match self.journal.begin(self.files.as_ref()) {
            Err(StoreError::NoSpace { file }) => {
                tracing::warn!(file, "the disk is full: nothing is taken in until there is room");
                Ok(())
            }
            other => other,
        }
    }

    /// Makes known what opening came to: the file of the journal, the tables that were adopted, and entries that are grouped. Nothing is written
    /// where that is nothing new, because there may be no room.
    fn name_files(&mut self, adopted: bool, as_read: &State, lone: Vec<Vec<u8>>) -> Result<(), StoreError> {
        self.state.journal = self.files_of_journal();
        if !adopted && lone.is_empty() && self.state == *as_read {
            return Ok(());
        }
        let mut writes = Writes::default();
        if adopted || !lone.is_empty() {
            self.put_dictionaries(&mut writes)?;
        }
        for key in lone {
            writes.remove(key);
        }
        if adopted {
            self.days.iter().try_for_each(|(day, known)| put_day(&mut writes, *day, &known.record))?;
            let rolled = self.rollups.iter().filter_map(|(day, known)| Some((*day, known.record.as_ref()?)));
            rolled.into_iter().try_for_each(|(day, record)| put_rollups(&mut writes, day, record))?;
        }
        self.put_state_now(writes)
    }

    /// Makes the file of the journal known that was begun after opening, so that it is missed when it is not there.
    pub(super) fn name_journal(&mut self) -> Result<(), StoreError> {
        if self.journal.file() == self.state.journal.1 {
            return Ok(());
        }
        self.state.journal = self.files_of_journal();
        self.put_state_now(Writes::default())
    }

    fn put_state_now(&self, mut writes: Writes) -> Result<(), StoreError> {
        put_state(&mut writes, &self.state)?;
        self.disk.apply(writes)?;
        self.disk.sync()
    }

    fn files_of_journal(&self) -> (u64, u64) {
        let file = self.journal.file();
        (if self.state.journal.0 == 0 { file } else { self.state.journal.0 }, file)
    }

    /// Reads the manifests of days and of their roll-ups.
    fn read_manifests(&mut self) -> Result<(), StoreError> {
        let Self { disk, days, rollups, damage, .. } = self;
        let damage = damage.get_mut();
        disk.scan(&KeyRange::prefix(&[keys::ROLLUPS]), &mut |key, value| {
            let Some(day) = keys::day_of(key) else { return ControlFlow::Continue(()) };
            let record = record_of(value);
            if let Err(why) = &record {
                damage.note(Damaged::Record, &format!("the manifest of the roll-ups of day {day}"), why);
            }
            rollups.insert(day, DayRollups { record: record.ok(), table: None });
            ControlFlow::Continue(())
        })?;
        disk.scan(&KeyRange::prefix(&[keys::DAY]), &mut |key, value| {
            let Some(day) = keys::day_of(key) else { return ControlFlow::Continue(()) };
            match parts::unframed_day(value) {
                Ok(Some(record)) => drop(days.insert(day, Day { record, ..Day::default() })),
                // Of format 1: its chunks are taken up below.
                Ok(None) => {}
                Err(why) => {
                    damage.note(Damaged::Record, &format!("the manifest of day {day}"), &why);
                    days.insert(day, Day { unsaid: true, ..Day::default() });
                }
            }
            ControlFlow::Continue(())
        })
    }

    /// Takes the entries of the journal above the watermark into memory and into the database, in their order.
    fn replay(&mut self) -> Result<(), StoreError> {
        let (watermark, from) = (self.state.watermark, self.kept_from());
        let Self { memory, journal, files, disk, damage, .. } = self;
        let (disk, damage) = (disk.as_ref(), damage.get_mut());
        let mut replayed = Replayed::default();
        let read = journal_read::read(files.as_ref(), self.state.salt, &mut |entry| {
            if entry.number <= watermark {
                return Ok(());
            }
            let taken = match entry.kind {
                EntryKind::Batch => Sheet::decode(&entry.content, BATCH_RAW_BYTES_MAX, None)
                    .map_err(|why| why.to_string())
                    .map(|batch| {
                        memory.absorb(entry.received_at, &batch, batch::digest(&entry.content), from);
                        journal.batches += 1;
                        let oldest = journal.oldest.map_or(entry.received_at, |oldest| oldest.min(entry.received_at));
                        journal.oldest = Some(oldest);
                    }),
                EntryKind::Records => replayed.take(&entry.content),
            };
            if let Err(why) = taken {
                damage.note(Damaged::Journal, &format!("journal entry {}", entry.number), &why);
            }
            journal.bytes += entry.content.len() as u64;
            replayed.apply_if_many(disk)
        })?;
        replayed.apply(disk)?;
        journal.next = journal.next.max(read.highest.saturating_add(1));
        for place in &read.damaged {
            damage.note(Damaged::Journal, place, "they are no entries");
        }
        self.counted.journal_torn_bytes = read.torn_bytes;
        if read.torn_bytes > 0 {
            tracing::warn!(
                bytes = read.torn_bytes,
                "the journal ends within an entry, as it does when a machine stops; agents send again what they know of"
            );
        }
        Ok(())
    }
}

/// The salt of the store's journal: as its state says, else as its files do, else a new one.
fn salt_of(state: &State, heads: &[Head]) -> Result<Salt, StoreError> {
    let of_files = || heads.iter().rev().find_map(|head| head.salt);
    state.salt.or_else(of_files).map_or_else(Salt::random, Ok)
}

/// The state of the store, made if this is a new one, for the store that the files belong to; and whether it was there.
fn read_state(disk: &dyn Database, heads: &[Head]) -> Result<(State, bool), StoreError> {
    let of_files = heads.last().map(|head| head.store);
    let corrupt = |reason: String| StoreError::Corrupt { place: "the state of the store".to_owned(), reason };
    if let Some(bytes) = disk.get(keys::STATE)? {
        let state: State = parts::unframed(STATE, &bytes)
            .and_then(|content| pack::unpack(&content).map_err(|why| why.to_string()))
            .map_err(corrupt)?;
        if let Some(files) = of_files.filter(|files| *files != state.id) {
            return Err(corrupt(format!("it is of store {}, and the files beside it are of store {files}", state.id)));
        }
        return match state.format {
            1..=FORMAT => Ok((state, true)),
            found => Err(StoreError::Version { found, readable: FORMAT }),
        };
    }
    let mut others = false;
    disk.scan(&KeyRange::all(), &mut |_, _| {
        others = true;
        ControlFlow::Break(())
    })?;
    if others {
        return Err(corrupt("it is missing, and other entries are there".to_owned()));
    }
    let id = if let Some(id) = of_files {
        id
    } else {
        let mut id = [0; 16];
        getrandom::fill(&mut id).map_err(|_| StoreError::Random)?;
        Epoch(id)
    };
    let state = State {
        format: FORMAT,
        id,
        watermark: 0,
        made: 0,
        journal: (0, 0),
        parts: Vec::new(),
        raw_from: None,
        salt: None,
    };
    let mut writes = Writes::default();
    put_state(&mut writes, &state)?;
    disk.apply(writes)?;
    disk.sync()?;
    Ok((state, false))
}

/// Writes the store's state.
pub(super) fn put_state(writes: &mut Writes, state: &State) -> Result<(), StoreError> {
    writes.put(keys::STATE.to_vec(), parts::framed(STATE, &packed(state)?)?);
    Ok(())
}

/// Writes the manifest of a day.
pub(super) fn put_day(writes: &mut Writes, day: i32, record: &DayRecord) -> Result<(), StoreError> {
    writes.put(keys::day_key(day), parts::framed_day(record)?);
    Ok(())
}

/// The bytes of a value of our own; all of them have a form.
pub(super) fn packed<T: Serialize>(value: &T) -> Result<Vec<u8>, StoreError> {
    pack::pack(value)
        .map_err(|why| StoreError::Corrupt { place: "a value to be written".to_owned(), reason: why.to_string() })
}
