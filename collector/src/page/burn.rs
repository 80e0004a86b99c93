//! How fast the error budget of a target burns.

use maud::{Markup, html};
use uphold_common::measure::burn::AlertFigures;
use uphold_common::percent::WideRatio;

use super::text::seconds;

/// What alerts, in words.
pub(super) fn warning(alerts: &[AlertFigures]) -> Markup {
    let alerting: Vec<&AlertFigures> = alerts.iter().filter(|alert| alert.alerting).collect();
    let fastest = alerting.iter().max_by_key(|alert| alert.rule.factor.billionths());
    html! {
        @if let Some(alert) = fastest {
            p.note.burns data-urgent=(alert.rule.urgent) {
                strong { "The error budget burns too fast:" }
                " over the last " (seconds(alert.rule.long_ms)) " " (rate(alert.long_rate)) " times as fast as lasts the window."
            }
        }
    }
}

/// Every look-back with its rate.
pub(super) fn rates(alerts: &[AlertFigures]) -> Markup {
    html! {
        @if !alerts.is_empty() {
            dl {
                @for alert in alerts {
                    div {
                        dt { "burn rate over " (seconds(alert.rule.long_ms)) " and " (seconds(alert.rule.short_ms)) }
                        dd { (rate(alert.long_rate)) " and " (rate(alert.short_rate)) ", alerts at " (alert.rule.factor) }
                    }
                }
            }
        }
    }
}

fn rate(rate: Option<WideRatio>) -> String {
    rate.map_or_else(|| "–".to_owned(), |rate| rate.decimal(2))
}
