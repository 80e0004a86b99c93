//! `check`: everything that is wrong with a catalogue, in one run.

use std::path::PathBuf;

use clap::Args;
use uphold_common::catalogue;

use super::exit::{Ended, USAGE, WRONG};
use crate::config;

const EXAMPLES: &str = "Example:
  uphold-collector check catalogue.yaml";

/// What `check` is told.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct CheckArgs {
    /// The catalogue: a file, or a directory of .yaml files that are read as one.
    catalogue: PathBuf,
}

pub(super) fn check(args: &CheckArgs) -> Result<(), Ended> {
    let path = &args.catalogue;
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
