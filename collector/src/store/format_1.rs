//! A store of format 1 becomes one of format 2 when it is opened.
//!
//! ```text
//! in the database, main tree   10 day:u32 stream:u32 made:u32 piece:u16   a chunk of version 1
//! trees journal-0, journal-1   seq:u64 part:u16    frame UPHj, version 1, around
//!                              part 0        received_at:i64 parts:u16, then the first bytes of the framed batch
//!                              further parts the bytes that follow
//! ```
//!
//! Its chunks go through the head into parts, sealed whenever the head is full, and folded or merged whenever they are
//! too many; then its journal, which never held more than a head may. The last seal names format 2. What the database
//! held in format 1 goes afterwards, or, should that be interrupted, with the next opening. An attempt that is
//! interrupted before leaves everything of format 1 in place; the next removes the parts of it and begins again, and
//! what it has merged is merged with the same rows once more. Chunks that cannot be read are counted and named once, and
//! are lost.

use std::ops::ControlFlow;

use uphold_common::time::Instant;
use uphold_common::wire::BATCH_RAW_BYTES_MAX;
use uphold_common::wire::batch;
use uphold_common::wire::frame::Magic;
use uphold_common::wire::sheet::Sheet;

use super::chunk;
use super::database::Writes;
use super::embedded::EmbeddedStore;
use super::error::StoreError;
use super::keys::{self, ChunkKey};
use super::parts;
use super::records::Damaged;
use super::recovery::{FORMAT, put_state};
use super::{KeyRange, stream::StreamId};

const JOURNAL: Magic = Magic(*b"UPHj");
/// About how many bytes of entries are read at once.
const PAGE_BYTES: usize = 1024 * 1024;
/// How many keys are removed at once.
const REMOVED_AT_ONCE: usize = 4096;
/// How the names of parts begin.
const PART: &str = "part-";

impl EmbeddedStore {
    /// Takes up what a store of format 1 kept in the database; of one that was taken up, removes what is left of it.
    pub(super) fn take_up_format_1(&mut self) -> Result<(), StoreError> {
        if self.state.format >= FORMAT {
            return self.remove_format_1();
        }
        tracing::info!("the store is of an earlier format and is written anew; this takes a while");
        self.remove_attempts()?;
        // Of the journal nothing is sealed by the seals of chunks, whatever an attempt before has written of it.
        let next = std::mem::replace(&mut self.journal.next, self.state.watermark.saturating_add(1));
        let mut range = KeyRange::prefix(&[keys::CHUNK]);
        loop {
            let page = self.page(&range)?;
            let Some((last, _)) = page.last() else { break };
            range = range.after(last.clone());
            for (key, bytes) in &page {
                self.take_up_chunk(key, bytes);
                if self.memory.head.bytes() >= self.options.head_bytes_max {
                    self.seal()?;
                    // A large store comes to more parts than can be named. No day rests yet.
                    while self.tidy_step(Instant::MIN)?.more {}
                }
            }
        }
        self.seal()?;
        let highest = self.take_up_journal()?;
        self.journal.next = next.max(highest.saturating_add(1));
        // One batch seals the journal of format 1 and names the new format: an attempt has it all or nothing of it.
        self.state.format = FORMAT;
        self.seal()?;
        self.remove_format_1()
    }

    /// Removes what attempts before have left. A store of format 1 has no parts, so those that are there are theirs.
    fn remove_attempts(&mut self) -> Result<(), StoreError> {
        self.parts.clear();
        self.state.parts.clear();
        let mut writes = Writes::default();
        put_state(&mut writes, &self.state)?;
        self.disk.apply(writes)?;
        self.disk.sync()?;
        let names = self.files.list()?.into_iter().map(|(name, _)| name);
        names.filter(|name| name.starts_with(PART)).try_for_each(|name| self.files.remove(&name))
    }

    /// Removes what the database still holds in format 1, if anything.
    fn remove_format_1(&self) -> Result<(), StoreError> {
        self.remove_all(keys::DAY, |value| matches!(parts::unframed_day(value), Ok(None)))?;
        self.remove_all(keys::CHUNK, |_| true)?;
        self.disk.drop_journal_of_format_1()
    }

