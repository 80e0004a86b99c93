//! Incidents over HTTP: the list, one with its history, and what people do to it.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use utoipa::ToSchema;

use super::body;
use super::problem::{not_done, problem, unanswered};
use super::query::Asked;
use super::tokens::{actor, done};
use crate::access::caller::Caller;
use crate::engine::command::History;
use crate::engine::handle::EngineHandle;
use crate::incident::act::{Act, Comment};
use crate::incident::list::{IncidentHistory, IncidentList};
use crate::incident::model::{Incident, Number};

/// The incidents, newest first: `?state=open` (what there is without it) or `all`, which adds the newest resolved ones.
pub(super) async fn list(State(engine): State<EngineHandle>, RawQuery(query): RawQuery) -> Response {
    match wants_all(query.as_deref()) {
        Ok(all) => {
            let snapshot = engine.snapshot();
            let resolved = snapshot.recent_incidents.iter().filter(|_| all);
            Json(IncidentList::new(snapshot.as_of, snapshot.open_incidents.iter(), resolved)).into_response()
        }
        Err(refused) => *refused,
    }
}

/// Whether the resolved ones are asked for, too.
fn wants_all(query: Option<&str>) -> Result<bool, Box<Response>> {
    let all = |state: &str| match state {
        "open" => Some(false),
        "all" => Some(true),
        _ => None,
    };
    Ok(Asked::read(query, &["state"])?.get("state", "open or all", all)?.unwrap_or_default())
}

/// The incident of a path, such as `INC-7` or `7`.
pub(super) type NumberPath = Result<Path<String>, PathRejection>;

/// One incident with everything that happened to it.
pub(super) async fn one(State(engine): State<EngineHandle>, number: NumberPath) -> Response {
    match history(&engine, number).await {
        Ok(history) => Json(IncidentHistory::from(history)).into_response(),
        Err(refused) => *refused,
    }
}

/// What somebody says as they take an incident on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Acknowledgement {
    #[schema(schema_with = super::document::comment_or_none)]
    comment: Option<String>,
}

pub(super) async fn acknowledge(
    State(engine): State<EngineHandle>,
    Extension(caller): Extension<Caller>,
    number: NumberPath,
    sent: body::Sent,
) -> Response {
    let said = body::json(sent).await.map(|body: Acknowledgement| body.comment);
    match said {
        Ok(said) => answer(acknowledged(&engine, &caller, number, said.as_deref()).await),
        Err(refused) => *refused,
    }
}

/// What somebody says.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Commented {
    #[schema(schema_with = super::document::comment)]
    text: String,
}

pub(super) async fn comment(
    State(engine): State<EngineHandle>,
    Extension(caller): Extension<Caller>,
    number: NumberPath,
    sent: body::Sent,
) -> Response {
    match body::json(sent).await {
        Ok(Commented { text }) => answer(commented(&engine, &caller, number, &text).await),
        Err(refused) => *refused,
    }
}

/// Takes an incident on, perhaps with a word.
pub(super) async fn acknowledged(
    engine: &EngineHandle,
    caller: &Caller,
    number: NumberPath,
    said: Option<&str>,
) -> Result<Incident, Box<Response>> {
    let number = read(number)?;
    let said = said.map(Comment::new).transpose().map_err(|why| Box::new(not_done(&why.into())))?;
    done(engine.act(number, Act::Acknowledge(said), actor(caller)?).await)
}

/// Says something about an incident.
pub(super) async fn commented(
    engine: &EngineHandle,
    caller: &Caller,
    number: NumberPath,
    text: &str,
) -> Result<Incident, Box<Response>> {
    let number = read(number)?;
    let comment = Comment::new(text).map_err(|why| Box::new(not_done(&why.into())))?;
    done(engine.act(number, Act::Comment(comment), actor(caller)?).await)
}

/// The incident of a path with everything that happened to it.
pub(super) async fn history(engine: &EngineHandle, number: NumberPath) -> Result<History, Box<Response>> {
    let number = read(number)?;
    let refused = match engine.history(number).await {
        Ok(Ok(Some(history))) => return Ok(history),
        Ok(Ok(None)) => not_done(&crate::incident::act::ActError::NoIncident(number).into()),
        Ok(Err(error)) => {
            tracing::error!(%error, "an incident could not be given");
            let detail = "The incident could not be read; the log of the collector says why.";
            problem(StatusCode::INTERNAL_SERVER_ERROR, "incident", detail, None)
        }
        Err(why) => unanswered(why),
    };
    Err(Box::new(refused))
}

fn read(number: NumberPath) -> Result<Number, Box<Response>> {
    let number = number.ok().and_then(|Path(text)| Number::parse(&text));
    let detail = "The incident is not a number such as INC-7.";
    number.ok_or_else(|| Box::new(problem(StatusCode::BAD_REQUEST, "bad-id", detail, None)))
}

fn answer(done: Result<Incident, Box<Response>>) -> Response {
    done.map_or_else(|refused| *refused, |incident| Json(incident).into_response())
}
