//! A store whose disk fails or is full when a test says so.
//!
//! Once it failed, every call that writes fails from then on, as the embedded one's does. While it is full, calls that
//! need room find none and change nothing, and the store goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use uphold_common::ids::{Id, VantagePoint};
use uphold_common::observation::{FlowId, Observation, Reading, ResourceId, Volume};
use uphold_common::time::{Instant, Interval};
use uphold_common::wire::batch::{BatchKey, Epoch};

use crate::store::{
    Admitted, Appended, Delivery, EmbeddedStore, Gaps, Hours, KeyRange, Maintained, Reckoned, Record, RecordChange,
    RecordKind, Store, StoreError, StoreStats, StreamId, Told, Touched,
};

/// The store, and its switches.
pub(crate) struct Failing {
    pub(crate) store: EmbeddedStore,
    pub(crate) failed: Arc<AtomicBool>,
    pub(crate) full: Arc<Full>,
}

/// How full the disk is.
#[derive(Debug, Default)]
pub(crate) struct Full {
    /// How many calls find it full from now on.
    calls: AtomicU64,
    /// Whether a seal or a merge, which needs more room than a push, finds none.
    for_upkeep: AtomicBool,
    /// Whether records find none, where batches do.
    for_records: AtomicBool,
    /// How many calls have found it full.
    found: AtomicU64,
}

impl Full {
    /// The next calls that need room find none: so many of them.
    pub(crate) fn fill_for(&self, calls: u64) {
        self.calls.store(calls, Ordering::SeqCst);
    }

    /// There is no room until there is.
    pub(crate) fn fill(&self) {
        self.fill_for(u64::MAX);
    }

    /// There is room for pushes, and none for seals and merges.
    pub(crate) fn fill_for_upkeep(&self) {
        self.for_upkeep.store(true, Ordering::SeqCst);
    }

    /// There is room for batches, and none for records.
    pub(crate) fn fill_for_records(&self) {
        self.for_records.store(true, Ordering::SeqCst);
    }

    /// There is room again.
    pub(crate) fn make_room(&self) {
        self.fill_for(0);
        self.for_upkeep.store(false, Ordering::SeqCst);
        self.for_records.store(false, Ordering::SeqCst);
    }

    /// How many calls found none.
    pub(crate) fn found(&self) -> u64 {
        self.found.load(Ordering::SeqCst)
    }
}

impl Failing {
    fn alive(&self) -> Result<(), StoreError> {
        let failed = self.failed.load(Ordering::SeqCst);
        if failed { Err(StoreError::Io("no space left on device".to_owned())) } else { Ok(()) }
    }

    /// Whether there is room for what a call writes into files.
    fn has_room(&self) -> Result<(), StoreError> {
        self.alive()?;
        let one_less = |calls: u64| calls.checked_sub(1);
        if self.full.calls.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_err() {
            return Ok(());
        }
        self.full.found.fetch_add(1, Ordering::SeqCst);
        Err(StoreError::NoSpace { file: "journal".to_owned() })
    }
}

impl Failing {
    /// As [`Self::has_room`], for what needs much of it.
    fn has_room_for_upkeep(&self) -> Result<(), StoreError> {
        if self.full.for_upkeep.load(Ordering::SeqCst) {
            return Err(StoreError::NoSpace { file: "part".to_owned() });
        }
        self.has_room()
    }
}

impl Store for Failing {
    fn id(&self) -> Epoch {
        self.store.id()
    }

    fn delivery(&self, agent: &Id, epoch: Epoch) -> Option<&Delivery> {
        self.store.delivery(agent, epoch)
    }

    fn append(&mut self, received_at: Instant, batches: Vec<Admitted>) -> Result<Vec<Appended>, StoreError> {
        self.has_room()?;
        self.store.append(received_at, batches)
    }

    fn observations(&self, from: &VantagePoint, span: Interval) -> Result<Vec<Observation>, StoreError> {
        self.store.observations(from, span)
    }

    fn readings(&self, of: &ResourceId, span: Interval) -> Result<Vec<Reading>, StoreError> {
        self.store.readings(of, span)
    }

    fn volumes(&self, of: &FlowId, span: Interval) -> Result<Vec<Volume>, StoreError> {
        self.store.volumes(of, span)
    }

    fn rollups(&self, of: &StreamId, span: Interval) -> Result<Hours, StoreError> {
        self.store.rollups(of, span)
    }

    fn latest_readings(&self, wanted: &dyn Fn(&Id) -> bool) -> Vec<(ResourceId, Reading)> {
        self.store.latest_readings(wanted)
    }

    fn latest_volumes(&self, wanted: &dyn Fn(&Id) -> bool) -> Vec<(FlowId, Volume)> {
        self.store.latest_volumes(wanted)
    }

    fn vantage_points(&self) -> Vec<VantagePoint> {
        self.store.vantage_points()
    }

    fn take_touched(&mut self, wanted: &dyn Fn(&StreamId) -> bool) -> Touched {
        self.store.take_touched(wanted)
    }

    fn ask_anew(&mut self) {
        self.store.ask_anew();
    }

    fn commit(&mut self, changes: &[RecordChange]) -> Result<(), StoreError> {
        if self.full.for_records.load(Ordering::SeqCst) {
            return Err(StoreError::NoSpace { file: "journal".to_owned() });
        }
        self.has_room()?;
        self.store.commit(changes)
    }

    fn commit_derived(&mut self, changes: &[RecordChange]) -> Result<(), StoreError> {
        self.alive()?;
        self.store.commit_derived(changes)
    }

    fn record(&self, kind: RecordKind, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.record(kind, key)
    }

    fn records(&self, kind: RecordKind, range: &KeyRange, limit: usize) -> Result<Vec<Record>, StoreError> {
        self.store.records(kind, range, limit)
    }

    fn reckon(&mut self, key: &BatchKey, told: &Told) -> Reckoned {
        self.store.reckon(key, told)
    }

    fn gaps(&self, agent: &Id) -> Gaps {
        self.store.gaps(agent)
    }

    fn compact(&mut self, now: Instant) -> Result<Maintained, StoreError> {
        self.has_room()?;
        self.store.compact(now)
    }

    fn forget_rows_before(&mut self, day: i32) -> Result<(), StoreError> {
        self.has_room()?;
        self.store.forget_rows_before(day)
    }

    fn raw_from(&self) -> Option<i32> {
        self.store.raw_from()
    }

    fn forget_rollups_before(&mut self, day: i32) -> Result<(), StoreError> {
        self.has_room()?;
        self.store.forget_rollups_before(day)
    }

    fn wants_a_seal(&self) -> bool {
        self.store.wants_a_seal()
    }

    fn maintain(&mut self, now: Instant) -> Result<Maintained, StoreError> {
        self.has_room_for_upkeep()?;
        self.store.maintain(now)
    }

    fn close(&mut self) -> Result<(), StoreError> {
        self.alive()?;
        self.store.close()
    }

    fn stats(&self) -> StoreStats {
        self.store.stats()
    }
}
