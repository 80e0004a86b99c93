//! Governed and derived records: small values under callers' keys, and the tally of what was found damaged.
//!
//! A record stands in one entry or, when it is long, in several, as `parts` draws them. All entries of a commit are
//! one batch of one tree. A governed record that is damaged is an error, because leaving it out would change history
//! silently; a derived one is counted and absent, and is rebuilt.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use serde_bytes::{ByteBuf, Bytes};
use uphold_common::wire::frame::{self, Compression, Magic};
use uphold_common::wire::pack;

use super::database::{Database, Writes};
use super::embedded::EmbeddedStore;
use super::error::StoreError;
use super::journal_entry::CONTENT_BYTES_MAX;
use super::keys;
use super::parts::{self, RECORD_KEY_BYTES_MAX};
use super::{KeyRange, Record, RecordChange, RecordKind};

/// Most damaged places that are told apart; further ones are neither counted nor named.
const PLACES_MAX: usize = 1024;

/// What can be found damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Damaged {
    /// A block of a table, or all of it.
    Chunk,
    /// An entry of the journal.
    Journal,
    /// A derived record, or an entry of a dictionary.
    Record,
    /// A file that is missing, or that is there and should not be.
    File,
    /// The database, older than the files beside it.
    Older,
}

/// What was found damaged, each place once.
#[derive(Debug, Default)]
pub(super) struct Damage {
    places: BTreeMap<String, String>,
    counts: BTreeMap<Damaged, u64>,
}

impl Damage {
    /// Counts a place and names it in the log, the first time it is met.
    pub(super) fn note(&mut self, what: Damaged, place: &str, why: &str) {
        if self.places.len() < PLACES_MAX && !self.places.contains_key(place) {
            self.places.insert(place.to_owned(), why.to_owned());
            *self.counts.entry(what).or_default() += 1;
            tracing::error!(place, why, "the store is not what it was");
        }
    }

    /// The places, each with why.
    pub(super) const fn places(&self) -> &BTreeMap<String, String> {
        &self.places
    }

    /// Whether something of a file was found damaged.
    pub(super) fn tells_of(&self, name: &str) -> bool {
        self.places().keys().any(|place| place.strip_prefix(name).is_some_and(|rest| !rest.starts_with('-')))
    }

    /// How many places of a sort were met.
    pub(super) fn count(&self, what: Damaged) -> u64 {
        self.counts.get(&what).copied().unwrap_or(0)
    }
}

/// Record changes as the journal keeps them: kind, key, and the new value or none.
type Packed<B> = Vec<(u8, B, Option<B>)>;

const CHANGES: Magic = Magic(*b"UPHv");
const CHANGES_VERSION: u16 = 1;
/// Most bytes of one commit before it is compressed; compressed it is an entry of the journal, which has its own bound.
pub(super) const CHANGES_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Replayed changes are applied together when they have so many bytes; one commit is never taken apart.
pub(super) const REPLAYED_BYTES: usize = 1024 * 1024;

/// Changes as an entry of the journal.
pub(super) fn pack_changes(changes: &[RecordChange]) -> Result<Vec<u8>, StoreError> {
    let mut all: Packed<&Bytes> = Vec::with_capacity(changes.len());
    for change in changes {
        all.push((change.kind as u8, Bytes::new(&change.key), change.value.as_deref().map(Bytes::new)));
    }
    let refused = |reason: String| StoreError::Corrupt { place: "a commit".to_owned(), reason };
    let content = pack::pack(&all).map_err(|why| refused(why.to_string()))?;
    let bounded = |what, found, limit| {
        if found > limit { Err(StoreError::TooLarge { what, found, limit }) } else { Ok(()) }
    };
    bounded("a commit of records", content.len(), CHANGES_BYTES_MAX)?;
    let framed =
        frame::seal(CHANGES, CHANGES_VERSION, Compression::Zstd, &content).map_err(|why| refused(why.to_string()))?;
    bounded("a commit of records, compressed,", framed.len(), CONTENT_BYTES_MAX)?;
    Ok(framed)
}

/// The changes in an entry of the journal.
pub(super) fn unpack_changes(bytes: &[u8]) -> Result<Vec<RecordChange>, String> {
    let content = frame::open(CHANGES, CHANGES_VERSION, CHANGES_BYTES_MAX, bytes).map_err(|why| why.to_string())?;
    let all: Packed<ByteBuf> = pack::unpack(&content).map_err(|why| why.to_string())?;
    let one = |(kind, key, value): (u8, ByteBuf, Option<ByteBuf>)| {
        let kind = RecordKind::from_code(kind).ok_or_else(|| format!("a record of the unknown kind {kind}"))?;
        Ok(RecordChange { kind, key: key.into_vec(), value: value.map(ByteBuf::into_vec) })
    };
    all.into_iter().map(one).collect()
}

