//! An agent that behaves: one connection that it keeps, one batch at a time, the same until it is acknowledged.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use uphold_common::ids::{Id, ProbeId};
use uphold_common::observation::{Cause, Micros, Observation, Outcome as Attempt, Phases};
use uphold_common::time::Instant;
use uphold_common::wire::batch::{Batch, BatchKey, Epoch};
use uphold_common::wire::columns::Rows;
use uphold_common::wire::push::{PUSH_CONTENT_TYPE, Push};

use super::{Options, Outcome};
use crate::process::kept::{Answer, Kept};
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

/// Pushes until the time is up; every batch that was begun is tried to its end.
pub(super) fn run(number: usize, options: &Options, began: Stopwatch) -> io::Result<Outcome> {
    let name = format!("flood-{number}");
    let token = match &options.tokens {
        Some(folder) => Some(fs::read_to_string(folder.join(&name))?.trim().to_owned()),
        None => None,
    };
    let mut outcome = Outcome::default();
    let mut connection = Kept::to(options.address, ANSWER_TIME_MAX);
    let epoch = Epoch((u128::try_from(wall_ms()).unwrap_or(0) << 64 | number as u128).to_be_bytes());
    let mut seq = 0;
    while began.elapsed() < options.length {
        seq += 1;
        let request = request(&push(&name, epoch, seq)?, options.address, token.as_deref());
        let first_try = Stopwatch::start();
        let mut acknowledged = false;
        while !acknowledged && began.elapsed() < options.length + GIVE_UP_AFTER {
            let pause = match connection.exchange(&request) {
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
