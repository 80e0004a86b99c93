//! What follows from a target on availability: `credits`, `alerts` and `min_bad`.

use std::ops::RangeInclusive;

use super::MEMBERS_MAX;
use crate::catalogue::model::{AlertRule, Consequences, CreditStep, MIN_BAD_DEFAULT, WindowKind};
use crate::decimal::Decimal;
use crate::percent::Ppb;
use crate::time::DAY_MS;
use crate::yaml::problem::Read;
use crate::yaml::walk::{At, Keys};

/// How far back an alert may look over the longest of windows.
const LOOK_BACK_MS: RangeInclusive<i64> = 1_000..=366 * DAY_MS;
/// How far back it may look over any window. Beyond its own window it is measured anew at each tick, window by window.
const LOOK_BACK_MS_ANY: i64 = 35 * DAY_MS;
const MIN_BAD: RangeInclusive<u64> = 0..=1_000_000;
/// Most alerts of one target.
const ALERTS_MAX: usize = 16;

/// What follows from a target that promises `share` over `window`; what is written about these cannot be checked where they
/// cannot be read.
pub(super) fn consequences(keys: &Keys<'_>, share: Option<Ppb>, window: Option<WindowKind>) -> Read<Consequences> {
    let credits = keys.or("credits", Vec::new(), credits);
    let alerts = keys.optional("alerts", |at| alerts(at, share, window));
    let min_bad = keys.or("min_bad", MIN_BAD_DEFAULT, |at| at.count(MIN_BAD));
    Ok(Consequences { credits: credits?, alerts: alerts?, min_bad: min_bad? })
}

/// `[{ below: "99.9%", percent: "10" }, { below: "99%", percent: "25" }]`, in whatever order.
fn credits(at: &At<'_>) -> Read<Vec<CreditStep>> {
    let items = at.items()?;
    if items.len() > MEMBERS_MAX {
        return Err(at.problem(format!("expected at most {MEMBERS_MAX} steps, found {}", items.len())));
    }
    let mut steps: Vec<CreditStep> = at.list(|at| at.mapping(credit))?;
    steps.sort_by_key(|step| step.below.parts());
    match steps.windows(2).find(|pair| pair[0].below.parts() == pair[1].below.parts()) {
        Some(pair) => Err(at.problem(format!("two steps have the bound {}: expected one", pair[0].below))),
        None => Ok(steps),
    }
}

fn credit(keys: &Keys<'_>) -> Read<CreditStep> {
    let below = keys.required("below", At::percentage);
    let percent = keys.required("percent", |at| {
        let wanted = "a number from 0 to 100 with at most seven decimals, such as \"10\"";
        Ppb::parse(&format!("{}%", at.scalar(wanted)?)).map_err(|_| at.expected(wanted))
    });
    Ok(CreditStep { below: below?, percent: percent? })
}

/// `[{ long: 1h, short: 5m, factor: "14.4", urgent: true }]`; an empty list never alerts.
fn alerts(at: &At<'_>, share: Option<Ppb>, window: Option<WindowKind>) -> Read<Vec<AlertRule>> {
    let items = at.items()?;
    if items.len() > ALERTS_MAX {
        return Err(at.problem(format!("expected at most {ALERTS_MAX} alerts, found {}", items.len())));
    }
    at.list(|at| at.mapping(|keys| alert(keys, share, window)))
}

fn alert(keys: &Keys<'_>, share: Option<Ppb>, window: Option<WindowKind>) -> Read<AlertRule> {
    let long_ms = keys.required("long", |at| look_back(at, window));
    let short_ms = keys.required("short", |at| look_back(at, window));
    let factor = keys.required("factor", |at| {
        let wanted = "a factor above 0 such as \"14.4\"";
        let factor = Decimal::parse(at.scalar(wanted)?).ok().filter(|factor| factor.billionths() > 0);
        factor.ok_or_else(|| at.expected(wanted))
    });
    let urgent = keys.or("urgent", false, At::flag);
    let rule = AlertRule { long_ms: long_ms?, short_ms: short_ms?, factor: factor?, urgent: urgent? };
    if rule.short_ms > rule.long_ms {
        return Err(keys.at().problem("the short look-back is longer than the long one"));
    }
    match share.filter(|share| !rule.can_be_reached(*share)) {
        Some(share) => Err(keys.at().problem(format!(
            "the factor {} can never be reached: losing all of the time burns the budget of {share} more slowly",
            rule.factor
        ))),
        None => Ok(rule),
    }
}

/// As long as the window, or 35 days where that is longer.
fn look_back(at: &At<'_>, window: Option<WindowKind>) -> Read<i64> {
    let ms = at.duration_ms(LOOK_BACK_MS)?;
    let Some(window) = window else { return Ok(ms) };
    let most = longest_ms(window).max(LOOK_BACK_MS_ANY);
    if ms > most {
        let (text, days) = (window.text(), most / DAY_MS);
        return Err(at.problem(format!("a look-back over the window \"{text}\" is at most {days}d long")));
    }
    Ok(ms)
}

/// How long the longest window of a kind is.
const fn longest_ms(window: WindowKind) -> i64 {
    match window {
        WindowKind::Day => DAY_MS,
        WindowKind::Week => 7 * DAY_MS,
        WindowKind::Month => 31 * DAY_MS,
        WindowKind::Quarter => 92 * DAY_MS,
        WindowKind::Year => 366 * DAY_MS,
        WindowKind::Rolling { length_ms } => length_ms,
        WindowKind::Stretch { start, end } => end.since_ms(start),
    }
}
