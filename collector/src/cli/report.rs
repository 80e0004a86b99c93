//! `report`: a service's figures as text with bars, or as JSON.

use std::path::PathBuf;

use clap::Args;
use jiff::tz::TimeZone;
use serde::Deserialize;
use uphold_manual::after_help;
use url::form_urlencoded;

use super::Format;
use super::ask::{answer, print_json, style};
use super::exit::{DONE, Ended, UNAVAILABLE, UNAVAILABLE_MEANS, USAGE, WRONG};
use super::over::{OverArgs, refused, usage};
use crate::api::socket::Ask;
use crate::report;

const EXAMPLES: [&str; 4] = [
    "uphold-collector report uphold",
    "uphold-collector report webshop --window month --at 2026-03-01T00:00:00Z",
    "uphold-collector report webshop --window 30d --format json",
    "uphold-collector report webshop --from 2026-03-01T00Z --to 2026-03-02T12Z",
];
const EXIT_CODES: [(u8, &str); 4] = [
    (DONE, "the report was printed; targets may be met or breached"),
    (WRONG, "there is no such service, or the instant lies in the future"),
    (USAGE, "the command line is not right"),
    (UNAVAILABLE, UNAVAILABLE_MEANS),
];

/// What `report` is told.
#[derive(Debug, Args)]
#[command(after_help = after_help::written(&EXAMPLES, &EXIT_CODES))]
pub(super) struct ReportArgs {
    /// The service.
    service: String,
    #[command(flatten)]
    over: OverArgs,
    /// With the timelines that the figures were taken from; as JSON only.
    #[arg(long)]
    timelines: bool,
    /// The form.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// The data directory.
    #[arg(long, value_name = "DIR", default_value = "./uphold-data")]
    data: PathBuf,
}

/// What a report reads of the figures beside what it shows.
#[derive(Deserialize)]
struct InZone {
    time_zone: Option<String>,
}

pub(super) fn report(args: &ReportArgs) -> Result<(), Ended> {
    if args.timelines && args.format == Format::Text {
        return Err(usage("--timelines", "--format json beside it"));
    }
    let query = args.over.query(&args.service, args.timelines)?;
    let mut asked = form_urlencoded::Serializer::new(String::new());
    args.over.say(&mut asked);
    if args.timelines {
        asked.append_pair("timelines", "true");
    }
    let path = format!("/api/v1/services/{}/figures?{}", query.service, asked.finish());
    let body =
        answer(&args.data, &Ask::get(&path), |engine, now| engine.figures(&query, now, now).map_err(|e| refused(&e)))?;
    match args.format {
        Format::Json => print_json(&body),
        Format::Text => {
            let not_understood = |error| Ended::new(UNAVAILABLE, format!("the figures were not understood: {error}"));
            let view = serde_json::from_slice(&body).map_err(not_understood)?;
            let zone: InZone = serde_json::from_slice(&body).map_err(not_understood)?;
            let zone = zone.time_zone.and_then(|name| TimeZone::get(&name).ok());
            anstream::print!("{}", report::render(&view, zone.as_ref(), style()));
            Ok(())
        }
    }
}
