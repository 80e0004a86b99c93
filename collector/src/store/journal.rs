//! The journal: the one door by which anything becomes known, in files of our own.
//!
//! ```text
//! file    journal-NNNNNNNNNNNN, numbered from 1, only ever appended to
//! head    frame UPHq, version 1, MessagePack of [`Head`]: which store it belongs to, its first entry, what was sealed
//! entry   0   4  magic UPHj
//!         4   1  kind: 1 a batch, 2 changed records
//!         5   3  zero
//!         8   8  its number, from 1, never given twice, big endian as all of these
//!        16   8  when it arrived, ms
//!        24   4  length of the content
//!        28   4  CRC-32 of bytes 0 to 27 and of the content
//!        32   …  content: a framed batch as it was pushed, or a frame UPHv of record changes
//! ```
//!
//! 1. A group of entries is written at once and synced with `fdatasync`; only then is any of it acknowledged.
//! 2. A seal begins the next file, and the database names it. The files that it sealed are kept until the seal after
//!    that: should the database come up one seal older than it was, nothing is lost.
//! 3. Reading skips what is not sound and goes on at the next sound entry. Bytes at the very end that make no entry are
//!    a group that was never acknowledged, or that its agents have to send again: they are counted apart from damage in the middle.
//! 4. The head of each file says up to which entry all before it was sealed. A database that knows less than that, and
//!    less than the files still hold, has come up older than it was: that is noticed and said.

use serde::{Deserialize, Serialize};
use uphold_common::time::Instant;
use uphold_common::wire::batch::Epoch;
use uphold_common::wire::frame::{self, Compression, Magic};
use uphold_common::wire::pack;

use super::error::StoreError;
use super::files::Files;

/// How the head of a file begins.
pub(super) const HEAD: Magic = Magic(*b"UPHq");
/// How an entry begins.
pub(super) const ENTRY: [u8; 4] = *b"UPHj";
/// The version of heads.
pub(super) const VERSION: u16 = 1;
/// Bytes of an entry in front of its content.
pub(super) const ENTRY_HEADER: usize = 32;
/// Most bytes of a file's head.
pub(super) const HEAD_BYTES_MAX: usize = 1024;
/// Most bytes of an entry's content: a commit of records of 16 MiB, and a little.
pub(super) const CONTENT_BYTES_MAX: usize = 20 * 1024 * 1024;
/// How much is read at once.
pub(super) const READ_BYTES: usize = 1024 * 1024;

/// The kinds of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum EntryKind {
    /// A framed batch.
    Batch = 1,
    /// Changed records.
    Records = 2,
}

/// What stands at the beginning of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    /// The store it belongs to.
    pub(super) store: Epoch,
    /// The number of its first entry.
    pub(super) first: u64,
    /// The last entry that was sealed when the file was begun.
    pub(super) sealed: u64,
}

/// An entry that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Its kind.
    pub(super) kind: EntryKind,
    /// Its number.
    pub(super) number: u64,
    /// When it arrived.
    pub(super) received_at: Instant,
    /// What it holds.
    pub(super) content: Vec<u8>,
}

/// The journal that is written.
#[derive(Debug)]
pub(super) struct Journal {
    /// The file that is written.
    file: u64,
    /// The number of the next entry.
    pub(super) next: u64,
    /// Batches since the last seal.
    pub(super) batches: u64,
    /// Bytes of all entries since the last seal.
    pub(super) bytes: u64,
    /// When the oldest of the batches arrived.
    pub(super) oldest: Option<Instant>,
    /// What the files before the one that is written take, and what that one does.
    older_bytes: u64,
    file_bytes: u64,
    waiting: Vec<u8>,
    waiting_entries: u64,
    waiting_batches: u64,
}

impl Journal {
    /// Begins a file after those that are there. What is sealed needs none of them but the last.
    pub(super) fn begin(files: &dyn Files, store: Epoch, next: u64, sealed: u64) -> Result<Self, StoreError> {
        let there = numbers(files)?;
        let file = there.last().map_or(1, |last| last + 1);
        let older_bytes = bytes(files)?;
        let file_bytes = write_head(files, file, Head { store, first: next, sealed })?;
        Ok(Self {
            file,
            next,
            batches: 0,
            bytes: 0,
            oldest: None,
            older_bytes,
            file_bytes,
            waiting: Vec::new(),
            waiting_entries: 0,
            waiting_batches: 0,
        })
    }

