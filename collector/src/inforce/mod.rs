//! The catalogue in force: its versions on record, and each service's entry into it.
//!
//! A catalogue whose files differ from the last version's is a new version, recorded with its files, its hash and the
//! instant it was taken up. It holds from then on: each instant is measured by the version in force at it ([`Courses`]).
//! To measure the past differently is a *restatement*, which somebody approves, with a reason, and says from when on.
//!
//! ```text
//! Catalogue        key version (8 bytes, big endian)   value MessagePack of Version
//! Service          key id                              value instant of its entry where it says none, ms (8 bytes, big endian)
//! ```
//!
//! A version that the reader of today refuses keeps nobody from starting: what it measured is known as far as the texts
//! that stand beside it agree with those of other versions, and what is left is unmeasured (`uphold_common::catalogue`).
//!
//! A new version whose ticket systems are described in a way that cannot be used is refused, as `check` refuses it.
//!
//! With a version, what it assigns and the deed of taking it up are recorded in the same commit. When the disk is too full
//! for that, the version on record stays in force until the next start.

mod promised;
mod version;

use std::collections::BTreeMap;
use std::sync::Arc;

use uphold_common::catalogue::course::Courses;
use uphold_common::catalogue::model::Catalogue;
use uphold_common::catalogue::{self, fingerprint};
use uphold_common::ids::{Id, TargetId};
use uphold_common::time::Instant;
use uphold_common::yaml::problem::Problems;

use crate::assigned::Assigned;
use crate::engine::restate::VersionView;
use crate::identity::deed::{Action, Actor};
use crate::identity::keeper::{Keeper, KeeperError};
use crate::notify::ticket::known;
use crate::store::{RecordChange, RecordKind, Store, StoreError};

use version::{OnRecord, Version};
pub use version::{Restatement, VERSIONS_MAX};

/// Most records that are read at once.
const PAGE_RECORDS: usize = 1_000;

/// A file of the catalogue: its name and its text.
pub type CatalogueFile = (String, String);

/// The catalogue in force.
#[derive(Clone, Debug)]
pub struct InForce {
    /// The checked catalogue.
    pub catalogue: Arc<Catalogue>,
    /// What services and targets were through all versions.
    pub courses: Arc<Courses>,
    /// Its version, counted from 1.
    pub version: u64,
    /// The SHA-256 of its files.
    pub hash: String,
    /// All versions on record, in order.
    pub versions: Vec<VersionView>,
    /// The entry of each of its services.
    pub entries: BTreeMap<Id, Instant>,
    /// What each agent was ever assigned.
    pub assigned: Assigned,
    /// From when on its targets on capacity raise incidents.
    pub raises_from: BTreeMap<TargetId, Instant>,
    /// Whether the files say something newer, which could not be recorded because the disk was full.
    pub is_older: bool,
}

/// Why a catalogue is not taken up.
#[derive(Debug, thiserror::Error)]
pub enum TakeUpError {
    /// It is not sound.
    #[error("{0}")]
    Problems(Problems),
    /// A ticket system is described in a way that cannot be used.
    #[error("incidents could not be told as this catalogue says:\n  {}", .0.join("\n  "))]
    Receivers(Vec<String>),
    /// It would measure differently what was measured already.
    #[error(
        "this catalogue would change the past:\n  {}\nA change holds from when it is recorded. To change the past is a restatement: effective_from says from when on, and `uphold-collector catalogue restate` who approved it and why.",
        .0.join("\n  ")
    )]
    ChangesThePast(Vec<String>),
    /// It is to hold from an instant that has not come.
    #[error("effective_from is {asked}, and it is {now}: a version holds from when it is recorded, or from earlier")]
    InTheFuture {
        /// From when on.
        asked: Instant,
        /// The present.
        now: Instant,
    },
    /// It would change the past of which the rows are gone.
    #[error(
        "effective_from is {from}, and the rows of before {kept_from} are forgotten: nothing can be measured anew there"
    )]
    Forgotten {
        /// From when on.
        from: Instant,
        /// From when on there are rows.
        kept_from: Instant,
    },
    /// It is a restatement, and does not say from when on.
    #[error(
        "nothing would be restated: effective_from says from when on the past is measured anew, and this catalogue has none"
    )]
    FromNever,
    /// There are too many.
    #[error("there are {VERSIONS_MAX} versions of the catalogue on record, which is as many as are kept")]
    TooMany,
    /// The store could not keep or give the versions.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// That it is taken up cannot be recorded.
    #[error(transparent)]
    Keeper(#[from] KeeperError),
    /// A version on record cannot be read.
    #[error("version {version} of the catalogue on record cannot be read: {reason}")]
    Damaged {
        /// Which version.
        version: u64,
        /// How that was noticed.
        reason: String,
    },
}

