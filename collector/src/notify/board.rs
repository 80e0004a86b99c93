//! What is shown of what the loops beside the outbox do: of the Alertmanagers and heartbeats that they tell, and of the looks at
//! tickets. Written by them, read by whoever makes a snapshot.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use uphold_common::catalogue::model::Catalogue;
use uphold_common::ids::Id;

use crate::snapshot::{LooksSnapshot, StateReceiverSnapshot};

/// The board. What is counted is counted since the program started, or since the receiver is as it is.
#[derive(Clone, Debug, Default)]
pub struct Board(Arc<Mutex<Noted>>);

#[derive(Debug, Default)]
struct Noted {
    told: BTreeMap<Id, StateReceiverSnapshot>,
    looks: BTreeMap<Id, LooksSnapshot>,
}

impl Board {
    /// Those of the catalogue that are told again and again; one that was not told yet has nothing to show.
    pub fn shown(&self, catalogue: &Catalogue) -> BTreeMap<Id, StateReceiverSnapshot> {
        let known = &self.noted().told;
        let receivers = catalogue.receivers.values().filter(|receiver| receiver.state().is_some());
        receivers.map(|one| (one.id.clone(), known.get(&one.id).cloned().unwrap_or_default())).collect()
    }

    /// Changes what is shown of one.
    pub fn note(&self, receiver: &Id, change: impl FnOnce(&mut StateReceiverSnapshot)) {
        change(self.noted().told.entry(receiver.clone()).or_default());
    }

    /// Shows nothing more of one.
    pub fn forget(&self, receiver: &Id) {
        self.noted().told.remove(receiver);
    }

    /// The looks at the tickets of a receiver; none if there were none.
    pub fn looks(&self, receiver: &Id) -> Option<LooksSnapshot> {
        self.noted().looks.get(receiver).cloned()
    }

    /// Changes what is shown of the looks at the tickets of one.
    pub fn note_look(&self, receiver: &Id, change: impl FnOnce(&mut LooksSnapshot)) {
        change(self.noted().looks.entry(receiver.clone()).or_default());
    }

    /// Shows the looks of these alone.
    pub fn keep_looks(&self, of: impl Fn(&Id) -> bool) {
        self.noted().looks.retain(|id, _| of(id));
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
