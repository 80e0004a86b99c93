//! `check`: everything that is wrong with a catalogue, in one run.

use std::path::Path;

use uphold_common::catalogue;

use super::{Ended, USAGE, WRONG};
use crate::config;

pub(super) fn check(path: &Path) -> Result<(), Ended> {
    let files = config::catalogue_files(path).map_err(|error| Ended::new(USAGE, error))?;
    match catalogue::read(&files) {
        Ok(catalogue) => {
            anstream::println!(
                "{} is sound: {} services, {} targets, {} hosts, {} receivers",
                path.display(),
                catalogue.services.len(),
                catalogue.targets.len(),
                catalogue.hosts.len(),
                catalogue.receivers.len(),
            );
            Ok(())
        }
        Err(problems) => {
            anstream::eprintln!("{problems}");
            Err(Ended::new(WRONG, ""))
        }
    }
}
