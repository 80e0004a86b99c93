//! What services and targets were through the versions of the catalogue.
//!
//! Each instant is measured with the catalogue in force at it (section 9 of the rules). A version holds from an instant on;
//! of two that hold, the later one counts. So a version that was restated from an instant of the past replaces everything
//! that came into force after that instant. Only what measures differently begins a new piece of a course: names, owners and
//! addresses are those of the newest version.
//!
//! ```text
//! versions      1────────────2─────3───────────────────▶
//! shop          ├─ piece 1 ────────┼─ piece 3 ─────────▶     version 2 changed something else
//! shop-sla/a    ├─ piece 1 ──┼─ piece 2 ───────────────▶     applies to windows that begin from there on
//! ```
//!
//! **Where the rules are silent.** What is before the first version is measured by it. A service that leaves the catalogue
//! and comes back was promised all the while: in between it is as the last version that had it says, so mostly unmeasured. A
//! target that leaves holds to the end of its window, and a new one holds for the window that it falls in.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::fingerprint::service_text;
use super::model::{Catalogue, Service, Target, WindowKind};
use super::promised::TargetCourse;
use super::unread::Missed;
use crate::ids::{Id, ProbeId, TargetId, VantagePoint};
use crate::measure::law::{Step, VantageLaw};
use crate::measure::target::{probe_rules, responsible};
use crate::measure::window::Window;
use crate::time::{Instant, Interval};

/// All services and targets that ever were in the catalogue.
#[derive(Clone, Debug, Default)]
pub struct Courses {
    pub(super) services: BTreeMap<Id, ServiceCourse>,
    pub(super) targets: BTreeMap<TargetId, TargetCourse>,
    laws: BTreeMap<ProbeId, VantageLaw>,
    /// By which services each probe is looked at.
    seen_by: BTreeMap<ProbeId, BTreeSet<Id>>,
    /// The targets that are about each service: each is asked for with each tick.
    about: BTreeMap<Id, BTreeSet<TargetId>>,
    /// From when on each version holds; later ones count.
    pub(super) versions: Vec<(Instant, u64)>,
    /// What only versions had that cannot be read.
    pub(super) missed: Missed,
}

/// A service, piece by piece; the first reaches back to the beginning of time.
#[derive(Clone, Debug)]
pub struct ServiceCourse {
    pub(super) pieces: Vec<Piece>,
}

/// A service as it is measured from an instant on.
#[derive(Clone, Debug)]
pub struct Piece {
    /// From when on.
    pub from: Instant,
    /// The version that brought it.
    pub version: u64,
    /// The service.
    pub service: Arc<Service>,
    /// Who answers for each of the probes it is made of: a component, if there is one, and a party.
    pub responsible: BTreeMap<ProbeId, (Option<Id>, String)>,
    pub(super) text: String,
    /// Whether the version that brought it cannot be read, and nobody knows how it was measured.
    pub(super) is_unread: bool,
}

impl Courses {
    /// Those of a catalogue that never was another.
    pub fn of(catalogue: &Catalogue) -> Self {
        let mut courses = Self::default();
        courses.take_up(catalogue, 1, Instant::MIN);
        courses
    }

    /// Adds a version, which holds `from` an instant on; the services that it measures differently than before.
    pub fn take_up(&mut self, catalogue: &Catalogue, version: u64, from: Instant) -> BTreeSet<Id> {
        self.versions.push((from, version));
        let mut changed = BTreeSet::new();
        for (id, service) in &catalogue.services {
            let text = service_text(catalogue, service);
            let course = self.services.entry(id.clone()).or_insert_with(|| ServiceCourse { pieces: Vec::new() });
            let (service, responsible) = (Arc::new(service.clone()), all_responsible(catalogue, service));
            let missed = self.missed.service(id);
            course.pieces.extend(missed.iter().map(|said| Piece::unread(&service, &responsible, said)));
            let piece = Piece { from, version, service, responsible, text, is_unread: false };
            let any_read = course.read(&piece.text, &piece);
            if course.take_up(piece) || any_read || !missed.is_empty() {
                changed.insert(id.clone());
            }
        }
        // What it does not have, it replaces all the same from then on.
        for (id, course) in self.services.iter_mut().filter(|(id, _)| !catalogue.services.contains_key(*id)) {
            changed.extend(forget_from(&mut course.pieces, |piece| piece.from, from).then(|| id.clone()));
        }
        for (id, course) in &mut self.targets {
            if !catalogue.targets.contains_key(id) && course.leave(from) {
                changed.extend(course.newest().map(|last| last.service.clone()));
            }
        }
        for (id, target) in &catalogue.targets {
            let missed = self.missed.target(id);
            if self.targets.entry(id.clone()).or_default().take_up(from, target, missed) {
                changed.insert(target.service.clone());
            }
        }
        if !changed.is_empty() {
            self.derive();
        }
        changed
    }

