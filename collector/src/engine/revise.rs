//! What touched closed windows since they were looked at, and which of them wait to be looked at.
//!
//! What touches a closed window is gathered for its service ([`Causes`]). Late data is waited for until it has come to rest
//! for [`QUIET_MS`], for at most [`PATIENCE_MS`], so that an agent which delivers a day late makes one revision and not a
//! hundred; what people put on record is looked at by the next tick. What was gathered is on record as something derived
//! ([`RecordKind::Touched`]) before the rows it speaks of leave the journal, and in the commit of the record it speaks of,
//! until the last of its windows was looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use uphold_common::catalogue::course::Courses;
use uphold_common::catalogue::model::Promise;
use uphold_common::governed::Selection;
use uphold_common::ids::{Id, TargetId, VantagePoint};
use uphold_common::observation::ResourceId;
use uphold_common::time::{Instant, Interval};
use uphold_common::wire::assignment::CAPACITY_REACH_MS;
use uphold_common::wire::pack;

use super::{Engine, EngineError, damaged, read_all};
use crate::governed::Kept;
use crate::revisions::cause::{Causes, Late};
use crate::revisions::model::RecordDone;
use crate::revisions::register::Register;
use crate::snapshot::RevisionsSnapshot;
use crate::store::{RecordChange, RecordKind, Store, StoreError, TouchedRows};

/// How long nothing more must have come late before what did is looked at.
pub(super) const QUIET_MS: i64 = 15_000;
/// How long it waits for that.
pub(super) const PATIENCE_MS: i64 = 3_600_000;

/// What was issued, what waits, and why.
#[derive(Debug, Default)]
pub(super) struct Revising {
    pub(super) register: Register,
    /// What touched closed windows, by service, and was not taken up yet.
    pub(super) pending: BTreeMap<Id, Pending>,
    /// The services whose windows are being looked at again.
    pub(super) again: BTreeMap<Id, Again>,
    /// All windows that are to be looked at.
    pub(super) waiting: BTreeSet<Waiting>,
    /// When the next window of a target will have settled; those that are not in it have to be gone through.
    pub(super) next: BTreeMap<TargetId, Instant>,
    /// Up to when windows that have settled were found.
    pub(super) looked_to: Option<Instant>,
    /// The services that have a target on a resource.
    resources: BTreeMap<ResourceId, BTreeSet<Id>>,
    /// The services of which what is on record is not what was gathered.
    pub(super) unkept: BTreeSet<Id>,
    /// How many were issued since the start, by why.
    pub(super) issued: BTreeMap<&'static str, u64>,
}

/// What touched a service, and since when.
#[derive(Debug, Default)]
pub(super) struct Pending {
    pub(super) causes: Causes,
    /// Whether it grew since the last tick.
    is_fresh: bool,
    since: Option<Instant>,
    newest: Option<Instant>,
}

/// A service whose windows are being looked at again.
#[derive(Debug, Default)]
pub(super) struct Again {
    pub(super) causes: Causes,
    /// Those that were not looked at yet.
    pub(super) left: BTreeSet<Waiting>,
}

/// A window that is to be looked at; in order of their ends.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Waiting {
    pub(super) end: Instant,
    pub(super) target: TargetId,
    pub(super) start: Instant,
    /// The number of its kind.
    pub(super) kind: u8,
}

impl Waiting {
    pub(super) fn of(target: &TargetId, kind: u8, window: Interval) -> Self {
        Self { end: window.end, target: target.clone(), start: window.start, kind }
    }

    pub(super) const fn window(&self) -> Interval {
        Interval { start: self.start, end: self.end }
    }
}

impl Pending {
    pub(super) fn goes_on(&mut self, now: Instant) {
        if std::mem::take(&mut self.is_fresh) {
            self.newest = Some(now);
            self.since.get_or_insert(now);
        }
    }

    /// Whether it is looked at now: what may go on is waited for, though not for ever.
    pub(super) fn is_ready(&self, now: Instant) -> bool {
        // A clock that was set back must not hold it.
        let within = |at: Option<Instant>, ms: i64| at.is_some_and(|at| (0..ms).contains(&now.since_ms(at)));
        !self.causes.may_go_on() || !within(self.newest, QUIET_MS) || !within(self.since, PATIENCE_MS)
    }
}

