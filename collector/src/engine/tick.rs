//! A tick: what was touched → timelines → incidents → one commit.
//!
//! What is not derived yet, after a start over much history or after much late data, is derived bit by bit: a tick reads
//! about [`OBSERVATIONS_AT_ONCE`] observations for it, and leaves out the services whose turn has not come. Nothing is
//! decided about them, and no figure of them is shown that would be another a moment later.
//!
//! The order matters. What late rows touched is dropped first; only then may the store seal, because a seal ends the
//! replay of those rows. All incidents of a tick and their messages are one commit, and are applied to memory only after
//! it, so that what could not be committed is decided again: by the next tick when the disk was full, else by the next start.

use std::collections::BTreeMap;
use std::sync::Arc;

use uphold_common::catalogue::model::{Catalogue, Service, Target, WindowKind};
use uphold_common::governed::applied::Overrun;
use uphold_common::ids::{Id, TargetId};
use uphold_common::measure::response::ResponseFigures;
use uphold_common::measure::target::{TargetFigures, settling_ms};
use uphold_common::measure::window::Window;
use uphold_common::time::{DAY_MS, Instant, Interval};
use uphold_common::wire::pack;

use super::alerts::{Alerts, looks_back_to};
use super::measure::{InWindow, Over, availability, span_of};
use super::sight::Sight;
use super::situation::Troubles;
use super::use_of::UseOf;
use super::{Engine, EngineError, damaged};
use crate::incident::decide::{Decision, Known, Situation, decide, keep_calm};
use crate::incident::model::{Event, Incident, Subject, Uid};
use crate::notify::message;
use crate::notify::plan::{OutboxChange, Place, Plan};
use crate::snapshot::{Snapshot, StripDay};
use crate::store::{RecordChange, RecordKind, StoreError, StreamId};

/// How far back outages are looked at for incidents: as far as a month's window and a little.
pub(super) const HORIZON_MS: i64 = 35 * DAY_MS;
/// How long after a window closed it is still looked at for a breach that its last moments made.
const CLOSED_LOOKED_AT_MS: i64 = 3_600_000;

/// About how many observations a tick reads at most for what was not derived yet: after a start, changed rules, or late data.
pub(super) const OBSERVATIONS_AT_ONCE: usize = 1_000_000;

/// A service as it was measured at a tick.
pub(super) struct Measured {
    pub(super) sight: Sight,
    /// From when on it was looked at; what was seen may begin a little earlier.
    pub(super) from: Instant,
    pub(super) current: Vec<(Arc<Target>, TargetFigures)>,
    pub(super) before: Vec<(Arc<Target>, TargetFigures)>,
    pub(super) troubles: Troubles,
    pub(super) horizon: Instant,
    pub(super) held: bool,
    pub(super) strip: Vec<StripDay>,
    pub(super) capacity: Vec<UseOf>,
    pub(super) response: Vec<(TargetId, ResponseFigures)>,
    pub(super) alerts: Alerts,
}

impl Engine {
    /// One tick at `now`.
    pub fn tick(&mut self, now: Instant) -> Result<Arc<Snapshot>, EngineError> {
        self.news.looked_at();
        self.drop_touched()?;
        self.timelines.begin_tick(now);
        self.capacity.begin_tick();
        self.agreed.begin_tick();
        self.attempts.begin_tick(self.store.as_ref());
        let catalogue = self.catalogue();
        let mut measured = BTreeMap::new();
        let mut allowance = self.observations_at_once;
        self.health.deriving = 0;
        for service in catalogue.services.values() {
            match self.measure_service(service, now, &mut allowance)? {
                Some(found) => drop(measured.insert(service.id.clone(), found)),
                None => self.health.deriving += 1,
            }
        }
        let overruns = self.overruns(&measured, now);
        if self.raise(&catalogue, &measured, &overruns, now)? {
            // What touched a service that is held, or not derived yet, is looked at again once it is.
            self.touched_from.retain(|id, _| measured.get(id).is_none_or(|service| service.held));
            self.settle_postponed()?;
            self.look_for_problems(now)?;
        }
        self.revise(now)?;
        Ok(Arc::new(self.snapshot(&catalogue, measured, overruns, now)))
    }

