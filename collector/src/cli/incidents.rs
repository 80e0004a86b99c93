//! `incidents`: the list of incidents.

use std::path::PathBuf;

use clap::Args;
use serde::Deserialize;
use uphold_common::time::Instant;

use super::Format;
use super::ask::{answer, print_json, style};
use super::exit::{Ended, UNAVAILABLE};
use crate::report::Style;
use crate::report::incidents::{self, IncidentView};

const EXAMPLES: &str = "Examples:
  uphold-collector incidents
  uphold-collector incidents --all --format json";

/// What `incidents` is told.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct IncidentsArgs {
    /// The newest resolved ones too.
    #[arg(long)]
    all: bool,
    /// The form.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// The data directory.
    #[arg(long, default_value = "./uphold-data")]
    data: PathBuf,
}

/// The list of incidents as it is answered.
#[derive(Deserialize)]
struct Listed {
    as_of_ms: Instant,
    incidents: Vec<IncidentView>,
}

pub(super) fn list(args: &IncidentsArgs) -> Result<(), Ended> {
    let state = if args.all { "all" } else { "open" };
    let path = format!("/api/v1/incidents?state={state}");
    let body = answer(&args.data, &path, |engine, now| {
        serde_json::to_vec(&engine.incidents(args.all, now)).map_err(|error| Ended::new(UNAVAILABLE, error))
    })?;
    match args.format {
        Format::Json => print_json(&body),
        Format::Text => {
            let not_understood = |error| Ended::new(UNAVAILABLE, format!("the list was not understood: {error}"));
            let list: Listed = serde_json::from_slice(&body).map_err(not_understood)?;
            anstream::print!("{}", incidents::render(&list.incidents, list.as_of_ms, None, list_style()));
            Ok(())
        }
    }
}

/// The list of incidents is cut to a terminal's width, and to no other.
fn list_style() -> Style {
    let style = style();
    if style.colour { style } else { Style { width: u16::MAX, ..style } }
}
