//! The recorder: the one decider of the agent. It alone owns the open batch and the spool.
//!
//! It is a thread, because writing and syncing files blocks, and hears everything over one bounded channel. Who sends
//! an observation waits while the channel is full; then the probes' attempts stay open and further ones are skipped and
//! counted. It takes what is waiting, then closes the batch if it is due; losses become facts of the next batch.
//!
//! [`Recorder`] is the handle that everybody else holds.

mod measured;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use tokio::sync::{mpsc, oneshot, watch};
use uphold_common::ids::{Id, ProbeId};
use uphold_common::time::Instant;
use uphold_common::wire::assignment::{Assignment, CAPACITY_INTERVAL_MS};
use uphold_common::wire::batch::{AgentFact, Epoch};
use uphold_common::wire::builder::{BATCH_AGE_MS_MAX, BatchBuilder, BatchLimits, Content, Row};

use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::probe::measured::Measured;
use crate::spool::{Losses, Parcel, Spool};

/// Messages that wait for the recorder; when there are more, their senders wait.
const MESSAGES_MAX: usize = 1_024;
/// Messages that are taken before the batch is looked at: probes that change together share a batch.
const MESSAGES_TOGETHER: usize = 256;

enum Message {
    Observed(Row),
    Read(Vec<Row>),
    Measured(Instant, Vec<Measured>),
    Skipped(u64),
    Said(AgentFact),
    Assigned(Arc<Assignment>),
    Tick,
    Front { asked: Option<u64>, reply: oneshot::Sender<Option<Parcel>> },
    Again { from: u64, reply: oneshot::Sender<Option<Parcel>> },
    RefusedAgain { epoch: Epoch, seq: u64, done: oneshot::Sender<()> },
    Acknowledged { epoch: Epoch, seq: u64, store: Epoch, done: oneshot::Sender<()> },
    Refused { epoch: Epoch, seq: u64, new_epoch: bool, done: oneshot::Sender<()> },
    Close(oneshot::Sender<()>),
    Stop(oneshot::Sender<()>),
    End,
}

/// The handle of the recorder.
#[derive(Clone, Debug)]
pub struct Recorder {
    sender: mpsc::Sender<Message>,
    wake: watch::Receiver<u64>,
    spool_writable: Arc<AtomicBool>,
}

impl Recorder {
    /// Starts the recorder's thread, which ends when it is told to, or when the last handle is gone.
    pub fn start(spool: Spool, clock: Arc<Clock>, metrics: Arc<Metrics>) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (sender, receiver) = mpsc::channel(MESSAGES_MAX);
        let (woken, wake) = watch::channel(0);
        let spool_writable = Arc::new(AtomicBool::new(true));
        let builder = BatchBuilder::new(BatchLimits::default());
        let (probes, hosts, unread) = (BTreeMap::new(), BTreeSet::new(), BTreeMap::new());
        let writable = Arc::clone(&spool_writable);
        let desk = Desk { builder, spool, clock, metrics, probes, hosts, unread, woken, writable };
        let thread = thread::Builder::new().name("recorder".to_owned()).spawn(move || desk.run(receiver))?;
        Ok((Self { sender, wake, spool_writable }, thread))
    }

    /// A channel that changes when something new waits in the spool.
    pub fn wake(&self) -> watch::Receiver<u64> {
        self.wake.clone()
    }

    /// Whether the last batch could be kept.
    pub fn spool_writable(&self) -> bool {
        self.spool_writable.load(Ordering::Relaxed)
    }

    /// Keeps a row of a probe.
    pub async fn observed(&self, row: Row) {
        self.send(Message::Observed(row)).await;
    }

    /// Keeps everything that was read of the host at once.
    pub async fn read(&self, rows: Vec<Row>) {
        self.send(Message::Read(rows)).await;
    }

    /// Counts attempts that were not made; `false` when the recorder is too busy to hear it now.
    pub fn skipped(&self, attempts: u64) -> bool {
        self.sender.try_send(Message::Skipped(attempts)).is_ok()
    }

    /// Says something of the agent itself; what finds the channel full is not said.
    pub fn said(&self, fact: AgentFact) {
        let _ = self.sender.try_send(Message::Said(fact));
    }

    /// Tells what is observed from now on.
    pub async fn assigned(&self, assignment: Arc<Assignment>) {
        self.send(Message::Assigned(assignment)).await;
    }

    /// Lets time pass; a tick that finds the channel full is not needed.
    pub fn tick(&self) {
        let _ = self.sender.try_send(Message::Tick);
    }

    /// The oldest batch that waits; `asked` is from which seq on a collector wants what was acknowledged.
    pub async fn front(&self, asked: Option<u64>) -> Option<Parcel> {
        let (reply, answer) = oneshot::channel();
        self.send(Message::Front { asked, reply }).await;
        answer.await.ok().flatten()
    }

    /// The first batch that was acknowledged and is kept, from a seq on.
    pub async fn again(&self, from: u64) -> Option<Parcel> {
        let (reply, answer) = oneshot::channel();
        self.send(Message::Again { from, reply }).await;
        answer.await.ok().flatten()
    }

    /// A collector refused for good what it was sent again.
    pub async fn refused_again(&self, epoch: Epoch, seq: u64) {
        let (done, answer) = oneshot::channel();
        self.send(Message::RefusedAgain { epoch, seq, done }).await;
        let _ = answer.await;
    }

    /// A collector holds this batch now.
    pub async fn acknowledged(&self, epoch: Epoch, seq: u64, store: Epoch) {
        let (done, answer) = oneshot::channel();
        self.send(Message::Acknowledged { epoch, seq, store, done }).await;
        let _ = answer.await;
    }

    /// A collector refused this batch for good.
    pub async fn refused(&self, epoch: Epoch, seq: u64, new_epoch: bool) {
        let (done, answer) = oneshot::channel();
        self.send(Message::Refused { epoch, seq, new_epoch, done }).await;
        let _ = answer.await;
    }

    /// Closes the open batch and puts it into the spool.
    pub async fn close(&self) {
        let (done, answer) = oneshot::channel();
        self.send(Message::Close(done)).await;
        let _ = answer.await;
    }

    /// Says that the agent ends as it was asked to, and puts everything into the spool.
    pub async fn stop(&self) {
        let (done, answer) = oneshot::channel();
        self.send(Message::Stop(done)).await;
        let _ = answer.await;
    }

    /// Ends the recorder's thread, whoever still holds a handle.
    pub async fn end(&self) {
        self.send(Message::End).await;
    }

    async fn send(&self, message: Message) {
        if self.sender.send(message).await.is_err() {
            // Nothing is kept any more; whoever asks for readiness must hear it.
            self.spool_writable.store(false, Ordering::Relaxed);
        }
    }
}

