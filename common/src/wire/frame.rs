//! The frame around everything that is stored or sent: magic, version, checksum.
//!
//! ```text
//! offset  bytes  what
//!      0      4  magic, telling what kind of content it is
//!      4      2  version of the content, big endian
//!      6      1  1 when the content is compressed with zstd, else 0
//!      7      1  0
//!      8      4  length of the content once decompressed, big endian
//!     12      4  CRC-32 (IEEE) of bytes 0 to 11 and of the content as it stands, big endian
//!     16      …  the content
//! ```
//!
//! [`open`] trusts nothing: every field is checked, the decompressed length is bounded before anything is allocated,
//! and what decompresses to another length than announced is refused.
//!
//! What zstd works with is made once a thread and used again: making it costs more than a small batch does.

use std::borrow::Cow;
use std::cell::RefCell;
use std::io;

use zstd::bulk::{Compressor, Decompressor};

/// Bytes in front of the content.
pub const HEADER_BYTES: usize = 16;

/// The kinds of content that are framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Magic(pub [u8; 4]);

/// A batch, in the spool and inside a push.
pub const BATCH: Magic = Magic(*b"UPHb");
/// A push: the envelope of a batch.
pub const PUSH: Magic = Magic(*b"UPHp");

/// Why bytes are no frame of the kind asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Shorter than its header.
    #[error("it ends after {0} bytes, within the frame's header of {HEADER_BYTES}")]
    Short(usize),
    /// Another kind of content.
    #[error("it does not begin as a frame of this kind does")]
    Magic,
    /// A version this program does not read.
    #[error("it is of version {found}, and this program reads version {readable}")]
    Version {
        /// The version it names.
        found: u16,
        /// The version that is read.
        readable: u16,
    },
    /// The checksum is not that of the bytes.
    #[error("its checksum is wrong")]
    Checksum,
    /// More than the bound once decompressed.
    #[error("it holds {announced} bytes, and at most {limit} are taken")]
    TooLarge {
        /// What its header announces.
        announced: usize,
        /// The bound.
        limit: usize,
    },
    /// Compressed content that does not decompress to what was announced, or an unknown header byte.
    #[error("its content is not as its header says")]
    Content,
}

/// Whether the content is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// As it is.
    Plain,
    /// zstd at its level 3: on small batches level 1 is hardly quicker to write, no smaller, and slower to read.
    Zstd,
}

const LEVEL: i32 = 3;

/// Frames `content`.
pub fn seal(magic: Magic, version: u16, compression: Compression, content: &[u8]) -> Result<Vec<u8>, FrameError> {
    let too_large = || FrameError::TooLarge { announced: content.len(), limit: u32::MAX as usize };
    let raw_len = u32::try_from(content.len()).map_err(|_| too_large())?;
    let compressed = match compression {
        Compression::Plain => None,
        Compression::Zstd => Some(compress(content)?),
    };
    let body = compressed.as_deref().unwrap_or(content);
    let mut frame = Vec::with_capacity(HEADER_BYTES + body.len());
    frame.extend_from_slice(&magic.0);
    frame.extend_from_slice(&version.to_be_bytes());
    frame.extend_from_slice(&[u8::from(compressed.is_some()), 0]);
    frame.extend_from_slice(&raw_len.to_be_bytes());
    let checksum = checksum(&frame, body);
    frame.extend_from_slice(&checksum.to_be_bytes());
    frame.extend_from_slice(body);
    Ok(frame)
}

/// Checks a frame and gives its content, of at most `limit` bytes.
pub fn open(magic: Magic, version: u16, limit: usize, bytes: &[u8]) -> Result<Vec<u8>, FrameError> {
    open_in_place(magic, version, limit, bytes).map(Cow::into_owned)
}

