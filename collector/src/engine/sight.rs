//! What was seen of a service, carried on from tick to tick.
//!
//! Each instant is seen by the version of the catalogue that was in force at it, piece by piece ([`ServiceCourse`]). A state
//! depends on observations at most a context away ([`Courses::context_ms`](uphold_common::catalogue::course::Courses)). So what lies a context before the instant
//! that was looked at last, and a context before whatever has arrived since, stays as it was seen; only what comes after
//! is looked at again. A service that nothing touched grows by a second like this, and is the same as if all of it had been
//! looked at anew.

use std::collections::BTreeMap;
use std::sync::Arc;

use uphold_common::catalogue::course::ServiceCourse;
use uphold_common::catalogue::model::Service;
use uphold_common::ids::{Id, ProbeId, VantagePoint};
use uphold_common::measure::probe::probe_timeline;
use uphold_common::measure::service::{ServiceTimeline, service_timeline};
use uphold_common::measure::timeline::Timeline;
use uphold_common::observation::State;
use uphold_common::time::{DAY_MS, Instant, Interval};

use super::Engine;
use crate::store::StoreError;

/// How much more than what is needed may be held before it is let go.
const BEFORE_MS_MAX: i64 = DAY_MS;

/// What was seen of a service over a span.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// The timelines of all probes that are looked at for it: its own, and of the services it is built on those that count.
    pub probes: BTreeMap<ProbeId, Timeline>,
    /// Its own.
    pub service: ServiceTimeline,
}

impl Seen {
    /// Puts what was seen in `part` behind what was seen before it. Where a probe is not looked at it is unmeasured.
    fn append(&mut self, part: Interval, later: Self) {
        let begins = self.service.states.span().map_or(part.start, |span| span.start);
        for (id, later) in later.probes {
            let probe = self.probes.entry(id).or_default();
            let ends = probe.span().map_or(begins, |span| span.end);
            probe.push(Interval::new(ends, part.start), State::Unmeasured);
            for stretch in later.stretches() {
                probe.push(stretch.interval, stretch.state);
            }
        }
        self.service.append(later.service);
    }

    fn close(&mut self, end: Instant) {
        for probe in self.probes.values_mut() {
            let ends = probe.span().map_or(end, |span| span.end);
            probe.push(Interval::new(ends, end), State::Unmeasured);
        }
    }
}

/// What was seen of a service up to an instant.
#[derive(Debug)]
pub(super) struct Sight {
    pub(super) seen: Seen,
    pub(super) span: Interval,
    /// What lies before stands, whatever has arrived since.
    stands_to: Instant,
}

impl Sight {
    /// Takes notice of rows that may change what was seen from `from` on.
    pub(super) fn touched_from(&mut self, from: Instant) {
        self.stands_to = self.stands_to.min(from);
    }

    /// Whether it can go on to `span`.
    fn serves(&self, span: Interval) -> bool {
        self.span.start <= span.start && self.span.end <= span.end
    }

    /// From when on it has to be looked at again.
    fn goes_on_from(&self, context_ms: i64) -> Instant {
        self.span.end.minus_ms(context_ms).min(self.stands_to).max(self.span.start)
    }

    fn go_on(&mut self, from: Instant, later: Seen, span: Interval) {
        for (id, later) in later.probes {
            self.seen.probes.entry(id).or_default().replace_from(from, &later);
        }
        self.seen.service.replace_from(from, later.service);
        (self.span.end, self.stands_to) = (span.end, Instant::MAX);
        if self.span.start.plus_ms(BEFORE_MS_MAX) <= span.start {
            self.seen.probes.values_mut().for_each(|probe| probe.forget_before(span.start));
            self.seen.service.forget_before(span.start);
            self.span.start = span.start;
        }
    }
}

