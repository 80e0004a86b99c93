//! Sections 7 and 10 of the rules: availability, its bounds, the verdict, and the error budget.
//!
//! All of it is whole milliseconds and exact ratios; products are taken in 128 bits.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::catalogue::model::{DegradedPolicy, UnmeasuredPolicy};
use crate::percent::{BILLION, Ppb, Ratio};

use super::kinds::Kinds;

/// What a target says of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum Verdict {
    /// The promise was kept.
    #[serde(rename = "met")]
    Met,
    /// It was not.
    #[serde(rename = "breached")]
    Breached,
    /// There is nothing to judge by.
    #[serde(rename = "no data")]
    NoData,
}

impl Verdict {
    /// As the figures write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Breached => "breached",
            Self::NoData => "no data",
        }
    }
}

/// What a target promises and how it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Promise {
    /// The share of time promised.
    pub target: Ppb,
    /// What becomes of time that was not measured.
    pub unmeasured: UnmeasuredPolicy,
    /// What becomes of time that was degraded.
    pub degraded: DegradedPolicy,
}

/// The availability of a window so far. Lengths are milliseconds, named as in the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Availability {
    /// `C`: committed time.
    pub committed: i64,
    /// `U`: of it, not measured.
    pub unmeasured: i64,
    /// `D`: of it, down.
    pub down: i64,
    /// `G`: of it, degraded.
    pub degraded: i64,
    /// `N`: what counts.
    pub counted: i64,
    /// `L`: of it, lost.
    pub lost: i64,
    /// `A`, if anything counts.
    pub ratio: Option<Ratio>,
    /// `A_min`: had all that was not measured been down.
    pub ratio_min: Option<Ratio>,
    /// `A_max`: had none of it been.
    pub ratio_max: Option<Ratio>,
    /// The measured share of the committed time.
    pub coverage: Option<Ratio>,
    /// Whether the promise was kept.
    pub verdict: Verdict,
    /// Whether what was not measured could have changed the verdict.
    pub not_proven: bool,
}

impl Availability {
    /// Judges `kinds` by `promise`.
    pub fn of(kinds: &Kinds, promise: Promise) -> Self {
        let committed = kinds.committed();
        let (unmeasured, down, degraded) = (kinds.unmeasured, kinds.down, kinds.degraded);
        let failed = match promise.degraded {
            DegradedPolicy::CountAsUp => down,
            DegradedPolicy::CountAsDown => down + degraded,
        };
        let (counted, lost) = match promise.unmeasured {
            UnmeasuredPolicy::Exclude => (committed - unmeasured, failed),
            UnmeasuredPolicy::CountAsDown => (committed, failed + unmeasured),
            UnmeasuredPolicy::CountAsUp => (committed, failed),
        };
        let (worst, best) = (committed - unmeasured - failed, committed - failed);
        let reaches = |good: i64| {
            i128::from(good) * i128::from(BILLION) >= i128::from(promise.target.parts()) * i128::from(committed)
        };
        let verdict = match counted {
            0 => Verdict::NoData,
            _ if kept(lost, counted, promise.target) => Verdict::Met,
            _ => Verdict::Breached,
        };
        Self {
            committed,
            unmeasured,
            down,
            degraded,
            counted,
            lost,
            ratio: Ratio::new(counted - lost, counted),
            ratio_min: Ratio::new(worst, committed),
            ratio_max: Ratio::new(best, committed),
            coverage: Ratio::new(committed - unmeasured, committed),
            verdict,
            not_proven: verdict != Verdict::NoData && reaches(worst) != reaches(best),
        }
    }

    /// The error budget, `future_ms` of committed time being still to come and taken as measured.
    pub fn budget(&self, promise: Promise, future_ms: i64) -> Budget {
        let whole_ms = self.counted + future_ms;
        let parts = i128::from(BILLION - promise.target.parts());
        let budget = (parts * i128::from(whole_ms)).div_euclid(i128::from(BILLION));
        let budget_ms = i64::try_from(budget).unwrap_or(i64::MAX);
        Budget { whole_ms, budget_ms, spent_ms: self.lost, remaining_ms: budget_ms - self.lost }
    }
}

