//! `facts`: what an agent told of its own measuring.

use std::path::PathBuf;

use clap::Args;
use uphold_common::ids::Id;
use uphold_common::time::Instant;
use uphold_manual::after_help;

use super::Format;
use super::ask::{answer, print_json, style, understood};
use super::exit::{ASKED, Ended, UNAVAILABLE, WRONG};
use crate::api::facts::path;
use crate::api::socket::Ask;
use crate::engine::quality::{FactsError, FactsQuery, PAGE_MAX};
use crate::quality::model::FactList;
use crate::report;

const EXAMPLES: [&str; 3] = [
    "uphold-collector facts web-1",
    "uphold-collector facts web-1 --from 2026-03-01T00Z --to 2026-04-01T00Z",
    "uphold-collector facts web-1 --limit 1000 --format json",
];

/// What `facts` is told.
#[derive(Debug, Args)]
#[command(after_help = after_help::written(&EXAMPLES, &ASKED))]
pub(super) struct FactsArgs {
    /// The agent.
    #[arg(value_parser = |text: &str| Id::new(text))]
    agent: Id,
    /// What it told then or later.
    #[arg(long, value_name = "INSTANT", value_parser = |text: &str| Instant::parse(text).ok_or(INSTANT))]
    from: Option<Instant>,
    /// What it told before.
    #[arg(long, value_name = "INSTANT", value_parser = |text: &str| Instant::parse(text).ok_or(INSTANT))]
    to: Option<Instant>,
    /// With at most how many batches, the newest.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    /// The form.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// The data directory.
    #[arg(long, value_name = "DIR", default_value = "./uphold-data")]
    data: PathBuf,
}

const INSTANT: &str = "expected an instant such as 2026-03-01T00:00:00Z, or milliseconds since 1970";

pub(super) fn facts(args: &FactsArgs) -> Result<(), Ended> {
    let query = FactsQuery {
        from: args.from,
        to: args.to,
        limit: usize::from(args.limit).min(PAGE_MAX),
        ..FactsQuery::of(args.agent.clone())
    };
    let body = answer(&args.data, &Ask::get(&path(&query, None)), |engine, _| {
        let list = engine.facts(&query).map_err(|error| refused(&error))?;
        serde_json::to_vec(&list).map_err(|error| Ended::new(UNAVAILABLE, error))
    })?;
    if args.format == Format::Json {
        return print_json(&body);
    }
    let list: FactList = understood(&body)?;
    anstream::print!("{}", report::facts::render(&list, None, style()));
    if list.next.is_some() {
        anstream::println!("There is more: ask for another time with --from and --to, or for more with --limit.");
    }
    Ok(())
}

fn refused(error: &FactsError) -> Ended {
    let code = match error {
        FactsError::NoAgent { .. } => WRONG,
        FactsError::Engine(_) => UNAVAILABLE,
    };
    Ended::new(code, error)
}
