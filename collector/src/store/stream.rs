//! The streams: a number for each, so that keys are short, and the newest row of some.
//!
//! Numbers are given in order of first sight and become durable with the first seal that holds rows of the stream (see
//! `dictionary`); until then they are given anew when the journal is replayed.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uphold_common::ids::{Id, ProbeId, VantagePoint};
use uphold_common::observation::{FlowId, Reading, ResourceId, Volume};
use uphold_common::time::Instant;
use uphold_common::wire::sheet::{Names, RowsOf, Sheet, StreamName};

use super::numbered::{ByNumber, Numbers};
use super::rows::{Slice, utilisation};

/// What a stream is of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StreamId {
    /// Attempts of a vantage point.
    Probe(VantagePoint),
    /// Readings of a resource.
    Capacity(ResourceId),
    /// Volumes of a flow.
    Volume(FlowId),
}

/// The kinds of streams. The numbers stand in chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum StreamKind {
    /// Attempts of a vantage point.
    Probe = 0,
    /// Readings of a resource.
    Capacity = 1,
    /// Volumes of a flow.
    Volume = 2,
}

impl StreamKind {
    /// The kind of a number in a chunk.
    pub(super) const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Probe),
            1 => Some(Self::Capacity),
            2 => Some(Self::Volume),
            _ => None,
        }
    }
}

impl StreamId {
    /// The stream that rows of a batch of `agent` belong to.
    pub(super) fn of(agent: &Id, rows: RowsOf<'_>) -> Self {
        match rows {
            RowsOf::Probe(probe, _) => Self::Probe(VantagePoint { probe: probe.clone(), agent: agent.clone() }),
            RowsOf::Capacity(id, _) => Self::Capacity(id.clone()),
            RowsOf::Volume(id, _) => Self::Volume(id.clone()),
        }
    }

    /// Which kind it is.
    pub(super) const fn kind(&self) -> StreamKind {
        match self {
            Self::Probe(_) => StreamKind::Probe,
            Self::Capacity(_) => StreamKind::Capacity,
            Self::Volume(_) => StreamKind::Volume,
        }
    }
}

/// The newest row of a stream.
#[derive(Clone, Copy, Debug)]
struct Newest<R> {
    row: R,
    durable: bool,
}

/// Bytes of a newest row in the store.
pub(super) const NEWEST_BYTES: usize = 24;
/// Most names in the lists of all agents together.
const LISTED_MAX: usize = 1 << 18;
/// Stands for a name that has no number yet.
const UNNUMBERED: u32 = u32::MAX;

/// The streams and their numbers.
#[derive(Debug, Default)]
pub(super) struct Streams {
    ids: ByNumber<StreamId>,
    /// The numbers of each agent's probes, of resources and of flows: found without a copy of a name.
    probes: HashMap<Id, HashMap<ProbeId, u32>>,
    resources: HashMap<ResourceId, u32>,
    flows: HashMap<FlowId, u32>,
    next: u32,
    unsaved: BTreeSet<u32>,
    readings: ByNumber<Newest<Reading>>,
    volumes: ByNumber<Newest<Volume>>,
    /// Of each agent the list of names that its last batch came with, and their numbers.
    lists: HashMap<Id, (Names, Arc<[u32]>)>,
    /// How many names stand in those lists.
    listed: usize,
    /// How many streams each agent brought.
    brought: HashMap<Id, usize>,
    /// The streams that are counted there.
    counted: Numbers,
}

impl Streams {
    /// How many streams are known.
    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether this stream is known.
    pub(super) fn contains(&self, id: &StreamId) -> bool {
        self.number(id).is_some()
    }

    /// The number of a stream that is known.
    pub(super) fn number(&self, id: &StreamId) -> Option<u32> {
        match id {
            StreamId::Probe(from) => self.probes.get(&from.agent)?.get(&from.probe),
            StreamId::Capacity(of) => self.resources.get(of),
            StreamId::Volume(of) => self.flows.get(of),
        }
        .copied()
    }

