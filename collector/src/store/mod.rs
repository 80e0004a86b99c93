//! The store: what agents delivered, and the small governed records, durable and bounded.
//!
//! [`Store`] is the narrow trait in the words of the domain; [`EmbeddedStore`] keeps it in an embedded database. The
//! engine's thread owns it, and every call is synchronous.
//!
//! ```text
//! append → journal (durable) + head (memory) ──seal──▶ part ──merge──▶ tables of days
//! ```
//!
//! 1. A batch is acknowledged after [`Store::append`] returns, a record after [`Store::commit`]: it is in the journal, and that is synced.
//! 2. A seal writes all of the head as one part, a file that is durable before the database names it, together with the
//!    streams, the deliveries and the number of the last journal entry that it covers (the watermark).
//! 3. Opening replays the journal's entries above the watermark. Those at or below it are ignored, there or not, so
//!    a crash between seal and letting go loses nothing and doubles nothing.
//! 4. Where many parts wait, some become one. A day that has been over for an hour is merged: one chunk for each stream, in one table, and what each hour comes to in another. Late rows make further
//!    parts, and their streams are merged again.
//! 5. What is damaged or missing is counted, named once in the log, and left out; a governed record that is damaged is
//!    an error, and so is the store's own state. A database that comes up older than the files beside it is noticed.
//!
//! What changes and is small stands in the database: state, dictionaries, manifests, records. What is large and never
//! changes stands in files: the reasons, measured, are in `sled_store`.
//!
//! | file | what it holds |
//! |---|---|
//! | `database`, `sled_store` | keys and values; the one file that names the database behind them |
//! | `files`, `journal` with `journal_entry` and `journal_read`, `table` | files; the journal in them, and tables that are written once |
//! | `part`, `chunk`, `column`, `parts`, `dictionary`, `keys` | the bytes of parts, of days, and of the database's entries |
//! | `memory`: `stream`, `delivery` with `seqs`, `head`, `touched`, `numbered`; `cache` | what is kept in memory |
//! | `record` | what a record is, and a range of them |
//! | `embedded`, `options`, `records` | [`EmbeddedStore`]: append and ask; its bounds; records |
//! | `recovery`, `takeup`, `format_1` | how it is opened |
//! | `seal`, `fold`, `merge`, `day`, `retention`, `aside` | how it is kept up, how it forgets, what becomes of damaged files |
//! | `verify` | whether everything that was kept is there and sound |
//! | `rollup`, `rollup_block`, `rollup_store` | what each hour comes to: reckoned, in bytes, kept |
//! | `lock` | who holds the data directory |

mod aside;
mod cache;
mod chunk;
mod column;
mod crowded;
mod database;
mod day;
mod delivery;
mod dictionary;
mod embedded;
mod error;
mod files;
mod fold;
mod format_1;
mod head;
mod journal;
mod journal_entry;
mod journal_read;
mod keys;
mod lock;
mod memory;
mod merge;
mod numbered;
mod options;
mod part;
mod parts;
mod record;
mod records;
mod recovery;
mod retention;
mod rollup;
mod rollup_block;
mod rollup_store;
mod rows;
mod seal;
mod seqs;
mod sled_store;
mod stream;
mod table;
mod takeup;
mod touched;
mod verify;

#[cfg(test)]
mod bounds_tests;
#[cfg(test)]
mod crash_tests;
#[cfg(test)]
mod format_tests;
#[cfg(test)]
mod recovery_tests;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod twin;
#[cfg(test)]
mod upkeep_tests;
#[cfg(test)]
mod verify_tests;

use std::collections::BTreeMap;

use uphold_common::ids::{Id, VantagePoint};
use uphold_common::observation::{FlowId, Observation, Reading, ResourceId, Volume};
use uphold_common::time::{Instant, Interval};
use uphold_common::wire::batch::{BatchKey, Epoch};
use uphold_common::wire::sheet::Sheet;

use crate::histogram::Histogram;

pub use delivery::{Delivery, Digest, Gaps, RECENT_MAX, Reckoned, Told};
pub use embedded::EmbeddedStore;
pub use error::StoreError;
pub use lock::DataDir;
pub use options::StoreOptions;
pub use parts::{RECORD_BYTES_MAX, RECORD_KEY_BYTES_MAX};
pub use record::{KeyRange, Record, RecordChange, RecordKind};
pub use rollup::{CapacityHour, Durations, Hours, ProbeHour, VolumeHour};
pub use rows::{settle_readings, settle_volumes};
pub use seqs::SeqRanges;
pub use stream::StreamId;
pub use touched::{TOUCHED_ROWS_MAX, TouchedRows};
pub use verify::{Finding, Verified};

