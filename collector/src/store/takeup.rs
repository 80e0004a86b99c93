//! Which files belong to the store, when it is opened: those of its manifests, those it has to adopt, and leftovers.
//!
//! Parts that stand in a folded one (see `fold`) are leftovers; a database that still names them when they are gone is older.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use super::day::{Day, TableRecord};
use super::embedded::EmbeddedStore;
use super::error::StoreError;
use super::part::Part;
use super::records::Damaged;
use super::seal::PARTS_NAMED_MAX;
use super::table::{Table, TableError};

/// How the names of parts and of days' tables begin.
const PART: &str = "part-";
const DAY: &str = "day-";

/// What the files came to before any of them was taken up.
struct Found {
    /// Neither the database nor the journal knows of everything that was sealed.
    gap: bool,
    /// The last number that the database knows.
    known_made: u64,
    /// The first entry that the journal still has.
    journal_from: Option<u64>,
    /// The parts that the database names.
    expected: Vec<u64>,
    /// Those of them that are there, and stand in no other.
    there: BTreeSet<u64>,
    /// Those that are neither there nor in a folded one.
    missing: BTreeSet<u64>,
    /// Those that are not there as the database knows them: gone, or in a folded one that it does not know, and without
    /// the rows that were merged before.
    changed: Vec<u64>,
    /// The days that lack a table that their manifest names: another may have the rows of that one.
    torn: BTreeSet<i32>,
    /// The files tell of what the database does not know.
    older: bool,
}

impl EmbeddedStore {
    /// Opens the tables that are there, and says which are missing. `gap` says that neither the database nor the journal
    /// knows of everything that was sealed; `journal_from` is the first entry that the journal still has. Tells whether any
    /// was adopted: the database is to know of those before anything else.
    ///
    /// A table goes only when it is certain that its rows are elsewhere.
    pub(super) fn take_up_tables(&mut self, gap: bool, journal_from: Option<u64>) -> Result<bool, StoreError> {
        let listed = self.open_tables_named(&[PART, DAY])?;
        let there: BTreeSet<u64> = listed.iter().map(|table| table.directory.made).collect();
        let (mut tables, folded) = self.without_folded(listed)?;
        let mut found = self.found(gap, journal_from, &there, &folded);
        self.state.made = self.state.made.max(there.last().copied().unwrap_or_default());
        // What days have merged says which parts are needed.
        tables.sort_by_key(|table| (table.directory.day.is_none(), table.directory.made));
        let mut adopted = false;
        for table in tables {
            let directory = &table.directory;
            let made = directory.made;
            let known = match directory.day {
                Some(day) => self.days.get(&day).is_some_and(|day| day.record.tables.iter().any(|of| of.made == made)),
                None => found.expected.contains(&made),
            };
            if known {
                self.take_up(table)?;
                continue;
            }
            // The parts that went into a table of a day; those of a part are entries of the journal.
            let made_of = |part: &&u64| directory.day.is_some() && (directory.from..=directory.to).contains(*part);
            let made_of: Vec<u64> = found.changed.iter().filter(made_of).copied().collect();
            if self.is_elsewhere(&table, &made_of, &found)? {
                self.files.remove(&table.name)?;
            } else {
                found.older |= !made_of.is_empty();
                found.missing.retain(|part| !made_of.contains(part));
                // Of a database that knows of no seal nothing was reckoned.
                adopted |= self.adopt(table, found.known_made > 0)?;
            }
        }
        if found.older {
            let why = "the files beside it tell of seals or merges that it does not know";
            self.damage.get_mut().note(Damaged::Older, "the database", why);
        }
        self.name_parts(&found);
        self.check_manifests();
        self.count_aside()?;
        Ok(self.take_up_rollups(found.known_made, found.older)? || adopted)
    }

