//! Section 13 of the rules: what a closed window that was missed earns its customer.

use crate::catalogue::model::CreditStep;
use crate::percent::{BILLION, Ppb};

use super::availability::Availability;

/// The deepest of `steps` whose bound the availability is below; none of a window that is open, or without data.
pub fn credit(steps: &[CreditStep], availability: &Availability, is_open: bool) -> Option<CreditStep> {
    let earned = |step: &&CreditStep| !is_open && is_below(availability, step.below);
    steps.iter().filter(earned).min_by_key(|step| step.below.parts()).copied()
}

/// A credit as the figures write it: `10`.
pub fn text(step: CreditStep) -> String {
    step.percent.to_string().trim_end_matches('%').to_owned()
}

/// `(N − L) × 10⁹ < bound × N`; never without data.
fn is_below(availability: &Availability, bound: Ppb) -> bool {
    let Availability { counted, lost, .. } = *availability;
    i128::from(counted - lost) * i128::from(BILLION) < i128::from(bound.parts()) * i128::from(counted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::model::{DegradedPolicy, UnmeasuredPolicy};
    use crate::measure::availability::Promise;
    use crate::measure::kinds::Kinds;

    fn step(below: &str, percent: &str) -> CreditStep {
        CreditStep { below: Ppb::parse(below).unwrap(), percent: Ppb::parse(&format!("{percent}%")).unwrap() }
    }

    #[test]
    fn the_deepest_step_counts_once_the_window_is_closed() {
        let steps = [step("99%", "25"), step("99.9%", "10"), step("100%", "0.50")];
        let promise = Promise {
            target: Ppb::parse("99.9%").unwrap(),
            unmeasured: UnmeasuredPolicy::Exclude,
            degraded: DegradedPolicy::CountAsUp,
        };
        for (down, of, expected) in [
            (0, 1_000_000, None),
            (1, 1_000_000, Some("0.50")),
            (1_000, 1_000_000, Some("0.50")),
            (1_001, 1_000_000, Some("10")),
            (10_000, 1_000_000, Some("10")),
            (10_001, 1_000_000, Some("25")),
            (1_000_000, 1_000_000, Some("25")),
            (0, 0, None),
        ] {
            let kinds = Kinds { up: of - down, down, unmeasured: 500, ..Kinds::default() };
            let availability = Availability::of(&kinds, promise);
            assert_eq!(credit(&steps, &availability, false).map(text).as_deref(), expected, "{down} of {of}");
            assert_eq!(credit(&steps, &availability, true), None);
        }
    }
}
