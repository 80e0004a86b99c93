//! Opening a store: its state, its dictionaries, and the replay of the journal.
//!
//! ```text
//! the store's own state   key 01   frame UPHm, MessagePack of State
//! a day                   key 05 day:u32   frame UPHy, one byte: 1 when the day has parts to merge
//! ```
//!
//! Opening reads the state, the dictionaries and the list of days, never the history, and replays the journal: both
//! are bounded. A state that is damaged, missing beside other entries, or of another version is an error; a damaged
//! entry of a dictionary or of the journal is counted and left out. See the module above for the rules.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};
use uphold_common::ids::Id;
use uphold_common::wire::batch::{self, Batch, Epoch};
use uphold_common::wire::frame::Magic;
use uphold_common::wire::pack;

use super::KeyRange;
use super::delivery::Delivery;
use super::embedded::EmbeddedStore;
use super::error::StoreError;
use super::keys;
use super::parts::{self, JournalReader, journal_key};
use super::records::Damaged;
use super::sled_store::{Disk, Place, Writes};
use super::stream::StreamId;

/// The version of everything in the store.
const FORMAT: u16 = 1;
pub(super) const STATE: Magic = Magic(*b"UPHm");
pub(super) const DAY: Magic = Magic(*b"UPHy");
pub(super) const STREAM: Magic = Magic(*b"UPHs");
pub(super) const NEWEST: Magic = Magic(*b"UPHl");
pub(super) const DELIVERY: Magic = Magic(*b"UPHd");

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

impl EmbeddedStore {
    /// Reads streams, newest rows, deliveries and days.
    pub(super) fn read_dictionaries(&mut self) -> Result<(), StoreError> {
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
    pub(super) fn replay(&mut self, place: Place) -> Result<(), StoreError> {
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
}

/// The state of the store, made if this is a new one.
pub(super) fn read_state(disk: &Disk) -> Result<State, StoreError> {
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
