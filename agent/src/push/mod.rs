//! The pusher: takes the oldest batch out of the spool, delivers it, and only then looks at the next.
//!
//! One push is in flight at a time, so batches arrive in their order. What becomes of a batch is decided in [`mod@decide`];
//! here the decision is carried out. A push that is interrupted is made again with the same bytes under the same key,
//! which a collector that took it already recognises.
//!
//! Several collectors are several ways to one store. The first of them says which store it is; another is used only if it
//! has the same one as acknowledged last, so that what an agent saw never lies in two places by halves.
//!
//! When nothing waits, what a collector asked for again is sent, as [`replay`] says. A collector that does not know the
//! newest version of a push is given one as version 1 has it, and asked again later whether it does by now.

mod answered;
pub mod decide;
mod offset;
mod replay;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use uphold_common::ids::Id;
use uphold_common::time::Instant;
use uphold_common::wire::batch::Epoch;
use uphold_common::wire::push::{PUSH_CONTENT_TYPE, Push};
use uphold_common::wire::retry_after;
use url::Url;

use self::decide::{Decision, Heard, RETRY_AFTER_MS_MAX, decide, held_ms, wait_ms};
use self::offset::Offsets;
use self::replay::{Due, Replay};
use crate::clock::Clock;
use crate::config::shown;
use crate::metrics::{Asked, Metrics};
use crate::recorder::Recorder;
use crate::refusal::{Refusal, Told};
use crate::remote::{Remote, Reply, endpoint};
use crate::spool::Parcel;
use crate::stop::Stop;

/// Most bytes of an answer that are read.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// For how long a collector is taken to know no newer version, once it has said so.
const OLDER_MS: i64 = 10 * 60_000;

/// Delivers what the spool holds.
#[derive(Debug)]
pub struct Pusher {
    agent: Id,
    collectors: Vec<Url>,
    remote: Remote,
    recorder: Recorder,
    clock: Arc<Clock>,
    metrics: Arc<Metrics>,
    /// Which of the collectors is tried.
    current: usize,
    failures: u32,
    /// The longest wait that a collector asked for in this round.
    asked_ms: u64,
    told: Told,
    replay: Replay,
    /// How often in a row a batch could not be sent again.
    replay_failures: u32,
    /// Which collector acknowledged last, and for which store.
    confirmed: Option<(usize, Epoch)>,
    offsets: Offsets,
    /// The collectors, by their places, that do not know the newest version, and when they said so.
    older: BTreeMap<usize, Instant>,
}

/// What one step of the pusher came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing waits, or the recorder is gone.
    Empty,
    /// The queue moved on, or another collector is to be tried: go on at once.
    Moved,
    /// The same again, after this long.
    Wait {
        /// Milliseconds.
        ms: u64,
    },
    /// What was asked for again, after this long, or what waits as soon as something does.
    Pause {
        /// Milliseconds.
        ms: u64,
    },
}

