//! A version on record that this reader refuses, because it is stricter than that of its time: what is still known of it.
//!
//! With each version stands how everything in it was measured, as texts ([`measured_as`](super::fingerprint::measured_as)).
//! Versions whose texts agree measure alike, so whatever has the text of another version is measured as that one says, and
//! nothing is lost. The rest is not guessed:
//!
//! - a service is **unmeasured** from then on until a version that can be read: nobody is known to have looked at it;
//! - a target has **no figures** in the windows for which that version's promise would count.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::course::{Courses, Piece, ServiceCourse, forget_from};
use super::model::{Probe, Service};
use super::promised::TargetCourse;
use crate::ids::{Id, ProbeId, TargetId};
use crate::time::{Instant, Interval};

/// What versions that cannot be read had, and no version before them.
#[derive(Clone, Debug, Default)]
pub(super) struct Missed {
    services: BTreeMap<Id, Vec<Said>>,
    targets: BTreeMap<TargetId, Vec<Said>>,
}

/// What such a version says of one of them.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub(super) from: Instant,
    pub(super) version: u64,
    pub(super) text: String,
}

impl Missed {
    /// What was said of a service that a version which can be read has now.
    pub(super) fn service(&mut self, id: &Id) -> Vec<Said> {
        self.services.remove(id).unwrap_or_default()
    }

    /// The same of a target.
    pub(super) fn target(&mut self, id: &TargetId) -> Vec<Said> {
        self.targets.remove(id).unwrap_or_default()
    }
}

impl Courses {
    /// Adds a version that cannot be read, which holds `from` an instant on; `texts` say how it measures.
    pub fn take_up_unread(&mut self, texts: &BTreeMap<String, String>, version: u64, from: Instant) {
        self.versions.push((from, version));
        let said = |text: &String| Said { from, version, text: text.clone() };
        for (id, course) in &mut self.services {
            match texts.get(&format!("service {id}")) {
                Some(text) => course.take_up_unread(&said(text)),
                None => drop(forget_from(&mut course.pieces, |piece| piece.from, from)),
            }
        }
        for (id, course) in &mut self.targets {
            match texts.get(&format!("target {id}")) {
                Some(text) => course.take_up_unread(said(text)),
                None => drop(course.leave(from)),
            }
        }
        for (what, text) in texts {
            if let Some(id) = named(what, "service ").filter(|id| !self.services.contains_key(id)) {
                self.missed.services.entry(id).or_default().push(said(text));
            } else if let Some(id) = named(what, "target ").filter(|id| !self.targets.contains_key(id)) {
                self.missed.targets.entry(id).or_default().push(said(text));
            }
        }
        self.derive();
    }

    /// What cannot be measured because a version cannot be read: services and targets, as the texts name them.
    pub fn unread_by(&self, version: u64) -> Vec<String> {
        let is_of = |piece: &Piece| piece.is_unread && piece.version == version;
        let services = self.services.iter().filter(|(_, course)| course.pieces.iter().any(is_of)).map(|(id, _)| id);
        let targets = self.targets.iter().filter(|(_, course)| course.is_unread_by(version)).map(|(id, _)| id);
        let said = |all: &Vec<Said>| all.iter().any(|said| said.version == version);
        let missed = self.missed.services.iter().filter(|(_, all)| said(all)).map(|(id, _)| id);
        let missed_targets = self.missed.targets.iter().filter(|(_, all)| said(all)).map(|(id, _)| id);
        let services = services.chain(missed).map(|id| format!("service {id}"));
        services.chain(targets.chain(missed_targets).map(|id| format!("target {id}"))).collect()
    }
}

fn named<T: std::str::FromStr>(what: &str, sort: &str) -> Option<T> {
    what.strip_prefix(sort)?.parse().ok()
}

impl ServiceCourse {
    fn take_up_unread(&mut self, said: &Said) {
        forget_from(&mut self.pieces, |piece| piece.from, said.from);
        let Some(last) = self.pieces.last().filter(|last| last.text != said.text) else { return };
        let alike = self.pieces.iter().find(|piece| !piece.is_unread && piece.text == said.text);
        let piece = alike.map_or_else(
            || Piece::unread(&last.service, &last.responsible, said),
            |alike| Piece { from: said.from, version: said.version, ..alike.clone() },
        );
        self.pieces.push(piece);
    }

    /// A version can be read that has it like this: whatever could not, and says the same, is known. Whether anything was.
    pub(super) fn read(&mut self, text: &str, like: &Piece) -> bool {
        let mut any = false;
        for piece in self.pieces.iter_mut().filter(|piece| piece.is_unread && piece.text == text) {
            *piece = Piece { from: piece.from, version: piece.version, ..like.clone() };
            any = true;
        }
        any
    }

    /// Whether it is known all through a span how it is measured.
    pub fn is_read_within(&self, span: Interval) -> bool {
        self.within(span).all(|(_, piece)| !piece.is_unread)
    }
}

impl Piece {
    /// What a version that cannot be read says, where nothing else says the same: a stand-in at which nobody looks.
    pub(super) fn unread(service: &Service, responsible: &Responsible, said: &Said) -> Self {
        let unseen = |probe: &Arc<Probe>| Arc::new(Probe { agents: Vec::new(), ..Probe::clone(probe) });
        let mut service = service.clone();
        service.probes.values_mut().for_each(|probe| *probe = unseen(probe));
        service.structure.leaves.values_mut().for_each(|probe| *probe = unseen(probe));
        let (service, responsible, text) = (Arc::new(service), responsible.clone(), said.text.clone());
        Self { from: said.from, version: said.version, service, responsible, text, is_unread: true }
    }
}

type Responsible = BTreeMap<ProbeId, (Option<Id>, String)>;

impl TargetCourse {
    fn take_up_unread(&mut self, said: Said) {
        self.gone_from = None;
        forget_from(&mut self.pieces, |promised| promised.from, said.from);
        let Some(last) = self.pieces.last().filter(|last| last.text != said.text) else { return };
        let alike = self.pieces.iter().find(|piece| piece.unread.is_none() && piece.text == said.text);
        let (like, unread) = alike.map_or((last, Some(said.version)), |alike| (alike, None));
        let target = Arc::clone(&like.target);
        self.pieces.push(super::promised::Promised { from: said.from, target, text: said.text, unread });
    }

    fn is_unread_by(&self, version: u64) -> bool {
        self.pieces.iter().any(|piece| piece.unread == Some(version))
    }
}
