//! A server under measurement: its process, and a thread that looks at its memory while it lives.

use std::io;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use super::usage;
use crate::process::child::Process;
use crate::process::http;
use crate::process::wait::wait_until;

/// How often its memory is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long it may take to start or to end.
const DEADLINE: Duration = Duration::from_mins(10);

/// What a server has taken since it was started.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spent {
    /// Processor time.
    pub(super) processor: Duration,
    /// The most memory it held.
    pub(super) peak: u64,
    /// The most memory it held that no file backs, of what was seen every tenth of a second.
    pub(super) anonymous: u64,
}

impl Spent {
    /// Of two processes that ran one after the other.
    pub(super) fn and_then(self, next: Self) -> Self {
        Self {
            processor: self.processor + next.processor,
            peak: self.peak.max(next.peak),
            anonymous: self.anonymous.max(next.anonymous),
        }
    }
}

/// A server's process.
#[derive(Debug)]
pub(super) struct Daemon {
    process: Process,
    anonymous: Arc<AtomicU64>,
    /// Dropping it ends the thread that looks.
    _looking: SyncSender<()>,
}

impl Daemon {
    /// Starts `command` and waits until `GET path` on `port` is answered 200.
    pub(super) fn start(name: &str, command: &mut Command, folder: &Path, port: u16, path: &str) -> io::Result<Self> {
        let mut process = Process::start(name, command, folder)?;
        let anonymous = Arc::new(AtomicU64::new(0));
        let (looking, ended) = sync_channel(0);
        let (seen, pid) = (Arc::clone(&anonymous), process.id());
        thread::spawn(move || {
            while ended.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
                let Ok(memory) = usage::memory(pid) else { break };
                seen.fetch_max(memory.anonymous, Ordering::Relaxed);
            }
        });
        let answers = || http::get(port, path).is_ok_and(|answer| answer.code == 200);
        wait_until(DEADLINE, &format!("{name} to be ready"), || !process.runs() || answers())?;
        if !process.runs() {
            return Err(io::Error::other(format!("{name} ended; it said:\n{}", process.output())));
        }
        Ok(Self { process, anonymous, _looking: looking })
    }

    /// Its process id.
    pub(super) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// What it has taken so far.
    pub(super) fn spent(&self) -> io::Result<Spent> {
        let pid = self.process.id();
        let memory = usage::memory(pid)?;
        let anonymous = self.anonymous.fetch_max(memory.anonymous, Ordering::Relaxed).max(memory.anonymous);
        Ok(Spent { processor: usage::processor_time(pid)?, peak: memory.peak, anonymous })
    }

    /// Asks it to end, waits for that, and says what it had taken until it was asked.
    pub(super) fn stop(mut self) -> io::Result<Spent> {
        let spent = self.spent()?;
        self.process.stop(DEADLINE)?;
        Ok(spent)
    }
}
