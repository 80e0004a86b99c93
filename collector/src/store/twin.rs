//! A disk in memory that fails on request: the twin of the database and of the folder of files.
//!
//! What was not synced is forgotten at a [`Twin::crash`]: of the database a number of its last batches, of each file some
//! of what was appended since its last sync, the last of it perhaps torn, and of files whose name was not made
//! durable all. It can refuse: after so many operations every further one fails. It can fill up.

use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};
use std::sync::{Arc, Mutex, MutexGuard};

use super::KeyRange;
use super::database::{Database, Visit, Writes};
use super::error::StoreError;
use super::files::Files;
use super::testing::Dice;

type Keys = BTreeMap<Vec<u8>, Vec<u8>>;

/// A file: what is durable of it, what is not, and whether its name is.
#[derive(Clone, Debug, Default)]
struct Held {
    durable: Vec<u8>,
    pending: Vec<u8>,
    named: bool,
}

#[derive(Debug, Default)]
struct Disk {
    keys: Keys,
    /// Batches that were applied and not synced.
    pending: Vec<Writes>,
    visible: Keys,
    files: BTreeMap<String, Held>,
    operations: u64,
    refuse_after: Option<u64>,
    bytes_max: Option<usize>,
    bytes_read: usize,
    /// The most bytes of values that one batch of the database had.
    largest_batch: usize,
    dead: bool,
    /// Bytes that were ever appended to files, and how many the longest append had.
    appended: BTreeMap<String, u64>,
    longest: usize,
    /// The journal of a store of format 1.
    journal_1: Keys,
}

/// The disk, shared by whoever opens a store on it.
#[derive(Clone, Debug, Default)]
pub(super) struct Twin(Arc<Mutex<Disk>>);

impl Twin {
    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.0.lock().unwrap()
    }

    /// The machine stops: what was not synced is there in part or not at all. The disk works again afterwards.
    pub(super) fn crash(&self, dice: &mut Dice) {
        let mut disk = self.disk();
        let survive = usize::try_from(dice.below(disk.pending.len() as u64 + 1)).unwrap();
        let pending = std::mem::take(&mut disk.pending);
        for writes in pending.into_iter().take(survive) {
            apply(&mut disk.keys, writes);
        }
        disk.visible = disk.keys.clone();
        disk.files.retain(|_, held| held.named);
        for held in disk.files.values_mut() {
            let kept = usize::try_from(dice.below(held.pending.len() as u64 + 1)).unwrap();
            let mut torn = std::mem::take(&mut held.pending);
            torn.truncate(kept);
            if let (Some(last), true) = (torn.last_mut(), dice.below(3) == 0) {
                *last ^= 0x55;
            }
            held.durable.extend(torn);
        }
        (disk.refuse_after, disk.dead) = (None, false);
    }

    /// Every operation after the next `operations` fails.
    pub(super) fn refuse_after(&self, operations: u64) {
        let mut disk = self.disk();
        disk.refuse_after = Some(disk.operations + operations);
    }

    /// Files take so many bytes together, and no more.
    pub(super) fn fill_at(&self, bytes: Option<usize>) {
        self.disk().bytes_max = bytes;
    }

    /// What the files take together.
    pub(super) fn bytes_of_files(&self) -> usize {
        self.disk().files.values().map(|held| held.durable.len() + held.pending.len()).sum()
    }

    /// How many bytes were ever appended to files whose names begin so.
    pub(super) fn appended(&self, beginning: &str) -> u64 {
        let disk = self.disk();
        disk.appended.iter().filter(|(name, _)| name.starts_with(beginning)).map(|(_, bytes)| bytes).sum()
    }

    /// How many bytes the longest append had.
    pub(super) fn longest_append(&self) -> usize {
        self.disk().longest
    }

    /// How many operations there were.
    pub(super) fn operations(&self) -> u64 {
        self.disk().operations
    }

    /// Puts the journal of a store of format 1.
    pub(super) fn put_journal_1(&self, entries: Keys) {
        self.disk().journal_1 = entries;
    }

    /// What was read of files so far.
    pub(super) fn bytes_read(&self) -> usize {
        self.disk().bytes_read
    }

    /// The most bytes of values that one batch of the database had since this was asked last.
    pub(super) fn largest_batch(&self) -> usize {
        std::mem::take(&mut self.disk().largest_batch)
    }

    /// Puts a durable file there behind the store's back.
    pub(super) fn put_file(&self, name: &str, bytes: &[u8]) {
        let held = Held { durable: bytes.to_vec(), pending: Vec::new(), named: true };
        self.disk().files.insert(name.to_owned(), held);
    }

    /// The names of the files.
    pub(super) fn names(&self) -> Vec<String> {
        self.disk().files.keys().cloned().collect()
    }

    /// Removes a file behind the store's back.
    pub(super) fn lose(&self, name: &str) {
        assert!(self.disk().files.remove(name).is_some(), "{name} is not there");
    }

    /// Flips a bit of a file.
    pub(super) fn flip(&self, name: &str, byte: usize) {
        self.disk().files.get_mut(name).unwrap().durable[byte] ^= 1;
    }

    /// What the database holds, to put it back later: as if it had come up older.
    pub(super) fn database(&self) -> Keys {
        self.disk().keys.clone()
    }

    /// Puts back what the database held.
    pub(super) fn put_back(&self, keys: Keys) {
        let mut disk = self.disk();
        (disk.visible, disk.keys) = (keys.clone(), keys);
        disk.pending.clear();
    }
}

