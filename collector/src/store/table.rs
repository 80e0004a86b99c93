//! A table: blocks under ascending numbers in one file, which is written once, in one go, and never changed.
//!
//! ```text
//! blocks      one after the other, each as its owner framed it
//! dictionary  frame UPHn, version 1, zstd, MessagePack: the streams that the blocks speak of, number and name
//! pages       frame UPHi, version 1, each up to 128 entries of 32 bytes, big endian:
//!               key:u64 offset:u64 length:u32 rows:u32 checksum:u32 zero:u32
//! directory   frame UPHo, version 1, MessagePack of [`Directory`]: what the file is, and its pages
//! end         16 bytes: offset of the directory:u64 its length:u32 UPHz
//! ```
//!
//! Every byte is under a checksum, so a table gives what was put into it or says that it is damaged; a damaged block
//! or page leaves the others readable. A table names its own streams, so it can be read without the database. It
//! appears under its name only when all of it is durable.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uphold_common::time::Instant;
use uphold_common::wire::frame::{self, Compression, Magic};
use uphold_common::wire::pack;

use super::error::StoreError;
use super::files::{Files, TEMPORARY};
use super::stream::StreamId;

const DICTIONARY: Magic = Magic(*b"UPHn");
const PAGE: Magic = Magic(*b"UPHi");
const DIRECTORY: Magic = Magic(*b"UPHo");
const END: [u8; 4] = *b"UPHz";
const END_BYTES: usize = 16;
const VERSION: u16 = 1;
const ENTRY_BYTES: usize = 32;
const PAGE_ENTRIES: usize = 128;
/// Most bytes of a directory, of a dictionary and of a block that are looked at.
const DIRECTORY_BYTES_MAX: usize = 16 * 1024 * 1024;
const DICTIONARY_BYTES_MAX: usize = 256 * 1024 * 1024;
const BLOCK_BYTES_MAX: usize = 64 * 1024 * 1024;
/// How much is gathered before it is written; what is larger by itself is written as it is.
const BUFFER_BYTES: usize = 256 * 1024;

/// What a table is, and where its pages are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Directory {
    /// The number of the seal or merge that made it.
    pub(super) made: u64,
    /// When that was.
    pub(super) made_at: Instant,
    /// The day whose rows it holds, if it holds those of one.
    pub(super) day: Option<i32>,
    /// The first journal entry, or the first part, that went into it.
    pub(super) from: u64,
    /// The last one.
    pub(super) to: u64,
    /// How many rows its blocks hold.
    pub(super) rows: u64,
    /// How many blocks there are.
    pub(super) blocks: u64,
    /// A digest of its pages, and with them of every block.
    pub(super) digest: serde_bytes::ByteArray<16>,
    dictionary: (u64, u32),
    /// First key, offset and length of each page.
    pages: Vec<(u64, u64, u32)>,
}

/// What a table is to be: the part of its directory that is known before it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Purpose {
    /// As in [`Directory`].
    pub(super) made: u64,
    /// As in [`Directory`].
    pub(super) made_at: Instant,
    /// As in [`Directory`].
    pub(super) day: Option<i32>,
    /// As in [`Directory`].
    pub(super) from: u64,
    /// As in [`Directory`].
    pub(super) to: u64,
}

/// Where a block stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Its key.
    pub(super) key: u64,
    offset: u64,
    len: u32,
    /// How many rows it holds.
    pub(super) rows: u32,
    checksum: u32,
}

/// Why a table, or a block of it, cannot be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum TableError {
    /// The files failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It is not what was written.
    #[error("{0}")]
    Damaged(String),
}

/// A table that is being written.
#[derive(Debug)]
pub(super) struct TableWriter {
    name: String,
    temporary: String,
    purpose: Purpose,
    buffer: Vec<u8>,
    written: u64,
    entries: Vec<Entry>,
}

impl TableWriter {
    /// Begins a table that is to have this name.
    pub(super) fn begin(files: &dyn Files, name: String, purpose: Purpose) -> Result<Self, StoreError> {
        let temporary = format!("{name}{TEMPORARY}");
        files.create(&temporary)?;
        Ok(Self { name, temporary, purpose, buffer: Vec::new(), written: 0, entries: Vec::new() })
    }

