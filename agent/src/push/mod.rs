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
use uphold_common::wire::push::{PUSH_CONTENT_TYPE, Problem, Push, PushAnswer};
use uphold_common::wire::retry_after;
use url::Url;

use self::decide::{Decision, Heard, RETRY_AFTER_MS_MAX, backoff_ms, decide};
use crate::clock::Clock;
use crate::config::shown;
use crate::metrics::Metrics;
use crate::recorder::Recorder;
use crate::remote::{Remote, Reply, endpoint};
use crate::spool::Parcel;
use crate::stop::Stop;

/// Most bytes of an answer that are read.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Most characters of a refusal that are logged.
const DETAIL_CHARS_MAX: usize = 300;

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
    hold_ms: u64,
    logged: Option<String>,
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
    pub const fn new(
        agent: Id,
        collectors: Vec<Url>,
        remote: Remote,
        recorder: Recorder,
        clock: Arc<Clock>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let (current, failures, hold_ms, logged, replay_logged) = (0, 0, 0, None, None);
        Self { agent, collectors, remote, recorder, clock, metrics, current, failures, hold_ms, logged, replay_logged }
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
                    Step::Wait { ms } => tokio::time::sleep(Duration::from_millis(ms)).await,
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
        match (decision, heard) {
            (Decision::Done, Heard::Answer(answer)) => self.done(&collector, &parcel, &answer).await,
            (Decision::Retry { at_least_ms, next_collector }, heard) => {
                self.log_once(&collector, &heard);
                return self.retry(at_least_ms, next_collector);
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
        (self.failures, self.hold_ms) = (0, 0);
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
        let problem: Option<Problem> = serde_json::from_slice(&reply.body).ok();
        let detail = problem.map_or_else(String::new, |problem| format!("{}: {}", problem.title, problem.detail));
        Heard::Refusal {
            status: reply.status,
            retry_after_ms: reply
                .retry_after
                .as_deref()
                .and_then(|text| retry_after::wait_ms(text, self.clock.now(), RETRY_AFTER_MS_MAX)),
            detail: detail.chars().filter(|c| !c.is_control()).take(DETAIL_CHARS_MAX).collect(),
        }
    }

    async fn done(&mut self, collector: &Url, parcel: &Parcel, answer: &PushAnswer) {
        let collector = shown(collector);
        if self.logged.take().is_some() {
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
        self.hold_ms = self.hold_ms.max(u64::try_from(at_least_ms).unwrap_or_default());
        if next_collector && self.collectors.len() > 1 {
            self.current = (self.current + 1) % self.collectors.len();
            if self.current != 0 {
                return Step::Moved;
            }
        }
        self.failures = self.failures.saturating_add(1);
        // Without randomness the longest wait is the polite one.
        let random = getrandom::u64().unwrap_or(u64::MAX);
        let ms = backoff_ms(self.failures, random).max(std::mem::take(&mut self.hold_ms));
        Step::Wait { ms }
    }

    /// Says once why nothing is delivered, and again when the reason is another.
    fn log_once(&mut self, collector: &Url, heard: &Heard) {
        let detail = words(heard);
        if self.logged.as_ref() != Some(&detail) {
            tracing::warn!(collector = shown(collector), detail, "a batch could not be delivered, and waits");
            self.logged = Some(detail);
        }
    }
}

fn words(heard: &Heard) -> String {
    match heard {
        Heard::Answer(answer) => format!("it acknowledged seq {} instead", answer.acknowledged),
        Heard::Refusal { status, detail, .. } => format!("status {status} {detail}").trim_end().to_owned(),
        Heard::Nothing(text) => text.clone(),
    }
}

#[cfg(test)]
#[path = "push_tests.rs"]
mod tests;