impl Disk {
    fn operate(&mut self) -> Result<(), StoreError> {
        if self.dead {
            return Err(StoreError::Dead);
        }
        self.operations += 1;
        if self.refuse_after.is_some_and(|most| self.operations > most) {
            self.dead = true;
            return Err(StoreError::Io("the disk refuses".to_owned()));
        }
        Ok(())
    }
}

impl Database for Twin {
    fn alive(&self) -> Result<(), StoreError> {
        if self.disk().dead { Err(StoreError::Dead) } else { Ok(()) }
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let mut disk = self.disk();
        disk.operate()?;
        Ok(disk.visible.get(key).cloned())
    }

    fn scan(&self, range: &KeyRange, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        let mut found: Vec<(Vec<u8>, Vec<u8>)> = {
            let mut disk = self.disk();
            disk.operate()?;
            if range.is_empty() {
                return Ok(());
            }
            let bounds: (Bound<Vec<u8>>, Bound<Vec<u8>>) = (range.start.clone(), range.end.clone());
            disk.visible.range(bounds).map(|(key, value)| (key.clone(), value.clone())).collect()
        };
        if range.newest_first {
            found.reverse();
        }
        for (key, value) in found {
            if visit(&key, &value) == ControlFlow::Break(()) {
                break;
            }
        }
        Ok(())
    }

    fn apply(&self, writes: Writes) -> Result<(), StoreError> {
        let mut disk = self.disk();
        disk.operate()?;
        let bytes = writes.clone().into_changes().iter().filter_map(|(_, value)| Some(value.as_ref()?.len())).sum();
        disk.largest_batch = disk.largest_batch.max(bytes);
        apply(&mut disk.visible, writes.clone());
        disk.pending.push(writes);
        Ok(())
    }

    fn sync(&self) -> Result<(), StoreError> {
        let mut disk = self.disk();
        disk.operate()?;
        disk.pending.clear();
        disk.keys = disk.visible.clone();
        Ok(())
    }

    fn bytes(&self) -> u64 {
        self.disk().visible.iter().map(|(key, value)| (key.len() + value.len()) as u64).sum()
    }

    fn scan_journal_of_format_1(&self, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        let entries = {
            let mut disk = self.disk();
            disk.operate()?;
            disk.journal_1.clone()
        };
        let _stopped = entries.iter().find(|(key, value)| visit(key, value).is_break());
        Ok(())
    }

    fn drop_journal_of_format_1(&self) -> Result<(), StoreError> {
        let mut disk = self.disk();
        disk.operate()?;
        disk.journal_1.clear();
        Ok(())
    }

    fn fail(&self) {
        self.disk().dead = true;
    }
}

impl Files for Twin {
    fn list(&self) -> Result<Vec<(String, u64)>, StoreError> {
        let mut disk = self.disk();
        disk.operate()?;
        let len = |held: &Held| (held.durable.len() + held.pending.len()) as u64;
        Ok(disk.files.iter().map(|(name, held)| (name.clone(), len(held))).collect())
    }

    fn create(&self, name: &str) -> Result<(), StoreError> {
        let mut disk = self.disk();
        disk.operate()?;
        disk.files.insert(name.to_owned(), Held::default());
        Ok(())
    }

    fn append(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let mut disk = self.disk();
        disk.operate()?;
        let taken: usize = disk.files.values().map(|held| held.durable.len() + held.pending.len()).sum();
        if disk.bytes_max.is_some_and(|most| taken + bytes.len() > most) {
            return Err(StoreError::NoSpace { file: name.to_owned() });
        }
        let held = disk.files.get_mut(name).ok_or_else(|| StoreError::Io(format!("{name}: not there")))?;
        held.pending.extend_from_slice(bytes);
        *disk.appended.entry(name.to_owned()).or_default() += bytes.len() as u64;
        disk.longest = disk.longest.max(bytes.len());
        Ok(())
    }

    fn sync(&self, name: &str) -> Result<(), StoreError> {
        let mut disk = self.disk();
        disk.operate()?;
        let held = disk.files.get_mut(name).ok_or_else(|| StoreError::Io(format!("{name}: not there")))?;
        let pending = std::mem::take(&mut held.pending);
        held.durable.extend(pending);
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), StoreError> {
        let mut disk = self.disk();
        disk.operate()?;
        let held = disk.files.remove(from).ok_or_else(|| StoreError::Io(format!("{from}: not there")))?;
        disk.files.insert(to.to_owned(), held);
        disk.files.values_mut().for_each(|held| held.named = true);
        Ok(())
    }

    fn remove(&self, name: &str) -> Result<(), StoreError> {
        let mut disk = self.disk();
        disk.operate()?;
        disk.files.remove(name);
        Ok(())
    }

    fn read(&self, name: &str, offset: u64, len: usize) -> Result<Vec<u8>, StoreError> {
        let mut disk = self.disk();
        disk.operate()?;
        let held = disk.files.get(name).ok_or_else(|| StoreError::Io(format!("{name}: not there")))?;
        let (whole, offset) = ([held.durable.as_slice(), &held.pending].concat(), usize::try_from(offset).unwrap());
        let found = whole.get(offset..whole.len().min(offset.saturating_add(len))).unwrap_or_default().to_vec();
        disk.bytes_read += found.len();
        Ok(found)
    }
}

fn apply(keys: &mut Keys, writes: Writes) {
    for (key, value) in writes.into_changes() {
        match value {
            Some(value) => drop(keys.insert(key, value)),
            None => drop(keys.remove(&key)),
        }
    }
}
