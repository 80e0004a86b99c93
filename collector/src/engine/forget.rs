//! Forgetting: what is older than it is kept for, a little at a time, so that nobody waits for it.
//!
//! 1. **Rows**, a day at a time. First what the rows of the day decide is derived and kept, for every vantage point
//!    that was ever assigned; only then they go. Late rows that arrive in between put their vantage point back in line.
//! 2. Once a UTC day, and at the start: **states** and roll-ups of days whose rows are gone, **incidents** that were resolved, **problems** that
//!    were closed, **deeds**, **dead letters**, revisions and what agents told, each in pages. An incident or a problem goes whole, in one commit; the newest of each and
//!    the newest deed stay, because their numbers say which comes next.
//!
//! Which rows go is [`Retention`]'s to say.

use uphold_common::ids::VantagePoint;
use uphold_common::measure::law::VantageLaw;
use uphold_common::time::Instant;
use uphold_common::wire::pack;

use super::{Engine, EngineError, PAGE_RECORDS, damaged};
use crate::identity::deed::Deed;
use crate::incident::model::{Event, Incident, Number};
use crate::notify::plan::Plan;
use crate::retention::{self, Forgotten, Held, Retention, RetentionSnapshot, Rows};
use crate::store::{KeyRange, RecordChange, RecordKind, StoreError, StoreStats};

/// Of how many vantage points a step looks at what is kept.
const POINTS_AT_ONCE: usize = 256;
/// About how many observations a step reads to derive what must be kept before rows go.
const OBSERVATIONS_AT_ONCE: usize = 200_000;
/// How many incidents a step looks at.
const INCIDENTS_AT_ONCE: usize = 200;

/// What is to be forgotten, and how far that has come.
#[derive(Debug)]
pub(super) struct Forgetting {
    pub(super) retention: Retention,
    securing: Option<Securing>,
    others: Others,
    /// The last day on which the others were gone through.
    gone_through: Option<i64>,
    pub(super) forgotten: Forgotten,
    stuck_since: Option<Instant>,
    /// An import is under way until then, if not for longer: nothing goes meanwhile.
    pub(super) importing_until: Instant,
    /// How many imports were begun and not ended since none was under way.
    pub(super) importing: u32,
}

/// A day whose rows go once these vantage points are looked at.
#[derive(Debug)]
struct Securing {
    day: i32,
    left: Vec<(VantagePoint, VantageLaw)>,
}

/// Where going through everything but rows has come to.
#[derive(Debug)]
enum Others {
    Done,
    States(Vec<VantagePoint>),
    Incidents(u64),
    Problems,
    Deeds,
    Letters,
    /// Revisions of closed windows, from after this key on.
    Revisions(Vec<u8>),
    /// What agents told, from after this key on.
    Facts(Vec<u8>),
}

impl Forgetting {
    /// Nothing is forgotten yet.
    pub(super) const fn by(retention: Retention) -> Self {
        let forgotten = Forgotten { raw: 0, states: 0, incidents: 0, records: 0 };
        Self {
            retention,
            securing: None,
            others: Others::Done,
            gone_through: None,
            forgotten,
            stuck_since: None,
            importing_until: Instant::MIN,
            importing: 0,
        }
    }

    /// Takes notice of rows of `point` from `earliest` on: what they decide has to be looked at again before rows go.
    pub(super) fn touched(&mut self, point: &VantagePoint, law: &VantageLaw, earliest: Instant) {
        let Some(securing) = &mut self.securing else { return };
        if earliest.utc_day() <= retention::last_decided(securing.day, law.context_ms()) {
            securing.left.retain(|(other, _)| other != point);
            securing.left.push((point.clone(), law.clone()));
        }
    }
}

impl Engine {
    /// Keeps everything for as long as this says; until it is told, for ever.
    #[must_use]
    pub fn forgetting(mut self, retention: Retention) -> Self {
        self.forgetting = Forgetting::by(retention);
        self
    }