    /// What follows from the pieces.
    pub(super) fn derive(&mut self) {
        let mut steps: BTreeMap<ProbeId, Vec<Step>> = BTreeMap::new();
        self.seen_by.clear();
        for (id, course) in &self.services {
            for piece in &course.pieces {
                for probe in piece.service.looks_at() {
                    self.seen_by.entry(probe.id.clone()).or_default().insert(id.clone());
                    if probe.id.parent == *id {
                        let step = Step { from: piece.from, rules: probe_rules(probe) };
                        steps.entry(probe.id.clone()).or_default().push(step);
                    }
                }
            }
        }
        let law = |(probe, steps)| Some((probe, VantageLaw::of(steps)?));
        self.laws = steps.into_iter().filter_map(law).collect();
        self.about.clear();
        for (id, course) in &self.targets {
            let Some(newest) = course.newest() else { continue };
            self.about.entry(newest.service.clone()).or_default().insert(id.clone());
        }
    }

    /// The services that are measured differently than by `other`, each with from when on.
    pub fn differs_from(&self, other: &Self) -> Vec<(Id, Instant)> {
        let differs = |(id, course): (&Id, &ServiceCourse)| {
            let known = other.services.get(id).map_or(&[][..], |known| &known.pieces);
            let same = |(one, other): (&Piece, &Piece)| one.from == other.from && one.text == other.text;
            let equal = course.pieces.iter().zip(known).take_while(|(one, other)| same((one, other))).count();
            let of_one = course.pieces.get(equal).map(|piece| piece.from);
            let of_other = known.get(equal).map(|piece| piece.from);
            let from = of_one.into_iter().chain(of_other).min()?;
            Some((id.clone(), from))
        };
        self.services.iter().filter_map(differs).collect()
    }

    /// The services of which a target is promised otherwise than by `other`, each with from when on.
    pub fn promises_differ_from(&self, other: &Self) -> Vec<(Id, Instant)> {
        let mut differ = Vec::new();
        for (id, course) in &self.targets {
            let Some(known) = other.targets.get(id) else { continue };
            let Some(from) = course.differs_from(known) else { continue };
            let about = [course, known].into_iter().filter_map(TargetCourse::newest);
            differ.extend(about.map(|target| (target.service.clone(), from)));
        }
        differ
    }

    /// A service.
    pub fn service(&self, id: &Id) -> Option<&ServiceCourse> {
        self.services.get(id)
    }

    /// All services, in order of their ids.
    pub fn services(&self) -> impl Iterator<Item = (&Id, &ServiceCourse)> {
        self.services.iter()
    }

    /// By which rules the observations of a probe become states; none of one that no service ever had.
    pub fn law(&self, probe: &ProbeId) -> Option<&VantageLaw> {
        self.laws.get(probe)
    }

    /// The services that ever looked at a probe.
    pub fn seen_by(&self, probe: &ProbeId) -> impl Iterator<Item = &Id> {
        self.seen_by.get(probe).into_iter().flatten()
    }

    /// Every vantage point that was ever assigned, with its law.
    pub fn vantage_points(&self) -> BTreeMap<VantagePoint, &VantageLaw> {
        let mut points = BTreeMap::new();
        let pieces = self.services.values().flat_map(|course| &course.pieces);
        for probe in pieces.flat_map(|piece| piece.service.probes.values()) {
            let Some(law) = self.laws.get(&probe.id) else { continue };
            for agent in &probe.agents {
                points.insert(VantagePoint { probe: probe.id.clone(), agent: agent.clone() }, law);
            }
        }
        points
    }

    /// How long after an instant an observation may still decide a service's state: the slowest of the probes that were
    /// ever looked at for it.
    pub fn context_ms(&self, service: &ServiceCourse) -> i64 {
        let probes = service.pieces.iter().flat_map(|piece| piece.service.looks_at());
        probes.filter_map(|probe| self.laws.get(&probe.id)).map(VantageLaw::context_ms).max().unwrap_or(0)
    }

    /// The longest of these.
    pub fn longest_context_ms(&self) -> i64 {
        self.laws.values().map(VantageLaw::context_ms).max().unwrap_or(0)
    }

    /// How everything that ever was in the catalogue is measured by the newest version that has it, as
    /// [`measured_as`](super::fingerprint::measured_as) says it.
    pub fn texts(&self) -> BTreeMap<String, String> {
        let services = self
            .services
            .iter()
            .filter_map(|(id, course)| Some((format!("service {id}"), course.newest()?.text.clone())));
        let targets = self.targets.iter();
        let targets =
            targets.filter_map(|(id, course)| Some((format!("target {id}"), course.newest_text()?.to_owned())));
        services.chain(targets).collect()
    }

    /// The version in force at an instant; before the first one, that.
    pub fn version_at(&self, at: Instant) -> u64 {
        let holding = self.versions.iter().filter(|(from, _)| *from <= at).map(|(_, version)| *version);
        holding.max().or(self.versions.first().map(|(_, version)| *version)).unwrap_or_default()
    }

