//! Groups of parts that were read lately: streams of one group are mostly asked for one after the other.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::files::Files;
use super::part::{Group, Part};
use super::table::TableError;

/// Most bytes of rows that are held.
const BYTES_MAX: usize = 12 * 1024 * 1024;

type Key = (u64, i32, u32);

/// What was read lately, the oldest first to go.
#[derive(Debug, Default)]
pub(super) struct GroupCache {
    groups: HashMap<Key, Arc<Group>>,
    order: VecDeque<(Key, usize)>,
    bytes: usize,
}

impl GroupCache {
    /// A group of a part, read now if it is not held.
    pub(super) fn get(
        &mut self,
        files: &dyn Files,
        part: &Part,
        day: i32,
        group: u32,
    ) -> Result<Arc<Group>, TableError> {
        let key = (part.made(), day, group);
        if let Some(held) = self.groups.get(&key) {
            return Ok(Arc::clone(held));
        }
        let read = Arc::new(part.group(files, day, group)?);
        let bytes =
            read.iter().map(|(_, block)| block.as_slice().bytes() + size_of::<(u32, super::rows::Block)>()).sum();
        self.bytes += bytes;
        self.order.push_back((key, bytes));
        self.groups.insert(key, Arc::clone(&read));
        while self.bytes > BYTES_MAX
            && let Some((oldest, bytes)) = self.order.pop_front()
        {
            self.groups.remove(&oldest);
            self.bytes -= bytes;
        }
        Ok(read)
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}
