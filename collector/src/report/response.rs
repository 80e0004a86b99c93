//! One target on response time in the report.

use super::ink::{Ink, clean};
use super::target::shown;
use super::view::ResponseView;

pub(super) fn write(lines: &mut Vec<String>, ink: &Ink<'_>, response: &ResponseView) {
    let verdict = shown(ink, response.verdict);
    let below = milliseconds(response.below_us);
    let value = match (&response.percentile, response.value_us) {
        (Some(_), Some(us)) => milliseconds(us),
        (None, _) if response.n > 0 => format!("{} of {}", response.within, response.n),
        _ => "–".to_owned(),
    };
    let promised = match (&response.percentile, &response.share) {
        (Some(percentile), _) => format!("{} %", clean(percentile)),
        (None, Some(share)) => clean(share).replace('%', " %"),
        (None, None) => "all".to_owned(),
    };
    let probe = clean(&response.probe);
    lines.push(format!("  {}; {promised} of {probe} within {below} promised: {verdict}", ink.bold(value)));
    let answers = if response.n == 1 { "answer" } else { "answers" };
    lines.push(format!("  {} {answers}, {} of them quick enough", response.n, response.within));
    let beside =
        [("failed", response.failed), ("not measured", response.unknown), ("without a duration", response.no_duration)];
    let beside = beside.into_iter().filter(|(_, count)| *count > 0);
    let beside: Vec<String> = beside.map(|(name, count)| format!("{count} {name}")).collect();
    if !beside.is_empty() {
        lines.push(format!("  beside them {}", beside.join(", ")));
    }
}

/// Microseconds as milliseconds, with the decimals that they have: `76.25 ms`.
pub(super) fn milliseconds(us: i64) -> String {
    let fraction = format!("{:03}", us % 1_000);
    match fraction.trim_end_matches('0') {
        "" => format!("{} ms", us / 1_000),
        fraction => format!("{}.{fraction} ms", us / 1_000),
    }
}
