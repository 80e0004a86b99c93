//! Deciding incidents: outages, verdicts and conditions, and what is known → the changes to make. Pure.
//!
//! | file | what it decides |
//! |---|---|
//! | `trouble` | stretches with a beginning and an end: outages, degraded and unmeasured time, thresholds |
//! | `windows` | promises and their windows |
//! | `conditions` | what holds at the instant, or does not: burning budgets, silent agents, certificates, overruns, clocks |
//! | `roots` | whose trouble it is: what only suffers from something else is attached to that |
//! | `over` | what left the catalogue, and what nobody has to do anything about any more |
//!
//! A stretch of trouble belongs to the incident it overlaps in time, or to the one that ended just before it; one that
//! belongs to none opens a new incident, and one that was over before it became known is opened and resolved in one change.
//! Nothing is decided about a service that is *held*: while an agent still delivers a backlog, or the collector has only
//! just started, its newest state is not the present.

mod conditions;
mod over;
mod roots;
mod trouble;
mod windows;

use std::collections::{BTreeMap, BTreeSet};

use uphold_common::catalogue::cause::Cause;
use uphold_common::catalogue::course::Courses;
use uphold_common::catalogue::model::{CapacityPromise, Catalogue, Criticality, Service, Target, Threshold, Urgency};
use uphold_common::ids::Id;
use uphold_common::measure::capacity::Utilisation;
use uphold_common::measure::target::TargetFigures;
use uphold_common::time::{Instant, Interval};

use super::episode::Episode;
use super::model::{
    Change, CriticalityText, Event, Incident, Number, Opening, PriorityText, Resolution, Subject, Uid, UrgencyText,
};
use super::register::Register;
pub use conditions::{Condition, keep_calm};
use roots::Joined;
pub use windows::unreachable;

/// What is known when something is decided.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    /// The incidents that are open or recent.
    pub register: &'a Register,
    /// The catalogue in force.
    pub catalogue: &'a Catalogue,
    /// What was promised through its versions.
    pub courses: &'a Courses,
    /// Since when the conditions of incidents that are open do not hold any more, as far as that is known.
    pub calm: &'a BTreeMap<Number, Instant>,
    /// Draws the id of a new incident, if there are random bits.
    pub draw: &'a dyn Fn() -> Option<Uid>,
}

/// A stretch of trouble, and what it is laid to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// When.
    pub episode: Episode,
    /// The services by whose failure alone it came, or the agents by whose silence; empty if it has reasons of its own.
    pub roots: Vec<Id>,
    /// The probes that failed, for people.
    pub failing: Vec<String>,
    /// The components that these look at.
    pub components: Vec<Id>,
}

/// What is known of a service at the instant of a decision.
#[derive(Debug)]
pub struct Situation<'a> {
    /// The service.
    pub service: &'a Id,
    /// Whether nothing may be concluded about it yet.
    pub held: bool,
    /// From when on its troubles are listed.
    pub horizon: Instant,
    /// Its outages since then, in order.
    pub down: Vec<Trouble>,
    /// Since then, for how long it was degraded.
    pub degraded: Vec<Episode>,
    /// Since then, for how long nothing was seen of it; the roots are agents.
    pub unmeasured: Vec<Trouble>,
    /// Its maintenance since then: when, and what it is called.
    pub planned: Vec<(Interval, Id)>,
    /// Its targets in the windows that matter now: the open one, and the one before while it may still change.
    pub targets: Vec<(&'a Target, &'a TargetFigures)>,
    /// Its targets on capacity.
    pub capacity: Vec<Watched<'a>>,
    /// What holds now.
    pub conditions: Vec<Condition>,
}

/// A target on capacity at the instant of a decision.
#[derive(Debug)]
pub struct Watched<'a> {
    /// The target.
    pub target: &'a Target,
    /// What it promises.
    pub promise: &'a CapacityPromise,
    /// Whether nothing may be concluded about it yet: its host's agent has not told everything.
    pub held: bool,
    /// From when on its episodes are listed.
    pub horizon: Instant,
    /// For each of its thresholds, the episodes since then, in order.
    pub above: Vec<(Threshold, Vec<Episode>)>,
    /// Its newest reading, as long as it speaks.
    pub newest: Option<Utilisation>,
}