/// What is offered to be taken up.
#[derive(Clone, Copy, Debug)]
pub struct Offer<'a> {
    /// The files.
    pub files: &'a [CatalogueFile],
    /// How much they may ask of whoever reads them.
    pub bounds: &'a catalogue::Bounds,
    /// That the past may be measured differently by it.
    pub restatement: Option<&'a Restatement>,
    /// Who offers it.
    pub actor: &'a Actor,
    /// What is in force, if anything is: then none of the versions on record has to be read again.
    pub known: Option<&'a InForce>,
}

/// Takes up the catalogue in `files`: as the version on record if nothing changed, else as a new one.
/// The deed is the collector's, which starts with them. On a full disk the version on record, if there is one, stays.
pub fn take_up(
    store: &mut dyn Store,
    keeper: &mut Keeper,
    files: &[CatalogueFile],
    bounds: &catalogue::Bounds,
    now: Instant,
) -> Result<InForce, TakeUpError> {
    let offer = Offer { files, bounds, restatement: None, actor: &Actor::Collector, known: None };
    let full = match take_up_offer(store, keeper, &offer, now) {
        Err(TakeUpError::Store(full @ StoreError::NoSpace { .. })) => full,
        taken_up_or_not => return taken_up_or_not,
    };
    let Some(Version { number, files, .. }) = version::newest(store)? else { return Err(full.into()) };
    tracing::warn!(
        version = number,
        "the disk is full: the catalogue in the files is not taken up, and the version on record stays in force until the next start"
    );
    let in_force = take_up_offer(store, keeper, &Offer { files: &files, ..offer }, now)?;
    Ok(InForce { is_older: true, ..in_force })
}

/// As [`take_up`], by anybody, and an error on a full disk.
pub fn take_up_offer(
    store: &mut dyn Store,
    keeper: &mut Keeper,
    offer: &Offer<'_>,
    now: Instant,
) -> Result<InForce, TakeUpError> {
    let catalogue = catalogue::read_within(offer.files, offer.bounds).map_err(TakeUpError::Problems)?;
    let hash = fingerprint::content_hash(offer.files);
    let mut on_record = offer.known.map_or_else(|| version::all(store), |known| Ok(OnRecord::of(known)))?;
    let mut assigned = Assigned::load(store)?;
    // A file that names an instant is taken up as it is before anybody can restate it.
    let is_restated = offer.restatement.is_some() && on_record.may_be_restated(&catalogue);
    let number = match &on_record.newest {
        Some(newest) if newest.hash == hash && !is_restated => {
            if offer.known.is_none() {
                say_undescribed(&catalogue);
            }
            newest.number
        }
        _ => {
            refuse_undescribed(&catalogue)?;
            let coming = coming(store, &on_record, &catalogue, offer, now)?;
            let (number, from) = (coming.version.number, coming.version.holds_from());
            let mut changes = assigned.extend(&catalogue, number);
            changes.push(keeper.deed(offer.actor, coming.action(), now)?);
            record(store, &coming, &catalogue, changes)?;
            keeper.recorded();
            let remarks = catalogue.remarks.iter().map(ToString::to_string).chain(on_record.in_vain(&catalogue));
            remarks.for_each(|remark| tracing::warn!("the catalogue is sound, but: {remark}"));
            on_record.courses.take_up(&catalogue, number, from);
            let view = coming.version.view();
            if let Some(late) = view.held_up() {
                tracing::warn!(version = number, "{late}");
            }
            on_record.views.push(view);
            number
        }
    };
    on_record.find_lost();
    if offer.known.is_none() {
        on_record.say_what_is_lost();
    }
    // A store that was written before assignments were recorded has none of the version in force.
    let missing = assigned.extend(&catalogue, number);
    if !missing.is_empty() {
        match store.commit(&missing) {
            // They are found missing by the next start too.
            Ok(()) | Err(StoreError::NoSpace { .. }) => {}
            Err(failed) => return Err(failed.into()),
        }
    }
    let courses = Arc::new(on_record.courses);
    let entries = entries(store, &catalogue, &courses, now)?;
    let raises_from = promised::raises_from(store, &catalogue, now)?;
    let catalogue = Arc::new(catalogue);
    let versions = on_record.views;
    Ok(InForce { catalogue, courses, version: number, hash, versions, entries, assigned, raises_from, is_older: false })
}

/// What is wrong with the descriptions of its ticket systems, each with its place.
fn undescribed(catalogue: &Catalogue) -> Vec<String> {
    known::unsound(catalogue).into_iter().map(|(id, why)| format!("receivers.{id}.http: {why}")).collect()
}

/// Nothing new is taken up that cannot be told.
fn refuse_undescribed(catalogue: &Catalogue) -> Result<(), TakeUpError> {
    let wrong = undescribed(catalogue);
    if wrong.is_empty() { Ok(()) } else { Err(TakeUpError::Receivers(wrong)) }
}

/// Descriptions lie in files of their own. One that broke since does not keep anybody from measuring.
fn say_undescribed(catalogue: &Catalogue) {
    for why in undescribed(catalogue) {
        tracing::error!("incidents cannot be told: {why}");
    }
}

