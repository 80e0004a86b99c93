//! `uphold-agent beat`: reports a job to the agent of this host, and runs it if it is given.
//!
//! What the job does matters more than who hears of it: it is run even if its beginning cannot be reported, and its exit
//! code is that of the command. Only a job that did well and whose end was not heard fails.

use std::ffi::OsString;
use std::process::Command;
use std::time::Duration;

use uphold_common::ids::ProbeId;
use url::Url;

use super::{BeatArgs, CUT_SHORT, Exit, Says, complain, usage};
use crate::config::{Access, LISTEN_DEFAULT};
use crate::config_file::FileConfig;
use crate::process::{self, With};
use crate::remote::{Remote, endpoint};

/// Most bytes of the agent's answer that are read.
const ANSWER_BYTES_MAX: usize = 4_096;
/// How long it is tried again while the agent does not answer, as when it is restarted.
const WAITS: [Duration; 4] =
    [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(3), Duration::from_secs(4)];
/// What a shell gives for a program that cannot be run, and adds to the number of a signal.
const NOT_RUN: u8 = 127;
const BY_SIGNAL: i32 = 128;

/// Where beats go.
struct Agent {
    remote: Remote,
    at: Url,
    id: ProbeId,
}

impl Says {
    /// As it stands in the agent's address.
    const fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Up => "",
            Self::Degraded => "degraded",
            Self::Fail => "fail",
        }
    }
}

/// Reports, or runs and reports. What comes back is the exit code.
pub(super) async fn run(args: BeatArgs, shutdown: impl Future<Output = ()>) -> u8 {
    let agent = match Agent::of(&args) {
        Ok(agent) => agent,
        Err(exit) => return exit as u8,
    };
    let Some((program, arguments)) = args.command.split_first() else {
        return tokio::select! {
            heard = agent.reported(args.says.word()) => heard.map_or(Exit::Failed, |()| Exit::Fine) as u8,
            () = shutdown => CUT_SHORT,
        };
    };
    // An agent that is away is told of the end, and the job does not wait for it.
    if let Err(why) = agent.report("start").await {
        complain(&why);
    }
    let code = code_of(program, arguments, shutdown).await;
    let heard = agent.reported(&code.to_string()).await;
    if heard.is_err() && code == 0 { Exit::Failed as u8 } else { code }
}

async fn code_of(program: &OsString, arguments: &[OsString], shutdown: impl Future<Output = ()>) -> u8 {
    let mut command = Command::new(program);
    command.args(arguments);
    match process::in_front(command, shutdown).await {
        Ok(With::Code(code)) => u8::try_from(code).unwrap_or(u8::MAX),
        Ok(With::Signal(signal)) => u8::try_from(BY_SIGNAL.saturating_add(signal)).unwrap_or(u8::MAX),
        Err(error) => {
            complain(&format!("{} could not be run: {error}", program.to_string_lossy()));
            NOT_RUN
        }
    }
}

impl Agent {
    fn of(args: &BeatArgs) -> Result<Self, Exit> {
        let file = args.config.as_deref().map(FileConfig::read).transpose();
        let file = file.map_err(|error| usage(&error))?.unwrap_or_default();
        let listen = args.listen.or(file.listen).unwrap_or(LISTEN_DEFAULT);
        let at = Url::parse(&format!("http://{listen}")).map_err(|error| usage(&error))?;
        let remote = Remote::new(&Access::default()).map_err(|error| usage(&error))?;
        Ok(Self { remote, at, id: args.name.clone() })
    }

    /// Reports once.
    async fn report(&self, word: &str) -> Result<(), String> {
        let (service, probe) = (self.id.parent.as_str(), self.id.child.as_str());
        let segments = ["heartbeat", service, probe, word];
        let segments = segments.get(..if word.is_empty() { 3 } else { 4 }).unwrap_or(&segments);
        let url = endpoint(&self.at, segments);
        let reply = self.remote.post(url, "text/plain", Vec::new(), ANSWER_BYTES_MAX).await;
        let told = |why: &str| format!("{} was not heard by the agent at {}: {why}", self.id, self.at);
        match reply {
            Ok(reply) if reply.status == 200 => Ok(()),
            Ok(reply) => Err(told(String::from_utf8_lossy(&reply.body).trim())),
            Err(error) => Err(told(&error.to_string())),
        }
    }

    /// Reports, and tries again for a while; why it was not heard is said on standard error.
    async fn reported(&self, word: &str) -> Result<(), ()> {
        let mut waits = WAITS.into_iter();
        loop {
            let Err(why) = self.report(word).await else { return Ok(()) };
            let Some(wait) = waits.next() else {
                complain(&why);
                return Err(());
            };
            tokio::time::sleep(wait).await;
        }
    }
}
