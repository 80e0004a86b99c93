//! Deciding incidents: outages and verdicts, and what is known → the changes to make. Pure.
//!
//! For each service the decider gets its outages within the horizon and the verdicts of its targets. An outage belongs
//! to the incident it overlaps in time; one that belongs to none opens a new incident, and one that was over before it
//! became known is opened and resolved in one change. An incident about a window that has closed stays resolved, and is
//! amended when what is put on record or arrives later turns the window's verdict. Nothing is decided about a service that is *held*: while an agent
//! still delivers a backlog, or the collector has only just started, its newest state is not the present.

use uphold_common::catalogue::model::{CapacityPromise, Catalogue, Service, Target, Threshold, WindowKind};
use uphold_common::ids::Id;
use uphold_common::measure::capacity::Utilisation;
use uphold_common::measure::target::TargetFigures;
use uphold_common::measure::window::Window;
use uphold_common::time::{Instant, Interval};

use super::episode::Episode;
use super::model::{Change, Event, Incident, Number, PriorityText, Resolution, Subject};
use super::register::Register;
use super::summary::{breach_summary, outage_summary, threshold_summary};

/// What is known of a service at the instant of a decision.
#[derive(Debug)]
pub struct Situation<'a> {
    /// The service.
    pub service: &'a Id,
    /// Whether nothing may be concluded about it yet.
    pub held: bool,
    /// From when on its outages are listed.
    pub horizon: Instant,
    /// Its outages since then, in order.
    pub episodes: Vec<Episode>,
    /// Which probes failed in the newest outage, for the summary.
    pub failing: Vec<String>,
    /// Its targets in the windows that matter now: the open one, and the one before while it may still change.
    pub targets: Vec<(&'a Target, &'a TargetFigures)>,
    /// Its targets on capacity.
    pub capacity: Vec<Watched<'a>>,
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

/// The events of one incident that belong together: they are stored and told as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// In order; never empty.
    pub events: Vec<Event>,
}

/// Decides what to change.
pub fn decide(
    register: &Register,
    catalogue: &Catalogue,
    situations: &[Situation<'_>],
    as_of: Instant,
) -> Vec<Decision> {
    let open = register.open().collect();
    let mut decider = Decider { register, catalogue, as_of, open, next: register.next_number(), decisions: Vec::new() };
    for situation in situations {
        let Some(service) = catalogue.services.get(situation.service) else { continue };
        if !situation.held {
            decider.outages(service, situation);
            decider.breaches(service, situation);
        }
        for watched in situation.capacity.iter().filter(|watched| !watched.held) {
            decider.thresholds(service, watched);
        }
    }
    decider.withdrawn();
    decider.decisions
}

struct Decider<'a> {
    register: &'a Register,
    catalogue: &'a Catalogue,
    as_of: Instant,
    open: Vec<&'a Incident>,
    next: Number,
    decisions: Vec<Decision>,
}

