//! The embedded database, and the one file that names it: keys and values in a main tree and two journal trees.
//!
//! ```text
//! store/db      sled's log, in segments of 512 KiB, sled's own choice
//! store/conf    sled's settings
//! store/blobs/  stays empty, see `parts`
//! trees         main, journal-0, journal-1
//! ```
//!
//! **Durable** means [`Disk::sync`]: sled's `flush`, which on Linux covers neither the file's size nor a disk's cache,
//! and then `sync_data` on our own handle of the same file. **One batch of one tree** is applied whole or not at all.
//! After any failure of the database the handle is dead and every call says so.

use std::cell::Cell;
use std::fs::{self, File};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use super::KeyRange;
use super::error::StoreError;
use super::lock::{make_dir, restrict, sync_dir};
use crate::clock::Stopwatch;
use crate::histogram::Histogram;

/// Bytes of a segment of sled's log. With 2 MiB three days of 2,000 probes took 193 MB on disk instead of 147 MB.
const SEGMENT_BYTES: usize = 512 * 1024;
/// How long to wait between two attempts to open a database whose lock is still held.
const RETRY_MS: u64 = 50;

/// The trees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Everything but the journal.
    Main,
    /// The first journal tree.
    Journal0,
    /// The second journal tree.
    Journal1,
}

/// Changes that are applied together or not at all.
#[derive(Debug, Default)]
pub(super) struct Writes {
    batch: sled::Batch,
    len: usize,
}

impl Writes {
    /// Puts a value.
    pub(super) fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.batch.insert(key, value);
        self.len += 1;
    }

    /// Removes a key.
    pub(super) fn remove(&mut self, key: Vec<u8>) {
        self.batch.remove(key);
        self.len += 1;
    }

    /// Whether nothing changes.
    pub(super) const fn is_empty(&self) -> bool {
        self.len == 0
    }
}

/// The open database.
#[derive(Debug)]
pub(super) struct Disk {
    db: sled::Db,
    main: sled::Tree,
    journals: [sled::Tree; 2],
    file: File,
    dead: Cell<bool>,
    flushes: Cell<Histogram>,
}

/// What is done with each key and value of a scan.
pub(super) type Visit<'a> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'a;

impl Disk {
    /// Opens the database in `path`, making it if it is missing, and waits up to `retry_ms` for a lock that a killed
    /// process still holds.
    pub(super) fn open(path: &Path, cache_bytes: u64, retry_ms: u64) -> Result<Self, StoreError> {
        make_dir(path)?;
        let config =
            sled::Config::new().path(path).cache_capacity(cache_bytes).segment_size(SEGMENT_BYTES).flush_every_ms(None);
        let db = open_patiently(&config, retry_ms).map_err(|why| failed(&why))?;
        let tree = |name: &str| db.open_tree(name).map_err(|why| failed(&why));
        let (main, journals) = (tree("main")?, [tree("journal-0")?, tree("journal-1")?]);
        let file_path = path.join("db");
        let prepare = |source| StoreError::Prepare { path: file_path.clone(), source };
        let file = fs::OpenOptions::new().read(true).write(true).open(&file_path).map_err(prepare)?;
        restrict(path)?;
        let disk = Self { db, main, journals, file, dead: Cell::new(false), flushes: Cell::default() };
        disk.sync()?;
        sync_dir(path)?;
        Ok(disk)
    }

    /// An error if the database has failed before.
    pub(super) fn alive(&self) -> Result<(), StoreError> {
        if self.dead.get() { Err(StoreError::Dead) } else { Ok(()) }
    }