impl Engine {
    /// What was seen of `service` over at least `span`, which ends at the present: carried on from the last time.
    pub(super) fn look(&mut self, service: &Service, span: Interval) -> Result<Sight, StoreError> {
        let Some(mut sight) = self.sights.remove(&service.id).filter(|sight| sight.serves(span)) else {
            return Ok(Sight { seen: self.see(service, span, span.end)?, span, stands_to: Instant::MAX });
        };
        let from = sight.goes_on_from(self.context_ms(&service.id));
        let later = self.see(service, Interval::new(from, span.end), span.end)?;
        sight.go_on(from, later, span);
        Ok(sight)
    }

    /// Makes ready what [`Self::look`] and the strip, which begins at `strip_from`, will need, at the price of about
    /// `allowance` observations. False if there is more to do.
    pub(super) fn prepare(
        &mut self,
        service: &Service,
        span: Interval,
        strip_from: Instant,
        allowance: &mut usize,
    ) -> Result<bool, StoreError> {
        let sight = self.sights.get(&service.id).filter(|sight| sight.serves(span));
        if sight.is_some_and(|sight| sight.stands_to == Instant::MAX) {
            return Ok(true);
        }
        let context_ms = self.context_ms(&service.id);
        let from = sight.map_or(span.start, |sight| sight.goes_on_from(context_ms)).min(strip_from);
        self.prepare_all(service, Interval::new(from, span.end), allowance)
    }

    /// Makes ready what [`Self::see`] will need of `span`. What was derived for it is kept, so asking again goes on.
    pub(super) fn prepare_all(
        &mut self,
        service: &Service,
        span: Interval,
        allowance: &mut usize,
    ) -> Result<bool, StoreError> {
        let courses = Arc::clone(&self.in_force.courses);
        let Some(course) = courses.service(&service.id) else { return Ok(true) };
        for (part, piece) in course.within(span) {
            let to_its_end = Interval::new(part.start, span.end);
            for probe in piece.service.looks_at() {
                let Some(law) = courses.law(&probe.id) else { continue };
                for agent in &probe.agents {
                    let point = VantagePoint { probe: probe.id.clone(), agent: agent.clone() };
                    if !self.timelines.prepare(self.store.as_mut(), &point, law, to_its_end, allowance)? {
                        return Ok(false);
                    }
                }
            }
        }
        Ok(true)
    }

    /// What was seen of `service` over `span` before `as_of`. `span` ends at `as_of` at the latest.
    pub(super) fn see(&mut self, service: &Service, span: Interval, as_of: Instant) -> Result<Seen, StoreError> {
        let courses = Arc::clone(&self.in_force.courses);
        let mut seen = Seen::default();
        let Some(course) = courses.service(&service.id) else { return Ok(seen) };
        for (part, piece) in course.within(span) {
            seen.append(part, self.see_piece(&piece.service, part, as_of)?);
        }
        seen.close(span.end);
        Ok(seen)
    }

    /// What was seen of a service over a part of time in which it was the same.
    fn see_piece(&mut self, service: &Service, part: Interval, as_of: Instant) -> Result<Seen, StoreError> {
        let courses = Arc::clone(&self.in_force.courses);
        let mut probes = BTreeMap::new();
        for probe in service.looks_at() {
            let Some(law) = courses.law(&probe.id) else { continue };
            let mut vantage = Vec::with_capacity(probe.agents.len());
            for agent in &probe.agents {
                let point = VantagePoint { probe: probe.id.clone(), agent: agent.clone() };
                vantage.push(self.timelines.vantage(self.store.as_mut(), &point, law, part, as_of)?);
            }
            let vantage: Vec<&Timeline> = vantage.iter().collect();
            probes.insert(probe.id.clone(), probe_timeline(&vantage, probe.quorum, part));
        }
        Ok(Seen { service: service_timeline(&service.structure.formula, &probes, part), probes })
    }

    /// What a service was through the versions of the catalogue.
    pub(super) fn course(&self, service: &Id) -> Option<&ServiceCourse> {
        self.in_force.courses.service(service)
    }

    /// How long after an instant an observation may still decide its state.
    pub(super) fn context_ms(&self, service: &Id) -> i64 {
        self.course(service).map_or(0, |course| self.in_force.courses.context_ms(course))
    }
}
