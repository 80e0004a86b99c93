//! `problems`: the list, one with its history, what costs most, and what somebody on this host does about them.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use uphold_common::time::{Instant, Interval};
use uphold_manual::after_help;

use super::Format;
use super::ask::{answer, local_actor, print_json, understood};
use super::exit::{ASKED, Ended, UNAVAILABLE, USAGE, WRONG};
use super::incidents::one_of;
use super::table::table;
use crate::api::problems::PERIOD_MS;
use crate::api::socket::Ask;
use crate::engine::command::CommandError;
use crate::incident::model::Number;
use crate::problem::act::{ProblemAct, ProblemError};
use crate::problem::model::{ProblemNumber, ProblemState};
use crate::problem::pareto::{By, ParetoQuery, Rank};
use crate::problem::view::ProblemsQuery;
use crate::report::problems::{
    HistoryShown, ListShown, PARETO_TITLES, ProblemShown, TITLES, pareto_rows, render_one, rows,
};

const EXAMPLES: [&str; 2] = ["uphold-collector problems list", "uphold-collector problems pareto --by cause"];
const LIST: [&str; 2] = ["uphold-collector problems list", "uphold-collector problems list --state known_error"];
const SHOW: [&str; 1] = ["uphold-collector problems show PRB-2"];
const PARETO: [&str; 2] =
    ["uphold-collector problems pareto", "uphold-collector problems pareto --by cause --rank count"];
const CLOSE: [&str; 1] = ["uphold-collector problems close PRB-2 --comment \"it has not come back\""];
const OPEN: [&str; 1] = ["uphold-collector problems open \"no connections left\" --incident INC-7"];
const KNOWN: [&str; 1] = ["uphold-collector problems known-error 2 --root-cause leak --workaround restart"];
const FIX: [&str; 1] = ["uphold-collector problems fix PRB-2 --change CHG-1042 --at 2026-03-01T07:00Z"];

/// What `problems` is told.
#[derive(Debug, Args)]
#[command(after_help = after_help::written(&EXAMPLES, &ASKED))]
pub(super) struct ProblemsArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List the problems, newest first.
    #[command(after_help = after_help::written(&LIST, &ASKED))]
    List {
        /// Those that stand so: open, `known_error`, fixed or closed.
        #[arg(long, value_parser = state)]
        state: Option<ProblemState>,
        /// Those after this one, which are older.
        #[arg(long, value_name = "NUMBER", value_parser = |text: &str| ProblemNumber::parse(text).ok_or("expected a number such as PRB-2"))]
        after: Option<ProblemNumber>,
        /// At most how many, the newest first.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
        #[command(flatten)]
        place: Place,
    },
    /// Show a problem with everything that happened to it.
    #[command(after_help = after_help::written(&SHOW, &ASKED))]
    Show {
        #[command(flatten)]
        which: Which,
        /// The form.
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
    },
    /// Say what costs most: which services, causes or components.
    #[command(after_help = after_help::written(&PARETO, &ASKED))]
    Pareto {
        /// By what incidents are put together.
        #[arg(long, value_enum, default_value = "service")]
        by: ByWord,
        /// What comes first.
        #[arg(long, value_enum, default_value = "minutes")]
        rank: RankWord,
        /// From this instant on [default: 30 days before the end].
        #[arg(long, value_name = "INSTANT", value_parser = instant)]
        from: Option<Instant>,
        /// Up to this instant [default: now].
        #[arg(long, value_name = "INSTANT", value_parser = instant)]
        to: Option<Instant>,
        #[command(flatten)]
        place: Place,
    },
    /// Open a problem behind incidents.
    #[command(after_help = after_help::written(&OPEN, &ASKED))]
    Open {
        /// Its title.
        title: String,
        /// An incident; may be given several times. It is about what the first of them is about.
        #[arg(long = "incident", value_name = "INCIDENT", required = true, value_parser = incident)]
        incidents: Vec<Number>,
        /// The data directory.
        #[arg(long, value_name = "DIR", default_value = "./uphold-data")]
        data: PathBuf,
    },
    /// Say what lies behind a problem, and what helps until it is fixed.
    #[command(after_help = after_help::written(&KNOWN, &ASKED))]
    KnownError {
        #[command(flatten)]
        which: Which,
        /// What lies behind it.
        #[arg(long)]
        root_cause: String,
        /// What helps until it is fixed.
        #[arg(long)]
        workaround: String,
    },
    /// Say what ends a problem.
    #[command(after_help = after_help::written(&FIX, &ASKED))]
    Fix {
        #[command(flatten)]
        which: Which,
        /// The change, such as CHG-1042.
        #[arg(long)]
        change: String,
        /// From when on it works [default: now].
        #[arg(long, value_name = "INSTANT", value_parser = instant)]
        at: Option<Instant>,
    },
    /// Close a problem: nothing more is to be done about it.
    #[command(after_help = after_help::written(&CLOSE, &ASKED))]
    Close {
        #[command(flatten)]
        which: Which,
        /// A word with it.
        #[arg(long)]
        comment: Option<String>,
    },
}

