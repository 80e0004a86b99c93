//! Reading the journal: every sound entry of all files in their order, and what else stands in them.
//!
//! 1. Memory is taken for a stretch of a file and one entry. What is not sound is skipped up to the next entry that is.
//! 2. Numbers ascend. Where nothing was skipped the next one follows the last; after damage it is higher by no more than
//!    what was skipped can have held.
//! 3. An entry is looked into only if its header is one of ours (its tag says so), and the bytes that are looked into in
//!    vain are bounded by a multiple of those that were read: whatever stands in a batch, reading takes linear time.
//! 4. A file whose head is damaged is read with the salt of the store. One of a store that never had a salt is read
//!    without, and then a batch that looks like an entry may be taken for one after damage: such files go with the second seal.

use std::ops::RangeInclusive;

use super::error::StoreError;
use super::files::Files;
use super::journal::{name, numbers};
use super::journal_entry::{ENTRY, Entry, HEAD_BYTES_MAX, Head, Layout, Salt};

/// How much is read at once.
const READ_BYTES: usize = 1024 * 1024;
/// Most damaged places that are named.
const DAMAGED_MAX: usize = 64;
/// For each byte of a file so many may be looked into in vain. With tags one is enough, as a header of ours is met once.
const IN_VAIN_MAX: u64 = 16;

/// What reading the journal came upon.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Read {
    /// The highest number of an entry that is sound, or that stood in front of a file.
    pub(super) highest: u64,
    /// Places that were damaged in the middle, in words.
    pub(super) damaged: Vec<String>,
    /// Bytes at the ends of files that make no entry.
    pub(super) torn_bytes: u64,
    /// Bytes of contents that were looked into and are not what was written.
    pub(super) in_vain: u64,
    /// Bytes at the end of the file before that make no entry.
    torn: u64,
}

/// What is done with each entry.
pub(super) type Visit<'a> = dyn FnMut(Entry) -> Result<(), StoreError> + 'a;

/// The heads of the files, as far as they are sound. Nothing else of the files is read.
pub(super) fn heads(files: &dyn Files) -> Result<Vec<Head>, StoreError> {
    let mut heads = Vec::new();
    for number in numbers(files)? {
        let bytes = files.read(&name(number), 0, HEAD_BYTES_MAX)?;
        heads.extend(Head::of(&bytes).map(|(head, _)| head));
    }
    Ok(heads)
}

/// Gives every sound entry of all files to `visit`, in their order. `salt` is that of the store, if it has one.
pub(super) fn read(files: &dyn Files, salt: Option<Salt>, visit: &mut Visit<'_>) -> Result<Read, StoreError> {
    let mut read = Read::default();
    for number in numbers(files)? {
        read_file(files, (number, salt), &mut read, visit)?;
    }
    read.torn_bytes += std::mem::take(&mut read.torn);
    Ok(read)
}

fn read_file(
    files: &dyn Files,
    (number, salt): (u64, Option<Salt>),
    read: &mut Read,
    visit: &mut Visit<'_>,
) -> Result<(), StoreError> {
    let name = name(number);
    let mut window = Window { files, name: &name, offset: 0, bytes: Vec::new(), passed: 0, ended: false };
    window.fill(HEAD_BYTES_MAX)?;
    let head = Head::of(window.rest());
    window.pass(head.map_or(0, |(_, len)| len));
    let head = head.map(|(head, _)| head);
    read.settle_torn(head, number);
    let layout = head.map_or_else(|| salt.map_or(Layout::Untagged, Layout::Tagged), Head::layout);
    let mut place = Place { last: head.map_or(read.highest, Head::before), certain: head.is_some(), skipped: 0 };
    let mut in_vain = 0;
    loop {
        window.fill(layout.header_bytes())?;
        if window.rest().len() < layout.header_bytes() {
            break;
        }
        let announced = layout.announced(window.rest(), &place.numbers(layout));
        let mut entry = None;
        if let Some(announced) = announced {
            window.fill(announced.bytes())?;
            let len = announced.bytes() as u64;
            if in_vain + len <= window.offset.saturating_mul(IN_VAIN_MAX) {
                entry = layout.entry(window.rest(), &announced);
                in_vain += if entry.is_some() { 0 } else { len };
            }
            // A header with the right tag was written by us, whatever became of its content.
            if entry.is_some() || layout != Layout::Untagged {
                (place.last, place.certain) = (announced.number, true);
            }
        }
        if let (Some(entry), Some(announced)) = (entry, announced) {
            read.note(std::mem::take(&mut place.skipped), number);
            read.highest = read.highest.max(entry.number);
            window.pass(announced.bytes());
            visit(entry)?;
        } else {
            place.skipped += window.pass_to_next();
        }
    }
    read.in_vain += in_vain;
    read.torn = place.skipped + window.rest().len() as u64;
    Ok(())
}

