//! Rule 11: how long answers took, counted one by one.

use super::{Out, Seen};

const BILLION: i128 = 1_000_000_000;

/// What is promised of a share of the answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The percentile, in parts per billion, is at most the bound.
    Percentile(i64),
    /// This share, in parts per billion, took at most the bound.
    Share(i64),
}

/// What the observations say of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Answers with a duration.
    pub n: u64,
    /// Failures, confirmed or not.
    pub failed: u64,
    /// What the agent could not measure.
    pub unknown: u64,
    /// Answers without a duration.
    pub no_duration: u64,
    /// The percentile's place, from 1.
    pub rank: Option<u64>,
    /// The percentile, in microseconds.
    pub value_us: Option<u64>,
    /// Whether it is met; none without an answer.
    pub met: Option<bool>,
}

/// Counts the settled observations of all vantage points that began in committed time.
pub fn response(vantages: &[Vec<Seen>], committed: &impl Fn(i64) -> bool, wanted: Wanted, below_us: u64) -> Told {
    let seen: Vec<Seen> = vantages.iter().flatten().filter(|one| committed(one.at)).copied().collect();
    let count = |of: &dyn Fn(&Seen) -> bool| seen.iter().filter(|one| of(one)).count() as u64;
    let answered = |one: &Seen| matches!(one.out, Out::Up | Out::Degraded);
    let within = |most: u64| count(&|one| answered(one) && one.us.is_some_and(|us| us <= most));
    let n = within(u64::MAX);
    let enough = |number: u64, share: i64| i128::from(number) * BILLION >= i128::from(share) * i128::from(n);
    let mut told = Told {
        n,
        failed: count(&|one| one.out == Out::Down),
        unknown: count(&|one| one.out == Out::Unknown),
        no_duration: count(&|one| answered(one) && one.us.is_none()),
        ..Told::default()
    };
    if n == 0 {
        return told;
    }
    match wanted {
        Wanted::Percentile(share) => {
            told.rank = (1..=n).find(|rank| enough(*rank, share));
            let mut durations: Vec<u64> = seen.iter().filter(|one| answered(one)).filter_map(|one| one.us).collect();
            durations.sort_unstable();
            durations.dedup();
            told.value_us = durations.into_iter().find(|us| enough(within(*us), share));
            told.met = told.value_us.map(|us| us <= below_us);
        }
        Wanted::Share(share) => told.met = Some(enough(within(below_us), share)),
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten answers of 10, 20, … 100 µs, a failure, an unknown, one without a duration, and a slow one too late.
    fn seen() -> Vec<Vec<Seen>> {
        let answer = |at: i64, us| Seen { at, out: Out::Up, us: Some(us) };
        let mut seen: Vec<Seen> = (1..10).map(|i| answer(i, 10 * i.unsigned_abs())).collect();
        seen.push(Seen::new(10, Out::Up));
        seen.push(Seen { at: 11, out: Out::Down, us: Some(5) });
        seen.push(Seen::new(12, Out::Unknown));
        let elsewhere = vec![Seen { at: 1, out: Out::Degraded, us: Some(100) }, answer(20, 1_000)];
        vec![seen, elsewhere]
    }

    fn told(wanted: Wanted, below_us: u64) -> Told {
        response(&seen(), &|at| at < 20, wanted, below_us)
    }

    #[test]
    fn the_nearest_rank_is_exact() {
        for (share, rank) in [(950_000_000, 10), (900_000_000, 9), (900_000_001, 10), (1, 1), (1_000_000_000, 10)] {
            let told = told(Wanted::Percentile(share), 90);
            assert_eq!((told.n, told.rank, told.value_us), (10, Some(rank), Some(10 * rank)));
            assert_eq!(told.met, Some(rank <= 9), "met at the bound itself");
        }
        let counts = told(Wanted::Share(1), 1);
        assert_eq!((counts.failed, counts.unknown, counts.no_duration), (1, 1, 1));
    }

    #[test]
    fn a_share_is_met_at_its_bound() {
        assert_eq!(told(Wanted::Share(500_000_000), 50).met, Some(true));
        assert_eq!(told(Wanted::Share(500_000_001), 50).met, Some(false));
        assert_eq!(told(Wanted::Share(500_000_000), 49).met, Some(false));
    }

    #[test]
    fn nothing_answered_is_no_data() {
        let told = response(&seen(), &|at| at == 11, Wanted::Percentile(950_000_000), 1);
        assert_eq!((told.n, told.failed, told.rank, told.value_us, told.met), (0, 1, None, None, None));
    }
}