/// In which form, and from where.
#[derive(Debug, Args)]
struct Place {
    /// The form.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// The data directory.
    #[arg(long, value_name = "DIR", default_value = "./uphold-data")]
    data: PathBuf,
}

/// Which problem.
#[derive(Debug, Args)]
struct Which {
    /// Its number, such as PRB-2.
    #[arg(value_parser = |text: &str| ProblemNumber::parse(text).ok_or("expected a number such as PRB-2"))]
    number: ProblemNumber,
    /// The data directory.
    #[arg(long, value_name = "DIR", default_value = "./uphold-data")]
    data: PathBuf,
}

/// By what incidents are put together.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum ByWord {
    /// By the service, or the agent.
    Service,
    /// By why they opened.
    Cause,
    /// By the component whose probes failed.
    Component,
}

/// What comes first.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum RankWord {
    /// What took longest.
    Minutes,
    /// What came most often.
    Count,
}

fn instant(text: &str) -> Result<Instant, &'static str> {
    Instant::parse(text).ok_or("expected an instant such as 2026-03-01T00:00:00Z, or milliseconds since 1970")
}

fn state(text: &str) -> Result<ProblemState, String> {
    one_of(text, &ProblemState::ALL.map(|state| (state.as_str(), state)))
}

fn incident(text: &str) -> Result<Number, &'static str> {
    Number::parse(text).ok_or("expected a number such as INC-7")
}

pub(super) fn problems(args: ProblemsArgs) -> Result<(), Ended> {
    match args.what {
        What::List { state, after, limit, place } => list(&ProblemsQuery { state, after, limit: limit.into() }, &place),
        What::Show { which, format } => show(&which, format),
        What::Pareto { by, rank, from, to, place } => most(by, rank, (from, to), &place),
        What::Open { title, incidents, data } => {
            let named: Vec<String> = incidents.iter().map(ToString::to_string).collect();
            let body = json!({ "title": title, "incidents": named });
            act(&data, "/api/v1/problems", &body, ProblemAct::Open { title, incidents }, "Opened")
        }
        What::KnownError { which: Which { number, data }, root_cause, workaround } => {
            let body = json!({ "root_cause": root_cause, "workaround": workaround });
            let what = ProblemAct::KnownError { number, root_cause, workaround };
            act(&data, &path(number, "/known-error"), &body, what, "A known error")
        }
        What::Fix { which: Which { number, data }, change, at } => {
            let body = json!({ "change": change, "at": at.map(|at| at.to_string()) });
            act(&data, &path(number, "/fix"), &body, ProblemAct::Fix { number, reference: change, at }, "Fixed")
        }
        What::Close { which: Which { number, data }, comment } => {
            let body = json!({ "comment": comment });
            act(&data, &path(number, "/close"), &body, ProblemAct::Close { number, text: comment }, "Closed")
        }
    }
}