    /// Holds the files against what the database says; `there` are the numbers of all tables that could be opened.
    fn found(
        &self,
        gap: bool,
        journal_from: Option<u64>,
        there: &BTreeSet<u64>,
        folded: &[RangeInclusive<u64>],
    ) -> Found {
        let expected = self.state.parts.clone();
        let stands_in = |fold: &RangeInclusive<u64>, part: &u64| fold.contains(part) && fold.end() != part;
        let in_another = |part: &u64| folded.iter().any(|fold| stands_in(fold, part));
        // It would not name these any more.
        let strange = |fold: &&RangeInclusive<u64>| expected.iter().any(|part| stands_in(fold, part));
        let strange: Vec<&RangeInclusive<u64>> = folded.iter().filter(strange).collect();
        let changed = |part: &u64| !there.contains(part) || strange.iter().any(|fold| fold.contains(part));
        let lacks = |day: &Day| day.record.tables.iter().any(|of| !there.contains(&of.made));
        let of_expected = |wanted: &dyn Fn(&u64) -> bool| expected.iter().copied().filter(wanted).collect();
        Found {
            gap,
            known_made: self.state.made,
            journal_from,
            there: of_expected(&|part| there.contains(part) && !in_another(part)),
            missing: of_expected(&|part| !there.contains(part) && !in_another(part)),
            changed: expected.iter().copied().filter(changed).collect(),
            torn: self.days.iter().filter(|(_, day)| lacks(day)).map(|(day, _)| *day).collect(),
            older: gap || expected.iter().any(|part| !there.contains(part) && in_another(part)),
            expected,
        }
    }

    /// Whether the rows of a table that the database does not know are certainly elsewhere.
    fn is_elsewhere(&self, table: &Table, made_of: &[u64], found: &Found) -> Result<bool, StoreError> {
        let directory = &table.directory;
        // It was about to be made known when everything stopped.
        let untold = directory.made > found.known_made && !found.gap;
        if let Some(day) = directory.day {
            let whole = !found.torn.contains(&day);
            let merged = self.is_merged(day, directory.to) || (untold && made_of.is_empty());
            return Ok(self.is_forgotten(day) || (whole && merged));
        }
        let replayed = |first: u64| directory.from >= first && directory.from > self.state.watermark;
        Ok(self.is_merged_everywhere(table)? || (untold && found.journal_from.is_some_and(replayed)))
    }

    /// Names the parts that wait. What is missing or unreadable stays named, so that it is said again and a file that
    /// comes back is known. Of very many the oldest are said once, or there would be no room to name new ones.
    fn name_parts(&mut self, found: &Found) {
        for part in &found.missing {
            self.damage.get_mut().note(Damaged::File, &format!("part {part}"), "it is missing or unreadable");
        }
        let unnamed = found.missing.len().saturating_sub(PARTS_NAMED_MAX / 2);
        let mut parts: BTreeSet<u64> = found.missing.iter().skip(unnamed).chain(&found.there).copied().collect();
        parts.extend(self.parts.iter().map(Part::made));
        self.state.parts = parts.into_iter().collect();
    }

    /// Whether a day's tables have the rows of all parts up to one, as its manifest says, or nobody wants them any more.
    fn is_merged(&self, day: i32, part: u64) -> bool {
        let known = self.days.get(&day).filter(|day| !day.unsaid);
        self.is_forgotten(day) || known.is_some_and(|day| !day.record.lacks(part))
    }

    fn is_forgotten(&self, day: i32) -> bool {
        self.state.raw_from.is_some_and(|from| day < from)
    }

    /// Whether all days of a part have merged it; false when it cannot tell which those are.
    fn is_merged_everywhere(&self, part: &Table) -> Result<bool, StoreError> {
        match Part::open(self.files.as_ref(), part.clone()) {
            Ok(part) => Ok(part.days().iter().all(|day| self.is_merged(*day, part.made()))),
            Err(TableError::Store(failed)) => Err(failed),
            Err(TableError::Damaged(_)) => Ok(false),
        }
    }