    /// Adds an entry to what the next [`Self::commit`] writes, and gives its number.
    pub(super) fn add(&mut self, kind: EntryKind, received_at: Instant, content: &[u8]) -> Result<u64, StoreError> {
        let len = u32::try_from(content.len()).ok().filter(|_| content.len() <= CONTENT_BYTES_MAX);
        let too_large = StoreError::TooLarge { what: "a commit", found: content.len(), limit: CONTENT_BYTES_MAX };
        let len = len.ok_or(too_large)?;
        let number = self.next.saturating_add(self.waiting_entries);
        let begin = self.waiting.len();
        self.waiting.extend_from_slice(&ENTRY);
        self.waiting.extend_from_slice(&[kind as u8, 0, 0, 0]);
        self.waiting.extend_from_slice(&number.to_be_bytes());
        self.waiting.extend_from_slice(&received_at.as_ms().to_be_bytes());
        self.waiting.extend_from_slice(&len.to_be_bytes());
        let checksum = checksum(self.waiting.get(begin..).unwrap_or_default(), content);
        self.waiting.extend_from_slice(&checksum.to_be_bytes());
        self.waiting.extend_from_slice(content);
        self.waiting_entries += 1;
        if kind == EntryKind::Batch {
            self.waiting_batches += 1;
            self.oldest = Some(self.oldest.map_or(received_at, |oldest| oldest.min(received_at)));
        }
        Ok(number)
    }

    /// Makes what was added durable. When there is no space nothing of it is kept, and the journal goes on.
    pub(super) fn commit(&mut self, files: &dyn Files) -> Result<(), StoreError> {
        let waiting = std::mem::take(&mut self.waiting);
        let (entries, batches) = (std::mem::take(&mut self.waiting_entries), std::mem::take(&mut self.waiting_batches));
        if waiting.is_empty() {
            return Ok(());
        }
        let name = name(self.file);
        files.append(&name, &waiting)?;
        files.sync(&name)?;
        self.next = self.next.saturating_add(entries);
        self.batches += batches;
        self.bytes += waiting.len() as u64;
        self.file_bytes += waiting.len() as u64;
        // The room is used again by the next group.
        self.waiting = waiting;
        self.waiting.clear();
        self.waiting.shrink_to(READ_BYTES);
        Ok(())
    }

    /// Everything up to the last entry is about to be sealed: begins the next file, and gives its number.
    pub(super) fn rotate(&mut self, files: &dyn Files, store: Epoch) -> Result<u64, StoreError> {
        let sealed = self.next.saturating_sub(1);
        let file_bytes = write_head(files, self.file + 1, Head { store, first: self.next, sealed })?;
        (self.older_bytes, self.file_bytes) = (self.older_bytes + self.file_bytes, file_bytes);
        self.file += 1;
        (self.batches, self.bytes, self.oldest) = (0, 0, None);
        Ok(self.file)
    }

    /// The file that is written.
    pub(super) const fn file(&self) -> u64 {
        self.file
    }

    /// Removes the files before `kept`.
    pub(super) fn let_go(&mut self, files: &dyn Files, kept: u64) -> Result<(), StoreError> {
        let gone: Vec<u64> = numbers(files)?.into_iter().filter(|number| *number < kept).collect();
        gone.into_iter().try_for_each(|number| files.remove(&name(number)))?;
        self.older_bytes = bytes(files)?.saturating_sub(self.file_bytes);
        Ok(())
    }

    /// What its files take.
    pub(super) const fn bytes_of_files(&self) -> u64 {
        self.older_bytes.saturating_add(self.file_bytes)
    }
}

/// Begins a file, and gives how many bytes its head has.
fn write_head(files: &dyn Files, number: u64, head: Head) -> Result<u64, StoreError> {
    let refused = |reason: String| StoreError::Corrupt { place: name(number), reason };
    let content = pack::pack(&head).map_err(|why| refused(why.to_string()))?;
    let framed = frame::seal(HEAD, VERSION, Compression::Plain, &content).map_err(|why| refused(why.to_string()))?;
    let (name, temporary) = (name(number), format!("{}{}", name(number), super::files::TEMPORARY));
    files.create(&temporary)?;
    files.append(&temporary, &framed)?;
    files.sync(&temporary)?;
    files.rename(&temporary, &name)?;
    Ok(framed.len() as u64)
}

/// The checksum of an entry.
pub(super) fn checksum(header: &[u8], content: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(header);
    crc.update(content);
    crc.finalize()
}

/// The name of a file.
pub(super) fn name(number: u64) -> String {
    format!("{PREFIX}{number:012}")
}

const PREFIX: &str = "journal-";

/// The numbers of the journal's files, ascending.
pub(super) fn numbers(files: &dyn Files) -> Result<Vec<u64>, StoreError> {
    let list = files.list()?;
    Ok(list.iter().filter_map(|(name, _)| name.strip_prefix(PREFIX)?.parse().ok()).collect())
}

/// Whether a file is one of the journal's by its name.
pub(super) fn is_name(file: &str) -> bool {
    file.strip_prefix(PREFIX).is_some_and(|number| number.parse::<u64>().is_ok_and(|number| name(number) == file))
}

/// Bytes of the journal's files.
pub(super) fn bytes(files: &dyn Files) -> Result<u64, StoreError> {
    Ok(files.list()?.iter().filter(|(name, _)| name.starts_with(PREFIX)).map(|(_, bytes)| bytes).sum())
}

#[cfg(test)]
#[path = "journal_tests.rs"]
mod tests;
