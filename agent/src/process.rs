//! Programs that a probe runs: each in a process group of its own, which ends with it or with the attempt.
//!
//! A keeper, a task of its own, starts the program, takes what it writes, and is the only one that ends it, so that nothing
//! is left over when the attempt is given up: at the deadline the group is asked to end (SIGTERM) and killed two
//! seconds later (SIGKILL). When the program ends by itself, what it left behind in its group is killed at once, also
//! what keeps its output open. The group is signalled only while the program is not reaped yet, so its number is nobody
//! else's. What moved to a group of its own is out of reach; the service manager ends that with the agent.
//!
//! The program gets no environment but a fixed one, no input, and no error output. Of what it writes the beginning is kept,
//! more is read and thrown away, and one that writes on and on finds its output closed.

use std::fs::File;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, kill_process, kill_process_group, pidfd_open};
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;
use tokio::sync::{Semaphore, SemaphorePermit, oneshot};

use crate::commands::Line;

/// Most programs that run at once, with those that are being ended.
pub const PROGRAMS_MAX: usize = 32;
/// Most bytes of what a program writes that are kept.
pub const KEPT_BYTES_MAX: usize = 64 * 1024;
/// Most bytes that are read; then its output is closed.
pub const READ_BYTES_MAX: usize = 1024 * 1024;
/// How long a group that was asked to end may take.
const END_WITHIN: Duration = Duration::from_secs(2);
/// The environment, whole.
const ENVIRONMENT: [(&str, &str); 2] = [("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"), ("LC_ALL", "C")];

/// The places of the programs, for every agent in this process.
static PLACES: Semaphore = Semaphore::const_new(PROGRAMS_MAX);

/// How a program ended that ended by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// With what.
    pub with: With,
    /// What it wrote, or the beginning of that.
    pub output: Vec<u8>,
    /// Whether it wrote more.
    pub output_cut: bool,
}

/// With what a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum With {
    /// With a code of its own.
    Code(i32),
    /// A signal ended it.
    Signal(i32),
}

impl With {
    /// What the system says of an end.
    pub fn of(status: ExitStatus) -> Self {
        // One that ended has either.
        status.code().map_or_else(|| Self::Signal(status.signal().unwrap_or_default()), Self::Code)
    }
}

/// Runs a program to its end. Whoever drops this future has it ended.
pub async fn run(line: &Line) -> Result<Ended, String> {
    let Ok(place) = PLACES.try_acquire() else {
        return Err(format!("{PROGRAMS_MAX} programs run already, and no more do at once"));
    };
    let (reply, answer) = oneshot::channel();
    tokio::spawn(keep(line.clone(), place, reply));
    answer.await.unwrap_or_else(|_| Err("the agent itself is ending".to_owned()))
}

/// Runs it for as long as somebody waits for `reply`, and leaves nothing of it behind.
async fn keep(line: Line, _place: SemaphorePermit<'static>, mut reply: oneshot::Sender<Result<Ended, String>>) {
    let path = line.program.clone();
    let started = tokio::task::spawn_blocking(move || start(&line)).await;
    let running = started.map_err(|_| "the agent itself is ending".to_owned()).and_then(|started| {
        started.and_then(Running::of).map_err(|error| format!("{path} could not be started: {error}"))
    });
    let mut running = match running {
        Ok(running) => running,
        Err(why) => {
            let _ = reply.send(Err(why));
            return;
        }
    };
    tokio::select! {
        () = running.take_until_gone() => {}
        () = reply.closed() => {
            running.signal(Signal::TERM);
            let _ = tokio::time::timeout(END_WITHIN, running.gone()).await;
        }
    }
    running.signal(Signal::KILL);
    running.gone().await;
    let _ = reply.send(running.reaped().map_err(|error| format!("how {path} ended is not known: {error}")));
}

