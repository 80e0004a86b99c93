//! What each agent is to observe: the catalogue, turned around.

use std::collections::BTreeSet;

use super::model::{Catalogue, Probe};
use crate::ids::Id;
use crate::wire::assignment::{Assignment, Confirm, ProbeSpec};

/// Every agent that runs a probe or reads a host.
pub fn agents(catalogue: &Catalogue) -> BTreeSet<Id> {
    let of_probes = probes(catalogue).flat_map(|probe| &probe.agents);
    let of_hosts = catalogue.hosts.values().map(|host| &host.agent);
    of_probes.chain(of_hosts).cloned().collect()
}

/// What `agent` is to observe, probes and hosts in order of their ids; nothing for an agent the catalogue does not know.
pub fn assignment(catalogue: &Catalogue, agent: &Id) -> Assignment {
    let mine = probes(catalogue).filter(|probe| probe.agents.contains(agent));
    let hosts = catalogue.hosts.values().filter(|host| host.agent == *agent);
    Assignment { probes: mine.map(spec).collect(), hosts: hosts.map(|host| host.id.clone()).collect() }
}

fn probes(catalogue: &Catalogue) -> impl Iterator<Item = &Probe> {
    catalogue.services.values().flat_map(|service| service.probes.values().map(AsRef::as_ref))
}

fn spec(probe: &Probe) -> ProbeSpec {
    ProbeSpec {
        id: probe.id.clone(),
        interval_ms: probe.interval_ms,
        timeout_ms: probe.timeout_ms,
        slow_after_ms: probe.slow_after_ms,
        confirm: confirm(probe),
        check: probe.check.clone(),
    }
}

/// An outage that the first failure confirms needs no second one.
fn confirm(probe: &Probe) -> Option<Confirm> {
    let attempts = probe.fall.saturating_sub(1);
    probe.confirm_after_ms.filter(|_| attempts > 0).map(|after_ms| Confirm { after_ms, attempts })
}