/// What rows have arrived of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// Vantage points with observations.
    pub vantage_points: BTreeMap<VantagePoint, TouchedRows>,
    /// Resources with readings, each with the stretch from the earliest of them to just after the latest.
    pub resources: BTreeMap<ResourceId, Interval>,
}

/// What the collector keeps.
pub trait Store: Send {
    /// Its id: random, made together with the store.
    fn id(&self) -> Epoch;

    /// What is known of an agent's epoch.
    fn delivery(&self, agent: &Id, epoch: Epoch) -> Option<&Delivery>;

    /// Settles what the push of a batch told that has arrived: which batches its agent is asked for again. It becomes
    /// durable with the next seal, and is told anew by the next push.
    fn reckon(&mut self, key: &BatchKey, told: &Told) -> Reckoned;

    /// What an agent delivered once and is not here.
    fn gaps(&self, agent: &Id) -> Gaps;

    /// Appends batches in one commit, which is durable when this returns; one answer for each batch, in their order.
    fn append(&mut self, received_at: Instant, batches: Vec<Admitted>) -> Result<Vec<Appended>, StoreError>;

    /// The observations of a vantage point in `span`, sorted and settled.
    fn observations(&self, from: &VantagePoint, span: Interval) -> Result<Vec<Observation>, StoreError>;

    /// The readings of a resource in `span`, sorted; of two at one instant the higher utilisation.
    fn readings(&self, of: &ResourceId, span: Interval) -> Result<Vec<Reading>, StoreError>;

    /// The volumes of a flow in `span`, sorted; of two at one instant the one over the longer stretch.
    fn volumes(&self, of: &FlowId, span: Interval) -> Result<Vec<Volume>, StoreError>;

    /// The roll-ups of a stream's hours that begin in `span`, and have rows.
    fn rollups(&self, of: &StreamId, span: Interval) -> Result<Hours, StoreError>;

    /// The newest reading of every resource of the hosts that are `wanted`, in their order.
    fn latest_readings(&self, wanted: &dyn Fn(&Id) -> bool) -> Vec<(ResourceId, Reading)>;

    /// The newest volume of every flow of the hosts that are `wanted`, in their order.
    fn latest_volumes(&self, wanted: &dyn Fn(&Id) -> bool) -> Vec<(FlowId, Volume)>;

    /// The vantage points that ever delivered.
    fn vantage_points(&self) -> Vec<VantagePoint>;

    /// What has rows that arrived (or were replayed) since the last call. Of streams that are not `wanted` it tells only
    /// which vantage points they are, and not where their rows lie; and having told that once, it is silent about such a
    /// vantage point until [`Store::ask_anew`].
    fn take_touched(&mut self, wanted: &dyn Fn(&StreamId) -> bool) -> Touched;

    /// Vantage points that were not `wanted` may be now: each is asked of again.
    fn ask_anew(&mut self);

    /// Changes governed records, all or none of them; durable when this returns.
    fn commit(&mut self, changes: &[RecordChange]) -> Result<(), StoreError>;

    /// Changes records that can be rebuilt or done without, all or none of them; durable with the next seal or merge, or when
    /// the store is closed. It takes no room on the disk by itself, so it never finds that full.
    fn commit_derived(&mut self, changes: &[RecordChange]) -> Result<(), StoreError>;

    /// The value of a record.
    fn record(&self, kind: RecordKind, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// At most `limit` records of a kind, with their keys, in the range's order.
    fn records(&self, kind: RecordKind, range: &KeyRange, limit: usize) -> Result<Vec<Record>, StoreError>;

    /// Whether so much waits in memory or in the journal that a seal should not wait any longer.
    fn wants_a_seal(&self) -> bool;

    /// One bounded step of upkeep: a seal if one is due, else some merging. Call it only after what
    /// [`Store::take_touched`] gave has been dealt with, because a seal ends the replay of those rows.
    fn maintain(&mut self, now: Instant) -> Result<Maintained, StoreError>;

    /// One bounded step towards a store in which nothing waits to be sealed or merged of what had arrived at the first
    /// step. Call it as [`Store::maintain`], until there is no `more`.
    fn compact(&mut self, now: Instant) -> Result<Maintained, StoreError>;

    /// Forgets the rows of all days before `day` (days since 1970, UTC); durable when this returns.
    fn forget_rows_before(&mut self, day: i32) -> Result<(), StoreError>;

    /// The first day whose rows were not forgotten; none while no row ever was.
    fn raw_from(&self) -> Option<i32>;

    /// Forgets the roll-ups of all days before `day`; durable when this returns. Those of days whose rows are kept can
    /// still be reckoned from these.
    fn forget_rollups_before(&mut self, day: i32) -> Result<(), StoreError>;

    /// Makes everything durable, derived records too.
    fn close(&mut self) -> Result<(), StoreError>;

    /// What it holds and has done.
    fn stats(&self) -> StoreStats;
}

/// A batch that was admitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// The digest of its framed bytes.
    pub digest: Digest,
    /// Its framed bytes, as they were pushed.
    pub framed: Vec<u8>,
    /// What it says.
    pub batch: Sheet,
}

