//! A snapshot out of what a tick measured.

use std::collections::BTreeMap;
use std::sync::Arc;

use uphold_common::catalogue::model::{Catalogue, Probe, Service};
use uphold_common::governed::applied::Overrun;
use uphold_common::ids::{Id, VantagePoint};
use uphold_common::measure::timeline::Timeline;
use uphold_common::observation::{FlowId, Observation, Reading, ResourceId, State, Volume};
use uphold_common::time::{Instant, Interval};
use uphold_common::wire::assignment::CAPACITY_REACH_MS;

use super::Engine;
use super::sight::Sight;
use super::tick::Measured;
use crate::incident::model::Incident;
use crate::incident::tally::Held;
use crate::notify::alertmanager::state;
use crate::notify::queue::ReceiverSnapshot as QueueSnapshot;
use crate::snapshot::{AgentSnapshot, ProbeSnapshot, RECENT_INCIDENTS, ReceiverSnapshot, ServiceSnapshot, Snapshot};

impl Engine {
    /// Everything that is shown, as of `as_of`.
    pub(super) fn snapshot(
        &mut self,
        catalogue: &Arc<Catalogue>,
        measured: BTreeMap<Id, Measured>,
        overruns: Vec<Overrun>,
        as_of: Instant,
    ) -> Snapshot {
        let mut services = BTreeMap::new();
        for (id, measured) in measured {
            if let Some(service) = catalogue.services.get(&id) {
                let (snapshot, sight) = self.service_snapshot(service, measured, as_of);
                self.sights.insert(id.clone(), sight);
                services.insert(id, snapshot);
            }
        }
        let (readings, volumes) = (self.readings(catalogue, as_of), self.volumes(catalogue, as_of));
        let resolved = || self.register.all().rev().filter(|incident| !incident.is_open());
        let lately = |incident: &&Incident| state::is_told_of(incident, as_of);
        self.health.store = self.store.stats();
        self.health.listening = self.listening.snapshot();
        self.health.room = self.reserve.look(as_of);
        self.health.letters_dropped = self.outbox.dead_letters_dropped();
        self.health.retention = self.retention_snapshot(as_of);
        if self.health.store.damaged() > 0 {
            self.health.damaged_since.get_or_insert(as_of);
        }
        self.health.timeline_bytes = self.timelines.bytes() as u64;
        self.health.days_derived = self.timelines.derived();
        let mut health = self.health.clone();
        for (word, refused) in self.refused_early.counted() {
            *health.pushes.entry(word).or_default() += refused;
        }
        health.requests_refused = self.refused_requests.counted();
        Snapshot {
            as_of,
            store: self.store.id(),
            catalogue: Arc::clone(catalogue),
            catalogue_version: self.in_force.version,
            services,
            readings,
            volumes,
            governed: Arc::clone(&self.governed),
            overruns,
            open_incidents: self.register.open().cloned().collect(),
            recent_incidents: resolved().take(RECENT_INCIDENTS).cloned().collect::<Vec<Incident>>(),
            lately_resolved: resolved().filter(lately).cloned().collect(),
            incidents_held: Held::of(self.register.all()),
            problems_held: self.tracked.held(),
            incidents_counted: self.register.tally().counts().clone(),
            agents: self.agents.all().iter().map(|(id, agent)| (id.clone(), self.agent_snapshot(id, agent))).collect(),
            receivers: self.receivers(catalogue),
            state_receivers: self.board.shown(catalogue),
            health,
        }
    }

    fn agent_snapshot(&self, id: &Id, agent: &AgentSnapshot) -> AgentSnapshot {
        AgentSnapshot { gaps: self.store.gaps(id), ..agent.clone() }
    }

