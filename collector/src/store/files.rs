//! The files beside the database: the journal, and what waits to be merged or is merged for good.
//!
//! ```text
//! store/series/journal-NNNNNNNNNNNN     see `journal`
//! store/series/part-NNNNNNNNNNNN…       see `table`, `part` and `fold`
//! store/series/day-DDDDDD-NNNNNNNNNNNN  see `table` and `chunk`
//! store/series/damaged-DDDDDD-…         see `aside`
//! store/series/*.tmp                    being written; a leftover after a crash
//! ```
//!
//! [`Files::append`] is whole or not there, unless the machine stops; what was appended is durable after
//! [`Files::sync`], a name after [`Files::rename`] and [`Files::remove`]. A file that is full is no failure
//! ([`StoreError::NoSpace`]); a file that cannot be synced or put back to its length is one, and ends the store: what the operating system holds of
//! it can no longer be told.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::error::StoreError;
use super::lock::{make_dir, sync_dir};

/// The ending of a file that is still being written.
pub(super) const TEMPORARY: &str = ".tmp";
/// Most files that are held open.
const OPEN_MAX: usize = 128;

/// Files in one folder.
pub(super) trait Files: Debug + Send {
    /// Their names and lengths, in the order of the names.
    fn list(&self) -> Result<Vec<(String, u64)>, StoreError>;

    /// Makes an empty file, in the place of one of that name.
    fn create(&self, name: &str) -> Result<(), StoreError>;

    /// Appends to a file.
    fn append(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError>;

    /// Makes what a file holds durable.
    fn sync(&self, name: &str) -> Result<(), StoreError>;

    /// Gives a file another name, durably, and the names of all others with it.
    fn rename(&self, from: &str, to: &str) -> Result<(), StoreError>;

    /// Removes a file, if it is there.
    fn remove(&self, name: &str) -> Result<(), StoreError>;

    /// Up to `len` bytes of a file from `offset` on: fewer where it ends.
    fn read(&self, name: &str, offset: u64, len: usize) -> Result<Vec<u8>, StoreError>;
}

/// A folder of the operating system.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    open: RefCell<BTreeMap<String, Open>>,
    uses: Cell<u64>,
    dead: Cell<bool>,
}

#[derive(Debug)]
struct Open {
    file: File,
    len: u64,
    used: u64,
}

impl Folder {
    /// Opens a folder, making it if it is missing.
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        make_dir(path)?;
        Ok(Self { path: path.to_owned(), open: RefCell::default(), uses: Cell::new(0), dead: Cell::new(false) })
    }

    fn with<T>(&self, name: &str, act: impl FnOnce(&mut Open) -> io::Result<T>) -> Result<T, StoreError> {
        if self.dead.get() {
            return Err(StoreError::Dead);
        }
        let mut open = self.open.borrow_mut();
        let used = self.uses.get().wrapping_add(1);
        self.uses.set(used);
        if !open.contains_key(name) {
            let file = OpenOptions::new().read(true).append(true).open(self.path.join(name));
            let handle = file.and_then(|file| Ok(Open { len: file.metadata()?.len(), file, used }));
            open.insert(name.to_owned(), handle.map_err(|why| failed(name, &why))?);
            close_oldest(&mut open);
        }
        let Some(handle) = open.get_mut(name) else { return Err(StoreError::Dead) };
        handle.used = used;
        act(handle).map_err(|why| failed(name, &why))
    }

    fn die(&self, name: &str, why: &io::Error) -> StoreError {
        self.dead.set(true);
        failed(name, why)
    }
}

