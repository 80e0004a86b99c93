//! The pusher: takes the oldest batch out of the spool, delivers it, and only then looks at the next.
//!
//! One push is in flight at a time, so batches arrive in their order. What becomes of a batch is decided in [`mod@decide`];
//! here the decision is carried out. A push that is interrupted is made again with the same bytes under the same key,
//! which a collector that took it already recognises.

pub mod decide;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use uphold_common::ids::Id;
use uphold_common::wire::batch::Epoch;
use uphold_common::wire::push::{PUSH_CONTENT_TYPE, Push, PushAnswer};
use uphold_common::wire::retry_after;
use url::Url;

use self::decide::{Decision, Heard, RETRY_AFTER_MS_MAX, decide, held_ms, wait_ms};
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
    replay_logged: Option<(Epoch, u64)>,
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
        let (current, failures, asked_ms, told, replay_logged) = (0, 0, 0, Told::default(), None);
        Self { agent, collectors, remote, recorder, clock, metrics, current, failures, asked_ms, told, replay_logged }
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

    /// Pushes the oldest batch once.
    pub async fn step(&mut self) -> Step {
        let Some(parcel) = self.recorder.front().await else { return Step::Empty };
        let Some(collector) = self.collectors.get(self.current).or(self.collectors.first()).cloned() else {
            return Step::Empty;
        };
        let heard = self.push(&collector, &parcel).await;
        let decision = decide(&heard, parcel.seq);
        self.metrics.pushed(decision.as_str());
        if !matches!(heard, Heard::Nothing(_)) {
            self.metrics.refused(Asked::Push, matches!(decision, Decision::Hold { .. }));
        }
        match (decision, heard) {
            (Decision::Done, Heard::Answer(answer)) => self.done(&collector, &parcel, &answer).await,
            (Decision::Retry { at_least_ms, next_collector }, heard) => {
                self.tell_once(&collector, &heard, "a batch could not be delivered, and waits");
                return self.retry(at_least_ms, next_collector);
            }
            (Decision::Hold { at_least_ms }, heard) => {
                self.tell_once(&collector, &heard, "the collector refuses this agent: what it saw waits");
                return self.wait(at_least_ms, held_ms);
            }
            (decision, heard) => {
                let detail = words(&heard);
                tracing::error!(
                    seq = parcel.seq,
                    collector = shown(&collector),
                    detail,
                    "a batch was refused for good"
                );
                self.recorder.refused(parcel.epoch, parcel.seq, decision == Decision::NewEpoch).await;
            }
        }
        (self.failures, self.asked_ms) = (0, 0);
        Step::Moved
    }

    async fn push(&self, collector: &Url, parcel: &Parcel) -> Heard {
        let push = Push {
            agent: self.agent.clone(),
            epoch: parcel.epoch,
            acknowledged: parcel.acknowledged_seq,
            backlog_batches: parcel.backlog_batches,
            backlog_oldest: parcel.backlog_oldest,
            sent_at: self.clock.now(),
            batch: parcel.framed.clone(),
        };
        let body = match push.encode() {
            Ok(body) => body,
            Err(error) => return Heard::Nothing(format!("the push could not be written: {error}")),
        };
        let url = endpoint(collector, &["api", "v1", "push"]);
        match self.remote.post(url, PUSH_CONTENT_TYPE, body, ANSWER_BYTES_MAX).await {
            Ok(reply) => self.understand(&reply),
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

    async fn done(&mut self, collector: &Url, parcel: &Parcel, answer: &PushAnswer) {
        let collector = shown(collector);
        if self.told.is_over() {
            tracing::info!(collector, "batches are delivered again");
        }
        if let Some(before) = parcel.store.filter(|store| *store != answer.store) {
            tracing::warn!(collector, %before, now = %answer.store, "the collector keeps its data in another store now");
        }
        if let Some(from) = answer.replay_from {
            self.metrics.replay_requested();
            if self.replay_logged != Some((parcel.epoch, from)) {
                self.replay_logged = Some((parcel.epoch, from));
                tracing::warn!(
                    collector,
                    from,
                    "the collector misses batches it had acknowledged; this version of the agent cannot replay them"
                );
            }
        }
        self.recorder.acknowledged(parcel.epoch, parcel.seq, answer.store).await;
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