    /// A step of forgetting, unless it waits for room on the disk; whether there is more to do.
    pub(super) fn forget_if_room(&mut self, now: Instant) -> Result<bool, EngineError> {
        if !self.postponed.forgetting.is_over(now) {
            return Ok(false);
        }
        match self.forget_step() {
            Ok(more) => {
                if !more {
                    self.postponed.forgetting.end();
                }
                Ok(more)
            }
            // Nothing of the step was done.
            Err(EngineError::Store(StoreError::NoSpace { .. })) => {
                self.postponed.forgetting.begin(now);
                Ok(false)
            }
            Err(failed) => Err(failed),
        }
    }

    /// One bounded step of forgetting; whether there is more to do. Call it when what was touched has been dealt with.
    fn forget_step(&mut self) -> Result<bool, EngineError> {
        let now = self.timelines.present();
        // The rows of one stream may come after those of another that are younger: none of them is too old meanwhile.
        if self.forgetting.retention == Retention::endless() || self.imports(now) {
            return Ok(false);
        }
        let held = self.held(&self.health.store);
        let rows = self.forgetting.retention.rows(now, &held);
        self.note_stuck(rows, now);
        if let Rows::Go(day) = rows {
            return self.forget_day(day, held.context_ms);
        }
        let Some(present) = Retention::present(now, &held) else { return Ok(false) };
        let today = present.utc_day();
        if matches!(self.forgetting.others, Others::Done) && self.forgetting.gone_through != Some(today) {
            self.forgetting.gone_through = Some(today);
            self.forgetting.others = Others::States(self.store.vantage_points());
        }
        self.forget_others(present)
    }

    /// From when on rows are taken.
    pub(super) fn takes_from(&self) -> Instant {
        let raw_from = self.store.raw_from();
        if raw_from.is_none() { Instant::MIN } else { retention::takes_from(raw_from, self.longest_context_ms()) }
    }

    /// How forgetting goes.
    pub(super) fn retention_snapshot(&self, now: Instant) -> RetentionSnapshot {
        let Forgetting { retention, forgotten, stuck_since, .. } = &self.forgetting;
        let present = Retention::present(now, &self.held(&self.health.store));
        let before = |length_ms: i64| present.filter(|_| length_ms < i64::MAX).map(|at| at.minus_ms(length_ms));
        let gone = self.store.raw_from().map(retention::start_of);
        let raw = before(retention.raw_ms).max(gone);
        let before = [raw, before(retention.states_ms), before(retention.incidents_ms), before(retention.records_ms)];
        RetentionSnapshot { before, forgotten: *forgotten, bytes_max: retention.bytes_max, stuck_since: *stuck_since }
    }

    /// The present, as far as the rows vouch for it; none while there are none.
    pub(super) fn vouched(&self, now: Instant) -> Option<Instant> {
        let known = Retention::present(now, &self.held(&self.health.store));
        // What the store holds is looked at with each snapshot; a first row has come since the last one.
        known.or_else(|| Retention::present(now, &self.held(&self.store.stats())))
    }

    fn held(&self, stats: &StoreStats) -> Held {
        Held {
            days: stats.first_day.zip(stats.last_day),
            bytes: stats.disk_bytes,
            context_ms: self.longest_context_ms(),
        }
    }

    fn longest_context_ms(&self) -> i64 {
        self.in_force.courses.longest_context_ms()
    }

    /// Says once that the store is larger than it may be and nothing may go, and once that it no longer is.
    fn note_stuck(&mut self, rows: Rows, now: Instant) {
        let (bytes, most) = (self.health.store.disk_bytes, self.forgetting.retention.bytes_max.unwrap_or_default());
        match (rows, self.forgetting.stuck_since) {
            (Rows::Stuck, None) => {
                tracing::warn!(bytes, most, "the store is larger than it may be, and nothing more of it may go");
                self.forgetting.stuck_since = Some(now);
            }
            (Rows::Stay | Rows::Go(_), Some(_)) => {
                tracing::info!(
                    bytes,
                    most,
                    "the store is no longer larger than it may be without anything that may go"
                );
                self.forgetting.stuck_since = None;
            }
            _ => {}
        }
    }

