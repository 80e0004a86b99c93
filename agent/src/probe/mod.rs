//! One attempt of a probe: a specification goes in, facts come out.
//!
//! A probe says what it saw and how long each phase took, under one deadline over all of them; a timeout is a fact and
//! not an error. It does not judge: [`verdict`] does, and is pure. It does not count: the recorder does.
//!
//! An attempt never panics, holds a bounded amount of memory whatever a server sends, and ends at its deadline.

pub mod asked;
pub mod certificates;
pub mod connect;
pub mod dns;
pub mod exec;
pub mod exporter;
pub mod exposition;
mod file;
pub mod grpc;
pub mod heartbeat;
pub mod http;
mod http2;
pub mod icmp;
pub mod lines;
pub mod measured;
mod named;
pub mod noted;
pub mod perfdata;
pub mod process;
pub mod secure;
mod seen;
mod starttls;
pub mod systemd;
pub mod tcp;
pub mod tls;
pub mod verdict;
mod way;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use uphold_common::observation::{Cause, Micros, Observation, Phases, ResourceId};
use uphold_common::time::Instant;
use uphold_common::wire::assignment::ProbeSpec;
use uphold_common::wire::check::{Check, IpChoice};

use crate::accept::Accept;
use crate::clock::{Clock, Stopwatch};
use crate::heartbeats::Heartbeats;

use measured::Measured;
use noted::Noted;
use secure::Session;

pub use seen::Seen;

/// What one attempt saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The phases that were finished.
    pub phases: Phases,
    /// From the beginning of the attempt to its end, whatever the end was; of several requests, what one of them took.
    pub total: Micros,
    /// Who was connected to, if anybody was; the last of them.
    pub peer: Option<SocketAddr>,
    /// The session of TLS that was agreed, if one was; the last of them.
    pub session: Option<Session>,
    /// What was noted on the way, whatever became of the attempt.
    pub noted: Noted,
    /// What happened.
    pub happened: Happened,
}

/// What happened in one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happened {
    /// An answer came, whole or as much of it as is read.
    Answered(Answer),
    /// The name did not resolve.
    NotResolved(String),
    /// No connection could be made, or it broke.
    NotConnected(Trouble),
    /// TLS could not be agreed.
    TlsFailed(String),
    /// TLS could not be agreed because a certificate is too old.
    Expired(String),
    /// It was redirected in a circle, or too often.
    Redirected(String),
    /// What came is not of the protocol.
    NotUnderstood(String),
    /// The deadline passed.
    TimedOut,
    /// The agent could not even try.
    NotTried(String),
}

/// An answer, and how it stands against what is expected. Each kind of probe judges its own, in a pure function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its code in the words of its protocol, such as the status of HTTP; 0 without one.
    pub code: u16,
    /// How it stands against what is expected.
    pub judged: Judged,
    /// What was seen of it.
    pub seen: Seen,
}

/// How an answer stands against what is expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judged {
    /// As expected.
    Expected,
    /// It works, but not well: what is asked says so of itself.
    Degraded(Cause),
    /// Not as expected.
    Unexpected(Cause),
    /// What was asked could not say how the service is.
    NotKnown,
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
    accept: Arc<Accept>,
    target: Option<Arc<str>>,
    /// What is to be read beside the verdict.
    readings: Vec<ResourceId>,
    prepared: Result<Prepared, String>,
}

#[derive(Debug)]
enum Prepared {
    Http(Box<http::HttpProbe>),
    Tcp(Box<tcp::TcpProbe>),
    Lines(Box<lines::LinesProbe>),
    Tls(Box<tls::TlsProbe>),
    Grpc(Box<grpc::GrpcProbe>),
    Dns(Box<dns::DnsProbe>),
    Icmp(icmp::IcmpProbe),
    Exec(exec::ExecProbe),
    Prometheus(Box<exporter::PrometheusProbe>),
    Systemd(systemd::SystemdProbe),
    Process(process::ProcessProbe),
    Heartbeat(heartbeat::HeartbeatProbe),
}

