//! Whether the store is sound: everything that was kept is read once, and held against what is said of it elsewhere.
//!
//! 1. What opening came upon: dictionaries, manifests and ends of tables that are damaged, files that are missing.
//! 2. The journal: every entry, and what it holds.
//! 3. Every part and every table of a day: dictionary, pages and digest, and each block with its rows.
//! 4. The database: every entry, and every record whole.
//! 5. Files that nobody knows, and damaged ones that were put aside.
//!
//! One block, page, entry or record is in memory at a time; of what is found `FINDINGS_MAX` are told and the rest is
//! counted.

use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};

use uphold_common::time::Instant;
use uphold_common::wire::batch::Batch;

use super::aside::put_aside_on;
use super::chunk::{self, Of};
use super::embedded::EmbeddedStore;
use super::error::StoreError;
use super::journal;
use super::journal_entry::EntryKind;
use super::journal_read;
use super::records::unpack_changes;
use super::rows::Block;
use super::stream::StreamId;
use super::table::{Table, TableError};
use super::{KeyRange, RecordKind, keys, part, rollup_block};

/// Most findings that are told.
const FINDINGS_MAX: usize = 1_000;
/// How many records are read at once.
const RECORDS_AT_ONCE: usize = 64;

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// Where.
    pub place: String,
    /// What is wrong there, and what that means.
    pub what: String,
}

/// What was looked at, and what was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Verified {
    /// How many of each sort were looked at, and their bytes.
    pub looked_at: BTreeMap<&'static str, (u64, u64)>,
    /// What is not as it should be.
    pub findings: Vec<Finding>,
    /// How many findings more there are.
    pub further: u64,
}

impl Verified {
    /// Whether nothing was found.
    pub const fn is_sound(&self) -> bool {
        self.findings.is_empty() && self.further == 0
    }

    /// Counts something that was looked at.
    pub fn look(&mut self, sort: &'static str, bytes: usize) {
        let (count, sum) = self.looked_at.entry(sort).or_default();
        (*count, *sum) = (*count + 1, *sum + bytes as u64);
    }

    /// Notes something that is not as it should be.
    pub fn find(&mut self, place: impl Into<String>, what: impl Into<String>) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(Finding { place: place.into(), what: what.into() });
        } else {
            self.further += 1;
        }
    }
}

/// Told how many bytes of how many were looked at.
type Progress<'a> = dyn FnMut(u64, u64) + 'a;

impl EmbeddedStore {
    /// Reads everything that is kept.
    pub fn verify(&self, progress: &mut Progress<'_>) -> Result<Verified, StoreError> {
        let mut verified = Verified::default();
        let stats = self.statistics();
        let (all, mut done) = (stats.disk_bytes, stats.disk_bytes - stats.part_bytes - stats.day_bytes);
        self.verify_journal(&mut verified)?;
        self.verify_database(&mut verified)?;
        let days = self.days.iter().flat_map(|(day, known)| known.tables.iter().map(|table| (Some(*day), table)));
        for (day, table) in self.parts.iter().map(|part| (None, &part.table)).chain(days) {
            progress(done, all);
            self.verify_table(day, table, &mut verified)?;
            done += table.bytes;
        }
        for (day, rolled) in &self.rollups {
            rolled.table.iter().try_for_each(|table| self.verify_rollups(*day, table, &mut verified))?;
        }
        progress(all, all);
        self.verify_files(&mut verified)?;
        for (place, why) in self.damage.borrow().places() {
            if !verified.findings.iter().any(|found| found.place == *place) {
                verified.find(place, why);
            }
        }
        Ok(verified)
    }

    fn verify_journal(&self, verified: &mut Verified) -> Result<(), StoreError> {
        let read = journal_read::read(self.files.as_ref(), self.state.salt, &mut |entry| {
            verified.look("entries of the journal", entry.content.len());
            let unsound = match entry.kind {
                EntryKind::Batch => Batch::decode(&entry.content).err().map(|why| why.to_string()),
                EntryKind::Records => unpack_changes(&entry.content).err(),
            };
            if let Some(why) = unsound {
                verified.find(format!("journal entry {}", entry.number), why);
            }
            Ok(())
        })?;
        for place in read.damaged {
            verified.find(place, "they are no entries: what was in them is lost, or was never acknowledged");
        }
        if read.torn_bytes > 0 {
            verified.find("the end of the journal", format!("{} bytes of it are no entry", read.torn_bytes));
        }
        Ok(())
    }

    /// Looks at every entry of the database, and at every record as a whole.
    fn verify_database(&self, verified: &mut Verified) -> Result<(), StoreError> {
        self.disk.scan(&KeyRange::all(), &mut |key, value| {
            verified.look("entries of the database", key.len() + value.len());
            if !keys::is_known(key) {
                verified.find(format!("entry {} of the database", key.escape_ascii()), "nobody knows of its kind");
            }
            ControlFlow::Continue(())
        })?;
        let kinds = (0..=u8::MAX).filter_map(RecordKind::from_code);
        kinds.into_iter().try_for_each(|kind| self.verify_records(kind, verified))
    }