/// The files of the version on record, if there is one: what a report reads when no collector runs.
pub fn on_record(store: &mut dyn Store) -> Result<Option<Vec<CatalogueFile>>, TakeUpError> {
    Ok(version::newest(store)?.map(|version| version.files))
}

/// A version that is about to be recorded.
struct Coming {
    version: Version,
    /// When services that are new in it enter, unless they say it themselves.
    enters: Instant,
}

impl Coming {
    fn action(&self) -> Action {
        let Version { number, hash, restated, .. } = &self.version;
        match (restated, self.version.holds_from) {
            (Some(Restatement { approver, reason }), Some(from)) => Action::CatalogueRestated {
                version: *number,
                hash: hash.clone(),
                from,
                approver: approver.clone(),
                reason: reason.clone(),
            },
            _ => Action::CatalogueTakenUp { version: *number, hash: hash.clone() },
        }
    }
}

/// From when on a catalogue holds that comes after those on record.
fn coming(
    store: &dyn Store,
    on_record: &OnRecord,
    catalogue: &Catalogue,
    offer: &Offer<'_>,
    now: Instant,
) -> Result<Coming, TakeUpError> {
    let mut version = Version {
        number: 1,
        recorded_at: now,
        hash: fingerprint::content_hash(offer.files),
        files: offer.files.to_vec(),
        measured_as: fingerprint::measured_as(catalogue),
        holds_from: None,
        effective_from: catalogue.effective_from,
        restated: None,
    };
    let Some(newest) = &on_record.newest else {
        return Ok(Coming { version, enters: catalogue.effective_from.unwrap_or(now) });
    };
    version.number = newest.number.saturating_add(1);
    version::room_for(version.number)?;
    // What it said before is when the first version began to hold, or what was restated last; who restates means it again.
    let is_new = |from: &Instant| offer.restatement.is_some() || newest.effective_from != Some(*from);
    let asked = catalogue.effective_from.filter(is_new);
    if let Some(asked) = asked.filter(|asked| *asked > now) {
        return Err(TakeUpError::InTheFuture { asked, now });
    }
    let changes = on_record.changes(catalogue);
    let (holds_from, restated) = match (asked, offer.restatement) {
        // Also where nothing is new: what holds from some instant on already is to hold from an earlier one.
        (Some(from), Some(restatement)) => {
            version::reaches_rows(store, from)?;
            (Some(from), Some(restatement.clone()))
        }
        (Some(_), None) if !changes.is_empty() => return Err(TakeUpError::ChangesThePast(changes)),
        (None, Some(_)) => return Err(TakeUpError::FromNever),
        _ => {
            let of_all_past = on_record.changes_of_all_past(catalogue);
            if !of_all_past.is_empty() {
                return Err(TakeUpError::ChangesThePast(of_all_past));
            }
            // A clock that was set back restates nothing.
            let not_before = on_record.newest_from.map(|from| from.plus_ms(1));
            (not_before.filter(|not_before| *not_before > now), None)
        }
    };
    (version.holds_from, version.restated) = (holds_from, restated);
    Ok(Coming { version, enters: asked.unwrap_or(now) })
}

/// Keeps a new version, the first record of each service that has none, since when its targets on capacity are as they
/// are, and what else changes with it, in one commit.
fn record(
    store: &mut dyn Store,
    coming: &Coming,
    catalogue: &Catalogue,
    mut changes: Vec<RecordChange>,
) -> Result<(), TakeUpError> {
    changes.push(coming.version.record()?);
    for id in catalogue.services.keys() {
        let key = id.as_str().as_bytes().to_vec();
        if store.record(RecordKind::Service, &key)?.is_none() {
            let value = Some(coming.enters.as_ms().to_be_bytes().to_vec());
            changes.push(RecordChange { kind: RecordKind::Service, key, value });
        }
    }
    changes.extend(promised::capacity_targets(store, catalogue, coming.enters)?);
    Ok(store.commit(&changes)?)
}

/// The entry of each service that ever was in the catalogue: as it says, else when it was first recorded.
fn entries(
    store: &dyn Store,
    catalogue: &Catalogue,
    courses: &Courses,
    now: Instant,
) -> Result<BTreeMap<Id, Instant>, StoreError> {
    let mut entries = BTreeMap::new();
    for (id, course) in courses.services() {
        let recorded = first_record(store, RecordKind::Service, id.as_str().as_bytes(), now)?;
        let present = catalogue.services.get(id).map(|service| service.since);
        let since = present.or_else(|| course.newest().map(|piece| piece.service.since)).flatten();
        entries.insert(id.clone(), since.unwrap_or(recorded));
    }
    Ok(entries)
}

fn first_record(store: &dyn Store, kind: RecordKind, key: &[u8], now: Instant) -> Result<Instant, StoreError> {
    let recorded = store.record(kind, key)?;
    let recorded = recorded.and_then(|value| <[u8; 8]>::try_from(value.as_slice()).ok());
    Ok(recorded.map_or(now, |bytes| Instant::from_ms(i64::from_be_bytes(bytes))))
}

#[cfg(test)]
mod tests;
