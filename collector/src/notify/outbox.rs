//! The outbox: which message is due at which receiver, and what becomes of it. Pure; the engine owns it.
//!
//! Each receiver is told in order, one message at a time: the next goes out only after the one before was delivered
//! or given up. What is out is known in memory only, so a restart sends it again under the same id: **at least once**.
//!
//! ```text
//!              enqueue            due              settle: delivered
//!   decision ──────────▶ waiting ─────▶ out ──────────────────────────▶ gone
//!              │           ▲  │          ├── settle: failed, again later ──▶ waiting
//!              │ full      └──┼──────────┘
//!              ▼              ▼ retire   └── settle: refused, or failed for three days
//!          dead letter ◀──────┴────────────────────────┘
//! ```
//!
//! Bounds: [`OutboxPolicy::waiting_max`] messages for each receiver, beyond which the newest is refused
//! (`refuse_newest`: it becomes a dead letter, *outbox full*); [`OutboxPolicy::dead_letters_max`] dead letters in all,
//! beyond which the oldest goes. Both are counted. What people do about dead letters stands in [`super::letters`].
//!
//! Nothing changes by planning. [`super::plan`] says how plans and commits go together.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use uphold_common::catalogue::model::{Catalogue, Channel, Receiver};
use uphold_common::ids::Id;
use uphold_common::time::Instant;
use uphold_common::wire::pack::PackError;

use super::breaker::{Breaker, BreakerPolicy};
use super::entry::{DeadLetter, Entry, Key, bounded};
use super::message::{Kind, Message};
use super::plan::{Cause, Place, Plan, Step};
use super::queue::{Queue, ReceiverSnapshot};
use super::retry::RetryPolicy;
use super::verdict::Outcome;
use crate::incident::model::Number;

/// Most messages that one [`Outbox::retire`] gives up, so that its commit stays small.
pub const RETIRE_MAX: usize = 1_000;

/// The outbox's bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutboxPolicy {
    /// Most messages that wait for one receiver.
    pub waiting_max: usize,
    /// Most dead letters, over all receivers.
    pub dead_letters_max: usize,
    /// When to try again, and when to give up.
    pub retry: RetryPolicy,
    /// When to leave a receiver alone that fails again and again.
    pub breaker: BreakerPolicy,
}

impl Default for OutboxPolicy {
    fn default() -> Self {
        Self {
            waiting_max: 10_000,
            dead_letters_max: 1_000,
            retry: RetryPolicy::default(),
            breaker: BreakerPolicy::default(),
        }
    }
}

/// A message that is to be sent now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its key, by which what became of it is reported.
    pub key: Key,
    /// By what it goes.
    pub channel: Arc<Channel>,
    /// The message's id.
    pub id: String,
    /// The incident that it tells of.
    pub incident: Option<Number>,
    /// What it tells of.
    pub kind: Kind,
    /// The event, in JSON.
    pub body: String,
    /// The number of this attempt, from 1.
    pub attempt: u32,
    /// Whether an attempt may have been made whose answer nobody heard: there was one before, or the message is older than
    /// this run of the program.
    pub repeated: bool,
    /// When it was handed out.
    pub at: Instant,
    /// What an attempt with an earlier message of the incident left to be kept; the engine fills it in.
    pub kept: Option<Vec<u8>>,
}

/// A record of the outbox that could not be read. It is left where it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the record {} of the outbox is damaged: {reason}", .key.escape_ascii())]
pub struct BadRecord {
    /// Where it lies.
    pub place: Place,
    /// Its key.
    pub key: Vec<u8>,
    /// What is wrong with it.
    pub reason: String,
}

/// The messages that wait, and those that could not be delivered.
#[derive(Debug, Default)]
pub struct Outbox {
    policy: OutboxPolicy,
    queues: BTreeMap<Id, Queue>,
    /// Oldest first.
    dead: VecDeque<(Key, DeadLetter)>,
    dead_dropped: u64,
    next_order: u64,
    /// Orders below this were given before the program started.
    loaded_to: u64,
    /// Counts what was applied, so that a plan is known to be of the present.
    revision: u64,
}

