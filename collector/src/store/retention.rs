//! Forgetting: rows of days that are older than anybody wants them, whole days at once; and what the store holds, in bytes.
//!
//! That a day is forgotten is one change of the database; then its files go. Parts that hold rows of other days too stay
//! until those are merged; of a forgotten day nothing is read, taken in or merged any more. Damaged files go as `aside` says;
//! a part that is missing is no longer missed when it was made before the first day that is kept.

use std::collections::BTreeMap;

use uphold_common::time::Instant;

use super::StoreStats;
use super::aside::number_of_part;
use super::database::Writes;
use super::day::Day;
use super::embedded::EmbeddedStore;
use super::error::StoreError;
use super::keys;
use super::part::Part;
use super::records::Damaged;
use super::recovery::{State, put_state};

impl EmbeddedStore {
    /// Forgets the rows of all days before `day`. It is durable when this returns.
    pub(super) fn forget_before(&mut self, day: i32) -> Result<(), StoreError> {
        self.disk.alive()?;
        if self.state.raw_from.is_some_and(|from| from >= day) {
            return Ok(());
        }
        let mut state = State { raw_from: Some(day), ..self.state.clone() };
        let kept = self.days.split_off(&day);
        let forgotten = std::mem::replace(&mut self.days, kept);
        self.state.raw_from = Some(day);
        let gone: Vec<u64> = self.parts.iter().filter(|part| self.is_spent(part)).map(Part::made).collect();
        let unopened = self.unopened_parts()?;
        let absent = self.absent_parts();
        let aside: Vec<u64> = unopened.iter().filter_map(|name| number_of_part(name)).collect();
        // One that is there is not meant by a file that it was folded from.
        let aside = |part: &u64| aside.contains(part) && absent.contains(part);
        let before = self.made_before(day, &forgotten);
        let lost = |part: &u64| absent.contains(part) && *part < before;
        state.parts.retain(|part| !gone.contains(part) && !aside(part) && !lost(part));
        let mut writes = Writes::default();
        for day in forgotten.keys() {
            writes.remove(keys::day_key(*day));
        }
        put_state(&mut writes, &state)?;
        self.disk.apply(writes)?;
        self.disk.sync()?;
        self.state = state;
        self.memory.crowded.forget_before(day);
        self.drop_parts(&gone)?;
        let tables = forgotten.values().flat_map(|day| &day.tables);
        tables.map(|table| &table.name).try_for_each(|name| self.files.remove(name))?;
        self.forget_damaged_before(day, &unopened)
    }

    /// A number that was given before `day` began, as its parts and tables of forgotten days tell: a part with a lower one
    /// has rows of no later day.
    fn made_before(&self, day: i32, forgotten: &BTreeMap<i32, Day>) -> u64 {
        let tables = forgotten.values().flat_map(|day| &day.tables).chain(self.parts.iter().map(|part| &part.table));
        // Those that were made when a store of an earlier format was taken up do not say when that was.
        let dated = tables.map(|table| &table.directory).filter(|made| made.made_at > Instant::MIN);
        dated.filter(|made| made.made_at.utc_day() < i64::from(day)).map(|made| made.made).max().unwrap_or_default()
    }

    /// The first and the last day that have rows which are kept.
    fn days_with_rows(&self) -> Option<(i32, i32)> {
        let from = self.state.raw_from.unwrap_or(i32::MIN);
        let of_parts = self.parts.iter().flat_map(|part| part.days().iter().copied());
        let days = self.days.keys().copied().chain(of_parts).chain(self.memory.head.days());
        days.filter(|day| *day >= from).fold(None, |found, day| {
            let (first, last) = found.unwrap_or((day, day));
            Some((day.min(first), day.max(last)))
        })
    }

    /// What it holds and has done.
    pub(super) fn statistics(&self) -> StoreStats {
        let damage = self.damage.borrow();
        let (first_day, last_day) = self.days_with_rows().unzip();
        let day_bytes: u64 = self.days.values().flat_map(|day| &day.tables).map(|table| table.bytes).sum();
        let part_bytes: u64 = self.parts.iter().map(|part| part.table.bytes).sum();
        let rollup_bytes = self.rollups.values().filter_map(|day| Some(day.table.as_ref()?.bytes)).sum();
        let (database_bytes, journal_bytes_on_disk) = (self.disk.bytes(), self.journal.bytes_of_files());
        let files_of_rows = day_bytes + rollup_bytes + part_bytes + self.counted.aside_bytes;
        StoreStats {
            journal_batches: self.journal.batches,
            journal_bytes: self.journal.bytes,
            journal_oldest: self.journal.oldest.filter(|_| self.journal.batches > 0),
            head_bytes_max: self.options.head_bytes_max.saturating_mul(2),
            head_rows: self.memory.head.rows(),
            head_bytes: self.memory.head.bytes(),
            streams: self.memory.streams.len(),
            agents: self.memory.deliveries.agents(),
            days: self.days.len(),
            days_unmerged: self.waiting_days().len(),
            parts: self.parts.len(),
            first_day,
            last_day,
            disk_bytes: database_bytes + journal_bytes_on_disk + files_of_rows,
            day_bytes,
            rollup_bytes,
            part_bytes,
            database_bytes,
            corrupt_chunks: damage.count(Damaged::Chunk),
            corrupt_journal: damage.count(Damaged::Journal),
            corrupt_records: damage.count(Damaged::Record),
            missing_files: damage.count(Damaged::File),
            older: damage.count(Damaged::Older),
            ..self.counted
        }
    }
}
