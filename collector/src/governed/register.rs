//! All governed records: what may be added to them, what revoked. It decides, and whoever asks commits what it decided
//! before it is [`put`](Register::put).

use std::collections::BTreeMap;
use std::sync::Arc;

use uphold_common::catalogue::model::Catalogue;
use uphold_common::governed::exclusion::Exclusion;
use uphold_common::governed::maintenance::Maintenance;
use uphold_common::governed::{Asked, Content, Defaults, Facts, Selection, Sort, Unsound};
use uphold_common::ids::Id;
use uphold_common::time::Instant;
use uphold_common::wire::pack;
use uphold_common::yaml::words::did_you_mean;

use super::{GovernedError, Kept, REASON_BYTES_MAX, Revocation, kind_of};
use crate::identity::deed::Actor;
use crate::identity::role::{Right, Role};
use crate::store::{KeyRange, Store, StoreError};

/// Most records of a sort.
pub const RECORDS_MAX: usize = 10_000;
/// Most times that all maintenance on record takes place.
pub const OCCURRENCES_MAX: usize = 400_000;
/// Most bytes of all records, as they are kept.
pub const BYTES_MAX: usize = 32 << 20;
/// How many records are read from the store at once.
const PAGE_RECORDS: usize = 1_000;

/// All governed records, the revoked ones too.
#[derive(Clone, Debug, Default)]
pub struct Register {
    /// Each record, and how many bytes it has.
    all: BTreeMap<(Sort, Id), Entry>,
    /// The records that are measured, by their places, in the order in which they came; the newest state of each.
    measured: Vec<Arc<Kept>>,
    /// The places of those that name a service. With thousands of records a service asks for few of them.
    naming: BTreeMap<Id, Vec<u32>>,
    /// The places of those that are of all services.
    of_all: Vec<u32>,
    occurrences: usize,
    bytes: usize,
}

/// A record as it is held.
#[derive(Clone, Debug)]
struct Entry {
    kept: Arc<Kept>,
    bytes: usize,
    /// Its place among the measured.
    place: Option<u32>,
}

/// What becomes of a record that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Added {
    /// It is to be committed, and put here.
    New(Arc<Kept>),
    /// The same is on record already.
    Known(Arc<Kept>),
}

/// Why what is on record cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A record is damaged.
    #[error("{0}")]
    Damaged(String),
}

impl Register {
    /// Reads what is on record.
    pub fn load(store: &dyn Store) -> Result<Self, LoadError> {
        let mut register = Self::default();
        for sort in Sort::ALL {
            let mut range = KeyRange::all();
            loop {
                let page = store.records(kind_of(sort), &range, PAGE_RECORDS)?;
                let Some((last, _)) = page.last() else { break };
                range = range.after(last.clone());
                for (_, value) in &page {
                    let kept: Kept = pack::unpack(value).map_err(|error| LoadError::Damaged(error.to_string()))?;
                    register.put(Arc::new(kept), value.len());
                }
            }
        }
        Ok(register)
    }

    /// Takes in a record of so many bytes, or the later state of one.
    pub fn put(&mut self, kept: Arc<Kept>, bytes: usize) {
        let key = (kept.content.sort(), kept.content.id().clone());
        let times = kept.content.maintenance().map_or(0, |maintenance| maintenance.occurrences().len());
        self.bytes += bytes;
        if let Some(entry) = self.all.get_mut(&key) {
            self.bytes -= entry.bytes;
            if let Some(held) = entry.place.and_then(|place| self.measured.get_mut(place as usize)) {
                *held = Arc::clone(&kept);
            }
            (entry.kept, entry.bytes) = (kept, bytes);
            return;
        }
        self.occurrences += times;
        let place = self.placed(&kept);
        self.all.insert(key, Entry { kept, bytes, place });
    }

    /// Gives a record that is measured a place, and notes it for its services.
    fn placed(&mut self, kept: &Arc<Kept>) -> Option<u32> {
        let place = u32::try_from(self.measured.len()).ok().filter(|_| kept.content.is_measured())?;
        self.measured.push(Arc::clone(kept));
        match kept.content.services() {
            Selection::All => self.of_all.push(place),
            Selection::Named(services) => {
                for service in services {
                    self.naming.entry(service.clone()).or_default().push(place);
                }
            }
        }
        Some(place)
    }

