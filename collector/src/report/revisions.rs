//! Revisions of closed windows as a table for a terminal, each with what changed and why below it.

use jiff::tz::TimeZone;

use super::Style;
use super::ink::{Ink, clean, join, padded};
use crate::engine::revised::RevisionList;
use crate::revisions::model::{LateData, Revision, Why};

/// The titles of the columns.
const TITLES: [&str; 6] = ["TARGET", "WINDOW", "BEGINS", "REVISION", "ISSUED", "SAYS"];
/// What stands before a line that belongs to the row above it.
const INDENT: &str = "    ";

/// The revisions in the order given, their instants in `zone` or else in UTC.
pub fn render(list: &RevisionList, zone: Option<&TimeZone>, style: Style) -> String {
    if list.revisions.is_empty() {
        return "No revisions.\n".to_owned();
    }
    let ink = Ink::new(style, zone);
    let rows: Vec<[String; 6]> = list.revisions.iter().map(|revision| row(revision, &ink)).collect();
    let mut widths = TITLES.map(str::len);
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let titles: String = TITLES.iter().zip(widths).map(|(title, width)| padded(title, width + 2)).collect();
    let mut lines = vec![ink.soft(titles.trim_end())];
    for (row, revision) in rows.iter().zip(&list.revisions) {
        let cells = row.iter().zip(widths).map(|(cell, width)| padded(&clean(cell), width + 2));
        let line: String = cells.collect();
        lines.push(if revision.number > 1 { ink.bold(line.trim_end()) } else { line });
        if revision.number > 1 {
            lines.extend(why(&revision.why, &ink).iter().map(|text| format!("{INDENT}{}", clean(text))));
            lines.extend(changes(revision).iter().map(|text| format!("{INDENT}{}", clean(text))));
        }
    }
    join(&lines)
}

fn row(revision: &Revision, ink: &Ink<'_>) -> [String; 6] {
    let begins = ink.moment(revision.window.start_ms);
    [
        revision.target.to_string(),
        revision.window.kind.clone(),
        begins,
        revision.number.to_string(),
        ink.moment(revision.issued_at_ms),
        says(revision),
    ]
}

/// What it says in a few words: `99.93 %, met`.
pub(crate) fn says(revision: &Revision) -> String {
    let headline = &revision.headline;
    let (figure, verdict) = match (&headline.contractual, &headline.response, &headline.capacity) {
        (Some(figure), _, _) => {
            (figure.A_percent.as_ref().map(|percent| format!("{percent} %")), figure.verdict.as_str())
        }
        (_, Some(response), _) => (response.value_us.map(crate::revisions::diff::took), response.verdict.as_str()),
        (_, _, Some(capacity)) => {
            (capacity.percentile_percent.as_ref().map(|percent| format!("{percent} %")), capacity.state.as_str())
        }
        _ => (None, ""),
    };
    figure.map_or_else(|| verdict.to_owned(), |figure| format!("{figure}, {verdict}"))
}

/// Why it was issued, a line for each reason.
fn why(why: &Why, ink: &Ink<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(LateData { from_ms, to_ms, of, of_count }) = &why.late_data {
        let named = u64::try_from(of.len()).unwrap_or(u64::MAX);
        let more = of_count.checked_sub(named).filter(|more| *more > 0).map(|more| format!(" and {more} more"));
        let (from, to) = (ink.moment(*from_ms), ink.moment(*to_ms));
        lines.push(format!("late data from {from} to {to} of {}{}", of.join(", "), more.unwrap_or_default()));
    }
    for record in &why.records {
        let done = if record.revoked { "revoked" } else { "added" };
        lines.push(format!("the {} {} was {done}", record.sort, record.id));
    }
    if why.records_left_out > 0 {
        lines.push(format!("{} more records were added or revoked", why.records_left_out));
    }
    if let Some(version) = why.catalogue_version {
        lines.push(format!("version {version} of the catalogue"));
    }
    if lines.is_empty() {
        lines.push("found when the collector started".to_owned());
    }
    lines
}

fn changes(revision: &Revision) -> Vec<String> {
    let changed = revision
        .changes
        .iter()
        .map(|changed| format!("{}: {} → {}", changed.figure.replace('_', " "), changed.before, changed.after));
    let left_out = revision.changes_left_out;
    let more = (left_out > 0).then(|| format!("and {left_out} changes more"));
    // The block is another, and none of the figures that are named is.
    let none = (revision.changes.is_empty() && left_out == 0).then(|| "no figure named here changed".to_owned());
    changed.chain(more).chain(none).collect()
}

#[cfg(test)]
#[path = "revisions_tests.rs"]
mod tests;
