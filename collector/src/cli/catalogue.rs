//! `catalogue`: its versions on record, and a change of the past that somebody approved.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use uphold_common::time::Instant;
use uphold_manual::after_help;

use super::Format;
use super::ask::{answer, local_actor, open, print_json, running, understood};
use super::exit::{ASKED, Ended, UNAVAILABLE, USAGE, WRONG};
use super::table::table;
use crate::api::catalogue::CameOf;
use crate::api::socket::Ask;
use crate::clock;
use crate::config;
use crate::engine::reload::Reload;
use crate::engine::restate::{Restated, TEXT_BYTES_MAX, Unreadable, VersionList, VersionView};
use crate::inforce::Restatement;

const EXAMPLES: [&str; 2] = [
    "uphold-collector catalogue list",
    "uphold-collector catalogue restate --approver Keller --reason \"wrong hours\"",
];
const LIST_EXAMPLES: [&str; 2] =
    ["uphold-collector catalogue list", "uphold-collector catalogue list --data ./uphold-data --format json"];
const RESTATE_EXAMPLES: [&str; 1] = ["uphold-collector catalogue restate --approver Keller --reason \"wrong hours\""];
const VERSIONS: &str = "/api/v1/catalogue/versions";
const RESTATEMENTS: &str = "/api/v1/catalogue/restatements";

/// What `catalogue` is told.
#[derive(Debug, Args)]
#[command(after_help = after_help::written(&EXAMPLES, &ASKED))]
pub(super) struct CatalogueArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List the versions on record: from when on each holds, and who approved what measures the past differently.
    #[command(after_help = after_help::written(&LIST_EXAMPLES, &ASKED))]
    List {
        /// The form.
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
        /// The data directory.
        #[arg(long, value_name = "DIR", default_value = "./uphold-data")]
        data: PathBuf,
    },
    /// Take up the catalogue's files although they change the past, from the instant they name on.
    #[command(after_help = after_help::written(&RESTATE_EXAMPLES, &ASKED))]
    Restate(RestateArgs),
}

#[derive(Debug, Args)]
struct RestateArgs {
    /// Who approved it.
    #[arg(long)]
    approver: String,
    /// Why; it stays on record.
    #[arg(long)]
    reason: String,
    /// The catalogue, where no collector runs; one that runs takes its own files.
    #[arg(long, value_name = "PATH")]
    catalogue: Option<PathBuf>,
    /// The data directory.
    #[arg(long, value_name = "DIR", default_value = "./uphold-data")]
    data: PathBuf,
}

pub(super) fn catalogue(args: CatalogueArgs) -> Result<(), Ended> {
    match args.what {
        What::List { format, data } => {
            let body = answer(&data, &Ask::get(VERSIONS), |engine, _| {
                serde_json::to_vec(&engine.versions()).map_err(|error| Ended::new(UNAVAILABLE, error))
            })?;
            match format {
                Format::Json => print_json(&body),
                Format::Text => {
                    list(&understood(&body)?);
                    Ok(())
                }
            }
        }
        What::Restate(args) => restate(args),
    }
}

fn list(versions: &VersionList) {
    let titles = ["VERSION", "", "HOLDS FROM", "RECORDED", "HASH", ""];
    let lines: Vec<[String; 6]> = versions.versions.iter().map(|one| line(one, versions.in_force)).collect();
    anstream::print!("{}", table(titles, &lines));
}

fn line(one: &VersionView, in_force: u64) -> [String; 6] {
    let day = |at: Instant| at.to_string();
    let restated = one.restated.as_ref();
    let restated = restated.map(|restated| format!("restated, approved by {}: {}", restated.approver, restated.reason));
    let remarks = restated.into_iter().chain(one.held_up()).chain(one.unreadable.as_ref().map(unreadable));
    let number = if one.version == in_force { "in force" } else { "" };
    let hash = one.hash.get(..12).unwrap_or(&one.hash).to_owned();
    let holds = one.holds_from_ms.map_or_else(|| "the beginning".to_owned(), day);
    let remarks = remarks.collect::<Vec<_>>().join("; ");
    [one.version.to_string(), number.to_owned(), holds, day(one.recorded_at_ms), hash, remarks]
}

