//! The spool: batches on disk between being closed and being acknowledged, and for a while after.
//!
//! ```text
//! data_dir/
//!   lock                          held by the one agent that writes here
//!   running                       there while an agent runs: one that is found at a start was not ended in order
//!   spool/
//!     cursor                      epoch, used_seq, passed_seq, acknowledged_seq: see `cursor`
//!     00000000000000000042.batch  a framed batch, named by its seq; sent in this order
//!     acknowledged/               what a collector acknowledged, kept to be sent again; bounded: see `kept`
//!       00000000000000000041-0f….batch   named by its seq and epoch
//!     quarantine/                 what is not sound or was refused for good; bounded
//!     losses                      what was lost and no batch has told of yet: see `losses`
//!     *.tmp                       being written; a leftover after a crash
//! ```
//!
//! Promises, whenever the agent is killed or the power fails:
//! - A batch is wholly there or not at all ([`durable`]), and a batch that [`Spool::append`] took is sent.
//! - A seq is never given to two batches: the next is one above everything used, passed or lying there.
//! - What was acknowledged is not sent again unless a collector asks: the cursor is durable before the file moves to
//!   what is kept, whence it is sent with the same bytes. It is kept within its own budget of age and bytes, and gives way
//!   to what waits when the disk is full.
//!
//! Recovery, in this order: temporary files go; without a sound cursor a new random epoch begins, and so it does when what
//! is kept is another agent's; of what is kept only batches of this epoch up to `acknowledged_seq` stay, which is read off
//! their names. Files that wait at or below `acknowledged_seq` were delivered and are kept; those above it, up to
//! `passed_seq`, were dropped and go. A file that is not a sound batch moves to the quarantine and is counted; a sound
//! batch of another epoch, agent or seq is written anew under this epoch, at the end. A crash in the middle of that may
//! send rows under two keys, which the collector settles. What is kept is held against its key when it is sent again.
//!
//! A full disk loses what is kept, then the batch that was to be written, and says so; it never stops the agent.

pub mod cursor;
pub mod durable;
mod kept;
mod losses;
pub mod policy;
pub mod quarantine;
mod recovery;
mod sending;

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use uphold_common::ids::Id;
use uphold_common::time::Instant;
use uphold_common::wire::batch::{AgentFact, Batch, BatchError, BatchKey, Epoch};
use uphold_common::wire::builder::Content;
use uphold_common::wire::columns::Rows;
use uphold_common::wire::push::SeqRange;

use self::cursor::Cursor;
use self::kept::Kept;
use self::losses::Ledger;
pub use self::losses::Losses;
use self::policy::SpoolPolicy;
use self::quarantine::Quarantine;
use crate::config::Config;

/// Why the spool could not be opened or used.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// Another agent writes there.
    #[error("another agent uses {0}")]
    Held(PathBuf),
    /// The disk refused.
    #[error("{}: {source}", path.display())]
    Disk {
        /// Where.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// The batch has no form on the wire.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// No randomness for an epoch.
    #[error("no random epoch could be made: {0}")]
    Random(getrandom::Error),
}

/// A batch that is ready to be sent: the oldest that waits, or one that a collector asked for again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel {
    /// The spool's epoch.
    pub epoch: Epoch,
    /// The batch's seq.
    pub seq: u64,
    /// The framed batch.
    pub framed: Vec<u8>,
    /// The highest seq that was acknowledged.
    pub acknowledged_seq: u64,
    /// The lowest seq that is kept to be sent again.
    pub kept_from: Option<u64>,
    /// Seqs that were asked for and are not kept, though lower or higher ones are.
    pub absent: Option<SeqRange>,
    /// How many batches wait behind it.
    pub backlog_batches: u64,
    /// The oldest row that waits behind it.
    pub backlog_oldest: Option<Instant>,
    /// The store that acknowledged last.
    pub store: Option<Epoch>,
}

/// What the spool holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Level {
    /// Batches that wait.
    pub batches: u64,
    /// What they take on disk.
    pub disk_bytes: u64,
    /// The highest seq that was acknowledged.
    pub acknowledged_seq: u64,
    /// Batches that are kept to be sent again.
    pub kept_batches: u64,
    /// What they take on disk.
    pub kept_disk_bytes: u64,
}

/// Batches on disk.
#[derive(Debug)]
pub struct Spool {
    agent: Id,
    directory: PathBuf,
    policy: SpoolPolicy,
    quarantine: Quarantine,
    kept: Kept,
    cursor: Cursor,
    waiting: VecDeque<Waiting>,
    ledger: Ledger,
    /// Where it is marked that an agent runs.
    running: PathBuf,
    ended_in_order: bool,
    /// Held open for as long as the spool is: the lock goes with it.
    _lock: File,
}

