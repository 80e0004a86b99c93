//! Sealing: the head becomes a part, and the journal lets go.
//!
//! 1. The part is written and durable under its name, then the next file of the journal is begun.
//! 2. One batch of the database: the state with the new watermark, the list of parts and the file of the journal,
//!    streams, newest rows, deliveries. It is synced, and every derived record with it.
//! 3. The files of the journal that the seal before this one had sealed are removed.
//!
//! It is due by the size of the head, by the bytes, the files and the age of the journal. Records alone, without rows, age too, from
//! when the upkeep first sees them: else a journal of records would be kept, and read at each start, for ever.
//!
//! After a crash between 1 and 2 the part is known to nobody: its rows are still in the journal, and it is removed.

use uphold_common::time::Instant;

use super::chunk;
use super::database::Writes;
use super::embedded::EmbeddedStore;
use super::error::StoreError;
use super::part::{self, GROUP_STREAMS, Part};
use super::records::Damaged;
use super::recovery::{State, put_state};
use super::rows::Block;
use super::table::{Purpose, Table, TableError, TableWriter};

/// Beyond so many files the journal is sealed, however little is in them.
const JOURNAL_FILES_MAX: u64 = 32;
/// Most parts that the store's state names, which is one entry of the database. It merges when there are far fewer; should
/// that not keep up, nothing is sealed until it has, and the head fills.
pub(super) const PARTS_NAMED_MAX: usize = 512;

/// A crowded day of a stream, and how many rows of it there are.
type Crowd = ((i32, u32), usize);

impl EmbeddedStore {
    /// Notes since when records wait in a journal without batches.
    pub(super) fn date_records(&mut self, now: Instant) {
        if self.journal.bytes > 0 && self.journal.oldest.is_none() {
            self.journal.oldest = Some(now);
        }
    }

    /// Whether the head has waited long enough, or has grown enough.
    pub(super) fn seal_is_due(&self, now: Instant) -> bool {
        if !self.takes_a_part() {
            return false;
        }
        let old = self.journal.oldest.is_some_and(|at| now.since_ms(at) >= self.options.journal_age_max_ms);
        // Each start begins a file, and a collector that is killed again and again shall not leave them without end.
        let files = self.journal.file().saturating_sub(self.state.journal.0);
        files >= JOURNAL_FILES_MAX || self.is_large() || old
    }

    /// Whether the head or the journal has grown enough.
    pub(super) fn is_large(&self) -> bool {
        self.memory.head.bytes() >= self.options.head_bytes_max || self.journal.bytes >= self.options.journal_bytes_max
    }

    /// Whether one more part can be named.
    pub(super) fn takes_a_part(&self) -> bool {
        self.state.parts.len() < PARTS_NAMED_MAX
    }

    /// Seals the head and lets the journal go; gives the number of rows.
    pub(super) fn seal(&mut self) -> Result<usize, StoreError> {
        let kept = self.state.journal.0;
        let rows = self.commit_seal()?;
        self.journal.let_go(self.files.as_ref(), kept)?;
        Ok(rows)
    }

    /// Makes the head durable in a part, and everything that goes with it.
    pub(super) fn commit_seal(&mut self) -> Result<usize, StoreError> {
        if !self.takes_a_part() && self.memory.head.rows() > 0 {
            return Err(StoreError::TooManyParts { waiting: self.state.parts.len(), limit: PARTS_NAMED_MAX });
        }
        let watermark = self.journal.next.saturating_sub(1);
        let made = self.state.made.saturating_add(1);
        let mut crowds = Vec::new();
        let part = self.write_part(made, watermark, &mut crowds)?;
        let file = match (self.journal.rotate(self.files.as_ref()), &part) {
            (Ok(file), _) => file,
            // On a full disk the part would be in its own way.
            (Err(why), Some(part)) => return self.files.remove(&part.table.name).and(Err(why)),
            (Err(why), None) => return Err(why),
        };
        let mut state = State { watermark, made, journal: (file, file), ..self.state.clone() };
        state.parts.extend(part.as_ref().map(Part::made));
        let mut writes = Writes::default();
        self.put_dictionaries(&mut writes)?;
        put_state(&mut writes, &state)?;
        self.disk.apply(writes)?;
        self.disk.sync()?;

        let rows = self.memory.head.rows();
        self.parts.extend(part);
        self.memory.sealed();
        self.state = state;
        self.counted.seals += 1;
        for (crowded, rows) in crowds {
            self.count_crowd(crowded, rows)?;
        }
        Ok(rows)
    }

