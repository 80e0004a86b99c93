//! Stretches with a beginning and an end: outages, degraded and unmeasured time, thresholds of resources.
//!
//! Trouble that comes back within [`Raising::absorb_ms`](uphold_common::catalogue::raising::Raising) of its end is the same incident. The first end is told at once; after
//! trouble has come back, an end is told only once it has lasted that long, so that a service that flaps for an hour is one
//! incident with few messages.

use std::collections::BTreeSet;

use uphold_common::catalogue::cause::Cause;
use uphold_common::catalogue::model::Service;
use uphold_common::ids::Id;
use uphold_common::time::{Instant, Interval};

use super::{About, Decider, Found, Situation, Trouble, Watched};
use crate::incident::episode::Episode;
use crate::incident::model::{Change, Incident, Resolution, Resolved, Subject};
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

/// Trouble that belongs to no incident that is known.
#[derive(Default)]
struct Fresh {
    troubles: Vec<Trouble>,
    /// Whether what comes soon after the last of them is the same.
    may_join: bool,
}

impl Course<'_> {
    /// Whether this is the last stretch of an incident: it holds several, as late data cuts them, or when it came back.
    fn is_last_of(&self, incident: &Incident, episode: &Episode) -> bool {
        let until = incident.interval().end;
        let after = self.troubles.partition_point(|trouble| trouble.episode.started < until);
        after.checked_sub(1).and_then(|last| self.troubles.get(last)).is_some_and(|last| last.episode == *episode)
    }
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
        if course.troubles.is_empty() && known.iter().all(|incident| incident.closed.is_some() && !incident.lingers) {
            return;
        }
        let settled = Settled::of(&known);
        let mut fresh = Fresh::default();
        for trouble in course.troubles {
            let episode = &trouble.episode;
            if settled.has(episode) {
                fresh.may_join = false;
                continue;
            }
            let overlapping = |incident: &&&Incident| incident.interval().overlaps(episode.interval());
            // People may have opened an older one again: it goes on, and no other beside it.
            let open = known.iter().find(|incident| incident.is_open() && overlapping(incident));
            let mine = open.or_else(|| known.iter().rev().find(overlapping));
            let quiet = about.quiet(&course.subject, episode.started).is_some();
            let same = |incident: &&&Incident| self.absorbs(incident, episode) && incident.quiet.is_some() == quiet;
            let belongs_to = mine.or_else(|| known.iter().rev().find(same));
            match belongs_to.map(|incident| (incident, self.goes_on_from(incident, episode))) {
                Some((incident, None)) => {
                    fresh.may_join = false;
                    self.go_on(course, incident, episode, about);
                }
                Some((_, Some(from))) => {
                    let episode = Episode { started: from, ..*episode };
                    self.begin(course, about, Trouble { episode, ..trouble.clone() }, &mut fresh);
                }
                None => self.begin(course, about, trouble.clone(), &mut fresh),
            }
        }
        for trouble in &fresh.troubles {
            let mut found = Found::new(course.subject.clone(), trouble.episode.started, summary(trouble));
            found.components.clone_from(&trouble.components);
            self.open(about, found, trouble.episode.ended.map(|at| (at, course.over)));
        }
        self.end_others(course, &known);
    }

    /// Trouble that belongs to no incident yet. What flapped before it became known is one incident, too.
    fn begin(&mut self, course: &Course<'_>, about: &About<'_>, trouble: Trouble, fresh: &mut Fresh) {
        let begins = trouble.episode.is_enough
            && self.raises(&course.subject)
            && !self.waits(&course.subject, &trouble)
            && !self.attach(&course.subject, &trouble);
        if !begins {
            return;
        }
        let is_quiet = |trouble: &Trouble| about.quiet(&course.subject, trouble.episode.started).is_some();
        let is_same = |before: &&mut Trouble| {
            let soon = before.episode.ended.is_some_and(|ended| self.is_soon_after(ended, &trouble.episode));
            soon && is_quiet(before) == is_quiet(&trouble)
        };
        match fresh.troubles.last_mut().filter(|_| fresh.may_join).filter(is_same) {
            Some(before) => {
                let episode = Episode { started: before.episode.started, ..trouble.episode };
                *before = Trouble { episode, ..trouble };
            }
            None => fresh.troubles.push(trouble),
        }
        fresh.may_join = true;
    }

    /// From when on trouble that overlaps an incident is another one all the same: it goes on, and the incident was closed, or
    /// left behind in its maintenance.
    fn goes_on_from(&self, incident: &Incident, episode: &Episode) -> Option<Instant> {
        let end = incident.resolved.as_ref().filter(|end| end.ended <= self.as_of && episode.ended.is_none())?;
        match end.resolution {
            Resolution::Outlasted => Some(end.ended.max(episode.started)),
            _ if incident.closed.is_some() && !incident.lingers => Some(episode.started),
            _ => None,
        }
    }

    /// Trouble that belongs to an incident.
    fn go_on(&mut self, course: &Course<'_>, incident: &Incident, episode: &Episode, about: &About<'_>) {
        match episode.ended {
            // Somebody said that it is over, and that stands until it is.
            _ if incident.lingers => {}
            // A service that is down after its maintenance is told as that.
            None if incident.is_open()
                && incident.quiet.is_some()
                && incident.subject.cause() != Cause::ServiceDown
                && about.planned_at(self.as_of).is_none() =>
            {
                self.resolve(incident, self.as_of.max(incident.started), Resolution::Outlasted);
            }
            Some(ended) if incident.is_open() => {
                let is_calm = incident.returns == 0 || self.as_of.since_ms(ended) >= self.absorb_ms();
                if is_calm && course.is_last_of(incident, episode) {
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
            Some(ended) if self.has_moved(course, incident, ended) && course.is_last_of(incident, episode) => {
                self.follow(incident, &[Change::Amended { ended, resolution: course.over }]);
            }
            _ => {}
        }
    }

    /// Whether what became known late says of an incident that it ended at another instant. It is said once it has stood for as
    /// long as trouble may come back in. What people said stands.
    fn has_moved(&self, course: &Course<'_>, incident: &Incident, ended: Instant) -> bool {
        let moved = |end: &Resolved| {
            let has_stood = self.as_of.since_ms(end.ended.max(ended)) >= self.absorb_ms();
            end.by.is_none() && end.resolution == course.over && end.ended != ended && has_stood
        };
        self.is_over(incident) && incident.resolved.as_ref().is_some_and(moved)
    }

    /// Incidents of which nothing is seen: what they were about never was. And what somebody resolved is over by the
    /// figures, too, once it does not go on any more.
    fn end_others(&mut self, course: &Course<'_>, known: &[&Incident]) {
        // With a clock that was set back an incident may have begun in the future: that says nothing about it.
        let listed = Interval::new(course.horizon, self.as_of);
        let goes_on = course.troubles.iter().any(|trouble| trouble.episode.ended.is_none());
        for incident in known {
            if incident.lingers && !goes_on {
                self.follow(incident, &[Change::Cleared]);
            }
            if listed.contains(incident.started) && !is_seen(course.troubles, incident.interval()) {
                self.never_was(incident);
            }
        }
    }

    /// What never was needs nobody any more, be it open or taken for over. What people said stands, and so does what followed
    /// a rule that may have been another then: how long something had to last.
    fn never_was(&mut self, incident: &Incident) {
        let (ended, resolution) = (incident.started, Resolution::NeverWas);
        let first = match &incident.resolved {
            None if !incident.held_open => Change::over(ended, resolution),
            Some(end)
                if self.is_over(incident)
                    && end.by.is_none()
                    && end.resolution == Resolution::Recovered
                    && matches!(incident.subject, Subject::ServiceDown { .. }) =>
            {
                Change::Amended { ended, resolution }
            }
            _ => return,
        };
        self.follow(incident, &[first, Change::Closed { by: None, text: None }]);
    }

    /// Whether trouble comes so soon after an incident that it is the same.
    fn absorbs(&self, incident: &Incident, episode: &Episode) -> bool {
        let soon = |end: &Resolved| self.is_soon_after(end.ended, episode);
        incident.closed.is_none() && incident.resolved.as_ref().is_some_and(soon)
    }

    fn is_soon_after(&self, ended: Instant, episode: &Episode) -> bool {
        (0..=self.absorb_ms()).contains(&episode.started.since_ms(ended))
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

/// Stretches whose incidents say of them what is so: there is nothing to decide. A service that has flapped for weeks has
/// thousands of both, and each tick looks at all.
struct Settled {
    ended: BTreeSet<(Instant, Instant)>,
    /// From when on an incident is open, which may hold what comes after.
    open_from: Instant,
}

impl Settled {
    fn of(known: &[&Incident]) -> Self {
        let ended = known.iter().filter_map(|one| Some((one.started, one.resolved.as_ref()?.ended))).collect();
        let open = known.iter().filter(|incident| incident.is_open());
        Self { ended, open_from: open.map(|incident| incident.started).min().unwrap_or(Instant::MAX) }
    }

    fn has(&self, episode: &Episode) -> bool {
        episode.ended.is_some_and(|ended| ended <= self.open_from && self.ended.contains(&(episode.started, ended)))
    }
}

/// Whether anything of an interval lies in one of these stretches, which are in order.
fn is_seen(troubles: &[Trouble], interval: Interval) -> bool {
    let first = troubles.partition_point(|trouble| trouble.episode.interval().end <= interval.start);
    troubles.get(first).is_some_and(|trouble| trouble.episode.interval().overlaps(interval))
}
