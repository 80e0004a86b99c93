//! Values longer than one entry of the database may be, and frames around all of them.
//!
//! ```text
//! record    first entry  parts:u16, then the frame's first bytes;  further entries  the bytes that follow
//!           the frame: magic UPHr, version 1, checksum, zstd when that is shorter
//! journal   key seq:u64 part:u16;  value  frame UPHj, version 1, around
//!           part 0        received_at:i64 parts:u16, then the first bytes of the framed batch
//!           further parts the bytes that follow
//! ```
//!
//! An entry stays within [`PART_BYTES_MAX`]. The database splits pages by count, not by size: a page holds up to
//! sixteen entries and, for a moment after two of them are joined, nineteen. All of these must stay within a quarter
//! of a segment, because a larger page would leave the log for a file that the database never syncs.

use uphold_common::time::Instant;
use uphold_common::wire::frame::{self, Compression, Magic};

use super::Record;
use super::error::StoreError;

/// Most bytes of one entry of the database, its frame aside.
pub(super) const PART_BYTES_MAX: usize = 6 * 1024;
/// Most bytes of a record.
pub const RECORD_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Most bytes of a record's key.
pub const RECORD_KEY_BYTES_MAX: usize = 256;

const RECORD: Magic = Magic(*b"UPHr");
const JOURNAL: Magic = Magic(*b"UPHj");
const VERSION: u16 = 1;
/// Shorter records are not worth compressing.
const COMPRESSED_FROM: usize = 256;

/// A value in its frame, to be stored as one entry.
pub(super) fn framed(magic: Magic, content: &[u8]) -> Result<Vec<u8>, StoreError> {
    let too_large = |_| StoreError::TooLarge { what: "an entry", found: content.len(), limit: PART_BYTES_MAX };
    frame::seal(magic, VERSION, Compression::Plain, content).map_err(too_large)
}

/// The content of [`framed`].
pub(super) fn unframed(magic: Magic, bytes: &[u8]) -> Result<Vec<u8>, String> {
    frame::open(magic, VERSION, 2 * PART_BYTES_MAX, bytes).map_err(|why| why.to_string())
}

/// A record's value as the entries it is stored in.
pub(super) fn record_parts(value: &[u8]) -> Result<Vec<Vec<u8>>, StoreError> {
    let too_large = || StoreError::TooLarge { what: "a record", found: value.len(), limit: RECORD_BYTES_MAX };
    if value.len() > RECORD_BYTES_MAX {
        return Err(too_large());
    }
    let plain = frame::seal(RECORD, VERSION, Compression::Plain, value).map_err(|_| too_large())?;
    let framed = if value.len() < COMPRESSED_FROM {
        plain
    } else {
        let packed = frame::seal(RECORD, VERSION, Compression::Zstd, value).map_err(|_| too_large())?;
        if packed.len() < plain.len() { packed } else { plain }
    };
    let mut parts: Vec<Vec<u8>> = framed.chunks(PART_BYTES_MAX).map(<[u8]>::to_vec).collect();
    let count = u16::try_from(parts.len()).map_err(|_| too_large())?;
    if let Some(first) = parts.first_mut() {
        first.splice(0..0, count.to_be_bytes());
    }
    Ok(parts)
}

/// How many entries a record has, as its first one says, and that one's part of the frame.
pub(super) fn first_part(entry: &[u8]) -> Option<(u16, &[u8])> {
    let (count, bytes) = entry.split_first_chunk::<2>()?;
    Some((u16::from_be_bytes(*count), bytes))
}

/// A record's value from the frame that its entries hold together.
pub(super) fn record_value(frame_bytes: &[u8]) -> Result<Vec<u8>, String> {
    frame::open(RECORD, VERSION, RECORD_BYTES_MAX, frame_bytes).map_err(|why| why.to_string())
}

/// The entries of a batch in the journal, keys and values.
pub(super) fn journal_parts(seq: u64, received_at: Instant, batch: &[u8]) -> Result<Vec<Record>, StoreError> {
    let too_large = |_| StoreError::TooLarge { what: "a batch", found: batch.len(), limit: PART_BYTES_MAX };
    let count = u16::try_from(batch.len().div_ceil(PART_BYTES_MAX).max(1)).map_err(too_large)?;
    let mut rest = batch;
    let mut entries = Vec::with_capacity(usize::from(count));
    for part in 0..count {
        let (bytes, after) = rest.split_at(rest.len().min(PART_BYTES_MAX));
        rest = after;
        let mut content = Vec::with_capacity(bytes.len() + 10);
        if part == 0 {
            content.extend_from_slice(&received_at.as_ms().to_be_bytes());
            content.extend_from_slice(&count.to_be_bytes());
        }
        content.extend_from_slice(bytes);
        let mut key = seq.to_be_bytes().to_vec();
        key.extend_from_slice(&part.to_be_bytes());
        entries.push((key, framed(JOURNAL, &content)?));
    }
    Ok(entries)
}