/// Record changes of the journal that are about to be applied again, in their order.
#[derive(Debug, Default)]
pub(super) struct Replayed {
    changes: Vec<RecordChange>,
    bytes: usize,
}

impl Replayed {
    /// Takes the changes of a commit, all or none of them.
    pub(super) fn take(&mut self, entry: &[u8]) -> Result<(), String> {
        let changes = unpack_changes(entry)?;
        let bytes = |change: &RecordChange| change.key.len() + change.value.as_ref().map_or(0, Vec::len);
        self.bytes += changes.iter().map(bytes).sum::<usize>();
        self.changes.extend(changes);
        Ok(())
    }

    /// Applies them when there are many.
    pub(super) fn apply_if_many(&mut self, disk: &dyn Database) -> Result<(), StoreError> {
        if self.bytes < REPLAYED_BYTES { Ok(()) } else { self.apply(disk) }
    }

    /// Applies them.
    pub(super) fn apply(&mut self, disk: &dyn Database) -> Result<(), StoreError> {
        let Self { changes, .. } = std::mem::take(self);
        if changes.is_empty() { Ok(()) } else { disk.apply(record_writes(disk, &changes)?) }
    }
}

/// The entries that change with these records. Of several changes to one record the last one counts.
fn record_writes(disk: &dyn Database, changes: &[RecordChange]) -> Result<Writes, StoreError> {
    let last: BTreeMap<(RecordKind, &[u8]), Option<&[u8]>> =
        changes.iter().map(|c| ((c.kind, c.key.as_slice()), c.value.as_deref())).collect();
    let mut writes = Writes::default();
    for ((kind, key), value) in last {
        if key.len() > RECORD_KEY_BYTES_MAX {
            let (what, found) = ("a record's key", key.len());
            return Err(StoreError::TooLarge { what, found, limit: RECORD_KEY_BYTES_MAX });
        }
        let kind = kind as u8;
        let first_key = keys::record_key(kind, key);
        let old = disk.get(&first_key)?;
        let old_parts = old.as_deref().and_then(parts::first_part).map_or(0, |(count, _)| count);
        let mut entries = value.map(parts::record_parts).transpose()?.unwrap_or_default().into_iter();
        match entries.next() {
            Some(entry) => writes.put(first_key, entry),
            None => writes.remove(first_key),
        }
        for part in 1..=u16::MAX {
            let part_key = keys::record_part_key(kind, key, part);
            match entries.next() {
                Some(entry) => writes.put(part_key, entry),
                None if part < old_parts => writes.remove(part_key),
                None => break,
            }
        }
    }
    Ok(writes)
}

impl EmbeddedStore {
    /// The entries that change with these records.
    pub(super) fn record_writes(&self, changes: &[RecordChange]) -> Result<Writes, StoreError> {
        record_writes(self.disk.as_ref(), changes)
    }

    /// A record's value, from its first entry on.
    pub(super) fn whole_record(
        &self,
        kind: RecordKind,
        key: &[u8],
        entry: &[u8],
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let value = match parts::first_part(entry) {
            None => Err("it has no header".to_owned()),
            Some((count, first)) => {
                let mut frame_bytes = first.to_vec();
                for part in 1..count {
                    let Some(bytes) = self.disk.get(&keys::record_part_key(kind as u8, key, part))? else { break };
                    frame_bytes.extend_from_slice(&bytes);
                }
                parts::record_value(&frame_bytes)
            }
        };
        let place = || format!("record {kind:?} {}", key.escape_ascii());
        match value {
            Ok(value) => Ok(Some(value)),
            Err(why) if kind.is_derived() => {
                self.damage.borrow_mut().note(Damaged::Record, &place(), &why);
                Ok(None)
            }
            Err(reason) => Err(StoreError::Corrupt { place: place(), reason }),
        }
    }

    /// At most `limit` records of a kind.
    pub(super) fn record_list(
        &self,
        kind: RecordKind,
        range: &KeyRange,
        limit: usize,
    ) -> Result<Vec<Record>, StoreError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let mut found: Vec<Record> = Vec::new();
        self.disk.scan(&keys::record_range(kind as u8, range), &mut |key, entry| {
            found.push((key.get(2..).unwrap_or_default().to_vec(), entry.to_vec()));
            if found.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        let mut records = Vec::with_capacity(found.len());
        for (key, entry) in found {
            if let Some(value) = self.whole_record(kind, &key, &entry)? {
                records.push((key, value));
            }
        }
        Ok(records)
    }
}

#[cfg(test)]
#[path = "records_tests.rs"]
mod tests;