impl Outbox {
    /// The outbox that was stored, and what of it could not be read.
    pub fn load(
        policy: OutboxPolicy,
        waiting: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>,
        dead: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>,
    ) -> (Self, Vec<BadRecord>) {
        let mut outbox = Self { policy, next_order: 1, ..Self::default() };
        let mut bad = Vec::new();
        for (key, value) in waiting {
            match outbox.read(&key, || Entry::unpack(&value)) {
                Ok((key, entry)) => outbox.queues.entry(key.receiver).or_default().insert(key.order, entry),
                Err(reason) => bad.push(BadRecord { place: Place::Waiting, key, reason }),
            }
        }
        let mut letters = Vec::new();
        for (key, value) in dead {
            match outbox.read(&key, || DeadLetter::unpack(&value)) {
                Ok(letter) => letters.push(letter),
                Err(reason) => bad.push(BadRecord { place: Place::Dead, key, reason }),
            }
        }
        letters.sort_by_key(|(key, letter)| (letter.died, key.order));
        outbox.dead = letters.into();
        outbox.loaded_to = outbox.next_order;
        (outbox, bad)
    }

    /// Adds messages. Each waits behind what its receiver is still to be told.
    pub fn enqueue(&self, plan: &mut Plan, messages: Vec<Message>, now: Instant) -> Result<(), PackError> {
        self.begin(plan);
        for message in messages {
            let key = Key { receiver: message.receiver.clone(), order: self.next_order.saturating_add(plan.orders) };
            plan.orders += 1;
            let entry = Entry::new(message, now);
            let added = plan.added.entry(key.receiver.clone()).or_default();
            if self.waiting(&key.receiver) + *added >= self.policy.waiting_max {
                self.bury(plan, key, entry, "outbox full", Cause::OutboxFull, now)?;
                continue;
            }
            *added += 1;
            plan.put(Place::Waiting, &key, Some(entry.pack()?), true);
            plan.steps.push(Step::Enqueue(key, entry));
        }
        Ok(())
    }

    /// The messages to send now, at most one for each receiver. From here on they are out, until they are settled.
    pub fn due(&mut self, catalogue: &Catalogue, now: Instant) -> Vec<Delivery> {
        // Of a receiver that left the catalogue nothing is shown any more once nothing waits for it.
        self.queues.retain(|id, queue| !queue.is_empty() || channel(catalogue, id).is_some());
        let (longest_ms, policy) = (self.policy.retry.longest_ms(), self.policy.breaker);
        let ready = |entry: &Entry| entry.not_before <= now || entry.not_before.since_ms(now) > longest_ms;
        let due = self.queues.iter_mut().filter_map(|(id, queue)| {
            let channel = channel(catalogue, id)?;
            if !queue.breaker.lets(&policy, now) {
                return None;
            }
            let (order, entry) = queue.take(ready)?;
            Some(Delivery {
                key: Key { receiver: id.clone(), order },
                channel: Arc::clone(channel),
                id: entry.id.clone(),
                incident: entry.incident,
                kind: entry.kind,
                body: entry.body.clone(),
                attempt: entry.attempts.saturating_add(1),
                repeated: entry.attempts > 0 || entry.again || order < self.loaded_to,
                at: now,
                kept: None,
            })
        });
        due.collect()
    }

