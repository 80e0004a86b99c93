//! Upkeep: sealing the head into chunks, and merging the parts of finished days.
//!
//! A seal is one batch of the main tree: chunks, streams, newest rows, deliveries, days, and the state with the new
//! watermark. It is synced, and only then is the journal emptied; the two journal trees are used in turn, because a
//! tree whose entries keep going one by one never gives its space back. A merge is one batch as well: a stream's new
//! chunks in, its old parts out. Damaged parts stay where they are, as evidence.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use uphold_common::time::Instant;

use super::chunk::{self, ChunkError};
use super::embedded::EmbeddedStore;
use super::error::StoreError;
use super::head::{all_time, end_of};
use super::keys::{self, ChunkKey};
use super::parts::{self, PART_BYTES_MAX};
use super::recovery::{DAY, DELIVERY, NEWEST, STREAM, State, packed, put_state};
use super::rows::Block;
use super::sled_store::{Place, Writes};
use super::{KeyRange, Maintained};

/// Most keys that one step of merging looks at, except that a stream is always looked at whole.
const MERGE_KEYS_MAX: usize = 8192;

/// How far the merging of a day has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MergeCursor {
    day: i32,
    stream: u32,
}

/// The parts of some streams on one day.
struct Parts {
    streams: Vec<Vec<ChunkKey>>,
    /// The stream to go on with; none when the day has been looked at to its end.
    next: Option<u32>,
}

impl EmbeddedStore {
    /// One bounded step: a seal if one is due, else some merging.
    pub(super) fn step(&mut self, now: Instant) -> Result<Maintained, StoreError> {
        self.disk.alive()?;
        if self.seal_is_due(now) {
            let rows = self.seal()?;
            return Ok(Maintained {
                sealed_rows: Some(rows),
                merged_streams: 0,
                more: self.day_to_merge(now).is_some(),
            });
        }
        let Some(day) = self.day_to_merge(now) else { return Ok(Maintained::default()) };
        let merged_streams = self.merge_some(day)?;
        Ok(Maintained { sealed_rows: None, merged_streams, more: self.day_to_merge(now).is_some() })
    }

    fn seal_is_due(&self, now: Instant) -> bool {
        let old = self.journal.oldest.is_some_and(|at| now.since_ms(at) >= self.options.journal_age_max_ms);
        self.memory.head.bytes() >= self.options.head_bytes_max
            || self.journal.bytes >= self.options.journal_bytes_max
            || old
    }

    /// Seals the head and empties the journal.
    pub(super) fn seal(&mut self) -> Result<usize, StoreError> {
        let rows = self.commit_seal()?;
        self.release_journal()?;
        Ok(rows)
    }

    /// Makes the head durable in chunks, and everything that goes with them.
    pub(super) fn commit_seal(&mut self) -> Result<usize, StoreError> {
        let watermark = self.journal.next_seq.saturating_sub(1);
        let state = State { watermark, made: self.state.made.saturating_add(1), ..self.state.clone() };
        let mut writes = Writes::default();
        let mut chunks = 0;
        for (day, stream, block) in self.memory.head.blocks() {
            let mut settled = block.clone();
            settled.settle();
            chunks += put_chunks(&mut writes, day, stream, state.made, &settled)?;
        }
        for (number, id) in self.memory.streams.unsaved() {
            writes.put(keys::numbered(keys::STREAM, number), parts::framed(STREAM, &packed(id)?)?);
        }
        for (number, row) in self.memory.streams.newest_unsaved() {
            writes.put(keys::numbered(keys::NEWEST, number), parts::framed(NEWEST, &row)?);
        }
        for (agent, epoch, delivery) in self.memory.deliveries.unsaved() {
            let key = keys::delivery_key(agent.as_str(), epoch);
            match delivery {
                Some(delivery) => writes.put(key, parts::framed(DELIVERY, &delivery.to_bytes())?),
                None => writes.remove(key),
            }
        }
        for day in self.memory.head.days() {
            writes.put(keys::day_key(day), parts::framed(DAY, &[1])?);
        }
        put_state(&mut writes, &state)?;
        self.disk.apply(Place::Main, writes)?;
        self.disk.sync()?;

        let rows = self.memory.head.rows();
        self.days.extend(self.memory.head.days().map(|day| (day, true)));
        // A day that got further parts is looked at from its beginning again.
        self.cursor = self.cursor.filter(|cursor| !self.memory.head.days().any(|day| day == cursor.day));
        self.memory.sealed();
        self.state = state;
        self.counted.seals += 1;
        self.counted.chunks_written += chunks;
        Ok(rows)
    }

    /// Empties the journal, whose entries are all at or below the watermark, and goes on in the other tree.
    fn release_journal(&mut self) -> Result<(), StoreError> {
        for place in [Place::Journal0, Place::Journal1] {
            if !self.disk.is_empty(place)? {
                self.disk.clear(place)?;
            }
        }
        let journal = &mut self.journal;
        journal.active = if journal.active == Place::Journal0 { Place::Journal1 } else { Place::Journal0 };
        (journal.batches, journal.bytes, journal.oldest) = (0, 0, None);
        Ok(())
    }

