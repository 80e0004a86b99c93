//! A store whose disk fails when a test says so: every call that writes fails from then on, as the embedded one's does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use uphold_common::ids::{Id, VantagePoint};
use uphold_common::observation::{FlowId, Observation, Reading, ResourceId, Volume};
use uphold_common::time::{Instant, Interval};
use uphold_common::wire::batch::{BatchKey, Epoch};

use crate::store::{
    Admitted, Appended, Delivery, EmbeddedStore, Gaps, Hours, KeyRange, Maintained, Reckoned, Record, RecordChange,
    RecordKind, Store, StoreError, StoreStats, StreamId, Told, Touched,
};

/// The store, and the switch that ends it.
pub(crate) struct Failing {
    pub(crate) store: EmbeddedStore,
    pub(crate) failed: Arc<AtomicBool>,
}

impl Failing {
    fn alive(&self) -> Result<(), StoreError> {
        let failed = self.failed.load(Ordering::SeqCst);
        if failed { Err(StoreError::Io("no space left on device".to_owned())) } else { Ok(()) }
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
        self.alive()?;
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

    fn latest_readings(&self) -> Vec<(ResourceId, Reading)> {
        self.store.latest_readings()
    }

    fn latest_volumes(&self) -> Vec<(FlowId, Volume)> {
        self.store.latest_volumes()
    }

    fn vantage_points(&self) -> Vec<VantagePoint> {
        self.store.vantage_points()
    }

    fn take_touched(&mut self, wanted: &dyn Fn(&StreamId) -> bool) -> Touched {
        self.store.take_touched(wanted)
    }

    fn commit(&mut self, changes: &[RecordChange]) -> Result<(), StoreError> {
        self.alive()?;
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
        self.alive()?;
        self.store.compact(now)
    }

    fn forget_rows_before(&mut self, day: i32) -> Result<(), StoreError> {
        self.alive()?;
        self.store.forget_rows_before(day)
    }

    fn raw_from(&self) -> Option<i32> {
        self.store.raw_from()
    }

    fn forget_rollups_before(&mut self, day: i32) -> Result<(), StoreError> {
        self.alive()?;
        self.store.forget_rollups_before(day)
    }

    fn maintain(&mut self, now: Instant) -> Result<Maintained, StoreError> {
        self.alive()?;
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