impl Read {
    /// What the end of the file before was: a group that was never acknowledged if the next file gives its numbers again,
    /// and damage if it does not, or if nobody can tell.
    fn settle_torn(&mut self, head: Option<Head>, number: u64) {
        let torn = std::mem::take(&mut self.torn);
        if head.is_some_and(|head| head.before() <= self.highest) {
            self.torn_bytes += torn;
        } else {
            self.note(torn, number.saturating_sub(1));
        }
        self.highest = self.highest.max(head.map_or(0, Head::before));
    }

    fn note(&mut self, skipped: u64, file: u64) {
        if skipped > 0 && self.damaged.len() < DAMAGED_MAX {
            self.damaged.push(format!("{skipped} bytes of journal file {file}"));
        }
    }
}

/// Where reading a file stands.
struct Place {
    /// The number of the last entry.
    last: u64,
    /// Whether that is known, and not only that no lower one follows.
    certain: bool,
    /// Bytes since then that make no entry.
    skipped: u64,
}

impl Place {
    /// What the number of the next entry can be.
    fn numbers(&self, layout: Layout) -> RangeInclusive<u64> {
        let next = self.last.saturating_add(1);
        let can_be_gone = self.skipped / layout.header_bytes() as u64;
        next..=if self.certain { next.saturating_add(can_be_gone) } else { u64::MAX - 1 }
    }
}

/// A stretch of a file that is looked at.
struct Window<'a> {
    files: &'a dyn Files,
    name: &'a str,
    offset: u64,
    bytes: Vec<u8>,
    /// How many of them are done with; they go when more is read.
    passed: usize,
    ended: bool,
}

impl Window<'_> {
    /// What is to be looked at.
    fn rest(&self) -> &[u8] {
        self.bytes.get(self.passed..).unwrap_or_default()
    }

    /// Reads on until there are so many bytes, or the file ends.
    fn fill(&mut self, wanted: usize) -> Result<(), StoreError> {
        while self.rest().len() < wanted && !self.ended {
            self.bytes.drain(..std::mem::take(&mut self.passed));
            let more = self.files.read(self.name, self.offset, READ_BYTES)?;
            self.ended = more.is_empty();
            self.offset += more.len() as u64;
            self.bytes.extend(more);
        }
        Ok(())
    }

    fn pass(&mut self, len: usize) {
        self.passed = self.passed.saturating_add(len).min(self.bytes.len());
    }

    /// Moves to where the next entry may begin, and gives how many bytes that passes.
    fn pass_to_next(&mut self) -> u64 {
        let after = self.rest().get(1..).unwrap_or_default();
        let next = after.windows(ENTRY.len()).position(|bytes| *bytes == ENTRY).map(|place| place + 1);
        // The magic may lie across the end of what is read so far.
        let len = next.unwrap_or_else(|| self.rest().len().saturating_sub(ENTRY.len() - 1).max(1));
        self.pass(len);
        len as u64
    }
}
