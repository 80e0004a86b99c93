//! One target of the report.

use std::collections::BTreeMap;

use uphold_common::ids::TargetId;
use uphold_common::measure::availability::Verdict;
use uphold_common::percent::{BILLION, Ratio};

use super::ink::{Ink, clean, length, padded, wrapped};
use super::view::{AlertView, BlockView, DayView, MeasuredView, TargetView, WindowView};
use super::{capacity, response};

/// How many characters a day's bar has: one an hour.
const DAY_WIDTH: usize = 24;

pub(super) fn write(lines: &mut Vec<String>, ink: &Ink<'_>, id: &TargetId, target: &TargetView) {
    lines.push(ink.bold(id.to_string()));
    lines.push(format!("  {}", window(ink, &target.window)));
    match &target.measured {
        MeasuredView::Contractual(block) => availability(lines, ink, target, block),
        MeasuredView::Capacity(capacity) => capacity::write(lines, ink, capacity),
        MeasuredView::Response(response) => response::write(lines, ink, response),
    }
}

fn availability(lines: &mut Vec<String>, ink: &Ink<'_>, target: &TargetView, block: &BlockView) {
    lines.extend(verdict(ink, block));
    lines.extend(beside(target));
    lines.extend(target.credit.as_deref().map(|credit| earned(ink, credit, block)));
    lines.push(String::new());
    lines.push(format!("  {}", ink.kinds_bar(&block.kinds, ink.width - 4)));
    lines.extend(indented(&wrapped(&ink.kinds_legend(&block.kinds), ink.width - 4)));
    lines.push(String::new());
    lines.push(budget(ink, block));
    burning(lines, ink, &target.alerts);
    breaks(lines, ink, block);
    charges(lines, ink, block);
    days(lines, ink, &block.days);
}

fn indented(lines: &[String]) -> impl Iterator<Item = String> {
    lines.iter().map(|line| format!("  {line}"))
}

fn window(ink: &Ink<'_>, window: &WindowView) -> String {
    let state = match (window.open, window.settled) {
        (true, _) => "open",
        (false, true) => "settled",
        (false, false) => "closed, not settled yet",
    };
    let span = format!("{}: {} to {}", window.kind, ink.moment(window.start), ink.moment(window.end));
    let entry = match window.before_entry_ms {
        0 => String::new(),
        ms => format!("; its first {} lie before the service's entry", length(ms)),
    };
    format!("{}, {state}{entry}", clean(&span))
}

fn verdict(ink: &Ink<'_>, block: &BlockView) -> Vec<String> {
    let verdict = shown(ink, block.verdict);
    let promise = block.target_ppb.and_then(promise).map(|promise| format!(" of {promise} % promised"));
    let mut lines =
        vec![format!("  {}{}: {verdict}", ink.bold(printed(block.availability.as_ref())), promise.unwrap_or_default())];
    if block.not_proven {
        lines.push("  not proven: what was not measured could change the verdict".to_owned());
    }
    if block.committed_ms > 0 {
        lines.push(format!(
            "  measured {} of the time; between {} and {}",
            printed(block.coverage.as_ref()),
            printed(block.availability_min.as_ref()),
            printed(block.availability_max.as_ref())
        ));
    }
    let (good, counted) = (length(block.counted_ms - block.lost_ms), length(block.counted_ms));
    lines.push(format!("  good for {good} of {counted} that count"));
    lines
}

/// The two figures that stand beside the contractual one.
fn beside(target: &TargetView) -> Option<String> {
    let (without_exclusions, experienced) = (target.without_exclusions.as_ref()?, target.experienced.as_ref()?);
    let (without_exclusions, experienced) =
        (printed(without_exclusions.availability.as_ref()), printed(experienced.availability.as_ref()));
    Some(format!("  without exclusions {without_exclusions}, experienced {experienced}"))
}

fn printed(percent: Option<&String>) -> String {
    percent.map_or("–".to_owned(), |percent| format!("{} %", clean(percent)))
}

pub(super) fn shown(ink: &Ink<'_>, verdict: Verdict) -> String {
    match verdict {
        Verdict::Met => ink.good(verdict.as_str()),
        Verdict::Breached => ink.bad(verdict.as_str()),
        Verdict::NoData => ink.soft(verdict.as_str()),
    }
}

/// `99.95`, all of its decimals and no more.
pub(super) fn promise(ppb: i64) -> Option<String> {
    let percent = Ratio::new(ppb, BILLION)?.percent(7);
    Some(percent.trim_end_matches('0').trim_end_matches('.').to_owned())
}

fn budget(ink: &Ink<'_>, block: &BlockView) -> String {
    let whole = length(block.budget_ms);
    match block.remaining_ms {
        0.. => {
            let bar = ink.share_bar(block.remaining_ms, block.budget_ms, DAY_WIDTH);
            format!("  budget  {bar}  {} of {whole} left", length(block.remaining_ms))
        }
        over => format!("  budget  {}", ink.bad(&format!("overspent by {} of {whole}", length(-over)))),
    }
}

/// What the window earned its customer; a verdict that is not proven makes it one that is not.
fn earned(ink: &Ink<'_>, credit: &str, block: &BlockView) -> String {
    let not_proven = if block.not_proven { ", not proven" } else { "" };
    format!("  earns a credit of {}{not_proven}", ink.bold(format!("{} %", clean(credit))))
}