    /// Counts rows that were sealed of a crowded day of a stream; with those of its tables, where it was not counted before.
    fn count_crowd(&mut self, (day, stream): (i32, u32), rows: usize) -> Result<(), StoreError> {
        let known = if self.memory.crowded.counts(day, stream) { 0 } else { self.rows_in_tables(day, stream)? };
        self.memory.crowded.add(day, stream, known + rows as u64);
        Ok(())
    }

    /// How many rows of a stream and a day were merged.
    fn rows_in_tables(&self, day: i32, stream: u32) -> Result<u64, StoreError> {
        let (first, last) = (chunk::key(stream, 0), chunk::key(stream, u32::MAX));
        for table in self.days.get(&day).map_or(&[][..], |day| &day.tables).iter().rev() {
            let entries = self.entries_left(table, first, last)?;
            if !entries.is_empty() {
                return Ok(entries.iter().map(|entry| u64::from(entry.rows)).sum());
            }
        }
        Ok(0)
    }

    /// Writes the head as a part; none if it is empty. What it has of crowded days is told in `crowds`.
    fn write_part(&mut self, made: u64, watermark: u64, crowds: &mut Vec<Crowd>) -> Result<Option<Part>, StoreError> {
        let head = &self.memory.head;
        if head.rows() == 0 {
            return Ok(None);
        }
        let files = self.files.as_ref();
        let (made_at, from, to) = (self.latest, self.state.watermark.saturating_add(1), watermark);
        let purpose = Purpose { made, made_at, day: None, from, to };
        let mut writer = TableWriter::begin(files, part::name(made), purpose)?;
        let (mut numbers, mut chunks) = (std::collections::BTreeSet::new(), 0);
        for day in head.days() {
            let streams = head.streams(day);
            for group in streams.chunk_by(|a, b| a / GROUP_STREAMS == b / GROUP_STREAMS) {
                let Some(number) = group.first().map(|stream| stream / GROUP_STREAMS) else { continue };
                let rows_of = |stream: &u32| Some((*stream, settled(head.rows_of(day, *stream)?)));
                let settled: Vec<(u32, Block)> = group.iter().filter_map(rows_of).collect();
                let rows: usize = settled.iter().map(|(_, block)| block.len()).sum();
                let crowded = settled.iter().filter(|(stream, _)| head.crowded().contains(&(day, *stream)));
                crowds.extend(crowded.map(|(stream, block)| ((day, *stream), block.len())));
                let bytes = part::encode(day, number, &settled)?;
                writer.put(files, part::key(day, number), u32::try_from(rows).unwrap_or(u32::MAX), &bytes)?;
                numbers.extend(group.iter().copied());
                chunks += 1;
            }
        }
        let streams: Vec<_> = numbers.iter().filter_map(|n| Some((*n, self.memory.streams.id(*n)?))).collect();
        let table = writer.finish(files, &streams)?;
        self.counted.chunks_written += chunks;
        opened(files, table)
    }

    /// Reads a part's list of blocks; a damaged one is said.
    pub(super) fn open_part(&self, table: Table) -> Result<Option<Part>, StoreError> {
        let name = table.name.clone();
        match Part::open(self.files.as_ref(), table) {
            Ok(part) => Ok(Some(part)),
            Err(TableError::Store(failed)) => Err(failed),
            Err(TableError::Damaged(why)) => {
                self.damage.borrow_mut().note(Damaged::Chunk, &name, &why);
                Ok(None)
            }
        }
    }
}

/// A part that was just written.
pub(super) fn opened(files: &dyn super::files::Files, table: Table) -> Result<Option<Part>, StoreError> {
    let name = table.name.clone();
    match Part::open(files, table) {
        Ok(part) => Ok(Some(part)),
        Err(TableError::Store(failed)) => Err(failed),
        Err(TableError::Damaged(reason)) => Err(StoreError::Corrupt { place: name, reason }),
    }
}

fn settled(mut block: Block) -> Block {
    if !block.is_settled() {
        block.settle();
    }
    block
}