    /// The records in force that are measured and are of a service.
    fn of_service<'r>(&'r self, service: &Id) -> impl Iterator<Item = &'r Content> + use<'r> {
        let places = self.of_all.iter().chain(self.naming.get(service).into_iter().flatten());
        let held = places.filter_map(|place| self.measured.get(*place as usize));
        held.filter(|kept| kept.is_in_force()).map(|kept| &kept.content)
    }

    /// The maintenance in force that is of a service.
    pub fn maintenances_of<'r>(&'r self, service: &Id) -> impl Iterator<Item = &'r Maintenance> + use<'r> {
        self.of_service(service).filter_map(Content::maintenance)
    }

    /// The exclusions in force that are of a service.
    pub fn exclusions_of<'r>(&'r self, service: &Id) -> impl Iterator<Item = &'r Exclusion> + use<'r> {
        self.of_service(service).filter_map(Content::exclusion)
    }

    /// The record of this id, revoked or not.
    pub fn get(&self, sort: Sort, id: &Id) -> Result<&Arc<Kept>, GovernedError> {
        self.known_as(sort, id).ok_or_else(|| {
            let hint = did_you_mean(id.as_str(), self.of(sort).map(|kept| kept.content.id().as_str()));
            GovernedError::NotThere { sort, id: id.clone(), hint }
        })
    }

    fn known_as(&self, sort: Sort, id: &Id) -> Option<&Arc<Kept>> {
        self.all.get(&(sort, id.clone())).map(|entry| &entry.kept)
    }

    /// All of a sort, in order of their ids.
    pub fn of(&self, sort: Sort) -> impl DoubleEndedIterator<Item = &Arc<Kept>> {
        self.all.iter().filter(move |((of, _), _)| *of == sort).map(|(_, entry)| &entry.kept)
    }

    /// The maintenance in force.
    pub fn maintenances(&self) -> impl Iterator<Item = &Maintenance> {
        self.of(Sort::Maintenance).filter(|kept| kept.is_in_force()).filter_map(|kept| kept.content.maintenance())
    }

    /// The exclusions in force.
    pub fn exclusions(&self) -> impl Iterator<Item = &Exclusion> {
        self.of(Sort::Exclusion).filter(|kept| kept.is_in_force()).filter_map(|kept| kept.content.exclusion())
    }

    /// What becomes of a record that `actor` asks for. The same as one on record is known; nothing is held against the
    /// catalogue or the clock again for it, so that whoever lost an answer may ask once more.
    pub fn add(
        &self,
        asked: &Asked,
        catalogue: &Catalogue,
        actor: &Actor,
        now: Instant,
    ) -> Result<Added, GovernedError> {
        let sort = asked.sort();
        let id = asked.id()?;
        if let Some(known) = id.as_ref().and_then(|id| self.known_as(sort, id)) {
            return again(asked, known);
        }
        let zone = catalogue.organisation.time_zone.iana_name().map(str::to_owned);
        let defaults = Defaults { at: now, time_zone: zone };
        let content = asked.read(id.unwrap_or_else(|| self.made_id(sort)), &defaults)?;
        content.fits(Facts { catalogue, now })?;
        let backdated = content.maintenance().is_some_and(|maintenance| maintenance.is_backdated(now));
        if backdated && !may_approve(actor) {
            return Err(GovernedError::NotApprover(actor.clone()));
        }
        self.check_room(&content)?;
        let kept = Kept { content, recorded_at: now, recorded_by: actor.clone(), revoked: None };
        Ok(Added::New(Arc::new(kept)))
    }

    /// A record as it is once `actor` revoked it.
    pub fn revoke(
        &self,
        sort: Sort,
        id: &Id,
        reason: &str,
        actor: &Actor,
        now: Instant,
    ) -> Result<Arc<Kept>, GovernedError> {
        let known = self.get(sort, id)?;
        if let Some(Revocation { at, by, .. }) = &known.revoked {
            return Err(GovernedError::AlreadyRevoked { sort, id: id.clone(), by: Box::new(by.clone()), at: *at });
        }
        let reason = reason.trim();
        let odd = reason.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t'));
        if reason.is_empty() || reason.len() > REASON_BYTES_MAX || odd {
            let expected = format!("expected 1 to {REASON_BYTES_MAX} bytes without control characters");
            return Err(Unsound::one("reason", expected).into());
        }
        let revoked = Some(Revocation { at: now, by: actor.clone(), reason: reason.to_owned() });
        Ok(Arc::new(Kept { revoked, ..Kept::clone(known) }))
    }

    /// An id that no record of the sort has.
    fn made_id(&self, sort: Sort) -> Id {
        let many = self.of(sort).count();
        // Among one more number than there are records, one is free.
        let made = (many + 1..=2 * many + 1).filter_map(|n| Id::new(&format!("{}{n}", sort.prefix())).ok());
        let mut free = made.filter(|id| !self.all.contains_key(&(sort, id.clone())));
        free.next().unwrap_or_else(Id::own)
    }

    fn check_room(&self, content: &Content) -> Result<(), GovernedError> {
        let times = content.maintenance().map_or(0, |maintenance| maintenance.occurrences().len());
        let sort = content.sort();
        if self.of(sort).count() >= RECORDS_MAX {
            return Err(GovernedError::TooMany(format!("there are {RECORDS_MAX} of the sort {}", sort.as_str())));
        }
        if self.occurrences + times > OCCURRENCES_MAX {
            let why = format!("all maintenance together would take place more than {OCCURRENCES_MAX} times");
            return Err(GovernedError::TooMany(why));
        }
        if self.bytes >= BYTES_MAX {
            return Err(GovernedError::TooMany(format!("all records together have {BYTES_MAX} bytes")));
        }
        Ok(())
    }
}

/// What becomes of a record under the id of one that is `known`.
fn again(asked: &Asked, known: &Arc<Kept>) -> Result<Added, GovernedError> {
    let (sort, id) = (known.content.sort(), known.content.id().clone());
    let same = asked.read(id.clone(), &known.content.defaults()).is_ok_and(|content| content == known.content);
    match (same, &known.revoked) {
        (true, None) => Ok(Added::Known(Arc::clone(known))),
        (true, Some(_)) => Err(GovernedError::IdTaken { sort, id, which: "that was revoked" }),
        (false, _) => Err(GovernedError::IdTaken { sort, id, which: "that says something else" }),
    }
}

/// Whether somebody may vouch for what was before it was recorded.
fn may_approve(actor: &Actor) -> bool {
    match actor {
        Actor::Local { .. } | Actor::Collector => true,
        Actor::Token { role, .. } => Role::of(role, None).is_some_and(|role| role.may(Right::Approve)),
        Actor::Receiver { .. } => false,
    }
}

#[cfg(test)]
#[path = "register_tests.rs"]
mod tests;