    /// The newest reading before `as_of` of each resource of the catalogue's hosts, as long as it speaks.
    fn readings(&self, catalogue: &Catalogue, as_of: Instant) -> Vec<(ResourceId, Reading)> {
        let hosted = self.store.latest_readings(&|host| catalogue.hosts.contains_key(host)).into_iter();
        let speaks = |(of, newest): (ResourceId, Reading)| {
            let ahead = || self.store.readings(&of, spoken(as_of)).ok()?.pop();
            let reading = if newest.at < as_of { Some(newest) } else { ahead() };
            Some((of.clone(), reading.filter(|reading| spoken(as_of).contains(reading.at))?))
        };
        hosted.filter_map(speaks).collect()
    }

    /// The newest volume before `as_of` of each flow of the catalogue's hosts, as long as it speaks.
    fn volumes(&self, catalogue: &Catalogue, as_of: Instant) -> Vec<(FlowId, Volume)> {
        let hosted = self.store.latest_volumes(&|host| catalogue.hosts.contains_key(host)).into_iter();
        let speaks = |(of, newest): (FlowId, Volume)| {
            let ahead = || self.store.volumes(&of, spoken(as_of)).ok()?.pop();
            let volume = if newest.at < as_of { Some(newest) } else { ahead() };
            Some((of.clone(), volume.filter(|volume| spoken(as_of).contains(volume.at))?))
        };
        hosted.filter_map(speaks).collect()
    }

    fn receivers(&self, catalogue: &Catalogue) -> BTreeMap<Id, ReceiverSnapshot> {
        let shown = |queue: QueueSnapshot| {
            let receiver = ReceiverSnapshot {
                waiting: queue.waiting as u64,
                delivered: queue.delivered,
                failed_attempts: queue.failed_attempts,
                dead_letters: queue.letters_kept as u64,
                breaker_open: queue.breaker_open,
                last_error: queue.last_error,
                looks: self.board.looks(&queue.receiver),
            };
            (queue.receiver, receiver)
        };
        self.outbox.snapshot(catalogue).into_iter().map(shown).collect()
    }

    fn service_snapshot(&self, service: &Service, measured: Measured, as_of: Instant) -> (ServiceSnapshot, Sight) {
        let entry = self.entry(&service.id);
        let last = measured.sight.seen.service.states.last().copied();
        let probe = |(id, probe): (&Id, &Arc<Probe>)| {
            let timeline = measured.sight.seen.probes.get(&probe.id);
            let state = timeline.and_then(Timeline::last).map_or(State::Unmeasured, |stretch| stretch.state);
            (id.clone(), ProbeSnapshot { state, newest: self.newest(probe, as_of) })
        };
        let snapshot = ServiceSnapshot {
            state: last.map_or(State::Unmeasured, |stretch| stretch.state),
            since: last.map_or(as_of, |stretch| stretch.interval.start.max(measured.from)),
            entry,
            probes: service.probes.iter().map(probe).collect(),
            targets: measured.current.into_iter().map(|(target, figures)| (target.id.clone(), figures)).collect(),
            capacity: measured.capacity.into_iter().map(|one| (one.target.id.clone(), one.figures)).collect(),
            response: measured.response.into_iter().collect(),
            alerts: measured.alerts,
            strip: measured.strip,
        };
        (snapshot, measured.sight)
    }

    /// The newest observation of each vantage point, as long as it speaks; none of one that cannot be read, which
    /// measuring has already said.
    pub(super) fn newest(&self, probe: &Probe, as_of: Instant) -> Vec<(VantagePoint, Observation)> {
        let span = Interval::new(as_of.minus_ms(probe.stale_after_ms), as_of);
        let newest = |agent: &Id| {
            let point = VantagePoint { probe: probe.id.clone(), agent: agent.clone() };
            let observation = match self.timelines.newest(&point, as_of) {
                Some(known) => known.filter(|observation| span.contains(observation.at)),
                None => self.store.observations(&point, span).ok()?.pop(),
            };
            Some((point, observation?))
        };
        probe.agents.iter().filter_map(newest).collect()
    }
}

/// Where what is read of a host must lie to speak for `as_of`. An agent whose clock is ahead has a newer one by then, which
/// does not count yet.
fn spoken(as_of: Instant) -> Interval {
    Interval::new(as_of.minus_ms(CAPACITY_REACH_MS - 1), as_of)
}