    /// A step towards the rows of `day` being gone.
    fn forget_day(&mut self, day: i32, context_ms: i64) -> Result<bool, EngineError> {
        let mut securing = match self.forgetting.securing.take().filter(|securing| securing.day == day) {
            Some(securing) => securing,
            None => Securing { day, left: self.measured_points() },
        };
        // The rows of a day decide how the next begins, and the day before may have ended by them.
        let (first, last) = (i64::from(day) - 1, retention::last_decided(day, context_ms));
        let mut allowance = OBSERVATIONS_AT_ONCE;
        for _ in 0..POINTS_AT_ONCE {
            let Some((point, law)) = securing.left.pop() else { break };
            let read = self.timelines.secure(self.store.as_mut(), &point, &law, first, last)?;
            allowance = allowance.saturating_sub(read);
            if allowance == 0 {
                break;
            }
        }
        if !securing.left.is_empty() {
            self.forgetting.securing = Some(securing);
            return Ok(true);
        }
        self.store.forget_rows_before(day.saturating_add(1))?;
        self.capacity.forget_before(retention::start_of(day.saturating_add(1)));
        self.forgetting.forgotten.raw += 1;
        self.health.store = self.store.stats();
        tracing::info!(day = %retention::start_of(day), bytes = self.health.store.disk_bytes, "the rows of a day are forgotten");
        Ok(true)
    }

    /// Every vantage point that was ever assigned, and how it is measured.
    fn measured_points(&self) -> Vec<(VantagePoint, VantageLaw)> {
        let points = self.in_force.courses.vantage_points().into_iter();
        points.map(|(point, law)| (point, law.clone())).collect()
    }

    fn forget_others(&mut self, present: Instant) -> Result<bool, EngineError> {
        let retention = self.forgetting.retention;
        let before = |length_ms| present.minus_ms(length_ms);
        // Where it stands while the step is not done, since that may have to be done again.
        let (again, next) = match std::mem::replace(&mut self.forgetting.others, Others::Done) {
            Others::Done => return Ok(false),
            Others::States(points) => {
                let next = self.forget_states(points, before(retention.states_ms));
                let again = if next.is_err() { self.store.vantage_points() } else { Vec::new() };
                (Others::States(again), next.map_err(EngineError::from))
            }
            Others::Incidents(from) => {
                (Others::Incidents(from), self.forget_incidents(from, before(retention.incidents_ms)))
            }
            Others::Problems => {
                let more = self.forget_problems(before(retention.incidents_ms));
                (Others::Problems, more.map(|more| if more { Others::Problems } else { Others::Deeds }))
            }
            Others::Deeds => (Others::Deeds, self.forget_deeds(before(retention.records_ms))),
            Others::Letters => {
                (Others::Letters, self.forget_letters(before(retention.records_ms)).map_err(EngineError::from))
            }
            Others::Revisions(after) => {
                let next = self.forget_revisions(&after, before(retention.records_ms));
                let next = next.map(|next| next.map_or(Others::Facts(Vec::new()), Others::Revisions));
                (Others::Revisions(after), next.map_err(EngineError::from))
            }
            Others::Facts(after) => {
                let next = self.forget_facts(&after, before(retention.records_ms));
                let next = next.map(|next| next.map_or(Others::Done, Others::Facts));
                (Others::Facts(after), next.map_err(EngineError::from))
            }
        };
        match next {
            Ok(next) => self.forgetting.others = next,
            Err(why) => {
                self.forgetting.others = again;
                return Err(why);
            }
        }
        Ok(!matches!(self.forgetting.others, Others::Done))
    }

    fn forget_states(&mut self, mut points: Vec<VantagePoint>, before: Instant) -> Result<Others, StoreError> {
        // What has rows would only be derived again.
        let Some(raw_from) = self.store.raw_from() else { return Ok(Others::Incidents(0)) };
        let day = before.utc_day().min(raw_from.into());
        for _ in 0..POINTS_AT_ONCE {
            let Some(point) = points.pop() else {
                self.store.forget_rollups_before(i32::try_from(day).unwrap_or(i32::MIN))?;
                return Ok(Others::Incidents(0));
            };
            let gone = self.timelines.forget_before(self.store.as_mut(), &point, day, PAGE_RECORDS)?;
            self.forgetting.forgotten.states += gone as u64;
            if gone == PAGE_RECORDS {
                points.push(point);
                break;
            }
        }
        Ok(Others::States(points))
    }