/// What became of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appended {
    /// It is durable.
    Kept,
    /// It had arrived before, or stands earlier in the same call; that one is durable.
    Duplicate,
    /// Another batch has arrived under its key; nothing of this one is kept.
    Conflict,
    /// It would bring more streams than the store may know; nothing of it is kept.
    TooManyStreams,
    /// Its agent would bring more streams than one agent may; nothing of it is kept.
    TooManyStreamsOfAgent {
        /// How many one agent may bring.
        most: usize,
    },
    /// Its agent would be one more than the store may know; nothing of it is kept.
    TooManyAgents,
    /// A stream of it would have more rows on a day than are kept; nothing of it is kept.
    TooManyRowsOfDay {
        /// About how many are kept.
        most: u64,
    },
}

/// What a step of upkeep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Maintained {
    /// How many rows were sealed, if the head was.
    pub sealed_rows: Option<usize>,
    /// How many streams of finished days were merged.
    pub merged_streams: usize,
    /// Whether there is more to do at once.
    pub more: bool,
}

/// What the store holds and has done since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreStats {
    /// Batches in the journal.
    pub journal_batches: u64,
    /// Their bytes.
    pub journal_bytes: u64,
    /// Since when the oldest of them waits, or records that came before it; none while there is no batch.
    pub journal_oldest: Option<Instant>,
    /// Rows in the head.
    pub head_rows: usize,
    /// Their bytes in memory.
    pub head_bytes: usize,
    /// At how many bytes no more are taken.
    pub head_bytes_max: usize,
    /// How long each flush with its sync took, in microseconds.
    pub flushes: Histogram,
    /// Streams that are known.
    pub streams: usize,
    /// Agents that are known.
    pub agents: usize,
    /// Days that were merged.
    pub days: usize,
    /// The first day that has rows, since 1970.
    pub first_day: Option<i32>,
    /// The last one.
    pub last_day: Option<i32>,
    /// Days that have parts to merge, today among them.
    pub days_unmerged: usize,
    /// Parts that wait to be merged.
    pub parts: usize,
    /// Bytes on disk.
    pub disk_bytes: u64,
    /// Of them in the tables of days.
    pub day_bytes: u64,
    /// Of them in roll-ups.
    pub rollup_bytes: u64,
    /// Of them in parts.
    pub part_bytes: u64,
    /// Of them in the database: dictionaries, manifests, records.
    pub database_bytes: u64,
    /// Of them in damaged files that are put aside.
    pub aside_bytes: u64,
    /// Batches appended.
    pub appended_batches: u64,
    /// Rows appended.
    pub appended_rows: u64,
    /// Batches that had arrived before.
    pub duplicate_batches: u64,
    /// Seals.
    pub seals: u64,
    /// Chunks written, by seals and merges.
    pub chunks_written: u64,
    /// Streams merged, once for each day.
    pub merged_streams: u64,
    /// Damaged tables, or blocks of them, met.
    pub corrupt_chunks: u64,
    /// Damaged entries of the journal met.
    pub corrupt_journal: u64,
    /// Damaged derived records and entries of the store's own dictionaries met.
    pub corrupt_records: u64,
    /// Files that are missing, or are not what they were.
    pub missing_files: u64,
    /// 1 when the database came up older than the files beside it.
    pub older: u64,
    /// Bytes at the end of the journal that made no entry when the store was opened.
    pub journal_torn_bytes: u64,
}

impl StoreStats {
    /// What it takes on disk, by kind.
    pub const fn bytes_by_kind(&self) -> [(&'static str, u64); 6] {
        let rows = self.part_bytes.saturating_add(self.day_bytes).saturating_add(self.aside_bytes);
        let others = rows.saturating_add(self.rollup_bytes).saturating_add(self.database_bytes);
        [
            ("journal", self.disk_bytes.saturating_sub(others)),
            ("parts", self.part_bytes),
            ("days", self.day_bytes),
            ("rollups", self.rollup_bytes),
            ("database", self.database_bytes),
            ("damaged", self.aside_bytes),
        ]
    }

    /// What was met that is damaged, of every kind.
    pub const fn damaged(&self) -> u64 {
        let corrupt = self.corrupt_chunks.saturating_add(self.corrupt_journal).saturating_add(self.corrupt_records);
        corrupt.saturating_add(self.missing_files).saturating_add(self.older)
    }
}
