//! The names that agents' batches came with, to hold the next ones against: see `uphold_common::wire::sheet`.
//!
//! Only names of batches that were kept come here, so strangers cannot fill it, and there are [`NAMES_MAX`] at most:
//! beyond that some agents' are forgotten, and learnt again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use uphold_common::ids::Id;
use uphold_common::wire::sheet::{Names, extended};

/// Most names that are held.
const NAMES_MAX: usize = 1 << 18;

/// The names of each agent's streams.
#[derive(Clone, Debug, Default)]
pub struct KnownNames(Arc<Mutex<Lists>>);

#[derive(Debug, Default)]
struct Lists {
    of: HashMap<Id, Names>,
    names: usize,
}

impl KnownNames {
    /// The names to hold a batch of an agent against.
    pub fn of(&self, agent: &Id) -> Option<Names> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).of.get(agent).cloned()
    }

    /// A batch of an agent was kept that came with these names.
    pub fn kept(&self, agent: &Id, names: &Names) {
        // Others read meanwhile, so nothing is reckoned under the lock.
        if let Some(list) = extended(self.of(agent).as_ref(), names) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).put(agent, list);
        }
    }
}

impl Lists {
    fn put(&mut self, agent: &Id, list: Names) {
        self.names += list.len();
        self.names -= self.of.insert(agent.clone(), list).map_or(0, |before| before.len());
        while self.names > NAMES_MAX
            && let Some(other) = self.of.keys().find(|other| *other != agent).cloned()
        {
            self.names -= self.of.remove(&other).map_or(0, |list| list.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use uphold_common::ids::PathId;
    use uphold_common::wire::sheet::StreamName;

    use super::*;

    fn id(text: &str) -> Id {
        Id::new(text).unwrap()
    }

    fn list(count: usize) -> Names {
        (0..count).map(|i| StreamName::Probe(PathId::new(id("shop"), id(&format!("probe-{i}"))))).collect()
    }

    #[test]
    fn names_are_learnt_and_bounded() {
        let known = KnownNames::default();
        assert!(known.of(&id("a")).is_none());
        known.kept(&id("a"), &list(2));
        let first = known.of(&id("a")).unwrap();
        known.kept(&id("a"), &list(1));
        assert!(Arc::ptr_eq(&first, &known.of(&id("a")).unwrap()), "nothing was new");
        for agent in 0..=NAMES_MAX / 4_000 {
            known.kept(&id(&format!("agent-{agent}")), &list(4_000));
        }
        let lists = known.0.lock().unwrap();
        assert!(lists.names <= NAMES_MAX && lists.names > NAMES_MAX / 2);
        assert_eq!(lists.names, lists.of.values().map(|list| list.len()).sum::<usize>());
    }
}
