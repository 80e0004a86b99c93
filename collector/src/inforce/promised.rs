//! Since when each target on capacity is promised as it is, which decides from when on it raises incidents.
//!
//! A target on capacity finds readings that are older than itself. Its figures count them, for its service was there; but
//! what was over before it was promised, or before its thresholds had to hold for so long, raises no incident. Nor does
//! what was over while it was gone, or held for another length, when it returns to what it was.
//!
//! ```text
//! CapacityTarget   key id   value since when it is promised as it is, and how long its thresholds must hold, ms (8 bytes each)
//! ```

use std::collections::BTreeMap;

use uphold_common::catalogue::model::{Catalogue, Promise};
use uphold_common::ids::TargetId;
use uphold_common::time::Instant;

use super::PAGE_RECORDS;
use crate::store::{KeyRange, RecordChange, RecordKind, Store, StoreError};

/// From when on each target on capacity raises incidents.
pub(super) fn raises_from(
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
pub(super) fn capacity_targets(
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