/// The recorder's own side.
struct Desk {
    builder: BatchBuilder,
    spool: Spool,
    clock: Arc<Clock>,
    metrics: Arc<Metrics>,
    /// The probes that are assigned, with their intervals.
    probes: BTreeMap<ProbeId, i64>,
    hosts: BTreeSet<Id>,
    /// Why readings are not made that should be.
    unread: measured::Unread,
    woken: watch::Sender<u64>,
    writable: Arc<AtomicBool>,
}

impl Desk {
    fn run(mut self, mut receiver: mpsc::Receiver<Message>) {
        self.show_spool();
        let (at, in_order) = (self.clock.now(), self.spool.ended_in_order());
        self.add_fact(AgentFact::Started { at, in_order }, at);
        while let Some(mut message) = receiver.blocking_recv() {
            let now = self.clock.now();
            // What was taken out of the channel is always dealt with: the last of a round takes nothing more out.
            for left in (0..MESSAGES_TOGETHER).rev() {
                if matches!(message, Message::End) {
                    return;
                }
                self.take(message, now);
                if left == 0 {
                    break;
                }
                let Ok(next) = receiver.try_recv() else { break };
                message = next;
            }
            self.look(now);
        }
    }

    /// Says what happened, and closes the batch if it is due.
    fn look(&mut self, now: Instant) {
        self.report(now);
        if self.builder.is_due(now) {
            let content = self.builder.close();
            self.spool(content, now);
        }
    }

    fn take(&mut self, message: Message, now: Instant) {
        match message {
            Message::Observed(row) => self.add(row, now),
            Message::Read(rows) => {
                self.metrics.read(&rows);
                for row in rows {
                    self.add(row, now);
                }
            }
            Message::Measured(at, measured) => self.measured(at, measured, now),
            Message::Skipped(attempts) => {
                self.metrics.skipped(attempts);
                self.add_fact(AgentFact::Skipped { attempts }, now);
            }
            Message::Said(fact) => self.add_fact(fact, now),
            Message::Assigned(assignment) => self.assign(&assignment),
            Message::Tick | Message::End => {}
            // An asker that went away needs no answer.
            Message::Front { asked, reply } => drop(reply.send(self.spool.front(asked))),
            Message::Again { from, reply } => drop(reply.send(self.spool.again(from))),
            Message::RefusedAgain { epoch, seq, done } => {
                if epoch == self.spool.epoch() {
                    let written = self.spool.refuse_again(seq);
                    self.settle(written);
                }
                let _ = done.send(());
            }
            Message::Acknowledged { epoch, seq, store, done } => {
                if epoch == self.spool.epoch() {
                    let written = self.spool.acknowledge(seq, store, now);
                    self.settle(written);
                }
                let _ = done.send(());
            }
            Message::Refused { epoch, seq, new_epoch, done } => {
                if epoch == self.spool.epoch() {
                    let written = self.spool.refuse(seq);
                    let written = if new_epoch { written.and(self.spool.new_epoch()) } else { written };
                    self.settle(written);
                }
                let _ = done.send(());
            }
            Message::Close(done) => {
                self.close(now);
                let _ = done.send(());
            }
            Message::Stop(done) => {
                self.add_fact(AgentFact::Stopped { at: now }, now);
                self.close(now);
                self.spool.end();
                let _ = done.send(());
            }
        }
    }

