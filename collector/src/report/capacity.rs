//! One target on capacity in the report.

use uphold_common::measure::capacity::CapacityState;

use super::ink::{Ink, clean, length};
use super::target::promise;
use super::view::CapacityView;

pub(super) fn write(lines: &mut Vec<String>, ink: &Ink<'_>, capacity: &CapacityView) {
    let state = match capacity.state {
        CapacityState::NoData => ink.soft(capacity.state.as_str()),
        CapacityState::Fine => ink.good(capacity.state.as_str()),
        CapacityState::Warning | CapacityState::Critical => ink.bad(capacity.state.as_str()),
    };
    let share = capacity.percentile_percent.as_deref().map_or("–".to_owned(), |p| format!("{} %", clean(p)));
    let percentile = clean(&capacity.percentile);
    lines.push(format!("  {} in use: {state}", ink.bold(share)));
    let readings = if capacity.n == 1 { "reading" } else { "readings" };
    lines.push(format!("  the lowest that at least {percentile} % of {} {readings} were at or below", capacity.n));
    for (name, ppb, ms) in [
        ("warning", capacity.warning_ppb, capacity.warning_ms),
        ("critical", capacity.critical_ppb, capacity.critical_ms),
    ] {
        if let (Some(share), Some(ms)) = (ppb.and_then(promise), ms) {
            lines.push(format!(
                "  at or above the {name} {share} %: {} of {}",
                length(ms),
                length(capacity.committed_ms)
            ));
        }
    }
    if capacity.unmeasured_ms > 0 {
        lines.push(format!("  not measured: {}", length(capacity.unmeasured_ms)));
    }
}
