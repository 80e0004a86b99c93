//! What the metrics page says of burning budgets and of response times.

use uphold_common::catalogue::model::{ResponseBound, Target};
use uphold_common::measure::availability::Verdict;
use uphold_common::measure::burn::AlertFigures;
use uphold_common::measure::response::ResponseFigures;
use uphold_common::percent::BILLION;

use super::{MetricsError, Sheet, names, signed};

/// Microseconds in a second.
const SECOND_US: i64 = 1_000_000;

pub(super) fn of_target(sheet: &mut Sheet, target: &Target, alerts: &[AlertFigures]) -> Result<(), MetricsError> {
    let window = target.window.text();
    let labels = [target.service.as_str(), target.id.parent.as_str(), target.id.child.as_str(), &window];
    for (place, alert) in (1..).zip(alerts) {
        let (number, factor): (i32, String) = (place, alert.rule.factor.to_string());
        let number = number.to_string();
        let of_alert = [labels[0], labels[1], labels[2], labels[3], &number];
        let with = |last| [of_alert[0], of_alert[1], of_alert[2], of_alert[3], of_alert[4], last];
        sheet.wide_ratio(&names::BURN_RATE, &with("long"), alert.long_rate)?;
        sheet.wide_ratio(&names::BURN_RATE, &with("short"), alert.short_rate)?;
        sheet.count(&names::BURN_FAILED, &of_alert, alert.bad)?;
        let urgent = if alert.rule.urgent { "true" } else { "false" };
        let [service, agreement, target, window, number] = of_alert;
        let told = [service, agreement, target, window, number, &factor, urgent];
        sheet.count(&names::BURN_ALERTING, &told, u64::from(alert.alerting))?;
    }
    Ok(())
}

pub(super) fn of_response(sheet: &mut Sheet, target: &Target, figures: &ResponseFigures) -> Result<(), MetricsError> {
    let window = target.window.text();
    let labels = [target.service.as_str(), target.id.parent.as_str(), target.id.child.as_str(), &window];
    let (promise, tally) = (&figures.promise, &figures.tally);
    if let Some(us) = figures.value_us {
        sheet.put(&names::RESPONSE_TIME, &labels, signed(us.into()) / signed(SECOND_US))?;
    }
    sheet.put(&names::RESPONSE_TARGET, &labels, signed(promise.below_us) / signed(SECOND_US))?;
    let (ResponseBound::Percentile(share) | ResponseBound::Share(share)) = promise.bound;
    sheet.put(&names::RESPONSE_SHARE, &labels, signed(share.parts()) / signed(BILLION))?;
    for (result, count) in [
        ("within", tally.within),
        ("beyond", tally.n - tally.within),
        ("failed", tally.failed),
        ("unknown", tally.unknown),
        ("no_duration", tally.no_duration),
    ] {
        let with = [labels[0], labels[1], labels[2], labels[3], result];
        sheet.count(&names::RESPONSE_OBSERVATIONS, &with, count)?;
    }
    sheet.count(&names::BREACHED, &labels, u64::from(figures.verdict == Verdict::Breached))
}