/// What is known of an agent at the instant of a decision.
#[derive(Debug)]
pub struct AgentSituation<'a> {
    /// The agent.
    pub agent: &'a Id,
    /// Whether nothing may be concluded about it yet.
    pub held: bool,
    /// What holds now.
    pub conditions: Vec<Condition>,
    /// The services that it looks at.
    pub services: &'a BTreeSet<Id>,
    /// A maintenance of one of them, if all of them are in maintenance now.
    pub planned: Option<Id>,
}

/// The events of one incident that belong together: they are stored and told as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// In order; never empty.
    pub events: Vec<Event>,
}

/// Decides what to change.
pub fn decide(
    known: Known<'_>,
    services: &[Situation<'_>],
    agents: &[AgentSituation<'_>],
    as_of: Instant,
) -> Vec<Decision> {
    let mut decider = Decider::new(known, as_of);
    for situation in agents {
        decider.agent(situation);
    }
    // What others suffer from is decided before they are.
    let suffers = |situation: &&Situation<'_>| situation.down.iter().any(|trouble| !trouble.roots.is_empty());
    if services.iter().any(|situation| suffers(&situation)) {
        let known: BTreeSet<&Id> = services.iter().map(|situation| situation.service).collect();
        decider.left_out = decider.known.catalogue.services.keys().filter(|id| !known.contains(id)).collect();
    }
    let first = services.iter().filter(|situation| !suffers(situation));
    for situation in first.chain(services.iter().filter(suffers)) {
        decider.service(situation);
    }
    decider.join();
    decider.withdraw();
    decider.close();
    decider.decisions
}

struct Decider<'a> {
    known: Known<'a>,
    as_of: Instant,
    /// The open incidents by what they are about: a service, or else an agent.
    open: BTreeMap<(bool, &'a Id), Vec<&'a Incident>>,
    next: Number,
    decisions: Vec<Decision>,
    /// Where the decision about an incident stands.
    of: BTreeMap<Number, usize>,
    /// The incidents that are opened now.
    fresh: BTreeMap<Subject, Number>,
    /// The services that are attached to incidents.
    joined: BTreeMap<Number, Joined>,
    /// The services of the catalogue of which nothing is known yet, where it matters.
    left_out: BTreeSet<&'a Id>,
}

/// Whether what an incident is about is a service.
const OF_SERVICE: bool = true;
/// Or an agent.
const OF_AGENT: bool = false;

impl<'a> Decider<'a> {
    fn new(known: Known<'a>, as_of: Instant) -> Self {
        let mut open: BTreeMap<(bool, &Id), Vec<&Incident>> = BTreeMap::new();
        for incident in known.register.open() {
            let subject = &incident.subject;
            open.entry((subject.service().is_some(), subject.name())).or_default().push(incident);
        }
        Self {
            known,
            as_of,
            open,
            next: known.register.next_number(),
            decisions: Vec::new(),
            of: BTreeMap::new(),
            fresh: BTreeMap::new(),
            joined: BTreeMap::new(),
            left_out: BTreeSet::new(),
        }
    }

    fn agent(&mut self, situation: &AgentSituation<'_>) {
        if !situation.held {
            let about = About::agent(self.known.catalogue, situation);
            self.conditions((OF_AGENT, situation.agent), &situation.conditions, &about);
        }
    }

    fn service(&mut self, situation: &Situation<'_>) {
        let Some(service) = self.known.catalogue.services.get(situation.service) else { return };
        let about = About::service(service, &situation.planned);
        if !situation.held {
            self.troubles(service, situation, &about);
            self.breaches(service, situation, &about);
            self.conditions((OF_SERVICE, situation.service), &situation.conditions, &about);
        }
        for watched in situation.capacity.iter().filter(|watched| !watched.held) {
            self.thresholds(service, watched, &about);
        }
    }

    /// Whether a cause opens incidents at all.
    fn raises(&self, subject: &Subject) -> bool {
        self.known.catalogue.raising.of(subject.cause()).raise
    }

    /// The open incidents about a service or an agent.
    fn open_about(&self, name: (bool, &Id)) -> Vec<&'a Incident> {
        self.open.get(&name).cloned().unwrap_or_default()
    }

    fn open(&mut self, about: &About<'_>, found: Found, end: Option<(Instant, Resolution)>) {
        let (catalogue, cause) = (self.known.catalogue, found.subject.cause());
        let urgency = catalogue.raising.urgency(cause, found.urgency);
        let number = self.next;
        self.next = Number(number.0 + 1);
        let opening = Opening {
            id: (self.known.draw)(),
            priority: PriorityText(catalogue.priorities.of(about.criticality, urgency)),
            started: found.started,
            summary: found.summary,
            criticality: Some(CriticalityText(about.criticality)),
            urgency: Some(UrgencyText(urgency)),
            customers: about.customers.clone(),
            components: found.components,
            owner: about.owner.map(str::to_owned),
            quiet: about.quiet(&found.subject, found.started),
            subject: found.subject,
        };
        self.fresh.insert(opening.subject.clone(), number);
        self.add(number, 1, Change::Opened(opening));
        if let Some((ended, resolution)) = end {
            self.add(number, 2, Change::over(ended, resolution));
        }
    }

    /// Whether it was resolved, and the present is not before its end, as it can be after a clock was set back.
    fn is_over(&self, incident: &Incident) -> bool {
        incident.closed.is_none() && incident.resolved.as_ref().is_some_and(|resolved| resolved.ended <= self.as_of)
    }

    fn resolve(&mut self, incident: &Incident, ended: Instant, resolution: Resolution) {
        if incident.follows_figures() {
            self.follow(incident, &[Change::over(ended, resolution)]);
        }
    }

    /// One decision at a time for each incident: what follows is decided at the next tick, from its outcome.
    fn follow(&mut self, incident: &Incident, changes: &[Change]) {
        if !self.of.contains_key(&incident.number) {
            for (place, change) in (incident.events + 1..).zip(changes) {
                self.add(incident.number, place, change.clone());
            }
        }
    }

    /// Adds an event to the decision about its incident.
    fn add(&mut self, number: Number, place: u32, change: Change) {
        let event = Event { number, place, decided_at: self.as_of, change };
        if let Some(decision) = self.of.get(&number).and_then(|at| self.decisions.get_mut(*at)) {
            decision.events.push(event);
        } else {
            self.of.insert(number, self.decisions.len());
            self.decisions.push(Decision { events: vec![event] });
        }
    }
}

/// Whether an incident that begins in maintenance is nobody's concern: it is what maintenance is for. A promise that is
/// broken is told all the same.
const fn is_quiet_in_maintenance(cause: Cause) -> bool {
    matches!(cause, Cause::ServiceDown | Cause::ServiceDegraded | Cause::ServiceUnmeasured | Cause::AgentSilent)
}

/// What is found wrong.
struct Found {
    subject: Subject,
    started: Instant,
    urgency: Urgency,
    summary: String,
    components: Vec<Id>,
}

impl Found {
    /// As urgent as it is by itself.
    fn new(subject: Subject, started: Instant, summary: String) -> Self {
        Self { urgency: subject.urgency(), components: Vec::new(), subject, started, summary }
    }
}

/// What is copied from the catalogue to a new incident.
struct About<'a> {
    criticality: Criticality,
    customers: Vec<Id>,
    owner: Option<&'a str>,
    planned: &'a [(Interval, Id)],
    /// For an agent, which has no maintenance of its own: that in which all of its services are now.
    now: Option<&'a Id>,
}