impl Files for Folder {
    fn list(&self) -> Result<Vec<(String, u64)>, StoreError> {
        let failed = |why: io::Error| failed(&self.path.display().to_string(), &why);
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let metadata = entry.metadata().map_err(failed)?;
            if let (true, Ok(name)) = (metadata.is_file(), entry.file_name().into_string()) {
                found.push((name, metadata.len()));
            }
        }
        found.sort();
        Ok(found)
    }

    fn create(&self, name: &str) -> Result<(), StoreError> {
        let path = self.path.join(name);
        let mut options = OpenOptions::new();
        // Appending and truncating are not to be had together.
        let made = options.write(true).create(true).truncate(true).mode(0o600).open(&path);
        made.map_err(|why| failed(name, &why))?;
        self.open.borrow_mut().remove(name);
        self.with(name, |_| Ok(()))
    }

    fn append(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let mut broken = None;
        let appended = self.with(name, |open| {
            let written = io::Write::write_all(&mut &open.file, bytes);
            match &written {
                Ok(()) => open.len += bytes.len() as u64,
                // What was written of it goes again, so that the next append stands where a reader looks for it.
                Err(_) => broken = open.file.set_len(open.len).err(),
            }
            written
        });
        match broken {
            Some(why) => Err(self.die(name, &why)),
            None => appended,
        }
    }

    fn sync(&self, name: &str) -> Result<(), StoreError> {
        let synced = self.with(name, |open| open.file.sync_data());
        // Which of the pages are on disk after a sync that failed, nobody can tell.
        synced.inspect_err(|_| self.dead.set(true))
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), StoreError> {
        fs::rename(self.path.join(from), self.path.join(to)).map_err(|why| failed(from, &why))?;
        let mut open = self.open.borrow_mut();
        open.remove(to);
        if let Some(handle) = open.remove(from) {
            open.insert(to.to_owned(), handle);
        }
        sync_dir(&self.path)
    }

    fn remove(&self, name: &str) -> Result<(), StoreError> {
        self.open.borrow_mut().remove(name);
        match fs::remove_file(self.path.join(name)) {
            Err(why) if why.kind() != io::ErrorKind::NotFound => Err(failed(name, &why)),
            _ => Ok(()),
        }
    }

    fn read(&self, name: &str, offset: u64, len: usize) -> Result<Vec<u8>, StoreError> {
        self.with(name, |open| {
            let there = open.len.saturating_sub(offset);
            let mut bytes = vec![0; usize::try_from(there).unwrap_or(usize::MAX).min(len)];
            open.file.read_exact_at(&mut bytes, offset)?;
            Ok(bytes)
        })
    }
}

fn close_oldest(open: &mut BTreeMap<String, Open>) {
    if open.len() > OPEN_MAX
        && let Some(oldest) = open.iter().min_by_key(|(_, handle)| handle.used).map(|(name, _)| name.clone())
    {
        open.remove(&oldest);
    }
}

fn failed(name: &str, why: &io::Error) -> StoreError {
    match why.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::NoSpace { file: name.to_owned() },
        _ => StoreError::Io(format!("{name}: {why}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_appended_is_read_again_under_its_new_name() {
        let scratch = tempfile::tempdir().unwrap();
        let files = Folder::open(&scratch.path().join("series")).unwrap();
        files.create("a.tmp").unwrap();
        files.append("a.tmp", b"hello ").unwrap();
        files.append("a.tmp", b"world").unwrap();
        files.sync("a.tmp").unwrap();
        files.rename("a.tmp", "a").unwrap();
        assert_eq!(files.read("a", 6, 100).unwrap(), b"world");
        assert_eq!(files.read("a", 100, 1).unwrap(), b"");
        for n in 0..2 * OPEN_MAX {
            files.create(&format!("b{n:04}")).unwrap();
        }
        assert!(files.open.borrow().len() <= OPEN_MAX);
        files.append("a", b"!").unwrap();
        assert_eq!(files.list().unwrap()[0], ("a".to_owned(), 12));
        files.remove("a").unwrap();
        files.remove("a").unwrap();
        assert!(files.read("a", 0, 1).is_err());
    }

    #[test]
    fn a_full_disk_leaves_the_file_as_it_was() {
        let Ok(full) = OpenOptions::new().append(true).open("/dev/full") else { return };
        let scratch = tempfile::tempdir().unwrap();
        let files = Folder::open(scratch.path()).unwrap();
        files.create("a").unwrap();
        files.open.borrow_mut().insert("a".to_owned(), Open { file: full, len: 0, used: 0 });
        let refused = files.append("a", b"x").unwrap_err();
        // A device cannot be cut to its length, which a file can: the store takes that for its end.
        assert!(matches!(refused, StoreError::NoSpace { .. } | StoreError::Io(_)), "{refused}");
        assert!(matches!(files.sync("a"), Err(StoreError::Dead)));
    }
}
