//! Files that are either wholly there or not at all, also after a power cut.
//!
//! Written beside their place, synced, renamed into it, and the directory synced: the one way the agent writes
//! anything it must find again.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

/// The ending of a file that is still being written; such files are leftovers after a crash.
pub const TEMPORARY: &str = "tmp";

/// Puts `bytes` at `path`, durably and at once. On an error nothing new is at `path`, or all of it is.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension(TEMPORARY);
    let written = write_synced(&temporary, bytes).and_then(|()| fs::rename(&temporary, path));
    if let Err(error) = written {
        // What was written of it takes room that a full disk needs; if it stays, the next start removes it.
        let _ = fs::remove_file(&temporary);
        return Err(error);
    }
    sync_directory_of(path)
}

/// Makes the names in the directory of `path` durable.
pub fn sync_directory_of(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
