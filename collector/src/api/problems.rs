//! Problems over HTTP: the list, one with its history, what costs most, and what people do to them.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use serde::Deserialize;
use uphold_common::time::{DAY_MS, Instant, Interval};
use utoipa::ToSchema;

use super::lists::leading_to;
use super::pages::{html, visitor};
use super::problem::{not_done, problem, unanswered};
use super::query::Asked;
use super::tokens::{actor, done};
use super::{Shared, body};
use crate::access::caller::Caller;
use crate::engine::handle::EngineHandle;
use crate::incident::model::Number;
use crate::page;
use crate::problem::act::{ProblemAct, ProblemError};
use crate::problem::model::{ProblemNumber, ProblemState};
use crate::problem::pareto::{By, ParetoQuery, Rank};
use crate::problem::view::{LIST_DEFAULT, LIST_MAX, ProblemsQuery};

/// Over how long it is asked what costs most, unless something else is said.
pub const PERIOD_MS: i64 = 30 * DAY_MS;

/// What is served of problems to programs.
pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/api/v1/problems", get(list).post(open))
        .route("/api/v1/problems/pareto", get(most))
        .route("/api/v1/problems/{number}", get(one))
        .route("/api/v1/problems/{number}/known-error", post(known_error))
        .route("/api/v1/problems/{number}/fix", post(fix))
        .route("/api/v1/problems/{number}/close", post(close))
}

/// The problems, newest first: `?state=open&limit=100&after=PRB-7`, all optional.
async fn list(State(engine): State<EngineHandle>, RawQuery(query): RawQuery) -> Response {
    let query = match asked_list(query.as_deref()) {
        Ok(query) => query,
        Err(refused) => return *refused,
    };
    match engine.problems(query.clone()).await {
        Ok(list) => {
            let next = list.next.map(|after| ProblemsQuery { after: Some(after), ..query }.written());
            leading_to(next.map(|next| format!("/api/v1/problems?{next}")), Json(list))
        }
        Err(why) => unanswered(why),
    }
}

/// Which problems a query asks for.
fn asked_list(query: Option<&str>) -> Result<ProblemsQuery, Box<Response>> {
    let asked = Asked::read(query, &["state", "after", "limit"])?;
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    let bounded = |text: &str| digits(text).filter(|limit| (1..=LIST_MAX).contains(limit));
    Ok(ProblemsQuery {
        state: asked.word("state", &ProblemState::ALL.map(|state| (state.as_str(), state)))?,
        after: asked.get("after", "a number such as PRB-7", ProblemNumber::parse)?,
        limit: asked.get("limit", &format!("a number from 1 to {LIST_MAX}"), bounded)?.unwrap_or(LIST_DEFAULT),
    })
}

/// What costs most: `?by=service&rank=minutes&from=…&to=…`.
async fn most(State(engine): State<EngineHandle>, RawQuery(query): RawQuery) -> Response {
    match asked_pareto(query.as_deref(), engine.snapshot().as_of) {
        Ok(query) => engine.pareto(query).await.map_or_else(unanswered, |found| Json(found).into_response()),
        Err(refused) => *refused,
    }
}

/// What is asked for; without a word the services that took longest in the last 30 days.
fn asked_pareto(query: Option<&str>, now: Instant) -> Result<ParetoQuery, Box<Response>> {
    let asked = Asked::read(query, &["by", "rank", "from", "to"])?;
    let by = asked.word("by", &By::ALL.map(|by| (by.as_str(), by)))?.unwrap_or(By::Service);
    let rank = asked.word("rank", &Rank::ALL.map(|rank| (rank.as_str(), rank)))?.unwrap_or(Rank::Minutes);
    let instant = "an instant such as 2026-03-01T00:00:00Z, or milliseconds since 1970";
    let to = asked.get("to", instant, Instant::parse)?.unwrap_or(now);
    let from = asked.get("from", instant, Instant::parse)?.unwrap_or(to.minus_ms(PERIOD_MS));
    if from >= to {
        let detail = "\"from\" is expected before \"to\".";
        return Err(Box::new(problem(StatusCode::BAD_REQUEST, "bad-parameter", detail, None)));
    }
    Ok(ParetoQuery { by, rank, over: Interval::new(from, to) })
}

/// The problem of a path, such as `PRB-2` or `2`.
type NumberPath = Result<Path<String>, PathRejection>;

fn read(number: NumberPath) -> Result<ProblemNumber, Box<Response>> {
    let number = number.ok().and_then(|Path(text)| ProblemNumber::parse(&text));
    let detail = "The problem is not a number such as PRB-2.";
    number.ok_or_else(|| Box::new(problem(StatusCode::BAD_REQUEST, "bad-id", detail, None)))
}

