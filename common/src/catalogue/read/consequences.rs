//! What follows from a target on availability: `credits`, `alerts` and `min_bad`.

use std::ops::RangeInclusive;

use super::MEMBERS_MAX;
use crate::catalogue::model::{AlertRule, Consequences, CreditStep, MIN_BAD_DEFAULT};
use crate::decimal::Decimal;
use crate::percent::Ppb;
use crate::time::DAY_MS;
use crate::yaml::problem::Read;
use crate::yaml::walk::{At, Keys};

/// How far back an alert may look.
const LOOK_BACK_MS: RangeInclusive<i64> = 1_000..=366 * DAY_MS;
const MIN_BAD: RangeInclusive<u64> = 0..=1_000_000;
/// Most alerts of one target.
const ALERTS_MAX: usize = 16;

/// What follows from a target that promises `share`; what is written about it cannot be checked where that cannot be read.
pub(super) fn consequences(keys: &Keys<'_>, share: Option<Ppb>) -> Read<Consequences> {
    let credits = keys.or("credits", Vec::new(), credits);
    let alerts = keys.optional("alerts", |at| alerts(at, share));
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
fn alerts(at: &At<'_>, share: Option<Ppb>) -> Read<Vec<AlertRule>> {
    let items = at.items()?;
    if items.len() > ALERTS_MAX {
        return Err(at.problem(format!("expected at most {ALERTS_MAX} alerts, found {}", items.len())));
    }
    at.list(|at| at.mapping(|keys| alert(keys, share)))
}

fn alert(keys: &Keys<'_>, share: Option<Ppb>) -> Read<AlertRule> {
    let long_ms = keys.required("long", |at| at.duration_ms(LOOK_BACK_MS));
    let short_ms = keys.required("short", |at| at.duration_ms(LOOK_BACK_MS));
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