    fn verify_records(&self, kind: RecordKind, verified: &mut Verified) -> Result<(), StoreError> {
        let mut range = KeyRange::all();
        loop {
            let mut page: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
            self.disk.scan(&keys::record_range(kind as u8, &range), &mut |key, entry| {
                page.push((key.get(2..).unwrap_or_default().to_vec(), entry.to_vec()));
                if page.len() < RECORDS_AT_ONCE { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            })?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            range.start = Bound::Excluded(last.clone());
            for (key, entry) in &page {
                match self.whole_record(kind, key, entry) {
                    Ok(value) => verified.look("records", value.map_or(0, |value| value.len())),
                    Err(StoreError::Corrupt { place, reason }) => verified.find(place, reason),
                    Err(failed) => return Err(failed),
                }
            }
        }
    }

    fn verify_table(&self, day: Option<i32>, table: &Table, verified: &mut Verified) -> Result<(), StoreError> {
        verified.look(if day.is_some() { "tables of days" } else { "parts" }, 0);
        let streams = match table.streams(self.files.as_ref()) {
            Ok(streams) => streams.into_iter().collect::<BTreeMap<u32, StreamId>>(),
            Err(TableError::Damaged(why)) => {
                verified
                    .find(&table.name, format!("{why}; which streams its rows are of is known to the database only"));
                BTreeMap::new()
            }
            Err(TableError::Store(failed)) => return Err(failed),
        };
        for (number, _) in streams.iter().filter(|(number, id)| self.memory.streams.id(**number) != Some(id)) {
            verified.find(&table.name, format!("the database names stream {number} otherwise, or not at all"));
        }
        let mut before: Option<(u32, Instant)> = None;
        let wrong = table.inspect(self.files.as_ref(), &mut |key, rows, block| {
            let bytes = block.as_ref().map_or(0, |block| block.len());
            verified.look(if day.is_some() { "chunks of days" } else { "blocks of parts" }, bytes);
            let found = block.and_then(|bytes| match day {
                Some(day) => self.rows_of_chunk(day, key, bytes).map(|(stream, rows)| vec![(stream, rows)]),
                None => rows_of_part(key, bytes),
            });
            let sound = found.and_then(|found| check_rows(&found, rows, &mut before));
            sound.err().map(|why| format!("{}: {why}; its rows are lost", place_of(day, key)))
        })?;
        for why in wrong {
            verified.find(&table.name, why);
        }
        Ok(())
    }

    fn verify_rollups(&self, day: i32, table: &Table, verified: &mut Verified) -> Result<(), StoreError> {
        verified.look("tables of roll-ups", 0);
        let wrong = table.inspect(self.files.as_ref(), &mut |key, _, block| {
            verified.look("blocks of roll-ups", block.as_ref().map_or(0, |block| block.len()));
            let group = u32::try_from(key).map_err(|_| "a key that is no group".to_owned());
            let decoded =
                group.and_then(|group| rollup_block::decode(day, group, block?).map_err(|why| why.to_string()));
            decoded.err().map(|why| format!("{why}; its hours are reckoned from rows while those are kept"))
        })?;
        for why in wrong {
            verified.find(&table.name, why);
        }
        Ok(())
    }

    fn rows_of_chunk(&self, day: i32, key: u64, bytes: &[u8]) -> Result<(u32, Block), String> {
        let stream = chunk::stream_of(key);
        let id = self.memory.streams.id(stream).ok_or("it is of a stream that is not known")?;
        let rows = chunk::decode(Of { day, stream, kind: id.kind() }, bytes).map_err(|why| why.to_string())?;
        Ok((stream, rows))
    }

    fn verify_files(&self, verified: &mut Verified) -> Result<(), StoreError> {
        let known = |name: &str| {
            self.parts.iter().any(|part| part.table.name == name)
                || self.days.values().flat_map(|day| &day.tables).any(|table| table.name == name)
                || self.rollups.values().filter_map(|day| day.table.as_ref()).any(|table| table.name == name)
                || self.damage.borrow().places().contains_key(name)
        };
        for (name, bytes) in self.files.list()? {
            verified.look("files", usize::try_from(bytes).unwrap_or(usize::MAX));
            if put_aside_on(&name).is_some() {
                verified.find(
                    &name,
                    "it was found damaged and put aside; it is not read, and goes with the rows of its day",
                );
            } else if !journal::is_name(&name) && !known(&name) {
                verified.find(&name, "nobody knows of this file; it is not read, and can be moved away");
            }
        }
        Ok(())
    }
}

/// A block in words.
fn place_of(day: Option<i32>, key: u64) -> String {
    if let Some(day) = day {
        return format!("the chunk of stream {} on day {day}", chunk::stream_of(key));
    }
    let (day, group) = part::key_parts(key);
    format!("the block of group {group} on day {day}")
}

fn rows_of_part(key: u64, bytes: &[u8]) -> Result<Vec<(u32, Block)>, String> {
    let (day, group) = part::key_parts(key);
    part::decode(day, group, bytes).map_err(|why| why.to_string())
}

/// Whether rows ascend, also from one piece of a stream to the next, and are as many as was said.
fn check_rows(found: &[(u32, Block)], said: u32, before: &mut Option<(u32, Instant)>) -> Result<(), String> {
    let mut count = 0;
    for (stream, rows) in found {
        let span = rows.span().ok_or("it has a stream without rows")?;
        let follows = before.is_none_or(|(last, end)| last != *stream || end <= span.start);
        if !rows.is_settled() || !follows {
            return Err(format!("the rows of stream {stream} are out of order"));
        }
        *before = Some((*stream, span.end));
        count += rows.len();
    }
    if count == said as usize { Ok(()) } else { Err(format!("it holds {count} rows and should hold {said}")) }
}