/// One problem with everything that happened to it.
async fn one(State(engine): State<EngineHandle>, number: NumberPath) -> Response {
    let number = match read(number) {
        Ok(number) => number,
        Err(refused) => return *refused,
    };
    match engine.problem(number).await {
        Ok(Ok(Some(history))) => Json(history).into_response(),
        Ok(Ok(None)) => not_done(&ProblemError::NoProblem(number).into()),
        Ok(Err(error)) => {
            tracing::error!(%error, "a problem could not be given");
            let detail = "The problem could not be read; the log of the collector says why.";
            problem(StatusCode::INTERNAL_SERVER_ERROR, "problem", detail, None)
        }
        Err(why) => unanswered(why),
    }
}

/// What a problem is opened with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProblemAsked {
    /// Its title, of at most 200 bytes.
    title: String,
    /// Its incidents, 1 to 100, such as `INC-7`; it is about what the first of them is about.
    incidents: Vec<String>,
}

async fn open(State(engine): State<EngineHandle>, Extension(caller): Extension<Caller>, sent: body::Sent) -> Response {
    let asked: ProblemAsked = match body::json(sent).await {
        Ok(asked) => asked,
        Err(refused) => return *refused,
    };
    let incidents: Option<Vec<Number>> = asked.incidents.iter().map(|text| Number::parse(text)).collect();
    let Some(incidents) = incidents else {
        let detail = "An incident is not a number such as INC-7.";
        return problem(StatusCode::UNPROCESSABLE_ENTITY, "unsound-problem", detail, None);
    };
    act(&engine, &caller, ProblemAct::Open { title: asked.title, incidents }).await
}

/// What lies behind a problem.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct KnownErrorAsked {
    /// What lies behind it, of at most 4,000 bytes.
    root_cause: String,
    /// What helps until it is fixed, of at most 4,000 bytes.
    workaround: String,
}

async fn known_error(
    State(engine): State<EngineHandle>,
    Extension(caller): Extension<Caller>,
    number: NumberPath,
    sent: body::Sent,
) -> Response {
    let asked = body::json(sent).await.and_then(|asked: KnownErrorAsked| Ok((read(number)?, asked)));
    match asked {
        Ok((number, KnownErrorAsked { root_cause, workaround })) => {
            act(&engine, &caller, ProblemAct::KnownError { number, root_cause, workaround }).await
        }
        Err(refused) => *refused,
    }
}

/// What ends a problem.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FixAsked {
    /// The change, such as `CHG-1042`, of at most 200 bytes.
    change: String,
    /// From when on it works, as RFC 3339; now where nothing is said.
    #[schema(format = "date-time")]
    at: Option<String>,
}

async fn fix(
    State(engine): State<EngineHandle>,
    Extension(caller): Extension<Caller>,
    number: NumberPath,
    sent: body::Sent,
) -> Response {
    let asked = body::json(sent).await.and_then(|asked: FixAsked| Ok((read(number)?, asked)));
    let (number, asked) = match asked {
        Ok(asked) => asked,
        Err(refused) => return *refused,
    };
    let at = asked.at.as_deref().map(Instant::parse);
    if at == Some(None) {
        let detail = "\"at\" is expected to be a date and time such as \"2026-01-01T00:00:00+01:00\".";
        return problem(StatusCode::UNPROCESSABLE_ENTITY, "unsound-problem", detail, None);
    }
    act(&engine, &caller, ProblemAct::Fix { number, reference: asked.change, at: at.flatten() }).await
}

/// With what a problem is closed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CloseAsked {
    /// A word with it, of at most 4,000 bytes.
    comment: Option<String>,
}

async fn close(
    State(engine): State<EngineHandle>,
    Extension(caller): Extension<Caller>,
    number: NumberPath,
    sent: body::Sent,
) -> Response {
    let asked = body::json(sent).await.and_then(|asked: CloseAsked| Ok((read(number)?, asked)));
    match asked {
        Ok((number, asked)) => act(&engine, &caller, ProblemAct::Close { number, text: asked.comment }).await,
        Err(refused) => *refused,
    }
}

async fn act(engine: &EngineHandle, caller: &Caller, act: ProblemAct) -> Response {
    let acted = match actor(caller) {
        Ok(actor) => done(engine.problem_act(act, actor).await),
        Err(refused) => Err(refused),
    };
    acted.map_or_else(|refused| *refused, |view| Json(view).into_response())
}

/// The page of problems, with what costs most.
pub(super) async fn page(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    RawQuery(query): RawQuery,
) -> Response {
    let snapshot = shared.engine.snapshot();
    let query = match asked_pareto(query.as_deref(), snapshot.as_of) {
        Ok(query) => query,
        Err(refused) => return *refused,
    };
    match (shared.engine.problems(ProblemsQuery::default()).await, shared.engine.pareto(query).await) {
        (Ok(list), Ok(found)) => {
            html(StatusCode::OK, page::problems::render(&snapshot, &list, &found, &visitor(&shared, &caller)))
        }
        (Err(why), _) | (_, Err(why)) => unanswered(why),
    }
}
