//! What a tick measured → what incidents are decided from.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use uphold_common::catalogue::cause::Cause;
use uphold_common::catalogue::model::{Catalogue, Probe, Service, Urgency};
use uphold_common::governed::applied::Overrun;
use uphold_common::ids::Id;
use uphold_common::measure::service::{Loss, ServiceTimeline};
use uphold_common::observation;
use uphold_common::observation::{Outcome, State};
use uphold_common::time::{DurationText, Instant, Interval};
use uphold_common::wire::assignment::CAPACITY_REACH_MS;
use uphold_common::wire::builder::BATCH_AGE_MS_MAX;

use super::Engine;
use super::tick::Measured;
use super::use_of::UseOf;
use crate::incident::decide::{AgentSituation, Condition, Situation, Trouble, unreachable};
use crate::incident::episode::{Episode, episodes};
use crate::incident::model::{Incident, Subject};
use crate::incident::stretches;
use crate::snapshot::AgentSnapshot;

/// How long an announced stop of an agent explains that nothing comes: after that it is silent like any other.
const STOP_EXPLAINS_MS: i64 = 3_600_000;

/// Who relies on which agent, by one version of the catalogue.
#[derive(Debug, Default)]
pub(super) struct ReliedOn {
    version: u64,
    agents: BTreeMap<Id, Relying>,
}

/// What relies on an agent.
#[derive(Debug)]
struct Relying {
    /// The shortest time for which anything that it tells speaks.
    reach_ms: i64,
    services: BTreeSet<Id>,
}

impl ReliedOn {
    fn of(catalogue: &Catalogue, version: u64) -> Self {
        let mut agents: BTreeMap<Id, Relying> = BTreeMap::new();
        let mut relying = |agent: &Id, reach_ms: i64, service: Option<&Id>| {
            let nothing = || Relying { reach_ms, services: BTreeSet::new() };
            let relying = agents.entry(agent.clone()).or_insert_with(nothing);
            relying.reach_ms = reach_ms.min(relying.reach_ms);
            relying.services.extend(service.cloned());
        };
        for service in catalogue.services.values() {
            for probe in service.looks_at() {
                probe.agents.iter().for_each(|agent| relying(agent, probe.stale_after_ms, Some(&service.id)));
            }
        }
        catalogue.hosts.values().for_each(|host| relying(&host.agent, CAPACITY_REACH_MS, None));
        Self { version, agents }
    }
}

/// The troubles of a service since a horizon.
#[derive(Debug, Default)]
pub(super) struct Troubles {
    down: Vec<Trouble>,
    degraded: Vec<Episode>,
    unmeasured: Vec<Trouble>,
}

impl Engine {
    /// The troubles of a service that are seen over a span that ends now.
    pub(super) fn troubles(&self, service: &Service, seen: &ServiceTimeline, span: Interval) -> Troubles {
        let raising = &self.in_force.catalogue.raising;
        let states = seen.states.clip(span);
        let down = episodes(&states).into_iter().map(|episode| {
            let within = episode.interval();
            let first = seen.losses.partition_point(|loss| loss.interval.end <= within.start);
            let blamed = match episode.ended {
                None => seen.losses.last(),
                Some(_) => seen.losses.get(first),
            };
            blamed.filter(|loss| loss.interval.overlaps(within)).map_or(Trouble::of(episode), |loss| {
                let mut trouble = blame(service, loss);
                trouble.episode = episode;
                trouble
            })
        });
        let down = down.collect();
        let degraded = stretches::degraded(&states, raising.after_ms(Cause::ServiceDegraded));
        let unmeasured = stretches::unmeasured(&states, raising.after_ms(Cause::ServiceUnmeasured), self.started);
        let unmeasured = if unmeasured.is_empty() { Vec::new() } else { self.unseen(service, unmeasured, span.end) };
        Troubles { down, degraded, unmeasured }
    }

    /// Stretches in which nothing was seen of a service, laid to its agents. One that goes on is explained for a while where
    /// an agent announced its stop.
    fn unseen(&self, service: &Service, stretches: Vec<Episode>, now: Instant) -> Vec<Trouble> {
        let agents: BTreeSet<&Id> = service.looks_at().flat_map(|probe| &probe.agents).collect();
        let explained = agents.iter().any(|agent| self.has_announced_its_stop(agent, now));
        let laid = |mut episode: Episode| {
            episode.is_enough &= episode.ended.is_some() || !explained;
            let roots = agents.iter().map(|agent| (*agent).clone()).collect();
            Trouble { roots, ..Trouble::of(episode) }
        };
        stretches.into_iter().map(laid).collect()
    }

    fn has_announced_its_stop(&self, agent: &Id, now: Instant) -> bool {
        let stopped_at = self.agents.all().get(agent).and_then(|agent| agent.stopped_at);
        stopped_at.is_some_and(|at| now.since_ms(at) < STOP_EXPLAINS_MS)
    }

