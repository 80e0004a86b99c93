//! Issuing revisions: a closed window is measured again, held against what was issued of it last, and issued anew if it is
//! another.
//!
//! Measuring is the same as for whoever asks for the window with the instant at which it had settled as the present. Since
//! nothing that came later has a part in a settled window, its states are read as they stand now: those are kept, also where
//! the rows behind them are not. What a tick looks at is bounded by about [`OBSERVATIONS_AT_ONCE`] observations, except that
//! one window is always measured whole: response time and capacity over a year read that year.
//!
//! What a tick issues is one commit. On a full disk nothing of it is so, and all of it is looked at again.

use std::sync::Arc;

use uphold_common::catalogue::course::ServiceCourse;
use uphold_common::catalogue::model::{Promise, Service, Target, WindowKind};
use uphold_common::catalogue::promised::TargetCourse;
use uphold_common::ids::Id;
use uphold_common::measure::figures::{Figures, Measured, RULES_VERSION, time_zone_data};
use uphold_common::measure::target::settling_ms;
use uphold_common::measure::window::Window;
use uphold_common::time::{DAY_MS, Instant, Interval};
use uphold_common::wire::assignment::CAPACITY_INTERVAL_MS;
use uphold_common::wire::pack;

use super::closing::service_ever;
use super::measure::InWindow;
use super::revise::Waiting;
use super::{Engine, EngineError, damaged};
use crate::revisions::form::{FORM, digest};
use crate::revisions::key::{self, Key};
use crate::revisions::model::{Revision, Why};
use crate::revisions::{diff, headline};
use crate::store::{RecordChange, RecordKind};

/// About how many observations a tick reads for closed windows.
const OBSERVATIONS_AT_ONCE: usize = 200_000;
/// Most windows that a tick looks at.
const WINDOWS_AT_ONCE: usize = 64;
/// As how many observations a window counts at least, and as how many each day of a vantage point in it.
const WINDOW_COST: usize = 500;
const DAY_COST: usize = 16;

/// A window as it was measured.
pub(super) struct Looked {
    waiting: Waiting,
    block: Block,
}

/// What measuring a window came to.
enum Block {
    /// The target's block in the figures, as JSON.
    Measured(Vec<u8>),
    /// The target did not hold for this window.
    Nothing,
}

impl Engine {
    /// Measures some of the windows that wait, the oldest first.
    pub(super) fn look_at_closed(&mut self, now: Instant) -> Result<Vec<Looked>, EngineError> {
        let (catalogue, courses) = (self.catalogue(), Arc::clone(&self.in_force.courses));
        let (mut allowance, mut looked) = (OBSERVATIONS_AT_ONCE, Vec::new());
        let of = |waiting: &Waiting| {
            let target = courses.target_course(&waiting.target)?.newest()?;
            Some((waiting.clone(), service_ever(&catalogue, &courses, &target.service)?, &**target))
        };
        let free =
            self.revising.waiting.iter().filter_map(of).filter(|(_, service, _)| !self.agents.holds(service, now));
        let next: Vec<(Waiting, &Service, &Target)> = free.take(WINDOWS_AT_ONCE).collect();
        for (waiting, service, target) in next {
            let cost = cost(service, target, waiting.window());
            if cost > allowance && allowance < OBSERVATIONS_AT_ONCE {
                break;
            }
            let block = self.closed_block(service, &waiting, &mut allowance)?;
            let Some(block) = block else { break };
            allowance = allowance.saturating_sub(cost);
            looked.push(Looked { waiting, block });
        }
        Ok(looked)
    }

