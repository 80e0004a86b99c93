//! The embedded database, and the one file that names it: keys and values in one tree.
//!
//! ```text
//! store/db      sled's log, in segments of 512 KiB, sled's own choice
//! store/conf    sled's settings
//! store/blobs/  stays empty, see `parts`
//! tree          main
//! ```
//!
//! **Durable** means [`Database::sync`]: sled's `flush`, which on Linux covers neither the file's size nor a disk's
//! cache, and then `sync_data` on our own handle of the same file. **One batch** is applied whole or not at all.
//! After any failure the handle is dead and every call says so. That would go for a full disk too, and sled writes in its
//! own time, so blocks are taken for it in advance, beyond the end of its file: [`Database::make_room`]. A store of format 1 also has the trees journal-0 and
//! journal-1, which are read once and dropped.
//!
//! What is large lies in files beside it (`files`). Measured with chunks of 6 to 100 kB in ascending keys, segments of
//! 512 KiB to 16 MiB, a tree for each day: 1.6 to 2 bytes on disk for each byte kept, 7 ms of CPU for each megabyte,
//! and 130 to 670 MB of memory for 480 MB written, with a cache of 16 MB. Files take one byte for each byte.

use std::cell::Cell;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;

use super::KeyRange;
use super::database::{Database, Visit, Writes};
use super::error::StoreError;
use super::lock::{make_dir, restrict, sync_dir};

/// Bytes of a segment of sled's log. With 2 MiB three days of 2,000 probes took 193 MB on disk instead of 147 MB.
const SEGMENT_BYTES: usize = 512 * 1024;
/// So many bytes are taken beyond the end of sled's file, and again once no more than half of them are left.
const ROOM_BYTES: u64 = 4 * 1024 * 1024;
/// What the system counts the blocks of a file in.
const BLOCK_BYTES: u64 = 512;
/// How long to wait between two attempts to open a database whose lock is still held.
const RETRY_MS: u64 = 50;

/// The trees in which a store of format 1 kept its journal.
const JOURNALS_OF_FORMAT_1: [&str; 2] = ["journal-0", "journal-1"];

/// The open database.
#[derive(Debug)]
pub(super) struct Disk {
    db: sled::Db,
    main: sled::Tree,
    file: File,
    dead: Cell<bool>,
}

impl Disk {
    /// Opens the database in `path`, making it if it is missing, and waits up to `retry_ms` for a lock that a killed
    /// process still holds.
    pub(super) fn open(path: &Path, cache_bytes: u64, retry_ms: u64) -> Result<Self, StoreError> {
        make_dir(path)?;
        let config =
            sled::Config::new().path(path).cache_capacity(cache_bytes).segment_size(SEGMENT_BYTES).flush_every_ms(None);
        let db = open_patiently(&config, retry_ms).map_err(|why| failed(&why))?;
        let main = db.open_tree("main").map_err(|why| failed(&why))?;
        let file_path = path.join("db");
        let prepare = |source| StoreError::Prepare { path: file_path.clone(), source };
        let file = fs::OpenOptions::new().read(true).write(true).open(&file_path).map_err(prepare)?;
        restrict(path)?;
        let disk = Self { db, main, file, dead: Cell::new(false) };
        disk.sync()?;
        sync_dir(path)?;
        match disk.make_room() {
            // What is there can be served, and nothing is written yet.
            Ok(()) | Err(StoreError::NoSpace { .. }) => Ok(disk),
            Err(failed) => Err(failed),
        }
    }

    fn visit(&self, tree: &sled::Tree, range: &KeyRange, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        let mut entries = tree.range::<Vec<u8>, _>((range.start.clone(), range.end.clone()));
        loop {
            let next = if range.newest_first { entries.next_back() } else { entries.next() };
            let Some(entry) = next else { return Ok(()) };
            let (key, value) = self.check(entry)?;
            if visit(&key, &value).is_break() {
                return Ok(());
            }
        }
    }

