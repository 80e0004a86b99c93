//! The keys of the main tree, and how a day's order is kept in bytes.
//!
//! ```text
//! 01                                      the store's own state
//! 02 stream:u32                           a stream of the dictionary, in stores of before
//! 03 stream:u32                           the newest row of a stream, in stores of before
//! 04 epoch:16 agent                       what is known of an agent's epoch
//! 05 day:u32                              the manifest of a day
//! 06 day:u32                              the manifest of a day's roll-ups
//! 07 group:u32                            some streams of the dictionary
//! 08 group:u32                            the newest rows of some streams
//! 10 day:u32 stream:u32 made:u32 piece:u16   a chunk, in a store of format 1
//! 20 kind:u8 key                          a record, or its first part
//! 21 kind:u8 key part:u16                 a further part of a record
//! ```
//!
//! Numbers are big endian, so that keys are in their order; a day is the UTC day since 1970 with its sign bit flipped.

use uphold_common::wire::batch::Epoch;

use super::KeyRange;

/// The store's own state.
pub(super) const STATE: &[u8] = &[0x01];
/// First byte of the key of one stream.
pub(super) const STREAM: u8 = 0x02;
/// First byte of the key of one newest row.
pub(super) const NEWEST_ROW: u8 = 0x03;
/// First byte of a delivery's key.
pub(super) const DELIVERY: u8 = 0x04;
/// First byte of a day's key.
pub(super) const DAY: u8 = 0x05;
/// First byte of the key of a day's roll-ups.
pub(super) const ROLLUPS: u8 = 0x06;
/// First byte of the key of a group of streams.
pub(super) const STREAMS: u8 = 0x07;
/// First byte of the key of a group of newest rows.
pub(super) const NEWEST: u8 = 0x08;
/// First byte of the key of a chunk of format 1.
pub(super) const CHUNK: u8 = 0x10;
/// First byte of a record's key.
const RECORD: u8 = 0x20;
/// First byte of the key of a record's further part.
const RECORD_PART: u8 = 0x21;

/// Whether a key is of a kind that is known.
pub(super) fn is_known(key: &[u8]) -> bool {
    match key.first() {
        Some(&(STREAM | NEWEST_ROW | DELIVERY | DAY | ROLLUPS | STREAMS | NEWEST | CHUNK)) => true,
        Some(&(RECORD | RECORD_PART)) => key.get(1).is_some_and(|kind| super::RecordKind::from_code(*kind).is_some()),
        _ => key == STATE,
    }
}

/// Where a chunk of format 1 stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ChunkKey {
    /// The UTC day of its rows.
    pub(super) day: i32,
    /// The number of its stream.
    pub(super) stream: u32,
    /// The seal or merge that wrote it.
    pub(super) made: u32,
    /// Its place among the pieces that were made together.
    pub(super) piece: u16,
}

impl ChunkKey {
    /// As it stands in the database.
    pub(super) fn from_bytes(key: &[u8]) -> Option<Self> {
        let (CHUNK, rest) = key.split_first().map(|(kind, rest)| (*kind, rest))? else { return None };
        let (day, rest) = rest.split_first_chunk::<4>()?;
        let (stream, rest) = rest.split_first_chunk::<4>()?;
        let (made, rest) = rest.split_first_chunk::<4>()?;
        let (piece, rest) = rest.split_first_chunk::<2>()?;
        rest.is_empty().then(|| Self {
            day: day_from(*day),
            stream: u32::from_be_bytes(*stream),
            made: u32::from_be_bytes(*made),
            piece: u16::from_be_bytes(*piece),
        })
    }
}

impl std::fmt::Display for ChunkKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "chunk {}/{}/{}/{}", self.day, self.stream, self.made, self.piece)
    }
}

/// `kind` and a number.
pub(super) fn numbered(kind: u8, number: u32) -> Vec<u8> {
    let mut key = vec![kind];
    key.extend_from_slice(&number.to_be_bytes());
    key
}

/// The number in a key of [`numbered`].
pub(super) fn number_of(key: &[u8]) -> Option<u32> {
    let number: [u8; 4] = key.get(1..)?.try_into().ok()?;
    Some(u32::from_be_bytes(number))
}

/// The key of a day.
pub(super) fn day_key(day: i32) -> Vec<u8> {
    numbered(DAY, u32::from_be_bytes(day_bytes(day)))
}

/// The key of a day's roll-ups.
pub(super) fn rollups_key(day: i32) -> Vec<u8> {
    numbered(ROLLUPS, u32::from_be_bytes(day_bytes(day)))
}

/// The day in a key of [`day_key`] or [`rollups_key`].
pub(super) fn day_of(key: &[u8]) -> Option<i32> {
    number_of(key).map(|number| day_from(number.to_be_bytes()))
}

/// The key of what is known of an agent's epoch.
pub(super) fn delivery_key(agent: &str, epoch: Epoch) -> Vec<u8> {
    let mut key = vec![DELIVERY];
    key.extend_from_slice(&epoch.0);
    key.extend_from_slice(agent.as_bytes());
    key
}

/// The agent and epoch in a key of [`delivery_key`].
pub(super) fn delivery_of(key: &[u8]) -> Option<(&str, Epoch)> {
    let (epoch, agent) = key.get(1..)?.split_first_chunk::<16>()?;
    Some((std::str::from_utf8(agent).ok()?, Epoch(*epoch)))
}

/// The key of a record, or of its first part.
pub(super) fn record_key(kind: u8, key: &[u8]) -> Vec<u8> {
    let mut full = vec![RECORD, kind];
    full.extend_from_slice(key);
    full
}

/// The key of a record's further part, counted from 1.
pub(super) fn record_part_key(kind: u8, key: &[u8], part: u16) -> Vec<u8> {
    let mut full = vec![RECORD_PART, kind];
    full.extend_from_slice(key);
    full.extend_from_slice(&part.to_be_bytes());
    full
}

/// The keys of records of a kind within a range of the callers' keys.
pub(super) fn record_range(kind: u8, range: &KeyRange) -> KeyRange {
    use std::ops::Bound::{Excluded, Included, Unbounded};
    let place = |bound: &std::ops::Bound<Vec<u8>>, open: Vec<u8>, included: bool| match bound {
        Included(key) => Included(record_key(kind, key)),
        Excluded(key) => Excluded(record_key(kind, key)),
        Unbounded if included => Included(open),
        Unbounded => Excluded(open),
    };
    let end = kind.checked_add(1).map_or_else(|| vec![RECORD_PART], |next| vec![RECORD, next]);
    KeyRange {
        start: place(&range.start, vec![RECORD, kind], true),
        end: place(&range.end, end, false),
        newest_first: range.newest_first,
    }
}

/// A day in the order of days.
pub(super) fn day_bytes(day: i32) -> [u8; 4] {
    (day ^ i32::MIN).to_be_bytes()
}

/// The day in [`day_bytes`].
pub(super) fn day_from(bytes: [u8; 4]) -> i32 {
    i32::from_be_bytes(bytes) ^ i32::MIN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_in_the_order_of_days() {
        let keys: Vec<Vec<u8>> = [-5, -1, 0, 20_000].into_iter().map(day_key).collect();
        assert!(keys.is_sorted());
        assert_eq!(day_of(&day_key(-3)), Some(-3));
        let chunk = [&[CHUNK][..], &day_bytes(-5), &[0, 0, 0, 9, 0, 0, 0, 8, 0, 7]].concat();
        let (day, stream, made, piece) = (-5, 9, 8, 7);
        assert_eq!(ChunkKey::from_bytes(&chunk), Some(ChunkKey { day, stream, made, piece }));
    }
}