    /// Adds a block; keys ascend. Should that fail, nothing of the table stays.
    pub(super) fn put(&mut self, files: &dyn Files, key: u64, rows: u32, block: &[u8]) -> Result<(), StoreError> {
        let refused = |reason: &str| StoreError::Corrupt { place: self.name.clone(), reason: reason.to_owned() };
        if self.entries.last().is_some_and(|last| last.key >= key) {
            return Err(refused("its blocks are out of order"));
        }
        let len = u32::try_from(block.len()).ok().filter(|len| *len as usize <= BLOCK_BYTES_MAX);
        let len = len.ok_or_else(|| refused("a block is too large"))?;
        let (offset, checksum) = (self.offset(), crc32fast::hash(block));
        self.entries.push(Entry { key, offset, len, rows, checksum });
        self.add(files, block).or_else(|why| files.remove(&self.temporary).and(Err(why)))
    }

    /// Writes the rest, and makes the table durable under its name. Should that fail, nothing of it stays.
    pub(super) fn finish(mut self, files: &dyn Files, streams: &[(u32, &StreamId)]) -> Result<Table, StoreError> {
        let written = self.write_end(files, streams);
        written.or_else(|why| files.remove(&self.temporary).and(Err(why)))
    }

    fn write_end(&mut self, files: &dyn Files, streams: &[(u32, &StreamId)]) -> Result<Table, StoreError> {
        let dictionary = self.frame(files, DICTIONARY, Compression::Zstd, &packed(streams)?)?;
        let (mut pages, mut digest) = (Vec::new(), Sha256::new());
        let entries = std::mem::take(&mut self.entries);
        for page in entries.chunks(PAGE_ENTRIES) {
            let mut content = Vec::with_capacity(page.len() * ENTRY_BYTES);
            for entry in page {
                put_entry(&mut content, entry);
            }
            digest.update(&content);
            let first = page.first().map_or(0, |entry| entry.key);
            let (offset, len) = self.frame(files, PAGE, Compression::Plain, &content)?;
            pages.push((first, offset, len));
        }
        let full = digest.finalize();
        let digest = std::array::from_fn(|place| full.get(place).copied().unwrap_or_default());
        let Purpose { made, made_at, day, from, to } = self.purpose;
        let rows = entries.iter().map(|entry| u64::from(entry.rows)).sum();
        let (blocks, digest) = (entries.len() as u64, serde_bytes::ByteArray::new(digest));
        let directory = Directory { made, made_at, day, from, to, rows, blocks, digest, dictionary, pages };
        let (offset, len) = self.frame(files, DIRECTORY, Compression::Plain, &packed(&directory)?)?;
        let mut end = offset.to_be_bytes().to_vec();
        end.extend_from_slice(&len.to_be_bytes());
        end.extend_from_slice(&END);
        self.add(files, &end)?;
        self.write(files)?;
        let bytes = self.written;
        files.sync(&self.temporary)?;
        files.rename(&self.temporary, &self.name)?;
        Ok(Table { name: self.name.clone(), bytes, directory })
    }

    /// Gives it up.
    pub(super) fn discard(self, files: &dyn Files) -> Result<(), StoreError> {
        files.remove(&self.temporary)
    }

    fn frame(
        &mut self,
        files: &dyn Files,
        magic: Magic,
        compression: Compression,
        content: &[u8],
    ) -> Result<(u64, u32), StoreError> {
        let refused = || StoreError::Corrupt { place: self.name.clone(), reason: "it has too much to say".to_owned() };
        let framed = frame::seal(magic, VERSION, compression, content).map_err(|_| refused())?;
        let place = (self.offset(), u32::try_from(framed.len()).map_err(|_| refused())?);
        self.add(files, &framed)?;
        Ok(place)
    }

    fn add(&mut self, files: &dyn Files, bytes: &[u8]) -> Result<(), StoreError> {
        if self.buffer.len() + bytes.len() > BUFFER_BYTES {
            self.write(files)?;
        }
        if bytes.len() > BUFFER_BYTES {
            files.append(&self.temporary, bytes)?;
            self.written += bytes.len() as u64;
        } else {
            self.buffer.extend_from_slice(bytes);
        }
        Ok(())
    }

    fn offset(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }

    fn write(&mut self, files: &dyn Files) -> Result<(), StoreError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        files.append(&self.temporary, &self.buffer)?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}

/// What is done with each block: its key, its rows, its bytes or why it has none; what is wrong with it, if anything.
pub(super) type Inspect<'a> = dyn FnMut(u64, u32, Result<&[u8], String>) -> Option<String> + 'a;