    /// The value of a key of the main tree.
    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.alive()?;
        self.check(self.main.get(key)).map(|value| value.map(|bytes| bytes.to_vec()))
    }

    /// Visits keys and values of a range in their order, until told to stop.
    pub(super) fn scan(&self, place: Place, range: &KeyRange, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        self.alive()?;
        if range.is_empty() {
            return Ok(());
        }
        let mut entries = self.tree(place).range::<Vec<u8>, _>((range.start.clone(), range.end.clone()));
        loop {
            let next = if range.newest_first { entries.next_back() } else { entries.next() };
            let Some(entry) = next else { return Ok(()) };
            let (key, value) = self.check(entry)?;
            if visit(&key, &value).is_break() {
                return Ok(());
            }
        }
    }

    /// Applies changes to one tree. They are visible at once, and durable after the next [`Self::sync`].
    pub(super) fn apply(&self, place: Place, writes: Writes) -> Result<(), StoreError> {
        self.alive()?;
        if writes.is_empty() {
            return Ok(());
        }
        self.check(self.tree(place).apply_batch(writes.batch))
    }

    /// Makes everything that was applied durable.
    pub(super) fn sync(&self) -> Result<(), StoreError> {
        self.alive()?;
        let took = Stopwatch::start();
        self.check(self.db.flush())?;
        self.file.sync_data().map_err(|why| self.die(why.to_string()))?;
        let mut flushes = self.flushes.get();
        flushes.observe(took.elapsed_us());
        self.flushes.set(flushes);
        Ok(())
    }

    /// How long each flush took so far, with its sync.
    pub(super) fn flushes(&self) -> Histogram {
        self.flushes.get()
    }

    /// Empties a tree, key by key: after a crash some of its entries may still be there.
    pub(super) fn clear(&self, place: Place) -> Result<(), StoreError> {
        self.alive()?;
        self.check(self.tree(place).clear())
    }

    /// Whether a tree has no entries.
    pub(super) fn is_empty(&self, place: Place) -> Result<bool, StoreError> {
        self.alive()?;
        match self.tree(place).iter().next() {
            None => Ok(true),
            Some(entry) => self.check(entry).map(|_| false),
        }
    }

    /// Bytes the database takes on disk; 0 when that cannot be told.
    pub(super) fn bytes(&self) -> u64 {
        if self.dead.get() { 0 } else { self.db.size_on_disk().unwrap_or(0) }
    }

    fn tree(&self, place: Place) -> &sled::Tree {
        let [first, second] = &self.journals;
        match place {
            Place::Main => &self.main,
            Place::Journal0 => first,
            Place::Journal1 => second,
        }
    }

    fn check<T>(&self, result: sled::Result<T>) -> Result<T, StoreError> {
        result.map_err(|why| self.die(why.to_string()))
    }

    fn die(&self, why: String) -> StoreError {
        self.dead.set(true);
        StoreError::Io(why)
    }

    /// As if the database had failed.
    #[cfg(test)]
    pub(super) fn fail(&self) {
        self.dead.set(true);
    }
}

fn failed(why: &sled::Error) -> StoreError {
    StoreError::Io(why.to_string())
}

/// Opens, and tries again while another process has the lock; waits on a channel that nothing is ever sent to.
fn open_patiently(config: &sled::Config, retry_ms: u64) -> sled::Result<sled::Db> {
    let (_held, never) = mpsc::sync_channel::<()>(1);
    let mut waited_ms = 0;
    loop {
        match config.open() {
            Err(sled::Error::Io(why)) if waited_ms < retry_ms && why.to_string().contains("acquire lock") => {
                let _timeout = never.recv_timeout(Duration::from_millis(RETRY_MS));
                waited_ms += RETRY_MS;
            }
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opening_waits_for_a_lock_that_is_given_up_and_no_longer_than_told() {
        let scratch = tempfile::tempdir().unwrap();
        let open = |retry_ms| Disk::open(scratch.path(), 1024 * 1024, retry_ms);
        let first = open(0).unwrap();
        let refused = open(100).unwrap_err().to_string();
        assert!(refused.contains("acquire lock"), "{refused}");
        let (_held, never) = mpsc::sync_channel::<()>(1);
        let holder = std::thread::spawn(move || {
            let _timeout = never.recv_timeout(Duration::from_millis(150));
            drop(first);
        });
        assert!(open(5_000).is_ok());
        holder.join().unwrap();
    }

    #[test]
    fn a_database_that_failed_once_is_not_asked_again() {
        let scratch = tempfile::tempdir().unwrap();
        let disk = Disk::open(scratch.path(), 1024 * 1024, 0).unwrap();
        let failure = std::io::Error::other("no space left");
        assert!(matches!(disk.check::<()>(Err(sled::Error::Io(failure))), Err(StoreError::Io(_))));
        assert!(matches!(disk.get(b"a"), Err(StoreError::Dead)));
        assert!(matches!(disk.sync(), Err(StoreError::Dead)));
        assert_eq!(disk.bytes(), 0);
    }
}
