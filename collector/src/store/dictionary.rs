//! The dictionaries in the database: streams with their numbers, newest rows, deliveries.
//!
//! ```text
//! streams   key  07 group:u32      value  frame UPHt, MessagePack: of up to 8 streams the number and the StreamId
//! newest    key  08 group:u32      value  frame UPHn: of up to 64 streams  number:u32  at:i64,
//!                                         then used:u64 limit:u64, or over_ms:u64 amount:u64
//! delivery  key  04 epoch:16 agent value  see `delivery`
//! ```
//!
//! They become durable with each seal. They stand in groups because the database takes memory and time by the entry,
//! however little is in it: with an entry for each of 12,000 streams and each of 8,000 newest rows it held 67 MB.
//! Such entries, keys 02 and 03 with frames `UPHs` and `UPHl`, stood in stores of before; they are read, and grouped when the
//! store is opened. What a damaged entry named is asked of the tables, which name the streams that they speak of, and is
//! written anew with the next seal; a number that no table names stays unused.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use uphold_common::ids::Id;
use uphold_common::wire::frame::Magic;
use uphold_common::wire::pack;

use super::KeyRange;
use super::database::{Database, Writes};
use super::delivery::Delivery;
use super::embedded::EmbeddedStore;
use super::error::StoreError;
use super::keys;
use super::parts;
use super::records::{Damage, Damaged};
use super::recovery::packed;
use super::stream::{NEWEST_BYTES, StreamId, Streams};

/// How many streams stand in one entry: with the longest names they stay within what an entry may have.
const STREAMS: u32 = 8;
/// How many newest rows stand in one entry.
const NEWEST: u32 = 64;
const STREAMS_MAGIC: Magic = Magic(*b"UPHt");
const NEWEST_MAGIC: Magic = Magic(*b"UPHn");
const DELIVERY_MAGIC: Magic = Magic(*b"UPHd");
/// Of the entries of before.
pub(super) const STREAM_MAGIC: Magic = Magic(*b"UPHs");
const NEWEST_ROW_MAGIC: Magic = Magic(*b"UPHl");

impl EmbeddedStore {
    /// Puts what is new of streams, newest rows and deliveries.
    pub(super) fn put_dictionaries(&self, writes: &mut Writes) -> Result<(), StoreError> {
        let streams = &self.memory.streams;
        for group in groups(streams.unsaved(), STREAMS) {
            let named = |number| Some((number, streams.id(number)?));
            let members: Vec<(u32, &StreamId)> = members(group, STREAMS).filter_map(named).collect();
            writes.put(keys::numbered(keys::STREAMS, group), parts::framed(STREAMS_MAGIC, &packed(&members)?)?);
        }
        for group in groups(streams.newest_unsaved(), NEWEST) {
            let mut rows = Vec::new();
            for number in members(group, NEWEST) {
                let Some(row) = streams.newest(number) else { continue };
                rows.extend_from_slice(&number.to_be_bytes());
                rows.extend_from_slice(&row);
            }
            writes.put(keys::numbered(keys::NEWEST, group), parts::framed(NEWEST_MAGIC, &rows)?);
        }
        for (agent, epoch, delivery) in self.memory.deliveries.unsaved() {
            let key = keys::delivery_key(agent.as_str(), epoch);
            match delivery {
                Some(delivery) => writes.put(key, parts::framed(DELIVERY_MAGIC, &delivery.to_bytes())?),
                None => writes.remove(key),
            }
        }
        Ok(())
    }