    fn check<T>(&self, result: sled::Result<T>) -> Result<T, StoreError> {
        result.map_err(|why| self.die(why.to_string()))
    }

    fn die(&self, why: String) -> StoreError {
        self.dead.set(true);
        StoreError::Io(why)
    }
}

impl Drop for Disk {
    /// The last handle of the database writes and syncs what is left, and panics where that fails. On a disk that takes
    /// nothing any more it is therefore never the last one: what it would have written is not promised to anybody.
    fn drop(&mut self) {
        if self.file.sync_all().is_err() {
            std::mem::forget((self.db.clone(), self.main.clone()));
        }
    }
}

impl Database for Disk {
    fn alive(&self) -> Result<(), StoreError> {
        if self.dead.get() { Err(StoreError::Dead) } else { Ok(()) }
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.alive()?;
        self.check(self.main.get(key)).map(|value| value.map(|bytes| bytes.to_vec()))
    }

    fn scan(&self, range: &KeyRange, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        self.alive()?;
        if range.is_empty() { Ok(()) } else { self.visit(&self.main, range, visit) }
    }

    fn make_room(&self) -> Result<(), StoreError> {
        self.alive()?;
        let metadata = self.file.metadata().map_err(|why| self.die(why.to_string()))?;
        let (len, taken) = (metadata.len(), metadata.blocks().saturating_mul(BLOCK_BYTES));
        if taken >= len.saturating_add(ROOM_BYTES / 2) {
            return Ok(());
        }
        match fallocate(&self.file, FallocateFlags::KEEP_SIZE, len, ROOM_BYTES) {
            Err(Errno::NOSPC | Errno::DQUOT) => Err(StoreError::NoSpace { file: "the database".to_owned() }),
            // A file system that cannot do it has to be taken as it is.
            _ => Ok(()),
        }
    }

    fn apply(&self, writes: Writes) -> Result<(), StoreError> {
        self.alive()?;
        let mut batch = sled::Batch::default();
        for (key, value) in writes.into_changes() {
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        self.check(self.main.apply_batch(batch))
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.alive()?;
        self.check(self.db.flush())?;
        self.file.sync_data().map_err(|why| self.die(why.to_string()))
    }

    fn bytes(&self) -> u64 {
        if self.dead.get() { 0 } else { self.db.size_on_disk().unwrap_or(0) }
    }

    fn scan_journal_of_format_1(&self, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        self.alive()?;
        for name in JOURNALS_OF_FORMAT_1 {
            let tree = self.check(self.db.open_tree(name))?;
            self.visit(&tree, &KeyRange::all(), visit)?;
        }
        Ok(())
    }

    fn drop_journal_of_format_1(&self) -> Result<(), StoreError> {
        self.alive()?;
        for name in JOURNALS_OF_FORMAT_1 {
            self.check(self.db.drop_tree(name))?;
        }
        Ok(())
    }

    #[cfg(test)]
    fn fail(&self) {
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
    fn blocks_are_taken_beyond_the_end_of_the_file_before_they_are_needed() {
        let scratch = tempfile::tempdir().unwrap();
        let disk = Disk::open(scratch.path(), 1024 * 1024, 0).unwrap();
        let room = || {
            let metadata = disk.file.metadata().unwrap();
            (metadata.blocks() * BLOCK_BYTES).saturating_sub(metadata.len())
        };
        let begun = room();
        if begun < ROOM_BYTES / 2 {
            println!("SKIPPED: the file system takes no blocks in advance");
            return;
        }
        for round in 0..40_u8 {
            let mut writes = Writes::default();
            writes.put(vec![round], (0..100_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect());
            disk.make_room().unwrap();
            disk.apply(writes).unwrap();
            disk.sync().unwrap();
        }
        assert!(disk.file.metadata().unwrap().len() > ROOM_BYTES / 2, "it has grown");
        disk.make_room().unwrap();
        assert!(room() >= ROOM_BYTES / 2, "{} left of {begun}", room());
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
