//! Batches that nobody takes: put aside so that the queue moves on, kept so that somebody can look at them.
//!
//! The directory is bounded in files and bytes; the oldest go first. Nothing in it is ever sent. What came later has the
//! higher number in front of its name, so that the order holds whatever the clock does.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

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

    /// Moves a file here under the next number and `name`, and lets the oldest go beyond the bounds. A file that cannot be
    /// moved is removed, so that it never stands in the way twice.
    pub fn take(&self, file: &Path, name: &str) -> io::Result<()> {
        let held = self.held();
        let highest = held.as_ref().ok().and_then(|held| held.last()).map_or(0, |last| last.number);
        let path = self.directory.join(format!("{:020}-{name}", highest.saturating_add(1)));
        let moved = fs::rename(file, path).or_else(|_| fs::remove_file(file));
        held?;
        self.bound()?;
        moved
    }

    /// What lies here, the oldest first.
    fn held(&self) -> io::Result<Vec<Held>> {
        let mut held = Vec::new();
        for entry in fs::read_dir(&self.directory)?.flatten() {
            let Ok(metadata) = entry.metadata() else { continue };
            // What nobody numbered was not put here, and goes before anything that was.
            let name = entry.file_name().to_string_lossy().into_owned();
            let number = name.split_once('-').and_then(|(number, _)| number.parse().ok()).unwrap_or(0);
            held.push(Held { number, path: entry.path(), bytes: metadata.len() });
        }
        held.sort();
        Ok(held)
    }

    fn bound(&self) -> io::Result<()> {
        let held = self.held()?;
        let mut bytes: u64 = held.iter().map(|held| held.bytes).sum();
        let mut files = held.len();
        for oldest in held {
            if files <= FILES_MAX && bytes <= BYTES_MAX {
                break;
            }
            fs::remove_file(oldest.path)?;
            files -= 1;
            bytes = bytes.saturating_sub(oldest.bytes);
        }
        Ok(())
    }
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Held {
    number: u64,
    path: PathBuf,
    bytes: u64,
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
        let oldest = quarantine.held().unwrap().remove(0).path;
        assert!(oldest.to_str().unwrap().ends_with("-5.batch"), "the oldest went first: {}", oldest.display());
        let large = vec![0; usize::try_from(BYTES_MAX).unwrap() / 2 + 1];
        for name in ["x", "y"] {
            fs::write(&file, &large).unwrap();
            quarantine.take(&file, name).unwrap();
        }
        assert_eq!(count(), 1, "two large files have no room beside each other");
    }
}