/// The error budget of a window, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// `N_whole`: what will count once the window has passed, by today's knowledge.
    pub whole_ms: i64,
    /// `B`: what may be lost of it.
    pub budget_ms: i64,
    /// `L`: what was lost.
    pub spent_ms: i64,
    /// What is left; negative: the target can no longer be met.
    pub remaining_ms: i64,
}

/// `L × 10⁹ ≤ (10⁹ − t) × N`
fn kept(lost: i64, counted: i64, target: Ppb) -> bool {
    i128::from(lost) * i128::from(BILLION) <= i128::from(BILLION - target.parts()) * i128::from(counted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn promise(target: &str, unmeasured: UnmeasuredPolicy, degraded: DegradedPolicy) -> Promise {
        Promise { target: Ppb::parse(target).unwrap(), unmeasured, degraded }
    }

    fn kinds(up: i64, degraded: i64, down: i64, unmeasured: i64) -> Kinds {
        Kinds { up, degraded, down, unmeasured, ..Kinds::default() }
    }

    #[test]
    fn a_target_met_exactly_is_met_and_missed_by_a_millisecond_missed() {
        let strict = promise("99.9%", UnmeasuredPolicy::Exclude, DegradedPolicy::CountAsUp);
        let exact = Availability::of(&kinds(999_000, 0, 1_000, 0), strict);
        assert_eq!((exact.verdict, exact.ratio.unwrap().to_string().as_str()), (Verdict::Met, "999/1000"));
        let missed = Availability::of(&kinds(998_999, 0, 1_001, 0), strict);
        assert_eq!((missed.verdict, missed.ratio.unwrap().percent(2).as_str()), (Verdict::Breached, "99.89"));
    }

    #[test]
    fn policies_say_what_becomes_of_silence_and_slowness() {
        use DegradedPolicy as G;
        use UnmeasuredPolicy as U;
        let seen = kinds(60, 20, 10, 10);
        for (unmeasured, degraded, counted, lost) in [
            (U::Exclude, G::CountAsUp, 90, 10),
            (U::CountAsDown, G::CountAsUp, 100, 20),
            (U::CountAsUp, G::CountAsUp, 100, 10),
            (U::Exclude, G::CountAsDown, 90, 30),
            (U::CountAsDown, G::CountAsDown, 100, 40),
            (U::CountAsUp, G::CountAsDown, 100, 30),
        ] {
            let found = Availability::of(&seen, promise("50%", unmeasured, degraded));
            assert_eq!((found.counted, found.lost), (counted, lost), "{unmeasured:?} {degraded:?}");
            let parts = |r: Option<Ratio>| r.unwrap().parts_per_billion();
            assert!(parts(found.ratio_min) <= parts(found.ratio) && parts(found.ratio) <= parts(found.ratio_max));
        }
    }

    #[test]
    fn nothing_counted_is_no_data_and_nothing_committed_has_no_bounds() {
        let exclude = promise("99%", UnmeasuredPolicy::Exclude, DegradedPolicy::CountAsUp);
        let unseen = Availability::of(&kinds(0, 0, 0, 50), exclude);
        assert_eq!((unseen.verdict, unseen.ratio, unseen.not_proven), (Verdict::NoData, None, false));
        assert_eq!(unseen.coverage.unwrap().to_string(), "0/1");
        let nothing = Availability::of(&kinds(0, 0, 0, 0), exclude);
        assert_eq!((nothing.verdict, nothing.ratio_min, nothing.coverage), (Verdict::NoData, None, None));
    }

    #[test]
    fn what_silence_could_have_changed_is_not_proven() {
        let exclude = promise("90%", UnmeasuredPolicy::Exclude, DegradedPolicy::CountAsUp);
        assert!(!Availability::of(&kinds(90, 0, 5, 5), exclude).not_proven);
        assert!(Availability::of(&kinds(89, 0, 5, 6), exclude).not_proven);
        assert!(!Availability::of(&kinds(50, 0, 40, 10), exclude).not_proven);
    }

    #[test]
    fn the_budget_is_that_of_the_whole_window() {
        let strict = promise("99.9%", UnmeasuredPolicy::Exclude, DegradedPolicy::CountAsUp);
        let found = Availability::of(&kinds(500_000, 0, 700, 300), strict).budget(strict, 499_000);
        let expected = Budget { whole_ms: 999_700, budget_ms: 999, spent_ms: 700, remaining_ms: 299 };
        assert_eq!(found, expected);
    }
}
