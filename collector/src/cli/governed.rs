//! What the commands about governed records share: adding, listing, showing and revoking, whatever their sort.

use std::path::PathBuf;

use clap::Args;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use uphold_common::governed::{Asked, SelectionAsked, Sort, When};
use uphold_common::ids::Id;
use uphold_common::time::Instant;

use super::Format;
use super::ask::{answer, local_actor, print_json, understood};
use super::exit::{Ended, UNAVAILABLE, USAGE, WRONG};
use super::table::table;
use crate::api::governed::path;
use crate::api::socket::Ask;
use crate::engine::Engine;
use crate::engine::command::CommandError;
use crate::engine::govern::GovernCommand;
use crate::governed::list::{Beside, LIST_MAX, Wanted, list, shown};
use crate::governed::view::Standing;
use crate::governed::{Kept, Revocation};
use crate::identity::deed::Actor;

/// Of which services something is.
#[derive(Debug, Args)]
pub(super) struct Services {
    /// The service; may be given several times.
    #[arg(long = "service", value_name = "SERVICE", required_unless_present = "all_services")]
    services: Vec<String>,
    /// All services, also those that come later.
    #[arg(long, conflicts_with = "services")]
    all_services: bool,
}

impl Services {
    /// As they are asked for.
    pub(super) fn asked(&self) -> SelectionAsked {
        if self.all_services {
            SelectionAsked::Word("all".to_owned())
        } else {
            SelectionAsked::List(self.services.clone())
        }
    }
}

/// An instant as it is asked for.
pub(super) fn when(text: &str) -> When {
    When::Text(text.to_owned())
}

/// In which form, and from where.
#[derive(Debug, Args)]
pub(super) struct Place {
    /// The form.
    #[arg(long, value_enum, default_value = "text")]
    pub(super) format: Format,
    /// The data directory.
    #[arg(long, value_name = "DIR", default_value = "./uphold-data")]
    pub(super) data: PathBuf,
}

/// Which records are listed.
#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// Only those of this service, or of all.
    #[arg(long)]
    service: Option<Id>,
    /// Only those that stand so [default: all but the revoked ones].
    #[arg(long, value_parser = standing)]
    standing: Option<Standing>,
    /// Only those that have an instant at or after this.
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    from: Option<Instant>,
    /// Only those that have an instant before this.
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    to: Option<Instant>,
    /// How many, the latest start first.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    #[command(flatten)]
    pub(super) place: Place,
}

/// Which record is shown.
#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// Its id.
    id: Id,
    #[command(flatten)]
    place: Place,
}

/// Which record is revoked, and why.
#[derive(Debug, Args)]
pub(super) struct RevokeArgs {
    /// Its id.
    id: Id,
    /// Why; it stays on record.
    #[arg(long)]
    reason: String,
    /// The data directory.
    #[arg(long, value_name = "DIR", default_value = "./uphold-data")]
    data: PathBuf,
}

fn instant(text: &str) -> Result<Instant, &'static str> {
    Instant::parse(text).ok_or("expected an instant such as 2026-03-01T00:00:00Z, or milliseconds since 1970")
}

fn standing(text: &str) -> Result<Standing, String> {
    let found = Standing::WORDS.iter().find(|(word, _)| *word == text).map(|(_, standing)| *standing);
    found.ok_or_else(|| "expected planned, running, over, in_force or revoked".to_owned())
}

/// The list as it is answered.
#[derive(Deserialize)]
struct Listed<T> {
    total: usize,
    records: Vec<T>,
}