    /// The earliest day that has parts to merge and has been over for long enough.
    fn day_to_merge(&self, now: Instant) -> Option<i32> {
        let rested = |day: i32| end_of(day).plus_ms(self.options.merge_after_ms) <= now;
        self.days.iter().find(|(day, unmerged)| **unmerged && rested(**day)).map(|(day, _)| *day)
    }

    /// Merges some streams of a day, and marks the day when that was the last of it.
    fn merge_some(&mut self, day: i32) -> Result<usize, StoreError> {
        let from = self.cursor.filter(|cursor| cursor.day == day).map_or(0, |cursor| cursor.stream);
        let Parts { streams, next } = self.parts_to_merge(day, from)?;
        let state = State { made: self.state.made.saturating_add(1), ..self.state.clone() };
        let mut writes = Writes::default();
        let (mut merged, mut chunks) = (0, 0);
        for parts in &streams {
            let written = self.merge_stream(&mut writes, parts, state.made)?;
            merged += usize::from(written > 0);
            chunks += written;
        }
        if next.is_none() {
            writes.put(keys::day_key(day), parts::framed(DAY, &[0])?);
        }
        if !writes.is_empty() {
            put_state(&mut writes, &state)?;
            self.disk.apply(Place::Main, writes)?;
            self.disk.sync()?;
            self.state = state;
        }
        self.cursor = next.map(|stream| MergeCursor { day, stream });
        if next.is_none() {
            self.days.insert(day, false);
        }
        self.counted.chunks_written += chunks;
        self.counted.merged_streams += merged as u64;
        Ok(merged)
    }

    /// The streams of a day, from one on, that have parts of more than one making: a bounded number of them.
    fn parts_to_merge(&self, day: i32, from: u32) -> Result<Parts, StoreError> {
        let mut range = KeyRange::prefix(&keys::chunks_of(day, None));
        range.start = std::ops::Bound::Included(keys::chunks_of(day, Some(from)));
        let several = |parts: &Vec<ChunkKey>| parts.first().map(|key| key.made) != parts.last().map(|key| key.made);
        let (mut streams, mut current, mut looked_at, mut next) = (Vec::new(), Vec::<ChunkKey>::new(), 0, None);
        self.disk.scan(Place::Main, &range, &mut |key, _| {
            let Some(key) = ChunkKey::from_bytes(key) else { return ControlFlow::Continue(()) };
            looked_at += 1;
            if current.last().is_some_and(|last| last.stream != key.stream) {
                streams.extend(Some(std::mem::take(&mut current)).filter(several));
                if streams.len() >= self.options.merge_streams_max || looked_at > MERGE_KEYS_MAX {
                    next = Some(key.stream);
                    return ControlFlow::Break(());
                }
            }
            current.push(key);
            ControlFlow::Continue(())
        })?;
        streams.extend(Some(current).filter(several));
        Ok(Parts { streams, next })
    }

    /// Replaces the sound parts of one stream by one making; gives the number of chunks written.
    fn merge_stream(&self, writes: &mut Writes, parts: &[ChunkKey], made: u32) -> Result<u64, StoreError> {
        let Some(first) = parts.first() else { return Ok(0) };
        let Some(kind) = self.memory.streams.id(first.stream).map(super::stream::StreamId::kind) else { return Ok(0) };
        let mut rows = Block::empty(kind);
        let mut sound = Vec::with_capacity(parts.len());
        for part in parts {
            let key = part.to_bytes();
            let Some(bytes) = self.disk.get(&key)? else { continue };
            match chunk::decode(part.day, kind, &bytes) {
                Ok(block) => {
                    rows.take_from(&block, all_time());
                    sound.push((part.made, key));
                }
                Err(why) => self.note_chunk(&key, &why.to_string()),
            }
        }
        if sound.iter().map(|(made, _)| *made).collect::<BTreeSet<u32>>().len() < 2 {
            return Ok(0);
        }
        rows.settle();
        for (_, key) in sound {
            writes.remove(key);
        }
        put_chunks(writes, first.day, first.stream, made, &rows)
    }
}

/// Writes the settled rows of a stream's day as chunks that fit, and gives their number.
fn put_chunks(writes: &mut Writes, day: i32, stream: u32, made: u32, rows: &Block) -> Result<u64, StoreError> {
    let place = |piece: u16| ChunkKey { day, stream, made, piece };
    let refused = |why: ChunkError| StoreError::Corrupt { place: place(0).to_string(), reason: why.to_string() };
    let chunks = chunk::encode_day(day, rows, PART_BYTES_MAX).map_err(refused)?;
    let count = chunks.len() as u64;
    for (piece, bytes) in chunks.into_iter().enumerate() {
        let piece = u16::try_from(piece).map_err(|_| refused(ChunkError::Content("too many pieces")))?;
        writes.put(place(piece).to_bytes(), bytes);
    }
    Ok(count)
}
