//! A day that was merged: its tables, and the manifest by which it is noticed when one of them is not what it was.
//!
//! ```text
//! manifest  key  05 day:u32   value  frame UPHy, version 2, MessagePack of [`DayRecord`]
//! ```
//!
//! Of a stream the newest table that has any of its rows has all that were merged. When tables have piled up, or what is
//! new is much compared with what is old, the day is written anew into one.
//!
//! In version 1 the frame held one byte, and the chunks stood in the database.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::table::Table;

/// The manifest of a day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DayRecord {
    /// The last part that was merged into it.
    pub(super) merged: u64,
    /// Parts before that one which were missing then: one that comes back still has to be merged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) without: Vec<u64>,
    /// Its tables, in the order of their making.
    pub(super) tables: Vec<TableRecord>,
}

impl DayRecord {
    /// Whether the rows of a part are not in its tables.
    pub(super) fn lacks(&self, part: u64) -> bool {
        self.merged < part || self.without.contains(&part)
    }

    /// Notes that all parts up to `to` were merged but those which are `absent`.
    pub(super) fn merge_up_to(&mut self, to: u64, absent: &BTreeSet<u64>) {
        self.without =
            absent.iter().copied().filter(|part| *part <= to.max(self.merged) && self.lacks(*part)).collect();
        self.merged = self.merged.max(to);
    }
}

/// A table in a manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TableRecord {
    /// The merge that made it.
    pub(super) made: u64,
    /// How many streams' chunks it holds.
    pub(super) chunks: u64,
    /// How many rows.
    pub(super) rows: u64,
    /// The digest of everything in it.
    pub(super) digest: serde_bytes::ByteArray<16>,
}

impl TableRecord {
    /// What a manifest says of a table.
    pub(super) fn of(table: &Table) -> Self {
        let directory = &table.directory;
        Self { made: directory.made, chunks: directory.blocks, rows: directory.rows, digest: directory.digest }
    }
}

/// A day that was merged.
#[derive(Clone, Debug, Default)]
pub(super) struct Day {
    /// Its manifest.
    pub(super) record: DayRecord,
    /// Those of its tables that are there.
    pub(super) tables: Vec<Table>,
    /// Its manifest could not be read: what is there of its tables is all that is known.
    pub(super) unsaid: bool,
}