/// An attempt with everything about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// What is kept of it.
    pub observation: Observation,
    /// What was seen.
    pub facts: Facts,
    /// What was read beside the verdict, each reading that is asked for.
    pub measured: Vec<Measured>,
}

impl Probe {
    /// Makes a probe ready within what its host accepts. What cannot be made ready says so in every attempt.
    pub fn new(spec: &ProbeSpec, accept: &Arc<Accept>) -> Self {
        let refused = accept.refuses_kind(spec.check.kind());
        let prepared = refused.map_or_else(|| Prepared::of(&spec.check, accept), Err);
        let target = prepared.as_ref().ok().and_then(Prepared::target).map(Into::into);
        let timeout = Duration::from_millis(u64::try_from(spec.timeout_ms).unwrap_or_default());
        let readings = spec.check.readings().iter().map(measured::resource).collect();
        Self { timeout, slow_after_ms: spec.slow_after_ms, accept: Arc::clone(accept), target, readings, prepared }
    }

    /// Listens for a job, if that is what the probe does.
    #[must_use]
    pub fn listening(mut self, spec: &ProbeSpec, heartbeats: &Arc<Heartbeats>) -> Self {
        if let Ok(Prepared::Heartbeat(probe)) = &mut self.prepared {
            probe.listen(&spec.id, heartbeats);
        }
        self
    }

    /// Why the probe can never be tried, if so.
    pub fn problem(&self) -> Option<&str> {
        self.prepared.as_ref().err().map(String::as_str)
    }

    /// Whom it speaks to, in words that are the same for every probe that speaks to them.
    pub fn target(&self) -> Option<Arc<str>> {
        self.target.clone()
    }

    /// One attempt that begins at `at`, which is now.
    pub async fn attempt(&self, at: Instant) -> Attempt {
        let (facts, measured) = self.tried(Run::new(at, Arc::clone(&self.accept)), self.timeout).await;
        let measured = measured::complete(&self.readings, measured);
        Attempt { observation: verdict::judge(&facts, at, self.slow_after_ms), facts, measured }
    }

    async fn tried(&self, mut run: Run, timeout: Duration) -> (Facts, Vec<Measured>) {
        let happened = match &self.prepared {
            Err(problem) => Happened::NotTried(problem.clone()),
            Ok(prepared) => {
                let limited = tokio::time::timeout(timeout, prepared.run(&mut run, timeout));
                limited.await.unwrap_or_else(|_| run.overdue.take().unwrap_or(Happened::TimedOut))
            }
        };
        let total = run.lasted.unwrap_or_else(|| Micros::new(run.watch.elapsed_us()));
        let Run { phases, peer, session, noted, measured, .. } = run;
        (Facts { phases, total, peer, session, noted, happened }, measured)
    }
}

impl Prepared {
    fn of(check: &Check, accept: &Accept) -> Result<Self, String> {
        match check {
            Check::Http(check) => http::HttpProbe::new(check, accept).map(|probe| Self::Http(Box::new(probe))),
            Check::Tcp(check) => tcp::TcpProbe::new(check, accept).map(|probe| Self::Tcp(Box::new(probe))),
            Check::Tls(check) => tls::TlsProbe::new(check, accept).map(|probe| Self::Tls(Box::new(probe))),
            Check::Grpc(check) => grpc::GrpcProbe::new(check, accept).map(|probe| Self::Grpc(Box::new(probe))),
            Check::Dns(check) => dns::DnsProbe::new(check).map(|probe| Self::Dns(Box::new(probe))),
            Check::Icmp(check) => icmp::IcmpProbe::new(check).map(Self::Icmp),
            Check::Systemd(check) => systemd::SystemdProbe::new(check).map(Self::Systemd),
            Check::Process(check) => process::ProcessProbe::new(check).map(Self::Process),
            Check::Exec(check) => exec::ExecProbe::new(check, &accept.commands).map(Self::Exec),
            Check::Prometheus(check) => {
                exporter::PrometheusProbe::new(check, accept).map(|probe| Self::Prometheus(Box::new(probe)))
            }
            Check::Heartbeat(check) => Ok(Self::Heartbeat(heartbeat::HeartbeatProbe::new(*check))),
            Check::Newer(_) => {
                Err(format!("this agent does not know what is asked, {}: a newer one is needed", check.kind()))
            }
        }
    }

