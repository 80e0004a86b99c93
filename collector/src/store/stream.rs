//! The dictionary of streams: a number for each, so that chunk keys are short, and the newest row of some.
//!
//! ```text
//! stream   key  02 number:u32      value  frame UPHs, MessagePack of StreamId
//! newest   key  03 number:u32      value  frame UPHl, 24 bytes:
//!                                  at:i64, then used:u64 limit:u64, or over_ms:u64 amount:u64
//! ```
//!
//! Numbers are given in order of first sight and become durable with the first seal that holds rows of the stream;
//! until then they are given anew when the journal is replayed. A damaged entry leaves its number unused, unless a
//! table that speaks of the stream says whose it is.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};
use uphold_common::ids::{Id, ProbeId, VantagePoint};
use uphold_common::observation::{FlowId, Reading, ResourceId, Volume};
use uphold_common::time::Instant;
use uphold_common::wire::columns::Rows;

use super::numbered::{ByNumber, Numbers};
use super::rows::{Block, utilisation};

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
    /// The stream that pushed rows of `agent` belong to.
    pub(super) fn of(agent: &Id, rows: &Rows) -> Self {
        match rows {
            Rows::Probe(probe, _) => Self::Probe(VantagePoint { probe: probe.clone(), agent: agent.clone() }),
            Rows::Capacity(id, _) => Self::Capacity(id.clone()),
            Rows::Volume(id, _) => Self::Volume(id.clone()),
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

/// The streams and their numbers.
#[derive(Debug, Default)]
pub(super) struct Streams {
    ids: BTreeMap<u32, StreamId>,
    /// The numbers of each agent's probes, of resources and of flows: found without a copy of a name.
    probes: HashMap<Id, HashMap<ProbeId, u32>>,
    resources: HashMap<ResourceId, u32>,
    flows: HashMap<FlowId, u32>,
    next: u32,
    unsaved: BTreeSet<u32>,
    readings: ByNumber<Reading>,
    volumes: ByNumber<Volume>,
    newest_unsaved: Numbers,
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

    /// The number of the stream that pushed rows of `agent` belong to, given now if it has none.
    pub(super) fn number_of(&mut self, agent: &Id, rows: &Rows) -> u32 {
        let known = match rows {
            Rows::Probe(probe, _) => self.probes.get(agent).and_then(|probes| probes.get(probe)),
            Rows::Capacity(of, _) => self.resources.get(of),
            Rows::Volume(of, _) => self.flows.get(of),
        };
        known.copied().unwrap_or_else(|| self.number_or_new(&StreamId::of(agent, rows)))
    }

    /// The stream of a number.
    pub(super) fn id(&self, number: u32) -> Option<&StreamId> {
        self.ids.get(&number)
    }

    /// How many streams an agent brought. Those of hosts name no agent: each counts from the first time that its agent
    /// delivers it after the store was opened, and until then for nobody.
    pub(super) fn brought_by(&self, agent: &Id) -> usize {
        self.brought.get(agent).copied().unwrap_or_default()
    }

    /// Notes that an agent delivers a stream.
    pub(super) fn brings(&mut self, agent: &Id, number: u32) {
        if self.counted.insert(number) {
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
        if !self.ids.contains_key(&number) {
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
    pub(super) fn observe(&mut self, number: u32, rows: &Block) {
        let newer = match rows {
            Block::Probe(_) => false,
            Block::Capacity(rows) => rows.last().is_some_and(|row| self.newest_reading(number, *row)),
            Block::Volume(rows) => rows.last().is_some_and(|row| self.newest_volume(number, *row)),
        };
        if newer {
            self.newest_unsaved.insert(number);
        }
    }

    fn newest_reading(&mut self, number: u32, row: Reading) -> bool {
        let known = self.readings.get(&number);
        let newer = known.is_none_or(|old| row.at.cmp(&old.at).then_with(|| utilisation(&row, old)).is_gt());
        if newer {
            self.readings.insert(number, row);
        }
        newer
    }

    fn newest_volume(&mut self, number: u32, row: Volume) -> bool {
        let rank = |v: &Volume| (v.at, v.over_ms, v.amount);
        let newer = self.volumes.get(&number).is_none_or(|old| rank(&row) > rank(old));
        if newer {
            self.volumes.insert(number, row);
        }
        newer
    }

    /// The vantage points that are known, in the order they were first seen.
    pub(super) fn vantage_points(&self) -> Vec<VantagePoint> {
        let probe = |id: &StreamId| if let StreamId::Probe(from) = id { Some(from.clone()) } else { None };
        self.ids.values().filter_map(probe).collect()
    }

    /// The newest reading of each resource.
    pub(super) fn latest_readings(&self) -> Vec<(ResourceId, Reading)> {
        let of =
            |number: &u32| if let Some(StreamId::Capacity(of)) = self.id(*number) { Some(of.clone()) } else { None };
        let mut latest: Vec<_> = self.readings.iter().filter_map(|(number, row)| Some((of(number)?, *row))).collect();
        latest.sort_unstable_by(|a: &(ResourceId, Reading), b| a.0.cmp(&b.0));
        latest
    }

    /// The newest volume of each flow.
    pub(super) fn latest_volumes(&self) -> Vec<(FlowId, Volume)> {
        let of = |number: &u32| if let Some(StreamId::Volume(of)) = self.id(*number) { Some(of.clone()) } else { None };
        let mut latest: Vec<_> = self.volumes.iter().filter_map(|(number, row)| Some((of(number)?, *row))).collect();
        latest.sort_unstable_by(|a: &(FlowId, Volume), b| a.0.cmp(&b.0));
        latest
    }

    /// The entries that are not durable yet.
    pub(super) fn unsaved(&self) -> impl Iterator<Item = (u32, &StreamId)> {
        self.unsaved.iter().filter_map(|number| Some((*number, self.ids.get(number)?)))
    }

    /// The newest rows that are not durable yet, as they stand in the store.
    pub(super) fn newest_unsaved(&self) -> impl Iterator<Item = (u32, [u8; 24])> {
        self.newest_unsaved.iter().filter_map(|number| {
            let reading = self.readings.get(number).map(|r| newest_bytes(r.at, r.used, r.limit));
            let volume = || self.volumes.get(number).map(|v| newest_bytes(v.at, u64::from(v.over_ms), v.amount));
            Some((*number, reading.or_else(volume)?))
        })
    }

    /// Puts back a newest row read from the store; `false` when it fits no stream.
    pub(super) fn restore_newest(&mut self, number: u32, bytes: &[u8]) -> bool {
        let Some((at, first, second)) = newest_fields(bytes) else { return false };
        match (self.id(number).map(StreamId::kind), u32::try_from(first)) {
            (Some(StreamKind::Capacity), _) if second > 0 => {
                self.readings.insert(number, Reading { at, used: first, limit: second });
            }
            (Some(StreamKind::Volume), Ok(over_ms)) => {
                self.volumes.insert(number, Volume { at, over_ms, amount: second });
            }
            _ => return false,
        }
        true
    }

    /// Everything is durable now.
    pub(super) fn saved(&mut self) {
        self.unsaved.clear();
        self.newest_unsaved.clear();
    }
}

fn newest_bytes(at: Instant, first: u64, second: u64) -> [u8; 24] {
    let (mut bytes, fields) = ([0; 24], [at.as_ms().to_be_bytes(), first.to_be_bytes(), second.to_be_bytes()]);
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
