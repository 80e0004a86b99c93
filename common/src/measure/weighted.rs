//! The end of section 7 of the rules: the availability of several services, each weighted by its users.

use crate::percent::WideRatio;

use super::availability::Availability;

/// `Σ wᵢ (Nᵢ − Lᵢ) / Σ wᵢ Nᵢ` over pairs of a weight and an availability; none if nothing counts, or the sums leave the
/// numbers there are.
pub fn weighted<'a>(services: impl IntoIterator<Item = (u64, &'a Availability)>) -> Option<WideRatio> {
    let (mut good, mut counted) = (0_i128, 0_i128);
    for (weight, availability) in services {
        let weight = i128::from(weight);
        good = good.checked_add(weight.checked_mul(i128::from(availability.counted - availability.lost))?)?;
        counted = counted.checked_add(weight.checked_mul(i128::from(availability.counted))?)?;
    }
    WideRatio::new(good, counted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::model::{DegradedPolicy, UnmeasuredPolicy};
    use crate::measure::availability::Promise;
    use crate::measure::kinds::Kinds;
    use crate::percent::Ppb;

    fn of(up: i64, down: i64) -> Availability {
        let promise = Promise {
            target: Ppb::parse("99%").unwrap(),
            unmeasured: UnmeasuredPolicy::Exclude,
            degraded: DegradedPolicy::CountAsUp,
        };
        Availability::of(&Kinds { up, down, unmeasured: 7, ..Kinds::default() }, promise)
    }

    #[test]
    fn many_users_weigh_more_and_what_has_no_data_weighs_nothing() {
        let (good, bad, silent) = (of(1_000, 0), of(500, 500), of(0, 0));
        let text =
            |services: &[(u64, &Availability)]| weighted(services.iter().copied()).map(|ratio| ratio.to_string());
        assert_eq!(text(&[(3, &good), (1, &bad)]).as_deref(), Some("7/8"));
        assert_eq!(text(&[(3, &good), (1, &bad), (900, &silent)]).as_deref(), Some("7/8"));
        assert_eq!(text(&[(0, &good), (5, &bad)]).as_deref(), Some("1/2"));
        assert_eq!(text(&[(0, &good)]), None);
        assert_eq!(text(&[(1, &silent)]), None);
        assert_eq!(text(&[]), None);
        let year = of(31_536_000_000, 1);
        assert_eq!(text(&[(u64::MAX, &year)]).as_deref(), Some("31536000000/31536000001"));
    }
}
