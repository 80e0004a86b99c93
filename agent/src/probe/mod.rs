//! One attempt of a probe: a specification goes in, facts come out.
//!
//! A probe says what it saw and how long each phase took, under one deadline over all of them; a timeout is a fact and
//! not an error. It does not judge: [`verdict`] does, and is pure. It does not count: the recorder does.
//!
//! An attempt never panics, holds a bounded amount of memory whatever a server sends, and ends at its deadline.

pub mod connect;
pub mod http;
pub mod tcp;
pub mod verdict;

use std::io;
use std::time::Duration;

use uphold_common::observation::{Micros, Observation, Phases};
use uphold_common::time::Instant;
use uphold_common::wire::assignment::{Check, ProbeSpec};

use crate::clock::{Clock, Stopwatch};

/// What one attempt saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The phases that were finished.
    pub phases: Phases,
    /// From the beginning of the attempt to its end, whatever the end was.
    pub total: Micros,
    /// What happened.
    pub happened: Happened,
}

/// What happened in one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happened {
    /// A connection was made, and nothing more was asked for.
    Connected,
    /// An answer came, whole or as much of it as is read.
    Answered(Answer),
    /// The name did not resolve.
    NotResolved(String),
    /// No connection could be made, or it broke.
    NotConnected(Trouble),
    /// TLS could not be agreed.
    TlsFailed(String),
    /// What came was no HTTP.
    NotUnderstood(String),
    /// The deadline passed.
    TimedOut,
    /// The agent could not even try.
    NotTried(String),
}

/// An HTTP answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its status code.
    pub code: u16,
    /// Whether the code is among those expected.
    pub code_expected: bool,
    /// Whether the body matched; `None` when nothing was asked of it.
    pub body_matched: Option<bool>,
    /// Bytes of the body that were read.
    pub body_bytes: u64,
    /// Whether the body was longer than what is read of it.
    pub body_cut: bool,
}

/// What the system said when no connection could be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Its kind.
    pub kind: TroubleKind,
    /// Its words.
    pub text: String,
}

/// The kinds of trouble that lead to different verdicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TroubleKind {
    /// The connection was refused.
    Refused,
    /// The agent has no route of its own, no free port, handle or memory, or no permission.
    OfTheAgent,
    /// Anything else: the host is unreachable, the connection was reset.
    Other,
}

impl From<&io::Error> for Trouble {
    fn from(error: &io::Error) -> Self {
        // ENFILE, EMFILE, EAFNOSUPPORT (no IPv6 here) and ENOBUFS have no kind of their own; the numbers are Linux's.
        let out_of_means = matches!(error.raw_os_error(), Some(23 | 24 | 97 | 105));
        let kind = match error.kind() {
            io::ErrorKind::ConnectionRefused => TroubleKind::Refused,
            io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::NetworkDown
            | io::ErrorKind::AddrNotAvailable
            | io::ErrorKind::OutOfMemory
            | io::ErrorKind::PermissionDenied => TroubleKind::OfTheAgent,
            _ if out_of_means => TroubleKind::OfTheAgent,
            _ => TroubleKind::Other,
        };
        Self { kind, text: error.to_string() }
    }
}

/// A probe made ready once for every attempt: URL taken apart, expression compiled.
#[derive(Debug)]
pub struct Probe {
    timeout: Duration,
    slow_after_ms: Option<i64>,
    prepared: Result<Prepared, String>,
}

#[derive(Debug)]
enum Prepared {
    Http(Box<http::HttpProbe>),
    Tcp(tcp::TcpProbe),
}

/// An attempt with everything about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// What is kept of it.
    pub observation: Observation,
    /// What was seen.
    pub facts: Facts,
}

impl Probe {
    /// Makes a probe ready. What cannot be made ready says so in every attempt.
    pub fn new(spec: &ProbeSpec) -> Self {
        let prepared = match &spec.check {
            Check::Http(check) => http::HttpProbe::new(check).map(|probe| Prepared::Http(Box::new(probe))),
            Check::Tcp(check) => tcp::TcpProbe::new(check).map(Prepared::Tcp),
        };
        let timeout = Duration::from_millis(u64::try_from(spec.timeout_ms).unwrap_or_default());
        Self { timeout, slow_after_ms: spec.slow_after_ms, prepared }
    }

    /// Why the probe can never be tried, if so.
    pub fn problem(&self) -> Option<&str> {
        self.prepared.as_ref().err().map(String::as_str)
    }

    /// One attempt that begins at `at`, which is now.
    pub async fn attempt(&self, at: Instant) -> Attempt {
        let mut run = Run { watch: Clock::stopwatch(), phases: Phases::default() };
        let happened = match &self.prepared {
            Err(problem) => Happened::NotTried(problem.clone()),
            Ok(prepared) => {
                let limited = tokio::time::timeout(self.timeout, prepared.run(&mut run, self.timeout));
                limited.await.unwrap_or(Happened::TimedOut)
            }
        };
        let facts = Facts { phases: run.phases, total: Micros::new(run.watch.elapsed_us()), happened };
        Attempt { observation: verdict::judge(&facts, at, self.slow_after_ms), facts }
    }
}

impl Prepared {
    async fn run(&self, run: &mut Run, timeout: Duration) -> Happened {
        let ended = match self {
            Self::Http(probe) => probe.run(run, timeout).await.map(Happened::Answered),
            Self::Tcp(probe) => probe.run(run, timeout).await.map(|()| Happened::Connected),
        };
        ended.unwrap_or_else(|happened| happened)
    }
}

/// An attempt under way. Phases are written down as they end, so that those before a timeout are kept.
#[derive(Debug)]
pub struct Run {
    watch: Stopwatch,
    phases: Phases,
}

impl Run {
    fn lap(&mut self) -> Micros {
        Micros::new(self.watch.lap_us())
    }
}

#[cfg(test)]
#[path = "probe_tests.rs"]
mod tests;
