//! What people do to a problem: open it, say what lies behind it, say what ends it, close it. Pure.

use uphold_common::time::Instant;

use super::model::{About, LinkedIncident, Problem, ProblemChange, ProblemEvent, ProblemNumber};
use super::register::{PROBLEMS_MAX, Problems};
use crate::identity::deed::Actor;
use crate::incident::model::{Number, Uid};
use crate::incident::register::Register;

/// Most bytes of a text.
pub const TEXT_BYTES_MAX: usize = 4_000;
/// Most bytes of a title, or of the name of a change.
pub const NAME_BYTES_MAX: usize = 200;
/// Most incidents that somebody opens a problem with.
pub const OPENED_WITH_MAX: usize = 100;
/// Most events of one problem that people may add to.
pub const EVENTS_MAX: u32 = 2_000;

/// What somebody does to a problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProblemAct {
    /// To open one behind incidents.
    Open {
        /// Its title.
        title: String,
        /// The incidents; the problem is about what the first of them is about.
        incidents: Vec<Number>,
    },
    /// To say what lies behind it, and how to live with it.
    KnownError {
        /// The problem.
        number: ProblemNumber,
        /// What lies behind it.
        root_cause: String,
        /// What helps until it is fixed.
        workaround: String,
    },
    /// To say what ends it.
    Fix {
        /// The problem.
        number: ProblemNumber,
        /// The change.
        reference: String,
        /// From when on it works; none for now.
        at: Option<Instant>,
    },
    /// To close it.
    Close {
        /// The problem.
        number: ProblemNumber,
        /// What they say.
        text: Option<String>,
    },
}

/// Why nothing is done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProblemError {
    /// A text is none.
    #[error("{what} has 1 to {bytes_max} bytes, and no control characters but ends of lines and tabs")]
    BadText {
        /// Which.
        what: &'static str,
        /// Its most bytes.
        bytes_max: usize,
    },
    /// There is no such problem.
    #[error("there is no problem {0}")]
    NoProblem(ProblemNumber),
    /// There is no such incident among those that are open or recent.
    #[error("there is no {0} among the incidents that are open or recent")]
    NoIncident(Number),
    /// So many incidents are none, or too many.
    #[error("a problem is opened with 1 to {OPENED_WITH_MAX} incidents")]
    BadIncidents,
    /// An incident belongs to another.
    #[error("{incident} belongs to {problem}")]
    Taken {
        /// The incident.
        incident: Number,
        /// Its problem.
        problem: ProblemNumber,
    },
    /// There is one already.
    #[error("{problem} is about the same, {about}")]
    Known {
        /// It.
        problem: ProblemNumber,
        /// What it is about.
        about: String,
    },
    /// It is closed.
    #[error("{0} is closed")]
    Closed(ProblemNumber),
    /// The same was said before, and stands.
    #[error("the same stands on record of {0} already")]
    Said(ProblemNumber),
    /// It is said to be fixed in the future.
    #[error("a fix is said once it works: {0} is still to come")]
    NotYet(Instant),
    /// There are too many.
    #[error("there are {PROBLEMS_MAX} problems on record, and no more fit")]
    TooMany,
    /// It has too long a history.
    #[error("{0} has {EVENTS_MAX} events, and people may add no more")]
    TooManyEvents(ProblemNumber),
}

