//! How a spool is found again: whatever lies in the directory, the agent starts, unless it may not read it.
//!
//! The rules stand in the header of [`super`].

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use uphold_common::ids::Id;
use uphold_common::wire::batch::{Batch, BatchKey};

use super::cursor::Cursor;
use super::durable::TEMPORARY;
use super::kept::Kept;
use super::policy::{ReplayPolicy, SpoolPolicy};
use super::quarantine::Quarantine;
use super::{ACKNOWLEDGED, BATCH, CURSOR, Config, Ledger, Spool, SpoolError, Waiting, lock, random_epoch};

impl Spool {
    /// Opens the spool of a data directory, making it if needed, and recovers what lies there.
    pub fn open(config: &Config) -> Result<Self, SpoolError> {
        let lock = lock(&config.data_dir)?;
        let directory = config.data_dir.join("spool");
        let running = config.data_dir.join("running");
        let ended_in_order = !running.exists();
        let quarantine_directory = directory.join("quarantine");
        let quarantine = Quarantine::open(quarantine_directory.clone())
            .map_err(|source| SpoolError::Disk { path: quarantine_directory, source })?;
        let mut found = list(&directory).map_err(|source| SpoolError::Disk { path: directory.clone(), source })?;
        let acknowledged = directory.join(ACKNOWLEDGED);
        let read = Cursor::read(&directory.join(CURSOR));
        let (kept_highest, kept_newest) = Kept::newest(&acknowledged, read.map(|cursor| cursor.epoch));
        let highest = found.last().map_or(0, |(seq, _)| *seq).max(kept_highest);
        // What another agent delivered under this epoch is nothing that this one can be asked for.
        let cursor = match read.filter(|_| !kept_newest.is_some_and(|path| is_anothers(&path, &config.name))) {
            Some(cursor) => Cursor { used_seq: cursor.used_seq.max(highest), ..cursor },
            None => Cursor::new(random_epoch()?, highest.max(read.map_or(0, |cursor| cursor.used_seq))),
        };
        let (epoch, acknowledged_seq) = (cursor.epoch, cursor.acknowledged_seq);
        let kept = keep_delivered(&mut found, &acknowledged, &cursor)
            .and_then(|()| Kept::open(acknowledged.clone(), ReplayPolicy::new(config.spool), epoch, acknowledged_seq))
            .map_err(|source| SpoolError::Disk { path: acknowledged, source })?;
        let ledger = Ledger::open(directory.join("losses"));
        let mut spool = Self {
            agent: config.name.clone(),
            directory,
            policy: SpoolPolicy::new(config.spool),
            quarantine,
            kept,
            cursor,
            waiting: VecDeque::new(),
            ledger,
            running,
            ended_in_order,
            _lock: lock,
        };
        spool.write_cursor()?;
        spool.recover(found)?;
        spool.ledger.keep();
        if let Err(error) = fs::write(&spool.running, b"") {
            tracing::warn!(path = %spool.running.display(), %error, "that the agent runs could not be marked");
        }
        Ok(spool)
    }

    fn recover(&mut self, found: Vec<(u64, PathBuf)>) -> Result<(), SpoolError> {
        let mut foreign = Vec::new();
        for (seq, path) in found {
            if seq <= self.cursor.passed_seq {
                // Dropped before the agent could remove it.
                let _ = fs::remove_file(&path);
                continue;
            }
            if let Err(source) = fs::File::open(&path)
                && source.kind() == io::ErrorKind::PermissionDenied
            {
                // Somebody else's file is not a broken one: the operator can help, the quarantine would lose it.
                return Err(SpoolError::Disk { path, source });
            }
            let Some((batch, bytes)) = self.read_sound(seq, &path) else { continue };
            if self.is_ours(&batch.key, seq) {
                self.waiting.push_back(Waiting::of(&batch, SpoolPolicy::disk_bytes(bytes)));
            } else {
                foreign.push(path);
            }
        }
        for path in foreign {
            self.write_anew(&path);
        }
        Ok(())
    }

    /// Whether a batch has the key that its place says.
    pub(super) fn is_ours(&self, key: &BatchKey, seq: u64) -> bool {
        key.epoch == self.cursor.epoch && key.agent == self.agent && key.seq == seq
    }

    /// Writes the batch at `path` under this epoch and the next seq; the old file goes once the new one is durable.
    pub(super) fn write_anew(&mut self, path: &Path) {
        let Some((mut batch, _)) = self.read_sound(self.cursor.used_seq, path) else { return };
        let before = batch.key.clone();
        batch.key.agent = self.agent.clone();
        batch.key.epoch = self.cursor.epoch;
        batch.key.seq = self.cursor.used_seq.saturating_add(1);
        let kept = batch.encode().map_err(SpoolError::from).and_then(|framed| self.keep(&batch, &framed));
        match kept {
            Ok(()) => {
                let _ = fs::remove_file(path);
            }
            Err(error) => {
                tracing::error!(path = %path.display(), %error, "a batch of another epoch could not be kept");
                let Waiting { rows, span, facts, .. } = Waiting::of(&batch, 0);
                self.ledger.losses.add_dropped(rows, span, facts);
                let name = format!("{}-{:020}.{BATCH}", before.epoch, before.seq);
                if let Err(error) = self.quarantine.take(path, &name) {
                    tracing::warn!(path = %path.display(), %error, "a file could not be put into quarantine");
                }
            }
        }
    }

    fn read_sound(&mut self, seq: u64, path: &Path) -> Option<(Batch, u64)> {
        let read = fs::read(path).map_err(|error| error.to_string());
        let decoded = read.and_then(|bytes| {
            let batch = Batch::decode(&bytes).map_err(|error| error.to_string())?;
            Ok((batch, bytes.len() as u64))
        });
        match decoded {
            Ok(sound) => Some(sound),
            Err(error) => {
                tracing::warn!(path = %path.display(), error, "a file of the spool is not sound and is put aside");
                self.ledger.losses.corrupt_files += 1;
                let name = format!("{}-{seq:020}.corrupt", self.cursor.epoch);
                if let Err(error) = self.quarantine.take(path, &name) {
                    tracing::warn!(path = %path.display(), %error, "a file could not be put into quarantine");
                }
                None
            }
        }
    }
}

/// Moves what was delivered before the agent could move it to what is kept.
fn keep_delivered(found: &mut Vec<(u64, PathBuf)>, directory: &Path, cursor: &Cursor) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    found.retain(|(seq, path)| {
        let delivered = *seq <= cursor.acknowledged_seq;
        // One that cannot be moved is removed like one that was dropped.
        !(delivered && fs::rename(path, Kept::path(directory, cursor.epoch, *seq)).is_ok())
    });
    Ok(())
}

/// Whether a sound batch is another agent's.
fn is_anothers(path: &Path, agent: &Id) -> bool {
    let batch = fs::read(path).ok().and_then(|bytes| Batch::decode(&bytes).ok());
    batch.is_some_and(|batch| batch.key.agent != *agent)
}

/// The batches in a directory in order of their seqs; temporary leftovers are removed on the way.
fn list(directory: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let extension = path.extension().and_then(|extension| extension.to_str());
        let seq = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
        match (extension, seq) {
            (Some(TEMPORARY), _) => fs::remove_file(&path)?,
            (Some(BATCH), Some(seq)) => found.push((seq, path)),
            _ => {}
        }
    }
    found.sort();
    Ok(found)
}
