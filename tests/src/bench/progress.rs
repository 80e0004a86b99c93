//! How far a run has come, as a bar on a terminal; and what is waited for, which is told elsewhere too.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// How often a bar that does not move is drawn again.
const DRAW_EVERY: Duration = Duration::from_millis(500);

/// A bar of so many values.
pub(super) fn bar(what: &str, values: u64) -> ProgressBar {
    let bar = ProgressBar::new(values).with_prefix(what.to_owned());
    let template = "{prefix:28} [{bar:30}] {percent:>3}% {per_sec} {eta} {msg}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.enable_steady_tick(DRAW_EVERY);
    bar
}

/// Says what is waited for: beside the bar, or as a line of its own where standard error is no terminal.
pub(super) fn says(bar: &ProgressBar, what: &str) {
    if bar.is_hidden() {
        eprintln!("{}: {what}", bar.prefix());
    } else {
        bar.set_message(what.to_owned());
    }
}
