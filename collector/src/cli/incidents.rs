//! `incidents`: the list, one with its history, and what somebody on this host does about it.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::json;
use uphold_common::time::Instant;
use uphold_manual::after_help;

use super::Format;
use super::ask::{answer, local_actor, print_json, style, understood};
use super::exit::{ASKED, DONE, Ended, UNAVAILABLE, UNAVAILABLE_MEANS, USAGE, WRONG};
use crate::api::socket::Ask;
use crate::engine::command::CommandError;
use crate::incident::act::{Act, ActError, Comment};
use crate::incident::list::IncidentHistory;
use crate::incident::model::Number;
use crate::report::Style;
use crate::report::incidents::{self, HistoryView, IncidentView};

const EXAMPLES: [&str; 2] = ["uphold-collector incidents", "uphold-collector incidents --all --format json"];
const EXIT_CODES: [(u8, &str); 4] = [
    (DONE, "the list was printed; it may be empty"),
    (WRONG, "the collector refused"),
    (USAGE, "the command line is not right"),
    (UNAVAILABLE, UNAVAILABLE_MEANS),
];
const SHOW: [&str; 1] = ["uphold-collector incidents show INC-7"];
const ACKNOWLEDGE: [&str; 2] = [
    "uphold-collector incidents acknowledge INC-7",
    "uphold-collector incidents acknowledge INC-7 --comment \"the carrier is told\"",
];
const COMMENT: [&str; 1] = ["uphold-collector incidents comment INC-7 \"a cable was cut\""];

/// What `incidents` is told.
#[derive(Debug, Args)]
#[command(after_help = after_help::written(&EXAMPLES, &EXIT_CODES), args_conflicts_with_subcommands = true)]
pub(super) struct IncidentsArgs {
    #[command(subcommand)]
    what: Option<What>,
    /// The newest resolved ones too.
    #[arg(long)]
    all: bool,
    /// The form.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// The data directory.
    #[arg(long, value_name = "DIR", default_value = "./uphold-data")]
    data: PathBuf,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show an incident with everything that happened to it.
    #[command(after_help = after_help::written(&SHOW, &ASKED))]
    Show {
        #[command(flatten)]
        which: Which,
        /// The form.
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
    },
    /// Take an incident on: others see that somebody has it, and who.
    #[command(after_help = after_help::written(&ACKNOWLEDGE, &ASKED))]
    Acknowledge {
        #[command(flatten)]
        which: Which,
        /// A word with it.
        #[arg(long)]
        comment: Option<String>,
    },
    /// Say something about an incident.
    #[command(after_help = after_help::written(&COMMENT, &ASKED))]
    Comment {
        #[command(flatten)]
        which: Which,
        /// What to say.
        text: String,
    },
}

/// Which incident.
#[derive(Debug, Args)]
struct Which {
    /// Its number, such as INC-7.
    #[arg(value_parser = |text: &str| Number::parse(text).ok_or("expected a number such as INC-7"))]
    number: Number,
    /// The data directory.
    #[arg(long, value_name = "DIR", default_value = "./uphold-data")]
    data: PathBuf,
}

/// The list of incidents as it is answered.
#[derive(Deserialize)]
struct Listed {
    as_of_ms: Instant,
    incidents: Vec<IncidentView>,
}

pub(super) fn incidents(args: &IncidentsArgs) -> Result<(), Ended> {
    match &args.what {
        None => list(args),
        Some(What::Show { which, format }) => show(which, *format),
        Some(What::Acknowledge { which, comment }) => {
            let comment = comment.as_deref().map(Comment::new).transpose().map_err(|why| Ended::new(USAGE, why))?;
            let ask = Ask::post(&path(which, "/acknowledge"), &json!({ "comment": comment }));
            act(which, &ask, Act::Acknowledge(comment), "Taken on")
        }
        Some(What::Comment { which, text }) => {
            let comment = Comment::new(text).map_err(|why| Ended::new(USAGE, why))?;
            let ask = Ask::post(&path(which, "/comments"), &json!({ "text": comment }));
            act(which, &ask, Act::Comment(comment), "Commented on")
        }
    }
}

fn path(which: &Which, what: &str) -> String {
    format!("/api/v1/incidents/{}{what}", which.number)
}

fn act(which: &Which, ask: &Ask, act: Act, done: &str) -> Result<(), Ended> {
    answer(&which.data, ask, |engine, now| {
        engine.act(which.number, act, &local_actor(), now).map(|_| Vec::new()).map_err(|error| {
            let code = if matches!(error, CommandError::Act(_)) { WRONG } else { UNAVAILABLE };
            Ended::new(code, error)
        })
    })?;
    anstream::println!("{done}: {}.", which.number);
    Ok(())
}

fn show(which: &Which, format: Format) -> Result<(), Ended> {
    let body = answer(&which.data, &Ask::get(&path(which, "")), |engine, _| {
        let history = engine.history(which.number).map_err(|error| Ended::new(UNAVAILABLE, error))?;
        let history = history.ok_or_else(|| Ended::new(WRONG, ActError::NoIncident(which.number)))?;
        serde_json::to_vec(&IncidentHistory::from(history)).map_err(|error| Ended::new(UNAVAILABLE, error))
    })?;
    if format == Format::Json {
        return print_json(&body);
    }
    let history: HistoryView = understood(&body)?;
    anstream::print!("{}", incidents::render_one(&history, style()));
    Ok(())
}

fn list(args: &IncidentsArgs) -> Result<(), Ended> {
    let state = if args.all { "all" } else { "open" };
    let ask = Ask::get(&format!("/api/v1/incidents?state={state}"));
    let body = answer(&args.data, &ask, |engine, now| {
        serde_json::to_vec(&engine.incidents(args.all, now)).map_err(|error| Ended::new(UNAVAILABLE, error))
    })?;
    match args.format {
        Format::Json => print_json(&body),
        Format::Text => {
            let list: Listed = understood(&body)?;
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
