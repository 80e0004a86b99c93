//! Maps by the numbers of streams.
//!
//! Streams get their numbers one after the other, so those that an agent delivers together have numbers that lie together.
//! Values are therefore kept in pages of [`PAGE`] neighbours: a batch touches a page or two, whatever the number of streams.
//! Pages are found by their number; we give those ourselves, so nobody can choose them to collide.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// How many neighbours stand in a page.
const PAGE: u32 = 32;

/// Values by the number of a stream.
#[derive(Clone, Debug)]
pub(super) struct ByNumber<V> {
    pages: HashMap<u32, Box<[Option<V>]>, BuildHasherDefault<NumberHasher>>,
    len: usize,
}

impl<V> Default for ByNumber<V> {
    fn default() -> Self {
        Self { pages: HashMap::default(), len: 0 }
    }
}

impl<V> ByNumber<V> {
    /// What a page takes, with its place in the map.
    pub(super) const PAGE_BYTES: usize = size_of::<Option<V>>() * PAGE as usize + 48;

    /// How many values there are.
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// What the values take in memory.
    pub(super) fn bytes(&self) -> usize {
        self.pages.len() * Self::PAGE_BYTES
    }

    /// The value of a number.
    pub(super) fn get(&self, number: u32) -> Option<&V> {
        self.pages.get(&(number / PAGE))?.get((number % PAGE) as usize)?.as_ref()
    }

    /// Whether a number has a value.
    pub(super) fn contains(&self, number: u32) -> bool {
        self.get(number).is_some()
    }

    /// The value of a number, to be changed.
    pub(super) fn get_mut(&mut self, number: u32) -> Option<&mut V> {
        self.pages.get_mut(&(number / PAGE))?.get_mut((number % PAGE) as usize)?.as_mut()
    }

    /// The place of a number, whether there is a value in it or not.
    fn place(&mut self, number: u32) -> Option<&mut Option<V>> {
        let page = self.pages.entry(number / PAGE).or_insert_with(|| (0..PAGE).map(|_| None).collect());
        page.get_mut((number % PAGE) as usize)
    }

    /// Gives a number a value; whether it had none.
    pub(super) fn insert(&mut self, number: u32, value: V) -> bool {
        let Some(place) = self.place(number) else { return false };
        let fresh = place.replace(value).is_none();
        self.len += usize::from(fresh);
        fresh
    }

    /// The numbers that have values with these, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &V)> {
        let of_page = |(page, values)| {
            let first: u32 = page * PAGE;
            (first..=first + (PAGE - 1)).zip::<std::slice::Iter<'_, Option<V>>>(values)
        };
        let places = self.pages.iter().map(|(page, values)| (*page, values.iter())).flat_map(of_page);
        places.filter_map(|(number, value)| Some((number, value.as_ref()?)))
    }

    /// The values, to be changed, in no order.
    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.pages.values_mut().flat_map(|values| values.iter_mut()).flatten()
    }
}

/// Numbers of streams.
pub(super) type Numbers = ByNumber<()>;

/// Spreads numbers over all bits.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct NumberHasher(u64);

/// 2^64 divided by the golden ratio: the multiples of neighbours lie far apart.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

impl Hasher for NumberHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(SPREAD);
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.0 = (self.0 ^ u64::from(number)).wrapping_mul(SPREAD);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn numbers_near_and_far_keep_their_values() {
        let mut map = ByNumber::default();
        let mut expected = BTreeMap::new();
        for number in [0, 1, PAGE - 1, PAGE, 3 * PAGE, 1_000_000, u32::MAX - 1, u32::MAX] {
            assert!(map.insert(number, u64::from(number)) && !map.contains(number ^ 2));
            expected.insert(number, u64::from(number));
        }
        assert!(!map.insert(PAGE, 7));
        *map.get_mut(PAGE).unwrap() = u64::from(PAGE);
        assert_eq!(map.iter().map(|(number, value)| (number, *value)).collect::<BTreeMap<_, _>>(), expected);
        assert_eq!((map.len(), map.get(2), map.bytes()), (8, None, 5 * ByNumber::<u64>::PAGE_BYTES));
        assert_eq!(map.values_mut().count(), 8);
    }
}