    /// What incidents about a service are decided from.
    pub(super) fn situation<'a>(
        &self,
        service: &'a Service,
        measured: &'a Measured,
        overruns: &[Overrun],
        now: Instant,
    ) -> Situation<'a> {
        let span = Interval::new(measured.horizon, now);
        let mut conditions = burning(service, measured, now);
        conditions.extend(measured.current.iter().filter_map(|(target, found)| unreachable(service, target, found)));
        conditions.extend(self.certificates(service, measured, now));
        conditions.extend(overruns.iter().filter(|one| one.service == service.id).map(|one| overrun(service, one)));
        let Troubles { down, degraded, unmeasured } = &measured.troubles;
        let is_well = down.is_empty() && degraded.is_empty() && unmeasured.is_empty();
        Situation {
            service: &service.id,
            held: measured.held,
            horizon: measured.horizon,
            down: down.clone(),
            degraded: degraded.clone(),
            unmeasured: unmeasured.clone(),
            planned: if is_well { Vec::new() } else { self.maintenance_of(&service.id, span) },
            targets: measured.current.iter().chain(&measured.before).map(|(t, f)| (&**t, f)).collect(),
            capacity: measured.capacity.iter().map(UseOf::watched).collect(),
            conditions,
        }
    }

    /// The maintenance of a service that has an instant of `span`, each with its name.
    fn maintenance_of(&self, service: &Id, span: Interval) -> Vec<(Interval, Id)> {
        let of_it = self.governed.maintenances_of(service).filter(|one| one.services().holds(service));
        let occurrences = of_it.flat_map(|one| one.occurrences().iter().map(|when| (*when, one.id().clone())));
        occurrences.filter(|(when, _)| when.overlaps(span)).collect()
    }

    /// A maintenance of some services, if all of them are in maintenance.
    fn all_planned(&self, services: &BTreeSet<Id>, now: Instant) -> Option<Id> {
        let instant = Interval::new(now, now.plus_ms(1));
        let mut planned = None;
        for service in services {
            planned = Some(self.maintenance_of(service, instant).pop()?.1);
        }
        planned
    }

    /// The probes that see a certificate which ends soon, or has ended.
    fn certificates(&self, service: &Service, measured: &Measured, now: Instant) -> Vec<Condition> {
        let not_well = |probe: &&Arc<Probe>| {
            let timeline = measured.sight.seen.probes.get(&probe.id);
            timeline.and_then(|timeline| timeline.last()).is_some_and(|last| last.state != State::Up)
        };
        let of_probe = |probe: &Arc<Probe>| {
            let newest = self.newest(probe, now);
            let (service_id, name) = (service.id.clone(), probe.id.child.clone());
            let summary = format!("a certificate that {} of {} sees ends soon, or has ended", name, service.name);
            let subject = Subject::CertificateExpiring { service: service_id, probe: name };
            match newest.iter().find(|(_, one)| one.cause == observation::Cause::Certificate) {
                Some((_, seen)) => Some(Condition::new(subject, seen.at, summary)),
                // Where nothing is seen, or nothing answers, nobody saw another certificate.
                None if newest.iter().all(|(_, one)| one.outcome == Outcome::Down) => self.goes_on(subject),
                None => None,
            }
        };
        service.probes.values().filter(not_well).filter_map(of_probe).collect()
    }

    /// What incidents about agents are decided from.
    pub(super) fn agent_situations<'a>(&self, relied_on: &'a ReliedOn, now: Instant) -> Vec<AgentSituation<'a>> {
        let situation = |(agent, relied_on): (&'a Id, &'a Relying)| {
            let nothing = AgentSnapshot::default();
            let known = self.agents.all().get(agent).unwrap_or(&nothing);
            let held = self.agents.is_awaited(agent, now);
            let silent = self.silence(agent, known, relied_on, now);
            // A clock that is off is not told beside silence, but silence does not put it right.
            let clock = self.clock_off(agent, known);
            let clock = clock.filter(|off| silent.is_none() || self.goes_on(off.subject.clone()).is_some());
            let conditions: Vec<Condition> = silent.into_iter().chain(clock).collect();
            let planned = if conditions.is_empty() { None } else { self.all_planned(&relied_on.services, now) };
            AgentSituation { agent, held, conditions, services: &relied_on.services, planned }
        };
        relied_on.agents.iter().map(situation).collect()
    }

    /// What an open incident is about, of which nothing was seen since that could end it: it holds on.
    fn goes_on(&self, subject: Subject) -> Option<Condition> {
        let open = self.register.current(&subject).filter(|incident| incident.is_open())?;
        Some(Condition::new(subject, open.started, open.summary.clone()))
    }

    /// Who relies on which agent, by the catalogue in force; looked up once for each of its versions.
    pub(super) fn relied_on(&mut self) -> Arc<ReliedOn> {
        if self.relied_on.version != self.in_force.version {
            self.relied_on = Arc::new(ReliedOn::of(&self.in_force.catalogue, self.in_force.version));
        }
        Arc::clone(&self.relied_on)
    }

    /// An agent from which nothing has come for longer than its shortest reach, the oldest that a batch gets, and the grace
    /// that the catalogue gives it.
    fn silence(&self, agent: &Id, known: &AgentSnapshot, relying: &Relying, now: Instant) -> Option<Condition> {
        let last = known.last_push.unwrap_or(self.started);
        let grace_ms = self.in_force.catalogue.raising.after_ms(Cause::AgentSilent);
        let due = last.plus_ms(relying.reach_ms.saturating_add(BATCH_AGE_MS_MAX).saturating_add(grace_ms));
        if now < due || self.has_announced_its_stop(agent, now) {
            // After a start nothing is known of an agent that was silent before, and is so still.
            let subject = Subject::AgentSilent { agent: agent.clone() };
            return known.last_push.is_none().then(|| self.goes_on(subject)).flatten();
        }
        let rely = match relying.services.len() {
            1 => "one service relies on it".to_owned(),
            many => format!("{many} services rely on it"),
        };
        let summary = match (known.last_push, known.stopped_at) {
            (_, Some(at)) => format!("the agent {agent} announced its stop at {at} and has not come back"),
            (Some(at), None) => format!("the agent {agent} has told nothing since {at}; {rely}"),
            (None, None) => format!("the agent {agent} has told nothing since the collector started; {rely}"),
        };
        Some(Condition::new(Subject::AgentSilent { agent: agent.clone() }, last, summary))
    }

    /// An agent whose clock was off at its last push. Once it is, it must come to half as much to be right again.
    fn clock_off(&self, agent: &Id, known: &AgentSnapshot) -> Option<Condition> {
        let subject = Subject::ClockOff { agent: agent.clone() };
        let (Some(at), off_ms) = (known.last_push, known.clock_offset_ms) else { return self.goes_on(subject) };
        let beyond_ms = self.in_force.catalogue.raising.of(Cause::ClockOff).beyond_ms?;
        let was_off = self.register.current(&subject).is_some_and(Incident::is_open);
        let bound_ms = if was_off { beyond_ms / 2 } else { beyond_ms };
        let way = if off_ms > 0 { "ahead" } else { "behind" };
        let off = DurationText(off_ms.saturating_abs());
        let summary = format!("the clock of the agent {agent} is {off} {way}");
        (off_ms.saturating_abs() >= bound_ms).then(|| Condition::new(subject, at, summary))
    }
}

