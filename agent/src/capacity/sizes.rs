//! How full file systems are, asked of each without ever waiting long.
//!
//! A network file system whose server is gone, or a disk that dies, answers after minutes or never, and whoever asked is
//! held in the kernel meanwhile. So a thread of its own asks. When an answer is not there in time, that thread is left to
//! itself, its file system is left out until it comes back, and another thread asks the others. At most [`STUCK_MAX`] are
//! left like that; then nothing is asked until one comes back.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use crate::clock::Clock;

/// How long one file system may take to answer.
const ANSWER_MAX: Duration = Duration::from_secs(1);
/// How long all of them may take; those that are left over are asked the next time.
const ROUND_MAX: Duration = Duration::from_secs(5);
/// Most threads that are held by file systems that do not answer.
const STUCK_MAX: usize = 4;
/// Asking needs next to nothing.
const STACK_BYTES: usize = 64 * 1024;

/// How full a file system is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Size {
    /// Bytes in use, and how many there are to use for whoever is not root.
    pub(super) bytes: (u64, u64),
    /// Inodes in use, and how many there are; 0 where they are made as they are needed.
    pub(super) inodes: (u64, u64),
}

/// What a file system said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// How full it is.
    Size(Size),
    /// Why it did not say.
    None(String),
}

/// How it is asked.
type Ask = Arc<dyn Fn(&Path) -> io::Result<Size> + Send + Sync>;

/// Asks file systems.
pub(super) struct Sizes {
    ask: Ask,
    answer_max: Duration,
    asker: Option<Asker>,
    stuck: Vec<(String, JoinHandle<()>)>,
}

struct Asker {
    mounts: SyncSender<String>,
    answers: Receiver<io::Result<Size>>,
    thread: JoinHandle<()>,
}

impl std::fmt::Debug for Sizes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sizes").field("stuck", &self.stuck).finish_non_exhaustive()
    }
}

impl Default for Sizes {
    fn default() -> Self {
        Self::asked_by(Arc::new(of), ANSWER_MAX)
    }
}

impl Sizes {
    fn asked_by(ask: Ask, answer_max: Duration) -> Self {
        Self { ask, answer_max, asker: None, stuck: Vec::new() }
    }

    /// How full each of these is, in their order.
    pub(super) fn read<'m>(&mut self, mounts: impl IntoIterator<Item = &'m str>) -> Vec<Answer> {
        self.stuck.retain(|(_, thread)| !thread.is_finished());
        let round = Clock::stopwatch();
        let answer = |mount| {
            if round.elapsed() > ROUND_MAX { none("the others took too long") } else { self.one(mount) }
        };
        mounts.into_iter().map(answer).collect()
    }

    fn one(&mut self, mount: &str) -> Answer {
        if self.stuck.iter().any(|(held, _)| held == mount) {
            return none("it has not answered since it was asked");
        }
        if self.stuck.len() >= STUCK_MAX {
            return none("too many others do not answer");
        }
        let asker = match self.asker.take().map_or_else(|| Asker::start(&self.ask), Ok) {
            Ok(asker) => asker,
            Err(error) => return Answer::None(error.to_string()),
        };
        if asker.mounts.send(mount.to_owned()).is_err() {
            return none("the thread that asks has ended");
        }
        match asker.answers.recv_timeout(self.answer_max) {
            Ok(answer) => {
                self.asker = Some(asker);
                answer.map_or_else(|error| Answer::None(error.to_string()), Answer::Size)
            }
            Err(RecvTimeoutError::Timeout) => {
                self.stuck.push((mount.to_owned(), asker.thread));
                none("it does not answer")
            }
            Err(RecvTimeoutError::Disconnected) => none("the thread that asks has ended"),
        }
    }
}

