//! What is said of figures: users' weights of rule 7, targets on breaks of rule 8, credits of rule 13.

use super::figures::Figures;
use super::fraction;

/// One billion: shares are whole parts of it.
const BILLION: i128 = 1_000_000_000;

/// The availability of several services, each with how many use it.
pub fn weighted(services: &[(i64, &Figures)]) -> Option<(i128, i128)> {
    let sum = |of: fn(&Figures) -> i64| services.iter().map(|(w, f)| i128::from(*w) * i128::from(of(f))).sum();
    fraction(sum(|f| f.counted - f.lost), sum(|f| f.counted))
}

/// Targets on breaks, each as it is in the catalogue; lengths in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BreakTargets {
    /// At most so many.
    pub at_most: Option<i64>,
    /// None longer.
    pub longest: Option<i64>,
    /// The mean time to restore service at most this.
    pub mtrs: Option<i64>,
    /// The mean time between service incidents at least this.
    pub mtbsi: Option<i64>,
}

/// For each target on breaks its name and whether it is met; none without data.
pub fn breaks(targets: &BreakTargets, figures: &Figures) -> Vec<(&'static str, Option<bool>)> {
    let at_most = |mean: Option<(i128, i128)>, most: i64| mean.is_none_or(|(a, b)| a <= i128::from(most) * b);
    let at_least = |mean: Option<(i128, i128)>, least: i64| mean.is_none_or(|(a, b)| a >= i128::from(least) * b);
    // In the order of their names.
    let kept = [
        ("at_most", targets.at_most.map(|most| figures.breaks.len() as i64 <= most)),
        ("longest", targets.longest.map(|longest| figures.breaks.iter().all(|b| b.2 <= longest))),
        ("mtbsi", targets.mtbsi.map(|least| at_least(figures.mtbsi, least))),
        ("mtrs", targets.mtrs.map(|most| at_most(figures.mtrs, most))),
    ];
    let judged = !figures.breaks.is_empty() || figures.committed - figures.unmeasured > 0;
    kept.into_iter().filter_map(|(name, kept)| kept.map(|kept| (name, judged.then_some(kept)))).collect()
}

/// The credit that a closed window's contractual figures earn: of the steps (bound and credit, in parts per billion)
/// the deepest one whose bound they are below.
pub fn credit(steps: &[(i64, i64)], contractual: &Figures, is_closed: bool) -> Option<i64> {
    let (over, under) = contractual.availability.filter(|_| is_closed)?;
    let below = steps.iter().filter(|(bound, _)| over * BILLION < i128::from(*bound) * under);
    below.min_by_key(|(bound, _)| *bound).map(|(_, percent)| *percent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_by_hand() {
        // 1200 users for whom 10 of 100 are lost, and 400 for whom 20 of 50 are.
        let shop = Figures { counted: 100, lost: 10, ..Figures::default() };
        let mail = Figures { counted: 50, lost: 20, ..Figures::default() };
        // (1200 × 90 + 400 × 30) / (1200 × 100 + 400 × 50) = 120000 / 140000
        assert_eq!(weighted(&[(1200, &shop), (400, &mail)]), Some((6, 7)));
        assert_eq!(weighted(&[(1200, &Figures::default())]), None);
    }

    #[test]
    fn targets_on_breaks_by_hand() {
        let targets = BreakTargets { at_most: Some(1), longest: Some(9), mtrs: Some(7), mtbsi: Some(50) };
        let two = Figures {
            committed: 110,
            unmeasured: 10,
            breaks: vec![(0, 5, 5), (20, 30, 10)],
            mtrs: Some((15, 2)),
            mtbsi: Some((50, 1)),
            ..Figures::default()
        };
        let told = breaks(&targets, &two);
        let expected = [("at_most", false), ("longest", false), ("mtbsi", true), ("mtrs", false)];
        assert_eq!(told, expected.map(|(name, met)| (name, Some(met))));
        let measured = Figures { committed: 1, ..Figures::default() };
        assert!(breaks(&targets, &measured).iter().all(|(_, met)| *met == Some(true)));
        assert!(breaks(&targets, &Figures::default()).iter().all(|(_, met)| met.is_none()));
    }

    #[test]
    fn the_deepest_step_that_is_undercut() {
        let steps = [(999_000_000, 10), (990_000_000, 25)];
        let at = |over, under| Figures { availability: Some((over, under)), ..Figures::default() };
        assert_eq!(credit(&steps, &at(999, 1000), true), None, "at a bound is not below it");
        assert_eq!(credit(&steps, &at(998_999, 1_000_000), true), Some(10));
        assert_eq!(credit(&steps, &at(99, 100), true), Some(10));
        assert_eq!(credit(&steps, &at(1, 2), true), Some(25));
        assert_eq!(credit(&steps, &at(1, 2), false), None, "the window is open");
        assert_eq!(credit(&steps, &Figures::default(), true), None, "no data");
    }
}
