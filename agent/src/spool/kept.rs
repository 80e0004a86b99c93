//! Batches that a collector acknowledged, kept to be sent again: a store may be lost after it was durable.
//!
//! They are a means and not a promise: whatever waits to be delivered comes first. They are let go once they were
//! acknowledged long ago, beyond their budget of bytes or of files, and at once when a disk that is full has no room for
//! what waits; the oldest go first. What lies in the folder is looked at when the spool is opened and never again: from
//! then on each batch is a seq, a size and an instant in memory, and one that is acknowledged costs a rename.
//!
//! A file's time of modification is when it was acknowledged. Its name says its epoch, so that what another epoch left is
//! never mistaken for this one's.

use std::collections::VecDeque;
use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use uphold_common::time::Instant;
use uphold_common::wire::batch::Epoch;

use super::policy::{ReplayPolicy, SpoolPolicy};

/// The ending of a batch's file.
const BATCH: &str = "batch";
/// How much goes at least when what waits has no room.
const GIVE_WAY_BYTES: u64 = 1024 * 1024;

/// The folder of what was acknowledged.
#[derive(Debug)]
pub(super) struct Kept {
    directory: PathBuf,
    epoch: Epoch,
    policy: ReplayPolicy,
    /// By their seqs.
    batches: VecDeque<KeptBatch>,
    disk_bytes: u64,
}

/// One batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct KeptBatch {
    seq: u64,
    pub(super) disk_bytes: u64,
    pub(super) since: Instant,
}

impl Kept {
    /// Opens the folder, making it if needed. Only batches of `epoch` up to `acknowledged_seq` stay in it.
    pub(super) fn open(
        directory: PathBuf,
        policy: ReplayPolicy,
        epoch: Epoch,
        acknowledged_seq: u64,
    ) -> io::Result<Self> {
        fs::create_dir_all(&directory)?;
        let mut found = Vec::new();
        for entry in fs::read_dir(&directory)?.flatten() {
            let path = entry.path();
            let Some((seq, of)) = named(&path) else { continue };
            let metadata = entry.metadata()?;
            if of != epoch.to_string() || seq > acknowledged_seq {
                // What cannot be removed is of no use and no harm.
                let _ = fs::remove_file(path);
                continue;
            }
            let since = modified(&metadata).unwrap_or(Instant::MIN);
            found.push(KeptBatch { seq, disk_bytes: SpoolPolicy::disk_bytes(metadata.len()), since });
        }
        found.sort_unstable_by_key(|batch| batch.seq);
        let disk_bytes = found.iter().map(|batch| batch.disk_bytes).sum();
        let mut kept = Self { directory, epoch, policy, batches: found.into(), disk_bytes };
        // How old they are is asked when the next is acknowledged; how much it is, at once.
        kept.let_go(Instant::MIN);
        Ok(kept)
    }