/// As [`open`]; content that is not compressed is not copied.
pub fn open_in_place(magic: Magic, version: u16, limit: usize, bytes: &[u8]) -> Result<Cow<'_, [u8]>, FrameError> {
    let (header, body) = bytes.split_at_checked(HEADER_BYTES).ok_or(FrameError::Short(bytes.len()))?;
    let [m0, m1, m2, m3, v0, v1, compressed, zero, l0, l1, l2, l3, c0, c1, c2, c3] = *header else {
        return Err(FrameError::Short(bytes.len()));
    };
    if [m0, m1, m2, m3] != magic.0 {
        return Err(FrameError::Magic);
    }
    let found = u16::from_be_bytes([v0, v1]);
    if found != version {
        return Err(FrameError::Version { found, readable: version });
    }
    let covered = header.get(..12).unwrap_or_default();
    if u32::from_be_bytes([c0, c1, c2, c3]) != checksum(covered, body) {
        return Err(FrameError::Checksum);
    }
    let announced = u32::from_be_bytes([l0, l1, l2, l3]) as usize;
    if announced > limit {
        return Err(FrameError::TooLarge { announced, limit });
    }
    let content = match (compressed, zero) {
        (0, 0) => Cow::Borrowed(body),
        (1, 0) => Cow::Owned(decompress(body, announced)?),
        _ => return Err(FrameError::Content),
    };
    if content.len() == announced { Ok(content) } else { Err(FrameError::Content) }
}

/// The version that a frame names; nothing of it is checked.
pub fn version(bytes: &[u8]) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(4..6)?.try_into().ok()?))
}

/// How many bytes the content of a frame is said to have; nothing of it is checked.
pub fn announced(bytes: &[u8]) -> Option<usize> {
    let announced = bytes.get(8..12)?;
    Some(u32::from_be_bytes(announced.try_into().ok()?) as usize)
}

fn checksum(header: &[u8], body: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(header);
    crc.update(body);
    crc.finalize()
}

thread_local! {
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

fn compress(content: &[u8]) -> Result<Vec<u8>, FrameError> {
    COMPRESSOR.with(|kept| reused(kept, || Compressor::new(LEVEL), |compressor| compressor.compress(content)))
}

/// Decompresses into as many bytes as were announced and no more, so that a bomb stops at its announcement.
fn decompress(body: &[u8], announced: usize) -> Result<Vec<u8>, FrameError> {
    DECOMPRESSOR.with(|kept| reused(kept, Decompressor::new, |decompressor| decompressor.decompress(body, announced)))
}

/// Does something with what this thread keeps, and makes it the first time.
fn reused<T, R>(
    kept: &RefCell<Option<T>>,
    make: impl FnOnce() -> io::Result<T>,
    job: impl FnOnce(&mut T) -> io::Result<R>,
) -> Result<R, FrameError> {
    let mut kept = kept.try_borrow_mut().map_err(|_| FrameError::Content)?;
    let done = match &mut *kept {
        Some(ready) => job(ready),
        none => make().and_then(|made| job(none.insert(made))),
    };
    done.map_err(|_| FrameError::Content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_opens_to_what_was_sealed() {
        let content = vec![7_u8; 10_000];
        for compression in [Compression::Plain, Compression::Zstd] {
            let frame = seal(BATCH, 1, compression, &content).unwrap();
            assert_eq!(open(BATCH, 1, 10_000, &frame).unwrap(), content);
        }
    }

    #[test]
    fn the_bytes_of_a_frame_are_these() {
        let frame = seal(BATCH, 1, Compression::Plain, b"abc").unwrap();
        assert_eq!(crate::bytes::Hex(&frame).to_string(), "55504862000100000000000359337e92616263");
    }

    #[test]
    fn every_single_flipped_bit_is_noticed() {
        let frame = seal(PUSH, 1, Compression::Zstd, b"observations, observations, observations").unwrap();
        for bit in 0..frame.len() * 8 {
            let mut flipped = frame.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(open(PUSH, 1, 1000, &flipped).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn every_cut_is_noticed() {
        let frame = seal(PUSH, 1, Compression::Plain, b"observations").unwrap();
        for end in 0..frame.len() {
            assert!(open(PUSH, 1, 1000, &frame[..end]).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn a_bomb_stops_at_its_bound() {
        let bomb = seal(BATCH, 1, Compression::Zstd, &vec![0; 50_000_000]).unwrap();
        assert!(bomb.len() < 10_000);
        let refused = FrameError::TooLarge { announced: 50_000_000, limit: 1_000_000 };
        assert_eq!(open(BATCH, 1, 1_000_000, &bomb), Err(refused));
    }

    #[test]
    fn another_version_is_named() {
        let frame = seal(BATCH, 7, Compression::Plain, b"").unwrap();
        assert_eq!(open(BATCH, 1, 10, &frame), Err(FrameError::Version { found: 7, readable: 1 }));
        assert_eq!(open(PUSH, 7, 10, &frame), Err(FrameError::Magic));
    }
}
