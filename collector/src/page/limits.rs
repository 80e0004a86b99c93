//! The limits: what each is, and how often it was reached since the collector started. They are folded away, since who
//! comes for the services seldom asks for them.

use maud::{Markup, html};
use uphold_common::yaml::scalars::exact_duration;

use super::text::{bytes, counted};
use crate::limits::Unit;
use crate::snapshot::{LimitSnapshot, Snapshot};

pub(super) fn section(snapshot: &Snapshot) -> Markup {
    let listening = &snapshot.health.listening;
    let reached = listening.limits.iter().filter(|limit| limit.reached > 0).count();
    html! {
        @if !listening.limits.is_empty() {
            section.limits {
                h2 { "Limits" }
                details.card data-key="limits" {
                    summary {
                        @if reached == 0 { "None was reached since the start" }
                        @else { (counted(reached, "limit was", "limits were")) " reached since the start" }
                    }
                    table {
                        thead { tr { th scope="col" { "Limit" } th scope="col" { "Value" } th scope="col" { "Reached" } } }
                        tbody { @for limit in &listening.limits { (of_limit(limit)) } }
                    }
                }
            }
        }
    }
}

fn of_limit(LimitSnapshot { limit, value, reached }: &LimitSnapshot) -> Markup {
    let shown = match limit.unit() {
        Unit::Count => value.to_string(),
        Unit::Time => exact_duration(i64::try_from(*value).unwrap_or(i64::MAX)),
        Unit::Bytes => bytes(*value),
    };
    html! {
        tr data-limit=(limit.key()) {
            th scope="row" { (limit.key()) span.remark { (limit.what()) } }
            td { (shown) }
            td { @if *reached == 0 { "never" } @else { (reached) } }
        }
    }
}