    /// Drops the days and strips that rows since the last call may have changed.
    pub(super) fn drop_touched(&mut self) -> Result<(), StoreError> {
        let courses = Arc::clone(&self.in_force.courses);
        let measured = |stream: &StreamId| match stream {
            StreamId::Probe(point) => courses.law(&point.probe).is_some(),
            StreamId::Capacity(of) => self.capacity.measures(of) || self.revising.reads(of),
            StreamId::Volume(_) => false,
        };
        let touched = self.store.take_touched(&measured);
        for (resource, rows) in touched.resources {
            self.capacity.touch(self.store.as_ref(), &resource, rows)?;
            self.read_late(&resource, rows);
        }
        for (point, rows) in touched.vantage_points {
            for stretch in rows.days.values() {
                self.attempts.touch(self.store.as_ref(), &point, *stretch)?;
            }
            let Some(law) = courses.law(&point.probe) else {
                // It may come back with a later catalogue, and the days that were kept of it know nothing of these rows.
                self.timelines.forget(self.store.as_mut(), &point)?;
                continue;
            };
            self.timelines.touch(self.store.as_mut(), &point, law, &rows)?;
            let Some(first) = rows.days.values().next() else { continue };
            let earliest = first.start.minus_ms(law.context_ms());
            self.forgetting.touched(&point, law, earliest);
            for seen_by in courses.seen_by(&point.probe) {
                self.look_again(seen_by, earliest);
                self.came_late(seen_by, &point, earliest, &rows);
            }
        }
        self.keep_causes()
    }

    /// Takes notice of rows that may change what was seen of a service from `from` on.
    pub(super) fn look_again(&mut self, service: &Id, from: Instant) {
        if let Some(strip) = self.strips.get_mut(service) {
            strip.touched_from(from);
        }
        if let Some(sight) = self.sights.get_mut(service) {
            sight.touched_from(from);
        }
        let earliest = self.touched_from.entry(service.clone()).or_insert(from);
        *earliest = from.min(*earliest);
    }

    /// Measures a service; none if it still has to be derived and the allowance is used up.
    fn measure_service(
        &mut self,
        service: &Service,
        as_of: Instant,
        allowance: &mut usize,
    ) -> Result<Option<Measured>, StoreError> {
        let entry = self.entry(&service.id);
        let mut targets = self.in_windows(service, Over::now(as_of));
        targets.retain(|(target, _)| availability(target).is_some());
        let closed: Vec<InWindow> = targets.iter().flat_map(|one| self.closed_before(service, one)).collect();
        let horizon = self.horizon(&troubles_of(&service.id), entry, as_of);
        let looked_at: Vec<Window> = targets.iter().chain(&closed).map(|(_, window)| *window).collect();
        let span = span_of(&looked_at, entry, as_of);
        let looked_back = targets.iter().map(|one| looks_back_to(service, one)).min().unwrap_or(as_of);
        let span = Interval::new(span.start.min(horizon).min(looked_back.max(entry)), as_of);
        let strip_from = self.strip_from(service, as_of);
        if !self.prepare(service, span, strip_from, allowance)? {
            return Ok(None);
        }
        let sight = self.look(service, span)?;
        let seen = &sight.seen;
        let mut measure = |one: &InWindow| Some((Arc::clone(&one.0), self.figures_of(service, one, seen)?));
        let current = targets.iter().filter_map(&mut measure).collect();
        let before = closed.iter().filter_map(&mut measure).collect();
        let troubles = self.troubles(service, &seen.service, Interval::new(horizon, as_of));
        let held = self.agents.holds(service, as_of);
        let strip = self.strip(service, &sight, as_of)?;
        self.watch_failures(service, &targets)?;
        let alerts = self.alerts(service, &targets, seen)?;
        let capacity = self.use_of(service, as_of)?;
        let response = self.response_of(service, as_of)?;
        let from = span.start;
        Ok(Some(Measured { sight, from, current, before, troubles, horizon, held, strip, capacity, response, alerts }))
    }

