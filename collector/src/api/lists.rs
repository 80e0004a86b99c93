//! What is read: assignments, services, figures.

use std::collections::BTreeSet;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Serialize;
use uphold_common::bytes::Hex;
use uphold_common::catalogue::assign;
use uphold_common::catalogue::model::WindowKind;
use uphold_common::ids::{Id, TargetId};
use uphold_common::observation::State as ServiceState;
use uphold_common::time::Instant;
use uphold_common::wire::batch;
use uphold_common::yaml::words;
use utoipa::ToSchema;

use super::problem::{no_figures, problem, unanswered};
use crate::access::caller::Caller;
use crate::engine::handle::EngineHandle;
use crate::engine::query::FiguresQuery;
use crate::snapshot::ServiceSnapshot;

/// What an agent is to observe. An agent that the catalogue does not name has nothing to observe.
pub(super) async fn assignment(
    State(engine): State<EngineHandle>,
    Extension(caller): Extension<Caller>,
    name: Result<Path<Id>, PathRejection>,
    headers: HeaderMap,
) -> Response {
    let Ok(Path(name)) = name else { return bad_id("agent") };
    if let Some(own) = caller.agent().filter(|own| **own != name) {
        return not_of_agent(own, &format!("read the assignment of {name}"));
    }
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

#[derive(Serialize, ToSchema)]
pub(super) struct ServiceLine {
    id: Id,
    name: String,
    state: ServiceState,
    since_ms: Instant,
    targets: Vec<String>,
}

/// All of its targets, in order of their ids.
fn targets_of(service: &ServiceSnapshot) -> Vec<String> {
    let all: BTreeSet<&TargetId> = service.targets.keys().chain(service.capacity.keys()).collect();
    all.into_iter().map(ToString::to_string).collect()
}

#[derive(Serialize, ToSchema)]
pub(super) struct ServiceList {
    as_of_ms: Instant,
    catalogue_version: u64,
    services: Vec<ServiceLine>,
}

/// The services and their states, as of the newest snapshot.
pub(super) async fn services(State(engine): State<EngineHandle>) -> Response {
    let snapshot = engine.snapshot();
    let line = |(id, now): (&Id, &ServiceSnapshot)| {
        let service = snapshot.catalogue.services.get(id)?;
        Some(ServiceLine {
            id: id.clone(),
            name: service.name.clone(),
            state: now.state,
            since_ms: now.since,
            targets: targets_of(now),
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
    Extension(caller): Extension<Caller>,
    service: Result<Path<Id>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Response {
    let Ok(Path(service)) = service else { return bad_id("service") };
    if let Some(agent) = caller.agent() {
        let assignment = assign::assignment(&engine.snapshot().catalogue, agent);
        if !assignment.probes.iter().any(|probe| probe.id.parent == service) {
            return not_of_agent(agent, &format!("read the figures of {service}, which it does not observe"));
        }
    }
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

/// The problem when a parameter is not one of those that are `known`.
pub(super) fn unknown_parameter(unknown: &str, known: &[&str]) -> Response {
    let hint = words::did_you_mean(unknown, known.iter().copied());
    let detail = format!("There is no parameter {}{hint}.", words::shown(unknown));
    problem(StatusCode::BAD_REQUEST, "unknown-parameter", &detail, None)
}

/// The problem when the token of an `agent` is used for what is not the agent's.
fn not_of_agent(agent: &Id, what: &str) -> Response {
    let detail = format!("This is the token of the agent {agent}, which may not {what}.");
    problem(StatusCode::FORBIDDEN, "not-allowed", &detail, None)
}

/// The problem when a path names something by what is no id.
pub(super) fn bad_id(what: &str) -> Response {
    problem(StatusCode::BAD_REQUEST, "bad-id", &format!("The {what} is not {}.", uphold_common::ids::BadId), None)
}