impl<'a> About<'a> {
    fn service(service: &'a Service, planned: &'a [(Interval, Id)]) -> Self {
        let (criticality, customers) = (service.criticality, service.customers.clone());
        Self { criticality, customers, owner: service.owner.as_deref(), planned, now: None }
    }

    /// An agent weighs as much as the weightiest of the services that it looks at.
    fn agent(catalogue: &'a Catalogue, situation: &'a AgentSituation<'_>) -> Self {
        let services = || situation.services.iter().filter_map(|id| catalogue.services.get(id));
        let criticality = services().map(|service| service.criticality).max().unwrap_or(Criticality::Low);
        let customers: BTreeSet<&Id> = services().flat_map(|service| &service.customers).collect();
        let customers = customers.into_iter().cloned().collect();
        Self { criticality, customers, owner: None, planned: &[], now: situation.planned.as_ref() }
    }

    /// The maintenance that holds an instant.
    fn planned_at(&self, at: Instant) -> Option<&Id> {
        self.now.or_else(|| self.planned.iter().find(|(when, _)| when.contains(at)).map(|(_, maintenance)| maintenance))
    }

    /// The maintenance because of which nobody is told of an incident that begins then.
    fn quiet(&self, subject: &Subject, started: Instant) -> Option<Id> {
        self.planned_at(started).filter(|_| is_quiet_in_maintenance(subject.cause())).cloned()
    }
}

#[cfg(test)]
mod causes_tests;
#[cfg(test)]
mod edges_tests;
#[cfg(test)]
mod laws_tests;
#[cfg(test)]
mod tests;
