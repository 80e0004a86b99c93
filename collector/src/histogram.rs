//! How often something took how long, or was how large: counted in buckets that never change. Pure.

/// Most buckets of a scale, with the one beyond its last bound.
const BUCKETS_MAX: usize = 13;

/// What is counted, and with it the bounds of the buckets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scale {
    /// Lengths of time in microseconds, from a millisecond to ten seconds.
    #[default]
    Times,
    /// Numbers of things that are taken at once.
    Sizes,
}

impl Scale {
    /// The upper bound of every bucket but the last, which has none.
    pub const fn bounds(self) -> &'static [u64] {
        match self {
            Self::Times => &[
                1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
                10_000_000,
            ],
            Self::Sizes => &[1, 2, 4, 8, 16, 32, 64, 128, 256],
        }
    }
}

/// What was counted since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    scale: Scale,
    buckets: [u64; BUCKETS_MAX],
    sum: u64,
}

impl Histogram {
    /// Nothing counted yet.
    pub const fn new(scale: Scale) -> Self {
        Self { scale, buckets: [0; BUCKETS_MAX], sum: 0 }
    }

    /// Counts one.
    pub fn observe(&mut self, value: u64) {
        let place = self.scale.bounds().partition_point(|bound| *bound < value);
        if let Some(bucket) = self.buckets.get_mut(place) {
            *bucket += 1;
        }
        self.sum = self.sum.saturating_add(value);
    }

    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// All of them added up.
    pub const fn sum(&self) -> u64 {
        self.sum
    }

    /// Each bound with how many were at most that.
    pub fn cumulative(&self) -> impl Iterator<Item = (u64, u64)> {
        let mut below = 0;
        self.scale.bounds().iter().zip(self.buckets).map(move |(bound, bucket)| {
            below += bucket;
            (*bound, below)
        })
    }

    /// The least bound that `percent` of what was counted kept to; none if nothing was counted, or it kept to none.
    pub fn kept_to(&self, percent: u64) -> Option<u64> {
        let wanted = u128::from(self.count()) * u128::from(percent);
        let enough = |(_, count): &(u64, u64)| *count > 0 && u128::from(*count) * 100 >= wanted;
        self.cumulative().find(enough).map(|(bound, _)| bound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_at_a_bound_lies_within_it_and_nothing_is_too_large_to_be_counted() {
        for scale in [Scale::Times, Scale::Sizes] {
            assert!(scale.bounds().len() < BUCKETS_MAX && scale.bounds().is_sorted());
        }
        let mut sizes = Histogram::new(Scale::Sizes);
        for value in [0, 1, 2, 3, 4, 256, 257, u64::MAX] {
            sizes.observe(value);
        }
        let cumulative: Vec<(u64, u64)> = sizes.cumulative().collect();
        assert_eq!(cumulative, [(1, 2), (2, 3), (4, 5), (8, 5), (16, 5), (32, 5), (64, 5), (128, 5), (256, 6)]);
        assert_eq!((sizes.count(), sizes.sum()), (8, u64::MAX));
    }

    #[test]
    fn what_a_share_kept_to_is_a_bound() {
        let mut times = Histogram::default();
        assert_eq!(times.kept_to(50), None);
        for _ in 0..99 {
            times.observe(3_000);
        }
        times.observe(400_000);
        let kept = [0, 50, 99, 100].map(|percent| times.kept_to(percent));
        assert_eq!(kept, [Some(5_000), Some(5_000), Some(5_000), Some(500_000)]);
        times.observe(11_000_000);
        assert_eq!(times.kept_to(100), None);
    }
}