    /// Opens the tables whose names begin with one of these; damaged ones are noted.
    pub(super) fn open_tables_named(&self, beginnings: &[&str]) -> Result<Vec<Table>, StoreError> {
        let mut tables = Vec::new();
        for (name, bytes) in self.files.list()? {
            if !beginnings.iter().any(|beginning| name.starts_with(beginning)) {
                continue;
            }
            match Table::open(self.files.as_ref(), &name, bytes) {
                Ok(table) => tables.push(table),
                Err(TableError::Store(failed)) => return Err(failed),
                Err(TableError::Damaged(why)) => self.damage.borrow_mut().note(Damaged::Chunk, &name, &why),
            }
        }
        Ok(tables)
    }

    fn take_up(&mut self, table: Table) -> Result<(), StoreError> {
        if let Some(day) = table.directory.day {
            self.days.entry(day).or_default().tables.push(table);
        } else {
            let part = self.open_part(table)?;
            if let Some(part) = part.as_ref().filter(|part| self.came_back(part)) {
                self.touch(&part.table)?;
            }
            self.parts.extend(part);
        }
        Ok(())
    }

    /// Takes up a table that the database does not know: its streams first, because it may be the only one to name them.
    /// What was reckoned without its rows is to be reckoned anew.
    fn adopt(&mut self, table: Table, touches: bool) -> Result<bool, StoreError> {
        if !self.adopt_streams(&table)? {
            return Ok(false);
        }
        tracing::warn!(table = table.name, "taken up, because the database does not know it");
        if let Some(day) = table.directory.day {
            let known = self.days.entry(day).or_default();
            known.record.merged = known.record.merged.max(table.directory.to);
            known.record.tables.push(TableRecord::of(&table));
        }
        if touches {
            self.touch(&table)?;
        }
        self.take_up(table)?;
        Ok(true)
    }

    /// Notes that a table's streams have rows on its days that nobody has taken notice of.
    fn touch(&mut self, table: &Table) -> Result<(), StoreError> {
        let days = match table.directory.day {
            Some(day) => vec![day],
            None => self.open_part(table.clone())?.map_or_else(Vec::new, |part| part.days().to_vec()),
        };
        // They were read a moment ago.
        let streams = match table.streams(self.files.as_ref()) {
            Ok(streams) => streams,
            Err(why) => return self.note_table(table, why),
        };
        for (_, id) in &streams {
            for day in &days {
                self.memory.touch(id, *day);
            }
        }
        Ok(())
    }

    /// Takes over the streams of a table that the database does not know; false if they cannot be told or do not fit.
    pub(super) fn adopt_streams(&mut self, table: &Table) -> Result<bool, StoreError> {
        let streams = match table.streams(self.files.as_ref()) {
            Ok(streams) => streams,
            Err(why) => {
                self.note_table(table, why)?;
                return Ok(false);
            }
        };
        let fits = |(number, id): &(u32, super::stream::StreamId)| match self.memory.streams.id(*number) {
            Some(known) => known == id,
            None => self.memory.streams.number(id).is_none(),
        };
        if !streams.iter().all(fits) {
            self.damage.get_mut().note(Damaged::File, &table.name, "its streams have other numbers in the database");
            return Ok(false);
        }
        for (number, id) in streams {
            self.memory.streams.adopt(number, id);
        }
        Ok(true)
    }

    /// Says which tables of a manifest are missing, or are not what they were.
    fn check_manifests(&mut self) {
        let damage = self.damage.get_mut();
        for (day, known) in &mut self.days {
            known.tables.sort_by_key(|table| table.directory.made);
            for of in &known.record.tables {
                let name = super::chunk::name(*day, of.made);
                match known.tables.iter().find(|table| table.directory.made == of.made) {
                    None => damage.note(Damaged::File, &name, "it is missing or unreadable"),
                    Some(table) if TableRecord::of(table) != *of => {
                        damage.note(Damaged::File, &name, "it is not the one that the day's manifest names");
                    }
                    Some(_) => {}
                }
            }
        }
    }
}