    /// The block of a target in a window that has settled; none if it still has to be derived and the allowance is used up.
    fn closed_block(
        &mut self,
        service: &Service,
        waiting: &Waiting,
        allowance: &mut usize,
    ) -> Result<Option<Block>, EngineError> {
        let courses = Arc::clone(&self.in_force.courses);
        let Some(course) = courses.service(&service.id) else { return Ok(Some(Block::Nothing)) };
        let (interval, kind) = (waiting.window(), key::kind_of(waiting.kind));
        let Some(as_of) = kind.map(|kind| settled_at(course, service, kind, interval)) else {
            return Ok(Some(Block::Nothing));
        };
        let held = self.held_in(service, waiting, as_of);
        let Some(one) = held else { return Ok(Some(Block::Nothing)) };
        let document =
            |measured: Measured<'_>| Figures::of((service, course), courses.version_at(as_of), as_of, &[measured]);
        let (target, present) = (&one.0, self.timelines.present());
        let document = match &target.promise {
            Promise::Availability(_) => {
                let from = interval.start.max(self.entry(&service.id));
                if !self.prepare_all(service, Interval::new(from, present), allowance)? {
                    return Ok(None);
                }
                let seen = self.see(service, Interval::new(from, interval.end), present)?;
                let figures = self.figures_of(service, &one, &seen);
                let seen = &seen.service;
                figures.map(|figures| document(Measured::Availability { target, figures: &figures, seen, alerts: &[] }))
            }
            Promise::Response(_) => {
                let all = self.response_figures(service, std::slice::from_ref(&one))?;
                all.first().map(|(target, figures)| document(Measured::Response { target, figures }))
            }
            Promise::Capacity(_) => {
                let all = self.capacity_figures(service, std::slice::from_ref(&one))?;
                all.first().map(|(target, figures)| document(Measured::Capacity { target, figures }))
            }
        };
        let Some(block) = document.as_ref().and_then(|document| document.block(&target.id)) else {
            return Ok(Some(Block::Nothing));
        };
        let block = serde_json::to_vec(block);
        block
            .map(|block| Some(Block::Measured(block)))
            .map_err(|error| damaged("the figures of a closed window", &error))
    }

    /// What a target promised for a window, if that is one of its own.
    fn held_in(&self, service: &Service, waiting: &Waiting, as_of: Instant) -> Option<InWindow> {
        let (courses, id, interval) = (&self.in_force.courses, &waiting.target, waiting.window());
        // As whoever reports the window finds it: by what was promised when it began.
        let held = courses.in_window(id, &service.time_zone, interval.start, as_of);
        let held = held.filter(|(_, window)| window.interval == interval);
        // Where a window that ends now came instead, whoever reports has to name the kind.
        held.or_else(|| {
            let kind = key::kind_of(waiting.kind)?;
            let window = Window::holding(kind, &service.time_zone, interval.start, as_of);
            let target = courses.target(id, &window).filter(|target| target.window == kind)?;
            Some((target, window)).filter(|(_, window)| window.interval == interval)
        })
    }

    /// Issues those that are not what was issued last, in one commit.
    pub(super) fn issue(&mut self, looked: Vec<Looked>, now: Instant) -> Result<(), EngineError> {
        let (mut changes, mut done) = (Vec::new(), Vec::new());
        for one in looked {
            let issued = self.revision(&one, now)?;
            if let Some((key, revision)) = &issued {
                let value = pack::pack(revision).map_err(|error| damaged("a revision", &error))?;
                changes.push(RecordChange { kind: RecordKind::Revision, key: key.bytes(), value: Some(value) });
            }
            done.push((one, issued));
        }
        let committed = if changes.is_empty() { Ok(()) } else { self.store.commit(&changes) };
        if !self.took(committed)? {
            return Ok(());
        }
        for (Looked { waiting, .. }, issued) in done {
            self.revising.looked_at(&waiting);
            let Some((key, revision)) = issued else { continue };
            let (target, window, number) = (&revision.target, &revision.window, revision.number);
            if number > 1 {
                tracing::info!(%target, window = window.kind, start = %window.start_ms, number, why = revision.why.word(), "a closed window has changed: a new revision of it is issued");
            }
            *self.revising.issued.entry(revision.why.word()).or_default() += 1;
            self.revising.register.put(key, &revision);
        }
        Ok(())
    }