    /// The highest seq that any file in the folder names, and the file of the highest one of `epoch`.
    pub(super) fn newest(directory: &Path, epoch: Option<Epoch>) -> (u64, Option<PathBuf>) {
        let epoch = epoch.map(|epoch| epoch.to_string());
        let names = fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path());
        let mut all: Vec<(u64, String, PathBuf)> =
            names.filter_map(|path| named(&path).map(|(seq, of)| (seq, of, path))).collect();
        all.sort_unstable();
        let newest = all.iter().rev().find(|(_, of, _)| Some(of) == epoch.as_ref()).map(|(.., path)| path.clone());
        (all.last().map_or(0, |(seq, ..)| *seq), newest)
    }

    /// Where a batch of an epoch lies.
    pub(super) fn path(directory: &Path, epoch: Epoch, seq: u64) -> PathBuf {
        directory.join(format!("{seq:020}-{epoch}.{BATCH}"))
    }

    /// Takes the file of a batch that was acknowledged just now, and lets go what is too much or too old.
    pub(super) fn take(&mut self, file: &Path, seq: u64, disk_bytes: u64, now: Instant) -> io::Result<()> {
        if self.policy.is_off() {
            return fs::remove_file(file);
        }
        let path = self.path_of(seq);
        fs::rename(file, &path)?;
        if let Err(error) = acknowledged_at(&path, now) {
            tracing::debug!(path = %path.display(), %error, "a kept batch counts as old as its file");
        }
        let place = self.batches.partition_point(|batch| batch.seq < seq);
        self.batches.insert(place, KeptBatch { seq, disk_bytes, since: now });
        self.disk_bytes = self.disk_bytes.saturating_add(disk_bytes);
        self.let_go(now);
        Ok(())
    }

    /// Lets the oldest go so that what waits has room; whether there was any.
    pub(super) fn give_way(&mut self, bytes: u64) -> bool {
        let wanted = bytes.max(GIVE_WAY_BYTES);
        let mut freed = 0_u64;
        while freed < wanted {
            let Some(oldest) = self.remove_first() else { break };
            freed = freed.saturating_add(oldest.disk_bytes);
        }
        freed > 0
    }

    /// The lowest seq.
    pub(super) fn lowest(&self) -> Option<u64> {
        self.batches.front().map(|batch| batch.seq)
    }

    /// The lowest seq that is not below `from`.
    pub(super) fn at_or_after(&self, from: u64) -> Option<u64> {
        self.batches.get(self.batches.partition_point(|batch| batch.seq < from)).map(|batch| batch.seq)
    }

    /// Where one of them lies.
    pub(super) fn path_of(&self, seq: u64) -> PathBuf {
        Self::path(&self.directory, self.epoch, seq)
    }

    /// Takes one out of the account; its file is the caller's.
    pub(super) fn forget(&mut self, seq: u64) {
        let Ok(place) = self.batches.binary_search_by_key(&seq, |batch| batch.seq) else { return };
        if let Some(batch) = self.batches.remove(place) {
            self.disk_bytes = self.disk_bytes.saturating_sub(batch.disk_bytes);
        }
    }

    /// Begins anew for another epoch: nobody will ask for those of this one.
    pub(super) fn begin(&mut self, epoch: Epoch) {
        while self.remove_first().is_some() {}
        self.epoch = epoch;
    }

    /// How many there are, and what they take on disk.
    pub(super) fn level(&self) -> (u64, u64) {
        (self.batches.len() as u64, self.disk_bytes)
    }

    fn let_go(&mut self, now: Instant) {
        let excess = self.policy.excess(self.batches.iter().copied(), self.batches.len(), self.disk_bytes, now);
        for _ in 0..excess {
            self.remove_first();
        }
    }

    fn remove_first(&mut self) -> Option<KeptBatch> {
        let first = self.batches.pop_front()?;
        self.disk_bytes = self.disk_bytes.saturating_sub(first.disk_bytes);
        // One that stays is found again at the next start.
        let _ = fs::remove_file(self.path_of(first.seq));
        Some(first)
    }
}

/// The seq and the epoch that a file's name says.
fn named(path: &Path) -> Option<(u64, String)> {
    let stem = path.file_name()?.to_str()?.strip_suffix(BATCH)?.strip_suffix('.')?;
    let (seq, epoch) = stem.split_once('-')?;
    Some((seq.parse().ok()?, epoch.to_owned()))
}

fn acknowledged_at(path: &Path, now: Instant) -> io::Result<()> {
    let since = u64::try_from(now.as_ms()).unwrap_or(0);
    File::options().write(true).open(path)?.set_modified(UNIX_EPOCH + Duration::from_millis(since))
}

fn modified(metadata: &Metadata) -> Option<Instant> {
    let since = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(Instant::from_ms(i64::try_from(since.as_millis()).ok()?))
}

#[cfg(test)]
impl KeptBatch {
    pub(super) const fn of(seq: u64, disk_bytes: u64, since_ms: i64) -> Self {
        Self { seq, disk_bytes, since: Instant::from_ms(since_ms) }
    }
}
