//! The two sides beside each other: medians of the pairs, their ratio, and between what the ratios of the pairs lie.

use crate::bench::table::{Table, number};

/// What the sides are called.
pub(super) const OURS: &str = "uphold-agent";

/// A table of both sides, the peer's name first.
pub(super) fn table(peer: &str) -> Table {
    Table::of(&["median of the pairs", peer, OURS, "ratio", "ratios of the pairs"])
}

/// The row of one figure, of which each side has one a pair; the peer may have none.
pub(super) fn row(what: &str, peer: &[f64], ours: &[f64]) -> Vec<String> {
    let own = number(median(ours));
    if peer.is_empty() {
        return vec![what.to_owned(), String::new(), own, String::new(), String::new()];
    }
    let mut ratios: Vec<f64> = ours.iter().zip(peer).map(|(ours, peer)| ours / peer).collect();
    ratios.sort_by(f64::total_cmp);
    let between = [ratios.first(), ratios.last()].map(|ratio| number(ratio.copied().unwrap_or(f64::NAN)));
    let ratio = number(median(ours) / median(peer));
    vec![what.to_owned(), number(median(peer)), own, ratio, between.join(" to ")]
}

/// The one in the middle; of an even number, the mean of the two that are.
pub(super) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |place: usize| sorted.get(place).copied().unwrap_or(f64::NAN);
    if sorted.is_empty() { f64::NAN } else { f64::midpoint(at((sorted.len() - 1) / 2), at(sorted.len() / 2)) }
}

/// The value that this share of them does not exceed: the smallest such one.
pub(super) fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (share * sorted.len() as f64).ceil().max(1.0) as usize;
    sorted.get(rank - 1).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_are_compared_and_the_ratios_of_the_pairs_are_told() {
        let row = row("CPU", &[2.0, 4.0, 3.0], &[1.0, 1.0, 1.2]);
        assert_eq!(row, ["CPU", "3.00", "1.00", "0.333", "0.250 to 0.500"]);
        assert!((median(&[1.0, 4.0, 2.0, 3.0]) - 2.5).abs() < 1e-9);
        let values: Vec<f64> = (1..=200).map(f64::from).collect();
        assert_eq!([0.5, 0.99, 1.0].map(|share| quantile(&values, share) as u32), [100, 198, 200]);
        assert!(median(&[]).is_nan() && quantile(&[], 0.5).is_nan());
    }
}