/// How fast the budget burns over each pair of look-backs.
fn burning(lines: &mut Vec<String>, ink: &Ink<'_>, alerts: &[AlertView]) {
    if alerts.is_empty() {
        return;
    }
    let rate = |rate: &Option<String>| rate.as_deref().map_or("–".to_owned(), clean);
    let row = |alert: &AlertView| {
        let (long, short) = (rate(&alert.long_rate_decimal), rate(&alert.short_rate_decimal));
        [
            format!("{} over {}", long, length(alert.long_ms)),
            format!("{} over {}", short, length(alert.short_ms)),
            format!("{}, {} failed", clean(&alert.factor), alert.bad),
        ]
    };
    let rows: Vec<([String; 3], bool)> = alerts.iter().map(|alert| (row(alert), alert.alerting)).collect();
    let wide = |column: usize, least: usize| {
        rows.iter().map(|(row, _)| row[column].chars().count()).max().unwrap_or(0).max(least) + 2
    };
    let (long, short) = (wide(0, 9), wide(1, 3));
    lines.push(String::new());
    lines.push(format!("  {}", ink.soft(&format!("{}{}alerts at", padded("burn rate", long), padded("and", short)))));
    for ([first, second, at], alerting) in &rows {
        let state = if *alerting { format!("  {}", ink.bad("alerting")) } else { String::new() };
        lines.push(format!("  {}{}{at}{state}", padded(first, long), padded(second, short)));
    }
}

fn breaks(lines: &mut Vec<String>, ink: &Ink<'_>, block: &BlockView) {
    lines.push(String::new());
    if block.breaks.is_empty() {
        lines.push("  no break".to_owned());
    } else {
        let rows: Vec<[String; 3]> = (block.breaks.iter())
            .map(|(start, end, committed_ms)| [ink.moment(*start), ink.moment(*end), length(*committed_ms)])
            .collect();
        let wide = |column: usize, least: usize| {
            rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0).max(least) + 2
        };
        let (start, end) = (wide(0, 5), wide(1, 3));
        lines.push(format!("  {}", ink.soft(&format!("{}{}length", padded("break from", start), padded("to", end)))));
        lines.extend(rows.iter().map(|[a, b, c]| format!("  {}{}{c}", padded(a, start), padded(b, end))));
        lines.extend(indented(&wrapped(&means(block), ink.width - 4)));
    }
    if !block.break_verdicts.is_empty() {
        let verdicts = block.break_verdicts.iter();
        let verdicts: Vec<String> =
            verdicts.map(|(name, verdict)| format!("{} {}", clean(name), shown(ink, *verdict))).collect();
        lines.push(format!("  targets on breaks: {}", verdicts.join(", ")));
    }
}

fn means(block: &BlockView) -> Vec<String> {
    let named = [
        ("longest", block.longest_break_ms),
        ("MTRS", block.mtrs_ms),
        ("MTBF", block.mtbf_ms),
        ("MTBSI", block.mtbsi_ms),
    ];
    named.into_iter().filter_map(|(name, ms)| Some(format!("{name} {}", length(ms?)))).collect()
}

fn charges(lines: &mut Vec<String>, ink: &Ink<'_>, block: &BlockView) {
    let groups = [
        ("probe", &block.charges_ms),
        ("component", &block.charges_by_component_ms),
        ("party", &block.charges_by_party_ms),
    ];
    let lost = |charges: &BTreeMap<String, i64>| -> Vec<(String, i64)> {
        charges.iter().filter(|(_, ms)| **ms > 0).map(|(name, ms)| (clean(name), *ms)).collect()
    };
    let rows: Vec<(&str, String, i64)> =
        groups.into_iter().flat_map(|(by, of)| lost(of).into_iter().map(move |(name, ms)| (by, name, ms))).collect();
    let Some(wide) = rows.iter().map(|(_, name, _)| name.chars().count() + 2).max() else { return };
    lines.push(String::new());
    lines.push(format!("  {}", ink.soft("downtime by")));
    for (by, name, ms) in rows {
        lines.push(format!("  {}{}{}", padded(by, 11), padded(&name, wide), length(ms)));
    }
}

/// Day by day; the days before anything was agreed are one line.
fn days(lines: &mut Vec<String>, ink: &Ink<'_>, days: &[DayView]) {
    if days.is_empty() {
        return;
    }
    lines.push(String::new());
    let before = days.iter().take_while(|day| day.kinds.total() == day.kinds.not_agreed).count();
    let (before, days) = days.split_at(before);
    if let (Some(first), Some(last)) = (before.first(), before.last()) {
        let until = if before.len() > 1 { format!(" to {}", clean(&last.date)) } else { String::new() };
        lines.push(format!("  {}", ink.soft(&format!("{}{until}  not agreed", clean(&first.date)))));
    }
    for day in days {
        let kinds = &day.kinds;
        let lost = [("down", kinds.down), ("degraded", kinds.degraded), ("unmeasured", kinds.unmeasured)];
        let lost: Vec<String> =
            lost.iter().filter(|(_, ms)| *ms > 0).map(|(name, ms)| format!("{name} {}", length(*ms))).collect();
        lines.push(format!("  {}  {}  {}", clean(&day.date), ink.kinds_bar(kinds, DAY_WIDTH), lost.join(", ")));
    }
}
