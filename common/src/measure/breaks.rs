//! Section 8 of the rules: breaks, their means, and the targets set on them.
//!
//! A break is a stretch of committed time in state down; two such stretches are one if no committed time lies between
//! them. Means are kept as a sum over a count and compared exactly; printed, they are cut to whole milliseconds.

use std::collections::BTreeMap;

use crate::catalogue::model::BreakTargets;
use crate::percent::Ratio;
use crate::time::{Instant, Interval};

use super::availability::Verdict;
use super::kinds::{Account, Kind};

/// One break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Break {
    /// Its first committed instant.
    pub start: Instant,
    /// The end of its last committed instant.
    pub end: Instant,
    /// How much of that is committed time.
    pub committed_ms: i64,
}

/// The breaks of a window, and what they mean together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breaks {
    /// In order.
    pub all: Vec<Break>,
    down_ms: i64,
    measured_ms: i64,
}

impl Breaks {
    /// The breaks in an account.
    pub fn of(account: &Account) -> Self {
        let mut all: Vec<Break> = Vec::new();
        let mut continues = false;
        for stretch in &account.stretches {
            let Interval { start, end } = stretch.interval;
            let committed_ms = stretch.interval.len_ms();
            match (stretch.kind, all.last_mut()) {
                (Kind::Down, Some(last)) if continues => {
                    last.end = end;
                    last.committed_ms += committed_ms;
                }
                (Kind::Down, _) => {
                    all.push(Break { start, end, committed_ms });
                    continues = true;
                }
                (kind, _) => continues &= !kind.is_committed(),
            }
        }
        let kinds = &account.kinds;
        Self { all, down_ms: kinds.down, measured_ms: kinds.committed() - kinds.unmeasured }
    }

    fn count(&self) -> i64 {
        i64::try_from(self.all.len()).unwrap_or(i64::MAX)
    }

    /// `sum_ms` over the number of breaks; none without a break.
    fn mean(&self, sum_ms: i64) -> Option<Ratio> {
        Ratio::new(sum_ms, self.count())
    }

    /// The longest break's committed time.
    pub fn longest_ms(&self) -> Option<i64> {
        self.all.iter().map(|b| b.committed_ms).max()
    }

    /// Mean time to restore service, exactly: `D / breaks` milliseconds.
    pub fn mtrs(&self) -> Option<Ratio> {
        self.mean(self.down_ms)
    }

    /// Mean time between failures, exactly: `(C − U − D) / breaks` milliseconds.
    pub fn mtbf(&self) -> Option<Ratio> {
        self.mean(self.measured_ms - self.down_ms)
    }

    /// Mean time between service incidents, exactly: `MTBF + MTRS`, which is `(C − U) / breaks` milliseconds.
    pub fn mtbsi(&self) -> Option<Ratio> {
        self.mean(self.measured_ms)
    }

    /// [`Self::mtrs`], cut to whole milliseconds.
    pub fn mtrs_ms(&self) -> Option<i64> {
        self.mtrs().map(Ratio::whole)
    }

    /// [`Self::mtbf`], cut to whole milliseconds.
    pub fn mtbf_ms(&self) -> Option<i64> {
        self.mtbf().map(Ratio::whole)
    }

    /// [`Self::mtbsi`], cut to whole milliseconds.
    pub fn mtbsi_ms(&self) -> Option<i64> {
        self.mtbsi().map(Ratio::whole)
    }

    /// The verdicts on the targets that are set, by their names in the catalogue.
    pub fn verdicts(&self, targets: &BreakTargets) -> BTreeMap<&'static str, Verdict> {
        let count = i128::from(self.count());
        let times = |ms: i64| i128::from(ms) * count;
        let checks = [
            ("at_most", targets.at_most.map(|most| count <= i128::from(most))),
            ("longest", targets.longest_ms.map(|most| self.longest_ms().is_none_or(|longest| longest <= most))),
            ("mtrs", targets.mtrs_ms.map(|most| i128::from(self.down_ms) <= times(most))),
            ("mtbsi", targets.mtbsi_ms.map(|least| i128::from(self.measured_ms) >= times(least))),
        ];
        let nothing_seen = self.all.is_empty() && self.measured_ms == 0;
        let verdict = |kept| match kept {
            _ if nothing_seen => Verdict::NoData,
            true => Verdict::Met,
            false => Verdict::Breached,
        };
        checks.into_iter().filter_map(|(name, kept)| Some((name, verdict(kept?)))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::timeline::Timeline;
    use crate::observation::State;

    fn account(row: &str, entry: i64) -> Account {
        let mut states = Timeline::default();
        for (i, c) in row.chars().enumerate() {
            let state = match c {
                'D' => State::Down,
                'u' => State::Up,
                _ => State::Unmeasured,
            };
            let i = i as i64;
            states.push(Interval::new(Instant::from_ms(i), Instant::from_ms(i + 1)), state);
        }
        let end = Instant::from_ms(row.len() as i64);
        Account::of(Interval::new(Instant::from_ms(0), end), Instant::from_ms(entry), &states)
    }

    #[test]
    fn breaks_are_cut_to_committed_time_and_have_means() {
        let breaks = Breaks::of(&account("DDDuuDuu..DD", 1));
        let found: Vec<_> = breaks.all.iter().map(|b| (b.start.as_ms(), b.end.as_ms(), b.committed_ms)).collect();
        assert_eq!(found, [(1, 3, 2), (5, 6, 1), (10, 12, 2)]);
        assert_eq!(breaks.longest_ms(), Some(2));
        assert_eq!((breaks.mtrs_ms(), breaks.mtbf_ms(), breaks.mtbsi_ms()), (Some(1), Some(1), Some(3)));
        let exact = [breaks.mtrs(), breaks.mtbf(), breaks.mtbsi()].map(|mean| mean.unwrap().to_string());
        assert_eq!(exact, ["5/3", "4/3", "3/1"]);
        let verdicts = breaks.verdicts(&BreakTargets {
            at_most: Some(3),
            longest_ms: Some(1),
            mtrs_ms: Some(1),
            mtbsi_ms: Some(3),
        });
        let expected = [
            ("at_most", Verdict::Met),
            ("longest", Verdict::Breached),
            ("mtbsi", Verdict::Met),
            ("mtrs", Verdict::Breached),
        ];
        assert_eq!(verdicts, expected.into_iter().collect());
    }

    #[test]
    fn without_a_break_targets_are_met_if_anything_was_seen() {
        let targets = BreakTargets { at_most: Some(0), mtbsi_ms: Some(5), ..BreakTargets::default() };
        let quiet = Breaks::of(&account("uuu", 0));
        assert_eq!((quiet.mtrs_ms(), quiet.longest_ms()), (None, None));
        assert!(quiet.verdicts(&targets).values().all(|v| *v == Verdict::Met));
        assert!(Breaks::of(&account("...", 0)).verdicts(&targets).values().all(|v| *v == Verdict::NoData));
    }

    #[test]
    fn only_committed_time_parts_two_breaks() {
        let mut account = account("DuD", 0);
        account.stretches[1].kind = Kind::Excluded;
        let breaks = Breaks::of(&account);
        assert_eq!(breaks.all, [Break { start: Instant::from_ms(0), end: Instant::from_ms(3), committed_ms: 2 }]);
    }
}
