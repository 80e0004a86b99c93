//! Damaged files that nothing needs any more are put aside, so that what can be learnt from them is not lost with them.
//!
//! ```text
//! damaged-DDDDDD-NAME   the file NAME, put aside on the day DDDDDD since 1970
//! ```
//!
//! A part or a table goes when its rows are in a newer one. When something of it could not be read, it is given this name
//! instead: it is never read as data again, verification names it, and it counts in what the store takes on disk. There
//! are at most 16 of them with at most 256 MiB together, of which the oldest go first; one that is larger alone goes at
//! once. They go with the rows of the day on which they were put aside; with the rows of a day go its tables that cannot
//! be opened, and parts that cannot are put aside then. Should the machine stop between a merge and this, the next
//! opening removes the file, because it finds it merged.

use super::embedded::EmbeddedStore;
use super::error::StoreError;
use super::files::TEMPORARY;
use super::head::day_number;

const ASIDE: &str = "damaged-";
const PART: &str = "part-";
const FILES_MAX: usize = 16;
const BYTES_MAX: u64 = 256 * 1024 * 1024;

/// The day on which a file was put aside, by its name; none if it is no such file.
pub(super) fn put_aside_on(name: &str) -> Option<i32> {
    name.strip_prefix(ASIDE)?.split_once('-')?.0.parse().ok()
}

/// The day in the name of a table whose kind the name begins with; none of one that is still being written.
fn day_in(name: &str, beginning: &str) -> Option<i32> {
    let rest = name.strip_prefix(beginning).filter(|_| !name.ends_with(TEMPORARY))?;
    rest.rsplit_once('-')?.0.parse().ok()
}

impl EmbeddedStore {
    /// Lets a file go that nothing needs any more.
    pub(super) fn let_file_go(&mut self, name: &str) -> Result<(), StoreError> {
        if self.damage.get_mut().tells_of(name) { self.put_aside(name) } else { self.files.remove(name) }
    }

    fn put_aside(&mut self, name: &str) -> Result<(), StoreError> {
        let list = self.files.list()?;
        let Some((_, bytes)) = list.iter().find(|(found, _)| found == name) else { return Ok(()) };
        let mut others: Vec<(String, u64)> =
            list.iter().filter(|(name, _)| put_aside_on(name).is_some()).cloned().collect();
        others.sort_by_key(|(name, _)| put_aside_on(name));
        let mut others = others.into_iter().peekable();
        let (mut count, mut taken) = (others.len(), others.clone().map(|(_, bytes)| bytes).sum::<u64>());
        while (count >= FILES_MAX || taken.saturating_add(*bytes) > BYTES_MAX)
            && let Some((oldest, bytes)) = others.next()
        {
            self.files.remove(&oldest)?;
            (count, taken) = (count - 1, taken - bytes);
        }
        if *bytes > BYTES_MAX {
            tracing::warn!(
                name,
                bytes,
                "a damaged file is removed, because it is larger than all that is put aside may be"
            );
            self.files.remove(name)?;
        } else {
            let aside = format!("{ASIDE}{:06}-{name}", day_number(self.latest.utc_day()).max(0));
            tracing::warn!(name, aside, "a damaged file is put aside");
            self.files.rename(name, &aside)?;
            taken += bytes;
        }
        self.counted.aside_bytes = taken;
        Ok(())
    }

    /// Counts what is put aside, when the store is opened.
    pub(super) fn count_aside(&mut self) -> Result<(), StoreError> {
        let aside = self.files.list()?.into_iter().filter(|(name, _)| put_aside_on(name).is_some());
        self.counted.aside_bytes = aside.map(|(_, bytes)| bytes).sum();
        Ok(())
    }

    /// The parts that are there and could not be opened.
    pub(super) fn unopened_parts(&self) -> Result<Vec<String>, StoreError> {
        let opened = |name: &String| self.parts.iter().any(|part| part.table.name == *name);
        let names = self.files.list()?.into_iter().map(|(name, _)| name);
        let written = |name: &String| number_of_part(name).is_some() && !name.ends_with(TEMPORARY);
        Ok(names.filter(|name| written(name) && !opened(name)).collect())
    }

    /// With the rows of all days before `day` go files that were put aside before it, and those days' tables that could
    /// not be opened; parts that could not are put aside.
    pub(super) fn forget_damaged_before(&mut self, day: i32, parts: &[String]) -> Result<(), StoreError> {
        for (name, _) in self.files.list()? {
            let of = put_aside_on(&name).or_else(|| day_in(&name, "day-"));
            if of.is_some_and(|of| of < day) {
                self.files.remove(&name)?;
            }
        }
        parts.iter().try_for_each(|name| self.put_aside(name))?;
        self.count_aside()
    }

    /// Removes the tables of roll-ups of all days before `day` that could not be opened.
    pub(super) fn forget_damaged_rollups_before(&self, day: i32) -> Result<(), StoreError> {
        let names = self.files.list()?.into_iter().map(|(name, _)| name);
        let gone = names.filter(|name| day_in(name, "rollup-").is_some_and(|of| of < day));
        gone.into_iter().try_for_each(|name| self.files.remove(&name))
    }
}

/// The number of a part by the name of its file.
pub(super) fn number_of_part(name: &str) -> Option<u64> {
    name.strip_prefix(PART)?.split('-').next()?.parse().ok()
}

#[cfg(test)]
#[path = "aside_tests.rs"]
mod tests;
