//! What is read: assignments, services, figures, incidents.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use uphold_common::bytes::Hex;
use uphold_common::catalogue::assign;
use uphold_common::catalogue::model::WindowKind;
use uphold_common::ids::Id;
use uphold_common::observation::State as ServiceState;
use uphold_common::time::Instant;
use uphold_common::wire::batch;
use uphold_common::yaml::words;

use super::problem::{no_figures, problem, unanswered};
use crate::engine::handle::EngineHandle;
use crate::engine::query::FiguresQuery;
use crate::incident::list::IncidentList;

/// What an agent is to observe. An agent that the catalogue does not name has nothing to observe.
pub(super) async fn assignment(
    State(engine): State<EngineHandle>,
    name: Result<Path<Id>, PathRejection>,
    headers: HeaderMap,
) -> Response {
    let Ok(Path(name)) = name else { return bad_id("agent") };
    let assignment = assign::assignment(&engine.snapshot().catalogue, &name);
    let Ok(body) = serde_json::to_vec(&assignment) else {
        return problem(StatusCode::INTERNAL_SERVER_ERROR, "assignment", "It could not be written.", None);
    };
    let tag = format!("\"{}\"", Hex(&batch::digest(&body)));
    let held = headers.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    if held.is_some_and(|held| held.split(',').any(|one| matches!(one.trim(), "*") || one.trim() == tag)) {
        return (StatusCode::NOT_MODIFIED, [(ETAG, tag)]).into_response();
    }
    ([(ETAG, tag), (CONTENT_TYPE, "application/json".to_owned())], body).into_response()
}

#[derive(Serialize)]
struct ServiceLine {
    id: Id,
    name: String,
    state: ServiceState,
    since_ms: Instant,
    targets: Vec<String>,
}

#[derive(Serialize)]
struct ServiceList {
    as_of_ms: Instant,
    catalogue_version: u64,
    services: Vec<ServiceLine>,
}

/// The services and their states, as of the newest snapshot.
pub(super) async fn services(State(engine): State<EngineHandle>) -> Response {
    let snapshot = engine.snapshot();
    let line = |(id, now): (&Id, &crate::snapshot::ServiceSnapshot)| {
        let service = snapshot.catalogue.services.get(id)?;
        Some(ServiceLine {
            id: id.clone(),
            name: service.name.clone(),
            state: now.state,
            since_ms: now.since,
            targets: now.targets.keys().map(ToString::to_string).collect(),
        })
    };
    Json(ServiceList {
        as_of_ms: snapshot.as_of,
        catalogue_version: snapshot.catalogue_version,
        services: snapshot.services.iter().filter_map(line).collect(),
    })
    .into_response()
}

/// The figures of a service: `?window=month&at=INSTANT&as_of=INSTANT`, all optional.
pub(super) async fn figures(
    State(engine): State<EngineHandle>,
    service: Result<Path<Id>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Response {
    let Ok(Path(service)) = service else { return bad_id("service") };
    let mut asked = FiguresQuery { service, window: None, at: None, as_of: None };
    for (key, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        let understood = match key.as_ref() {
            "window" => WindowKind::parse(&value).map(|kind| asked.window = Some(kind)),
            "at" => Instant::parse(&value).map(|at| asked.at = Some(at)),
            "as_of" => Instant::parse(&value).map(|at| asked.as_of = Some(at)),
            unknown => return unknown_parameter(unknown, &["window", "at", "as_of"]),
        };
        if understood.is_none() {
            let expected = match key.as_ref() {
                "window" => "day, week, month, quarter, year, or a length such as 30d or 24h",
                _ => "an instant such as 2026-03-01T00:00:00Z, or milliseconds since 1970",
            };
            return problem(StatusCode::BAD_REQUEST, "bad-parameter", &format!("{key}: expected {expected}."), None);
        }
    }
    match engine.figures(asked).await {
        Ok(Ok(body)) => ([(CONTENT_TYPE, "application/json")], body).into_response(),
        Ok(Err(error)) => no_figures(&error),
        Err(why) => unanswered(why),
    }
}

/// The incidents, newest first: `?state=open` (what there is without it) or `all`, which adds the newest resolved ones.
pub(super) async fn incidents(State(engine): State<EngineHandle>, RawQuery(query): RawQuery) -> Response {
    let mut all = false;
    for (key, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        match (key.as_ref(), value.as_ref()) {
            ("state", "open") => all = false,
            ("state", "all") => all = true,
            ("state", _) => {
                return problem(StatusCode::BAD_REQUEST, "bad-parameter", "state: expected open or all.", None);
            }
            (unknown, _) => return unknown_parameter(unknown, &["state"]),
        }
    }
    let snapshot = engine.snapshot();
    let resolved = snapshot.recent_incidents.iter().filter(|_| all);
    Json(IncidentList::new(snapshot.as_of, snapshot.open_incidents.iter(), resolved)).into_response()
}

fn unknown_parameter(unknown: &str, known: &[&str]) -> Response {
    let hint = words::did_you_mean(unknown, known.iter().copied());
    let detail = format!("There is no parameter {}{hint}.", words::shown(unknown));
    problem(StatusCode::BAD_REQUEST, "unknown-parameter", &detail, None)
}

fn bad_id(what: &str) -> Response {
    problem(StatusCode::BAD_REQUEST, "bad-id", &format!("The {what} is not {}.", uphold_common::ids::BadId), None)
}
