//! Many values, of which only those are kept that can have the percentile's rank once more values join them.
//!
//! With n values and up to [`LOOSE_MAX`] more, the nearest rank lies between `rank(n + LOOSE_MAX) − LOOSE_MAX` and
//! `rank(n + LOOSE_MAX)` among the n: what lies outside is only counted.

use uphold_common::measure::capacity::nearest_rank;
use uphold_common::percent::Ppb;

/// Most values that may join.
pub(crate) const LOOSE_MAX: usize = 14_000;

/// Values in order, those that matter.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ranked {
    n: u64,
    /// The rank of the first of `values`, counted from 1.
    first: u64,
    values: Vec<i64>,
}

impl Ranked {
    /// The lowest and the highest rank among `n` values that can matter to `percentile`.
    pub(crate) fn reach(percentile: Ppb, n: u64) -> (u64, u64) {
        let more = LOOSE_MAX as u64;
        let highest = nearest_rank(percentile, n + more).unwrap_or(1);
        (highest.saturating_sub(more).max(1), highest)
    }

    /// `values` are those of `n` from the rank `first` on that can matter, in order.
    pub(crate) const fn picked(n: u64, first: u64, values: Vec<i64>) -> Self {
        Self { n, first, values }
    }

    /// Keeps of `all` what can matter to `percentile`.
    pub(crate) fn of(mut all: Vec<i64>, percentile: Ppb) -> Self {
        let n = all.len() as u64;
        let (first, highest) = Self::reach(percentile, n);
        let skipped = usize::try_from(first - 1).unwrap_or(usize::MAX).min(all.len());
        if skipped > 0 && skipped < all.len() {
            all.select_nth_unstable(skipped);
        }
        all.drain(..skipped);
        let wanted = usize::try_from(highest + 1 - first).unwrap_or(usize::MAX);
        if wanted < all.len() {
            all.select_nth_unstable(wanted);
            all.truncate(wanted);
        }
        all.sort_unstable();
        all.shrink_to_fit();
        Self { n, first, values: all }
    }

    /// How many values there are.
    pub(crate) const fn n(&self) -> u64 {
        self.n
    }

    /// The value of the percentile's `rank` among these and `loose`, which are in order; none if that lies outside of
    /// what was kept, as it can when more than [`LOOSE_MAX`] join.
    pub(crate) fn nth(&self, rank: u64, loose: &[i64]) -> Option<i64> {
        // How many of the first `rank` are ours: the fewest with which none of the others is above our next one.
        let (mut fewest, mut most) = (rank.saturating_sub(loose.len() as u64), rank.min(self.n));
        while fewest < most {
            let ours = fewest + (most - fewest) / 2;
            if loose_at(loose, rank - ours)? <= self.at(ours + 1)? {
                most = ours;
            } else {
                fewest = ours + 1;
            }
        }
        let theirs = rank.checked_sub(fewest)?;
        match (fewest, theirs) {
            (0, _) => loose_at(loose, theirs),
            (_, 0) => self.at(fewest),
            _ => Some(self.at(fewest)?.max(loose_at(loose, theirs)?)),
        }
    }

    /// Our value of this rank.
    fn at(&self, rank: u64) -> Option<i64> {
        self.values.get(usize::try_from(rank.checked_sub(self.first)?).ok()?).copied()
    }
}

fn loose_at(loose: &[i64], rank: u64) -> Option<i64> {
    loose.get(usize::try_from(rank.checked_sub(1)?).ok()?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that look like chance and are the same every time.
    fn made_up(count: u64, spread: u64, seed: u64) -> Vec<i64> {
        let mix = |i: u64| (i + seed).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29).wrapping_mul(0xbf58_476d);
        (0..count).map(|i| i64::try_from((mix(i) >> 13) % spread).unwrap()).collect()
    }

    #[test]
    fn the_percentile_is_that_of_all_values() {
        for percentile in ["0.0000001%", "5%", "50%", "95%", "99.9%", "100%"].map(|p| Ppb::parse(p).unwrap()) {
            for (n, spread) in [(0, 5), (1, 5), (20, 3), (3_000, 40), (60_000, 1_000_000)] {
                let all = made_up(n, spread, 7);
                let kept = Ranked::of(all.clone(), percentile);
                assert!(kept.values.len() <= LOOSE_MAX + 1, "{} kept", kept.values.len());
                for more in [0, 1, 2, 19, 5_000, LOOSE_MAX as u64] {
                    let mut loose = made_up(more, spread * 2, 99);
                    loose.sort_unstable();
                    let mut union: Vec<i64> = all.iter().chain(&loose).copied().collect();
                    union.sort_unstable();
                    let Some(rank) = nearest_rank(percentile, n + more) else { continue };
                    let expected = union[usize::try_from(rank).unwrap() - 1];
                    assert_eq!(kept.nth(rank, &loose), Some(expected), "{percentile} of {n} and {more}");
                }
            }
        }
    }
}
