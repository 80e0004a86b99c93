//! Batches that nobody takes: put aside so that the queue moves on, kept so that somebody can look at them.
//!
//! The directory is bounded in files and bytes; the oldest go first. Nothing in it is ever sent.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Most files that are kept.
pub const FILES_MAX: usize = 100;
/// Most bytes that are kept.
pub const BYTES_MAX: u64 = 16 * 1024 * 1024;

/// The directory of what was put aside.
#[derive(Debug)]
pub struct Quarantine {
    directory: PathBuf,
}

impl Quarantine {
    /// Opens the directory, making it if needed.
    pub fn open(directory: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&directory)?;
        Ok(Self { directory })
    }

    /// Moves a file here under `name`, and lets the oldest go beyond the bounds. A file that cannot be moved is
    /// removed, so that it never stands in the way twice.
    pub fn take(&self, file: &Path, name: &str) -> io::Result<()> {
        let moved = fs::rename(file, self.directory.join(name)).or_else(|_| fs::remove_file(file));
        self.bound()?;
        moved
    }

    fn bound(&self) -> io::Result<()> {
        let mut held: Vec<(SystemTime, PathBuf, u64)> = Vec::new();
        for entry in fs::read_dir(&self.directory)?.flatten() {
            let Ok(metadata) = entry.metadata() else { continue };
            held.push((metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH), entry.path(), metadata.len()));
        }
        held.sort();
        let mut bytes: u64 = held.iter().map(|(_, _, bytes)| bytes).sum();
        let mut files = held.len();
        for (_, path, its_bytes) in held {
            if files <= FILES_MAX && bytes <= BYTES_MAX {
                break;
            }
            fs::remove_file(path)?;
            files -= 1;
            bytes = bytes.saturating_sub(its_bytes);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_aside_is_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let quarantine = Quarantine::open(folder.path().join("quarantine")).unwrap();
        let file = folder.path().join("file");
        for n in 0..FILES_MAX + 5 {
            fs::write(&file, b"batch").unwrap();
            quarantine.take(&file, &format!("{n}.batch")).unwrap();
        }
        let count = || fs::read_dir(folder.path().join("quarantine")).unwrap().count();
        assert_eq!(count(), FILES_MAX);
        let large = vec![0; usize::try_from(BYTES_MAX).unwrap() / 2 + 1];
        for name in ["x", "y"] {
            fs::write(&file, &large).unwrap();
            quarantine.take(&file, name).unwrap();
        }
        assert_eq!(count(), 1, "two large files have no room beside each other");
    }
}
