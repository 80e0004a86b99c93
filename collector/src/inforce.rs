//! The catalogue in force: its versions on record, and each service's entry into it.
//!
//! A catalogue whose files differ from the last version's is a new version, recorded with its files, its hash and the
//! instant it was taken up. Until measuring by several versions is built, a change that would measure the past of a
//! service or target differently is refused with everything it would change; additions and removals are taken.
//!
//! ```text
//! Catalogue        key version (8 bytes, big endian)   value MessagePack of Version
//! Service          key id                              value instant of its first record, ms (8 bytes, big endian)
//! CapacityTarget   key id   value since when it is promised as it is, and how long its thresholds must hold, ms (8 bytes each)
//! ```
//!
//! A target on capacity finds readings that are older than itself. Its figures count them, for its service was there; but
//! what was over before it was promised, or before its thresholds had to hold for so long, raises no incident. Nor does
//! what was over while it was gone, or held for another length, when it returns to what it was.
//!
//! With a version, what it assigns and the deed of taking it up are recorded in the same commit. When the disk is too full
//! for that, the version on record stays in force until the next start.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uphold_common::catalogue::model::{Catalogue, Promise, Service};
use uphold_common::catalogue::{self, fingerprint};
use uphold_common::ids::{Id, TargetId};
use uphold_common::time::Instant;
use uphold_common::wire::pack;
use uphold_common::yaml::problem::Problems;

use crate::assigned::Assigned;
use crate::identity::deed::{Action, Actor};
use crate::identity::keeper::{Keeper, KeeperError};
use crate::store::{KeyRange, RecordChange, RecordKind, Store, StoreError};

/// Most records that are read at once.
const PAGE_RECORDS: usize = 1_000;

/// A file of the catalogue: its name and its text.
pub type CatalogueFile = (String, String);

/// The catalogue in force.
#[derive(Clone, Debug)]
pub struct InForce {
    /// The checked catalogue.
    pub catalogue: Arc<Catalogue>,
    /// Its version, counted from 1.
    pub version: u64,
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
    /// It would measure the past of what is already measured differently.
    #[error(
        "this catalogue would measure the past differently, which is not supported yet:\n  {}\nGive what changes a new id, or put back what was.",
        .0.join("\n  ")
    )]
    ChangesThePast(Vec<String>),
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

/// A version on record.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Version {
    number: u64,
    recorded_at: Instant,
    hash: String,
    files: Vec<CatalogueFile>,
    /// How everything that was ever in the catalogue is measured, so that nothing returns under another rule.
    measured_as: BTreeMap<String, String>,
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
    let full = match take_up_files(store, keeper, files, bounds, now) {
        Err(TakeUpError::Store(full @ StoreError::NoSpace { .. })) => full,
        taken_up_or_not => return taken_up_or_not,
    };
    let Some(Version { number, files, .. }) = newest(store)? else { return Err(full.into()) };
    tracing::warn!(
        version = number,
        "the disk is full: the catalogue in the files is not taken up, and the version on record stays in force until the next start"
    );
    let in_force = take_up_files(store, keeper, &files, bounds, now)?;
    Ok(InForce { is_older: true, ..in_force })
}

/// As [`take_up`], and an error on a full disk.
pub fn take_up_files(
    store: &mut dyn Store,
    keeper: &mut Keeper,
    files: &[CatalogueFile],
    bounds: &catalogue::Bounds,
    now: Instant,
) -> Result<InForce, TakeUpError> {
    let catalogue = catalogue::read_within(files, bounds).map_err(TakeUpError::Problems)?;
    let hash = fingerprint::content_hash(files);
    let last = newest(store)?;
    let mut measured_as = last.as_ref().map(|version| version.measured_as.clone()).unwrap_or_default();
    let measured_now = fingerprint::measured_as(&catalogue);
    let differences = fingerprint::changes_to_the_past(&measured_as, &measured_now);
    if !differences.is_empty() {
        return Err(TakeUpError::ChangesThePast(differences));
    }
    measured_as.extend(measured_now);
    let mut assigned = Assigned::load(store)?;
    let number = match &last {
        Some(version) if version.hash == hash => version.number,
        last => {
            let number = last.as_ref().map_or(1, |version| version.number + 1);
            let first_from = catalogue.effective_from.filter(|_| number == 1);
            let mut changes = assigned.extend(&catalogue, number);
            let action = Action::CatalogueTakenUp { version: number, hash: hash.clone() };
            changes.push(keeper.deed(&Actor::Collector, action, now)?);
            let version = Version { number, recorded_at: now, hash, files: files.to_vec(), measured_as };
            record(store, &version, &catalogue, first_from.unwrap_or(now), changes)?;
            keeper.recorded();
            for remark in &catalogue.remarks {
                tracing::warn!("the catalogue is sound, but: {remark}");
            }
            number
        }
    };
    // A store that was written before assignments were recorded has none of the version in force.
    let missing = assigned.extend(&catalogue, number);
    if !missing.is_empty() {
        match store.commit(&missing) {
            // They are found missing by the next start too.
            Ok(()) | Err(StoreError::NoSpace { .. }) => {}
            Err(failed) => return Err(failed.into()),
        }
    }
    let entries = entries(store, &catalogue, now)?;
    let raises_from = raises_from(store, &catalogue, now)?;
    Ok(InForce { catalogue: Arc::new(catalogue), version: number, entries, assigned, raises_from, is_older: false })
}

