//! A set of seqs as ranges: bounded, whatever is added or removed.
//!
//! There are at most [`RANGES_MAX`] ranges. When there would be more, the two that lie closest together become one, and
//! the set then holds the seqs between them too: it may say too much, never too little. The batches of an agent arrive
//! in their order, so the gaps among them are few, and a replay fills them from their beginning.

use uphold_common::wire::push::SeqRange;

/// Most ranges of a set.
const RANGES_MAX: usize = 32;
/// The bytes of a range.
const RANGE_BYTES: usize = 16;

/// A set of seqs: its ranges in their order, with at least one seq between two of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeqRanges(Vec<SeqRange>);

impl SeqRanges {
    /// Its ranges, the lowest first.
    pub fn ranges(&self) -> &[SeqRange] {
        &self.0
    }

    /// Its lowest seq.
    pub fn first(&self) -> Option<u64> {
        self.0.first().map(|range| range.first)
    }

    /// How many seqs it holds from `first` to `last`.
    pub fn count(&self, first: u64, last: u64) -> u64 {
        let both = self.0.iter().map(|range| (range.first.max(first), range.last.min(last)));
        both.filter(|(first, last)| first <= last)
            .fold(0, |count: u64, (first, last)| count.saturating_add((last - first).saturating_add(1)))
    }

    /// Adds the seqs from `first` to `last`; none when they are the wrong way round.
    pub fn add(&mut self, first: u64, last: u64) {
        if first > last {
            return;
        }
        let mut added = SeqRange { first, last };
        let touches = |range: &SeqRange| range.first <= last.saturating_add(1) && first <= range.last.saturating_add(1);
        for range in self.0.iter().filter(|range| touches(range)) {
            added = SeqRange { first: added.first.min(range.first), last: added.last.max(range.last) };
        }
        self.0.retain(|range| !touches(range));
        let place = self.0.partition_point(|range| range.first < added.first);
        self.0.insert(place, added);
        self.bound();
    }

    /// Removes the seqs from `first` to `last`.
    pub fn remove(&mut self, first: u64, last: u64) {
        let _ = self.cut(first, last);
    }

    /// Removes the seqs from `first` to `last`, and gives those that were there.
    #[must_use]
    pub fn cut(&mut self, first: u64, last: u64) -> Self {
        let (mut left, mut removed) = (Vec::with_capacity(self.0.len() + 1), Vec::new());
        for range in self.0.drain(..) {
            if first > last || range.last < first || range.first > last {
                left.push(range);
                continue;
            }
            if range.first < first {
                left.push(SeqRange { first: range.first, last: first - 1 });
            }
            removed.push(SeqRange { first: range.first.max(first), last: range.last.min(last) });
            if range.last > last {
                left.push(SeqRange { first: last + 1, last: range.last });
            }
        }
        self.0 = left;
        self.bound();
        Self(removed)
    }

    /// As it stands in the store: how many ranges, and the first and last seq of each.
    pub(super) fn put(&self, bytes: &mut Vec<u8>) {
        bytes.push(u8::try_from(self.0.len()).unwrap_or(u8::MAX));
        for range in &self.0 {
            bytes.extend_from_slice(&range.first.to_be_bytes());
            bytes.extend_from_slice(&range.last.to_be_bytes());
        }
    }

    /// Back from [`Self::put`], with the bytes that follow.
    pub(super) fn take(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (count, rest) = bytes.split_first()?;
        let (ranges, rest) = rest.split_at_checked(usize::from(*count) * RANGE_BYTES)?;
        let mut found = Self::default();
        for range in ranges.as_chunks::<RANGE_BYTES>().0 {
            let (first, last) = range.split_first_chunk::<8>()?;
            let range = SeqRange { first: u64::from_be_bytes(*first), last: u64::from_be_bytes(last.try_into().ok()?) };
            let after = found.0.last().is_none_or(|before| before.last.saturating_add(1) < range.first);
            if !after || range.first > range.last || found.0.len() == RANGES_MAX {
                return None;
            }
            found.0.push(range);
        }
        Some((found, rest))
    }

