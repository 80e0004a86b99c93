//! What stands in a file of the journal, in bytes: its head, and entries of both layouts.
//!
//! ```text
//! head    frame UPHq, version 2, MessagePack of [`Head`]: which store it belongs to, its first entry, what was sealed, the salt
//! entry   0   4  magic UPHj
//!         4   1  kind: 1 a batch, 2 changed records
//!         5   3  zero
//!         8   8  its number, big endian as all of these
//!        16   8  when it arrived, ms
//!        24   4  length of the content
//!        28   4  CRC-32 of the content
//!        32   8  tag: the first bytes of SHA-256 of the salt and bytes 0 to 31
//!        40   …  content: a framed batch as it was pushed, or a frame UPHv of record changes
//! ```
//!
//! A batch's bytes are chosen by whoever sends it, and may look like entries. What tells them apart is the tag: nobody
//! who has not read the store can reckon it, and it is looked at before any content is. The checksum in front of it finds damage.
//!
//! Files of version 1 are read too. Their heads have no salt; their entries have no tag, the content begins at 32, and
//! the checksum is that of bytes 0 to 27 and of the content.

use std::fmt;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uphold_common::time::Instant;
use uphold_common::wire::batch::Epoch;
use uphold_common::wire::frame::{self, Compression, Magic};
use uphold_common::wire::pack;

use super::error::StoreError;

/// How the head of a file begins.
const HEAD: Magic = Magic(*b"UPHq");
/// The version of a file with a salt, and that of one without.
const VERSION: u16 = 2;
const VERSION_WITHOUT_SALT: u16 = 1;
/// How an entry begins.
pub(super) const ENTRY: [u8; 4] = *b"UPHj";
/// Bytes of an entry in front of its tag; in a file of version 1 the content begins there.
const FIELDS_BYTES: usize = 32;
const TAG_BYTES: usize = 8;
/// Most bytes of a file's head.
pub(super) const HEAD_BYTES_MAX: usize = 1024;
/// Most bytes of an entry's content: one record of the largest size that does not compress, and a little.
pub(super) const CONTENT_BYTES_MAX: usize = 20 * 1024 * 1024;

/// 128 random bits, made together with the store, that nobody else knows.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Salt(pub(super) serde_bytes::ByteArray<16>);

impl Salt {
    /// A new one.
    pub(super) fn random() -> Result<Self, StoreError> {
        let mut salt = [0; 16];
        getrandom::fill(&mut salt).map_err(|_| StoreError::Random)?;
        Ok(Self(serde_bytes::ByteArray::new(salt)))
    }

    /// The tag of an entry. Its fields always have one length, so that no tag can be made into that of a longer text;
    /// salt and fields fit one block.
    fn tag(self, fields: &[u8]) -> [u8; TAG_BYTES] {
        let digest = Sha256::new().chain_update(self.0.as_slice()).chain_update(fields).finalize();
        digest.first_chunk().copied().unwrap_or_default()
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(…)")
    }
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
    /// The salt of its tags; none in a file of version 1.
    #[serde(default)]
    pub(super) salt: Option<Salt>,
}

impl Head {
    /// Its bytes.
    pub(super) fn to_bytes(self) -> Result<Vec<u8>, String> {
        let content = pack::pack(&self).map_err(|why| why.to_string())?;
        frame::seal(HEAD, VERSION, Compression::Plain, &content).map_err(|why| why.to_string())
    }

    /// The head that some bytes begin with, if it is sound, and its length.
    pub(super) fn of(bytes: &[u8]) -> Option<(Self, usize)> {
        let len = frame::HEADER_BYTES.checked_add(frame::announced(bytes)?)?;
        let version = frame::version(bytes).filter(|version| matches!(*version, VERSION | VERSION_WITHOUT_SALT))?;
        let content = frame::open(HEAD, version, HEAD_BYTES_MAX, bytes.get(..len)?).ok()?;
        let head: Self = pack::unpack(&content).ok()?;
        (head.salt.is_some() == (version == VERSION)).then_some((head, len))
    }

    /// The number before that of its first entry.
    pub(super) const fn before(self) -> u64 {
        self.first.saturating_sub(1)
    }

    /// How the entries of its file are laid out.
    pub(super) fn layout(self) -> Layout {
        self.salt.map_or(Layout::Untagged, Layout::Tagged)
    }
}