/// The files of the version on record, if there is one: what a report reads when no collector runs.
pub fn on_record(store: &mut dyn Store) -> Result<Option<Vec<CatalogueFile>>, TakeUpError> {
    Ok(newest(store)?.map(|version| version.files))
}

/// Keeps a new version, the first record of each service that has none, since when its targets on capacity are as they
/// are, and what else changes with it, in one commit.
fn record(
    store: &mut dyn Store,
    version: &Version,
    catalogue: &Catalogue,
    holds_from: Instant,
    mut changes: Vec<RecordChange>,
) -> Result<(), TakeUpError> {
    let damaged = |reason: String| TakeUpError::Damaged { version: version.number, reason };
    let value = pack::pack(version).map_err(|error| damaged(error.to_string()))?;
    let key = version.number.to_be_bytes().to_vec();
    changes.push(RecordChange { kind: RecordKind::Catalogue, key, value: Some(value) });
    for id in catalogue.services.keys() {
        let key = id.as_str().as_bytes().to_vec();
        if store.record(RecordKind::Service, &key)?.is_none() {
            let value = Some(holds_from.as_ms().to_be_bytes().to_vec());
            changes.push(RecordChange { kind: RecordKind::Service, key, value });
        }
    }
    changes.extend(capacity_targets(store, catalogue, holds_from)?);
    Ok(store.commit(&changes)?)
}

fn newest(store: &dyn Store) -> Result<Option<Version>, TakeUpError> {
    let Some((key, value)) = store.records(RecordKind::Catalogue, &KeyRange::all().reversed(), 1)?.pop() else {
        return Ok(None);
    };
    let version = <[u8; 8]>::try_from(key.as_slice()).map_or(0, u64::from_be_bytes);
    let damaged = |error: pack::PackError| TakeUpError::Damaged { version, reason: error.to_string() };
    pack::unpack(&value).map(Some).map_err(damaged)
}

/// The entry of each service: as the catalogue says, else when it was first recorded.
fn entries(store: &dyn Store, catalogue: &Catalogue, now: Instant) -> Result<BTreeMap<Id, Instant>, StoreError> {
    let entry = |service: &Service| -> Result<(Id, Instant), StoreError> {
        let recorded = first_record(store, RecordKind::Service, service.id.as_str().as_bytes(), now)?;
        Ok((service.id.clone(), service.since.unwrap_or(recorded)))
    };
    catalogue.services.values().map(entry).collect()
}

/// From when on each target on capacity raises incidents.
fn raises_from(
    store: &dyn Store,
    catalogue: &Catalogue,
    now: Instant,
) -> Result<BTreeMap<TargetId, Instant>, StoreError> {
    let mut from = BTreeMap::new();
    for (id, held_ms) in held(catalogue) {
        let recorded = store.record(RecordKind::CapacityTarget, id.to_string().as_bytes())?;
        let recorded = recorded.and_then(|value| read_promised(&value)).filter(|(_, held)| *held == held_ms);
        from.insert(id.clone(), recorded.map_or(now, |(since, _)| since));
    }
    Ok(from)
}

/// Records since when each target on capacity is as it is, and forgets those that are gone.
fn capacity_targets(
    store: &dyn Store,
    catalogue: &Catalogue,
    holds_from: Instant,
) -> Result<Vec<RecordChange>, StoreError> {
    let kind = RecordKind::CapacityTarget;
    let mut known = BTreeMap::new();
    let mut range = KeyRange::all();
    loop {
        let page = store.records(kind, &range, PAGE_RECORDS)?;
        let Some((last, _)) = page.last() else { break };
        range = range.after(last.clone());
        known.extend(page);
    }
    let mut changes = Vec::new();
    for (id, held_ms) in held(catalogue) {
        let key = id.to_string().into_bytes();
        let recorded = known.remove(&key).and_then(|value| read_promised(&value));
        if recorded.is_none_or(|(_, held)| held != held_ms) {
            let value = [holds_from.as_ms().to_be_bytes(), held_ms.to_be_bytes()].concat();
            changes.push(RecordChange { kind, key, value: Some(value) });
        }
    }
    changes.extend(known.into_keys().map(|key| RecordChange { kind, key, value: None }));
    Ok(changes)
}

fn first_record(store: &dyn Store, kind: RecordKind, key: &[u8], now: Instant) -> Result<Instant, StoreError> {
    let recorded = store.record(kind, key)?;
    let recorded = recorded.and_then(|value| <[u8; 8]>::try_from(value.as_slice()).ok());
    Ok(recorded.map_or(now, |bytes| Instant::from_ms(i64::from_be_bytes(bytes))))
}

/// The targets on capacity, and how long the thresholds of each must hold.
fn held(catalogue: &Catalogue) -> impl Iterator<Item = (&TargetId, i64)> {
    catalogue.targets.values().filter_map(|target| match &target.promise {
        Promise::Capacity(promise) => Some((&target.id, promise.held_ms)),
        Promise::Availability(_) | Promise::Response(_) => None,
    })
}

/// Since when a target on capacity is promised as it is, and how long its thresholds must hold.
fn read_promised(value: &[u8]) -> Option<(Instant, i64)> {
    let (since, held_ms) = value.split_first_chunk::<8>()?;
    let held_ms = <[u8; 8]>::try_from(held_ms).ok()?;
    Some((Instant::from_ms(i64::from_be_bytes(*since)), i64::from_be_bytes(held_ms)))
}

#[cfg(test)]
#[path = "inforce_tests.rs"]
mod tests;