/// The targets whose budgets burn fast.
fn burning(service: &Service, measured: &Measured, now: Instant) -> Vec<Condition> {
    let mut found = Vec::new();
    for (target, alerts) in &measured.alerts {
        let alerting: Vec<_> = alerts.iter().filter(|alert| alert.alerting).collect();
        let Some(fastest) = alerting.first() else { continue };
        let figures = measured.current.iter().find(|(one, _)| one.id == *target).map(|(_, figures)| figures);
        let started = figures.and_then(|figures| figures.breaks.all.last()).map_or(now, |last| last.start);
        let summary = format!(
            "{} burns the error budget of {target} at least {} times as fast as it lasts, over {} and over {}",
            service.name,
            fastest.rule.factor,
            DurationText(fastest.rule.long_ms),
            DurationText(fastest.rule.short_ms),
        );
        let subject = Subject::BudgetBurning { service: service.id.clone(), target: target.clone() };
        let is_urgent = alerting.iter().any(|alert| alert.rule.urgent);
        found.push(Condition {
            urgency: if is_urgent { Urgency::Urgent } else { Urgency::Normal },
            explained_within_ms: alerting.iter().map(|alert| alert.rule.short_ms).max(),
            ..Condition::new(subject, started, summary)
        });
    }
    found
}

/// What an outage is laid to: whose probes failed, and what these look at.
fn blame(service: &Service, loss: &Loss) -> Trouble {
    let owners: BTreeSet<&Id> = loss.shares.iter().map(|share| &share.probe.parent).collect();
    let is_own = owners.is_empty() || owners.contains(&service.id);
    let components = loss.shares.iter().filter_map(|share| service.probe(&share.probe)?.component.clone());
    let components: BTreeSet<Id> = components.collect();
    Trouble {
        episode: Episode { started: loss.interval.start, ended: None, is_enough: true },
        roots: if is_own { Vec::new() } else { owners.into_iter().cloned().collect() },
        failing: loss.shares.iter().map(|share| service.name_of(&share.probe)).collect(),
        components: components.into_iter().collect(),
    }
}

fn overrun(service: &Service, overrun: &Overrun) -> Condition {
    let maintenance = overrun.maintenance.clone();
    let summary = format!(
        "{} is still down after its maintenance {maintenance}, which was over at {}",
        service.name, overrun.since
    );
    let subject = Subject::MaintenanceOverrun { service: service.id.clone(), maintenance };
    Condition::new(subject, overrun.since, summary)
}
