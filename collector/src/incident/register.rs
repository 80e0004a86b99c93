//! The incidents that are open or recent, in memory, rebuilt from their events at the start.
//!
//! Everything open is kept. Of what is resolved, the newest [`RESOLVED_MAX`] are kept; [`Register::known_from`] says
//! from which instant on nothing was left out, and outages before it are not decided anew.

use std::collections::BTreeMap;

use uphold_common::time::Instant;

use super::model::{Event, Incident, Number};

/// Most resolved incidents held in memory.
pub const RESOLVED_MAX: usize = 5_000;

/// The incidents that are open or recent.
#[derive(Debug, Default)]
pub struct Register {
    incidents: BTreeMap<Number, Incident>,
    highest: u64,
    forgotten_to: Option<Instant>,
    resolved: usize,
}

/// An event that cannot follow those before it: the record is damaged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("event {place} of {number} does not follow those before it")]
pub struct BadEvent {
    number: Number,
    place: u32,
}

impl Register {
    /// Takes in one event.
    pub fn apply(&mut self, event: &Event) -> Result<&Incident, BadEvent> {
        let bad = BadEvent { number: event.number, place: event.place };
        self.highest = self.highest.max(event.number.0);
        let before = self.incidents.get(&event.number).cloned();
        let was_resolved = before.as_ref().is_some_and(|i| !i.is_open());
        let after = Incident::after(before, event).ok_or(bad.clone())?;
        match (was_resolved, after.is_open()) {
            (true, true) => self.resolved -= 1,
            (false, false) => self.resolved += 1,
            _ => {}
        }
        self.incidents.insert(event.number, after);
        self.incidents.get(&event.number).ok_or(bad)
    }

    /// Forgets the oldest resolved incidents beyond [`RESOLVED_MAX`].
    pub fn forget_oldest(&mut self) {
        while self.resolved > RESOLVED_MAX {
            let oldest = self.incidents.values().find(|i| !i.is_open()).map(|i| (i.number, i.interval().end));
            let Some((number, ended)) = oldest else { return };
            self.incidents.remove(&number);
            self.resolved -= 1;
            self.forgotten_to = self.forgotten_to.max(Some(ended));
        }
    }

    /// From this instant on, no incident was left out; none when none was ever.
    pub const fn known_from(&self) -> Option<Instant> {
        self.forgotten_to
    }

    /// The number the next incident gets.
    pub const fn next_number(&self) -> Number {
        Number(self.highest + 1)
    }

    /// The incident of this number, if it is held.
    pub fn get(&self, number: Number) -> Option<&Incident> {
        self.incidents.get(&number)
    }

    /// All that are held, in order of their numbers.
    pub fn all(&self) -> impl DoubleEndedIterator<Item = &Incident> {
        self.incidents.values()
    }

    /// Those that are open, in order of their numbers.
    pub fn open(&self) -> impl Iterator<Item = &Incident> {
        self.all().filter(|incident| incident.is_open())
    }
}
