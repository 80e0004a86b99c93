//! What one commit is to change in the outbox, before it is so.
//!
//! The outbox changes in memory only after the store has committed: the engine makes a [`Plan`], lets the outbox write
//! into it, commits [`Plan::changes`] with whatever else belongs to the commit, and then gives the plan to
//! [`super::outbox::Outbox::apply`]. When the commit fails the plan is dropped and nothing has happened. Several asks
//! may go into one plan. There is one plan at a time: it is applied or dropped before the next is made.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use uphold_common::ids::Id;

use super::breaker::Breaker;
use super::entry::{DeadLetter, Entry, Key, kept_key};
use crate::incident::model::Number;

/// Where a record of the outbox lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// It waits to be delivered.
    Waiting,
    /// It could not be delivered.
    Dead,
    /// No message: what a receiver is to be reminded of with the next one about an incident.
    Kept,
}

/// A change to one record of the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxChange {
    /// Where the record lies.
    pub place: Place,
    /// Its key.
    pub key: Vec<u8>,
    /// Its new value; none removes it.
    pub value: Option<Vec<u8>>,
    /// Whether the change has to be durable before anything else happens. The count of attempts and the next one's
    /// time need not be: without them a message is only tried a little sooner.
    pub durable: bool,
}

/// What one commit is to change in the outbox.
#[derive(Debug, Default)]
pub struct Plan {
    /// The outbox's revision that the plan was made for, from the first step on.
    pub(super) revision: Option<u64>,
    /// What happens, in order.
    pub(super) steps: Vec<Step>,
    /// Messages that were settled or buried by this plan: they are settled once.
    pub(super) gone: BTreeSet<Key>,
    /// How many messages it adds for each receiver.
    pub(super) added: BTreeMap<Id, usize>,
    /// How many orders it gives away.
    pub(super) orders: u64,
    /// The dead letters it adds and does not drop again.
    pub(super) dead_added: VecDeque<Key>,
    /// How many dead letters it drops, of those it found and then of its own.
    pub(super) dead_dropped: usize,
    changes: BTreeMap<(Place, Vec<u8>), OutboxChange>,
}

/// What happens to one message.
#[derive(Debug)]
pub(super) enum Step {
    Enqueue(Key, Entry),
    Deliver(Key),
    Retry(Key, Entry, String),
    Bury(Key, DeadLetter, Cause),
    /// The receiver failed once more.
    Failed(Id, Breaker),
    /// A dead letter goes.
    Forget(Key),
}

/// Why a message became a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The receiver refused it for good, or it failed for too long.
    Failed,
    /// Too many messages were waiting for its receiver.
    OutboxFull,
    /// Its receiver is no longer in the catalogue.
    Retired,
}

impl Plan {
    /// Whether there is nothing to commit.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Whether the commit has to be durable.
    pub fn is_durable(&self) -> bool {
        self.changes.values().any(|change| change.durable)
    }

    /// What the commit changes: each record once.
    pub fn changes(&self) -> impl Iterator<Item = &OutboxChange> {
        self.changes.values()
    }

    /// The messages that it gives up, for the log.
    pub fn dead_letters(&self) -> impl Iterator<Item = (&Key, &DeadLetter)> {
        self.steps.iter().filter_map(|step| match step {
            Step::Bury(key, letter, _) => Some((key, letter)),
            _ => None,
        })
    }

    pub(super) fn put(&mut self, place: Place, key: &Key, value: Option<Vec<u8>>, durable: bool) {
        self.put_under(place, key.to_bytes(), value, durable);
    }

    /// Notes what a receiver gave for an incident.
    pub(super) fn keep(&mut self, receiver: &Id, incident: Number, value: Vec<u8>) {
        self.put_under(Place::Kept, kept_key(receiver, incident), Some(value), true);
    }

    fn put_under(&mut self, place: Place, key: Vec<u8>, value: Option<Vec<u8>>, durable: bool) {
        let durable = durable || self.changes.get(&(place, key.clone())).is_some_and(|before| before.durable);
        self.changes.insert((place, key.clone()), OutboxChange { place, key, value, durable });
    }

    /// Takes back a record that it would have written and that was not there before.
    pub(super) fn withhold(&mut self, place: Place, key: &Key) {
        self.changes.remove(&(place, key.to_bytes()));
    }
}
