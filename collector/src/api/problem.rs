//! Refusals as RFC 9457 problems.
//!
//! The detail is a public sentence: what was wrong this time and what would be right. What only the operator may know
//! goes to the log instead.

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use uphold_common::wire::push::Problem;

use crate::access::token_ended;
use crate::engine::command::CommandError;
use crate::engine::handle::Unanswered;
use crate::engine::query::QueryError;
use crate::governed::GovernedError;
use crate::identity::keeper::KeeperError;
use crate::incident::act::ActError;
use crate::ingest::Refusal;
use crate::ingest::refusal::RETRY_RESERVE_S;
use crate::notify::letters::LetterError;
use crate::problem::act::ProblemError;

/// The content type of a problem.
pub const PROBLEM_CONTENT_TYPE: &str = "application/problem+json";

/// A problem of this status and word.
pub fn problem(status: StatusCode, word: &str, detail: &str, retry_after_s: Option<u32>) -> Response {
    let title = status.canonical_reason().unwrap_or("Refused");
    let kind = format!("urn:uphold:problem:{word}");
    let body = Problem { kind, title: title.to_owned(), status: status.as_u16(), detail: detail.to_owned() };
    respond(status, &body, retry_after_s)
}

/// The problem that a refused push is told.
pub fn refused(refusal: &Refusal) -> Response {
    if let Refusal::TokenEnded(standing) = refusal {
        return token_ended(*standing);
    }
    let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST);
    respond(status, &refusal.problem(), refusal.retry().map(|retry| retry.after_s))
}

/// The problem when the engine gave no answer.
pub fn unanswered(why: Unanswered) -> Response {
    problem(StatusCode::SERVICE_UNAVAILABLE, why.word(), &format!("{why}; try again."), Some(2))
}

/// The word for figures whose history is still being read.
pub const DERIVING: &str = "deriving";

/// The problem when there are no figures.
pub fn no_figures(error: &QueryError) -> Response {
    match error {
        QueryError::NoService { .. } => problem(StatusCode::NOT_FOUND, "no-such-service", &error.to_string(), None),
        QueryError::NoTarget { .. } => problem(StatusCode::NOT_FOUND, "no-such-target", &error.to_string(), None),
        QueryError::Future { .. } => problem(StatusCode::BAD_REQUEST, "in-the-future", &error.to_string(), None),
        QueryError::Deriving => {
            let detail = "So much history has to be read for this that it is done a part at a time; ask again.";
            problem(StatusCode::SERVICE_UNAVAILABLE, DERIVING, detail, Some(1))
        }
        QueryError::Store(_) | QueryError::Write(_) => {
            tracing::error!(%error, "figures could not be given");
            let detail = "The figures could not be read; the log of the collector says why.";
            problem(StatusCode::INTERNAL_SERVER_ERROR, "figures", detail, None)
        }
    }
}

/// The problem when what somebody wanted was not done.
pub fn not_done(error: &CommandError) -> Response {
    let (status, word) = match error {
        CommandError::Keeper(why) => match why {
            KeeperError::NameTaken { .. } => (StatusCode::CONFLICT, "name-taken"),
            KeeperError::AlreadyRevoked(_) => (StatusCode::CONFLICT, "already-revoked"),
            KeeperError::Past(_) => (StatusCode::UNPROCESSABLE_ENTITY, "unsound-token"),
            KeeperError::TooMany => (StatusCode::CONFLICT, "too-many-tokens"),
            KeeperError::NoToken { .. } => (StatusCode::NOT_FOUND, "no-such-token"),
            KeeperError::Damaged { .. } | KeeperError::Store(_) => return failed(error),
        },
        CommandError::Act(why) => (status_of(why), why.word()),
        CommandError::Problem(why) => match why {
            ProblemError::BadText { .. } | ProblemError::BadIncidents | ProblemError::NotYet(_) => {
                (StatusCode::UNPROCESSABLE_ENTITY, "unsound-problem")
            }
            ProblemError::NoProblem(_) => (StatusCode::NOT_FOUND, "no-such-problem"),
            ProblemError::NoIncident(_) => (StatusCode::NOT_FOUND, "no-such-incident"),
            ProblemError::Taken { .. } => (StatusCode::CONFLICT, "incident-taken"),
            ProblemError::Known { .. } => (StatusCode::CONFLICT, "problem-known"),
            ProblemError::Said(_) => (StatusCode::CONFLICT, "already-said"),
            ProblemError::Closed(_) => (StatusCode::CONFLICT, "problem-closed"),
            ProblemError::TooMany => (StatusCode::CONFLICT, "too-many-problems"),
            ProblemError::TooManyEvents(_) => (StatusCode::CONFLICT, "too-many-events"),
        },
        CommandError::Letter(why) => match why {
            LetterError::NoLetter(_) => (StatusCode::NOT_FOUND, "no-such-letter"),
            LetterError::NoReceiver(_) => (StatusCode::CONFLICT, "no-such-receiver"),
            LetterError::Full(_) => (StatusCode::CONFLICT, "outbox-full"),
        },
        CommandError::Governed(why) => match why {
            GovernedError::Unsound(_) => (StatusCode::UNPROCESSABLE_ENTITY, "unsound-record"),
            GovernedError::NotApprover(_) => (StatusCode::FORBIDDEN, "not-allowed"),
            GovernedError::IdTaken { .. } => (StatusCode::CONFLICT, "id-taken"),
            GovernedError::NotThere { .. } => (StatusCode::NOT_FOUND, "no-such-record"),
            GovernedError::AlreadyRevoked { .. } => (StatusCode::CONFLICT, "already-revoked"),
            GovernedError::TooMany(_) => (StatusCode::CONFLICT, "too-many-records"),
        },
        CommandError::NoRoom(why) => return no_room(why),
        CommandError::Ended { standing, .. } => return token_ended(*standing),
        CommandError::Engine(_) => return failed(error),
    };
    problem(status, word, &format!("{error}."), None)
}

/// The status when nothing is done to an incident.
pub fn status_of(why: &ActError) -> StatusCode {
    match why {
        ActError::NoIncident(_) => StatusCode::NOT_FOUND,
        why if why.is_unsound() => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::CONFLICT,
    }
}

/// The problem when the disk has room for nothing that can wait.
fn no_room(why: &str) -> Response {
    problem(StatusCode::SERVICE_UNAVAILABLE, "disk-reserve", why, Some(RETRY_RESERVE_S))
}

fn failed(error: &CommandError) -> Response {
    tracing::error!(%error, "what somebody wanted could not be done");
    let detail = "It could not be done; the log of the collector says why.";
    problem(StatusCode::INTERNAL_SERVER_ERROR, "not-done", detail, None)
}

fn respond(status: StatusCode, body: &Problem, retry_after_s: Option<u32>) -> Response {
    let text = serde_json::to_string(body).unwrap_or_default();
    let mut response = (status, [(CONTENT_TYPE, PROBLEM_CONTENT_TYPE)], text).into_response();
    if let Some(seconds) = retry_after_s {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