/// A batch of the journal, put together from its entries.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct JournalEntry {
    /// Its number.
    pub(super) seq: u64,
    /// When it arrived.
    pub(super) received_at: Instant,
    /// The framed batch.
    pub(super) batch: Vec<u8>,
}

/// Puts the entries of the journal together, in the order of their keys.
#[derive(Debug, Default)]
pub(super) struct JournalReader {
    open: Option<(JournalEntry, u16, u16)>,
    cut: Option<u64>,
}

impl JournalReader {
    /// Takes the next entry: a batch when it completes one, an error when it does not fit.
    pub(super) fn take(&mut self, key: &[u8], value: &[u8]) -> Result<Option<JournalEntry>, String> {
        let (seq, part) = journal_key(key).ok_or("a key of an unknown form")?;
        let content = unframed(JOURNAL, value)?;
        let before = self.open.take();
        if part == 0 {
            self.cut = self.cut.or(before.map(|(entry, ..)| entry.seq));
            let (received_at, rest) = content.split_first_chunk::<8>().ok_or("a batch without a header")?;
            let (count, bytes) = rest.split_first_chunk::<2>().ok_or("a batch without a header")?;
            let received_at = Instant::from_ms(i64::from_be_bytes(*received_at));
            let entry = JournalEntry { seq, received_at, batch: bytes.to_vec() };
            self.open = Some((entry, 1, u16::from_be_bytes(*count)));
            return Ok(self.complete());
        }
        match before {
            Some((mut entry, next, count)) if entry.seq == seq && next == part => {
                entry.batch.extend_from_slice(&content);
                self.open = Some((entry, next.saturating_add(1), count));
                Ok(self.complete())
            }
            _ => Err(format!("part {part} of batch {seq} without those before it")),
        }
    }

    /// The number of a batch that was begun and not ended, if there is one.
    pub(super) fn unfinished(&self) -> Option<u64> {
        self.cut.or(self.open.as_ref().map(|(entry, ..)| entry.seq))
    }

    fn complete(&mut self) -> Option<JournalEntry> {
        match self.open.take() {
            Some((entry, next, count)) if next >= count => Some(entry),
            other => {
                self.open = other;
                None
            }
        }
    }
}

/// The number of the batch and of the part in a key of the journal.
pub(super) fn journal_key(key: &[u8]) -> Option<(u64, u16)> {
    let (seq, part) = key.split_first_chunk::<8>()?;
    Some((u64::from_be_bytes(*seq), u16::from_be_bytes(part.try_into().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_put_together_from_its_parts() {
        let mut reader = JournalReader::default();
        for len in [0, 1, PART_BYTES_MAX, PART_BYTES_MAX + 1, 1024 * 1024] {
            let batch: Vec<u8> = (0..=250_u8).cycle().take(len).collect();
            let seq = 1 + len as u64;
            let entries = journal_parts(seq, Instant::from_ms(9), &batch).unwrap();
            let mut found = None;
            for (key, value) in &entries {
                assert!(found.is_none() && value.len() <= PART_BYTES_MAX + 26);
                found = reader.take(key, value).unwrap();
            }
            assert_eq!(found, Some(JournalEntry { seq, received_at: Instant::from_ms(9), batch }));
        }
    }

    #[test]
    fn a_part_that_is_missing_is_noticed() {
        let entries = journal_parts(5, Instant::from_ms(9), &vec![1; 3 * PART_BYTES_MAX]).unwrap();
        let mut reader = JournalReader::default();
        assert_eq!(reader.take(&entries[0].0, &entries[0].1), Ok(None));
        assert!(reader.take(&entries[2].0, &entries[2].1).is_err());
        assert_eq!(reader.take(&entries[0].0, &entries[0].1), Ok(None));
        assert_eq!(reader.unfinished(), Some(5));
        let (key, value) = journal_parts(6, Instant::from_ms(9), b"whole").unwrap().remove(0);
        assert_eq!(reader.take(&key, &value).unwrap().map(|entry| entry.seq), Some(6));
        assert_eq!(reader.unfinished(), Some(5));
    }

    #[test]
    fn a_record_is_put_together_from_its_parts() {
        // Bytes without a pattern, so that compression cannot make one part of them.
        let noise = |len: u32| (0..len).map(|i| i.wrapping_mul(2_654_435_761).to_be_bytes()[1]).collect::<Vec<u8>>();
        for value in [vec![], noise(10), noise(300_000), vec![b'x'; 1_000_000]] {
            let parts = record_parts(&value).unwrap();
            let (count, first) = first_part(&parts[0]).unwrap();
            assert_eq!(usize::from(count), parts.len());
            let whole: Vec<u8> = first.iter().chain(parts[1..].iter().flatten()).copied().collect();
            assert_eq!(record_value(&whole).unwrap(), value);
        }
        assert!(record_parts(&vec![0; RECORD_BYTES_MAX + 1]).is_err());
    }
}
