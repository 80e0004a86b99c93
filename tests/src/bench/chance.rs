//! Random numbers that are the same in every run: both sides are given the same values.

/// A generator of 64-bit numbers (splitmix64): quick, so that the load is made while it is sent.
#[derive(Clone, Debug)]
pub(super) struct Chance(u64);

impl Chance {
    /// One for each seed.
    pub(super) fn new(seed: u64) -> Self {
        let mut chance = Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03);
        chance.next();
        chance
    }

    /// The next number.
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to just below 1.
    pub(super) fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// From `least` to `most`, both included.
    pub(super) fn between(&mut self, least: i64, most: i64) -> i64 {
        let count = most.abs_diff(least) + 1;
        least.saturating_add_unsigned(self.next() % count)
    }
}

/// How many factors are drawn from.
const FACTORS: usize = 1 << 16;
/// How widely durations are spread: the deviation of their logarithm.
const SPREAD: f64 = 0.35;

/// Lognormal factors around 1, out of a table that keeps drawing cheap.
#[derive(Debug)]
pub(super) struct Lognormal(Vec<f64>);

impl Lognormal {
    /// The table.
    pub(super) fn new() -> Self {
        let mut chance = Chance::new(7);
        let factor = |_| {
            let (radius, angle) = (chance.fraction().max(1e-12), chance.fraction());
            let normal = (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos();
            (SPREAD * normal).exp()
        };
        Self((0..FACTORS).map(factor).collect())
    }

    /// A factor of the table, up to half a percent more or less, so that durations do not repeat.
    pub(super) fn draw(&self, chance: &mut Chance) -> f64 {
        let place = chance.next() as usize % FACTORS;
        self.0.get(place).copied().unwrap_or(1.0) * (0.995 + 0.01 * chance.fraction())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers_within_their_bounds() {
        let (mut one, mut same, mut other) = (Chance::new(1), Chance::new(1), Chance::new(2));
        let drawn: Vec<u64> = (0..100).map(|_| one.next()).collect();
        assert!(drawn.iter().all(|number| *number == same.next()));
        assert_ne!(drawn, (0..100).map(|_| other.next()).collect::<Vec<_>>());
        let jitter: Vec<i64> = (0..10_000).map(|_| one.between(-20, 20)).collect();
        assert_eq!((jitter.iter().min(), jitter.iter().max()), (Some(&-20), Some(&20)));
    }

    #[test]
    fn durations_spread_around_their_median() {
        let (table, mut chance) = (Lognormal::new(), Chance::new(3));
        let mut drawn: Vec<f64> = (0..10_001).map(|_| table.draw(&mut chance)).collect();
        drawn.sort_by(f64::total_cmp);
        assert!((drawn[5_000] - 1.0).abs() < 0.02, "median {}", drawn[5_000]);
        // One deviation above the median lie 84 in a hundred.
        assert!((drawn[8_413] - SPREAD.exp()).abs() < 0.05, "{}", drawn[8_413]);
    }
}