/// A table that can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Table {
    /// Its file.
    pub(super) name: String,
    /// What it takes.
    pub(super) bytes: u64,
    /// What it says of itself.
    pub(super) directory: Directory,
}

impl Table {
    /// Opens a table, and checks that it ends as one.
    pub(super) fn open(files: &dyn Files, name: &str, bytes: u64) -> Result<Self, TableError> {
        let damaged = |what: &str| TableError::Damaged(what.to_owned());
        let Some(end_at) = bytes.checked_sub(END_BYTES as u64) else { return Err(damaged("it is cut off")) };
        let end = files.read(name, end_at, END_BYTES)?;
        let (offset, rest) = end.split_first_chunk::<8>().ok_or_else(|| damaged("it is cut off"))?;
        let (len, magic) = rest.split_first_chunk::<4>().ok_or_else(|| damaged("it is cut off"))?;
        let (offset, len) = (u64::from_be_bytes(*offset), u32::from_be_bytes(*len));
        if magic != END || offset.checked_add(u64::from(len)) != Some(end_at) || len as usize > DIRECTORY_BYTES_MAX {
            return Err(damaged("it does not end as a table does"));
        }
        let framed = files.read(name, offset, len as usize)?;
        let content = frame::open(DIRECTORY, VERSION, DIRECTORY_BYTES_MAX, &framed);
        let content = content.map_err(|why| TableError::Damaged(why.to_string()))?;
        let directory = pack::unpack(&content).map_err(|why| TableError::Damaged(why.to_string()))?;
        Ok(Self { name: name.to_owned(), bytes, directory })
    }

    /// The entries whose keys lie from `first` to `last`.
    pub(super) fn entries(&self, files: &dyn Files, first: u64, last: u64) -> Result<Vec<Entry>, TableError> {
        match self.entries_left(files, first, last)? {
            (entries, None) => Ok(entries),
            (_, Some(damaged)) => Err(damaged),
        }
    }

    /// As [`Self::entries`] of those pages that are sound, and what is wrong with the first that is not.
    pub(super) fn entries_left(
        &self,
        files: &dyn Files,
        first: u64,
        last: u64,
    ) -> Result<(Vec<Entry>, Option<TableError>), StoreError> {
        let pages = &self.directory.pages;
        let begin = pages.partition_point(|(key, ..)| *key <= first).saturating_sub(1);
        let (mut found, mut damaged) = (Vec::new(), None);
        for (_, offset, len) in pages.iter().skip(begin).take_while(|(key, ..)| *key <= last) {
            let framed = files.read(&self.name, *offset, *len as usize)?;
            match frame::open(PAGE, VERSION, PAGE_ENTRIES * ENTRY_BYTES, &framed) {
                Ok(content) => {
                    let entries = content.as_chunks::<ENTRY_BYTES>().0.iter().map(entry_of);
                    found.extend(entries.filter(|entry| (first..=last).contains(&entry.key)));
                }
                Err(why) => {
                    damaged.get_or_insert(TableError::Damaged(format!("a page of it: {why}")));
                }
            }
        }
        Ok((found, damaged))
    }

    /// The bytes of a block.
    pub(super) fn block(&self, files: &dyn Files, entry: &Entry) -> Result<Vec<u8>, TableError> {
        let block = files.read(&self.name, entry.offset, (entry.len as usize).min(BLOCK_BYTES_MAX))?;
        if block.len() == entry.len as usize && crc32fast::hash(&block) == entry.checksum {
            Ok(block)
        } else {
            Err(TableError::Damaged(format!("the block {:#x} is not what was written", entry.key)))
        }
    }