/// A record that is shown to people.
pub(super) trait Shown: DeserializeOwned {
    /// The titles of the columns of a list.
    const TITLES: [&'static str; 6];

    /// Its line in a list.
    fn line(&self) -> [String; 6];

    /// Everything it says: names and values.
    fn whole(&self) -> Vec<[String; 2]>;

    /// What was put on record, in a sentence, and what is to be known beside it.
    fn added(&self) -> String;
}

/// Puts a record on record.
pub(super) fn add<T: Shown>(asked: Asked, place: &Place) -> Result<(), Ended> {
    let sort = asked.sort();
    let body = match &asked {
        Asked::Maintenance(asked) => json!(asked),
        Asked::Exclusion(asked) => json!(asked),
        Asked::Dated(asked) => json!(asked),
    };
    let body = answer(&place.data, &Ask::post(path(sort), &body), |engine, now| {
        govern(engine, GovernCommand::Add(Box::new(asked)), now)
    })?;
    if place.format == Format::Json {
        return print_json(&body);
    }
    anstream::println!("{}", understood::<T>(&body)?.added());
    Ok(())
}

/// Lists records of a sort.
pub(super) fn listed<T: Shown>(sort: Sort, args: &ListArgs, kind: Option<&'static str>) -> Result<(), Ended> {
    if let Some(standing) = args.standing.filter(|standing| !standing.is_of(sort)) {
        let message = format!("--standing: no {} is {}", sort.as_str(), standing.as_str());
        return Err(Ended::new(USAGE, message));
    }
    let limit = usize::from(args.limit).min(LIST_MAX);
    let mut query = vec![format!("limit={limit}")];
    query.extend(args.service.iter().map(|service| format!("service={service}")));
    query.extend(args.standing.iter().map(|standing| format!("standing={}", standing.as_str())));
    query.extend(args.from.iter().map(|from| format!("from={}", from.as_ms())));
    query.extend(args.to.iter().map(|to| format!("to={}", to.as_ms())));
    query.extend(kind.iter().map(|kind| format!("kind={kind}")));
    let ask = Ask::get(&format!("{}?{}", path(sort), query.join("&")));
    let body = answer(&args.place.data, &ask, |engine, now| {
        let (service, standing) = (args.service.clone(), args.standing);
        let wanted = Wanted { service, standing, kind, from: args.from, to: args.to, limit, ..Wanted::of(sort) };
        let catalogue = engine.catalogue();
        let beside = Beside { catalogue: &catalogue, overruns: &[], now };
        written(&list(&engine.governed(), &wanted, beside))
    })?;
    if args.place.format == Format::Json {
        return print_json(&body);
    }
    let list: Listed<T> = understood(&body)?;
    let rows: Vec<_> = list.records.iter().map(Shown::line).collect();
    anstream::print!("{}", table(T::TITLES, &rows));
    if list.total > rows.len() {
        anstream::println!("{} of {}; --limit, --from and --to show others.", rows.len(), list.total);
    }
    Ok(())
}

/// Shows one.
pub(super) fn show<T: Shown>(sort: Sort, args: &ShowArgs) -> Result<(), Ended> {
    let ask = Ask::get(&format!("{}/{}", path(sort), args.id));
    let body = answer(&args.place.data, &ask, |engine, now| {
        let register = engine.governed();
        let kept = register.get(sort, &args.id).map_err(|why| Ended::new(WRONG, why))?;
        of_store(engine, kept, now)
    })?;
    if args.place.format == Format::Json {
        return print_json(&body);
    }
    let rows = understood::<T>(&body)?.whole();
    anstream::print!("{}", table(["WHAT", "VALUE"], &rows));
    Ok(())
}

/// Revokes one.
pub(super) fn revoke(sort: Sort, args: &RevokeArgs) -> Result<(), Ended> {
    let ask = Ask::post(&format!("{}/{}/revoke", path(sort), args.id), &json!({ "reason": args.reason }));
    answer(&args.data, &ask, |engine, now| {
        govern(engine, GovernCommand::Revoke { sort, id: args.id.clone(), reason: args.reason.clone() }, now)
    })?;
    anstream::println!("Revoked {}; it is as if it had never been, and stays on record.", args.id);
    Ok(())
}

fn govern(engine: &mut Engine, command: GovernCommand, now: Instant) -> Result<Vec<u8>, Ended> {
    let done = engine.govern(command, &local_actor(), now).map_err(|error| {
        let code = if matches!(error, CommandError::Governed(_)) { WRONG } else { UNAVAILABLE };
        Ended::new(code, error)
    })?;
    of_store(engine, &done.kept, now)
}

fn of_store(engine: &Engine, kept: &Kept, now: Instant) -> Result<Vec<u8>, Ended> {
    let catalogue = engine.catalogue();
    written(&shown(kept, Beside { catalogue: &catalogue, overruns: &[], now }))
}

fn written(value: &impl serde::Serialize) -> Result<Vec<u8>, Ended> {
    serde_json::to_vec(value).map_err(|error| Ended::new(UNAVAILABLE, error))
}

/// The rows that every sort ends with.
pub(super) fn kept_rows(
    standing: Standing,
    recorded: (Instant, &Actor),
    revoked: Option<&Revocation>,
) -> Vec<[String; 2]> {
    let mut rows = vec![row("standing", standing.as_str()), row("on record since", recorded.0)];
    rows.push(row("recorded by", recorded.1));
    if let Some(revoked) = revoked {
        rows.extend([row("revoked", revoked.at), row("revoked by", &revoked.by), row("reason", &revoked.reason)]);
    }
    rows
}

/// A row of what is shown.
pub(super) fn row(name: &str, value: impl std::fmt::Display) -> [String; 2] {
    [name.to_owned(), value.to_string()]
}

/// The row of what may not be there.
pub(super) fn row_if(name: &str, value: Option<&(impl std::fmt::Display + ?Sized)>) -> Option<[String; 2]> {
    value.map(|value| row(name, value))
}