impl Decider<'_> {
    fn outages(&mut self, service: &Service, situation: &Situation<'_>) {
        let subject = Subject::ServiceDown { service: situation.service.clone() };
        let summary = |episode: &Episode| outage_summary(service, situation, episode);
        self.follow_episodes(&subject, &situation.episodes, situation.horizon, Resolution::Recovered, summary);
    }

    fn thresholds(&mut self, service: &Service, watched: &Watched<'_>) {
        for (threshold, episodes) in &watched.above {
            let (service_id, target, threshold) = (service.id.clone(), watched.target.id.clone(), *threshold);
            let subject = Subject::CapacityAbove { service: service_id, target, threshold };
            let summary = |episode: &Episode| threshold_summary(service, watched, threshold, episode);
            self.follow_episodes(&subject, episodes, watched.horizon, Resolution::BelowAgain, summary);
        }
    }

    /// Leads the incidents about `subject` along its episodes, of which those since `horizon` are told.
    fn follow_episodes(
        &mut self,
        subject: &Subject,
        episodes: &[Episode],
        horizon: Instant,
        over: Resolution,
        summary: impl Fn(&Episode) -> String,
    ) {
        if episodes.is_empty() && !self.open.iter().any(|incident| incident.subject == *subject) {
            return;
        }
        let known: Vec<&Incident> = self.register.about(subject).collect();
        for episode in episodes {
            let mine = known.iter().rev().find(|incident| incident.interval().overlaps(episode.interval()));
            match (mine, episode.ended) {
                (None, ended) if episode.is_enough => {
                    let end = ended.map(|at| (at, over));
                    self.open(subject.clone(), episode.started, end, summary(episode));
                }
                (Some(incident), Some(ended)) if incident.is_open() => {
                    // An incident that holds several episodes, as late data cuts them, ends with the last of them.
                    let last = episodes.iter().rev().find(|e| e.interval().overlaps(incident.interval()));
                    if last == Some(episode) {
                        self.resolve(incident, ended, over);
                    }
                }
                (Some(incident), None) if self.is_over(incident) && episode.is_enough => self.reopen(incident),
                _ => {}
            }
        }
        // With a clock that was set back an incident may have begun in the future: that says nothing about it.
        let listed = Interval::new(horizon, self.as_of);
        for incident in known.iter().filter(|incident| incident.is_open() && listed.contains(incident.started)) {
            if !episodes.iter().any(|e| e.interval().overlaps(incident.interval())) {
                self.resolve(incident, incident.started, Resolution::NeverWas);
            }
        }
    }

    fn breaches(&mut self, service: &Service, situation: &Situation<'_>) {
        for (target, figures) in &situation.targets {
            let window = figures.window;
            let subject = breach_of(target, &window);
            let known = self.register.about(&subject).next_back();
            let known = known.filter(|incident| incident.is_open() || window_start(&window).is_some());
            let breached = figures.is_breached();
            match known {
                None if breached => {
                    let end = (!window.is_open()).then_some((window.interval.end, Resolution::WindowClosed));
                    self.open(subject, breach_started(figures), end, breach_summary(service, target, figures));
                }
                Some(incident) if incident.is_open() && !breached && (!window.is_open() || figures.is_judged()) => {
                    self.resolve(incident, self.as_of.min(window.interval.end), Resolution::MetAgain);
                }
                Some(incident) if incident.is_open() && !window.is_open() => {
                    self.resolve(incident, window.interval.end, Resolution::WindowClosed);
                }
                Some(incident) if self.is_over(incident) && breached && window.is_open() => self.reopen(incident),
                Some(incident) if self.is_over(incident) && !window.is_open() => self.amend(incident, figures),
                _ => {}
            }
        }
        self.closed_windows(situation);
    }

    /// What became known of a closed window since, or was put on record or revoked, may have turned its verdict. Nobody can
    /// do anything about that window any more, so its incident is not opened again: it says how it ended after all, and
    /// who follows it is told. One that people withdrew from the catalogue stays as it is.
    fn amend(&mut self, incident: &Incident, figures: &TargetFigures) {
        let ended = figures.window.interval.end;
        let resolution = match (incident.resolved.map(|resolved| resolved.resolution), figures.is_breached()) {
            (Some(Resolution::MetAgain | Resolution::NotBreached), true) => Resolution::WindowClosed,
            (Some(Resolution::WindowClosed), false) => Resolution::NotBreached,
            _ => return,
        };
        self.follow(incident, Change::Amended { ended, resolution });
    }

    /// Incidents about windows that are long over: nobody lists those windows any more.
    fn closed_windows(&mut self, situation: &Situation<'_>) {
        let open: Vec<&Incident> = self.register.open().filter(|i| i.subject.service() == situation.service).collect();
        for incident in open {
            let Subject::TargetBreached { target, window_start: Some(start), .. } = &incident.subject else { continue };
            let Some(target) = self.catalogue.targets.get(target) else { continue };
            let listed = situation
                .targets
                .iter()
                .any(|(other, figures)| other.id == target.id && window_start(&figures.window) == Some(*start));
            let zone = self.catalogue.services.get(situation.service).map(|service| &service.time_zone);
            if let (false, Some(zone)) = (listed, zone) {
                let window = Window::holding(target.window, zone, *start, self.as_of);
                if !window.is_open() {
                    self.resolve(incident, window.interval.end, Resolution::WindowClosed);
                }
            }
        }
    }

    fn withdrawn(&mut self) {
        let open: Vec<&Incident> = self.register.open().collect();
        for incident in open {
            let known = match &incident.subject {
                Subject::ServiceDown { service } => self.catalogue.services.contains_key(service),
                Subject::TargetBreached { target, .. } | Subject::CapacityAbove { target, .. } => {
                    self.catalogue.targets.contains_key(target)
                }
            };
            if !known {
                self.resolve(incident, self.as_of.max(incident.started), Resolution::Withdrawn);
            }
        }
    }

    fn open(&mut self, subject: Subject, started: Instant, end: Option<(Instant, Resolution)>, summary: String) {
        let Some(service) = self.catalogue.services.get(subject.service()) else { return };
        let priority = PriorityText(self.catalogue.priorities.of(service.criticality, subject.urgency()));
        let number = self.next;
        self.next = Number(number.0 + 1);
        let decided_at = self.as_of;
        let opened = Change::Opened { subject, started, priority, summary };
        let mut events = vec![Event { number, place: 1, decided_at, change: opened }];
        if let Some((ended, resolution)) = end {
            events.push(Event { number, place: 2, decided_at, change: Change::Resolved { ended, resolution } });
        }
        self.decisions.push(Decision { events });
    }

    /// Whether it was resolved, and the present is not before its end, as it can be after a clock was set back.
    fn is_over(&self, incident: &Incident) -> bool {
        incident.resolved.is_some_and(|resolved| resolved.ended <= self.as_of)
    }

    fn resolve(&mut self, incident: &Incident, ended: Instant, resolution: Resolution) {
        self.follow(incident, Change::Resolved { ended, resolution });
    }

    fn reopen(&mut self, incident: &Incident) {
        self.follow(incident, Change::Reopened);
    }

    /// One decision at a time for each incident: what follows is decided at the next tick, from its outcome.
    fn follow(&mut self, incident: &Incident, change: Change) {
        let (number, place) = (incident.number, incident.events + 1);
        if self.decisions.iter().all(|decision| decision.events.iter().all(|event| event.number != number)) {
            self.decisions.push(Decision { events: vec![Event { number, place, decided_at: self.as_of, change }] });
        }
    }
}

/// The start of a calendar window, which names it; a rolling window has none.
fn window_start(window: &Window) -> Option<Instant> {
    let rolling = matches!(window.kind, WindowKind::Rolling { .. });
    (!rolling).then_some(window.interval.start)
}

fn breach_of(target: &Target, window: &Window) -> Subject {
    Subject::TargetBreached {
        service: target.service.clone(),
        target: target.id.clone(),
        window_start: window_start(window),
    }
}

/// A breach is laid to the beginning of the last break so far: without it the target would have held longer.
fn breach_started(figures: &TargetFigures) -> Instant {
    figures.breaks.all.last().map_or(figures.window.elapsed().end, |last| last.start)
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
