//! What one reading of a host found, and the rows it comes to together with the reading before it. Pure.
//!
//! What the kernel counts from some beginning on says something as a difference only, so it has no row in the first
//! reading. A count that went back began anew, and has none this time either; nor has one whose limit changed meanwhile,
//! because neither limit was that of the whole stretch.

use std::collections::BTreeMap;

use uphold_common::ids::Id;
use uphold_common::observation::{Flow, FlowId, Reading, Resource, ResourceId, ResourceUnit, Volume};
use uphold_common::time::Instant;
use uphold_common::wire::OF_BYTES_MAX;
use uphold_common::wire::builder::Row;

/// One reading of the whole host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// What is in use at this moment.
    pub levels: Vec<Level>,
    /// What has a limit for each second.
    pub paced: Vec<Paced>,
    /// What has no limit and is counted.
    pub counted: Vec<Counted>,
    /// What has no limit and is told as a mean.
    pub means: Vec<Mean>,
}

/// What is in use at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Level {
    /// Of what.
    pub resource: Resource,
    /// Which one of its kind.
    pub of: String,
    /// How much, in the resource's unit.
    pub used: u64,
    /// Of how much.
    pub limit: u64,
}

/// A count that can grow by so much in a second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paced {
    /// Of what.
    pub resource: Resource,
    /// Which one of its kind.
    pub of: String,
    /// How much there was since some beginning; in a second it grows by what is in use.
    pub count: u64,
    /// The most that can be in use.
    pub limit: u64,
}

/// A count that nothing bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Of what.
    pub flow: Flow,
    /// Through what.
    pub of: String,
    /// How much there was since some beginning, in the flow's unit.
    pub count: u64,
}

/// A mean over the time before this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mean {
    /// Of what.
    pub flow: Flow,
    /// Through what.
    pub of: String,
    /// Thousandths of what there was at once.
    pub thousandths: u64,
}

impl Snapshot {
    /// The rows under each name of the host, of a reading made at `at`; `before` is the one before it, and how many
    /// milliseconds lie between them.
    pub fn rows(&self, hosts: &[Id], at: Instant, before: Option<(u32, &Self)>) -> Vec<Row> {
        let mut readings: Vec<(Resource, &str, u64, u64)> =
            self.levels.iter().map(|level| (level.resource, level.of.as_str(), level.used, level.limit)).collect();
        let mut volumes = Vec::new();
        let before = before.filter(|(over_ms, _)| *over_ms > 0);
        if let Some((over_ms, before)) = before {
            readings.extend(self.paced(over_ms, before));
            volumes = self.volumes(over_ms, before);
        }
        readings.retain(|(_, of, _, limit)| *limit > 0 && of.len() <= OF_BYTES_MAX);
        volumes.retain(|(_, of, _)| of.len() <= OF_BYTES_MAX);
        let over_ms = before.map_or(0, |(over_ms, _)| over_ms);
        let mut rows = Vec::with_capacity(hosts.len() * (readings.len() + volumes.len()));
        for host in hosts {
            rows.extend(readings.iter().map(|(resource, of, used, limit)| {
                let id = ResourceId { host: host.clone(), resource: *resource, of: (*of).to_owned() };
                Row::Capacity(id, Reading { at, used: *used, limit: *limit })
            }));
            rows.extend(volumes.iter().map(|(flow, of, amount)| {
                let id = FlowId { host: host.clone(), flow: *flow, of: (*of).to_owned() };
                Row::Volume(id, Volume { at, over_ms, amount: *amount })
            }));
        }
        rows
    }

    fn paced<'s>(&'s self, over_ms: u32, before: &Self) -> Vec<(Resource, &'s str, u64, u64)> {
        let known: BTreeMap<(Resource, &str), (u64, u64)> = before
            .paced
            .iter()
            .map(|paced| ((paced.resource, paced.of.as_str()), (paced.count, paced.limit)))
            .collect();
        let reading = |paced: &'s Paced| {
            let (count, limit) = *known.get(&(paced.resource, paced.of.as_str()))?;
            let more = paced.count.checked_sub(count).filter(|_| limit == paced.limit)?;
            let used = by_second(more, over_ms);
            // Two clocks are at work, so time may seem to be fuller than it can be; a link may carry more than was said of it.
            let bounded = paced.resource.unit() != ResourceUnit::BytesPerSecond;
            Some((paced.resource, paced.of.as_str(), if bounded { used.min(limit) } else { used }, limit))
        };
        self.paced.iter().filter_map(reading).collect()
    }

    fn volumes<'s>(&'s self, over_ms: u32, before: &Self) -> Vec<(Flow, &'s str, u64)> {
        let known: BTreeMap<(Flow, &str), u64> =
            before.counted.iter().map(|counted| ((counted.flow, counted.of.as_str()), counted.count)).collect();
        let grown = |counted: &'s Counted| {
            let before = *known.get(&(counted.flow, counted.of.as_str()))?;
            Some((counted.flow, counted.of.as_str(), counted.count.checked_sub(before)?))
        };
        let held = |mean: &'s Mean| {
            let amount = u128::from(mean.thousandths) * u128::from(over_ms) / 1_000;
            (mean.flow, mean.of.as_str(), u64::try_from(amount).unwrap_or(u64::MAX))
        };
        self.counted.iter().filter_map(grown).chain(self.means.iter().map(held)).collect()
    }
}

/// So much in a second, rounded.
fn by_second(amount: u64, over_ms: u32) -> u64 {
    let over_ms = u128::from(over_ms.max(1));
    u64::try_from((u128::from(amount) * 1_000 + over_ms / 2) / over_ms).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "snapshot_tests.rs"]
pub(crate) mod tests;