    /// Settles a message that is out, and notes what its receiver gave; `random` spreads the next attempt. A message that
    /// is not out is left alone: it was settled already.
    pub fn settle(
        &self,
        plan: &mut Plan,
        key: &Key,
        (outcome, kept): (&Outcome, Option<&[u8]>),
        now: Instant,
        random: u32,
    ) -> Result<(), PackError> {
        self.begin(plan);
        let out = self.queues.get(&key.receiver).and_then(|queue| queue.out(key.order));
        let Some(entry) = out.filter(|_| plan.gone.insert(key.clone())) else { return Ok(()) };
        if let (Some(kept), Some(incident)) = (kept, entry.incident) {
            plan.keep(&key.receiver, incident, kept.to_vec());
        }
        let Outcome::Failed { retryable, retry_after_ms, error } = outcome else {
            plan.put(Place::Waiting, key, None, true);
            plan.steps.push(Step::Deliver(key.clone()));
            return Ok(());
        };
        // Whoever says when to come again is well, and is to be asked then.
        if retry_after_ms.is_none() {
            let breaker = self.queues.get(&key.receiver).map_or(Breaker::default(), |queue| queue.breaker);
            let breaker = breaker.failed(&self.policy.breaker, now, random);
            plan.steps.push(Step::Failed(key.receiver.clone(), breaker));
        }
        let attempts = entry.attempts.saturating_add(1);
        let mut entry = Entry { attempts, ..entry.clone() };
        let retry = &self.policy.retry;
        if *retryable && !retry.gives_up(entry.created, now, attempts) {
            entry.not_before = now.plus_ms(retry.wait_ms(attempts, *retry_after_ms, random));
            plan.put(Place::Waiting, key, Some(entry.pack()?), false);
            plan.steps.push(Step::Retry(key.clone(), entry, error.clone()));
            return Ok(());
        }
        plan.put(Place::Waiting, key, None, true);
        self.bury(plan, key.clone(), entry, error, Cause::Failed, now)
    }

    /// Gives up what waits for receivers that the catalogue no longer tells in messages, but for what is out just then, and
    /// at most [`RETIRE_MAX`] at once: to be called at each tick, it is cheap when there is nothing to do.
    pub fn retire(&self, plan: &mut Plan, catalogue: &Catalogue, now: Instant) -> Result<(), PackError> {
        self.begin(plan);
        let gone = self.queues.iter().filter(|(id, _)| channel(catalogue, id).is_none());
        let messages = gone.flat_map(|(id, queue)| {
            queue.resting().map(|(order, entry)| (Key { receiver: id.clone(), order }, entry.clone()))
        });
        for (key, entry) in messages.take(RETIRE_MAX) {
            if plan.gone.insert(key.clone()) {
                plan.put(Place::Waiting, &key, None, true);
                let reason = "the receiver is no longer in the catalogue as one that is told in messages";
                self.bury(plan, key, entry, reason, Cause::Retired, now)?;
            }
        }
        Ok(())
    }

    /// Makes a plan so, once its changes are committed.
    pub fn apply(&mut self, plan: Plan) {
        if plan.is_empty() {
            return;
        }
        debug_assert_eq!(plan.revision, Some(self.revision), "one plan at a time");
        self.revision += 1;
        self.next_order = self.next_order.saturating_add(plan.orders);
        for step in plan.steps {
            match step {
                Step::Enqueue(key, entry) => self.queue(&key).insert(key.order, entry),
                Step::Deliver(key) => self.queue(&key).delivered(key.order),
                Step::Retry(key, entry, error) => {
                    let queue = self.queue(&key);
                    queue.failed(&error);
                    queue.put_back(key.order, entry);
                }
                Step::Failed(receiver, breaker) => self.queues.entry(receiver).or_default().breaker = breaker,
                Step::Forget(key) => self.dead.retain(|(known, _)| *known != key),
                Step::Bury(key, letter, cause) => {
                    let queue = self.queue(&key);
                    if cause == Cause::Failed {
                        queue.failed(&letter.reason);
                    }
                    queue.buried(key.order, cause == Cause::OutboxFull);
                    self.dead.push_back((key, letter));
                }
            }
        }
        self.dead.drain(..plan.dead_dropped.min(self.dead.len()));
        self.dead_dropped += u64::try_from(plan.dead_dropped).unwrap_or(u64::MAX);
    }

    /// Plans to forget the dead letters that were given up before an instant, at most `most` of them.
    pub fn forget_dead(&self, plan: &mut Plan, before: Instant, most: usize) {
        plan.revision.get_or_insert(self.revision);
        let old = self.dead.iter().take_while(|(_, letter)| letter.died < before);
        for (key, _) in old.take(most) {
            plan.put(Place::Dead, key, None, true);
            plan.steps.push(Step::Forget(key.clone()));
        }
    }

