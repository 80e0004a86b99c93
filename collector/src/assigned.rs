//! What each agent was ever assigned: the streams that its token may push.
//!
//! ```text
//! Assigned   key agent 00 kind:u8 name   value number of the catalogue's version that assigned it first (8 bytes, big endian)
//! ```
//!
//! Ever, not now: what an agent observed under an older catalogue may still lie in its spool, and is evidence.

use std::collections::{BTreeMap, BTreeSet};

use uphold_common::catalogue::assign;
use uphold_common::catalogue::model::Catalogue;
use uphold_common::ids::{Id, PathId, ProbeId};
use uphold_common::wire::sheet::{RowsOf, Sheet};

use crate::store::{KeyRange, RecordChange, RecordKind, Store, StoreError};

/// Most records that are read at once.
const PAGE_RECORDS: usize = 1_000;

/// Something that an agent may be assigned.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Task {
    Probe(ProbeId),
    Host(Id),
}

/// What each agent was ever assigned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assigned(BTreeMap<Id, BTreeSet<Task>>);

impl Assigned {
    /// Reads what is on record.
    pub fn load(store: &dyn Store) -> Result<Self, StoreError> {
        let mut assigned = Self::default();
        let mut range = KeyRange::all();
        loop {
            let page = store.records(RecordKind::Assigned, &range, PAGE_RECORDS)?;
            let Some((last, _)) = page.last() else { return Ok(assigned) };
            range = range.after(last.clone());
            for (agent, task) in page.iter().filter_map(|(key, _)| read_key(key)) {
                assigned.0.entry(agent).or_default().insert(task);
            }
        }
    }

    /// Takes in what `catalogue` assigns, and gives the records of what is new in it.
    pub fn extend(&mut self, catalogue: &Catalogue, version: u64) -> Vec<RecordChange> {
        let mut changes = Vec::new();
        for agent in assign::agents(catalogue) {
            let assignment = assign::assignment(catalogue, &agent);
            let probes = assignment.probes.into_iter().map(|spec| Task::Probe(spec.id));
            let known = self.0.entry(agent.clone()).or_default();
            for task in probes.chain(assignment.hosts.into_iter().map(Task::Host)) {
                let key = key_of(&agent, &task);
                if known.insert(task) {
                    let value = Some(version.to_be_bytes().to_vec());
                    changes.push(RecordChange { kind: RecordKind::Assigned, key, value });
                }
            }
        }
        changes
    }

    /// Whether `agent` was ever assigned anything.
    pub fn knows(&self, agent: &Id) -> bool {
        self.0.contains_key(agent)
    }

    /// All agents that were ever assigned anything.
    pub fn agents(&self) -> impl Iterator<Item = &Id> {
        self.0.keys()
    }

    /// Every probe, with the agents that were ever assigned it.
    pub fn probes(&self) -> BTreeMap<ProbeId, Vec<Id>> {
        let mut probes: BTreeMap<ProbeId, Vec<Id>> = BTreeMap::new();
        for (agent, task) in self.0.iter().flat_map(|(agent, tasks)| tasks.iter().map(move |task| (agent, task))) {
            if let Task::Probe(probe) = task {
                probes.entry(probe.clone()).or_default().push(agent.clone());
            }
        }
        probes
    }

    /// Every host, with an agent that was ever assigned it.
    pub fn hosts(&self) -> BTreeMap<Id, Id> {
        let all = self.0.iter().flat_map(|(agent, tasks)| tasks.iter().map(move |task| (agent, task)));
        all.filter_map(|(agent, task)| match task {
            Task::Host(host) => Some((host.clone(), agent.clone())),
            Task::Probe(_) => None,
        })
        .collect()
    }

    /// The first stream of `batch` that its agent was never assigned.
    pub fn stranger(&self, batch: &Sheet) -> Option<String> {
        let known = self.0.get(&batch.key.agent);
        let assigned = |task: &Task| known.is_some_and(|known| known.contains(task));
        batch.streams().find_map(|(_, rows)| match rows {
            RowsOf::Probe(probe, _) => (!assigned(&Task::Probe(probe.clone()))).then(|| format!("the probe {probe}")),
            RowsOf::Capacity(of, _) => {
                (!assigned(&Task::Host(of.host.clone()))).then(|| format!("the host {}", of.host))
            }
            RowsOf::Volume(of, _) => (!assigned(&Task::Host(of.host.clone()))).then(|| format!("the host {}", of.host)),
        })
    }
}

fn key_of(agent: &Id, task: &Task) -> Vec<u8> {
    let (kind, name) = match task {
        Task::Probe(probe) => (b'p', probe.to_string()),
        Task::Host(host) => (b'h', host.to_string()),
    };
    [agent.as_str().as_bytes(), &[0, kind], name.as_bytes()].concat()
}

fn read_key(key: &[u8]) -> Option<(Id, Task)> {
    let text = std::str::from_utf8(key).ok()?;
    let (agent, task) = text.split_once('\0')?;
    let task = match task.split_at_checked(1)? {
        ("p", name) => Task::Probe(PathId::try_from(name.to_owned()).ok()?),
        ("h", name) => Task::Host(Id::new(name).ok()?),
        _ => return None,
    };
    Some((Id::new(agent).ok()?, task))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_back() {
        let agent = Id::new("zurich-1").unwrap();
        let (shop, web) = (Id::new("shop").unwrap(), Id::new("web").unwrap());
        for task in [Task::Probe(PathId::new(shop, web.clone())), Task::Host(web)] {
            assert_eq!(read_key(&key_of(&agent, &task)), Some((agent.clone(), task)));
        }
        assert_eq!(read_key(b"zurich-1\0x"), None);
    }
}