/// Runs a program in front, with the input and the outputs of this one, to its end. When `shutdown` is told, it is asked to
/// end as well, and waited for.
pub async fn in_front(mut command: Command, shutdown: impl Future<Output = ()>) -> std::io::Result<With> {
    let mut running = Running::of(tokio::task::spawn_blocking(move || command.spawn()).await??)?;
    running.leads = false;
    tokio::select! {
        () = running.gone() => {}
        () = shutdown => {
            running.signal(Signal::TERM);
            running.gone().await;
        }
    }
    running.reaped().map(|ended| ended.with)
}

fn start(line: &Line) -> std::io::Result<Child> {
    Command::new(&line.program)
        .args(&line.arguments)
        .env_clear()
        .envs(ENVIRONMENT)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
}

/// A program that was started and is not reaped.
#[derive(Debug)]
struct Running {
    child: Child,
    /// Its number, until it is reaped.
    id: Option<Pid>,
    /// Whether it leads a group of its own.
    leads: bool,
    /// Readable once it has ended.
    end: Option<pipe::Receiver>,
    output: Option<pipe::Receiver>,
    kept: Vec<u8>,
    read_bytes: usize,
}

impl Running {
    fn of(mut child: Child) -> std::io::Result<Self> {
        let id = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let output = child.stdout.take();
        let mut running = Self { child, id, leads: true, end: None, output: None, kept: Vec::new(), read_bytes: 0 };
        // From here on an error drops it, and what is dropped is ended.
        let id = id.ok_or(std::io::ErrorKind::InvalidData)?;
        // It is no pipe, and nothing is ever read of it: this is how tokio waits for a descriptor without unsafe code.
        let end = File::from(pidfd_open(id, PidfdFlags::empty())?);
        running.end = Some(pipe::Receiver::from_file_unchecked(end)?);
        running.output = output.map(|output| pipe::Receiver::from_owned_fd(output.into())).transpose()?;
        Ok(running)
    }

    /// A signal to it, or to everything in its group, whatever of it is still there.
    fn signal(&self, signal: Signal) {
        let Some(id) = self.id else { return };
        // Only what is gone refuses.
        let _ = if self.leads { kill_process_group(id, signal) } else { kill_process(id, signal) };
    }

    /// Returns once the program has ended, whether or not anything of it holds the output.
    async fn gone(&self) {
        if let Some(end) = &self.end {
            // It stays readable; an error is one of the agent that is ending.
            let _ = end.readable().await;
        }
    }

    /// Takes what is written until the program has ended.
    async fn take_until_gone(&mut self) {
        let mut piece = [0; 8 * 1024];
        while let (Some(end), Some(output)) = (&self.end, &mut self.output) {
            tokio::select! {
                _ = end.readable() => return,
                read = output.read(&mut piece) => {
                    let written = piece.get(..read.unwrap_or_default()).unwrap_or_default();
                    self.take(written);
                }
            }
        }
        self.gone().await;
    }

    /// Keeps what there is room for; at the end of what is written, or when it is too much, the output is closed.
    fn take(&mut self, written: &[u8]) {
        let room = KEPT_BYTES_MAX - self.kept.len();
        self.kept.extend_from_slice(written.get(..room).unwrap_or(written));
        self.read_bytes += written.len();
        if written.is_empty() || self.read_bytes > READ_BYTES_MAX {
            self.output = None;
        }
    }

    /// How it ended, with what it had written by then.
    fn reaped(mut self) -> std::io::Result<Ended> {
        let mut piece = [0; 8 * 1024];
        while let Some(Ok(read)) = self.output.as_ref().map(|output| output.try_read(&mut piece)) {
            self.take(piece.get(..read).unwrap_or_default());
        }
        let with = With::of(self.child.wait()?);
        self.id = None;
        let output_cut = self.read_bytes > self.kept.len();
        Ok(Ended { with, output: std::mem::take(&mut self.kept), output_cut })
    }
}

impl Drop for Running {
    /// The agent ends, or could not watch it: nothing of it stays.
    fn drop(&mut self) {
        if self.id.is_some() {
            self.signal(Signal::KILL);
            let _ = self.child.try_wait();
        }
    }
}

#[cfg(test)]
#[path = "process_tests.rs"]
mod tests;