    /// The numbers of the streams of a batch, by where their names stand in its list, given now to those that have none.
    /// Batches that come with the list of the one before have the same numbers.
    pub(super) fn numbers_of(&mut self, batch: &Sheet) -> Arc<[u32]> {
        let (agent, names) = (&batch.key.agent, batch.names());
        let known = self.lists.get(agent).filter(|(list, _)| Arc::ptr_eq(list, names));
        if let Some((_, numbers)) = known
            && batch.streams().all(|(place, _)| numbers.get(place).is_some_and(|number| *number != UNNUMBERED))
        {
            return Arc::clone(numbers);
        }
        let number = |name| self.number_of(agent, name).unwrap_or(UNNUMBERED);
        let mut numbers: Vec<u32> = names.iter().map(number).collect();
        for (place, rows) in batch.streams() {
            let Some(number) = numbers.get_mut(place) else { continue };
            if *number == UNNUMBERED {
                *number = self.number_or_new(&StreamId::of(agent, rows));
            }
            self.brings(agent, *number);
        }
        let numbers: Arc<[u32]> = numbers.into();
        let list = (Names::clone(names), Arc::clone(&numbers));
        self.listed += names.len();
        self.listed -= self.lists.insert(agent.clone(), list).map_or(0, |(before, _)| before.len());
        while self.listed > LISTED_MAX
            && let Some(other) = self.lists.keys().find(|other| *other != agent).cloned()
        {
            self.listed -= self.lists.remove(&other).map_or(0, |(list, _)| list.len());
        }
        numbers
    }

    fn number_of(&self, agent: &Id, name: &StreamName) -> Option<u32> {
        match name {
            StreamName::Probe(probe) => self.probes.get(agent)?.get(probe),
            StreamName::Capacity(of) => self.resources.get(of),
            StreamName::Volume(of) => self.flows.get(of),
        }
        .copied()
    }

    /// The stream of a number.
    pub(super) fn id(&self, number: u32) -> Option<&StreamId> {
        self.ids.get(number)
    }

    /// How many streams an agent brought. Those of hosts name no agent: each counts from the first time that its agent
    /// delivers it after the store was opened, and until then for nobody.
    pub(super) fn brought_by(&self, agent: &Id) -> usize {
        self.brought.get(agent).copied().unwrap_or_default()
    }

    /// Notes that an agent delivers a stream.
    pub(super) fn brings(&mut self, agent: &Id, number: u32) {
        if self.counted.insert(number, ()) {
            *self.brought.entry(agent.clone()).or_default() += 1;
        }
    }

    /// The number of a stream, given now if it has none.
    pub(super) fn number_or_new(&mut self, id: &StreamId) -> u32 {
        if let Some(number) = self.number(id) {
            return number;
        }
        let number = self.next;
        self.restore(number, Some(id.clone()));
        self.unsaved.insert(number);
        number
    }

    /// Takes an entry over from a table that names it; it is not in the dictionary yet.
    pub(super) fn adopt(&mut self, number: u32, id: StreamId) {
        if !self.ids.contains(number) {
            self.restore(number, Some(id));
            self.unsaved.insert(number);
        }
    }

    /// Puts back an entry read from the store; `None` for one that is damaged.
    pub(super) fn restore(&mut self, number: u32, id: Option<StreamId>) {
        self.next = self.next.max(number.saturating_add(1));
        if let Some(id) = id {
            if let StreamId::Probe(from) = &id {
                self.brings(&from.agent, number);
            }
            match &id {
                StreamId::Probe(from) => {
                    self.probes.entry(from.agent.clone()).or_default().insert(from.probe.clone(), number);
                }
                StreamId::Capacity(of) => drop(self.resources.insert(of.clone(), number)),
                StreamId::Volume(of) => drop(self.flows.insert(of.clone(), number)),
            }
            self.ids.insert(number, id);
        }
    }

    /// Looks at new rows of a stream for its newest; rows must be sorted.
    pub(super) fn observe(&mut self, number: u32, rows: Slice<'_>) {
        match rows {
            Slice::Probe(_) => {}
            Slice::Capacity(rows) => {
                let Some(row) = rows.last() else { return };
                let newer = |old: &Reading| row.at.cmp(&old.at).then_with(|| utilisation(row, old)).is_gt();
                replace(&mut self.readings, number, *row, newer);
            }
            Slice::Volume(rows) => {
                let Some(row) = rows.last() else { return };
                let rank = |v: &Volume| (v.at, v.over_ms, v.amount);
                replace(&mut self.volumes, number, *row, |old| rank(row) > rank(old));
            }
        }
    }

    /// The vantage points that are known, in the order they were first seen.
    pub(super) fn vantage_points(&self) -> Vec<VantagePoint> {
        let probe = |id: &StreamId| if let StreamId::Probe(from) = id { Some(from.clone()) } else { None };
        let mut found: Vec<(u32, VantagePoint)> =
            self.ids.iter().filter_map(|(number, id)| Some((number, probe(id)?))).collect();
        found.sort_unstable_by_key(|(number, _)| *number);
        found.into_iter().map(|(_, from)| from).collect()
    }

    /// The newest reading of each resource of the hosts that are `wanted`.
    pub(super) fn latest_readings(&self, wanted: &dyn Fn(&Id) -> bool) -> Vec<(ResourceId, Reading)> {
        let of = |number: u32| if let Some(StreamId::Capacity(of)) = self.id(number) { Some(of) } else { None };
        let found = self.readings.iter().filter_map(|(number, newest)| Some((of(number)?, newest.row)));
        let found = found.filter(|(of, _)| wanted(&of.host)).map(|(of, row)| (of.clone(), row));
        let mut latest: Vec<_> = found.collect();
        latest.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        latest
    }

