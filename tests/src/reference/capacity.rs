//! The use of a resource: at each instant the newest reading is looked up anew, and the percentile is found by counting.

/// How long a reading speaks: twice the interval of 15 s at which hosts are read.
const REACH_MS: i64 = 30_000;
const BILLION: i128 = 1_000_000_000;

/// One reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Read {
    /// When.
    pub at: i64,
    /// How much was in use.
    pub used: u64,
    /// How much there was.
    pub limit: u64,
}

/// A question about one resource.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The unit of time that everything in the question is a multiple of.
    pub tick_ms: i64,
    /// The window.
    pub window: (i64, i64),
    /// The service's entry.
    pub entry: i64,
    /// The present.
    pub now: i64,
    /// The percentile, in parts per billion.
    pub percentile_ppb: i64,
    /// The warning, in parts per billion.
    pub warning_ppb: Option<i64>,
    /// The critical threshold, in parts per billion.
    pub critical_ppb: Option<i64>,
}

/// The answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Use {
    /// Committed time so far.
    pub committed_ms: i64,
    /// Of it, at or above the warning.
    pub warning_ms: Option<i64>,
    /// Of it, at or above the critical threshold.
    pub critical_ms: Option<i64>,
    /// Of it, with no reading that speaks.
    pub unmeasured_ms: i64,
    /// Readings in committed time, those of one instant counted once.
    pub n: u64,
    /// The percentile's place among them, from 1.
    pub rank: Option<u64>,
    /// The percentile.
    pub percentile_ppb: Option<i64>,
    /// `no data`, `ok`, `warning` or `critical`.
    pub state: &'static str,
}

impl Ask {
    /// What the readings say, in whatever order they are told.
    pub fn answer(&self, readings: &[Read]) -> Use {
        let committed = |t: i64| t >= self.window.0 && t < self.window.1 && t >= self.entry && t < self.now;
        let mut told = Use { state: "no data", ..Use::default() };
        let zero = |threshold: Option<i64>| threshold.map(|_| 0);
        (told.warning_ms, told.critical_ms) = (zero(self.warning_ppb), zero(self.critical_ppb));
        let mut t = self.window.0;
        while t < self.window.1 {
            if committed(t) {
                told.committed_ms += self.tick_ms;
                match self.speaking(readings, t) {
                    None => told.unmeasured_ms += self.tick_ms,
                    Some(share) => {
                        let count = |sum: &mut Option<i64>, threshold: Option<i64>| {
                            if threshold.is_some_and(|threshold| i128::from(threshold) <= share) {
                                *sum = sum.map(|ms| ms + self.tick_ms);
                            }
                        };
                        count(&mut told.warning_ms, self.warning_ppb);
                        count(&mut told.critical_ms, self.critical_ppb);
                    }
                }
            }
            t += self.tick_ms;
        }
        let mut instants: Vec<i64> = readings.iter().map(|read| read.at).filter(|at| committed(*at)).collect();
        instants.sort_unstable();
        instants.dedup();
        let shares: Vec<i128> = instants.iter().filter_map(|at| highest(readings, *at)).collect();
        self.percentile(&shares, &mut told);
        told
    }

    /// The share in use at `t`, by the newest reading that is not too old.
    fn speaking(&self, readings: &[Read], t: i64) -> Option<i128> {
        let newest = readings.iter().map(|read| read.at).filter(|at| *at <= t && *at < self.now).max()?;
        if t - newest < REACH_MS { highest(readings, newest) } else { None }
    }

    /// The smallest share that enough of them do not exceed.
    fn percentile(&self, shares: &[i128], told: &mut Use) {
        let n = shares.len() as i128;
        told.n = shares.len() as u64;
        if n == 0 {
            return;
        }
        let enough = |count: i128| count * BILLION >= i128::from(self.percentile_ppb) * n;
        told.rank = (1..=n).find(|rank| enough(*rank)).and_then(|rank| u64::try_from(rank).ok());
        let at_most = |most: i128| shares.iter().filter(|share| **share <= most).count() as i128;
        let share = shares.iter().copied().filter(|share| enough(at_most(*share))).min();
        told.percentile_ppb = share.and_then(|share| i64::try_from(share).ok());
        let reached =
            |threshold: Option<i64>| threshold.zip(told.percentile_ppb).is_some_and(|(at, share)| share >= at);
        told.state = match (reached(self.warning_ppb), reached(self.critical_ppb)) {
            (_, true) => "critical",
            (true, false) => "warning",
            (false, false) => "ok",
        };
    }
}

/// The highest share that was read at an instant, in parts per billion, cut.
fn highest(readings: &[Read], at: i64) -> Option<i128> {
    readings
        .iter()
        .filter(|read| read.at == at)
        .map(|read| i128::from(read.used) * BILLION / i128::from(read.limit))
        .max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_story_that_can_be_followed_by_hand() {
        let ask = Ask {
            tick_ms: 5_000,
            window: (0, 100_000),
            entry: 10_000,
            now: 80_000,
            percentile_ppb: 500_000_000,
            warning_ppb: Some(500_000_000),
            critical_ppb: Some(800_000_000),
        };
        let read = |at, used| Read { at, used, limit: 10 };
        // Speaks 10–15 at 9, 15–20 at 4 and again at 5 (the higher counts), 20–50 at 8, then nobody until 70.
        let told = ask.answer(&[
            read(0, 9),
            read(15_000, 4),
            read(15_000, 5),
            read(20_000, 8),
            read(70_000, 1),
            read(80_000, 9),
        ]);
        assert_eq!((told.committed_ms, told.unmeasured_ms), (70_000, 20_000));
        assert_eq!((told.warning_ms, told.critical_ms), (Some(40_000), Some(35_000)));
        assert_eq!((told.n, told.rank, told.percentile_ppb, told.state), (3, Some(2), Some(500_000_000), "warning"));
        assert_eq!(ask.answer(&[]).state, "no data");
    }
}
