//! What follows from a target on availability: credits for a window that was missed, and alerts while its error budget
//! burns. Neither changes the availability itself.

use crate::decimal::Decimal;
use crate::percent::{BILLION, Ppb};
use crate::time::DAY_MS;

/// What follows from a target on availability.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consequences {
    /// The steps of its credits, the deepest first; no two have the same bound.
    pub credits: Vec<CreditStep>,
    /// When it alerts, if that was written; else as [`DEFAULTS`] say.
    pub alerts: Option<Vec<AlertRule>>,
    /// How many failed observations the short look-back of an alert must hold.
    pub min_bad: u64,
}

/// How many failed observations are needed if nothing is written.
pub const MIN_BAD_DEFAULT: u64 = 3;

impl Default for Consequences {
    fn default() -> Self {
        Self { credits: Vec::new(), alerts: None, min_bad: MIN_BAD_DEFAULT }
    }
}

/// What a window earns whose availability is below a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreditStep {
    /// The bound.
    pub below: Ppb,
    /// How much of the price is given back.
    pub percent: Ppb,
}

/// Two look-backs and how fast the error budget must burn in both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlertRule {
    /// The long look-back.
    pub long_ms: i64,
    /// The short one; not longer than the long one.
    pub short_ms: i64,
    /// The burn rate that both must reach.
    pub factor: Decimal,
    /// Whether somebody must look at it now.
    pub urgent: bool,
}

/// The length of the window that [`DEFAULTS`] are made for.
const DEFAULTS_WINDOW_MS: i64 = 30 * DAY_MS;
const MINUTE_MS: i64 = 60_000;

/// When a target over 30 days alerts if nothing is written.
pub const DEFAULTS: [AlertRule; 4] = [
    AlertRule { long_ms: 60 * MINUTE_MS, short_ms: 5 * MINUTE_MS, factor: Decimal::tenths(144), urgent: true },
    AlertRule { long_ms: 360 * MINUTE_MS, short_ms: 30 * MINUTE_MS, factor: Decimal::tenths(60), urgent: true },
    AlertRule { long_ms: DAY_MS, short_ms: 120 * MINUTE_MS, factor: Decimal::tenths(30), urgent: false },
    AlertRule { long_ms: 3 * DAY_MS, short_ms: 360 * MINUTE_MS, factor: Decimal::tenths(10), urgent: false },
];

impl AlertRule {
    /// Whether a target can ever burn this fast: not if all of the time being lost is slower.
    pub fn can_be_reached(&self, share: Ppb) -> bool {
        let billion = i128::from(BILLION);
        i128::from(self.factor.billionths()) * i128::from(BILLION - share.parts()) <= billion * billion
    }

    /// This rule of a window of 30 days for one of another length: ⌊look-back × length / 30 d⌋.
    fn scaled(self, window_ms: i64) -> Self {
        let scale = |ms: i64| {
            let scaled = (i128::from(ms) * i128::from(window_ms)).div_euclid(i128::from(DEFAULTS_WINDOW_MS));
            i64::try_from(scaled).unwrap_or(i64::MAX)
        };
        Self { long_ms: scale(self.long_ms), short_ms: scale(self.short_ms), ..self }
    }
}

impl Consequences {
    /// When a target alerts that promises `share` of a window of `window_ms`: as written, or else as the defaults say,
    /// without those that it can never reach.
    pub fn rules(&self, share: Ppb, window_ms: i64) -> Vec<AlertRule> {
        let defaults = || DEFAULTS.into_iter().filter(|rule| rule.can_be_reached(share));
        self.alerts.clone().unwrap_or_else(|| defaults().map(|rule| rule.scaled(window_ms)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(text: &str) -> Ppb {
        Ppb::parse(text).unwrap()
    }

    #[test]
    fn defaults_grow_with_the_window_and_those_out_of_reach_are_left_out() {
        let looks = |promised: &str, window_ms: i64| -> Vec<(i64, i64, String)> {
            let rules = Consequences::default().rules(share(promised), window_ms);
            rules.iter().map(|rule| (rule.long_ms, rule.short_ms, rule.factor.to_string())).collect()
        };
        let month = looks("99.9%", 30 * DAY_MS);
        assert_eq!(month[0], (3_600_000, 300_000, "14.4".to_owned()));
        assert_eq!(month[3], (3 * DAY_MS, 21_600_000, "1".to_owned()));
        // 300,000 × 3,600,000 / 2,592,000,000 = 416 ⅔
        assert_eq!(looks("99.9%", 3_600_000)[0], (5_000, 416, "14.4".to_owned()));
        assert_eq!(looks("99.9%", 31 * DAY_MS - 3_600_000)[0].0, 3_715_000);
        let factors =
            |promised| looks(promised, 30 * DAY_MS).into_iter().map(|(.., factor)| factor).collect::<Vec<_>>();
        assert_eq!(factors("90%"), ["6", "3", "1"]);
        assert_eq!(factors("50%"), ["1"]);
        assert_eq!(factors("0%"), ["1"]);
        assert_eq!(factors("100%"), ["14.4", "6", "3", "1"]);
    }

    #[test]
    fn a_factor_that_loses_everything_can_just_be_reached() {
        let rule = |factor: &str| AlertRule { factor: Decimal::parse(factor).unwrap(), ..DEFAULTS[0] };
        assert!(rule("1000").can_be_reached(share("99.9%")));
        assert!(!rule("1000.000000001").can_be_reached(share("99.9%")));
        assert!(rule("999999999.999999999").can_be_reached(share("100%")));
    }

    #[test]
    fn what_is_written_stands_as_it_is() {
        let rule = AlertRule { factor: Decimal::tenths(25), ..DEFAULTS[1] };
        let written = Consequences { alerts: Some(vec![rule]), ..Consequences::default() };
        assert_eq!(written.rules(share("99%"), DAY_MS), [rule]);
        let none = Consequences { alerts: Some(Vec::new()), ..Consequences::default() };
        assert!(none.rules(share("99%"), DAY_MS).is_empty());
    }
}
