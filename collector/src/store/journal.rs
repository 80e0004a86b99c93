//! The journal: the one door by which anything becomes known, in files of our own.
//!
//! ```text
//! file    journal-NNNNNNNNNNNN, numbered from 1, only ever appended to: a head, then entries, both drawn in `journal_entry`
//! ```
//!
//! 1. A group of entries is written at once and synced with `fdatasync`; only then is any of it acknowledged. Entries are
//!    numbered from 1, and no number is given twice to what was acknowledged.
//! 2. A seal begins the next file, and the database names it. The files that it sealed are kept until the seal after
//!    that: should the database come up one seal older than it was, nothing is lost.
//! 3. Reading skips what is not sound and goes on at the next sound entry. Bytes at the very end that make no entry are
//!    a group that was never acknowledged, or that its agents have to send again: they are counted apart from damage in the middle.
//! 4. The head of each file says up to which entry all before it was sealed. A database that knows less than that, and
//!    less than the files still hold, has come up older than it was: that is noticed and said.
//! 5. Each opening begins a file. While the disk has no room for one there is none, what is there can be read, and every
//!    commit tries again to begin it.

use uphold_common::time::Instant;
use uphold_common::wire::batch::Epoch;

use super::error::StoreError;
use super::files::{Files, TEMPORARY};
use super::journal_entry::{self, EntryKind, Head, Salt};

/// How much room for entries is kept from one group to the next.
const WAITING_BYTES_KEPT: usize = 1024 * 1024;

/// The journal that is written.
#[derive(Debug)]
pub(super) struct Journal {
    store: Epoch,
    salt: Salt,
    /// The last file that is there, 0 while there is none, and whether it is ours to append to.
    file: u64,
    begun: bool,
    /// The last entry that is sealed.
    sealed: u64,
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
    waiting: Waiting,
}

/// What was added and is not durable.
#[derive(Debug, Default)]
struct Waiting {
    bytes: Vec<u8>,
    entries: u64,
    batches: u64,
    oldest: Option<Instant>,
}

impl Journal {
    /// The journal after the files that are there, of which everything up to `sealed` is sealed. It has no file to append
    /// to before [`Self::begin`].
    pub(super) fn after(
        files: &dyn Files,
        (store, salt): (Epoch, Salt),
        next: u64,
        sealed: u64,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            store,
            salt,
            file: numbers(files)?.last().copied().unwrap_or_default(),
            begun: false,
            sealed,
            next,
            batches: 0,
            bytes: 0,
            oldest: None,
            older_bytes: bytes(files)?,
            file_bytes: 0,
            waiting: Waiting::default(),
        })
    }

    /// Begins a file after those that are there, unless one was begun.
    pub(super) fn begin(&mut self, files: &dyn Files) -> Result<(), StoreError> {
        if self.begun { Ok(()) } else { self.begin_next(files, self.sealed) }
    }

    fn begin_next(&mut self, files: &dyn Files, sealed: u64) -> Result<(), StoreError> {
        let head = Head { store: self.store, first: self.next, sealed, salt: Some(self.salt) };
        let file_bytes = write_head(files, self.file + 1, head)?;
        (self.older_bytes, self.file_bytes) = (self.older_bytes + self.file_bytes, file_bytes);
        (self.file, self.begun, self.sealed) = (self.file + 1, true, sealed);
        Ok(())
    }

    /// Adds an entry to what the next [`Self::commit`] writes, and gives its number.
    pub(super) fn add(&mut self, kind: EntryKind, received_at: Instant, content: &[u8]) -> Result<u64, StoreError> {
        let waiting = &mut self.waiting;
        let number = self.next.saturating_add(waiting.entries);
        journal_entry::put(&mut waiting.bytes, self.salt, (kind, number, received_at), content)?;
        waiting.entries += 1;
        if kind == EntryKind::Batch {
            waiting.batches += 1;
            waiting.oldest = earlier(waiting.oldest, Some(received_at));
        }
        Ok(number)
    }

    /// Makes what was added durable. When there is no space nothing of it is kept, and the journal goes on.
    pub(super) fn commit(&mut self, files: &dyn Files) -> Result<(), StoreError> {
        let mut waiting = std::mem::take(&mut self.waiting);
        if waiting.bytes.is_empty() {
            return Ok(());
        }
        self.begin(files)?;
        let name = name(self.file);
        files.append(&name, &waiting.bytes)?;
        files.sync(&name)?;
        self.next = self.next.saturating_add(waiting.entries);
        self.batches += waiting.batches;
        self.oldest = earlier(self.oldest, waiting.oldest);
        self.bytes += waiting.bytes.len() as u64;
        self.file_bytes += waiting.bytes.len() as u64;
        // The room is used again by the next group.
        waiting.bytes.clear();
        waiting.bytes.shrink_to(WAITING_BYTES_KEPT);
        self.waiting.bytes = waiting.bytes;
        Ok(())
    }

    /// Everything up to the last entry is about to be sealed: begins the next file, and gives its number.
    pub(super) fn rotate(&mut self, files: &dyn Files) -> Result<u64, StoreError> {
        self.begin_next(files, self.next.saturating_sub(1))?;
        (self.batches, self.bytes, self.oldest) = (0, 0, None);
        Ok(self.file)
    }

    /// The last file that is there: the one that is written, once it was begun.
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

fn earlier(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    a.into_iter().chain(b).min()
}

/// Begins a file, and gives how many bytes its head has.
fn write_head(files: &dyn Files, number: u64, head: Head) -> Result<u64, StoreError> {
    let name = name(number);
    let framed = head.to_bytes().map_err(|reason| StoreError::Corrupt { place: name.clone(), reason })?;
    let temporary = format!("{name}{TEMPORARY}");
    files.create(&temporary)?;
    if let Err(why) = files.append(&temporary, &framed) {
        return files.remove(&temporary).and(Err(why));
    }
    files.sync(&temporary)?;
    files.rename(&temporary, &name)?;
    Ok(framed.len() as u64)
}

/// The name of a file.
pub(super) fn name(number: u64) -> String {
    format!("{PREFIX}{number:012}")
}

const PREFIX: &str = "journal-";

/// The numbers of the journal's files, ascending.
pub(super) fn numbers(files: &dyn Files) -> Result<Vec<u64>, StoreError> {
    let list = files.list()?;
    let ours = list.iter().filter(|(name, _)| is_name(name));
    Ok(ours.filter_map(|(name, _)| name.strip_prefix(PREFIX)?.parse().ok()).collect())
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