    /// The revision that is due of a window that was measured; none if it is what was issued last.
    fn revision(&self, looked: &Looked, now: Instant) -> Result<Option<(Key, Revision)>, EngineError> {
        let Looked { waiting, block: Block::Measured(block) } = looked else { return Ok(None) };
        let unsound = |error: &dyn std::fmt::Display| damaged("the figures of a closed window", &error.to_string());
        let (in_force, courses) = (&self.in_force.catalogue, &self.in_force.courses);
        let target = courses.target_course(&waiting.target).and_then(TargetCourse::newest);
        let Some(target) = target else { return Ok(None) };
        let Some(service) = service_ever(in_force, courses, &target.service) else { return Ok(None) };
        let kind = waiting.kind;
        let Some((of, course)) = key::kind_of(kind).zip(self.course(&service.id)) else { return Ok(None) };
        let as_of_ms = settled_at(course, service, of, waiting.window());
        let catalogue_version = self.in_force.courses.version_at(as_of_ms);
        let known = self.revising.register.get(&target.id, kind, waiting.start);
        if let Some(known) = known {
            let is_same = || Ok(known.is(&digest(block, known.form)?));
            if known.form > FORM || is_same().map_err(|error: serde_json::Error| unsound(&error))? {
                return Ok(None);
            }
        }
        let sha256 = digest(block, FORM).map_err(|error| unsound(&error))?;
        let (window, headline) = headline::read(block).map_err(|error| unsound(&error))?;
        let mut key = Key { target: target.id.clone(), start: waiting.start, kind, number: 1 };
        let before = match known {
            None => None,
            Some(known) => {
                key.number = known.number;
                let before = self.revision_at(&key)?;
                key.number = known.number.saturating_add(1);
                before
            }
        };
        let (changes, changes_left_out) =
            before.as_ref().map(|before| diff::changes(&before.headline, &headline)).unwrap_or_default();
        let why = if key.number == 1 {
            Why::settled()
        } else {
            self.why(
                &service.id,
                waiting,
                before.filter(|before| before.catalogue_version != catalogue_version).map(|_| catalogue_version),
            )
        };
        let revision = Revision {
            service: service.id.clone(),
            target: target.id.clone(),
            window,
            number: key.number,
            issued_at_ms: now,
            as_of_ms,
            catalogue_version,
            rules_version: RULES_VERSION,
            time_zone_data: time_zone_data().to_owned(),
            sha256,
            form: FORM,
            headline,
            why,
            changes,
            changes_left_out,
        };
        Ok(Some((key, revision)))
    }

    /// Why a window is another than it was; `version` is that of the catalogue, if that is another too.
    fn why(&self, service: &Id, waiting: &Waiting, version: Option<u64>) -> Why {
        let again = self.revising.again.get(service).filter(|again| again.left.contains(waiting));
        // Nothing touched it: it was issued before it had come to its end, and has come to it.
        let Some(again) = again else { return Why { catalogue_version: version, ..Why::settled() } };
        let why = again.causes.why(waiting.window());
        let found = version.filter(|_| why.word() == "start");
        Why { catalogue_version: why.catalogue_version.or(found), ..why }
    }

    /// The revision under a key.
    pub(super) fn revision_at(&self, key: &Key) -> Result<Option<Revision>, EngineError> {
        let value = self.store.record(RecordKind::Revision, &key.bytes())?;
        value.map(|value| pack::unpack(&value).map_err(|error| damaged("a revision", &error))).transpose()
    }
}

/// When a closed window had settled: what is taken for the present in its revisions.
pub(super) fn settled_at(course: &ServiceCourse, service: &Service, kind: WindowKind, interval: Interval) -> Instant {
    let window = Window::holding(kind, &service.time_zone, interval.start, interval.end);
    interval.end.plus_ms(settling_ms(course, &window))
}

/// About how many observations measuring a closed window reads.
fn cost(service: &Service, target: &Target, window: Interval) -> usize {
    let times = |every_ms: i64| usize::try_from(window.len_ms() / every_ms.max(1)).unwrap_or(usize::MAX);
    let read = match &target.promise {
        Promise::Availability(_) => {
            let points: usize = service.looks_at().map(|probe| probe.agents.len()).sum();
            times(DAY_MS).saturating_mul(points).saturating_mul(DAY_COST)
        }
        // Both are read twice.
        Promise::Response(promise) => service
            .probes
            .get(&promise.probe)
            .map_or(0, |probe| times(probe.interval_ms).saturating_mul(probe.agents.len()).saturating_mul(2)),
        Promise::Capacity(_) => times(CAPACITY_INTERVAL_MS).saturating_mul(2),
    };
    read.saturating_add(WINDOW_COST)
}
