//! Problems, and what costs most, for a terminal, from what the API answers.

use serde::Deserialize;
use uphold_common::time::Instant;

use super::ink::{in_line, length};
use crate::problem::model::{About, Fix, KnownError, LinkedIncident, ProblemNumber, ProblemState};
use crate::problem::pareto::Pareto;
use crate::problem::view::{Effect, ProblemLine};

/// The list as it is answered.
#[derive(Debug, Deserialize)]
pub struct ListShown {
    /// The problems.
    pub problems: Vec<ProblemShown>,
    /// After which one the next page begins, such as `PRB-2`.
    pub next: Option<String>,
}

/// What is read of a problem. Keys that it does not know are passed over.
#[derive(Debug, Deserialize)]
pub struct ProblemShown {
    /// Its number.
    pub number: ProblemNumber,
    /// What it is about.
    #[serde(flatten)]
    pub about: About,
    /// Its title.
    pub title: String,
    /// Where it stands.
    pub state: ProblemState,
    /// When it was opened.
    pub opened: Instant,
    /// Its incidents.
    pub incidents: Vec<LinkedIncident>,
    /// What lies behind it.
    pub known_error: Option<KnownError>,
    /// What ends it.
    pub fix: Option<Fix>,
    /// What became of it since.
    pub effect: Option<Effect>,
}

/// A problem with everything that happened to it.
#[derive(Debug, Deserialize)]
pub struct HistoryShown {
    /// The problem.
    pub problem: ProblemShown,
    /// What happened to it, in order.
    pub events: Vec<ProblemLine>,
}

/// The titles of the columns of a list.
pub const TITLES: [&str; 4] = ["NUMBER", "STATE", "INCIDENTS", "TITLE"];

/// The problems in the order given, a row each.
pub fn rows(problems: &[ProblemShown]) -> Vec<[String; 4]> {
    let rows = problems.iter().map(|problem| {
        let came_back = problem.effect.is_some_and(|effect| effect.came_back);
        let state = if came_back { "fixed, came back" } else { problem.state.as_str() };
        [problem.number.to_string(), state.to_owned(), problem.incidents.len().to_string(), problem.title.clone()]
    });
    rows.collect()
}

/// One problem with its history, in UTC.
pub fn render_one(history: &HistoryShown) -> String {
    let problem = &history.problem;
    let mut lines = vec![format!("{}  {}", problem.number, in_line(&problem.title))];
    lines.push(format!("  about      {}", problem.about));
    lines.push(format!("  state      {}", problem.state.as_str()));
    lines.push(format!("  opened     {}", problem.opened));
    lines.push(format!("  incidents  {}", problem.incidents.len()));
    if let Some(known) = &problem.known_error {
        lines.push(format!("  cause      {}", in_line(&known.root_cause)));
        lines.push(format!("  what helps {}", in_line(&known.workaround)));
    }
    if let Some(fix) = &problem.fix {
        lines.push(format!("  fixed      {} by {}", fix.at, in_line(&fix.reference)));
    }
    if let Some(effect) = &problem.effect {
        let Effect { over_ms, before, after, .. } = effect;
        let over = length(*over_ms);
        lines.push(format!("  since then {after} incidents in {over}; {before} in as long before"));
    }
    lines.push(String::new());
    lines.extend(history.events.iter().map(|event| format!("{}  {}", event.at_ms, in_line(&event.change.to_string()))));
    lines.into_iter().flat_map(|line| [line, "\n".to_owned()]).collect()
}

/// The titles of the columns of what costs most.
pub const PARETO_TITLES: [&str; 5] = ["NAME", "INCIDENTS", "LASTED", "SHARE", "TOGETHER"];

/// What costs most, a row each.
pub fn pareto_rows(found: &Pareto) -> Vec<[String; 5]> {
    let percent = |permille: u32| format!("{}.{}%", permille / 10, permille % 10);
    let rows = found.rows.iter().map(|row| {
        [
            row.name.clone().unwrap_or_else(|| "none".to_owned()),
            row.incidents.to_string(),
            length(row.duration_ms),
            percent(row.share_permille),
            percent(row.cumulative_permille),
        ]
    });
    rows.collect()
}