    /// The incident that a message tells of which is out.
    pub fn incident_out(&self, key: &Key) -> Option<Number> {
        self.queues.get(&key.receiver)?.out(key.order)?.incident
    }

    /// What is shown of the receivers: those that the catalogue tells in messages, and others for which something still waits.
    pub fn snapshot(&self, catalogue: &Catalogue) -> Vec<ReceiverSnapshot> {
        let nothing = Queue::default();
        let told = catalogue.receivers.values().filter(|receiver| receiver.channel().is_some());
        let mut ids: Vec<&Id> = told.map(|receiver| &receiver.id).chain(self.queues.keys()).collect();
        ids.sort_unstable();
        ids.dedup();
        let kept = |id: &Id| self.dead.iter().filter(|(key, _)| key.receiver == *id).count();
        let shown = |id: &Id| ReceiverSnapshot {
            letters_kept: kept(id),
            ..self.queues.get(id).unwrap_or(&nothing).snapshot(id)
        };
        ids.into_iter().map(shown).collect()
    }

    /// The dead letters that are kept, oldest first.
    pub fn dead_letters(&self) -> impl ExactSizeIterator<Item = &(Key, DeadLetter)> {
        self.dead.iter()
    }

    /// How many dead letters made room for newer ones since the program started.
    pub const fn dead_letters_dropped(&self) -> u64 {
        self.dead_dropped
    }

    /// Reads one record. Its order is never given again, even if the rest of it cannot be read.
    fn read<T>(&mut self, key: &[u8], unpack: impl FnOnce() -> Result<T, PackError>) -> Result<(Key, T), String> {
        let key = Key::from_bytes(key).ok_or("its key is none of the outbox")?;
        self.next_order = self.next_order.max(key.order.saturating_add(1));
        let value = unpack().map_err(|error| error.to_string())?;
        Ok((key, value))
    }

    pub(super) const fn next_order(&self) -> u64 {
        self.next_order
    }

    pub(super) fn has_room(&self, receiver: &Id) -> bool {
        self.waiting(receiver) < self.policy.waiting_max
    }

    pub(super) fn begin(&self, plan: &mut Plan) {
        let revision = *plan.revision.get_or_insert(self.revision);
        debug_assert_eq!(revision, self.revision, "one plan at a time");
    }

    fn queue(&mut self, key: &Key) -> &mut Queue {
        self.queues.entry(key.receiver.clone()).or_default()
    }

    fn waiting(&self, receiver: &Id) -> usize {
        self.queues.get(receiver).map_or(0, Queue::len)
    }

    fn bury(
        &self,
        plan: &mut Plan,
        key: Key,
        entry: Entry,
        reason: &str,
        cause: Cause,
        now: Instant,
    ) -> Result<(), PackError> {
        let letter = DeadLetter { entry, reason: bounded(reason), died: now };
        plan.put(Place::Dead, &key, Some(letter.pack()?), true);
        plan.dead_added.push_back(key.clone());
        plan.steps.push(Step::Bury(key, letter, cause));
        while self.dead.len() + plan.dead_added.len() - plan.dead_dropped.min(self.dead.len())
            > self.policy.dead_letters_max
        {
            if let Some((oldest, _)) = self.dead.get(plan.dead_dropped) {
                plan.put(Place::Dead, oldest, None, true);
            } else if let Some(own) = plan.dead_added.pop_front() {
                plan.withhold(Place::Dead, &own);
            }
            plan.dead_dropped += 1;
        }
        Ok(())
    }
}

/// By what the messages of a receiver go; none if it is not told in messages.
fn channel<'c>(catalogue: &'c Catalogue, receiver: &Id) -> Option<&'c Arc<Channel>> {
    catalogue.receivers.get(receiver).and_then(Receiver::channel)
}

#[cfg(test)]
#[path = "outbox_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "outbox_hour_tests.rs"]
mod hour;

#[cfg(test)]
#[path = "outbox_model_tests.rs"]
mod model;
