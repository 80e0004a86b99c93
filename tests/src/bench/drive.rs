//! Drives the load: each connection has some of the agents and sends their pushes, one after the other.
//!
//! As many connections as there are wait for an answer at any moment, which is what a collector sees of many agents. A
//! push that is to come again comes again when it was said to; any other refusal ends the run, since a value that was
//! not taken would make everything else look cheap. All agents stay within ten minutes of the load's time.

use std::io;
use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use indicatif::ProgressBar;
use uphold_common::ids::Id;
use uphold_common::time::Instant;
use uphold_common::wire::batch::{Batch, BatchKey, Epoch};
use uphold_common::wire::columns::Rows;
use uphold_common::wire::push::{PUSH_CONTENT_TYPE, Push};

use super::chance::Lognormal;
use super::estate::{Agent, Estate, Shape, after};
use super::remote_write::RemoteWrite;
use super::server::Dialect;
use crate::process::kept::{Answer, Kept};
use crate::process::wait::{Stopwatch, rest};

/// How many pushes of each agent are sent before the slowest connection is waited for.
const PUSHES_TOGETHER: u64 = 20;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_mins(2);
/// How long to wait when a push is to come again and it is not said when.
const PAUSE: Duration = Duration::from_millis(100);
/// For how long one push is sent again before the run is given up.
const GIVE_UP_AFTER: Duration = Duration::from_mins(5);

/// What was sent.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sent {
    /// Values that were acknowledged.
    pub(super) values: u64,
    /// Requests that were acknowledged.
    pub(super) requests: u64,
    /// Bytes of their bodies.
    pub(super) body_bytes: u64,
    /// Requests that had to come again.
    pub(super) again: u64,
    /// From the first request to the last answer.
    pub(super) wall: Duration,
}

impl Sent {
    fn add(&mut self, other: Self) {
        self.values += other.values;
        self.requests += other.requests;
        self.body_bytes += other.body_bytes;
        self.again += other.again;
    }
}

/// One connection with what it needs to send pushes.
pub(super) struct Sender {
    connection: Kept,
    address: SocketAddr,
    dialect: Dialect,
    remote_write: RemoteWrite,
}

/// Sends so many pushes of each agent over so many connections.
pub(super) fn drive(
    estate: &mut Estate,
    shape: Shape,
    pushes: u64,
    senders: &mut [Sender],
    progress: &ProgressBar,
) -> io::Result<Sent> {
    let began = Stopwatch::start();
    let mut sent = Sent::default();
    let mut left = pushes;
    while left > 0 {
        let now = left.min(PUSHES_TOGETHER);
        sent.add(send_some(estate, shape, now, senders, progress)?);
        left -= now;
    }
    Ok(Sent { wall: began.elapsed(), ..sent })
}

fn send_some(
    estate: &mut Estate,
    shape: Shape,
    pushes: u64,
    senders: &mut [Sender],
    progress: &ProgressBar,
) -> io::Result<Sent> {
    let Estate { agents, durations, next } = estate;
    let (first, durations) = (*next, &*durations);
    let each = agents.len().div_ceil(senders.len().max(1));
    let sent = thread::scope(|scope| {
        let connections: Vec<_> = senders
            .iter_mut()
            .zip(agents.chunks_mut(each))
            .map(|(sender, agents)| {
                let values = shape.values_per_push();
                scope.spawn(move || sender.send_all(agents, durations, (first, pushes), values, progress))
            })
            .collect();
        let mut sent = Sent::default();
        for connection in connections {
            sent.add(connection.join().map_err(|_| io::Error::other("a connection's thread panicked"))??);
        }
        Ok::<Sent, io::Error>(sent)
    })?;
    *next = after(first, pushes);
    Ok(sent)
}

impl Sender {
    /// A connection to a server that takes this dialect.
    pub(super) fn to(address: SocketAddr, dialect: Dialect) -> Self {
        Self { connection: Kept::to(address, PATIENCE), address, dialect, remote_write: RemoteWrite::new() }
    }

    fn send_all(
        &mut self,
        agents: &mut [Agent],
        durations: &Lognormal,
        (first, pushes): (Instant, u64),
        values: u64,
        progress: &ProgressBar,
    ) -> io::Result<Sent> {
        let mut sent = Sent::default();
        for push in 0..pushes {
            for agent in &mut *agents {
                let streams = agent.see(after(first, push), durations);
                agent.pushed += 1;
                let one = self.send(&agent.name, agent.epoch, agent.pushed, after(first, push + 1), streams)?;
                sent.add(Sent { values, ..one });
                progress.inc(values);
            }
        }
        Ok(sent)
    }

    /// Sends one push until it is acknowledged.
    pub(super) fn send(
        &mut self,
        agent: &Id,
        epoch: Epoch,
        seq: u64,
        closed_at: Instant,
        streams: Vec<Rows>,
    ) -> io::Result<Sent> {
        let body = match self.dialect {
            Dialect::Push => push(BatchKey { agent: agent.clone(), epoch, seq }, closed_at, streams)?,
            Dialect::RemoteWrite => self.remote_write.body(agent, &streams)?,
        };
        let request = request(self.dialect, self.address, &body);
        let mut sent = Sent { requests: 1, body_bytes: body.len() as u64, ..Sent::default() };
        let began = Stopwatch::start();
        loop {
            let Answer { status, retry_after, body, .. } = self.connection.exchange(&request)?;
            match status {
                200..=299 => return Ok(sent),
                429 | 503 if began.elapsed() < GIVE_UP_AFTER => {
                    sent.again += 1;
                    rest(retry_after.unwrap_or(PAUSE));
                }
                _ => {
                    let why = String::from_utf8_lossy(&body);
                    return Err(io::Error::other(format!("a push was answered {status}: {why}")));
                }
            }
        }
    }
}

/// The body of a push to a collector.
fn push(key: BatchKey, closed_at: Instant, streams: Vec<Rows>) -> io::Result<Vec<u8>> {
    let (agent, epoch, acknowledged) = (key.agent.clone(), key.epoch, key.seq.saturating_sub(1));
    let batch = Batch { key, closed_at, streams, facts: Vec::new() };
    let push = Push {
        agent,
        epoch,
        acknowledged,
        kept_from: None,
        absent: None,
        backlog_batches: 0,
        backlog_oldest: None,
        sent_at: closed_at,
        batch: batch.encode().map_err(io::Error::other)?,
    };
    push.encode().map_err(io::Error::other)
}

fn request(dialect: Dialect, address: SocketAddr, body: &[u8]) -> Vec<u8> {
    let (path, content) = match dialect {
        Dialect::Push => ("/api/v1/push", format!("content-type: {PUSH_CONTENT_TYPE}\r\n")),
        Dialect::RemoteWrite => (
            "/api/v1/write",
            "content-type: application/x-protobuf\r\ncontent-encoding: snappy\r\nx-prometheus-remote-write-version: \
             0.1.0\r\n"
                .to_owned(),
        ),
    };
    let length = body.len();
    let head = format!("POST {path} HTTP/1.1\r\nhost: {address}\r\n{content}content-length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}
