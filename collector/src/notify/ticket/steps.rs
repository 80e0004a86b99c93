//! What happened to an incident, and what is known of its ticket → what is to be done there. Pure.
//!
//! | it was | with a ticket | without one |
//! |---|---|---|
//! | opened | nothing: it was made | made, after a search if an attempt's answer may have been lost |
//! | recorded | resolved | made, after the same search, and resolved |
//! | resolved, or over for something else | told so | searched; told so if there is one, else nothing |
//! | reopened | reopened | searched; reopened if there is one, else made |
//! | anything else | told so | searched; made if there is none and the incident is open; then told so |
//!
//! A system that has no tickets, only messages, is told each thing with its request. What a description has no request
//! for is not done, and said to be left out.

use super::description::{Description, Operation};
use crate::notify::message::Kind;

/// What is known before anything is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Situation {
    /// What happened.
    pub kind: Kind,
    /// Whether the incident is open as the message tells it.
    pub open: bool,
    /// Whether a ticket is known.
    pub ticket: bool,
    /// Whether an earlier attempt with this message may have been made, whose answer nobody heard.
    pub lost: bool,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Steps {
    /// Whether to search for a ticket first.
    pub search: bool,
    /// What to do when there is none then.
    pub missing: Missing,
    /// What to do to the ticket afterwards.
    pub then: Option<Operation>,
}

/// What to do when there is no ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// To go on without one: the system has none.
    GoOn,
    /// To make one, and to go on.
    Create,
    /// To make one, which says everything.
    CreateOnly,
    /// To leave it: what is over needs no ticket.
    Leave,
}

/// The operation that tells of what happened.
fn operation(kind: Kind) -> Operation {
    match kind {
        // To try a receiver that makes tickets is to have one made.
        Kind::Opened | Kind::Test => Operation::Create,
        Kind::Resolved | Kind::Recorded => Operation::Resolve,
        Kind::Reopened => Operation::Reopen,
        Kind::Closed => Operation::Close,
        Kind::Acknowledged => Operation::Acknowledge,
        Kind::Commented => Operation::Comment,
        Kind::Amended
        | Kind::Assigned
        | Kind::Linked
        | Kind::Unlinked
        | Kind::Affected
        | Kind::Escalated
        | Kind::Major
        | Kind::Reminded
        | Kind::NoticeReceived
        | Kind::Reviewed => Operation::Update,
    }
}

/// What is to be done about `now` at a system with tickets or without.
pub fn steps(description: &Description, now: Situation) -> Steps {
    let asked = operation(now.kind);
    if description.ticket.is_none() {
        return Steps { search: false, missing: Missing::GoOn, then: Some(asked) };
    }
    let then = Some(asked).filter(|asked| *asked != Operation::Create);
    if now.ticket {
        return Steps { search: false, missing: Missing::GoOn, then };
    }
    let (search, missing) = match now.kind {
        Kind::Test => (false, Missing::CreateOnly),
        Kind::Opened => (now.lost, Missing::CreateOnly),
        Kind::Recorded => (now.lost, Missing::Create),
        Kind::Reopened => (true, Missing::CreateOnly),
        _ if now.open => (true, Missing::Create),
        _ => (true, Missing::Leave),
    };
    Steps { search: search && description.search.is_some(), missing, then }
}