    /// Looks at some incidents from the number `from` on. Their numbers are in the order of their opening.
    fn forget_incidents(&mut self, from: u64, before: Instant) -> Result<Others, EngineError> {
        let mut range = KeyRange::all();
        range.start = std::ops::Bound::Included(from.to_be_bytes().to_vec());
        let newest = self.register.next_number().0.saturating_sub(1);
        let (mut changes, mut gone, mut next) = (Vec::new(), Vec::new(), None);
        for _ in 0..INCIDENTS_AT_ONCE {
            let first = self.store.records(RecordKind::IncidentEvent, &range, 1)?;
            let Some((_, value)) = first.first() else { break };
            let opened: Event = unpacked(value)?;
            let number = opened.number;
            if opened.decided_at >= before || number.0 >= newest {
                break;
            }
            next = Some(number.0 + 1);
            range.start = std::ops::Bound::Included((number.0 + 1).to_be_bytes().to_vec());
            let (incident, keys) = self.whole_incident(number)?;
            if incident.and_then(|incident| incident.resolved).is_some_and(|resolved| resolved.decided_at < before) {
                gone.push(number);
                changes.extend(keys.into_iter().map(|key| removal(RecordKind::IncidentEvent, key)));
                let kept = KeyRange::prefix(&number.0.to_be_bytes());
                let kept = self.store.records(RecordKind::Kept, &kept, PAGE_RECORDS)?.into_iter();
                changes.extend(kept.map(|(key, _)| removal(RecordKind::Kept, key)));
            }
            if changes.len() >= PAGE_RECORDS {
                break;
            }
        }
        if !changes.is_empty() {
            self.store.commit(&changes)?;
        }
        for number in &gone {
            self.register.forget(*number);
        }
        self.forgetting.forgotten.incidents += gone.len() as u64;
        Ok(next.map_or(Others::Problems, Others::Incidents))
    }

    /// An incident as its events on record make it, and their keys.
    fn whole_incident(&self, number: Number) -> Result<(Option<Incident>, Vec<Vec<u8>>), EngineError> {
        let (mut incident, mut keys) = (None, Vec::new());
        for (key, event) in self.events_of(number)? {
            incident = Incident::after(incident, &event);
            keys.push(key);
        }
        Ok((incident, keys))
    }

    fn forget_deeds(&mut self, before: Instant) -> Result<Others, EngineError> {
        let page = self.store.records(RecordKind::Deed, &KeyRange::all(), PAGE_RECORDS)?;
        let mut changes: Vec<RecordChange> = Vec::new();
        for (key, value) in &page {
            let deed: Deed = pack::unpack(value).map_err(|error| damaged("a deed", &error))?;
            if deed.at >= before || deed.number >= self.keeper.newest_deed() {
                break;
            }
            changes.push(removal(RecordKind::Deed, key.clone()));
        }
        if changes.is_empty() {
            return Ok(Others::Letters);
        }
        self.store.commit(&changes)?;
        self.forgetting.forgotten.records += changes.len() as u64;
        Ok(if changes.len() == page.len() { Others::Deeds } else { Others::Letters })
    }

    fn forget_letters(&mut self, before: Instant) -> Result<Others, StoreError> {
        let mut plan = Plan::default();
        self.outbox.forget_dead(&mut plan, before, PAGE_RECORDS);
        let gone = plan.changes().count();
        if gone > 0 {
            self.carry_out(plan, Vec::new())?;
            self.forgetting.forgotten.records += gone as u64;
        }
        Ok(Others::Revisions(Vec::new()))
    }
}

fn unpacked(value: &[u8]) -> Result<Event, EngineError> {
    pack::unpack(value).map_err(|error| damaged("an incident", &error))
}

const fn removal(kind: RecordKind, key: Vec<u8>) -> RecordChange {
    RecordChange { kind, key, value: None }
}
