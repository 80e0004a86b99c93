//! Where a spool stands: its epoch, and how far it got.
//!
//! ```text
//! frame: magic "UPHc", version 1, plain
//! JSON:  {"epoch": 32 hexadecimal digits, "used_seq", "passed_seq", "acknowledged_seq", "store"}
//! ```
//!
//! `acknowledged_seq ≤ passed_seq ≤ used_seq`. What a reader finds otherwise is no cursor.

use std::path::Path;

use serde::{Deserialize, Serialize};
use uphold_common::wire::batch::Epoch;
use uphold_common::wire::frame::{self, Compression, Magic};

use super::durable;

const MAGIC: Magic = Magic(*b"UPHc");
const VERSION: u16 = 1;
const BYTES_MAX: usize = 4096;

/// Where a spool stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    /// Which spool it is.
    pub epoch: Epoch,
    /// The highest seq that was given to a batch, so that none is given twice.
    pub used_seq: u64,
    /// The highest seq that is no longer in the spool, delivered or not.
    pub passed_seq: u64,
    /// The highest seq that a collector acknowledged.
    pub acknowledged_seq: u64,
    /// The store that acknowledged last.
    pub store: Option<Epoch>,
}

impl Cursor {
    /// The cursor of a spool of which nothing was sent; its batches begin after `used_seq`. Nothing counts as passed:
    /// files of the epoch before still lie there.
    pub const fn new(epoch: Epoch, used_seq: u64) -> Self {
        Self { epoch, used_seq, passed_seq: 0, acknowledged_seq: 0, store: None }
    }

    /// The cursor at `path`, or `None` when there is none that is sound.
    pub fn read(path: &Path) -> Option<Self> {
        let bytes = std::fs::read(path).ok()?;
        let content = frame::open(MAGIC, VERSION, BYTES_MAX, &bytes).ok()?;
        let cursor: Self = serde_json::from_slice(&content).ok()?;
        let ordered = cursor.acknowledged_seq <= cursor.passed_seq && cursor.passed_seq <= cursor.used_seq;
        ordered.then_some(cursor)
    }

    /// Puts the cursor at `path`, durably.
    pub fn write(&self, path: &Path) -> std::io::Result<()> {
        durable::write(path, &self.framed()?)
    }

    /// Its file.
    pub fn framed(&self) -> std::io::Result<Vec<u8>> {
        let content = serde_json::to_vec(self)?;
        frame::seal(MAGIC, VERSION, Compression::Plain, &content).map_err(std::io::Error::other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written_and_never_otherwise() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cursor");
        assert_eq!(Cursor::read(&path), None);
        let mut cursor = Cursor::new(Epoch([9; 16]), 41);
        cursor.store = Some(Epoch([1; 16]));
        cursor.write(&path).unwrap();
        assert_eq!(Cursor::read(&path), Some(cursor));
        let sound = std::fs::read(&path).unwrap();
        for place in 0..sound.len() {
            let mut flipped = sound.clone();
            flipped[place] ^= 4;
            std::fs::write(&path, &flipped).unwrap();
            assert_eq!(Cursor::read(&path), None, "byte {place}");
        }
        cursor.acknowledged_seq = 42;
        cursor.write(&path).unwrap();
        assert_eq!(Cursor::read(&path), None, "more acknowledged than passed");
    }
}