/// The events that `act` makes; `id` names a problem that it opens.
pub fn act(
    problems: &Problems,
    incidents: &Register,
    act: ProblemAct,
    by: &Actor,
    id: Uid,
    now: Instant,
) -> Result<Vec<ProblemEvent>, ProblemError> {
    let by = by.clone();
    let (number, change) = match act {
        ProblemAct::Open { title, incidents: numbers } => {
            let title = text("a title", &title, NAME_BYTES_MAX)?;
            return open(problems, incidents, title, &numbers, (by, id, now));
        }
        ProblemAct::KnownError { number, root_cause, workaround } => {
            let root_cause = text("a root cause", &root_cause, TEXT_BYTES_MAX)?;
            let workaround = text("a workaround", &workaround, TEXT_BYTES_MAX)?;
            (number, ProblemChange::KnownError { by, root_cause, workaround })
        }
        ProblemAct::Fix { number, reference, at } => {
            let reference = text("a change", &reference, NAME_BYTES_MAX)?;
            let fixed_at = at.unwrap_or(now);
            if fixed_at > now {
                return Err(ProblemError::NotYet(fixed_at));
            }
            (number, ProblemChange::Fixed { by, reference, fixed_at })
        }
        ProblemAct::Close { number, text: said } => {
            let said = said.map(|said| text("a comment", &said, TEXT_BYTES_MAX)).transpose()?;
            (number, ProblemChange::Closed { by, text: said })
        }
    };
    let problem = problems.get(number).ok_or(ProblemError::NoProblem(number))?;
    if !problem.is_alive() {
        return Err(ProblemError::Closed(number));
    }
    if stands(problem, &change) {
        return Err(ProblemError::Said(number));
    }
    if problem.events >= EVENTS_MAX {
        return Err(ProblemError::TooManyEvents(number));
    }
    Ok(vec![ProblemEvent { number, place: problem.events + 1, at: now, change }])
}

/// Whether the same stands there already, so that what is sent twice is done once. A known error that is said again after a
/// fix takes that back, and is something else.
fn stands(problem: &Problem, change: &ProblemChange) -> bool {
    match (change, &problem.known_error, &problem.fix) {
        (ProblemChange::KnownError { root_cause, workaround, .. }, Some(known), None) => {
            known.root_cause == *root_cause && known.workaround == *workaround
        }
        (ProblemChange::Fixed { reference, fixed_at, .. }, _, Some(fix)) => {
            fix.reference == *reference && fix.at == *fixed_at
        }
        _ => false,
    }
}

fn open(
    problems: &Problems,
    incidents: &Register,
    title: String,
    numbers: &[Number],
    (by, id, now): (Actor, Uid, Instant),
) -> Result<Vec<ProblemEvent>, ProblemError> {
    if numbers.is_empty() || numbers.len() > OPENED_WITH_MAX {
        return Err(ProblemError::BadIncidents);
    }
    let mut linked: Vec<LinkedIncident> = Vec::new();
    let mut about: Option<About> = None;
    for number in numbers {
        let incident = incidents.get(*number).ok_or(ProblemError::NoIncident(*number))?;
        if let Some(problem) = problems.of(*number) {
            return Err(ProblemError::Taken { incident: *number, problem: problem.number });
        }
        about = about.or_else(|| About::of(incident).into_iter().next());
        let one = LinkedIncident::from(incident);
        if !linked.contains(&one) {
            linked.push(one);
        }
    }
    let about = about.ok_or(ProblemError::BadIncidents)?;
    if let Some(problem) = problems.about(&about) {
        return Err(ProblemError::Known { problem: problem.number, about: about.to_string() });
    }
    let number = problems.next_number().ok_or(ProblemError::TooMany)?;
    let opened = ProblemChange::Opened { id, about, title, by: Some(by.clone()) };
    let changes = [opened, ProblemChange::Linked { incidents: linked, by: Some(by) }];
    Ok((1..).zip(changes).map(|(place, change)| ProblemEvent { number, place, at: now, change }).collect())
}

/// Some text, with lines but without other control characters; the space around it is taken off.
fn text(what: &'static str, text: &str, bytes_max: usize) -> Result<String, ProblemError> {
    let text = text.replace("\r\n", "\n");
    let text = text.trim();
    let odd = text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t'));
    if text.is_empty() || text.len() > bytes_max || odd {
        return Err(ProblemError::BadText { what, bytes_max });
    }
    Ok(text.to_owned())
}

#[cfg(test)]
#[path = "act_tests.rs"]
mod tests;
