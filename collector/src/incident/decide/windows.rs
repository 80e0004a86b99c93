//! Promises and their windows: a target is breached so far, can no longer be met, was breached after all.
//!
//! An incident about a window that has closed stays resolved, and is amended when what is put on record or arrives later
//! turns the window's verdict. A target that can no longer be met is one incident, not one about the breach beside it.

use uphold_common::catalogue::model::{Service, Target, WindowKind};
use uphold_common::measure::target::TargetFigures;
use uphold_common::measure::window::Window;
use uphold_common::time::Instant;

use super::conditions::Condition;
use super::{About, Decider, Found, OF_SERVICE, Situation};
use crate::incident::model::{Change, Incident, Resolution, Subject};
use crate::incident::summary::{breach_summary, unreachable_summary};

impl Decider<'_> {
    pub(super) fn breaches(&mut self, service: &Service, situation: &Situation<'_>, about: &About<'_>) {
        for (target, figures) in &situation.targets {
            let window = figures.window;
            let subject = breach_of(target, &window);
            let known = self.known.register.current(&subject).filter(|incident| self.is_of(incident, &window));
            let breached = figures.is_breached() && (known.is_some() || !self.is_forgotten(&window));
            match known {
                None if breached && self.raises(&subject) && !self.is_told_as_unreachable(target, figures) => {
                    let end = (!window.is_open()).then_some((window.interval.end, Resolution::WindowClosed));
                    let summary = breach_summary(service, target, figures);
                    self.open(about, Found::new(subject, breach_started(figures), summary), end);
                }
                Some(incident) if incident.is_open() && !breached && (!window.is_open() || figures.is_judged()) => {
                    self.resolve(incident, self.as_of.min(window.interval.end), Resolution::MetAgain);
                }
                Some(incident) if incident.is_open() && !window.is_open() => {
                    self.resolve(incident, window.interval.end, Resolution::WindowClosed);
                }
                Some(incident) if incident.lingers && (!breached || !window.is_open()) => {
                    self.follow(incident, &[Change::Cleared]);
                }
                Some(incident) if incident.lingers => {}
                Some(incident) if self.is_over(incident) && breached && window.is_open() => {
                    let returned = window_start(&window).is_none();
                    self.follow(incident, &[Change::Reopened { by: None, text: None, returned }]);
                }
                Some(incident) if self.is_over(incident) && !window.is_open() => self.amend(incident, figures),
                _ => {}
            }
        }
        self.closed_windows(situation);
    }

    /// Whether an incident speaks for a window. A rolling one has no end: what comes back long after an incident about it is
    /// another one. So is, as long as a window is open, what comes after its incident was closed.
    fn is_of(&self, incident: &Incident, window: &Window) -> bool {
        if incident.is_open() || incident.lingers || !window.is_open() {
            return true;
        }
        let lately = |ended: Instant| (0..=self.absorb_ms()).contains(&self.as_of.since_ms(ended));
        let ended = incident.resolved.as_ref().map(|resolved| resolved.ended);
        incident.closed.is_none() && (window_start(window).is_some() || ended.is_some_and(lately))
    }

    /// Whether an incident about a closed window may be among those that are not held any more: nothing opens it again.
    fn is_forgotten(&self, window: &Window) -> bool {
        !window.is_open()
            && self.known.register.known_from().is_some_and(|known_from| window.interval.end <= known_from)
    }

    /// Whether there is, or is about to be, an incident that says of this window that the target cannot be met in it.
    fn is_told_as_unreachable(&self, target: &Target, figures: &TargetFigures) -> bool {
        let Some(subject) = unreachable_of(target, &figures.window) else { return false };
        let told = |incident: &Incident| {
            incident.resolved.as_ref().is_none_or(|resolved| resolved.resolution != Resolution::OverAgain)
        };
        (is_unreachable(figures) && self.raises(&subject)) || self.known.register.about(&subject).any(told)
    }

    /// What became known of a closed window since, or was put on record or revoked, may have turned its verdict. Nobody can
    /// do anything about that window any more, so its incident is not opened again: it says how it ended after all, and
    /// who follows it is told. One that people withdrew from the catalogue stays as it is.
    fn amend(&mut self, incident: &Incident, figures: &TargetFigures) {
        let ended = figures.window.interval.end;
        let resolution = match (incident.resolved.as_ref().map(|resolved| resolved.resolution), figures.is_breached()) {
            (Some(Resolution::MetAgain | Resolution::NotBreached), true) => Resolution::WindowClosed,
            (Some(Resolution::WindowClosed), false) => Resolution::NotBreached,
            _ => return,
        };
        self.follow(incident, &[Change::Amended { ended, resolution }]);
    }

    /// Incidents about windows that are long over: nobody lists those windows any more.
    fn closed_windows(&mut self, situation: &Situation<'_>) {
        for incident in self.open_about((OF_SERVICE, situation.service)) {
            let Subject::TargetBreached { target, window_start: Some(start), .. } = &incident.subject else { continue };
            let Some(target) = self.known.catalogue.targets.get(target) else { continue };
            let listed = situation
                .targets
                .iter()
                .any(|(other, figures)| other.id == target.id && window_start(&figures.window) == Some(*start));
            let zone = self.known.catalogue.services.get(situation.service).map(|service| &service.time_zone);
            if let (false, Some(zone)) = (listed, zone) {
                let window = Window::holding(target.window, zone, *start, self.as_of);
                if !window.is_open() {
                    self.resolve(incident, window.interval.end, Resolution::WindowClosed);
                }
            }
        }
    }
}

/// A target that can no longer be met in the window that is open, as long as the states on record stand.
pub fn unreachable(service: &Service, target: &Target, figures: &TargetFigures) -> Option<Condition> {
    let subject = unreachable_of(target, &figures.window).filter(|_| is_unreachable(figures))?;
    Some(Condition::new(subject, breach_started(figures), unreachable_summary(service, target, figures)))
}

fn is_unreachable(figures: &TargetFigures) -> bool {
    figures.window.is_open() && figures.is_judged() && figures.budget.remaining_ms < 0
}

fn unreachable_of(target: &Target, window: &Window) -> Option<Subject> {
    let (service, target, window_start) = (target.service.clone(), target.id.clone(), window_start(window)?);
    Some(Subject::TargetUnreachable { service, target, window_start })
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
