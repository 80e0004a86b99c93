//! How far a command has come, as a bar on a terminal; nothing where a program reads on.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar on standard error.
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// A bar for what is called `what`, before it is known how much there is.
    pub(super) fn of(what: &'static str) -> Self {
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template("{prefix} [{bar:30}] {pos}/{len} {msg}") {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_prefix(what);
        Self(bar)
    }

    /// So much of so much is done; `now` is said beside it.
    pub(super) fn show(&self, done: u64, of: u64, now: String) {
        self.0.set_length(of);
        self.0.set_position(done);
        self.0.set_message(now);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