    /// The newest volume of each flow of the hosts that are `wanted`.
    pub(super) fn latest_volumes(&self, wanted: &dyn Fn(&Id) -> bool) -> Vec<(FlowId, Volume)> {
        let of = |number: u32| if let Some(StreamId::Volume(of)) = self.id(number) { Some(of) } else { None };
        let found = self.volumes.iter().filter_map(|(number, newest)| Some((of(number)?, newest.row)));
        let found = found.filter(|(of, _)| wanted(&of.host)).map(|(of, row)| (of.clone(), row));
        let mut latest: Vec<_> = found.collect();
        latest.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        latest
    }

    /// The numbers that are not durable yet.
    pub(super) fn unsaved(&self) -> impl Iterator<Item = u32> {
        self.unsaved.iter().copied()
    }

    /// A number is to be made durable again.
    pub(super) fn unsave(&mut self, number: u32) {
        self.unsaved.insert(number);
    }

    /// The numbers of the streams whose newest rows are not durable yet.
    pub(super) fn newest_unsaved(&self) -> impl Iterator<Item = u32> {
        let readings = self.readings.iter().filter(|(_, newest)| !newest.durable).map(|(number, _)| number);
        readings.chain(self.volumes.iter().filter(|(_, newest)| !newest.durable).map(|(number, _)| number))
    }

    /// A newest row is to be made durable again.
    pub(super) fn unsave_newest(&mut self, number: u32) {
        if let Some(newest) = self.readings.get_mut(number) {
            newest.durable = false;
        }
        if let Some(newest) = self.volumes.get_mut(number) {
            newest.durable = false;
        }
    }

    /// The newest row of a stream, as it stands in the store.
    pub(super) fn newest(&self, number: u32) -> Option<[u8; NEWEST_BYTES]> {
        let reading = self.readings.get(number).map(|newest| newest.row);
        let volume = || self.volumes.get(number).map(|newest| newest.row);
        let of_volume = |row: Volume| newest_bytes(row.at, u64::from(row.over_ms), row.amount);
        reading.map(|row| newest_bytes(row.at, row.used, row.limit)).or_else(|| volume().map(of_volume))
    }

    /// Puts back a newest row read from the store; `false` when it fits no stream.
    pub(super) fn restore_newest(&mut self, number: u32, bytes: &[u8]) -> bool {
        let Some((at, first, second)) = newest_fields(bytes) else { return false };
        match (self.id(number).map(StreamId::kind), u32::try_from(first)) {
            (Some(StreamKind::Capacity), _) if second > 0 => {
                let row = Reading { at, used: first, limit: second };
                self.readings.insert(number, Newest { row, durable: true });
            }
            (Some(StreamKind::Volume), Ok(over_ms)) => {
                let row = Volume { at, over_ms, amount: second };
                self.volumes.insert(number, Newest { row, durable: true });
            }
            _ => return false,
        }
        true
    }

    /// Everything is durable now.
    pub(super) fn saved(&mut self) {
        self.unsaved.clear();
        for newest in self.readings.values_mut() {
            newest.durable = true;
        }
        for newest in self.volumes.values_mut() {
            newest.durable = true;
        }
    }
}

/// Puts a row in the place of one that it is newer than.
fn replace<R: Copy>(all: &mut ByNumber<Newest<R>>, number: u32, row: R, newer: impl Fn(&R) -> bool) {
    let newest = Newest { row, durable: false };
    match all.get_mut(number) {
        Some(known) if newer(&known.row) => *known = newest,
        Some(_) => {}
        None => drop(all.insert(number, newest)),
    }
}

fn newest_bytes(at: Instant, first: u64, second: u64) -> [u8; NEWEST_BYTES] {
    let (mut bytes, fields) =
        ([0; NEWEST_BYTES], [at.as_ms().to_be_bytes(), first.to_be_bytes(), second.to_be_bytes()]);
    for (place, field) in bytes.iter_mut().zip(fields.as_flattened()) {
        *place = *field;
    }
    bytes
}

fn newest_fields(bytes: &[u8]) -> Option<(Instant, u64, u64)> {
    let (at, rest) = bytes.split_first_chunk::<8>()?;
    let (first, rest) = rest.split_first_chunk::<8>()?;
    let (second, rest) = rest.split_first_chunk::<8>()?;
    let at = Instant::from_ms(i64::from_be_bytes(*at));
    rest.is_empty().then(|| (at, u64::from_be_bytes(*first), u64::from_be_bytes(*second)))
}
