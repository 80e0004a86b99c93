//! `report`: a service's figures as text with bars, or all services weighted by their users; or as JSON.

use std::path::PathBuf;

use clap::Args;
use jiff::tz::TimeZone;
use serde::Deserialize;
use uphold_common::ids::Id;
use uphold_common::measure::weighted::Measured;
use uphold_common::time::Instant;
use uphold_common::yaml::words::did_you_mean;
use uphold_manual::after_help;
use url::form_urlencoded;

use super::Format;
use super::ask::{answer, print_json, style, understood};
use super::exit::{DONE, Ended, UNAVAILABLE, UNAVAILABLE_MEANS, USAGE, WRONG};
use super::over::{OverArgs, refused, usage};
use crate::api::socket::Ask;
use crate::engine::Engine;
use crate::engine::query::QueryError;
use crate::engine::weighted::{Asked, WINDOW_DEFAULT, added_up, needed};
use crate::report;

const EXAMPLES: [&str; 5] = [
    "uphold-collector report uphold",
    "uphold-collector report webshop --window month --at 2026-03-01T00:00:00Z",
    "uphold-collector report webshop --window 30d --format json",
    "uphold-collector report webshop --from 2026-03-01T00Z --to 2026-03-02T12Z",
    "uphold-collector report --all --window month",
];
const EXIT_CODES: [(u8, &str); 4] = [
    (DONE, "the report was printed; targets may be met or breached"),
    (WRONG, "there is no such service or customer, or the instant lies in the future"),
    (USAGE, "the command line is not right"),
    (UNAVAILABLE, UNAVAILABLE_MEANS),
];

/// What `report` is told.
#[derive(Debug, Args)]
#[command(after_help = after_help::written(&EXAMPLES, &EXIT_CODES))]
pub(super) struct ReportArgs {
    /// The service.
    #[arg(required_unless_present = "all")]
    service: Option<String>,
    /// All services together, weighted by their users, for each customer.
    #[arg(long, conflicts_with_all = ["service", "timelines"])]
    all: bool,
    /// For this customer alone.
    #[arg(long, value_name = "CUSTOMER", requires = "all")]
    customer: Option<String>,
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
    let Some(service) = &args.service else { return together(args) };
    if args.timelines && args.format == Format::Text {
        return Err(usage("--timelines", "--format json beside it"));
    }
    let query = args.over.query(service, args.timelines)?;
    let path = format!("/api/v1/services/{}/figures?{}", query.service, asked(args));
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

/// All services together.
fn together(args: &ReportArgs) -> Result<(), Ended> {
    let (over, as_of) = args.over.over()?;
    let window = over.window().map_err(|why| Ended::new(USAGE, why))?.unwrap_or(WINDOW_DEFAULT);
    let customer = args.customer.as_deref().map(Id::new).transpose();
    let customer = customer.map_err(|error| Ended::new(USAGE, format!("--customer: expected {error}")))?;
    let path = format!("/api/v1/availability?{}", asked(args));
    let body = answer(&args.data, &Ask::get(&path), |engine, now| {
        let as_of = as_of.unwrap_or(now);
        let asked = Asked { window, at: over.at.unwrap_or(as_of), as_of };
        of_store(engine, customer.as_ref(), asked, now)
    })?;
    match args.format {
        Format::Json => print_json(&body),
        Format::Text => {
            anstream::print!("{}", report::together::render(&understood(&body)?, style()));
            Ok(())
        }
    }
}

fn of_store(engine: &mut Engine, customer: Option<&Id>, asked: Asked, now: Instant) -> Result<Vec<u8>, Ended> {
    let catalogue = engine.catalogue();
    if let Some(customer) = customer.filter(|customer| !catalogue.customers.contains_key(*customer)) {
        let hint = did_you_mean(customer.as_str(), catalogue.customers.keys().map(Id::as_str));
        return Err(Ended::new(WRONG, format!("there is no customer {customer}{hint}")));
    }
    let mut measured = Measured::new();
    for target in needed(&catalogue, customer) {
        let found = engine.availability(&target, asked, now, now).map_err(|error| refused(&error))?;
        measured.extend(found.map(|found| (target, found)));
    }
    let all = added_up((&catalogue, engine.catalogue_version()), customer, asked, &measured);
    serde_json::to_vec(&all).map_err(|error| refused(&QueryError::Write(error)))
}

/// What was said, as the API is asked it.
fn asked(args: &ReportArgs) -> String {
    let mut asked = form_urlencoded::Serializer::new(String::new());
    if let Some(customer) = &args.customer {
        asked.append_pair("customer", customer);
    }
    args.over.say(&mut asked);
    if args.timelines {
        asked.append_pair("timelines", "true");
    }
    asked.finish()
}
