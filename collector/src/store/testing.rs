//! What the store's tests share: a scratch store, batches, and the image that a crash would leave.

use std::fs;
use std::path::Path;

use uphold_common::ids::{Id, PathId, VantagePoint};
use uphold_common::observation::{Cause, Flow, FlowId, Micros, Observation, Outcome, Phases};
use uphold_common::observation::{Reading, Resource, ResourceId, Volume};
use uphold_common::time::{DAY_MS, Instant, Interval};
use uphold_common::wire::batch::{self, Batch, BatchKey, Epoch};
use uphold_common::wire::columns::Rows;

use super::rows::Block;
use super::{Admitted, DataDir, EmbeddedStore, StoreOptions};

/// Midnight of a day in 2026.
pub(super) const MIDNIGHT: i64 = 20_454 * DAY_MS;

pub(super) fn at(ms: i64) -> Instant {
    Instant::from_ms(MIDNIGHT + ms)
}

pub(super) fn id(text: &str) -> Id {
    Id::new(text).unwrap()
}

pub(super) fn all() -> Interval {
    Interval::new(Instant::MIN, Instant::MAX)
}

pub(super) fn vantage(probe: &str) -> VantagePoint {
    VantagePoint { probe: PathId::new(id("shop"), id(probe)), agent: id("zurich-1") }
}

pub(super) fn disk() -> ResourceId {
    ResourceId { host: id("web-1"), resource: Resource::Filesystem, of: "/var".to_owned() }
}

pub(super) fn net() -> FlowId {
    FlowId { host: id("web-1"), flow: Flow::NetworkSent, of: "eth0".to_owned() }
}

pub(super) fn up(ms: i64) -> Observation {
    Observation {
        at: at(ms),
        outcome: Outcome::Up,
        cause: Cause::None,
        code: 200,
        total: Micros::new(20_000 + ms.unsigned_abs() * 7919 % 1013),
        phases: Phases::default(),
    }
}

pub(super) fn read(ms: i64, used: u64) -> Rows {
    Rows::Capacity(disk(), vec![Reading { at: at(ms), used, limit: 100 }])
}

pub(super) fn flowed(ms: i64, amount: u64) -> Rows {
    Rows::Volume(net(), vec![Volume { at: at(ms), over_ms: 15_000, amount }])
}

pub(super) fn probed(probe: &str, instants: impl IntoIterator<Item = i64>) -> Rows {
    Rows::Probe(vantage(probe).probe, instants.into_iter().map(up).collect())
}

pub(super) fn block_of(rows: Rows) -> Block {
    match rows {
        Rows::Probe(_, rows) => Block::Probe(rows),
        Rows::Capacity(_, rows) => Block::Capacity(rows),
        Rows::Volume(_, rows) => Block::Volume(rows),
    }
}

pub(super) fn admitted(seq: u64, streams: Vec<Rows>) -> Admitted {
    let key = BatchKey { agent: id("zurich-1"), epoch: Epoch([1; 16]), seq };
    admitted_as(key, streams)
}

pub(super) fn admitted_as(key: BatchKey, streams: Vec<Rows>) -> Admitted {
    let batch = Batch { key, closed_at: at(0), streams, facts: Vec::new() };
    let framed = batch.encode().unwrap();
    Admitted { digest: batch::digest(&framed), framed, batch: batch.into() }
}

pub(super) fn options() -> StoreOptions {
    StoreOptions { cache_bytes: 8 * 1024 * 1024, merge_rows_max: 8, ..StoreOptions::default() }
}

pub(super) fn open(path: &Path) -> EmbeddedStore {
    open_with(path, options())
}

pub(super) fn open_with(path: &Path, options: StoreOptions) -> EmbeddedStore {
    EmbeddedStore::open(DataDir::claim(path, "test", at(0)).unwrap(), options).unwrap()
}

/// Copies what lies on disk while the store is open: what a crash at this moment would leave.
pub(super) fn crash_image(of: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(of).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            crash_image(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Random numbers that are the same every time (`SplitMix64`).
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}
