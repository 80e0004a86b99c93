//! What is shown of the Alertmanagers and heartbeats: written by the loop that tells them, read by whoever makes a snapshot.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use uphold_common::catalogue::model::Catalogue;
use uphold_common::ids::Id;

use crate::snapshot::StateReceiverSnapshot;

/// The board. What is counted is counted since the program started, or since the receiver is as it is.
#[derive(Clone, Debug, Default)]
pub struct Board(Arc<Mutex<BTreeMap<Id, StateReceiverSnapshot>>>);

impl Board {
    /// Those of the catalogue that are told again and again; one that was not told yet has nothing to show.
    pub fn shown(&self, catalogue: &Catalogue) -> BTreeMap<Id, StateReceiverSnapshot> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let receivers = catalogue.receivers.values().filter(|receiver| receiver.state().is_some());
        receivers.map(|one| (one.id.clone(), known.get(&one.id).cloned().unwrap_or_default())).collect()
    }

    /// Changes what is shown of one.
    pub fn note(&self, receiver: &Id, change: impl FnOnce(&mut StateReceiverSnapshot)) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(known.entry(receiver.clone()).or_default());
    }

    /// Shows nothing more of one.
    pub fn forget(&self, receiver: &Id) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(receiver);
    }
}
