//! One receiver's messages in their order, and what is shown of the receiver.

use std::collections::BTreeMap;

use uphold_common::ids::Id;
use uphold_common::time::Instant;

use super::breaker::Breaker;
use super::entry::{Entry, bounded};

/// What is shown of a receiver. What is counted is counted since the program started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiverSnapshot {
    /// The receiver.
    pub receiver: Id,
    /// How many messages wait for it.
    pub waiting: usize,
    /// When the first of them was put into the outbox.
    pub waiting_since: Option<Instant>,
    /// How many were delivered.
    pub delivered: u64,
    /// How many attempts failed.
    pub failed_attempts: u64,
    /// How many messages were given up, for whatever reason.
    pub dead_letters: u64,
    /// How many of the dead letters that are kept are its own, whenever they were given up.
    pub letters_kept: usize,
    /// Whether it failed so often in a row that it is only probed.
    pub breaker_open: bool,
    /// Those of them that were given up because the outbox was full.
    pub refused: u64,
    /// Why the last attempt failed; none after one that did not.
    pub last_error: Option<String>,
}

/// One receiver's messages.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: BTreeMap<u64, Entry>,
    /// The order of the message that is out. In memory only: after a restart it is sent again.
    in_flight: Option<u64>,
    delivered: u64,
    failed_attempts: u64,
    dead_letters: u64,
    refused: u64,
    last_error: Option<String>,
    pub(super) breaker: Breaker,
}

impl Queue {
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn insert(&mut self, order: u64, entry: Entry) {
        self.waiting.insert(order, entry);
    }

    /// The message of this order, if it is the one that is out.
    pub(super) fn out(&self, order: u64) -> Option<&Entry> {
        if self.in_flight == Some(order) { self.waiting.get(&order) } else { None }
    }

    /// All messages but the one that is out.
    pub(super) fn resting(&self) -> impl Iterator<Item = (u64, &Entry)> {
        self.waiting.iter().map(|(order, entry)| (*order, entry)).filter(|(order, _)| self.in_flight != Some(*order))
    }

    /// The first message, if none is out and `ready` says that it may go; from now on it is out.
    pub(super) fn take(&mut self, ready: impl Fn(&Entry) -> bool) -> Option<(u64, &Entry)> {
        let (order, entry) = self.waiting.first_key_value()?;
        if self.in_flight.is_some() || !ready(entry) {
            return None;
        }
        self.in_flight = Some(*order);
        Some((*order, entry))
    }

    pub(super) fn delivered(&mut self, order: u64) {
        self.remove(order);
        self.delivered += 1;
        self.breaker = Breaker::default();
        self.last_error = None;
    }

    pub(super) fn failed(&mut self, error: &str) {
        self.failed_attempts += 1;
        self.last_error = Some(bounded(error));
    }

    /// The message is to be tried again, as `entry` says.
    pub(super) fn put_back(&mut self, order: u64, entry: Entry) {
        self.remove(order);
        self.waiting.insert(order, entry);
    }

    /// The message was given up; it may never have waited.
    pub(super) fn buried(&mut self, order: u64, refused: bool) {
        self.remove(order);
        self.dead_letters += 1;
        self.refused += u64::from(refused);
    }

    pub(super) fn snapshot(&self, receiver: &Id) -> ReceiverSnapshot {
        ReceiverSnapshot {
            receiver: receiver.clone(),
            waiting: self.waiting.len(),
            waiting_since: self.waiting.values().next().map(|entry| entry.created),
            delivered: self.delivered,
            failed_attempts: self.failed_attempts,
            dead_letters: self.dead_letters,
            letters_kept: 0,
            breaker_open: self.breaker.is_open(),
            refused: self.refused,
            last_error: self.last_error.clone(),
        }
    }

    fn remove(&mut self, order: u64) {
        self.waiting.remove(&order);
        if self.in_flight == Some(order) {
            self.in_flight = None;
        }
    }
}
