//! `check`: everything that is wrong with a catalogue, in one run.

use std::path::Path;

use uphold_common::catalogue;

use super::{Ended, USAGE, WRONG};
use crate::config;

pub(super) fn check(path: &Path) -> Result<(), Ended> {
    let files = config::catalogue_files(path).map_err(|error| Ended::new(USAGE, error))?;
    match catalogue::read(&files) {
        Ok(catalogue) => {
            let counts = [
                counted(catalogue.services.len(), "service"),
                counted(catalogue.targets.len(), "target"),
                counted(catalogue.hosts.len(), "host"),
                counted(catalogue.receivers.len(), "receiver"),
            ];
            anstream::println!("{} is sound: {}", path.display(), counts.join(", "));
            Ok(())
        }
        Err(problems) => {
            anstream::eprintln!("{problems}");
            Err(Ended::new(WRONG, ""))
        }
    }
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