impl Asker {
    fn start(ask: &Ask) -> io::Result<Self> {
        let (mounts, asked) = sync_channel::<String>(1);
        let (answer, answers) = sync_channel(1);
        let ask = Arc::clone(ask);
        let run = move || {
            while let Ok(mount) = asked.recv() {
                if answer.send(ask(Path::new(&mount))).is_err() {
                    return;
                }
            }
        };
        let thread = Builder::new().name("file-systems".to_owned()).stack_size(STACK_BYTES).spawn(run)?;
        Ok(Self { mounts, answers, thread })
    }
}

fn none(why: &str) -> Answer {
    Answer::None(why.to_owned())
}

/// As `df` has it: what only root may still use is neither in use nor there to use.
fn of(mount: &Path) -> io::Result<Size> {
    let size = rustix::fs::statvfs(mount)?;
    let used = size.f_blocks.saturating_sub(size.f_bfree).saturating_mul(size.f_frsize);
    let free = size.f_bavail.saturating_mul(size.f_frsize);
    let inodes = (size.f_files.saturating_sub(size.f_ffree), size.f_files);
    Ok(Size { bytes: (used, used.saturating_add(free)), inodes })
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    const KNOWN: Answer = Answer::Size(Size { bytes: (1, 2), inodes: (0, 0) });

    /// File systems below `/hangs` answer when they are let go.
    fn some_hang() -> (Sizes, SyncSender<()>) {
        let (let_go, held) = sync_channel::<()>(1);
        let held = Mutex::new(held);
        let ask = move |mount: &Path| {
            if mount.starts_with("/hangs") {
                let _ = held.lock().map(|held| held.recv());
            }
            if mount == Path::new("/broken") {
                return Err(io::Error::other("no such file system"));
            }
            Ok(Size { bytes: (1, 2), inodes: (0, 0) })
        };
        (Sizes::asked_by(Arc::new(ask), Duration::from_millis(50)), let_go)
    }

    #[test]
    fn one_that_hangs_is_left_out_until_it_comes_back_and_hides_no_other() {
        let (mut sizes, let_go) = some_hang();
        let mounts = ["/", "/hangs", "/broken", "/var"];
        let answers = sizes.read(mounts);
        assert_eq!(answers, [KNOWN, none("it does not answer"), none("no such file system"), KNOWN]);
        assert_eq!(sizes.read(mounts)[1], none("it has not answered since it was asked"));
        assert_eq!(sizes.stuck.len(), 1, "nobody else is held by it");
        let_go.send(()).unwrap();
        drop(let_go);
        // It is asked again as soon as the thread that it held is over.
        while sizes.read(mounts)[1] != KNOWN {
            std::thread::yield_now();
        }
        assert!(sizes.stuck.is_empty());
    }

    #[test]
    fn no_more_threads_are_held_than_that() {
        let (mut sizes, let_go) = some_hang();
        let many: Vec<String> = (0..10).map(|n| format!("/hangs/{n}")).collect();
        let answers = sizes.read(many.iter().map(String::as_str).chain(["/"]));
        assert_eq!(sizes.stuck.len(), STUCK_MAX);
        assert_eq!(answers.last(), Some(&none("too many others do not answer")));
        drop(let_go);
    }

    #[test]
    fn a_file_system_is_as_full_as_df_says() {
        let Answer::Size(size) = Sizes::default().read(["/"])[0].clone() else { panic!("the root answers") };
        let output = std::process::Command::new("df")
            .args(["--output=used,avail,iused,itotal", "--block-size=1", "/"])
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let said: Vec<u64> = text.lines().nth(1).unwrap().split_whitespace().map(|n| n.parse().unwrap()).collect();
        // Others write meanwhile.
        let near = |one: u64, other: u64| one.abs_diff(other) <= one.max(other) / 20;
        assert!(near(size.bytes.0, said[0]) && near(size.bytes.1, said[0] + said[1]), "{size:?} and {said:?}");
        assert!(near(size.inodes.0, said[2]) && near(size.inodes.1, said[3]), "{size:?} and {said:?}");
    }
}