    fn close(&mut self, now: Instant) {
        self.report(now);
        let content = self.builder.close();
        self.spool(content, now);
    }

    fn add(&mut self, row: Row, now: Instant) {
        let interval_ms = match &row {
            Row::Probe(probe, _) => self.probes.get(probe).copied().unwrap_or(BATCH_AGE_MS_MAX),
            Row::Capacity(..) | Row::Volume(..) => CAPACITY_INTERVAL_MS,
        };
        if let Row::Probe(probe, observation) = &row
            && self.probes.contains_key(probe)
        {
            self.metrics.observed(probe, observation);
        }
        match self.builder.add(row, interval_ms, now) {
            Ok(full) => self.spool(full, now),
            Err(error) => {
                self.metrics.not_later();
                tracing::debug!(%error, "a row was not kept");
            }
        }
    }

    fn add_fact(&mut self, fact: AgentFact, now: Instant) {
        let full = self.builder.add_fact(fact, now);
        self.spool(full, now);
    }

    fn assign(&mut self, assignment: &Assignment) {
        self.probes = assignment.probes.iter().map(|spec| (spec.id.clone(), spec.interval_ms)).collect();
        self.hosts = assignment.hosts.iter().cloned().collect();
        self.builder.forget_unless(|probe| self.probes.contains_key(probe), |host| self.hosts.contains(host));
        self.metrics.forget_unless(|probe| self.probes.contains_key(probe));
        self.assign_readings(assignment);
        if self.hosts.is_empty() {
            self.metrics.read(&[]);
        }
    }

    /// Keeps a closed batch. When that fails its rows are lost, but its facts stay to be told later.
    fn spool(&mut self, content: Option<Content>, now: Instant) {
        let Some(content) = content else { return };
        let facts = content.facts.clone();
        match self.spool.append(content, now) {
            Ok(_) => {
                self.settle(Ok(()));
                self.woken.send_modify(|count| *count = count.wrapping_add(1));
            }
            Err(error) => {
                self.settle(Err(error));
                for fact in facts {
                    // More facts than a batch holds have no place to wait in.
                    let _ = self.builder.add_fact(fact, now);
                }
            }
        }
    }

    /// Turns what happened to clock and spool into facts and counts.
    fn report(&mut self, now: Instant) {
        let (steps, steps_total) = self.clock.take_steps();
        self.metrics.clock_steps(steps_total);
        for step in steps {
            tracing::warn!(by_ms = step.by_ms, "the wall clock was stepped");
            self.add_fact(AgentFact::ClockStep { at: step.at, by_ms: step.by_ms }, now);
        }
        let losses = self.spool.take_losses();
        if losses == Losses::default() {
            return;
        }
        self.metrics.lost(&losses);
        tracing::warn!(
            dropped_batches = losses.dropped_batches,
            dropped_rows = losses.dropped_rows,
            corrupt_files = losses.corrupt_files,
            refused_batches = losses.refused_batches,
            "the spool lost batches"
        );
        if losses.dropped_batches > 0 {
            let (batches, rows) = (losses.dropped_batches, losses.dropped_rows);
            self.add_fact(
                match losses.dropped_span {
                    Some((from, to)) => AgentFact::Dropped { batches, rows, from, to },
                    None => AgentFact::SpoolOverflow { batches, rows },
                },
                now,
            );
        }
        if losses.corrupt_files > 0 {
            self.add_fact(AgentFact::SpoolCorrupt { batches: losses.corrupt_files }, now);
        }
        if losses.refused_batches > 0 {
            self.add_fact(AgentFact::Quarantined { batches: losses.refused_batches }, now);
        }
        for fact in losses.dropped_facts {
            self.add_fact(fact, now);
        }
    }

    /// Says once that the disk refuses, and once that it takes again.
    fn settle(&self, written: Result<(), crate::spool::SpoolError>) {
        let before = self.writable.swap(written.is_ok(), Ordering::Relaxed);
        match written {
            Err(error) if before => tracing::error!(%error, "the spool could not be written"),
            Ok(()) if !before => tracing::info!("the spool can be written again"),
            _ => {}
        }
        self.show_spool();
    }

    fn show_spool(&self) {
        self.metrics.spool(self.spool.level(), self.writable.load(Ordering::Relaxed));
    }
}

#[cfg(test)]
#[path = "recorder_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "hour_tests.rs"]
mod hour_tests;