/// What is known of a batch that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Waiting {
    seq: u64,
    disk_bytes: u64,
    rows: u64,
    /// The instants of its earliest and its latest row.
    span: Option<(Instant, Instant)>,
    /// What is said in it of the agent itself; few batches say anything.
    facts: Vec<AgentFact>,
}

impl Waiting {
    fn of(batch: &Batch, disk_bytes: u64) -> Self {
        let instants = || batch.streams.iter().flat_map(Rows::instants);
        let span = instants().min().zip(instants().max());
        Self { seq: batch.key.seq, disk_bytes, rows: batch.rows() as u64, span, facts: batch.facts.clone() }
    }
}

impl Spool {
    /// Frames what a batch holds under the next key and keeps it. On an error the batch is lost and counted.
    pub fn append(&mut self, content: Content, now: Instant) -> Result<u64, SpoolError> {
        let seq = self.cursor.used_seq.saturating_add(1);
        let key = BatchKey { agent: self.agent.clone(), epoch: self.cursor.epoch, seq };
        let batch = Batch { key, closed_at: now, streams: content.streams, facts: content.facts };
        let kept = batch.encode().map_err(SpoolError::from).and_then(|framed| self.keep(&batch, &framed));
        if kept.is_err() {
            let Waiting { rows, span, .. } = Waiting::of(&batch, 0);
            // Whoever wrote it still has its facts.
            self.ledger.losses.add_dropped(rows, span, Vec::new());
        }
        if kept.is_ok() {
            self.ledger.told();
        }
        self.ledger.keep();
        kept.map(|()| seq)
    }

    /// A collector holds this batch now: the cursor is durable before the file moves to what is kept.
    pub fn acknowledge(&mut self, seq: u64, store: Epoch, now: Instant) -> Result<(), SpoolError> {
        self.cursor.acknowledged_seq = self.cursor.acknowledged_seq.max(seq);
        self.cursor.store = Some(store);
        self.pass(seq, Some(now))
    }

    /// A collector refused this batch for good: it is put aside, and the next one is at the front.
    pub fn refuse(&mut self, seq: u64) -> Result<(), SpoolError> {
        if self.waiting.iter().any(|waiting| waiting.seq == seq) {
            self.ledger.losses.refused_batches += 1;
            self.put_aside(seq);
            self.ledger.keep();
        }
        self.write_cursor()
    }

    /// Begins a new epoch: the batches that wait are written anew under it, in their order.
    pub fn new_epoch(&mut self) -> Result<(), SpoolError> {
        let before = self.cursor;
        self.cursor = Cursor::new(random_epoch()?, before.used_seq);
        if let Err(error) = self.write_cursor() {
            // What waits is still of the old epoch, and is sent as such.
            self.cursor = before;
            return Err(error);
        }
        self.kept.begin(self.cursor.epoch);
        for waiting in std::mem::take(&mut self.waiting) {
            self.write_anew(&self.path_of(waiting.seq));
        }
        Ok(())
    }

    /// Whether whoever used it before was ended in order, if anybody did.
    pub const fn ended_in_order(&self) -> bool {
        self.ended_in_order
    }

    /// The agent ends in order: nothing more is appended.
    pub fn end(&mut self) {
        // A mark that stays says at the next start that this end was none; nothing else comes of it.
        let _ = fs::remove_file(&self.running);
    }

    /// What was lost since the last call.
    pub fn take_losses(&mut self) -> Losses {
        self.ledger.take()
    }

    /// What it holds.
    pub fn level(&self) -> Level {
        let (kept_batches, kept_disk_bytes) = self.kept.level();
        Level {
            kept_batches,
            kept_disk_bytes,
            batches: self.waiting.len() as u64,
            disk_bytes: self.waiting.iter().map(|waiting| waiting.disk_bytes).sum(),
            acknowledged_seq: self.cursor.acknowledged_seq,
        }
    }

    /// Its epoch.
    pub const fn epoch(&self) -> Epoch {
        self.cursor.epoch
    }

    /// Writes a batch that was framed under the next seq, after making room for it.
    fn keep(&mut self, batch: &Batch, framed: &[u8]) -> Result<(), SpoolError> {
        let disk_bytes = SpoolPolicy::disk_bytes(framed.len() as u64);
        self.make_room(disk_bytes)?;
        let seq = batch.key.seq;
        // Also a write that failed may have left the file: its seq is spent.
        self.cursor.used_seq = seq;
        let path = self.path_of(seq);
        if let Err(source) = self.write_where_there_is_room(&path, framed) {
            let _ = fs::remove_file(&path);
            return Err(SpoolError::Disk { path, source });
        }
        self.waiting.push_back(Waiting::of(batch, disk_bytes));
        Ok(())
    }