impl Revising {
    /// Takes up what is on record.
    pub(super) fn load(store: &dyn Store, courses: &Courses) -> Result<Self, EngineError> {
        let register = Register::load(store).map_err(|error| damaged("a revision", &error))?;
        let mut revising = Self { register, ..Self::default() };
        for (key, value) in read_all(store, RecordKind::Touched)? {
            let service = std::str::from_utf8(&key).ok().and_then(|text| Id::new(text).ok());
            // What is derived is done without when it cannot be read: the newest windows are looked at anyway.
            let Some((service, causes)) = service.zip(pack::unpack::<Causes>(&value).ok()) else { continue };
            revising.touch(&service, |known| known.join(causes));
        }
        revising.unkept.clear();
        revising.assign(courses);
        Ok(revising)
    }

    /// Which windows have closed is found anew, and what was being looked at again is begun anew.
    pub(super) fn begin_anew(&mut self) {
        self.waiting.clear();
        self.next.clear();
        for (service, again) in std::mem::take(&mut self.again) {
            self.touch(&service, |known| known.join(again.causes));
        }
    }

    /// Another catalogue is in force.
    pub(super) fn assign(&mut self, courses: &Courses) {
        self.begin_anew();
        self.resources.clear();
        for target in courses.targets().filter_map(|(_, course)| course.newest()) {
            if let Promise::Capacity(promise) = &target.promise {
                self.resources.entry(promise.resource.clone()).or_default().insert(target.service.clone());
            }
        }
    }

    /// Looks again at what ends after `from`, of every service.
    pub(super) fn begin(&mut self, courses: &Courses, from: Instant) {
        for (service, _) in courses.services() {
            if self.register.issued_to(service).is_some() {
                self.pending.entry(service.clone()).or_default().causes.started(from);
            }
        }
    }

    /// Whether a target is on this resource.
    pub(super) fn reads(&self, resource: &ResourceId) -> bool {
        self.resources.contains_key(resource)
    }

    fn touch(&mut self, service: &Id, how: impl FnOnce(&mut Causes)) {
        let pending = self.pending.entry(service.clone()).or_default();
        how(&mut pending.causes);
        pending.is_fresh = true;
        self.unkept.insert(service.clone());
    }

    /// Whether anything was issued of a service that ends after `from`.
    fn may_change(&self, service: &Id, from: Instant) -> bool {
        self.register.issued_to(service).is_some_and(|to| from < to)
    }

    /// What is gathered of a service, as it is kept on record; `more` is about to be.
    fn change(&self, service: &Id, more: Option<&Causes>) -> Result<RecordChange, StoreError> {
        let mut all = Causes::default();
        let gathered =
            [self.again.get(service).map(|again| &again.causes), self.pending.get(service).map(|p| &p.causes)];
        gathered.into_iter().flatten().chain(more).for_each(|causes| all.join(causes.clone()));
        let packed = (!all.is_unkept()).then(|| pack::pack(&all)).transpose();
        let unwritten = |error: pack::PackError| StoreError::Corrupt {
            place: "what touched closed windows".to_owned(),
            reason: error.to_string(),
        };
        let value = packed.map_err(unwritten)?;
        Ok(RecordChange { kind: RecordKind::Touched, key: service.as_str().as_bytes().to_vec(), value })
    }

    /// A window was looked at. With the last one of a service, what touched it is dealt with.
    pub(super) fn looked_at(&mut self, waiting: &Waiting) {
        self.waiting.remove(waiting);
        let held =
            self.again.iter_mut().find_map(|(service, again)| again.left.remove(waiting).then_some((service, again)));
        let Some((service, _)) = held.filter(|(_, again)| again.left.is_empty()) else { return };
        let service = service.clone();
        self.again.remove(&service);
        self.unkept.insert(service);
    }

    pub(super) fn snapshot(&self) -> RevisionsSnapshot {
        RevisionsSnapshot { waiting: self.waiting.len() as u64, issued: self.issued.clone() }
    }
}