    /// From when on episodes are looked at: as far back as incidents are known, and at least from the beginning of one
    /// `about` them that is still open, so that its end is found however long nobody saw anything.
    pub(super) fn horizon(&self, about: &[Subject], entry: Instant, as_of: Instant) -> Instant {
        let horizon = as_of.minus_ms(HORIZON_MS).max(entry);
        let horizon = self.register.known_from().map_or(horizon, |known| horizon.max(known));
        let open = about.iter().filter_map(|subject| self.register.current(subject)).filter(|one| one.is_open());
        open.map(|one| one.started).min().map_or(horizon, |started| horizon.min(started)).min(as_of)
    }

    /// The windows before `window` that may still change: the last one shortly after it closed, and those that late
    /// rows touched, as far back as outages are looked at.
    fn closed_before(&self, service: &Service, (target, window): &InWindow) -> Vec<InWindow> {
        let (mut closed, courses) = (Vec::new(), &self.in_force.courses);
        let mut start = window.interval.start;
        if matches!(window.kind, WindowKind::Rolling { .. }) {
            return closed;
        }
        let fresh =
            window.as_of.since_ms(start) < self.settling_ms(service, window).saturating_add(CLOSED_LOOKED_AT_MS);
        let touched = self.touched_from.get(&service.id).copied().unwrap_or(Instant::MAX);
        let from = touched.max(window.as_of.minus_ms(HORIZON_MS)).max(self.entry(&service.id));
        while start > from || (fresh && closed.is_empty()) {
            let before = Window::holding(window.kind, &service.time_zone, start.minus_ms(1), window.as_of);
            start = before.interval.start;
            let as_then = courses.target(&target.id, &before).unwrap_or_else(|| Arc::clone(target));
            closed.push((as_then, before));
        }
        closed
    }

    /// How long after its end the window before this one settles.
    fn settling_ms(&self, service: &Service, window: &Window) -> i64 {
        let before = Window::holding(window.kind, &service.time_zone, window.interval.start.minus_ms(1), window.as_of);
        self.course(&service.id).map_or(0, |course| settling_ms(course, &before))
    }

    /// Decides incidents, and commits them together with their messages. False when the disk was too full for that: nothing
    /// of it is so, and the next tick decides it again.
    fn raise(
        &mut self,
        catalogue: &Catalogue,
        measured: &BTreeMap<Id, Measured>,
        overruns: &[Overrun],
        now: Instant,
    ) -> Result<bool, EngineError> {
        let mut decisions = self.decisions(catalogue, measured, overruns, now);
        decisions.extend(self.handle(measured, &decisions, now));
        let mut plan = Plan::default();
        let mut changes = Vec::new();
        for decision in &decisions {
            self.plan(catalogue, decision, now, &mut plan, &mut changes)?;
        }
        self.outbox.retire(&mut plan, catalogue, now).map_err(|error| damaged("the outbox", &error))?;
        let committed = self.carry_out(plan, changes);
        if !self.took(committed)? {
            return Ok(false);
        }
        for event in decisions.iter().flat_map(|decision| &decision.events) {
            self.register.apply(event).map_err(|error| damaged("an incident", &error))?;
            tracing::info!(incident = %event.number, "{}", event.change);
        }
        self.register.forget_oldest();
        Ok(true)
    }

