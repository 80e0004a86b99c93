//! What the spool lost, until a batch tells of it.
//!
//! ```text
//! frame: magic "UPHl", version 1, plain
//! JSON:  the keys of Losses
//! ```
//!
//! A loss is on disk before the batch is gone, and leaves it once a batch that tells of it is. A crash in the moment between
//! may tell a loss twice, and never not at all. What a batch said is said anew when it goes; what a damaged file said of earlier
//! losses is lost with it, and that the file is damaged is told.

use std::fs;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use uphold_common::time::Instant;
use uphold_common::wire::batch::AgentFact;
use uphold_common::wire::frame::{self, Compression, Magic};

use super::durable;

const MAGIC: Magic = Magic(*b"UPHl");
const VERSION: u16 = 1;
const BYTES_MAX: usize = 256 * 1024;
/// Most facts of batches that went.
const FACTS_MAX: usize = 256;

/// What happened to the spool, and has not been reported yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Losses {
    /// Batches that went because the spool or the disk was full.
    pub dropped_batches: u64,
    /// How many rows were in them.
    pub dropped_rows: u64,
    /// The instants of the earliest and the latest of those rows, if there were any.
    pub dropped_span: Option<(Instant, Instant)>,
    /// What was said in those batches of earlier losses and the like, which has to be said anew.
    pub dropped_facts: Vec<AgentFact>,
    /// Files that were not sound.
    pub corrupt_files: u64,
    /// Batches that were refused for good.
    pub refused_batches: u64,
}

impl Losses {
    /// Adds a batch that went.
    pub(super) fn add_dropped(&mut self, rows: u64, span: Option<(Instant, Instant)>, facts: Vec<AgentFact>) {
        self.dropped_batches += 1;
        self.dropped_rows += rows;
        self.dropped_span = match (self.dropped_span, span) {
            (Some((from, to)), Some((earlier, later))) => Some((from.min(earlier), to.max(later))),
            (one, other) => one.or(other),
        };
        self.add_facts(facts);
    }

    /// Adds what was said in a batch that nobody will read; of very much, the newest.
    pub(super) fn add_facts(&mut self, facts: Vec<AgentFact>) {
        self.dropped_facts.extend(facts);
        let excess = self.dropped_facts.len().saturating_sub(FACTS_MAX);
        self.dropped_facts.drain(..excess);
    }

    /// These and those before them.
    fn and(mut self, before: &Self) -> Self {
        let facts = std::mem::take(&mut self.dropped_facts);
        let (batches, rows) = (before.dropped_batches + self.dropped_batches, before.dropped_rows + self.dropped_rows);
        self.add_dropped(0, before.dropped_span, before.dropped_facts.clone());
        self.add_facts(facts);
        (self.dropped_batches, self.dropped_rows) = (batches, rows);
        self.corrupt_files += before.corrupt_files;
        self.refused_batches += before.refused_batches;
        self
    }
}

/// Losses on disk until a batch tells of them.
#[derive(Debug)]
pub(super) struct Ledger {
    path: PathBuf,
    /// Nobody was told of these yet.
    pub(super) losses: Losses,
    /// These are told in the next batch.
    telling: Losses,
    written: Losses,
}

impl Ledger {
    /// With what was not told when it was left.
    pub(super) fn open(path: PathBuf) -> Self {
        let read = fs::read(&path).ok();
        let read = read.and_then(|bytes| frame::open(MAGIC, VERSION, BYTES_MAX, &bytes).ok());
        let losses: Losses = read.and_then(|content| serde_json::from_slice(&content).ok()).unwrap_or_default();
        Self { path, written: losses.clone(), losses, telling: Losses::default() }
    }

    /// What is to be told now.
    pub(super) fn take(&mut self) -> Losses {
        let taken = std::mem::take(&mut self.losses);
        self.telling = taken.clone().and(&self.telling);
        taken
    }

    /// A batch that tells of what was taken is durable.
    pub(super) fn told(&mut self) {
        self.telling = Losses::default();
    }

    /// Makes what is still to be told durable.
    pub(super) fn keep(&mut self) {
        let untold = self.losses.clone().and(&self.telling);
        if untold == self.written {
            return;
        }
        let content = serde_json::to_vec(&untold).map_err(io::Error::other);
        let framed = content
            .and_then(|content| frame::seal(MAGIC, VERSION, Compression::Plain, &content).map_err(io::Error::other));
        match framed.and_then(|framed| durable::write(&self.path, &framed)) {
            Ok(()) => self.written = untold,
            Err(error) => tracing::warn!(path = %self.path.display(), %error, "losses of the spool could not be noted"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_told_is_found_again_and_what_was_told_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("losses");
        let mut ledger = Ledger::open(path.clone());
        let ms = Instant::from_ms;
        ledger.losses.add_dropped(3, Some((ms(10), ms(20))), vec![AgentFact::Skipped { attempts: 7 }]);
        ledger.keep();
        let mut ledger = Ledger::open(path.clone());
        let taken = ledger.take();
        assert_eq!((taken.dropped_batches, taken.dropped_rows, taken.dropped_span), (1, 3, Some((ms(10), ms(20)))));
        assert_eq!((ledger.take(), taken.dropped_facts.len()), (Losses::default(), 1));
        ledger.losses.corrupt_files = 1;
        ledger.keep();
        let both = Ledger::open(path.clone()).losses;
        assert_eq!((both.dropped_rows, both.corrupt_files), (3, 1), "no batch has told of it yet");
        ledger.told();
        ledger.keep();
        let left = Ledger::open(path.clone()).losses;
        assert_eq!(left, Losses { corrupt_files: 1, ..Losses::default() });
        fs::write(&path, b"garbage").unwrap();
        assert_eq!(Ledger::open(path).losses, Losses::default());
    }

    #[test]
    fn what_was_said_in_batches_that_went_is_bounded() {
        let mut losses = Losses::default();
        for attempts in 0..1_000 {
            losses.add_dropped(0, None, vec![AgentFact::Skipped { attempts }]);
        }
        assert_eq!(losses.dropped_facts.len(), FACTS_MAX);
        assert_eq!(losses.dropped_facts.last(), Some(&AgentFact::Skipped { attempts: 999 }));
    }
}