impl Engine {
    /// Takes notice of rows of a vantage point that may have changed closed windows of a service: what it decides begins at
    /// `earliest`.
    pub(super) fn came_late(&mut self, service: &Id, point: &VantagePoint, earliest: Instant, rows: &TouchedRows) {
        if !self.revising.may_change(service, earliest) {
            return;
        }
        // What decides a state lies nearer than this.
        let reach_ms = self.context_ms(service);
        for stretch in rows.days.values() {
            if self.revising.may_change(service, stretch.start.minus_ms(reach_ms)) {
                let late = Late::of(format!("{} {}", point.probe, point.agent), *stretch, (reach_ms, reach_ms));
                self.revising.touch(service, |causes| causes.came_late(late));
            }
        }
    }

    /// Takes notice of readings of a resource that may have changed closed windows of whoever has a target on it.
    pub(super) fn read_late(&mut self, of: &ResourceId, rows: Interval) {
        for service in self.revising.resources.get(of).cloned().unwrap_or_default() {
            if self.revising.may_change(&service, rows.start) {
                let name = format!("{} {} {}", of.host, of.resource.as_str(), of.of);
                let late = Late::of(name.trim_end().to_owned(), rows, (0, CAPACITY_REACH_MS));
                self.revising.touch(&service, |causes| causes.came_late(late));
            }
        }
    }

    /// Keeps on record what was gathered. Called before the store may seal the rows that it speaks of.
    pub(super) fn keep_causes(&mut self) -> Result<(), StoreError> {
        let unkept = std::mem::take(&mut self.revising.unkept);
        let changes: Vec<RecordChange> =
            unkept.iter().map(|service| self.revising.change(service, None)).collect::<Result<_, _>>()?;
        if changes.is_empty() { Ok(()) } else { self.store.commit_derived(&changes) }
    }

    /// What a record that is about to be added or revoked may change of closed windows, by service.
    pub(super) fn causes_of(&self, kept: &Kept) -> Vec<(Id, Causes)> {
        if !kept.content.is_measured() {
            return Vec::new();
        }
        let span = kept.content.span();
        let sort = kept.content.sort().as_str().to_owned();
        let done = RecordDone { sort, id: kept.content.id().clone(), revoked: !kept.is_in_force() };
        let holds = |service: &&Id| match kept.content.services() {
            Selection::All => true,
            Selection::Named(named) => named.contains(*service),
        };
        let touched = self.in_force.courses.services().map(|(service, _)| service).filter(holds);
        let touched = touched.filter(|service| self.revising.may_change(service, span.start));
        let causes = |service: &Id| {
            let mut causes = Causes::default();
            causes.recorded(done.clone(), span);
            (service.clone(), causes)
        };
        touched.map(causes).collect()
    }

    /// The changes that keep them, for the commit of the record.
    pub(super) fn keeping_causes(&self, causes: &[(Id, Causes)]) -> Result<Vec<RecordChange>, StoreError> {
        causes.iter().map(|(service, more)| self.revising.change(service, Some(more))).collect()
    }

    /// What a record that is durable now has touched.
    pub(super) fn caused(&mut self, causes: Vec<(Id, Causes)>) {
        for (service, more) in causes {
            self.revising.touch(&service, |known| known.join(more));
        }
    }

    /// A service is measured otherwise from `from` on, as of this version of the catalogue.
    pub(super) fn restated(&mut self, service: &Id, from: Instant, version: u64) {
        if self.revising.may_change(service, from) {
            self.revising.touch(service, |causes| causes.restated(from, version));
        }
    }

    /// Another catalogue is in force than `before`: which windows have closed is found anew, and of what it promises otherwise
    /// the closed windows are looked at again. What it measures otherwise is told by [`Self::restated`].
    pub(super) fn revise_anew(&mut self, before: &Courses) {
        let (courses, version) = (Arc::clone(&self.in_force.courses), self.in_force.version);
        self.revising.assign(&courses);
        for (service, from) in courses.promises_differ_from(before) {
            self.restated(&service, from, version);
        }
    }
}
