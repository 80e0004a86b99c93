//! What a probe makes of files on its host, such as roots or a password: made again once the files are others.
//!
//! The files are looked at again at most each ten seconds, and at once after they could not be used. They are read
//! beside the attempts that wait for it, never by them. No error holds any of their text.

use std::fmt;
use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::accept::Accept;
use crate::clock::{Clock, Stopwatch};

/// Most bytes of a file.
const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// The files are looked at again at most this often.
const AGAIN_AFTER: Duration = Duration::from_secs(10);

type Make<T> = Box<dyn Fn(&[Vec<u8>]) -> Result<T, String> + Send + Sync>;

/// Something that is made of files.
pub(super) struct FromFiles<T> {
    paths: Vec<PathBuf>,
    make: Make<T>,
    state: Mutex<Option<State<T>>>,
}

struct State<T> {
    made: Result<T, String>,
    stamps: Vec<Stamp>,
    looked: Stopwatch,
}

/// What is another once a file is.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    bytes: u64,
    changed: (i64, i64),
}

impl From<&Metadata> for Stamp {
    fn from(meta: &Metadata) -> Self {
        Self { inode: meta.ino(), bytes: meta.size(), changed: (meta.ctime(), meta.ctime_nsec()) }
    }
}

impl<T: Clone + Send + 'static> FromFiles<T> {
    /// Something that `make` makes of the contents of these files, in their order; without files it is made once.
    pub(super) fn new(
        paths: Vec<PathBuf>,
        accept: &Accept,
        make: impl Fn(&[Vec<u8>]) -> Result<T, String> + Send + Sync + 'static,
    ) -> Result<Arc<Self>, String> {
        match paths.iter().find_map(|path| accept.refuses_file(path)) {
            Some(why) => Err(why),
            None => Ok(Arc::new(Self { paths, make: Box::new(make), state: Mutex::new(None) })),
        }
    }

    /// Whether it is the same for ever.
    pub(super) fn is_without_files(&self) -> bool {
        self.paths.is_empty()
    }

    /// What the files make now, or why nothing.
    pub(super) async fn get(self: &Arc<Self>) -> Result<T, String> {
        if let Some(made) = self.known() {
            return Ok(made);
        }
        let files = Arc::clone(self);
        let made = tokio::task::spawn_blocking(move || files.look()).await;
        made.unwrap_or_else(|_| Err("the agent is ending".to_owned()))
    }

    fn known(&self) -> Option<T> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = state.as_ref().filter(|state| self.paths.is_empty() || state.looked.elapsed() < AGAIN_AFTER)?;
        state.made.clone().ok()
    }

    /// Reads the files unless they are the same as before.
    pub(super) fn look(&self) -> Result<T, String> {
        let stamps: io::Result<Vec<Stamp>> =
            self.paths.iter().map(|path| std::fs::metadata(path).map(|meta| Stamp::from(&meta))).collect();
        let stamps = stamps.unwrap_or_default();
        {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(state) = state.as_mut().filter(|state| state.stamps == stamps && state.made.is_ok()) {
                state.looked = Clock::stopwatch();
                return state.made.clone();
            }
        }
        let contents: Result<Vec<Vec<u8>>, String> = self.paths.iter().map(|path| read(path)).collect();
        let made = contents.and_then(|contents| (self.make)(&contents));
        let state = State { made: made.clone(), stamps, looked: Clock::stopwatch() };
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = Some(state);
        made
    }
}

impl<T> fmt::Debug for FromFiles<T> {
    /// What is made of them may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FromFiles").field("paths", &self.paths).finish_non_exhaustive()
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let unreadable = |error: io::Error| format!("the file {} could not be read: {error}", path.display());
    // Whoever opens a pipe may wait for ever.
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(format!("{} is no regular file", path.display()));
    }
    let mut content = Vec::new();
    File::open(path).and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut content)).map_err(unreadable)?;
    if content.len() as u64 > FILE_BYTES_MAX {
        return Err(format!("the file {} has more than {FILE_BYTES_MAX} bytes", path.display()));
    }
    Ok(content)
}

/// The first line of a file with a secret, without spaces around it.
pub(super) fn first_line(content: &[u8]) -> Result<&str, String> {
    let line = content.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = std::str::from_utf8(line).map_err(|_| "its first line is no text")?.trim();
    if line.is_empty() { Err("its first line is empty".to_owned()) } else { Ok(line) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_follows_the_files_and_tells_nothing_of_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        let accept = Accept { files: Some(vec![folder.path().to_owned()]), ..Accept::default() };
        let made = FromFiles::new(vec![path.clone()], &accept, |contents| first_line(&contents[0]).map(str::to_owned));
        let made = made.unwrap();
        assert!(made.look().unwrap_err().contains("could not be read"));
        for (content, expected) in [("one\nrest", Ok("one")), (" two ", Ok("two")), ("", Err("empty")), ("3", Ok("3"))]
        {
            std::fs::write(folder.path().join("next"), content).unwrap();
            std::fs::rename(folder.path().join("next"), &path).unwrap();
            match (made.look(), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected),
                (Err(found), Err(expected)) => assert!(found.contains(expected), "{found}"),
                (found, expected) => panic!("{found:?} {expected:?}"),
            }
            assert!(!format!("{made:?}").contains("two"));
        }
        let refused = FromFiles::<()>::new(vec!["/etc/shadow".into()], &accept, |_| Ok(()));
        assert!(refused.unwrap_err().contains("/etc/shadow"));
        let folder_itself = FromFiles::<()>::new(vec![folder.path().to_owned()], &accept, |_| Ok(()));
        assert!(folder_itself.unwrap().look().unwrap_err().contains("no regular file"));
    }
}
