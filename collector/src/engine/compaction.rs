//! Compaction: everything that waits is sealed and merged, because somebody asked for it.
//!
//! It is done in the steps of upkeep, one after the other, with pushes and ticks in between; whoever asks again while it
//! is under way is told how far it has come. It ends with what had arrived when it began.

use serde::{Deserialize, Serialize};
use uphold_common::time::Instant;
use utoipa::ToSchema;

use super::command::CommandError;
use super::{Engine, EngineError};
use crate::identity::deed::{Action, Actor};
use crate::store::{Maintained, StoreError, StoreStats};

/// How far a compaction has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Compaction {
    /// Whether one is under way.
    pub running: bool,
    /// Rows that wait to be sealed.
    pub head_rows: u64,
    /// Parts that wait to be merged.
    pub parts: u64,
    /// Dates that have parts to merge.
    pub dates_unmerged: u64,
    /// Streams merged since the collector started, once for each date.
    pub merged_streams: u64,
    /// What the store takes on disk, in bytes.
    pub disk_bytes: u64,
}

impl Compaction {
    /// What a store says of itself.
    pub const fn of(stats: &StoreStats, running: bool) -> Self {
        Self {
            running,
            head_rows: stats.head_rows as u64,
            parts: stats.parts as u64,
            dates_unmerged: stats.days_unmerged as u64,
            merged_streams: stats.merged_streams,
            disk_bytes: stats.disk_bytes,
        }
    }
}

impl Engine {
    /// Begins a compaction for `actor`, unless one is under way. That it was asked for is durable when this returns.
    pub fn compact(&mut self, actor: &Actor, now: Instant) -> Result<Compaction, CommandError> {
        self.check_actor(actor, now)?;
        self.check_room(now)?;
        if !self.compacting {
            let deed = self.keeper.deed(actor, Action::CompactionBegun, now)?;
            self.store.commit(&[deed]).map_err(EngineError::from)?;
            self.keeper.recorded();
            self.compacting = true;
        }
        Ok(self.compaction())
    }

    /// How far it has come.
    pub fn compaction(&self) -> Compaction {
        Compaction::of(&self.store.stats(), self.compacting)
    }

    /// Makes everything durable, as the last thing that is done.
    pub fn close(&mut self) -> Result<(), StoreError> {
        self.store.close()
    }

    /// Whether one is under way, and its next step may be tried.
    pub(super) fn compacts(&self, now: Instant) -> bool {
        self.compacting && self.postponed.upkeep.is_over(now)
    }

    /// One step of the store's upkeep: towards the end of a compaction while one is under way. Nothing while it waits for
    /// room on the disk.
    pub(super) fn keep_up(&mut self, now: Instant) -> Result<Maintained, StoreError> {
        if !self.postponed.upkeep.is_over(now) {
            return Ok(Maintained::default());
        }
        let done = if self.compacting { self.store.compact(now) } else { self.store.maintain(now) };
        match done {
            Ok(done) => {
                self.compacting &= done.more;
                // The first steps of a merge succeed on any disk.
                if (done.sealed_rows.is_some() || !done.more) && self.postponed.upkeep.end() {
                    tracing::info!("there is room on the disk again: what waits is sealed and merged");
                }
                Ok(done)
            }
            // Nothing was changed, and what is there is served meanwhile.
            Err(StoreError::NoSpace { file }) => {
                if self.postponed.upkeep.begin(now) {
                    tracing::warn!(file, "the disk is full: nothing is sealed or merged until there is room");
                }
                Ok(Maintained::default())
            }
            Err(failed) => Err(failed),
        }
    }
}