fn path(number: ProblemNumber, what: &str) -> String {
    format!("/api/v1/problems/{number}{what}")
}

fn act(data: &std::path::Path, path: &str, body: &Value, what: ProblemAct, done: &str) -> Result<(), Ended> {
    let body = answer(data, &Ask::post(path, body), |engine, now| {
        let acted = engine.problem_act(what, &local_actor(), now).map_err(|error| {
            let code = if matches!(error, CommandError::Problem(_)) { WRONG } else { UNAVAILABLE };
            Ended::new(code, error)
        })?;
        written(&acted)
    })?;
    let view: ProblemShown = understood(&body)?;
    anstream::println!("{done}: {}.", view.number);
    Ok(())
}

fn list(query: &ProblemsQuery, place: &Place) -> Result<(), Ended> {
    let ask = Ask::get(&format!("/api/v1/problems?{}", query.written()));
    let body = answer(&place.data, &ask, |engine, now| written(&engine.problems(query, now)))?;
    if place.format == Format::Json {
        return print_json(&body);
    }
    let list: ListShown = understood(&body)?;
    let rows = rows(&list.problems);
    anstream::print!("{}", if rows.is_empty() { "No problems.\n".to_owned() } else { table(TITLES, &rows) });
    if let Some(next) = list.next {
        anstream::println!("There are more; --after {next} shows them.");
    }
    Ok(())
}

fn show(which: &Which, format: Format) -> Result<(), Ended> {
    let body = answer(&which.data, &Ask::get(&path(which.number, "")), |engine, now| {
        let found = engine.problem(which.number, now).map_err(|error| Ended::new(UNAVAILABLE, error))?;
        written(&found.ok_or_else(|| Ended::new(WRONG, ProblemError::NoProblem(which.number)))?)
    })?;
    if format == Format::Json {
        return print_json(&body);
    }
    let history: HistoryShown = understood(&body)?;
    anstream::print!("{}", render_one(&history));
    Ok(())
}

fn most(by: ByWord, rank: RankWord, span: (Option<Instant>, Option<Instant>), place: &Place) -> Result<(), Ended> {
    let by = match by {
        ByWord::Service => By::Service,
        ByWord::Cause => By::Cause,
        ByWord::Component => By::Component,
    };
    let rank = match rank {
        RankWord::Minutes => Rank::Minutes,
        RankWord::Count => Rank::Count,
    };
    if let (Some(from), Some(to)) = span
        && from >= to
    {
        return Err(Ended::new(USAGE, "--from is expected before --to"));
    }
    let said = |key: &str, at: Option<Instant>| at.map(|at| format!("&{key}={}", at.as_ms())).unwrap_or_default();
    let query = format!("by={}&rank={}{}{}", by.as_str(), rank.as_str(), said("from", span.0), said("to", span.1));
    let body = answer(&place.data, &Ask::get(&format!("/api/v1/problems/pareto?{query}")), |engine, now| {
        let to = span.1.unwrap_or(now);
        let over = Interval::new(span.0.unwrap_or(to.minus_ms(PERIOD_MS)).min(to), to);
        written(&engine.pareto(&ParetoQuery { by, rank, over }, now))
    })?;
    if place.format == Format::Json {
        return print_json(&body);
    }
    let rows = pareto_rows(&understood(&body)?);
    let nothing = "No incidents in this time.\n".to_owned();
    anstream::print!("{}", if rows.is_empty() { nothing } else { table(PARETO_TITLES, &rows) });
    Ok(())
}

fn written<T: serde::Serialize>(answer: &T) -> Result<Vec<u8>, Ended> {
    serde_json::to_vec(answer).map_err(|error| Ended::new(UNAVAILABLE, error))
}
