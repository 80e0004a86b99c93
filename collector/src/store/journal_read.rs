//! Reading the journal: every sound entry of all files in their order, and what else stands in them.
//!
//! Memory is taken for a stretch of a file and one entry. What is not sound is skipped up to the next entry that is.

use uphold_common::time::Instant;
use uphold_common::wire::frame;
use uphold_common::wire::pack;

use super::error::StoreError;
use super::files::Files;
use super::journal::{
    CONTENT_BYTES_MAX, ENTRY, ENTRY_HEADER, Entry, EntryKind, HEAD, HEAD_BYTES_MAX, Head, READ_BYTES, VERSION,
    checksum, name, numbers,
};

/// What reading the journal came upon.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Read {
    /// The heads that are sound.
    pub(super) heads: Vec<Head>,
    /// The highest number of an entry.
    pub(super) highest: u64,
    /// Places that were damaged in the middle, in words.
    pub(super) damaged: Vec<String>,
    /// Bytes at the ends of files that make no entry.
    pub(super) torn_bytes: u64,
    /// Those of the file before.
    torn: u64,
}

/// The heads of the files, as far as they are sound, and the highest number that an entry of any can have.
pub(super) fn heads(files: &dyn Files) -> Result<(Vec<Head>, u64), StoreError> {
    let read = read(files, &mut |_| Ok(()))?;
    let first = read.heads.iter().map(|head| head.first).max().unwrap_or_default();
    Ok((read.heads, read.highest.max(first.saturating_sub(1))))
}

/// Most damaged places that are named.
const DAMAGED_MAX: usize = 64;

/// Gives every sound entry of all files to `visit`, in their order.
pub(super) fn read(
    files: &dyn Files,
    visit: &mut dyn FnMut(Entry) -> Result<(), StoreError>,
) -> Result<Read, StoreError> {
    let mut read = Read::default();
    for number in numbers(files)? {
        read_file(files, number, &mut read, visit)?;
    }
    read.torn_bytes += std::mem::take(&mut read.torn);
    Ok(read)
}

fn read_file(
    files: &dyn Files,
    number: u64,
    read: &mut Read,
    visit: &mut dyn FnMut(Entry) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let name = name(number);
    let mut window = Window { files, name: &name, offset: 0, bytes: Vec::new(), passed: 0, ended: false };
    window.fill(HEAD_BYTES_MAX)?;
    let torn = std::mem::take(&mut read.torn);
    if let Some((head, len)) = head_of(window.rest()) {
        // After a group that was never acknowledged its numbers are given again; a gap in them tells of entries that were.
        if head.first > read.highest.saturating_add(1) && read.highest > 0 {
            note(read, torn, number.saturating_sub(1));
        } else {
            read.torn_bytes += torn;
        }
        read.heads.push(head);
        window.pass(len);
    } else {
        note(read, torn, number.saturating_sub(1));
    }
    let mut skipped = 0;
    loop {
        window.fill(ENTRY_HEADER)?;
        if window.rest().len() < ENTRY_HEADER {
            break;
        }
        let announced = announced(window.rest());
        if let Some(len) = announced {
            window.fill(ENTRY_HEADER + len)?;
        }
        match announced.and_then(|len| entry_of(window.rest(), len)) {
            Some((entry, len)) => {
                note(read, std::mem::take(&mut skipped), number);
                read.highest = read.highest.max(entry.number);
                window.pass(len);
                visit(entry)?;
            }
            None => skipped += window.pass_to_next(),
        }
    }
    read.torn = skipped + window.rest().len() as u64;
    Ok(())
}

fn note(read: &mut Read, skipped: u64, file: u64) {
    if skipped > 0 && read.damaged.len() < DAMAGED_MAX {
        read.damaged.push(format!("{skipped} bytes of journal file {file}"));
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

fn head_of(bytes: &[u8]) -> Option<(Head, usize)> {
    let len = frame::HEADER_BYTES.checked_add(frame::announced(bytes)?)?;
    let content = frame::open(HEAD, VERSION, HEAD_BYTES_MAX, bytes.get(..len)?).ok()?;
    Some((pack::unpack(&content).ok()?, len))
}

/// How long the content of the entry at the front says it is.
fn announced(bytes: &[u8]) -> Option<usize> {
    let (magic, rest) = bytes.split_first_chunk::<4>()?;
    let len = u32::from_be_bytes(rest.get(20..24)?.try_into().ok()?) as usize;
    (*magic == ENTRY && len <= CONTENT_BYTES_MAX).then_some(len)
}

fn entry_of(bytes: &[u8], len: usize) -> Option<(Entry, usize)> {
    let (header, content) = bytes.get(..ENTRY_HEADER + len)?.split_at_checked(ENTRY_HEADER)?;
    let found = u32::from_be_bytes(header.get(28..32)?.try_into().ok()?);
    if found != checksum(header.get(..28)?, content) {
        return None;
    }
    let kind = match header.get(4)? {
        1 => EntryKind::Batch,
        2 => EntryKind::Records,
        _ => return None,
    };
    let number = u64::from_be_bytes(header.get(8..16)?.try_into().ok()?);
    let received_at = Instant::from_ms(i64::from_be_bytes(header.get(16..24)?.try_into().ok()?));
    Some((Entry { kind, number, received_at, content: content.to_vec() }, ENTRY_HEADER + len))
}