    fn decisions(
        &mut self,
        catalogue: &Catalogue,
        measured: &BTreeMap<Id, Measured>,
        overruns: &[Overrun],
        now: Instant,
    ) -> Vec<Decision> {
        let relied_on = self.relied_on();
        let of = |(id, measured)| Some(self.situation(catalogue.services.get(id)?, measured, overruns, now));
        let services: Vec<Situation<'_>> = measured.iter().filter_map(of).collect();
        let agents = self.agent_situations(&relied_on, now);
        let holding =
            services.iter().flat_map(|one| &one.conditions).chain(agents.iter().flat_map(|one| &one.conditions));
        let mut calm = std::mem::take(&mut self.calm);
        keep_calm(&mut calm, &self.register, holding, now);
        let courses = &self.in_force.courses;
        let known = Known { register: &self.register, catalogue, courses, calm: &calm, draw: &draw };
        let decisions = decide(known, &services, &agents, now);
        drop((services, agents));
        self.calm = calm;
        decisions
    }

    /// Adds one decision to what the tick's one commit will change: its events, and its messages.
    fn plan(
        &self,
        catalogue: &Catalogue,
        decision: &Decision,
        now: Instant,
        plan: &mut Plan,
        changes: &mut Vec<RecordChange>,
    ) -> Result<(), EngineError> {
        let mut after = decision.events.first().and_then(|event| self.register.get(event.number)).cloned();
        for event in &decision.events {
            after = Incident::after(after, event);
            changes.push(event_record(event)?);
        }
        let Some(after) = after else {
            return Err(damaged("an incident", &"a decision does not follow what is on record"));
        };
        let messages = message::compose_knowing(
            self.store.id(),
            catalogue,
            decision,
            &after,
            self.problem_behind(&after).as_ref(),
        );
        self.outbox.enqueue(plan, messages, now).map_err(|error| damaged("the outbox", &error))
    }

    /// Commits what is planned for the outbox together with `changes`, then makes it so in memory.
    pub(super) fn carry_out(&mut self, plan: Plan, mut changes: Vec<RecordChange>) -> Result<(), StoreError> {
        let durable = !changes.is_empty() || plan.is_durable();
        changes.extend(plan.changes().map(record));
        match (changes.is_empty(), durable) {
            (true, _) => {}
            (false, true) => self.store.commit(&changes)?,
            // Only the count of attempts: without it a message is tried a little sooner after a crash.
            (false, false) => self.store.commit_derived(&changes)?,
        }
        for (key, letter) in plan.dead_letters() {
            tracing::warn!(receiver = %key.receiver, reason = letter.reason, "a message could not be delivered");
        }
        self.outbox.apply(plan);
        Ok(())
    }
}

/// What incidents are about that follow what was seen of a service.
fn troubles_of(service: &Id) -> [Subject; 3] {
    let service = || service.clone();
    [
        Subject::ServiceDown { service: service() },
        Subject::ServiceDegraded { service: service() },
        Subject::ServiceUnmeasured { service: service() },
    ]
}

/// An id that no other incident has. Without random bits its number in the store is all that tells it apart.
fn draw() -> Option<Uid> {
    let half = || getrandom::u64().map(u128::from).ok();
    Some(Uid(half()? << 64 | half()?))
}

pub(super) fn event_record(event: &Event) -> Result<RecordChange, EngineError> {
    let mut key = event.number.0.to_be_bytes().to_vec();
    key.extend_from_slice(&event.place.to_be_bytes());
    let value = pack::pack(event).map_err(|error| damaged("an incident", &error))?;
    Ok(RecordChange { kind: RecordKind::IncidentEvent, key, value: Some(value) })
}

/// A change of the outbox as the store's.
fn record(change: &OutboxChange) -> RecordChange {
    let kind = match change.place {
        Place::Waiting => RecordKind::Outbox,
        Place::Dead => RecordKind::DeadLetter,
        Place::Kept => RecordKind::Kept,
    };
    RecordChange { kind, key: change.key.clone(), value: change.value.clone() }
}