    /// Whom it speaks to, if it speaks to anybody.
    fn target(&self) -> Option<String> {
        Some(match self {
            Self::Http(probe) => probe.target().to_string(),
            Self::Tcp(probe) => probe.target().to_string(),
            Self::Lines(probe) => probe.target().to_string(),
            Self::Tls(probe) => probe.target().to_string(),
            Self::Grpc(probe) => probe.target().to_string(),
            Self::Dns(probe) => probe.target(),
            Self::Icmp(probe) => probe.target().to_owned(),
            Self::Exec(probe) => probe.target(),
            Self::Prometheus(probe) => probe.target(),
            Self::Systemd(_) | Self::Process(_) | Self::Heartbeat(_) => return None,
        })
    }

    async fn run(&self, run: &mut Run, timeout: Duration) -> Happened {
        let ended = match self {
            Self::Http(probe) => probe.run(run, timeout).await,
            Self::Tcp(probe) => probe.run(run, timeout).await,
            Self::Lines(probe) => probe.run(run, timeout).await,
            Self::Tls(probe) => probe.run(run, timeout).await,
            Self::Grpc(probe) => probe.run(run, timeout).await,
            Self::Dns(probe) => probe.run(run, timeout).await,
            Self::Icmp(probe) => probe.run(run).await,
            Self::Systemd(probe) => probe.run(run).await,
            Self::Process(probe) => probe.run().await,
            Self::Exec(probe) => probe.run(run).await,
            Self::Prometheus(probe) => probe.run(run, timeout).await,
            Self::Heartbeat(probe) => probe.run(run),
        };
        ended.map_or_else(|happened| happened, Happened::Answered)
    }
}

/// An attempt under way. Phases are written down as they end, so that those before a timeout are kept.
#[derive(Debug)]
pub struct Run {
    /// When it began.
    at: Instant,
    watch: Stopwatch,
    phases: Phases,
    peer: Option<SocketAddr>,
    session: Option<Session>,
    noted: Noted,
    /// Of the first name's addresses only the first in this order is spoken to, in place of what the probe says.
    only_first: Option<IpChoice>,
    /// What is said when the deadline passes; none: that it passed.
    overdue: Option<Happened>,
    /// How long it took, where an attempt lasts longer than what it measures.
    lasted: Option<Micros>,
    accept: Arc<Accept>,
    measured: Vec<Measured>,
}

impl Run {
    fn new(at: Instant, accept: Arc<Accept>) -> Self {
        let (peer, session, noted, only_first) = (None, None, Noted::default(), None);
        let (watch, phases, measured) = (Clock::stopwatch(), Phases::default(), Vec::new());
        Self { at, watch, phases, peer, session, noted, only_first, overdue: None, lasted: None, accept, measured }
    }

    /// The phase ends here; one that is gone through again, as after a redirect, goes on.
    fn phase_ended(&mut self, phase: impl FnOnce(&mut Phases) -> &mut Micros) {
        let lap_us = self.watch.lap_us();
        let phase = phase(&mut self.phases);
        *phase = Micros::new(phase.get().unwrap_or_default().saturating_add(lap_us));
    }
}

/// Most characters of a text from outside that are told.
const SAID_CHARS_MAX: usize = 100;

/// A text from outside as people are told it: one short line.
fn said(text: &str) -> String {
    let plain = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    let mut short: String = text.chars().take(SAID_CHARS_MAX).map(plain).collect();
    if text.chars().nth(SAID_CHARS_MAX).is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
#[path = "probe_tests.rs"]
mod tests;
