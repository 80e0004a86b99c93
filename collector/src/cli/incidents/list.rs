//! `incidents` by itself: the list, narrowed by flags.

use std::path::Path;

use clap::Args;
use serde::Deserialize;
use uphold_common::catalogue::cause::Cause;
use uphold_common::catalogue::model::Priority;
use uphold_common::ids::Id;
use uphold_common::time::Instant;
use uphold_common::yaml::words;

use super::super::Format;
use super::super::ask::{answer, print_json, style, understood};
use super::super::exit::{Ended, UNAVAILABLE};
use crate::api::socket::Ask;
use crate::incident::list::{IncidentsQuery, LIST_MAX, Wanted};
use crate::incident::model::{Category, Incident, Number};
use crate::problem::event::ProblemNumber;
use crate::report::{Style, incidents};

/// Which incidents are listed.
#[derive(Debug, Args)]
pub(super) struct Which {
    /// Those that stand so: open, unacknowledged, acknowledged, resolved, closed or all.
    #[arg(long, default_value = "open", value_parser = state)]
    state: Wanted,
    /// All of them, as with --state all.
    #[arg(long, conflicts_with = "state")]
    all: bool,
    /// Those of this priority, such as P1.
    #[arg(long, value_parser = |text: &str| Priority::parse(text).ok_or("expected a priority from P1 to P5"))]
    priority: Option<Priority>,
    /// Those opened because of this, such as `service_down`.
    #[arg(long, value_parser = cause)]
    cause: Option<Cause>,
    /// Those of this kind of trouble, such as availability.
    #[arg(long, value_parser = category)]
    category: Option<Category>,
    /// Those about this service, or affecting it.
    #[arg(long, value_parser = |text: &str| Id::new(text))]
    service: Option<Id>,
    /// Those of this customer.
    #[arg(long, value_parser = |text: &str| Id::new(text))]
    customer: Option<Id>,
    /// Those given to this very name.
    #[arg(long, value_name = "WHO")]
    assignee: Option<String>,
    /// Those that were not over before this.
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    since: Option<Instant>,
    /// Those that began before this.
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    until: Option<Instant>,
    /// Those of this problem, such as PRB-2.
    #[arg(long, value_name = "PROBLEM", value_parser = |text: &str| ProblemNumber::parse(text).ok_or("expected a number such as PRB-2"))]
    problem: Option<ProblemNumber>,
    /// Only those that began in maintenance, or, with false, only the others.
    #[arg(long, value_name = "YES", num_args = 0..=1, default_missing_value = "true")]
    quiet: Option<bool>,
    /// Only the major ones, or, with false, only the others.
    #[arg(long, value_name = "YES", num_args = 0..=1, default_missing_value = "true")]
    major: Option<bool>,
    /// Those after this one, which are older.
    #[arg(long, value_name = "NUMBER", value_parser = |text: &str| Number::parse(text).ok_or("expected a number such as INC-7"))]
    after: Option<Number>,
    /// At most how many, the newest first.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
}

impl Which {
    fn query(&self) -> IncidentsQuery {
        IncidentsQuery {
            state: if self.all { Wanted::All } else { self.state },
            priority: self.priority,
            cause: self.cause,
            category: self.category,
            service: self.service.clone(),
            customer: self.customer.clone(),
            assignee: self.assignee.clone(),
            since: self.since,
            until: self.until,
            problem: self.problem,
            quiet: self.quiet,
            major: self.major,
            after: self.after,
            limit: usize::from(self.limit).min(LIST_MAX),
        }
    }
}

pub(super) fn instant(text: &str) -> Result<Instant, &'static str> {
    Instant::parse(text).ok_or("expected an instant such as 2026-03-01T00:00:00Z, or milliseconds since 1970")
}

fn state(text: &str) -> Result<Wanted, String> {
    one_of(text, &Wanted::WORDS)
}

fn cause(text: &str) -> Result<Cause, String> {
    one_of(text, &Cause::ALL.map(|cause| (cause.as_str(), cause)))
}

fn category(text: &str) -> Result<Category, String> {
    one_of(text, &Category::ALL.map(|category| (category.as_str(), category)))
}

/// What one of these words stands for.
pub(in crate::cli) fn one_of<T: Copy>(text: &str, known: &[(&'static str, T)]) -> Result<T, String> {
    let all = || known.iter().map(|(word, _)| *word);
    let found = known.iter().find(|(word, _)| *word == text).map(|(_, of)| *of);
    found.ok_or_else(|| format!("expected {}{}", words::listed(all()), words::did_you_mean(text, all())))
}

/// The list as it is answered.
#[derive(Deserialize)]
struct Listed {
    as_of_ms: Instant,
    incidents: Vec<Incident>,
    next: Option<Number>,
}

pub(super) fn list(which: &Which, format: Format, data: &Path) -> Result<(), Ended> {
    let query = which.query();
    let ask = Ask::get(&format!("/api/v1/incidents?{}", query.written()));
    let body = answer(data, &ask, |engine, now| {
        serde_json::to_vec(&engine.listed(&query, now)).map_err(|error| Ended::new(UNAVAILABLE, error))
    })?;
    if format == Format::Json {
        return print_json(&body);
    }
    let list: Listed = understood(&body)?;
    anstream::print!("{}", incidents::render(&list.incidents, list.as_of_ms, None, list_style()));
    if let Some(next) = list.next {
        anstream::println!("There are more; --after {next} shows them.");
    }
    Ok(())
}

/// The list of incidents is cut to a terminal's width, and to no other.
fn list_style() -> Style {
    let style = style();
    if style.colour { style } else { Style { width: u16::MAX, ..style } }
}