/// The kinds of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum EntryKind {
    /// A framed batch.
    Batch = 1,
    /// Changed records.
    Records = 2,
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

/// Appends an entry; its content must be within [`CONTENT_BYTES_MAX`].
pub(super) fn put(
    out: &mut Vec<u8>,
    salt: Salt,
    (kind, number, received_at): (EntryKind, u64, Instant),
    content: &[u8],
) -> Result<(), StoreError> {
    let too_large = StoreError::TooLarge { what: "an entry", found: content.len(), limit: CONTENT_BYTES_MAX };
    let len = u32::try_from(content.len()).ok().filter(|_| content.len() <= CONTENT_BYTES_MAX).ok_or(too_large)?;
    let begin = out.len();
    out.extend_from_slice(&ENTRY);
    out.extend_from_slice(&[kind as u8, 0, 0, 0]);
    out.extend_from_slice(&number.to_be_bytes());
    out.extend_from_slice(&received_at.as_ms().to_be_bytes());
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(&crc32fast::hash(content).to_be_bytes());
    let tag = salt.tag(out.get(begin..).unwrap_or_default());
    out.extend_from_slice(&tag);
    out.extend_from_slice(content);
    Ok(())
}

/// How the entries of a file are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// As in files of version 1.
    Untagged,
    /// With a tag.
    Tagged(Salt),
}

/// What the bytes in front of a content say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Announced {
    kind: EntryKind,
    /// The entry's number.
    pub(super) number: u64,
    received_at: Instant,
    header_bytes: usize,
    content_bytes: usize,
    checksum: u32,
}

impl Announced {
    /// How many bytes the whole entry has.
    pub(super) const fn bytes(&self) -> usize {
        self.header_bytes + self.content_bytes
    }
}

impl Layout {
    /// Bytes of an entry in front of its content.
    pub(super) const fn header_bytes(self) -> usize {
        match self {
            Self::Untagged => FIELDS_BYTES,
            Self::Tagged(_) => FIELDS_BYTES + TAG_BYTES,
        }
    }

    /// The entry that some bytes begin with, if one with such a number may stand there. Nothing of its content is looked at.
    pub(super) fn announced(self, bytes: &[u8], numbers: &RangeInclusive<u64>) -> Option<Announced> {
        let (fields, after) = bytes.split_first_chunk::<FIELDS_BYTES>()?;
        let (magic, rest) = fields.split_first_chunk::<4>()?;
        let (kind, rest) = rest.split_first_chunk::<4>()?;
        let (number, rest) = rest.split_first_chunk::<8>()?;
        let (received_at, rest) = rest.split_first_chunk::<8>()?;
        let (len, checksum) = rest.split_first_chunk::<4>()?;
        let kind = match (*magic, *kind) {
            (ENTRY, [1, 0, 0, 0]) => EntryKind::Batch,
            (ENTRY, [2, 0, 0, 0]) => EntryKind::Records,
            _ => return None,
        };
        let announced = Announced {
            kind,
            number: u64::from_be_bytes(*number),
            received_at: Instant::from_ms(i64::from_be_bytes(*received_at)),
            header_bytes: self.header_bytes(),
            content_bytes: u32::from_be_bytes(*len) as usize,
            checksum: u32::from_be_bytes(checksum.try_into().ok()?),
        };
        let may_be = announced.content_bytes <= CONTENT_BYTES_MAX && numbers.contains(&announced.number);
        let ours = || match self {
            Self::Untagged => true,
            Self::Tagged(salt) => after.first_chunk() == Some(&salt.tag(fields)),
        };
        (may_be && ours()).then_some(announced)
    }

    /// The entry that was announced at the front of some bytes, if its content is what was written.
    pub(super) fn entry(self, bytes: &[u8], announced: &Announced) -> Option<Entry> {
        let Announced { kind, number, received_at, header_bytes, .. } = *announced;
        let (header, content) = bytes.get(..announced.bytes())?.split_at_checked(header_bytes)?;
        let mut crc = crc32fast::Hasher::new();
        if self == Self::Untagged {
            crc.update(header.get(..FIELDS_BYTES - 4)?);
        }
        crc.update(content);
        let sound = crc.finalize() == announced.checksum;
        sound.then(|| Entry { kind, number, received_at, content: content.to_vec() })
    }
}
