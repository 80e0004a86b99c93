//! Which services, causes or components cost most: incidents by their number and by their minutes. Pure.
//!
//! An incident counts as far as it lies in the period that is asked about; one that began in maintenance or never was does
//! not. Incidents that hold at the same time each count with all of theirs, and one of several components with each of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uphold_common::time::{Instant, Interval};
use utoipa::ToSchema;

use super::recurrence::counts;
use crate::incident::model::Incident;

/// Most rows of the answer; the rest is one more.
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

    /// Reads it as it is written.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.as_str() == text)
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
    /// Reads it as it is written.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "minutes" => Some(Self::Minutes),
            "count" => Some(Self::Count),
            _ => None,
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
    /// How long they lasted within the period, together.
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
    let mut sums: BTreeMap<Option<String>, (u64, i64)> = BTreeMap::new();
    let mut many = 0;
    let over = Interval::new(query.over.start, query.over.end.min(now).max(query.over.start));
    for incident in incidents.filter(|incident| counts(incident) && incident.interval().overlaps(over)) {
        many += 1;
        let lasted_ms = incident.interval().intersect(over).len_ms();
        for name in names(query.by, incident) {
            let sum = sums.entry(name).or_default();
            *sum = (sum.0 + 1, sum.1.saturating_add(lasted_ms));
        }
    }
    let weight = |(incidents, lasted_ms): &(u64, i64)| match query.rank {
        Rank::Minutes => u64::try_from(*lasted_ms).unwrap_or_default(),
        Rank::Count => *incidents,
    };
    let mut sums: Vec<_> = sums.into_iter().collect();
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
