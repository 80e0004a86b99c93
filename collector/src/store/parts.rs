//! Values longer than one entry of the database may be, and frames around all of them.
//!
//! ```text
//! record    first entry  parts:u16, then the frame's first bytes;  further entries  the bytes that follow
//!           the frame: magic UPHr, version 1, checksum, zstd when that is shorter
//! ```
//!
//! An entry stays within [`PART_BYTES_MAX`]. The database splits pages by count, not by size: a page holds up to
//! sixteen entries and, for a moment after two of them are joined, nineteen. All of these must stay within a quarter
//! of a segment, because a larger page would leave the log for a file that the database never syncs.

use uphold_common::wire::frame::{self, Compression, FrameError, Magic};
use uphold_common::wire::pack;

use super::day::DayRecord;
use super::error::StoreError;
use super::recovery::DAY;

/// Most bytes of one entry of the database, its frame aside.
pub(super) const PART_BYTES_MAX: usize = 6 * 1024;
/// Most bytes of one entry that are read. None comes near it: dictionaries are bounded, and so is the state's list of parts.
const ENTRY_BYTES_MAX: usize = 2 * PART_BYTES_MAX;
/// Most bytes of a record.
pub const RECORD_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Most bytes of a record's key.
pub const RECORD_KEY_BYTES_MAX: usize = 256;

const RECORD: Magic = Magic(*b"UPHr");
const DAY_VERSION: u16 = 2;
const VERSION: u16 = 1;
/// Shorter records are not worth compressing.
const COMPRESSED_FROM: usize = 256;

/// A value in its frame, to be stored as one entry. What could not be read again is refused.
pub(super) fn framed(magic: Magic, content: &[u8]) -> Result<Vec<u8>, StoreError> {
    let (what, found, limit) = ("an entry of the database", content.len(), ENTRY_BYTES_MAX);
    if found > limit {
        return Err(StoreError::TooLarge { what, found, limit });
    }
    frame::seal(magic, VERSION, Compression::Plain, content).map_err(|_| StoreError::TooLarge { what, found, limit })
}

/// The content of [`framed`].
pub(super) fn unframed(magic: Magic, bytes: &[u8]) -> Result<Vec<u8>, String> {
    frame::open(magic, VERSION, ENTRY_BYTES_MAX, bytes).map_err(|why| why.to_string())
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

/// The manifest of a day in its frame.
pub(super) fn framed_day(record: &DayRecord) -> Result<Vec<u8>, StoreError> {
    let refused = |reason: String| StoreError::Corrupt { place: "a manifest".to_owned(), reason };
    let content = pack::pack(record).map_err(|why| refused(why.to_string()))?;
    frame::seal(DAY, DAY_VERSION, Compression::Plain, &content).map_err(|why| refused(why.to_string()))
}

/// The manifest in [`framed_day`]; none for one of version 1, which said only whether there were chunks to merge.
pub(super) fn unframed_day(bytes: &[u8]) -> Result<Option<DayRecord>, String> {
    match frame::open(DAY, DAY_VERSION, 2 * PART_BYTES_MAX, bytes) {
        Ok(content) => pack::unpack(&content).map(Some).map_err(|why| why.to_string()),
        Err(FrameError::Version { found: 1, .. }) => Ok(None),
        Err(why) => Err(why.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