impl Pusher {
    /// A pusher to these collectors.
    pub fn new(
        agent: Id,
        collectors: Vec<Url>,
        remote: Remote,
        recorder: Recorder,
        clock: Arc<Clock>,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            agent,
            collectors,
            remote,
            recorder,
            clock,
            metrics,
            current: 0,
            failures: 0,
            asked_ms: 0,
            told: Told::default(),
            replay: Replay::default(),
            replay_failures: 0,
            confirmed: None,
            offsets: Offsets::default(),
            older: BTreeMap::new(),
        }
    }

    /// Delivers until `stop` is set; `wake` changes when something new waits.
    pub async fn run(&mut self, mut wake: watch::Receiver<u64>, mut stop: Stop) {
        loop {
            // Seen before the spool is looked at, so that what comes in between wakes.
            wake.mark_unchanged();
            let came_to = tokio::select! {
                () = stop.asked() => return,
                came_to = self.step() => came_to,
            };
            let pause = async {
                match came_to {
                    Step::Moved => {}
                    // An error means that the recorder is gone; then `stop` follows.
                    Step::Empty if wake.changed().await.is_ok() => {}
                    Step::Empty => std::future::pending().await,
                    Step::Pause { ms } => {
                        let sleep = tokio::time::sleep(Duration::from_millis(ms));
                        tokio::select! {
                            () = sleep => {}
                            Ok(()) = wake.changed() => {}
                        }
                    }
                    Step::Wait { ms } => {
                        let sleep = tokio::time::sleep(Duration::from_millis(ms));
                        // The assignment is asked for more often than a refused agent pushes, and finds a new token first.
                        tokio::select! {
                            () = sleep => {}
                            () = self.remote.token_replaced() => {}
                        }
                    }
                }
            };
            tokio::select! {
                () = stop.asked() => return,
                () = pause => {}
            }
        }
    }

    /// Delivers what it can without waiting: the last round before the end.
    pub async fn drain(&mut self) {
        while self.step().await == Step::Moved {}
    }

    /// Pushes the oldest batch once; when none waits, one that was asked for again.
    pub async fn step(&mut self) -> Step {
        let Some(collector) = self.collectors.get(self.current).or(self.collectors.first()).cloned() else {
            return Step::Empty;
        };
        let Some(parcel) = self.recorder.front(self.replay.asked()).await else { return self.again(&collector).await };
        if !self.has_our_store(&collector, parcel.store).await {
            return self.retry(0, true);
        }
        let (decision, heard) = self.pushed(&collector, &parcel).await;
        match (decision, heard) {
            (Decision::Done, Heard::Answer(answer)) => {
                self.confirmed = Some((self.current, answer.store));
                self.done(&collector, &parcel, &answer, false);
                self.recorder.acknowledged(parcel.epoch, parcel.seq, answer.store).await;
            }
            (Decision::Older, _) => {}
            (Decision::Retry { at_least_ms, next_collector }, heard) => {
                self.tell_once(&collector, &heard, "a batch could not be delivered, and waits");
                return self.retry(at_least_ms, next_collector);
            }
            (Decision::Hold { at_least_ms }, heard) => {
                self.tell_once(&collector, &heard, "the collector refuses this agent: what it saw waits");
                return self.wait(at_least_ms, held_ms);
            }
            (decision, heard) => {
                tell_refused(&collector, &parcel, &heard);
                self.recorder.refused(parcel.epoch, parcel.seq, decision == Decision::NewEpoch).await;
                if decision == Decision::NewEpoch {
                    self.replay = Replay::default();
                }
            }
        }
        (self.failures, self.asked_ms) = (0, 0);
        Step::Moved
    }

    /// Sends once what was asked for again. Whatever comes of it, what waits is not held up by it.
    async fn again(&mut self, collector: &Url) -> Step {
        let from = match self.replay.due(self.clock.now()) {
            Due::Nothing => return Step::Empty,
            Due::In { ms } => return Step::Pause { ms },
            Due::Now { from } => from,
        };
        let Some(parcel) = self.recorder.again(from).await else {
            self.replay.in_vain();
            return Step::Empty;
        };
        let (decision, heard) = self.pushed(collector, &parcel).await;
        let failures = self.replay_failures.saturating_add(1);
        let random = getrandom::u64().unwrap_or(u64::MAX);
        let wait_ms = match (decision, heard) {
            (Decision::Done, Heard::Answer(answer)) => {
                self.replay_failures = 0;
                self.metrics.replayed();
                self.done(collector, &parcel, &answer, true);
                return self.paused();
            }
            (Decision::Older, _) => return Step::Moved,
            (Decision::Retry { at_least_ms, .. }, heard) => {
                self.tell_once(collector, &heard, "a batch could not be sent again, and waits");
                wait_ms(failures, whole(at_least_ms), random)
            }
            (Decision::Hold { at_least_ms }, heard) => {
                self.tell_once(collector, &heard, "the collector refuses this agent: what it asked for waits");
                held_ms(failures, whole(at_least_ms), random)
            }
            (_, heard) => {
                tell_refused(collector, &parcel, &heard);
                self.recorder.refused_again(parcel.epoch, parcel.seq).await;
                0
            }
        };
        self.replay_failures = if wait_ms > 0 { failures } else { 0 };
        self.replay.failed(wait_ms, self.clock.now());
        self.paused()
    }

    fn paused(&self) -> Step {
        match self.replay.due(self.clock.now()) {
            Due::Nothing => Step::Empty,
            Due::In { ms } => Step::Pause { ms },
            Due::Now { .. } => Step::Pause { ms: 0 },
        }
    }

    /// Pushes a batch once, and says what becomes of it.
    async fn pushed(&mut self, collector: &Url, parcel: &Parcel) -> (Decision, Heard) {
        let older = self.is_older();
        let heard = self.push(collector, parcel, older).await;
        let decision = decide(&heard, parcel.seq, older);
        self.metrics.pushed(decision.as_str());
        match &heard {
            // Whoever did not answer may be somebody newer when they do.
            Heard::Nothing(_) => drop(self.older.remove(&self.current)),
            _ => self.metrics.refused(Asked::Push, matches!(decision, Decision::Hold { .. })),
        }
        if decision == Decision::Older {
            self.older.insert(self.current, self.clock.now());
            let collector = shown(collector);
            tracing::info!(collector, "the collector is older than this agent: it is spoken to as it understands");
        }
        (decision, heard)
    }

    /// Whether the collector has said lately that it does not know the newest version.
    fn is_older(&self) -> bool {
        let lately = |said: &Instant| (0..OLDER_MS).contains(&self.clock.now().since_ms(*said));
        self.older.get(&self.current).is_some_and(lately)
    }

    async fn push(&mut self, collector: &Url, parcel: &Parcel, older: bool) -> Heard {
        let sent_at = self.clock.now();
        let push = Push {
            agent: self.agent.clone(),
            epoch: parcel.epoch,
            acknowledged: parcel.acknowledged_seq,
            kept_from: parcel.kept_from,
            absent: parcel.absent,
            backlog_batches: parcel.backlog_batches,
            backlog_oldest: parcel.backlog_oldest,
            sent_at,
            batch: parcel.framed.clone(),
        };
        let body = match if older { push.encode_version_1() } else { push.encode() } {
            Ok(body) => body,
            Err(error) => return Heard::Nothing(format!("the push could not be written: {error}")),
        };
        let url = endpoint(collector, &["api", "v1", "push"]);
        match self.remote.post(url, PUSH_CONTENT_TYPE, body, ANSWER_BYTES_MAX).await {
            Ok(reply) => {
                let heard = self.understand(&reply);
                if let Heard::Answer(answer) = &heard {
                    self.offset(sent_at, answer);
                }
                heard
            }
            Err(error) => Heard::Nothing(error.to_string()),
        }
    }

    fn understand(&self, reply: &Reply) -> Heard {
        if reply.status == 200 {
            return match serde_json::from_slice(&reply.body) {
                Ok(answer) => Heard::Answer(answer),
                Err(error) => Heard::Nothing(format!("the answer is not a collector's: {error}")),
            };
        }
        let asked = reply.retry_after.as_deref();
        let retry_after_ms = asked.and_then(|text| retry_after::wait_ms(text, self.clock.now(), RETRY_AFTER_MS_MAX));
        Heard::Refusal { refusal: Refusal::of(reply), retry_after_ms }
    }

    /// Every collector is tried once before the agent waits.
    fn retry(&mut self, at_least_ms: i64, next_collector: bool) -> Step {
        if next_collector && self.collectors.len() > 1 {
            self.current = (self.current + 1) % self.collectors.len();
            if self.current != 0 {
                self.asked_ms = self.asked_ms.max(whole(at_least_ms));
                return Step::Moved;
            }
        }
        self.wait(at_least_ms, wait_ms)
    }

    fn wait(&mut self, at_least_ms: i64, how_long_ms: fn(u32, u64, u64) -> u64) -> Step {
        let asked_ms = std::mem::take(&mut self.asked_ms).max(whole(at_least_ms));
        self.failures = self.failures.saturating_add(1);
        // Without randomness the longest wait is the polite one.
        let random = getrandom::u64().unwrap_or(u64::MAX);
        Step::Wait { ms: how_long_ms(self.failures, asked_ms, random) }
    }

    /// Says once why nothing is delivered, and again when the reason is another.
    fn tell_once(&mut self, collector: &Url, heard: &Heard, what: &'static str) {
        let (collector, detail) = (shown(collector), words(heard));
        let sort = match heard {
            Heard::Refusal { refusal, .. } => refusal.sort(),
            Heard::Answer(_) | Heard::Nothing(_) => detail.clone(),
        };
        if self.told.is_news(&collector, sort) {
            tracing::warn!(collector, detail, "{what}");
        }
    }
}

fn tell_refused(collector: &Url, parcel: &Parcel, heard: &Heard) {
    let (collector, detail) = (shown(collector), words(heard));
    tracing::error!(seq = parcel.seq, collector, detail, "a batch was refused for good");
}

fn words(heard: &Heard) -> String {
    match heard {
        Heard::Answer(answer) => format!("it acknowledged seq {} instead", answer.acknowledged),
        Heard::Refusal { refusal, .. } => refusal.to_string(),
        Heard::Nothing(text) => text.clone(),
    }
}

fn whole(ms: i64) -> u64 {
    u64::try_from(ms).unwrap_or_default()
}

#[cfg(test)]
#[path = "push_tests.rs"]
mod tests;

#[cfg(test)]
mod replay_tests;
