//! An agent that behaves: one connection that it keeps, one batch at a time, the same until it is acknowledged.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use uphold_common::ids::{Id, ProbeId};
use uphold_common::observation::{Cause, Micros, Observation, Outcome as Attempt, Phases};
use uphold_common::time::Instant;
use uphold_common::wire::batch::{Batch, BatchKey, Epoch};
use uphold_common::wire::columns::Rows;
use uphold_common::wire::push::{PUSH_CONTENT_TYPE, Push};

use super::{Options, Outcome};
use crate::process::wait::{Stopwatch, rest, wall_ms};

/// Rows in each batch.
pub(super) const ROWS: u64 = 5;
/// How often a batch is due.
const EVERY: Duration = Duration::from_millis(500);
/// How long an answer may take.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(20);
/// How long to wait when a connection broke.
const BROKEN_PAUSE: Duration = Duration::from_millis(100);
/// How long a batch is tried after the flood's time is up.
const GIVE_UP_AFTER: Duration = Duration::from_mins(1);
/// Most bytes of an answer's body.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// What the collector answered.
struct Answer {
    status: u16,
    retry_after: Option<Duration>,
    closes: bool,
}

/// Pushes until the time is up; every batch that was begun is tried to its end.
pub(super) fn run(number: usize, options: &Options, began: Stopwatch) -> io::Result<Outcome> {
    let name = format!("flood-{number}");
    let token = match &options.tokens {
        Some(folder) => Some(fs::read_to_string(folder.join(&name))?.trim().to_owned()),
        None => None,
    };
    let mut outcome = Outcome::default();
    let mut kept: Option<BufReader<TcpStream>> = None;
    let epoch = Epoch((u128::try_from(wall_ms()).unwrap_or(0) << 64 | number as u128).to_be_bytes());
    let mut seq = 0;
    while began.elapsed() < options.length {
        seq += 1;
        let request = request(&push(&name, epoch, seq)?, options.address, token.as_deref());
        let first_try = Stopwatch::start();
        let mut acknowledged = false;
        while !acknowledged && began.elapsed() < options.length + GIVE_UP_AFTER {
            let pause = match exchange(&mut kept, options.address, &request) {
                Ok(Answer { status: 200, .. }) => {
                    acknowledged = true;
                    continue;
                }
                Ok(Answer { status, retry_after, .. }) => {
                    *outcome.refusals.entry(status).or_default() += 1;
                    retry_after.unwrap_or(BROKEN_PAUSE)
                }
                Err(_) => {
                    outcome.broken += 1;
                    kept = None;
                    BROKEN_PAUSE
                }
            };
            outcome.retries += 1;
            rest(pause);
        }
        if acknowledged {
            outcome.acknowledged += 1;
            outcome.took.push(first_try.elapsed());
        } else {
            outcome.lost += 1;
        }
        rest(EVERY.saturating_sub(first_try.elapsed()));
    }
    Ok(outcome)
}

/// The body of a push with some attempts of the last half second.
fn push(name: &str, epoch: Epoch, seq: u64) -> io::Result<Vec<u8>> {
    let id = |text: &str| Id::new(text).map_err(|error| io::Error::other(error.to_string()));
    let now = wall_ms();
    let row = |place: u64| Observation {
        at: Instant::from_ms(now - 100 * i64::try_from(ROWS - place).unwrap_or(0)),
        outcome: Attempt::Up,
        cause: Cause::None,
        code: 200,
        total: Micros::new(1_000),
        phases: Phases::default(),
    };
    let key = BatchKey { agent: id(name)?, epoch, seq };
    let probe = ProbeId::new(id("flood")?, id("door")?);
    let streams = vec![Rows::Probe(probe, (0..ROWS).map(row).collect())];
    let batch = Batch { key, closed_at: Instant::from_ms(now), streams, facts: Vec::new() };
    let push = Push {
        agent: id(name)?,
        epoch,
        acknowledged: seq - 1,
        kept_from: None,
        absent: None,
        backlog_batches: 0,
        backlog_oldest: None,
        sent_at: Instant::from_ms(now),
        batch: batch.encode().map_err(io::Error::other)?,
    };
    push.encode().map_err(io::Error::other)
}

fn request(body: &[u8], address: SocketAddr, token: Option<&str>) -> Vec<u8> {
    let token = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
    let head = format!(
        "POST /api/v1/push HTTP/1.1\r\nhost: {address}\r\ncontent-type: {PUSH_CONTENT_TYPE}\r\n{token}content-length: \
         {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// Sends a request on the connection that was kept, or on a new one, and reads its answer.
fn exchange(kept: &mut Option<BufReader<TcpStream>>, address: SocketAddr, request: &[u8]) -> io::Result<Answer> {
    let mut stream = kept.take().map_or_else(|| connect(address), Ok)?;
    // Whoever was turned away may still find the answer that says so.
    let sent = stream.get_mut().write_all(request);
    let answer = read_answer(&mut stream).or_else(|error| sent.and(Err(error)))?;
    if !answer.closes {
        *kept = Some(stream);
    }
    Ok(answer)
}

fn connect(address: SocketAddr) -> io::Result<BufReader<TcpStream>> {
    let stream = TcpStream::connect_timeout(&address, ANSWER_TIME_MAX)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(ANSWER_TIME_MAX))?;
    stream.set_write_timeout(Some(ANSWER_TIME_MAX))?;
    Ok(BufReader::new(stream))
}

fn read_answer(stream: &mut BufReader<TcpStream>) -> io::Result<Answer> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 || lines.len() > 100 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if line.trim_end().is_empty() {
            break;
        }
        lines.push(line.trim_end().to_ascii_lowercase());
    }
    let bad = || io::Error::new(io::ErrorKind::InvalidData, "no HTTP answer");
    let status = lines.first().and_then(|line| line.split(' ').nth(1)?.parse().ok()).ok_or_else(bad)?;
    let header = |name: &str| lines.iter().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let length: usize = header("content-length:").and_then(|length| length.parse().ok()).ok_or_else(bad)?;
    let mut body = vec![0; length.min(ANSWER_BYTES_MAX)];
    stream.read_exact(&mut body)?;
    Ok(Answer {
        status,
        retry_after: header("retry-after:").and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs),
        closes: header("connection:") == Some("close"),
    })
}
