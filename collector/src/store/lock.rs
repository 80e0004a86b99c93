//! Who holds a data directory: one lock file in it, named `lock`, held as long as [`DataDir`] lives.
//!
//! ```text
//! lock    three lines: `process <pid>`, `program <name>`, `since <instant>`; mode 0600
//! store/  the database
//! ```
//!
//! The operating system's lock on the file decides, not the file's existence: after a kill the file remains and the
//! lock does not. The text is there for people only. The directory is made with mode 0700 if it is missing.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use uphold_common::time::Instant;

use super::error::StoreError;

/// Most bytes of the lock file that are shown.
const HOLDER_BYTES_MAX: u64 = 512;

/// A data directory that this process holds.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Takes the directory for `program`, making it if it is missing.
    pub fn claim(path: &Path, program: &str, now: Instant) -> Result<Self, StoreError> {
        make_dir(path)?;
        let lock_path = path.join("lock");
        let prepare = |source| StoreError::Prepare { path: lock_path.clone(), source };
        let mut options = OpenOptions::new();
        let mut lock = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&lock_path)
            .map_err(prepare)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::Held { path: path.to_owned(), holder: holder(&lock) });
            }
            Err(TryLockError::Error(source)) => return Err(prepare(source)),
        }
        lock.set_len(0).map_err(prepare)?;
        let text = format!("process {}\nprogram {program}\nsince {now}\n", std::process::id());
        lock.write_all(text.as_bytes()).map_err(prepare)?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Makes a directory with mode 0700 if it is missing, and syncs its parent so that it stays.
pub(super) fn make_dir(path: &Path) -> Result<(), StoreError> {
    if path.is_dir() {
        return Ok(());
    }
    let prepare = |source| StoreError::Prepare { path: path.to_owned(), source };
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(prepare)?;
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync_dir(parent),
        _ => Ok(()),
    }
}

/// Makes the entries of a directory durable.
pub(super) fn sync_dir(path: &Path) -> Result<(), StoreError> {
    let prepare = |source| StoreError::Prepare { path: path.to_owned(), source };
    File::open(path).and_then(|dir| dir.sync_all()).map_err(prepare)
}

/// Sets mode 0600 on the files of a directory and 0700 on directories directly in it.
pub(super) fn restrict(path: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::PermissionsExt;
    let prepare = |source| StoreError::Prepare { path: path.to_owned(), source };
    for entry in fs::read_dir(path).map_err(prepare)? {
        let entry = entry.map_err(prepare)?;
        let mode = if entry.file_type().map_err(prepare)?.is_dir() { 0o700 } else { 0o600 };
        fs::set_permissions(entry.path(), fs::Permissions::from_mode(mode)).map_err(prepare)?;
    }
    Ok(())
}

/// What the lock file says of its holder, in one line.
fn holder(lock: &File) -> String {
    let mut text = String::new();
    let read = lock.take(HOLDER_BYTES_MAX).read_to_string(&mut text);
    let line: Vec<&str> = text.lines().collect();
    if read.is_err() || line.is_empty() { "another program".to_owned() } else { line.join(", ") }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_held_directory_names_its_holder_and_a_released_one_is_free() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("data");
        let now = Instant::from_ms(1_767_225_600_000);
        let held = DataDir::claim(&path, "uphold-collector", now).unwrap();
        let refused = DataDir::claim(&path, "uphold", now).unwrap_err().to_string();
        assert!(refused.contains("program uphold-collector"), "{refused}");
        assert!(refused.contains(&format!("process {}", std::process::id())), "{refused}");
        assert!(refused.contains("since 2026-01-01T00:00:00Z"), "{refused}");
        drop(held);
        assert_eq!(DataDir::claim(&path, "uphold", now).unwrap().path(), path);
    }

    #[test]
    fn only_the_owner_may_look() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("data");
        let _held = DataDir::claim(&path, "uphold-collector", Instant::from_ms(0)).unwrap();
        let mode = |p: &Path| fs::metadata(p).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(&path.join("lock"))), (0o700, 0o600));
    }
}
