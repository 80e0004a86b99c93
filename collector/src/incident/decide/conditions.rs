//! What holds at the instant, or does not: budgets that burn, targets that cannot be met, certificates that end, maintenance
//! that does not, agents that are silent, clocks that are off.
//!
//! A condition has no history that could be looked at again, only the present. It opens an incident when it holds, and
//! resolves it when it holds no longer; when it has come back once, only after it has held no longer for a while.

use std::collections::{BTreeMap, BTreeSet};

use uphold_common::catalogue::cause::Cause;
use uphold_common::catalogue::model::Urgency;
use uphold_common::ids::Id;
use uphold_common::measure::window::Window;
use uphold_common::time::{Instant, Interval};

use super::{About, Decider, Found};
use crate::incident::model::{Change, Incident, Number, Resolution, Subject};
use crate::incident::register::Register;

/// Something that holds now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// What it is about.
    pub subject: Subject,
    /// Since when, as measured.
    pub started: Instant,
    /// How urgent it is by itself.
    pub urgency: Urgency,
    /// What was seen, for people.
    pub summary: String,
    /// The stretch before the instant over which an outage of the service explains it, and is told already.
    pub explained_within_ms: Option<i64>,
}

impl Condition {
    /// One that nothing else explains, as urgent as its kind.
    pub fn new(subject: Subject, started: Instant, summary: String) -> Self {
        Self { urgency: subject.urgency(), subject, started, summary, explained_within_ms: None }
    }
}

/// Whether incidents of a cause follow conditions.
pub(super) const fn is_condition(cause: Cause) -> bool {
    match cause {
        Cause::TargetUnreachable
        | Cause::BudgetBurning
        | Cause::AgentSilent
        | Cause::CertificateExpiring
        | Cause::MaintenanceOverrun
        | Cause::ClockOff => true,
        Cause::ServiceDown
        | Cause::ServiceDegraded
        | Cause::TargetBreached
        | Cause::CapacityAbove
        | Cause::ServiceUnmeasured => false,
    }
}

/// Carries on since when the conditions of open incidents do not hold any more. After a start that is known of none.
pub fn keep_calm<'c>(
    calm: &mut BTreeMap<Number, Instant>,
    register: &Register,
    holding: impl Iterator<Item = &'c Condition>,
    as_of: Instant,
) {
    let holding: BTreeSet<&Subject> = holding.map(|condition| &condition.subject).collect();
    let ended = |incident: &&Incident| is_condition(incident.subject.cause()) && !holding.contains(&incident.subject);
    let calm_now: BTreeSet<Number> = register.open().filter(ended).map(|incident| incident.number).collect();
    calm.retain(|number, _| calm_now.contains(number));
    for number in calm_now {
        let since = calm.entry(number).or_insert(as_of);
        // A clock that was set back does not keep an incident open until the time of before has come again.
        *since = as_of.min(*since);
    }
}

impl Decider<'_> {
    /// Opens and resolves what follows the conditions of a service or an agent.
    pub(super) fn conditions(&mut self, name: (bool, &Id), holding: &[Condition], about: &About<'_>) {
        for condition in holding {
            self.holds(condition, about);
        }
        let of_it = self.open_about(name).into_iter().filter(|incident| is_condition(incident.subject.cause()));
        for incident in of_it.collect::<Vec<_>>() {
            if !holding.iter().any(|condition| condition.subject == incident.subject) {
                self.holds_no_longer(incident);
            }
        }
        self.clear(holding, name);
    }

    fn holds(&mut self, condition: &Condition, about: &About<'_>) {
        let subject = &condition.subject;
        let newest = self.known.register.current(subject);
        let quiet = about.quiet(subject, condition.started).is_some();
        if let Some(incident) = newest.filter(|one| one.follows_figures() && one.quiet.is_some() && !quiet) {
            self.outlasts(incident, condition, about);
            return;
        }
        if newest.is_some_and(|incident| incident.is_open() || incident.lingers) || !self.raises(subject) {
            return;
        }
        let explained = condition.explained_within_ms.zip(subject.service()).is_some_and(|(within_ms, service)| {
            self.was_down(service, Interval::new(self.as_of.minus_ms(within_ms), self.as_of.plus_ms(1)))
        });
        let lately = |incident: &&super::Incident| {
            let ended = incident.resolved.as_ref().map(|resolved| resolved.ended);
            ended.is_some_and(|ended| (0..=self.absorb_ms()).contains(&self.as_of.since_ms(ended)))
        };
        let same = |incident: &&Incident| incident.closed.is_none() && incident.quiet.is_some() == quiet;
        match newest.filter(same).filter(lately) {
            _ if explained => {}
            Some(incident) => {
                self.follow(incident, &[Change::Reopened { by: None, text: None, returned: true }]);
            }
            None => self.open_condition(condition, condition.started, about),
        }
    }

    fn open_condition(&mut self, condition: &Condition, started: Instant, about: &About<'_>) {
        let mut found = Found::new(condition.subject.clone(), started, condition.summary.clone());
        found.urgency = condition.urgency;
        self.open(about, found, None);
    }

    /// What nobody was told of, since it began in maintenance, goes on after that: from now on it is another incident.
    fn outlasts(&mut self, incident: &Incident, condition: &Condition, about: &About<'_>) {
        let from = self.as_of.max(incident.started);
        self.resolve(incident, from, Resolution::Outlasted);
        if self.raises(&condition.subject) {
            self.open_condition(condition, from, about);
        }
    }

    fn holds_no_longer(&mut self, incident: &Incident) {
        let since = self.known.calm.get(&incident.number).copied().unwrap_or(self.as_of);
        if incident.returns > 0 && self.as_of.since_ms(since) < self.absorb_ms() {
            return;
        }
        let (ended, resolution) = self.window_closed(incident).unwrap_or((since, Resolution::OverAgain));
        self.resolve(incident, ended.max(incident.started), resolution);
    }

    /// The end of the window that an incident is about, if that is over.
    fn window_closed(&self, incident: &Incident) -> Option<(Instant, Resolution)> {
        let Subject::TargetUnreachable { service, target, window_start } = &incident.subject else { return None };
        let zone = &self.known.catalogue.services.get(service)?.time_zone;
        let target = self.known.catalogue.targets.get(target)?;
        let window = Window::holding(target.window, zone, *window_start, self.as_of);
        (!window.is_open()).then_some((window.interval.end, Resolution::WindowClosed))
    }

    /// What somebody resolved while it held holds no longer.
    fn clear(&mut self, holding: &[Condition], name: (bool, &Id)) {
        let lingers = |incident: &&Incident| {
            incident.lingers
                && is_condition(incident.subject.cause())
                && (incident.subject.service().is_some(), incident.subject.name()) == name
        };
        for incident in self.known.register.lingering().filter(lingers) {
            if !holding.iter().any(|condition| condition.subject == incident.subject) {
                self.follow(incident, &[Change::Cleared]);
            }
        }
    }
}
