//! Groups of parts that were read lately: streams of one group are mostly asked for one after the other.
//!
//! It holds at most 12 MiB: rows, with what their vectors have in reserve, and a little for each group, those without rows
//! too. Room is made before a group is taken in, the oldest first; one that is larger than all of that is given, not held.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::files::Files;
use super::part::{Group, Part};
use super::table::TableError;

/// Most bytes that are held.
const BYTES_MAX: usize = 12 * 1024 * 1024;
/// What a group takes beside its rows: its places in the map and in the order, twice what those need because they grow by
/// doubling.
const GROUP_BYTES: usize = 2 * (2 * size_of::<Key>() + size_of::<(Arc<Group>, usize)>()) + size_of::<Group>();

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
        let rows: usize = read.iter().map(|(_, block)| block.bytes_held()).sum();
        let bytes = GROUP_BYTES + rows + read.capacity() * size_of::<(u32, super::rows::Block)>();
        while self.bytes + bytes > BYTES_MAX
            && let Some((oldest, bytes)) = self.order.pop_front()
        {
            self.groups.remove(&oldest);
            self.bytes -= bytes;
        }
        if self.bytes + bytes <= BYTES_MAX {
            self.bytes += bytes;
            self.order.push_back((key, bytes));
            self.groups.insert(key, Arc::clone(&read));
        }
        Ok(read)
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::*;
    use crate::store::twin::Twin;
    use crate::store::{EmbeddedStore, Store, StoreOptions};

    #[test]
    fn it_holds_so_many_bytes_whatever_is_asked_for() {
        let twin = Twin::default();
        let options = StoreOptions { head_bytes_max: 64 * 1024 * 1024, ..StoreOptions::default() };
        let mut store = EmbeddedStore::open_in(Box::new(twin.clone()), Box::new(twin.clone()), options).unwrap();
        for seq in 1..=8 {
            let streams = (0..16).map(|n| probed(&format!("p{n:03}"), (0..3_000).map(|k| k * 1_000))).collect();
            store.append(at(0), vec![admitted(seq, streams)]).unwrap();
            store.seal().unwrap();
        }
        let (mut cache, day) = (GroupCache::default(), store.parts[0].days()[0]);
        for part in &store.parts {
            assert_eq!(cache.get(&twin, part, day, 0).unwrap().len(), 16);
            assert!(cache.bytes <= BYTES_MAX && cache.bytes >= cache.groups.len() * 16 * 3_000 * 16);
        }
        assert!(!cache.groups.is_empty() && cache.groups.len() < store.parts.len(), "the oldest went");
        // Groups without rows are asked for by every stream that has none.
        for group in 0..200_000 {
            cache.get(&twin, &store.parts[0], day, 1 + group).unwrap();
        }
        assert!(cache.bytes <= BYTES_MAX);
        assert!(cache.groups.len() * GROUP_BYTES <= BYTES_MAX && cache.groups.len() < 200_000);
        assert_eq!(cache.groups.len(), cache.order.len());
    }
}
