//! A store of format 1 becomes one of format 2 when it is opened.
//!
//! ```text
//! in the database, main tree   10 day:u32 stream:u32 made:u32 piece:u16   a chunk of version 1
//! trees journal-0, journal-1   seq:u64 part:u16    frame UPHj, version 1, around
//!                              part 0        received_at:i64 parts:u16, then the first bytes of the framed batch
//!                              further parts the bytes that follow
//! ```
//!
//! Its chunks go through the head into parts, then its journal, and only then does the state name format 2; what the
//! database held of them goes afterwards. Interrupted, it begins again: rows that are there twice are settled.

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
/// How many entries are read at once.
const PAGE: usize = 4096;

impl EmbeddedStore {
    /// Takes up what a store of format 1 kept in the database.
    pub(super) fn take_up_format_1(&mut self) -> Result<(), StoreError> {
        tracing::info!("the store is of an earlier format and is written anew; this takes a while");
        let mut range = KeyRange::prefix(&[keys::CHUNK]);
        loop {
            let page = self.page(&range)?;
            let Some((last, _)) = page.last() else { break };
            range = range.after(last.clone());
            for (key, bytes) in &page {
                self.take_up_chunk(key, bytes);
            }
            if self.memory.head.bytes() >= self.options.head_bytes_max {
                self.commit_seal()?;
            }
        }
        let highest = self.take_up_journal()?;
        self.journal.next = self.journal.next.max(highest.saturating_add(1));
        self.commit_seal()?;
        self.state.format = FORMAT;
        let mut writes = Writes::default();
        put_state(&mut writes, &self.state)?;
        self.disk.apply(writes)?;
        self.disk.sync()?;
        self.journal.let_go(self.files.as_ref(), self.state.journal.0)?;
        self.remove_all(keys::DAY)?;
        self.remove_all(keys::CHUNK)?;
        self.disk.drop_journal_of_format_1()
    }

    fn page(&self, range: &KeyRange) -> Result<Vec<super::Record>, StoreError> {
        let mut page = Vec::new();
        self.disk.scan(range, &mut |key, value| {
            page.push((key.to_vec(), value.to_vec()));
            if page.len() < PAGE { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        Ok(page)
    }

    fn take_up_chunk(&mut self, key: &[u8], bytes: &[u8]) {
        let Some(place) = ChunkKey::from_bytes(key) else { return };
        let Some(kind) = self.memory.streams.id(place.stream).map(StreamId::kind) else { return };
        match chunk::decode_version_1(place.day, kind, bytes) {
            Ok(block) => self.memory.head.add(place.stream, block.as_slice()),
            Err(why) => self.damage.get_mut().note(Damaged::Chunk, &place.to_string(), &why.to_string()),
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

    fn remove_all(&self, kind: u8) -> Result<(), StoreError> {
        loop {
            let page = self.page(&KeyRange::prefix(&[kind]))?;
            if page.is_empty() {
                return Ok(());
            }
            let mut writes = Writes::default();
            for (key, _) in page {
                writes.remove(key);
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