    /// Reads streams, newest rows and deliveries.
    pub(super) fn read_dictionaries(&mut self) -> Result<Found, StoreError> {
        let Self { disk, memory, damage, .. } = self;
        let (disk, damage) = (disk.as_ref(), damage.get_mut());
        let (streams, deliveries) = (&mut memory.streams, &mut memory.deliveries);
        let mut found = read_lone(disk, streams, damage)?;
        each(disk, damage, keys::STREAMS, STREAMS_MAGIC, &mut |key, content| {
            let Some(group) = keys::number_of(key) else { return false };
            // Whatever stands in it, its numbers were given.
            streams.restore(group.saturating_mul(STREAMS).saturating_add(STREAMS - 1), None);
            let named: Option<Vec<(u32, StreamId)>> = content.and_then(|bytes| pack::unpack(bytes).ok());
            let sound = named.as_ref().is_some_and(|named| named.iter().all(|(number, _)| number / STREAMS == group));
            for (number, id) in named.filter(|_| sound).into_iter().flatten() {
                streams.restore(number, Some(id));
            }
            found.unnamed |= !sound;
            sound
        })?;
        each(disk, damage, keys::NEWEST, NEWEST_MAGIC, &mut |_, content| {
            let rows = content.map(<[u8]>::as_chunks::<{ 4 + NEWEST_BYTES }>);
            let Some((rows, [])) = rows else { return false };
            let mut sound = true;
            for row in rows {
                let number = row.first_chunk().map(|number| u32::from_be_bytes(*number)).zip(row.get(4..));
                sound &= number.is_some_and(|(number, row)| streams.restore_newest(number, row));
            }
            sound
        })?;
        each(disk, damage, keys::DELIVERY, DELIVERY_MAGIC, &mut |key, content| {
            let Some((agent, epoch)) = keys::delivery_of(key) else { return false };
            let (Ok(agent), Some(delivery)) = (Id::new(agent), content.and_then(Delivery::from_bytes)) else {
                return false;
            };
            deliveries.restore(agent, epoch, delivery);
            true
        })?;
        Ok(found)
    }

    /// Asks the tables for the names that a damaged entry had.
    pub(super) fn name_from_tables(&mut self) -> Result<(), StoreError> {
        let of_days = self.days.values().flat_map(|day| &day.tables);
        let mut named = BTreeMap::new();
        for table in self.parts.iter().map(|part| &part.table).chain(of_days) {
            match table.streams(self.files.as_ref()) {
                Ok(streams) => {
                    named.extend(streams.into_iter().filter(|(number, _)| self.memory.streams.id(*number).is_none()));
                }
                Err(why) => self.note_table(table, why)?,
            }
        }
        for (number, id) in named {
            if !self.memory.streams.contains(&id) {
                self.memory.streams.adopt(number, id);
            }
        }
        Ok(())
    }
}

/// What was found beside what was put back.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The keys of entries of before, which are to be grouped.
    pub(super) lone: Vec<Vec<u8>>,
    /// Whether an entry that names streams is damaged.
    pub(super) unnamed: bool,
}

/// Reads the entries of before, each of one stream.
fn read_lone(disk: &dyn Database, streams: &mut Streams, damage: &mut Damage) -> Result<Found, StoreError> {
    let mut found = Found::default();
    each(disk, damage, keys::STREAM, STREAM_MAGIC, &mut |key, content| {
        let Some(number) = keys::number_of(key) else { return false };
        let id: Option<StreamId> = content.and_then(|bytes| pack::unpack(bytes).ok());
        let sound = id.is_some();
        streams.restore(number, id);
        if sound {
            streams.unsave(number);
            found.lone.push(key.to_vec());
        }
        found.unnamed |= !sound;
        sound
    })?;
    each(disk, damage, keys::NEWEST_ROW, NEWEST_ROW_MAGIC, &mut |key, content| {
        let (Some(number), Some(bytes)) = (keys::number_of(key), content) else { return false };
        let sound = streams.restore_newest(number, bytes);
        if sound {
            streams.unsave_newest(number);
            found.lone.push(key.to_vec());
        }
        sound
    })?;
    Ok(found)
}

/// Puts an entry back from its key and, if its frame is sound, its content; tells whether that was possible.
type Restore<'a> = dyn FnMut(&[u8], Option<&[u8]>) -> bool + 'a;

fn each(
    disk: &dyn Database,
    damage: &mut Damage,
    kind: u8,
    magic: Magic,
    restore: &mut Restore<'_>,
) -> Result<(), StoreError> {
    disk.scan(&KeyRange::prefix(&[kind]), &mut |key, value| {
        let content = parts::unframed(magic, value);
        if !restore(key, content.as_deref().ok()) {
            damage.note(Damaged::Record, &format!("entry {key:02x?}"), "it is not understood");
        }
        ControlFlow::Continue(())
    })
}

/// The groups of some numbers.
fn groups(numbers: impl Iterator<Item = u32>, size: u32) -> BTreeSet<u32> {
    numbers.map(|number| number / size).collect()
}

/// The numbers of a group.
fn members(group: u32, size: u32) -> impl Iterator<Item = u32> {
    let first = group.saturating_mul(size);
    first..=first.saturating_add(size - 1)
}

#[cfg(test)]
#[path = "dictionary_tests.rs"]
mod tests;
