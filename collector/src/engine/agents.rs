//! What is known of the agents, and which services are held because of them.
//!
//! A service is **held** while nothing may be concluded from its newest state: one of its agents still delivers a
//! backlog or sends again what the store misses, or the collector has only just started and has not heard from one of
//! them yet. Its figures are shown all the
//! same; only incidents wait.

use std::collections::{BTreeMap, BTreeSet};

use uphold_common::catalogue::assign;
use uphold_common::catalogue::model::{Catalogue, Host, Service};
use uphold_common::ids::Id;
use uphold_common::time::Instant;
use uphold_common::wire::batch::AgentFact;

use crate::ingest::Backlog;
use crate::snapshot::AgentSnapshot;

/// How long after its start the collector waits for agents that have not pushed: their longest pause between attempts
/// is half of it.
pub const START_GRACE_MS: i64 = 60_000;
/// How long a backlog that an agent told of holds its services, if nothing more is heard of it.
const BACKLOG_HOLDS_MS: i64 = 120_000;
/// How long a backlog holds its services in all. Days of it are delivered in minutes; one that never ends is no reason to
/// raise nothing.
const BACKLOG_HOLDS_MS_MAX: i64 = 30 * 60_000;
/// Most agents that are remembered beyond those of the catalogue.
const STRANGERS_MAX: usize = 1_000;

/// What is known of the agents.
#[derive(Debug)]
pub struct Agents {
    known: BTreeMap<Id, AgentSnapshot>,
    assigned: BTreeSet<Id>,
    started: Instant,
}

impl Agents {
    /// The agents of a catalogue, none of which has pushed yet.
    pub fn new(catalogue: &Catalogue, started: Instant) -> Self {
        let assigned = assign::agents(catalogue);
        let known = assigned.iter().map(|name| (name.clone(), AgentSnapshot::default())).collect();
        Self { known, assigned, started }
    }

    /// The agents of another version of the catalogue; what is known of any of them stays. One that left is forgotten, as by a
    /// start; one that still pushes is known again with its next push, among those that the catalogue does not have.
    pub fn assign(&mut self, catalogue: &Catalogue) {
        let before = std::mem::replace(&mut self.assigned, assign::agents(catalogue));
        for name in before.difference(&self.assigned) {
            self.known.remove(name);
        }
        for name in &self.assigned {
            self.known.entry(name.clone()).or_default();
        }
    }

    /// Takes in what came with a push that was accepted, after which so many batches are `missing` and asked for again.
    pub fn heard(&mut self, name: &Id, backlog: &Backlog, missing: u64, facts: &[AgentFact], now: Instant) {
        if !self.known.contains_key(name) && self.known.len() >= self.assigned.len() + STRANGERS_MAX {
            return;
        }
        let agent = self.known.entry(name.clone()).or_default();
        agent.last_push = Some(now);
        agent.backlog_batches = backlog.batches;
        agent.backlog_since = (backlog.batches > 0 || missing > 0).then(|| agent.backlog_since.unwrap_or(now));
        agent.stopped_at = None;
        agent.clock_offset_ms = backlog.sent_at.since_ms(now);
        for fact in facts {
            let counts = &mut agent.facts;
            match fact {
                AgentFact::SpoolOverflow { batches, .. } | AgentFact::Dropped { batches, .. } => {
                    add(&mut counts.spool_overflow_batches, *batches);
                }
                AgentFact::SpoolCorrupt { batches } => add(&mut counts.spool_corrupt, *batches),
                AgentFact::Quarantined { batches } => add(&mut counts.quarantined, *batches),
                AgentFact::ClockStep { .. } => add(&mut counts.clock_steps, 1),
                AgentFact::Skipped { attempts } => add(&mut counts.skipped_attempts, *attempts),
                AgentFact::Started { in_order, .. } => add(&mut counts.abrupt_ends, u64::from(!in_order)),
                AgentFact::Stopped { at } => agent.stopped_at = Some(*at),
                // It is measured anew with every push.
                AgentFact::ClockOffset { .. } => {}
            }
        }
    }

    /// Whether nothing may be concluded about `service` yet.
    pub fn holds(&self, service: &Service, now: Instant) -> bool {
        self.hold(service.looks_at().flat_map(|probe| &probe.agents), now)
    }

    /// Whether an agent has not pushed yet since a start that was just now.
    pub fn is_awaited(&self, name: &Id, now: Instant) -> bool {
        let pushed = self.known.get(name).is_some_and(|agent| agent.last_push.is_some());
        !pushed && (-START_GRACE_MS..START_GRACE_MS).contains(&now.since_ms(self.started))
    }

    /// Whether nothing may be concluded about the capacity of `host` yet.
    pub fn holds_host(&self, host: &Host, now: Instant) -> bool {
        self.hold(std::iter::once(&host.agent), now)
    }

    fn hold<'a>(&self, mut agents: impl Iterator<Item = &'a Id>, now: Instant) -> bool {
        // A clock that was set back must not hold a service until the time of before has come again.
        let lately = |at: Instant, within_ms: i64| (-within_ms..within_ms).contains(&now.since_ms(at));
        let starting = lately(self.started, START_GRACE_MS);
        agents.any(|name| match self.known.get(name) {
            Some(AgentSnapshot { last_push: Some(at), backlog_since, .. }) => {
                lately(*at, BACKLOG_HOLDS_MS) && backlog_since.is_some_and(|since| lately(since, BACKLOG_HOLDS_MS_MAX))
            }
            _ => starting,
        })
    }

    /// All of them, by name.
    pub const fn all(&self) -> &BTreeMap<Id, AgentSnapshot> {
        &self.known
    }
}

fn add(count: &mut u64, more: u64) {
    *count = count.saturating_add(more);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalogue(agents: &str) -> Catalogue {
        let text = format!(
            "organisation: {{ name: Example, time_zone: UTC }}\nservices:\n  - {{ id: shop, name: Shop, probes: [{{ id: web, \
             agents: [{agents}], interval: 30s, timeout: 5s, tcp: {{ address: 'h:1' }} }}] }}\n"
        );
        uphold_common::catalogue::read(&[("catalogue.yaml", text)]).unwrap()
    }

    #[test]
    fn an_agent_that_left_the_catalogue_is_known_no_more_until_it_pushes_again() {
        let now = Instant::from_ms(1_000);
        let id = |name: &str| Id::new(name).unwrap();
        let mut agents = Agents::new(&catalogue("a, b"), now);
        let backlog = Backlog { told: crate::store::Told::default(), batches: 3, oldest: None, sent_at: now };
        for name in ["a", "b", "stranger"] {
            agents.heard(&id(name), &backlog, 0, &[], now);
        }
        agents.assign(&catalogue("a, c"));
        let known = |agents: &Agents| agents.all().keys().map(Id::to_string).collect::<Vec<_>>().join(" ");
        assert_eq!(known(&agents), "a c stranger");
        assert_eq!((agents.all()[&id("a")].backlog_batches, agents.all()[&id("c")].last_push), (3, None));
        agents.heard(&id("b"), &backlog, 0, &[], now);
        assert_eq!(known(&agents), "a b c stranger");
        agents.assign(&catalogue("b"));
        assert_eq!(known(&agents), "b stranger");
        assert_eq!(agents.all()[&id("b")].last_push, Some(now));
    }
}
