//! The gauges of a host: 40 numbers that move as those of a host do, each under a limit that stays.
//!
//! They are named as readings of capacity, because that is what the collector keeps under a limit; what is a counter on
//! a real host is one here too, under a limit it never reaches.

use uphold_common::observation::Resource;

use super::chance::Chance;

/// How many a host has.
pub(super) const COUNT: usize = 40;

const GIB: u64 = 1 << 30;
const PAGE: u64 = 4_096;
/// The limit of what only grows.
const FAR: u64 = 1 << 50;

/// How a gauge moves from one reading to the next.
#[derive(Clone, Copy, Debug)]
enum Motion {
    /// Up or down by at most so many units.
    Walks { most: i64, unit: u64 },
    /// Every third time or so, by up to 30 pages up or 10 down.
    Fills,
    /// Up, by about so much.
    Counts(f64),
    /// Not at all.
    Stays,
}

/// Several gauges of a kind: resource, names, limit, motion.
type Kind = (Resource, &'static [&'static str], u64, Motion);

const KINDS: [Kind; 6] = [
    // Hundredths of a percent.
    (Resource::Cpu, &["0", "1", "2", "3", "4", "5", "6", "7"], 10_000, Motion::Walks { most: 400, unit: 1 }),
    (
        Resource::Memory,
        &["used", "free", "cached", "buffers", "slab", "swap"],
        8 * GIB,
        Motion::Walks { most: 500, unit: PAGE },
    ),
    (Resource::Filesystem, &["/", "/var", "/home", "/srv", "/backup"], 100 * GIB, Motion::Fills),
    (Resource::Swap, &["a", "b", "c", "d", "e", "f"], 4 * GIB, Motion::Stays),
    (
        Resource::Filesystem,
        &["rx0", "tx0", "rx1", "tx1", "rx2", "tx2", "read-a", "write-a", "read-b", "write-b", "switches", "interrupts"],
        FAR,
        Motion::Counts(1e6),
    ),
    // Hundredths of a load.
    (Resource::Cpu, &["load-1", "load-5", "load-15"], 100_000, Motion::Walks { most: 5, unit: 1 }),
];

/// One gauge.
#[derive(Clone, Debug)]
pub(super) struct Gauge {
    resource: Resource,
    of: &'static str,
    limit: u64,
    motion: Motion,
    now: u64,
}

/// The gauges of one host.
pub(super) fn of_a_host(chance: &mut Chance) -> Vec<Gauge> {
    let mut gauges = Vec::with_capacity(COUNT);
    for (resource, names, limit, motion) in KINDS {
        for of in names {
            let begins = match motion {
                Motion::Walks { unit, .. } => (limit as f64 * (0.2 + 0.4 * chance.fraction())) as u64 / unit * unit,
                Motion::Fills => (limit as f64 * 0.6 * chance.fraction()) as u64 / PAGE * PAGE,
                Motion::Counts(_) => (1e9 * chance.fraction()) as u64,
                Motion::Stays => limit / 4,
            };
            gauges.push(Gauge { resource, of, limit, motion, now: begins });
        }
    }
    gauges
}

impl Gauge {
    /// Of which kind of resource it is.
    pub(super) const fn resource(&self) -> Resource {
        self.resource
    }

    /// Which one of its kind.
    pub(super) const fn of(&self) -> &'static str {
        self.of
    }

    /// The most it can be.
    pub(super) const fn limit(&self) -> u64 {
        self.limit
    }

    /// Moves it and reads it.
    pub(super) fn read(&mut self, chance: &mut Chance) -> u64 {
        let by = match self.motion {
            Motion::Walks { most, unit } => chance.between(-most, most) * unit.cast_signed(),
            Motion::Fills if chance.fraction() < 0.3 => chance.between(-10, 30) * PAGE.cast_signed(),
            Motion::Counts(rate) => (rate * (0.7 + 0.6 * chance.fraction())) as i64,
            Motion::Fills | Motion::Stays => 0,
        };
        self.now = self.now.saturating_add_signed(by).min(self.limit);
        self.now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_forty_gauges_of_different_names_that_stay_under_their_limits() {
        let mut chance = Chance::new(1);
        let mut gauges = of_a_host(&mut chance);
        assert_eq!(gauges.len(), COUNT);
        let mut names: Vec<_> = gauges.iter().map(|gauge| (gauge.resource, gauge.of)).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), COUNT);
        for _ in 0..1_000 {
            assert!(gauges.iter_mut().all(|gauge| gauge.read(&mut chance) <= gauge.limit()));
        }
        let constant = of_a_host(&mut Chance::new(1)).iter().zip(&gauges).filter(|(a, b)| a.now == b.now).count();
        assert_eq!(constant, 6, "as many stay as are said to");
    }
}