    /// Gives every block to `visit`, a page at a time, and says what of the table is not as it was written.
    pub(super) fn inspect(&self, files: &dyn Files, visit: &mut Inspect<'_>) -> Result<Vec<String>, StoreError> {
        let (mut wrong, mut digest) = (Vec::new(), Sha256::new());
        let (mut at, mut rows, mut blocks, mut last) = (0, 0, 0, None);
        for (first, offset, len) in &self.directory.pages {
            let framed = files.read(&self.name, *offset, (*len as usize).min(2 * PAGE_ENTRIES * ENTRY_BYTES))?;
            let content = match frame::open(PAGE, VERSION, PAGE_ENTRIES * ENTRY_BYTES, &framed) {
                Ok(content) => content,
                Err(why) => {
                    wrong.push(format!("the page that begins with key {first:#x}: {why}"));
                    at = u64::MAX;
                    continue;
                }
            };
            digest.update(&content);
            for entry in content.as_chunks::<ENTRY_BYTES>().0.iter().map(entry_of) {
                let follows = at == u64::MAX || entry.offset == at;
                if !follows || last.is_some_and(|last| last >= entry.key) || entry.key < *first {
                    wrong.push(format!("the block {:#x} is not where it belongs", entry.key));
                }
                (last, at) = (Some(entry.key), entry.offset.saturating_add(u64::from(entry.len)));
                (rows, blocks) = (rows + u64::from(entry.rows), blocks + 1);
                match self.block(files, &entry) {
                    Ok(block) => wrong.extend(visit(entry.key, entry.rows, Ok(&block))),
                    Err(TableError::Damaged(why)) => wrong.extend(visit(entry.key, entry.rows, Err(why))),
                    Err(TableError::Store(failed)) => return Err(failed),
                }
            }
        }
        let full = digest.finalize();
        let of = &self.directory;
        if wrong.is_empty() && ((rows, blocks) != (of.rows, of.blocks) || !full.starts_with(of.digest.as_slice())) {
            wrong.push("its pages are not those that its directory names".to_owned());
        }
        Ok(wrong)
    }

    /// The streams that its blocks speak of.
    pub(super) fn streams(&self, files: &dyn Files) -> Result<Vec<(u32, StreamId)>, TableError> {
        let (offset, len) = self.directory.dictionary;
        let framed = files.read(&self.name, offset, (len as usize).min(DICTIONARY_BYTES_MAX))?;
        let content = frame::open(DICTIONARY, VERSION, DICTIONARY_BYTES_MAX, &framed);
        let content = content.map_err(|why| TableError::Damaged(format!("its dictionary: {why}")))?;
        pack::unpack(&content).map_err(|why| TableError::Damaged(format!("its dictionary: {why}")))
    }
}

fn put_entry(out: &mut Vec<u8>, entry: &Entry) {
    out.extend_from_slice(&entry.key.to_be_bytes());
    out.extend_from_slice(&entry.offset.to_be_bytes());
    for field in [entry.len, entry.rows, entry.checksum, 0] {
        out.extend_from_slice(&field.to_be_bytes());
    }
}

fn entry_of(bytes: &[u8; ENTRY_BYTES]) -> Entry {
    let wide = |at: usize| bytes.iter().skip(at).take(8).fold(0, |value, byte| value << 8 | u64::from(*byte));
    let narrow = |at: usize| bytes.iter().skip(at).take(4).fold(0, |value, byte| value << 8 | u32::from(*byte));
    Entry { key: wide(0), offset: wide(8), len: narrow(16), rows: narrow(20), checksum: narrow(24) }
}

fn packed<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, StoreError> {
    let refused = |why: pack::PackError| StoreError::Corrupt { place: "a table".to_owned(), reason: why.to_string() };
    pack::pack(&value).map_err(refused)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::Dice;
    use crate::store::twin::Twin;

    #[test]
    fn what_is_written_is_gathered_in_small_pieces_and_large_blocks_are_not_gathered() {
        let (twin, mut dice) = (Twin::default(), Dice(1));
        let purpose = Purpose { made: 1, made_at: Instant::MIN, day: None, from: 1, to: 1 };
        let mut writer = TableWriter::begin(&twin, "t".to_owned(), purpose).unwrap();
        let mut blocks = Vec::new();
        for key in 0..200_u64 {
            let len = if key % 50 == 7 { 3 * BUFFER_BYTES } else { usize::try_from(dice.below(40_000)).unwrap() };
            let block: Vec<u8> = (0..len).map(|n| (n as u64 ^ key).to_be_bytes()[7]).collect();
            writer.put(&twin, key, 1, &block).unwrap();
            assert!(writer.buffer.capacity() <= 2 * BUFFER_BYTES);
            blocks.push(block);
        }
        assert_eq!(twin.longest_append(), 3 * BUFFER_BYTES);
        let table = writer.finish(&twin, &[]).unwrap();
        let (_, bytes) = twin.list().unwrap().remove(0);
        assert_eq!(bytes, table.bytes);
        let table = Table::open(&twin, "t", bytes).unwrap();
        let entries = table.entries(&twin, 0, u64::MAX).unwrap();
        let found: Vec<Vec<u8>> = entries.iter().map(|entry| table.block(&twin, entry).unwrap()).collect();
        assert!(found == blocks);
    }
}
