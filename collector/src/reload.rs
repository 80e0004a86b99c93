//! The catalogue's files, looked at again and again: what was changed is taken up while the collector runs.
//!
//! A file is taken to be written whole when two looks find it the same and it is still the same after it was read; a list
//! that is half written could be sound YAML, and lose services. Whoever is sure says so with SIGHUP, and is not waited for.
//! What is not sound is refused whole, and what is in force stays so; a version that a full disk did not take, or that lacks the
//! description of a ticket system, is tried again.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::config;
use crate::engine::handle::EngineHandle;
use crate::engine::reload::{Offered, Reload};

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// What shows that a file was changed or replaced.
type Stamp = (PathBuf, u64, u64, i64, i64, i64, i64);

/// The files as they were found; none when they cannot be looked at.
type Stamps = Option<Vec<Stamp>>;

/// What is known of the files.
#[derive(Debug)]
struct Looked {
    path: PathBuf,
    /// As they were when they were last offered, or at the start.
    offered: Stamps,
    /// As they were at the last look.
    last: Stamps,
}

impl Looked {
    /// Whether they were changed since they were offered, and have come to rest.
    fn look(&mut self) -> bool {
        let now = stamps(&self.path);
        let rests = now == self.last;
        self.last = now;
        rests && self.last != self.offered
    }

    /// What they say now; none when they were written to meanwhile.
    fn read(&mut self) -> Option<Offered> {
        let before = stamps(&self.path);
        let read = config::catalogue_files(&self.path).map_err(|error| error.to_string());
        if stamps(&self.path) != before {
            return None;
        }
        (self.offered, self.last) = (before.clone(), before);
        Some(read)
    }
}

/// Looks at the files of a catalogue until everything ends.
pub async fn keep_looking(path: PathBuf, engine: EngineHandle, mut finishing: watch::Receiver<bool>) {
    let mut told = match signal(SignalKind::hangup()) {
        Ok(told) => told,
        Err(error) => {
            tracing::error!(%error, "no signals, so the catalogue's files are not looked at again");
            return;
        }
    };
    // What was read at the start may have been written again since, so it is offered once more.
    let mut looked = Looked { path, offered: None, last: None };
    let mut again = false;
    loop {
        let asked = tokio::select! {
            _ = finishing.wait_for(|finish| *finish) => return,
            () = tokio::time::sleep(LOOK_EVERY) => false,
            Some(()) = told.recv() => true,
        };
        let (back, offered) = match tokio::task::spawn_blocking(move || offer(looked, asked || again)).await {
            Ok(found) => found,
            Err(error) => {
                tracing::error!(%error, "the catalogue's files are not looked at any more");
                return;
            }
        };
        looked = back;
        let Some(offered) = offered else { continue };
        // Who has too much to do, or no room, is asked again with the next look; and so is who lacks another file.
        again = match engine.reload(offered).await {
            Ok(reload) => matches!(reload, Reload::NoRoom(_) | Reload::Undescribed(_)),
            Err(_) => true,
        };
    }
}

/// What is offered after a look, if anything is.
fn offer(mut looked: Looked, wanted: bool) -> (Looked, Option<Offered>) {
    let offered = if wanted || looked.look() { looked.read() } else { None };
    (looked, offered)
}

fn stamps(path: &Path) -> Stamps {
    let of = |path: PathBuf| {
        let found = fs::metadata(&path).ok()?;
        Some((path, found.dev(), found.ino(), found.mtime(), found.mtime_nsec(), found.ctime(), found.ctime_nsec()))
    };
    let mut all = vec![of(path.to_owned())?];
    let is_dir = path.is_dir();
    // Beside a single file lies nothing of the catalogue but its holidays.
    let folder = if is_dir { path } else { config::folder_of(path) };
    let entries = fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    all.extend(
        entries.filter(|entry| is_dir || entry.extension().is_some_and(|ending| ending == "ics")).filter_map(of),
    );
    all.sort();
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looked(path: &Path) -> Looked {
        let first = stamps(path);
        Looked { path: path.to_owned(), offered: first.clone(), last: first }
    }

    #[test]
    fn a_change_is_offered_once_it_rests_and_only_once() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write("a.yaml", "services: []");
        let mut files = looked(folder.path());
        assert!(!files.look());
        write("b.yaml", "customers: []");
        assert!(!files.look(), "it may still be written");
        write("b.yaml", "customers: [one]");
        assert!(!files.look(), "it was written again");
        assert!(files.look());
        assert_eq!(files.read().unwrap().unwrap().len(), 2);
        assert!(!files.look());
        fs::remove_file(folder.path().join("a.yaml")).unwrap();
        assert!(!files.look() && files.look());
        assert_eq!(files.read().unwrap().unwrap().len(), 1);
    }

    #[test]
    fn holidays_beside_a_single_file_are_looked_at_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("catalogue.yaml");
        fs::write(&path, "calendars: [{ holidays: [{ file: a.ics }] }]").unwrap();
        let mut files = looked(&path);
        fs::write(folder.path().join("notes.txt"), "nothing").unwrap();
        assert!(!files.look() && !files.look());
        fs::write(folder.path().join("a.ics"), "BEGIN:VCALENDAR").unwrap();
        assert!(!files.look() && files.look());
        assert_eq!(files.read().unwrap().unwrap().len(), 2);
    }

    #[test]
    fn files_that_are_gone_are_told_once_and_looked_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("catalogue.yaml");
        fs::write(&path, "services: []").unwrap();
        let mut files = looked(&path);
        fs::remove_file(&path).unwrap();
        assert!(!files.look() && files.look());
        let told = files.read().unwrap().unwrap_err();
        assert!(told.contains("catalogue.yaml"), "{told}");
        assert!(!files.look() && !files.look());
        fs::write(&path, "services: []").unwrap();
        assert!(!files.look() && files.look() && files.read().unwrap().is_ok());
    }
}
