//! `report`: a service's figures as text with bars, or as JSON.

use std::path::PathBuf;

use clap::Args;
use jiff::tz::TimeZone;
use serde::Deserialize;
use uphold_common::catalogue::model::WindowKind;
use uphold_common::ids::Id;
use uphold_common::time::Instant;
use uphold_manual::after_help;
use url::form_urlencoded;

use super::Format;
use super::ask::{answer, print_json, style};
use super::exit::{DONE, Ended, UNAVAILABLE, UNAVAILABLE_MEANS, USAGE, WRONG};
use crate::api::socket::Ask;
use crate::engine::query::{FiguresQuery, Over, QueryError, WINDOWS};
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
    /// Over day, week, month, quarter, year, or a length such as 30d or 24h [default: each target's own window].
    #[arg(long)]
    window: Option<String>,
    /// The window that holds this instant [default: the one that holds now].
    #[arg(long, value_name = "INSTANT")]
    at: Option<String>,
    /// Over any stretch: from this instant, in place of a window.
    #[arg(long, value_name = "INSTANT")]
    from: Option<String>,
    /// And to just before this one.
    #[arg(long, value_name = "INSTANT")]
    to: Option<String>,
    /// What the present is taken to be.
    #[arg(long, value_name = "INSTANT")]
    as_of: Option<String>,
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
    let query = query(args)?;
    let mut asked = form_urlencoded::Serializer::new(String::new());
    let said = [&args.window, &args.at, &args.from, &args.to, &args.as_of];
    for (key, value) in ["window", "at", "from", "to", "as_of"].into_iter().zip(said) {
        if let Some(value) = value {
            asked.append_pair(key, value);
        }
    }
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

fn query(args: &ReportArgs) -> Result<FiguresQuery, Ended> {
    let usage = |what: &str, expected: &str| Ended::new(USAGE, format!("{what}: expected {expected}"));
    let service =
        Id::new(&args.service).map_err(|error| Ended::new(USAGE, format!("the service: expected {error}")))?;
    let instant = |what: &str, text: &Option<String>| match text {
        None => Ok(None),
        Some(text) => {
            let expected = "an instant such as 2026-03-01T00:00:00Z, or milliseconds since 1970";
            Instant::parse(text).map(Some).ok_or_else(|| usage(what, expected))
        }
    };
    let window = match &args.window {
        None => None,
        Some(text) => Some(WindowKind::parse(text).ok_or_else(|| usage("--window", WINDOWS))?),
    };
    if args.timelines && args.format == Format::Text {
        return Err(usage("--timelines", "--format json beside it"));
    }
    let over = Over {
        window,
        at: instant("--at", &args.at)?,
        from: instant("--from", &args.from)?,
        to: instant("--to", &args.to)?,
    };
    over.query(service, instant("--as-of", &args.as_of)?, args.timelines).map_err(|why| Ended::new(USAGE, why))
}

fn refused(error: &QueryError) -> Ended {
    let code = match error {
        QueryError::NoService { .. } | QueryError::NoTarget { .. } | QueryError::Future { .. } => WRONG,
        QueryError::Store(_) | QueryError::Write(_) => UNAVAILABLE,
    };
    Ended::new(code, error)
}