    fn make_room(&mut self, incoming: u64) -> Result<(), SpoolError> {
        let drop = self.policy.to_drop(self.waiting.iter().map(|waiting| waiting.disk_bytes), incoming);
        let Some(last) = drop.checked_sub(1).and_then(|last| self.waiting.get(last)).map(|last| last.seq) else {
            return Ok(());
        };
        for dropped in self.waiting.iter_mut().take(drop) {
            self.ledger.losses.add_dropped(dropped.rows, dropped.span, std::mem::take(&mut dropped.facts));
        }
        self.ledger.keep();
        self.pass(last, None)
    }

    /// Lets everything up to `seq` go, and keeps `seq` itself if it was `acknowledged` just now. The files go also when the
    /// cursor cannot be written: on a full disk it is they that are in the way.
    fn pass(&mut self, seq: u64, acknowledged: Option<Instant>) -> Result<(), SpoolError> {
        self.cursor.passed_seq = self.cursor.passed_seq.max(seq);
        let written = self.write_cursor();
        while let Some(front) = self.waiting.pop_front_if(|front| front.seq <= seq) {
            let path = self.path_of(front.seq);
            match acknowledged.filter(|_| front.seq == seq && written.is_ok()) {
                Some(now) => {
                    if let Err(error) = self.kept.take(&path, seq, front.disk_bytes, now) {
                        tracing::warn!(path = %path.display(), %error, "an acknowledged batch could not be kept");
                    }
                }
                // A file that stays is at or below `passed_seq`, and is dealt with at the next start.
                None => drop(fs::remove_file(path)),
            }
        }
        written
    }

    /// Writes a file; what is kept gives way for as long as the disk is full.
    fn write_where_there_is_room(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        loop {
            let written = durable::write(path, bytes);
            let full = |error: &io::Error| matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded);
            if !written.as_ref().is_err_and(full) || !self.kept.give_way(SpoolPolicy::disk_bytes(bytes.len() as u64)) {
                return written;
            }
        }
    }

    fn put_aside(&mut self, seq: u64) {
        self.quarantine_file(&self.path_of(seq), seq);
        for aside in self.waiting.iter_mut().filter(|waiting| waiting.seq == seq) {
            self.ledger.losses.add_facts(std::mem::take(&mut aside.facts));
        }
        self.waiting.retain(|waiting| waiting.seq != seq);
        if self.waiting.front().is_none_or(|front| front.seq > seq) {
            self.cursor.passed_seq = self.cursor.passed_seq.max(seq);
        }
    }

    fn quarantine_file(&self, path: &Path, seq: u64) {
        let name = format!("{}-{seq:020}.batch", self.cursor.epoch);
        if let Err(error) = self.quarantine.take(path, &name) {
            tracing::warn!(path = %path.display(), %error, "a batch could not be put into quarantine");
        }
    }

    fn write_cursor(&mut self) -> Result<(), SpoolError> {
        let path = self.directory.join(CURSOR);
        let framed = self.cursor.framed().map_err(|source| SpoolError::Disk { path: path.clone(), source })?;
        self.write_where_there_is_room(&path, &framed).map_err(|source| SpoolError::Disk { path, source })
    }

    fn path_of(&self, seq: u64) -> PathBuf {
        self.directory.join(format!("{seq:020}.{BATCH}"))
    }
}

/// The name of the cursor's file.
const CURSOR: &str = "cursor";
/// The name of the folder of what was acknowledged.
const ACKNOWLEDGED: &str = "acknowledged";
/// The ending of a batch's file.
const BATCH: &str = "batch";

fn random_epoch() -> Result<Epoch, SpoolError> {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits).map_err(SpoolError::Random)?;
    Ok(Epoch(bits))
}

/// Takes the lock of a data directory, making the directory if needed.
fn lock(data_dir: &Path) -> Result<File, SpoolError> {
    let path = data_dir.join("lock");
    let disk = |source| SpoolError::Disk { path: path.clone(), source };
    fs::create_dir_all(data_dir).map_err(disk)?;
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(disk)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(SpoolError::Held(data_dir.to_owned())),
        Err(fs::TryLockError::Error(source)) => Err(SpoolError::Disk { path, source }),
    }
}

#[cfg(test)]
#[path = "spool_tests.rs"]
mod tests;

#[cfg(test)]
mod kept_tests;