    /// Which version is in force when within a span.
    pub fn versions_within(&self, span: Interval) -> Vec<(Interval, u64)> {
        let within = self.versions.iter().map(|(from, _)| *from).filter(|from| span.start < *from && *from < span.end);
        let mut cuts: Vec<Instant> = std::iter::once(span.start).chain(within).collect();
        cuts.sort_unstable();
        cuts.dedup();
        let ends = cuts.iter().skip(1).copied().chain([span.end]);
        cuts.iter().zip(ends).map(|(from, to)| (Interval::new(*from, to), self.version_at(*from))).collect()
    }

    /// All targets, in order of their ids.
    pub fn targets(&self) -> impl Iterator<Item = (&TargetId, &TargetCourse)> {
        self.targets.iter()
    }

    /// A target through the versions.
    pub fn target_course(&self, id: &TargetId) -> Option<&TargetCourse> {
        self.targets.get(id)
    }

    /// The target of this name as it holds for a window.
    pub fn target(&self, id: &TargetId, window: &Window) -> Option<Arc<Target>> {
        let holds = self.targets.get(id)?.holding_for(window)?;
        holds.unread.is_none().then(|| Arc::clone(&holds.target))
    }

    /// A target with its own window that holds `at`, looked at as of an instant.
    pub fn in_window(
        &self,
        id: &TargetId,
        zone: &jiff::tz::TimeZone,
        at: Instant,
        as_of: Instant,
    ) -> Option<(Arc<Target>, Window)> {
        let course = self.targets.get(id)?;
        let (promised, window) = course.in_window(|kind| Window::holding(kind, zone, at, as_of))?;
        Some((Arc::clone(&promised.target), window))
    }

    /// The targets of a service that hold for the window that `window` gives for their kind: those of the newest version, and
    /// those that left the catalogue after their window began.
    pub fn targets_of<'a>(
        &'a self,
        service: &'a Id,
        window: impl Fn(WindowKind) -> Window + 'a,
    ) -> impl Iterator<Item = &'a TargetId> + 'a {
        let of_it = self.about.get(service).into_iter().flatten();
        of_it.filter(move |id| self.targets.get(*id).is_some_and(|course| course.holds_in(&window)))
    }
}

impl From<&Service> for ServiceCourse {
    /// A service that never was another; for its probes nobody was named who answers.
    fn from(service: &Service) -> Self {
        let service = Arc::new(service.clone());
        let (responsible, text) = (BTreeMap::new(), String::new());
        Self { pieces: vec![Piece { from: Instant::MIN, version: 1, service, responsible, text, is_unread: false }] }
    }
}

impl ServiceCourse {
    fn take_up(&mut self, piece: Piece) -> bool {
        // What is before the first of them is measured by it.
        if let Some(first) = self.pieces.first_mut() {
            first.from = Instant::MIN;
        }
        let forgot = forget_from(&mut self.pieces, |piece| piece.from, piece.from);
        if self.pieces.last().is_some_and(|last| last.text == piece.text) {
            return forgot;
        }
        let from = if self.pieces.is_empty() { Instant::MIN } else { piece.from };
        self.pieces.push(Piece { from, ..piece });
        true
    }

    /// The pieces, in order.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// The piece in force at an instant.
    pub fn at(&self, at: Instant) -> Option<&Piece> {
        let place = self.pieces.partition_point(|piece| piece.from <= at);
        self.pieces.get(place.saturating_sub(1))
    }

    /// The newest piece.
    pub fn newest(&self) -> Option<&Piece> {
        self.pieces.last()
    }

    /// The pieces that are in force within a span, each with the part in which it is; of an empty span, the one at it.
    pub fn within(&self, span: Interval) -> impl Iterator<Item = (Interval, &Piece)> {
        let ends = self.pieces.iter().skip(1).map(|piece| piece.from).chain([Instant::MAX]);
        let parts = self.pieces.iter().zip(ends);
        let holds = move |piece: &Piece, end| piece.from <= span.start && span.start < end;
        let kept = parts.filter(move |(piece, end)| span.start < span.end || holds(piece, *end));
        let cut = kept.map(move |(piece, end)| (Interval::new(piece.from, end).intersect(span), piece));
        cut.filter(move |(part, _)| span.is_empty() || !part.is_empty())
    }
}

/// Forgets the pieces that are replaced from an instant on; whether there were any.
pub(super) fn forget_from<T>(pieces: &mut Vec<T>, begins: impl Fn(&T) -> Instant, from: Instant) -> bool {
    let kept = pieces.partition_point(|piece| begins(piece) < from);
    pieces.drain(kept..).len() > 0
}

fn all_responsible(catalogue: &Catalogue, service: &Service) -> BTreeMap<ProbeId, (Option<Id>, String)> {
    let of_leaf = |probe: &ProbeId| {
        let (component, party) = responsible(catalogue, service, probe);
        (probe.clone(), (component.cloned(), party.to_owned()))
    };
    service.structure.leaves.keys().map(of_leaf).collect()
}

#[cfg(test)]
#[path = "course_tests.rs"]
mod tests;
