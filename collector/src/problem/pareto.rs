//! Which services, causes or components cost most: incidents by their number and by their minutes. Pure.
//!
//! An incident counts as far as it lies in the period that is asked about; one that began in maintenance or never was does
//! not. The time of a row is that in which a service, or an agent, had at least one of its incidents, added up over them:
//! what holds at the same time of the same service counts once. One of several components counts for each of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uphold_common::ids::Id;
use uphold_common::time::{Instant, Interval};
use utoipa::ToSchema;

use super::recurrence::counts;
use crate::incident::model::Incident;

/// Most rows of the answer; of the rest is said how many they are.
pub const ROWS_MAX: usize = 50;

/// By what incidents are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// By the service that they are about, or the agent.
    Service,
    /// By why they opened.
    Cause,
    /// By the component whose probes failed.
    Component,
}

impl By {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Service, Self::Cause, Self::Component];

    /// As the API writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Cause => "cause",
            Self::Component => "component",
        }
    }
}

/// What comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rank {
    /// What took longest.
    Minutes,
    /// What came most often.
    Count,
}

impl Rank {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Minutes, Self::Count];

    /// As the API writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Minutes => "minutes",
            Self::Count => "count",
        }
    }
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParetoQuery {
    /// By what.
    pub by: By,
    /// What comes first.
    pub rank: Rank,
    /// Over which time.
    pub over: Interval,
}

/// What cost most, first things first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Pareto {
    /// By what incidents are put together.
    pub by: By,
    /// What comes first.
    pub rank: Rank,
    /// The first instant of the period.
    pub from_ms: Instant,
    /// The first instant after it.
    pub to_ms: Instant,
    /// From when on all incidents are known; null where none was ever let go.
    pub known_from_ms: Option<Instant>,
    /// How many incidents there were, each once.
    pub incidents: u64,
    /// The rows, at most fifty.
    pub rows: Vec<ParetoRow>,
    /// How many further rows there are.
    pub further: u64,
}

/// What one service, cause or component cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ParetoRow {
    /// Its name; null for incidents without a component.
    pub name: Option<String>,
    /// How many incidents.
    pub incidents: u64,
    /// For how long of the period at least one of them held, added up over the services and agents that they are about.
    pub duration_ms: i64,
    /// Its share of all rows, in thousandths, by what comes first.
    pub share_permille: u32,
    /// The share of it and all rows before it.
    pub cumulative_permille: u32,
}

/// What cost most of `incidents`, as of `now`; `known_from` says from when on all of them are known.
pub fn pareto<'i>(
    incidents: impl Iterator<Item = &'i Incident>,
    query: &ParetoQuery,
    known_from: Option<Instant>,
    now: Instant,
) -> Pareto {
    let mut rows: BTreeMap<Option<String>, Cost<'_>> = BTreeMap::new();
    let mut many = 0;
    let over = Interval::new(query.over.start, query.over.end.min(now).max(query.over.start));
    for incident in incidents.filter(|incident| counts(incident) && lies_in(incident, over)) {
        many += 1;
        let held = incident.interval().intersect(over);
        for name in names(query.by, incident) {
            let cost = rows.entry(name).or_default();
            cost.incidents += 1;
            cost.held.entry(incident.subject.name()).or_default().push(held);
        }
    }
    let mut sums: Vec<_> = rows.into_iter().map(|(name, cost)| (name, (cost.incidents, cost.lasted_ms()))).collect();
    let weight = |(incidents, lasted_ms): &(u64, i64)| match query.rank {
        Rank::Minutes => u64::try_from(*lasted_ms).unwrap_or_default(),
        Rank::Count => *incidents,
    };
    sums.sort_by_key(|(_, sum)| std::cmp::Reverse(weight(sum)));
    let all: u64 = sums.iter().map(|(_, sum)| weight(sum)).fold(0, u64::saturating_add);
    let permille = |part: u64| {
        let share = u128::from(part) * 1_000 / u128::from(all.max(1));
        u32::try_from(share).unwrap_or(1_000)
    };
    let mut before = 0_u64;
    let further = u64::try_from(sums.len().saturating_sub(ROWS_MAX)).unwrap_or(u64::MAX);
    let rows = sums.into_iter().take(ROWS_MAX).map(|(name, sum)| {
        before = before.saturating_add(weight(&sum));
        let (incidents, duration_ms) = sum;
        let (share_permille, cumulative_permille) = (permille(weight(&sum)), permille(before));
        ParetoRow { name, incidents, duration_ms, share_permille, cumulative_permille }
    });
    let (by, rank, rows) = (query.by, query.rank, rows.collect());
    let (from_ms, to_ms) = (over.start, over.end);
    Pareto { by, rank, from_ms, to_ms, known_from_ms: known_from, incidents: many, rows, further }
}

/// What one row comes to.
#[derive(Default)]
struct Cost<'i> {
    incidents: u64,
    /// By service or agent, when its incidents held.
    held: BTreeMap<&'i Id, Vec<Interval>>,
}

impl Cost<'_> {
    /// For how long at least one held, of each service or agent.
    fn lasted_ms(self) -> i64 {
        self.held.into_values().map(union_ms).fold(0, i64::saturating_add)
    }
}

/// The length of what intervals cover together.
fn union_ms(mut intervals: Vec<Interval>) -> i64 {
    intervals.sort_unstable_by_key(|interval| interval.start);
    let (mut covered_ms, mut to) = (0_i64, Instant::MIN);
    for Interval { start, end } in intervals {
        covered_ms = covered_ms.saturating_add(end.since_ms(start.max(to)).max(0));
        to = to.max(end);
    }
    covered_ms
}

/// Whether an incident lies in a period, be it as short as an instant.
fn lies_in(incident: &Incident, over: Interval) -> bool {
    let held = incident.interval();
    held.overlaps(over) || (held.len_ms() == 0 && over.contains(held.start))
}

fn names(by: By, incident: &Incident) -> Vec<Option<String>> {
    match by {
        By::Service => vec![Some(incident.subject.name().to_string())],
        By::Cause => vec![Some(incident.subject.cause().as_str().to_owned())],
        By::Component if incident.components.is_empty() => vec![None],
        By::Component => incident.components.iter().map(|id| Some(id.to_string())).collect(),
    }
}

#[cfg(test)]
#[path = "pareto_tests.rs"]
mod tests;
