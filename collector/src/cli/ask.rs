//! `report` and `incidents`: asked of the collector that runs on the data directory, or of the store when none does.

use std::io::{IsTerminal as _, Write as _};
use std::path::Path;

use jiff::tz::TimeZone;
use serde::Deserialize;
use uphold_common::catalogue::model::WindowKind;
use uphold_common::ids::Id;
use uphold_common::time::Instant;
use url::form_urlencoded;

use super::runtime::block_on;
use super::{Ended, Format, IncidentsArgs, ReportArgs, UNAVAILABLE, USAGE, WRONG};
use crate::api::socket::{self, AskError};
use crate::clock;
use crate::engine::Engine;
use crate::engine::query::{FiguresQuery, QueryError};
use crate::inforce;
use crate::report::incidents::{self, IncidentView};
use crate::report::{self, Style};
use crate::store::{DataDir, EmbeddedStore, StoreOptions};

/// What a report reads of the figures beside what it shows.
#[derive(Deserialize)]
struct InZone {
    time_zone: Option<String>,
}

/// The list of incidents as it is answered.
#[derive(Deserialize)]
struct Listed {
    as_of_ms: Instant,
    incidents: Vec<IncidentView>,
}

/// The width when nobody looks: a program that reads on wants nothing cut.
const WIDTH_PIPED: u16 = 120;

pub(super) fn report(args: &ReportArgs) -> Result<(), Ended> {
    let query = query(args)?;
    let mut asked = form_urlencoded::Serializer::new(String::new());
    for (key, value) in [("window", &args.window), ("at", &args.at), ("as_of", &args.as_of)] {
        if let Some(value) = value {
            asked.append_pair(key, value);
        }
    }
    let path = format!("/api/v1/services/{}/figures?{}", query.service, asked.finish());
    let body = answer(&args.data, &path, |engine, now| engine.figures(&query, now, now).map_err(|e| refused(&e)))?;
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
        Some(text) => Some(
            WindowKind::parse(text)
                .ok_or_else(|| usage("--window", "day, week, month, quarter, year, or a length such as 30d or 24h"))?,
        ),
    };
    Ok(FiguresQuery { service, window, at: instant("--at", &args.at)?, as_of: instant("--as-of", &args.as_of)? })
}

/// Asks the running collector, or the store itself when none runs.
fn answer(
    data_dir: &Path,
    path: &str,
    of_store: impl FnOnce(&mut Engine, Instant) -> Result<Vec<u8>, Ended>,
) -> Result<Vec<u8>, Ended> {
    match block_on(async { Ok(socket::ask(data_dir, path).await) })? {
        Ok(body) => Ok(body.to_vec()),
        Err(AskError::NoneRuns(_)) => {
            let mut engine = open(data_dir)?;
            of_store(&mut engine, clock::now())
        }
        Err(refused @ AskError::Refused { .. }) => Err(Ended::new(WRONG, refused)),
        Err(error) => Err(Ended::new(UNAVAILABLE, error)),
    }
}

fn open(data_dir: &Path) -> Result<Engine, Ended> {
    let unavailable = |error: &dyn std::error::Error| Ended::new(UNAVAILABLE, error);
    if !data_dir.join("store").is_dir() {
        let message = format!("no collector runs on {} and there is no store in it", data_dir.display());
        return Err(Ended::new(UNAVAILABLE, message));
    }
    let now = clock::now();
    let dir = DataDir::claim(data_dir, "uphold-collector", now).map_err(|error| unavailable(&error))?;
    let mut store = EmbeddedStore::open(dir, StoreOptions::default()).map_err(|error| unavailable(&error))?;
    let files = inforce::on_record(&mut store).map_err(|error| unavailable(&error))?;
    let files = files.ok_or_else(|| Ended::new(UNAVAILABLE, "no catalogue was ever taken up in this store"))?;
    Engine::open(Box::new(store), &files, now).map_err(|error| unavailable(&error))
}

fn refused(error: &QueryError) -> Ended {
    let code = match error {
        QueryError::NoService { .. } | QueryError::Future { .. } => WRONG,
        QueryError::Store(_) | QueryError::Write(_) => UNAVAILABLE,
    };
    Ended::new(code, error)
}

/// Colour where somebody looks, none where a program reads.
fn style() -> Style {
    let width = terminal_size::terminal_size().map_or(WIDTH_PIPED, |(width, _)| width.0);
    Style { colour: std::io::stdout().is_terminal(), width }
}

/// The list of incidents is cut to a terminal's width, and to no other.
fn list_style() -> Style {
    let style = style();
    if style.colour { style } else { Style { width: u16::MAX, ..style } }
}

fn print_json(body: &[u8]) -> Result<(), Ended> {
    let mut out = std::io::stdout().lock();
    out.write_all(body).and_then(|()| out.write_all(b"\n")).map_err(|error| Ended::new(UNAVAILABLE, error))
}
