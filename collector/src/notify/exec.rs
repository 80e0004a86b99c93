//! One attempt to deliver a message by a program on this host, which reads the event from its standard input.
//!
//! It runs in a process group of its own, in `/`, with no environment but [`ENVIRONMENT`] and a few words about the message.
//! What it writes to its standard error is read, and the beginning kept to say why it failed. At its deadline, and when the
//! collector ends, the whole group is killed; so is what it left behind in its group when it ended by itself.

use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};
use uphold_common::catalogue::model::Exec;

use super::outbox::Delivery;
use super::verdict::{Attempt, ProgramEnd};

/// The environment of every program.
const ENVIRONMENT: [(&str, &str); 2] = [("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"), ("LC_ALL", "C")];
/// Most bytes of what a program complains that are kept.
const SAID_BYTES_MAX: usize = 1_000;

/// How long what it wrote may take to be read once it has ended.
const REST_WITHIN: Duration = Duration::from_millis(50);

/// Makes one attempt.
pub async fn deliver(exec: &Exec, delivery: &Delivery) -> Attempt {
    let could_not =
        |error: std::io::Error| Attempt::Unanswered { error: format!("{} could not be run: {error}", exec.program) };
    let mut child = match command(exec, delivery).spawn() {
        Ok(child) => child,
        Err(error) => return could_not(error),
    };
    let group = Group::of(&child);
    let deadline = Duration::from_millis(u64::try_from(exec.timeout_ms).unwrap_or_default());
    let ended = tokio::time::timeout(deadline, to_its_end(&mut child, &delivery.body)).await;
    // While the program runs its number is its own; once it has ended, what it left in its group holds the number.
    drop(group);
    match ended {
        Ok(Ok((status, said))) => Attempt::Ended { end: end_of(status), said },
        Ok(Err(error)) => could_not(error),
        Err(_) => Attempt::Ended { end: ProgramEnd::Deadline, said: String::new() },
    }
}

fn command(exec: &Exec, delivery: &Delivery) -> Command {
    let mut command = Command::new(&exec.program);
    command.args(&exec.arguments).current_dir("/").env_clear().envs(ENVIRONMENT);
    command.env("UPHOLD_ID", &delivery.id).env("UPHOLD_TYPE", delivery.kind.as_str());
    command.env("UPHOLD_RECEIVER", delivery.key.receiver.as_str()).env("UPHOLD_ATTEMPT", delivery.attempt.to_string());
    if let Some(incident) = delivery.incident {
        command.env("UPHOLD_INCIDENT", incident.to_string());
    }
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).process_group(0).kill_on_drop(true);
    command
}

/// Gives it the event, takes what it complains, and waits for its end.
async fn to_its_end(child: &mut Child, body: &str) -> std::io::Result<(ExitStatus, String)> {
    let (input, complaints) = (child.stdin.take(), child.stderr.take());
    let give = async {
        if let Some(mut input) = input {
            // It need not read what it does not want.
            let _ = input.write_all(body.as_bytes()).await;
        }
    };
    let mut said = Vec::new();
    let take = async {
        if let Some(complaints) = complaints {
            keep_beginning(complaints, &mut said).await;
        }
    };
    // What it left behind may hold its pipes open: only its own end is waited for.
    let status = {
        let both = async { tokio::join!(give, take) };
        tokio::pin!(both);
        let ended = tokio::select! {
            status = child.wait() => Some(status?),
            _ = &mut both => None,
        };
        match ended {
            Some(status) => {
                // What it wrote before its end is there already.
                let _ = tokio::time::timeout(REST_WITHIN, both).await;
                status
            }
            None => child.wait().await?,
        }
    };
    Ok((status, shown(&said)))
}

async fn keep_beginning(mut from: impl AsyncRead + Unpin, kept: &mut Vec<u8>) {
    let mut piece = [0; 1_024];
    while let Ok(read @ 1..) = from.read(&mut piece).await {
        let room = SAID_BYTES_MAX.saturating_sub(kept.len()).min(read);
        kept.extend_from_slice(piece.get(..room).unwrap_or_default());
    }
}

/// What it said, on one line and without anything that a terminal would obey.
fn shown(said: &[u8]) -> String {
    let plain = String::from_utf8_lossy(said).replace(|one: char| one.is_control(), " ");
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn end_of(status: ExitStatus) -> ProgramEnd {
    // One that ended has either.
    status.code().map_or_else(|| ProgramEnd::Signal(status.signal().unwrap_or_default()), ProgramEnd::Code)
}

/// The group that a program leads; killed when it is dropped.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(id) = self.0 {
            // Only what is gone refuses.
            let _ = kill_process_group(id, Signal::KILL);
        }
    }
}

#[cfg(test)]
#[path = "exec_tests.rs"]
mod tests;
