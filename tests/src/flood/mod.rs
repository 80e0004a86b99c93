//! A flood: connections that drip or say nothing, as many as they like, beside agents that behave.
//!
//! It starts no server and is bounded in number and time. The crowd opens again what the server closes, at a bounded
//! rate. Each agent keeps a connection, pushes a small batch every half second, repeats the same batch until it is
//! acknowledged, and obeys `Retry-After`; how long that took, from the first try on, is what the flood is about.

mod agent;
mod crowd;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::process::wait::{Stopwatch, rest};

/// Most connections of the crowd that one thread looks after.
const CONNECTIONS_PER_THREAD: usize = 1_000;

/// What the flood is told.
#[derive(Clone, Debug)]
pub struct Options {
    /// The collector's port.
    pub address: SocketAddr,
    /// Connections that send a byte of a request head or of a push body each second.
    pub dripping: usize,
    /// Connections that say nothing.
    pub idle: usize,
    /// Agents that behave.
    pub agents: usize,
    /// For how long agents begin new batches.
    pub length: Duration,
    /// A folder with a token for each agent in a file of its name, if they need one.
    pub tokens: Option<PathBuf>,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Batches that were acknowledged.
    pub acknowledged: u64,
    /// Batches that were not, however often they were pushed.
    pub lost: u64,
    /// Pushes beyond the first of a batch.
    pub retries: u64,
    /// Connections that broke or ended while a push was under way.
    pub broken: u64,
    /// Refusals, by their status.
    pub refusals: BTreeMap<u16, u64>,
    /// From the first push of a batch to its acknowledgement, in order of length.
    pub took: Vec<Duration>,
    /// Connections that the crowd opened.
    pub opened: u64,
    /// Connections that the crowd could not open, and why the last of them.
    pub not_opened: (u64, Option<String>),
}

impl Outcome {
    /// Rows in each batch.
    pub const ROWS_PER_BATCH: u64 = agent::ROWS;

    /// The length that this many in a hundred did not exceed.
    pub fn percentile(&self, percent: usize) -> Duration {
        let last = self.took.len().saturating_sub(1);
        self.took.get(last * percent / 100).copied().unwrap_or_default()
    }

    fn add(&mut self, other: Self) {
        self.acknowledged += other.acknowledged;
        self.lost += other.lost;
        self.retries += other.retries;
        self.broken += other.broken;
        for (status, count) in other.refusals {
            *self.refusals.entry(status).or_default() += count;
        }
        self.took.extend(other.took);
        self.opened += other.opened;
        self.not_opened.0 += other.not_opened.0;
        self.not_opened.1 = other.not_opened.1.or(self.not_opened.1.take());
    }
}

/// Runs the flood to its end: the crowd comes first, then the agents.
pub fn run(options: &Options) -> io::Result<Outcome> {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let mut crowd = Vec::new();
        for (kind, mut count) in [(crowd::Kind::Dripping, options.dripping), (crowd::Kind::Idle, options.idle)] {
            while count > 0 {
                let some = count.min(CONNECTIONS_PER_THREAD);
                count -= some;
                let over = &over;
                crowd.push(scope.spawn(move || crowd::run(kind, some, options.address, over)));
            }
        }
        let began = Stopwatch::start();
        let agents: Vec<_> = (1..=options.agents)
            .map(|number| {
                // They do not all push at the same instant.
                rest(Duration::from_millis(500) / u32::try_from(options.agents).unwrap_or(u32::MAX));
                scope.spawn(move || agent::run(number, options, began))
            })
            .collect();
        let mut outcome = Outcome::default();
        let mut failed = Ok(());
        for agent in agents {
            match agent.join() {
                Ok(Ok(one)) => outcome.add(one),
                Ok(Err(error)) => failed = Err(error),
                Err(_) => failed = Err(io::Error::other("an agent panicked")),
            }
        }
        over.store(true, Ordering::Relaxed);
        for some in crowd {
            outcome.add(some.join().unwrap_or_default());
        }
        outcome.took.sort_unstable();
        failed.map(|()| outcome)
    })
}
