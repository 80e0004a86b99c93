//! The database as narrow as it is used: keys and values in one order, changed by batches that are whole or not there.
//!
//! Behind it lies the embedded database (`sled_store`), and in tests a twin in memory that fails on request (`twin`).
//! After any failure it is dead, and every later call says so.

use std::fmt::Debug;
use std::ops::ControlFlow;

use super::KeyRange;
use super::error::StoreError;

/// What is done with each key and value of a scan.
pub(super) type Visit<'a> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'a;

/// Changes that are applied together or not at all.
#[derive(Clone, Debug, Default)]
pub(super) struct Writes {
    changes: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

impl Writes {
    /// Puts a value.
    pub(super) fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.changes.push((key, Some(value)));
    }

    /// Removes a key.
    pub(super) fn remove(&mut self, key: Vec<u8>) {
        self.changes.push((key, None));
    }

    /// The keys with their new values, in the order in which they were given; of one key the last counts.
    pub(super) fn into_changes(self) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
        self.changes
    }
}

/// Keys and values.
pub(super) trait Database: Debug + Send {
    /// An error if it has failed before.
    fn alive(&self) -> Result<(), StoreError>;

    /// The value of a key.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Visits keys and values of a range in their order, until told to stop.
    fn scan(&self, range: &KeyRange, visit: &mut Visit<'_>) -> Result<(), StoreError>;

    /// Sees to it that the disk has room for what is applied next, or says that it has none. Nothing that is applied may
    /// find the disk full: the database would be dead.
    fn make_room(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Applies changes, all or none of them. They are visible at once, and durable after the next [`Self::sync`].
    fn apply(&self, writes: Writes) -> Result<(), StoreError>;

    /// Makes everything that was applied durable.
    fn sync(&self) -> Result<(), StoreError>;

    /// Bytes it takes on disk; 0 when that cannot be told.
    fn bytes(&self) -> u64;

    /// Visits the entries of the journal that a store of format 1 kept in the database, in their order.
    fn scan_journal_of_format_1(&self, visit: &mut Visit<'_>) -> Result<(), StoreError>;

    /// Drops that journal.
    fn drop_journal_of_format_1(&self) -> Result<(), StoreError>;

    /// As if it had failed.
    #[cfg(test)]
    fn fail(&self);
}
