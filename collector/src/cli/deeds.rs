//! `deeds`: who did what.

use std::path::{Path, PathBuf};

use clap::Args;
use uphold_manual::after_help;

use super::Format;
use super::ask::{self, open_store, print_json, understood};
use super::exit::{ASKED, Ended, UNAVAILABLE};
use super::table::table;
use crate::api::socket::Ask;
use crate::identity::keeper;
use crate::identity::view::{DeedList, DeedView};

const EXAMPLES: [&str; 2] = ["uphold-collector deeds", "uphold-collector deeds --limit 1000 --format json"];

/// What `deeds` is told.
#[derive(Debug, Args)]
#[command(after_help = after_help::written(&EXAMPLES, &ASKED))]
pub(super) struct DeedsArgs {
    /// How many, the newest first.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    /// The form.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// The data directory.
    #[arg(long, value_name = "DIR", default_value = "./uphold-data")]
    data: PathBuf,
}

pub(super) fn deeds(args: &DeedsArgs) -> Result<(), Ended> {
    let limit = usize::from(args.limit);
    let ask = Ask::get(&format!("/api/v1/deeds?limit={limit}"));
    let body = ask::running(&args.data, &ask)?.map_or_else(|| of_store(&args.data, limit), Ok)?;
    if args.format == Format::Json {
        return print_json(&body);
    }
    let list: DeedList = understood(&body)?;
    let row = |deed: DeedView| [deed.at_ms.to_string(), deed.actor.to_string(), deed.action.to_string()];
    let rows: Vec<_> = list.deeds.into_iter().map(row).collect();
    anstream::print!("{}", table(["AT", "WHO", "WHAT"], &rows));
    Ok(())
}

fn of_store(data: &Path, limit: usize) -> Result<Vec<u8>, Ended> {
    let deeds = keeper::deeds(&open_store(data)?, limit).map_err(|error| Ended::new(UNAVAILABLE, error))?;
    let list = DeedList { deeds: deeds.into_iter().map(Into::into).collect() };
    serde_json::to_vec(&list).map_err(|error| Ended::new(UNAVAILABLE, error))
}
