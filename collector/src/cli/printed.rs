//! `completions` and `man`: what is made from the command line itself.

use super::exit::{Ended, UNAVAILABLE};

pub(super) const COMPLETIONS_EXAMPLES: [&str; 2] = [
    "uphold-collector completions bash > /etc/bash_completion.d/uphold-collector",
    "uphold-collector completions zsh > _uphold-collector",
];
pub(super) const MAN_EXAMPLES: [&str; 2] =
    ["uphold-collector man | man -l -", "uphold-collector man --dir /usr/local/share/man/man1"];

/// How printing ended.
pub(super) fn ended(printed: std::io::Result<()>) -> Result<(), Ended> {
    printed.map_err(|error| Ended::new(UNAVAILABLE, format!("could not write: {error}")))
}
