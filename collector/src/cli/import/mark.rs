//! How far an import has come: a small file in the data directory for each file that was imported.
//!
//! ```text
//! data directory/imports/BEGINNING.json    BEGINNING stands for the first bytes of what was imported
//! ```
//!
//! It is written after what it speaks of is durable, and says of which store. One that cannot be read, or speaks of another
//! store, is none. Nor is one whose last row the store does not have: it was put back from an older backup since. There are [`MARKS_MAX`] at most; beyond that the one written longest ago goes.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use uphold_common::time::Instant;
use uphold_common::wire::batch::Epoch;

use super::lines::Lines;
use crate::api::rows::StreamView;

/// Most marks in a data directory.
const MARKS_MAX: usize = 100;

/// How far an import has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// After so many bytes.
    pub(super) bytes: u64,
    /// And so many lines.
    pub(super) lines: u64,
    /// Of them so many hold a row.
    pub(super) taken: u64,
    /// And so many were refused.
    pub(super) refused: u64,
    /// The SHA-256 of those bytes.
    pub(super) digest: String,
    /// The row that was brought last; none before the first.
    #[serde(default)]
    pub(super) last: Option<Brought>,
}

/// A row that was brought: of which stream, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Brought {
    /// The stream.
    pub(super) of: StreamView,
    /// The row's instant.
    pub(super) at: Instant,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    store: Epoch,
    #[serde(flatten)]
    mark: Mark,
}

/// Where the mark of one import is kept; nowhere if what is imported cannot be read again.
pub(super) struct Marks {
    file: Option<PathBuf>,
    store: Epoch,
}

impl Marks {
    /// The place for `lines` that go into `store`.
    pub(super) fn of(data: &Path, store: Epoch, lines: &Lines) -> Self {
        let file = lines.head().map(|head| data.join("imports").join(format!("{head}.json")));
        Self { file, store }
    }

    /// How far an import of the same into the same store has come.
    pub(super) fn found(&self) -> Option<Mark> {
        let text = fs::read(self.file.as_ref()?).ok()?;
        let kept: Kept = serde_json::from_slice(&text).ok()?;
        (kept.store == self.store).then_some(kept.mark)
    }

    /// Keeps how far it has come, in place of what was kept before.
    pub(super) fn keep(&self, mark: &Mark) -> io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        if let Some(folder) = file.parent()
            && !file.exists()
        {
            fs::create_dir_all(folder)?;
            make_room(folder)?;
        }
        let text = serde_json::to_vec(&Kept { store: self.store, mark: mark.clone() })?;
        let beside = file.with_extension("new");
        fs::write(&beside, text)?;
        fs::rename(beside, file)
    }
}

fn make_room(folder: &Path) -> io::Result<()> {
    let mut marks = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        marks.push((entry.metadata()?.modified()?, entry.path()));
    }
    marks.sort();
    let many = marks.len().saturating_sub(MARKS_MAX - 1);
    marks.iter().take(many).try_for_each(|(_, path)| fs::remove_file(path))
}