    /// Some entries, about as many bytes as are to be in memory at once.
    fn page(&self, range: &KeyRange) -> Result<Vec<super::Record>, StoreError> {
        let (mut page, mut bytes) = (Vec::new(), 0);
        self.disk.scan(range, &mut |key, value| {
            page.push((key.to_vec(), value.to_vec()));
            bytes += key.len() + value.len();
            if bytes < PAGE_BYTES { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        Ok(page)
    }

    fn take_up_chunk(&mut self, key: &[u8], bytes: &[u8]) {
        let damage = self.damage.get_mut();
        let Some(place) = ChunkKey::from_bytes(key) else {
            return damage.note(Damaged::Chunk, &format!("chunk {}", key.escape_ascii()), "its key is not understood");
        };
        let Some(kind) = self.memory.streams.id(place.stream).map(StreamId::kind) else {
            return damage.note(Damaged::Chunk, &place.to_string(), "the database does not name its stream");
        };
        match chunk::decode_version_1(place.day, kind, bytes) {
            Ok(block) => self.memory.head.add(place.stream, block.as_slice()),
            Err(why) => damage.note(Damaged::Chunk, &place.to_string(), &why.to_string()),
        }
    }

    /// Takes in the batches above the watermark, and gives the highest number.
    fn take_up_journal(&mut self) -> Result<u64, StoreError> {
        let (watermark, from) = (self.state.watermark, self.kept_from());
        let (mut highest, mut open): (u64, Option<Open>) = (watermark, None);
        let Self { disk, memory, damage, .. } = self;
        let damage = damage.get_mut();
        disk.scan_journal_of_format_1(&mut |key, value| {
            let Some((number, part)) = journal_key(key) else { return ControlFlow::Continue(()) };
            if number <= watermark {
                return ControlFlow::Continue(());
            }
            highest = highest.max(number);
            let joined = parts::unframed(JOURNAL, value).and_then(|content| join(open.take(), number, part, &content));
            let taken = joined.and_then(|joined| {
                if joined.next < joined.parts {
                    open = Some(joined);
                    return Ok(());
                }
                let batch = Sheet::decode(&joined.batch, BATCH_RAW_BYTES_MAX, None).map_err(|why| why.to_string())?;
                memory.absorb(joined.received_at, &batch, batch::digest(&joined.batch), from);
                Ok(())
            });
            if let Err(why) = taken {
                damage.note(Damaged::Journal, &format!("journal entry {number}"), &why);
            }
            ControlFlow::Continue(())
        })?;
        Ok(highest)
    }

    /// Removes the entries of a kind that are `gone`.
    fn remove_all(&self, kind: u8, gone: impl Fn(&[u8]) -> bool) -> Result<(), StoreError> {
        loop {
            let (mut writes, mut found) = (Writes::default(), 0);
            self.disk.scan(&KeyRange::prefix(&[kind]), &mut |key, value| {
                if gone(value) {
                    writes.remove(key.to_vec());
                    found += 1;
                }
                if found < REMOVED_AT_ONCE { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            })?;
            if found == 0 {
                return Ok(());
            }
            self.disk.apply(writes)?;
        }
    }
}

/// A batch that is being put together from its entries.
struct Open {
    number: u64,
    received_at: Instant,
    parts: u16,
    next: u16,
    batch: Vec<u8>,
}

fn join(open: Option<Open>, number: u64, part: u16, content: &[u8]) -> Result<Open, String> {
    if part == 0 {
        let (received_at, rest) = content.split_first_chunk::<8>().ok_or("a batch without a header")?;
        let (parts, bytes) = rest.split_first_chunk::<2>().ok_or("a batch without a header")?;
        let received_at = Instant::from_ms(i64::from_be_bytes(*received_at));
        return Ok(Open { number, received_at, parts: u16::from_be_bytes(*parts), next: 1, batch: bytes.to_vec() });
    }
    match open {
        Some(mut open) if open.number == number && open.next == part => {
            open.batch.extend_from_slice(content);
            open.next = open.next.saturating_add(1);
            Ok(open)
        }
        _ => Err(format!("part {part} of it stands without those before it")),
    }
}

fn journal_key(key: &[u8]) -> Option<(u64, u16)> {
    let (number, part) = key.split_first_chunk::<8>()?;
    Some((u64::from_be_bytes(*number), u16::from_be_bytes(part.try_into().ok()?)))
}

#[cfg(test)]
#[path = "format_1_tests.rs"]
mod tests;
