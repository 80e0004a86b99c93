//! `revisions`: the revisions of a service's closed windows, with what changed and why.

use std::path::PathBuf;

use clap::Args;
use uphold_common::catalogue::model::WindowKind;
use uphold_common::ids::{Id, TargetId};
use uphold_common::time::Instant;
use uphold_manual::after_help;

use super::Format;
use super::ask::{answer, print_json, style, understood};
use super::exit::{ASKED, Ended, UNAVAILABLE, WRONG};
use crate::api::revisions::{CLOSING, closing, path};
use crate::api::socket::Ask;
use crate::engine::revised::{PAGE_MAX, RevisionList, RevisionsError, RevisionsQuery};
use crate::report;

const EXAMPLES: [&str; 3] = [
    "uphold-collector revisions webshop",
    "uphold-collector revisions webshop sla/availability --at 2026-03-01T00Z",
    "uphold-collector revisions webshop --window month --format json",
];

/// What `revisions` is told.
#[derive(Debug, Args)]
#[command(after_help = after_help::written(&EXAMPLES, &ASKED))]
pub(super) struct RevisionsArgs {
    /// The service.
    #[arg(value_parser = |text: &str| Id::new(text))]
    service: Id,
    /// The target, such as shop-sla/availability [default: all of the service].
    #[arg(value_parser = |text: &str| text.parse::<TargetId>().map_err(|_| "expected a target such as shop-sla/availability"))]
    target: Option<TargetId>,
    /// Of windows of this kind: day, week, month, quarter or year.
    #[arg(long, value_parser = |text: &str| closing(text).ok_or(format!("expected {CLOSING}")))]
    window: Option<WindowKind>,
    /// Of the windows that hold this instant.
    #[arg(long, value_name = "INSTANT", value_parser = |text: &str| Instant::parse(text).ok_or(INSTANT))]
    at: Option<Instant>,
    /// At most how many.
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

pub(super) fn revisions(args: &RevisionsArgs) -> Result<(), Ended> {
    let query = RevisionsQuery {
        target: args.target.clone(),
        window: args.window,
        at: args.at,
        limit: usize::from(args.limit).min(PAGE_MAX),
        ..RevisionsQuery::of(args.service.clone())
    };
    let body = answer(&args.data, &Ask::get(&path(&query, None)), |engine, _| {
        let list = engine.revisions(&query).map_err(|error| refused(&error))?;
        serde_json::to_vec(&list).map_err(|error| Ended::new(UNAVAILABLE, error))
    })?;
    if args.format == Format::Json {
        return print_json(&body);
    }
    let list: RevisionList = understood(&body)?;
    anstream::print!("{}", report::revisions::render(&list, None, style()));
    if list.next.is_some() {
        anstream::println!("There are more: ask for fewer windows with --window and --at, or for more with --limit.");
    }
    Ok(())
}

fn refused(error: &RevisionsError) -> Ended {
    let code = match error {
        RevisionsError::NoService { .. } | RevisionsError::NoTarget { .. } => WRONG,
        RevisionsError::Engine(_) => UNAVAILABLE,
    };
    Ended::new(code, error)
}