    fn bound(&mut self) {
        while self.0.len() > RANGES_MAX {
            let between = |pair: &[SeqRange]| match pair {
                [one, next] => next.first - one.last,
                _ => u64::MAX,
            };
            let gaps = self.0.windows(2).map(between).enumerate();
            let Some((place, _)) = gaps.min_by_key(|(_, gap)| *gap) else { return };
            let next = self.0.remove(place + 1);
            if let Some(range) = self.0.get_mut(place) {
                range.last = next.last;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::store::testing::Dice;

    fn seqs(ranges: &SeqRanges) -> BTreeSet<u64> {
        ranges.ranges().iter().flat_map(|range| range.first..=range.last).collect()
    }

    fn of(ranges: &[(u64, u64)]) -> SeqRanges {
        let mut set = SeqRanges::default();
        for (first, last) in ranges {
            set.add(*first, *last);
        }
        set
    }

    #[test]
    fn it_is_the_set_that_was_built_however_it_was_built() {
        for seed in 0..300 {
            let mut dice = Dice(seed);
            let (mut set, mut naive) = (SeqRanges::default(), BTreeSet::new());
            for _ in 0..60 {
                let first = dice.below(60);
                let last = first + dice.below(12);
                if dice.below(5) < 2 {
                    set.add(first, last);
                    naive.extend(first..=last);
                } else {
                    let removed = set.cut(first, last);
                    let expected: BTreeSet<u64> = naive.range(first..=last).copied().collect();
                    assert_eq!(seqs(&removed), expected, "seed {seed}");
                    naive.retain(|seq| !expected.contains(seq));
                }
                assert_eq!(seqs(&set), naive, "seed {seed}");
                assert_eq!(set.first(), naive.first().copied());
                let (from, to) = (dice.below(60), dice.below(80));
                let within = naive.iter().filter(|seq| (from..=to).contains(*seq)).count();
                assert_eq!(set.count(from, to), within as u64, "seed {seed}");
                assert!(set.ranges().windows(2).all(|pair| pair[0].last + 1 < pair[1].first), "{set:?}");
                let mut bytes = Vec::new();
                set.put(&mut bytes);
                assert_eq!(SeqRanges::take(&bytes), Some((set.clone(), &[][..])));
            }
        }
    }

    #[test]
    fn a_full_set_says_too_much_and_never_too_little() {
        for seed in 0..100 {
            let mut dice = Dice(seed);
            let (mut set, mut naive, mut fullest) = (SeqRanges::default(), BTreeSet::new(), 0);
            for _ in 0..400 {
                let first = dice.below(1_000);
                if dice.below(3) > 0 {
                    set.add(first, first);
                    naive.insert(first);
                } else {
                    set.remove(first, first + 3);
                    naive.retain(|seq| !(first..=first + 3).contains(seq));
                }
                assert!(set.ranges().len() <= RANGES_MAX);
                fullest = fullest.max(set.ranges().len());
                assert!(seqs(&set).is_superset(&naive), "seed {seed}");
            }
            assert_eq!(fullest, RANGES_MAX, "the bound was reached");
            set.remove(0, u64::MAX);
            assert_eq!(set, SeqRanges::default());
        }
    }

    #[test]
    fn its_ends_hold_also_at_the_ends_of_all_numbers() {
        let mut set = of(&[(0, 0), (u64::MAX, u64::MAX), (5, 4)]);
        assert_eq!((set.ranges().len(), set.count(0, u64::MAX)), (2, 2));
        set.add(1, u64::MAX - 1);
        assert_eq!((set.ranges().len(), set.count(0, u64::MAX)), (1, u64::MAX));
        assert_eq!(set.cut(u64::MAX, u64::MAX).count(0, u64::MAX), 1);
        assert_eq!(set.cut(7, 3), SeqRanges::default(), "the wrong way round is nothing");
        assert_eq!(set.ranges(), [SeqRange { first: 0, last: u64::MAX - 1 }]);
    }

    #[test]
    fn what_is_no_set_is_not_read() {
        let entry = |ranges: &[(u64, u64)]| {
            let mut bytes = Vec::new();
            SeqRanges(ranges.iter().map(|(first, last)| SeqRange { first: *first, last: *last }).collect())
                .put(&mut bytes);
            bytes
        };
        for ranges in [&[(3, 2)][..], &[(1, 5), (6, 7)], &[(1, 5), (4, 7)], &[(9, 9), (1, 1)]] {
            assert_eq!(SeqRanges::take(&entry(ranges)), None, "{ranges:?}");
        }
        let many: Vec<(u64, u64)> = (0..=RANGES_MAX as u64).map(|n| (n * 3, n * 3)).collect();
        assert_eq!(SeqRanges::take(&entry(&many)), None);
        let sound = entry(&many[..RANGES_MAX]);
        assert!((0..sound.len()).all(|end| SeqRanges::take(&sound[..end]).is_none()));
        assert!(SeqRanges::take(&sound).is_some());
    }
}
