//! Stretches with a beginning and an end: outages, degraded and unmeasured time, thresholds of resources.
//!
//! Trouble that comes back within [`Raising::absorb_ms`](uphold_common::catalogue::raising::Raising) of its end is the same incident. The first end is told at once; after
//! trouble has come back, an end is told only once it has lasted that long, so that a service that flaps for an hour is one
//! incident with few messages.

use uphold_common::catalogue::model::Service;
use uphold_common::ids::Id;
use uphold_common::time::{Instant, Interval};

use super::{About, Decider, Found, Situation, Trouble, Watched};
use crate::incident::episode::Episode;
use crate::incident::model::{Change, Incident, Resolution, Subject};
use crate::incident::summary::{outage_summary, stretch_summary, threshold_summary};

/// What is followed along its stretches.
struct Course<'s> {
    subject: Subject,
    troubles: &'s [Trouble],
    /// From when on they are told.
    horizon: Instant,
    /// Why an incident ends with a stretch.
    over: Resolution,
}

impl Trouble {
    /// One that is laid to nothing else.
    pub fn of(episode: Episode) -> Self {
        Self { episode, roots: Vec::new(), failing: Vec::new(), components: Vec::new() }
    }
}

impl Decider<'_> {
    pub(super) fn troubles(&mut self, service: &Service, situation: &Situation<'_>, about: &About<'_>) {
        let (horizon, over) = (situation.horizon, Resolution::Recovered);
        let id = || situation.service.clone();
        let subject = Subject::ServiceDown { service: id() };
        let summary = |trouble: &Trouble| outage_summary(service, trouble);
        self.lead(&Course { subject, troubles: &situation.down, horizon, over }, about, summary);

        let degraded: Vec<Trouble> = situation.degraded.iter().copied().map(Trouble::of).collect();
        let subject = Subject::ServiceDegraded { service: id() };
        let summary = |trouble: &Trouble| stretch_summary(service, ["has been degraded", "was degraded"], trouble);
        self.lead(&Course { subject, troubles: &degraded, horizon, over }, about, summary);

        let subject = Subject::ServiceUnmeasured { service: id() };
        let over = Resolution::OverAgain;
        let summary =
            |trouble: &Trouble| stretch_summary(service, ["has not been measured", "was not measured"], trouble);
        self.lead(&Course { subject, troubles: &situation.unmeasured, horizon, over }, about, summary);
    }

    pub(super) fn thresholds(&mut self, service: &Service, watched: &Watched<'_>, about: &About<'_>) {
        for (threshold, episodes) in &watched.above {
            let (service_id, target, threshold) = (service.id.clone(), watched.target.id.clone(), *threshold);
            let subject = Subject::CapacityAbove { service: service_id, target, threshold };
            let troubles: Vec<Trouble> = episodes.iter().copied().map(Trouble::of).collect();
            let over = Resolution::BelowAgain;
            let course = Course { subject, troubles: &troubles, horizon: watched.horizon, over };
            self.lead(&course, about, |trouble| threshold_summary(service, watched, threshold, &trouble.episode));
        }
    }

    /// Leads the incidents about a subject along its stretches.
    fn lead(&mut self, course: &Course<'_>, about: &About<'_>, summary: impl Fn(&Trouble) -> String) {
        let known: Vec<&Incident> = self.known.register.about(&course.subject).collect();
        if course.troubles.is_empty() && known.iter().all(|incident| !incident.is_open() && !incident.lingers) {
            return;
        }
        for trouble in course.troubles {
            let episode = &trouble.episode;
            let overlapping = |incident: &&&Incident| incident.interval().overlaps(episode.interval());
            // People may have opened an older one again: it goes on, and no other beside it.
            let open = known.iter().find(|incident| incident.is_open() && overlapping(incident));
            let mine = open.or_else(|| known.iter().rev().find(overlapping));
            let quiet = about.planned_at(episode.started).is_some();
            let same = |incident: &&&Incident| self.absorbs(incident, episode) && incident.quiet.is_some() == quiet;
            match mine.or_else(|| known.iter().rev().find(same)) {
                None => self.begin(course, trouble, about, summary(trouble)),
                Some(incident) => self.go_on(course, incident, episode),
            }
        }
        self.end_others(course, &known);
    }

    /// Trouble that belongs to no incident yet.
    fn begin(&mut self, course: &Course<'_>, trouble: &Trouble, about: &About<'_>, summary: String) {
        let episode = &trouble.episode;
        if !episode.is_enough || !self.raises(&course.subject) || self.attach(&course.subject, trouble) {
            return;
        }
        let mut found = Found::new(course.subject.clone(), episode.started, summary);
        found.components.clone_from(&trouble.components);
        self.open(about, found, episode.ended.map(|at| (at, course.over)));
    }

    /// Trouble that belongs to an incident.
    fn go_on(&mut self, course: &Course<'_>, incident: &Incident, episode: &Episode) {
        match episode.ended {
            // Somebody said that it is over, and that stands until it is.
            _ if incident.lingers => {}
            Some(ended) if incident.is_open() => {
                // An incident that holds several stretches, as late data cuts them, ends with the last of them.
                let mut last = course.troubles.iter().rev().map(|trouble| &trouble.episode);
                let is_last = last.find(|other| other.interval().overlaps(incident.interval())) == Some(episode);
                let is_calm = incident.returns == 0 || self.as_of.since_ms(ended) >= self.absorb_ms();
                if is_last && is_calm {
                    self.resolve(incident, ended, course.over);
                }
            }
            None if self.is_over(incident) && episode.is_enough && self.raises(&course.subject) => {
                let returned = self.absorbs(incident, episode);
                self.follow(incident, &[Change::Reopened { by: None, text: None, returned }]);
            }
            Some(ended) if self.is_over(incident) && episode.is_enough && self.absorbs(incident, episode) => {
                let again = Change::Reopened { by: None, text: None, returned: true };
                self.follow(incident, &[again, Change::over(ended, course.over)]);
            }
            _ => {}
        }
    }

    /// Open incidents of which nothing is seen: what they were about never was. And what somebody resolved is over by the
    /// figures, too, once it does not go on any more.
    fn end_others(&mut self, course: &Course<'_>, known: &[&Incident]) {
        // With a clock that was set back an incident may have begun in the future: that says nothing about it.
        let listed = Interval::new(course.horizon, self.as_of);
        let goes_on = course.troubles.iter().any(|trouble| trouble.episode.ended.is_none());
        for incident in known {
            if incident.lingers && !goes_on {
                self.follow(incident, &[Change::Cleared]);
            }
            let overlaps = |trouble: &Trouble| trouble.episode.interval().overlaps(incident.interval());
            if incident.is_open() && listed.contains(incident.started) && !course.troubles.iter().any(overlaps) {
                self.never_was(incident);
            }
        }
    }

    /// Whether trouble comes so soon after an incident that it is the same.
    fn absorbs(&self, incident: &Incident, episode: &Episode) -> bool {
        let after = |ended: Instant| (0..=self.absorb_ms()).contains(&episode.started.since_ms(ended));
        incident.closed.is_none() && incident.resolved.as_ref().is_some_and(|resolved| after(resolved.ended))
    }

    pub(super) fn absorb_ms(&self) -> i64 {
        self.known.catalogue.raising.absorb_ms
    }

    /// Whether an outage of the service was going on in a stretch, by its incidents.
    pub(super) fn was_down(&self, service: &Id, within: Interval) -> bool {
        let subject = Subject::ServiceDown { service: service.clone() };
        let known = self.known.register.about(&subject).any(|incident| incident.interval().overlaps(within));
        known || self.fresh.contains_key(&subject)
    }
}