fn unreadable(Unreadable { reason, lost }: &Unreadable) -> String {
    let follows = match lost.as_slice() {
        [] => "all that it measured is known from other versions".to_owned(),
        lost => format!("not measured by it: {}", lost.join(", ")),
    };
    format!("not sound for this program, {follows} ({reason})")
}

fn restate(args: RestateArgs) -> Result<(), Ended> {
    let restatement = Restatement { approver: args.approver, reason: args.reason };
    if !restatement.is_sound() {
        let each = format!("1 to {TEXT_BYTES_MAX} bytes without control characters");
        return Err(Ended::new(USAGE, format!("--approver and --reason: expected {each} of each")));
    }
    let came_of = match running(&args.data, &Ask::post(RESTATEMENTS, &serde_json::json!(restatement)))? {
        Some(body) => understood(&body)?,
        None => in_store(&args.data, args.catalogue.as_deref(), restatement)?,
    };
    match came_of {
        CameOf { version, is_new: true } => anstream::println!("Version {version} of the catalogue is in force."),
        CameOf { version, is_new: false } => {
            anstream::println!("Nothing to restate: the files are version {version}, which is in force.");
        }
    }
    Ok(())
}

/// Works on the store itself, as nobody else holds it.
fn in_store(
    data: &std::path::Path,
    catalogue: Option<&std::path::Path>,
    restatement: Restatement,
) -> Result<CameOf, Ended> {
    let Some(path) = catalogue else {
        return Err(Ended::new(USAGE, "no collector runs on that data directory: --catalogue says what to take up"));
    };
    let files = config::catalogue_files(path).map_err(|error| Ended::new(USAGE, error))?;
    let mut engine = open(data)?;
    let done = engine.restate(&Restated { files, restatement }, &local_actor(), clock::now());
    let came_of = match done.map_err(|error| Ended::new(UNAVAILABLE, error))? {
        Reload::TakenUp(version) => CameOf { version, is_new: true },
        Reload::Unchanged => CameOf { version: engine.versions().in_force, is_new: false },
        Reload::Refused(why) | Reload::Undescribed(why) => return Err(Ended::new(WRONG, why)),
        Reload::NoRoom(why) => return Err(Ended::new(UNAVAILABLE, why)),
    };
    engine.close().map_err(|error| Ended::new(UNAVAILABLE, error))?;
    Ok(came_of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_known_of_a_version_stands_behind_it() {
        let at = Instant::from_ms;
        let plain = VersionView {
            version: 3,
            recorded_at_ms: at(5_000),
            holds_from_ms: Some(at(5_000)),
            hash: "0".repeat(64),
            restated: None,
            unreadable: None,
        };
        let late = VersionView { holds_from_ms: Some(at(9_001)), ..plain.clone() };
        let restated = Some(Restatement { approver: "Keller".to_owned(), reason: "agreed".to_owned() });
        let restated = VersionView { holds_from_ms: Some(at(1)), restated, ..plain.clone() };
        let unreadable = |lost: &[&str]| VersionView {
            unreadable: Some(Unreadable {
                reason: "a.yaml:1:1: no".to_owned(),
                lost: lost.iter().map(|&text| text.to_owned()).collect(),
            }),
            ..plain.clone()
        };
        for (view, expected) in [
            (&plain, ""),
            (
                &late,
                "the clock had been set back when it was recorded, at 1970-01-01T00:00:05Z: it holds from \
                 1970-01-01T00:00:09.001Z on, after the version before it, which measures until then",
            ),
            (&restated, "restated, approved by Keller: agreed"),
            (
                &unreadable(&[]),
                "not sound for this program, all that it measured is known from other versions (a.yaml:1:1: no)",
            ),
            (
                &unreadable(&["service shop", "target sla/a"]),
                "not sound for this program, not measured by it: service shop, target sla/a (a.yaml:1:1: no)",
            ),
        ] {
            assert_eq!(
                line(view, 3),
                [
                    "3".to_owned(),
                    "in force".to_owned(),
                    view.holds_from_ms.unwrap().to_string(),
                    "1970-01-01T00:00:05Z".to_owned(),
                    "0".repeat(12),
                    expected.to_owned(),
                ]
            );
        }
    }
}
