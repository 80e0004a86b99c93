//! What a figure is made of, for people: an auditor who sees it for the first time is to find every step.
//!
//! Instants are those of the service's zone, to the millisecond and with their offset; each table says at its head what stands
//! in it, and the last line how everything adds up.

mod availability;
mod behind;
mod quality;
mod records;
mod used;

use jiff::tz::TimeZone;
use serde::Deserialize;
use uphold_common::explain::document::Explanation;
use uphold_common::measure::availability::Verdict;

use super::Style;
use super::ink::{Ink, clean, join, length};
use super::view::WindowView;

/// What is read of an explanation.
#[derive(Clone, Debug)]
pub struct ExplainView {
    /// What the figure is made of.
    pub made: Explanation,
    /// In which window.
    window: WindowView,
    until: UntilView,
}

#[derive(Clone, Copy, Debug, Deserialize)]
struct UntilView {
    #[serde(rename = "measured_until_ms")]
    until: uphold_common::time::Instant,
}

impl ExplainView {
    /// Reads what the API answers.
    pub fn read(body: &[u8]) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct In<T> {
            window: T,
        }
        let window: In<WindowView> = serde_json::from_slice(body)?;
        let until: In<UntilView> = serde_json::from_slice(body)?;
        Ok(Self { made: serde_json::from_slice(body)?, window: window.window, until: until.window })
    }
}

/// The explanation as text, its instants in `zone` or else in UTC.
pub fn render(view: &ExplainView, zone: Option<&TimeZone>, style: Style) -> String {
    let ink = Ink::new(style, zone);
    let mut lines = head(&ink, view);
    lines.push(String::new());
    if let Some(made) = &view.made.availability {
        availability::write(&mut lines, &ink, view, made);
    }
    if let Some(made) = &view.made.response {
        used::response(&mut lines, &ink, made);
    }
    if let Some(made) = &view.made.capacity {
        used::capacity(&mut lines, &ink, made);
    }
    quality::write(&mut lines, &ink, &view.made.quality);
    join(&lines)
}

fn head(ink: &Ink<'_>, view: &ExplainView) -> Vec<String> {
    let made = &view.made;
    let figure = match &made.availability {
        Some(availability) => {
            format!(": what its {} figure is made of", availability.figure.as_str().replace('_', " "))
        }
        None => ": what it is made of".to_owned(),
    };
    let state = match (view.window.open, view.window.settled) {
        (true, _) => "still open",
        (false, true) => "closed and settled",
        (false, false) => "closed, not settled yet",
    };
    let agreed = made.calendar.as_ref().map_or("at all hours".to_owned(), |id| format!("in the hours of {id}"));
    let row = |name: &str, says: &str| format!("  {name:<13}{}", clean(says));
    let (start, end) = (ink.exactly(view.window.start), ink.exactly(view.window.end));
    let mut lines = vec![
        format!("{}{figure}", ink.bold(format!("{}, {}", made.service, made.target))),
        String::new(),
        row("window", &format!("{}, {state}", view.window.kind)),
        row("", &format!("{start} to {end}")),
    ];
    if view.window.open {
        lines.push(row("measured to", &ink.exactly(view.until.until)));
    }
    lines.push(row("as of", &ink.exactly(made.as_of_ms)));
    lines.push(row("agreed", &agreed));
    if view.window.before_entry_ms > 0 {
        let entry = ink.exactly(made.entry_ms);
        lines.push(row("entry", &format!("{entry}; before it nothing was agreed")));
    }
    lines.extend(made.rows_from_ms.map(|from| {
        row("kept", &format!("observations from {} on; what was seen before stands without them", ink.exactly(from)))
    }));
    lines.push(row(
        "measured by",
        &format!(
            "catalogue version {}, rules version {}, time zone data {}",
            made.catalogue_version, made.rules_version, made.time_zone_data
        ),
    ));
    lines
}

/// `shown`, as the report prints a verdict.
fn verdict(ink: &Ink<'_>, verdict: Verdict) -> String {
    super::target::shown(ink, verdict)
}

/// A length to the millisecond as people write it, and in milliseconds.
fn both(ms: i64) -> (String, String) {
    (length(ms), format!("{ms} ms"))
}

/// `1 stretch`, `2 stretches`.
fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
