//! What is read: assignments, services, figures.

use std::collections::BTreeSet;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, LINK};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Serialize;
use uphold_common::catalogue::model::WindowKind;
use uphold_common::ids::{Id, TargetId};
use uphold_common::observation::State as ServiceState;
use uphold_common::time::Instant;
use utoipa::ToSchema;

use super::problem::{no_figures, problem, unanswered};
use super::query::Asked;
use crate::access::caller::Caller;
use crate::engine::handle::EngineHandle;
use crate::engine::query::{BadStretch, FiguresQuery, Over, WINDOWS};
use crate::snapshot::ServiceSnapshot;

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
    let all: BTreeSet<&TargetId> =
        (service.targets.keys()).chain(service.capacity.keys()).chain(service.response.keys()).collect();
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

/// The figures of a service: `?window=month&at=INSTANT&as_of=INSTANT&timelines=true`, all optional; in place of `window` and
/// `at`, `from=INSTANT&to=INSTANT` is any stretch.
pub(super) async fn figures(
    State(engine): State<EngineHandle>,
    Extension(caller): Extension<Caller>,
    service: Result<Path<Id>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Response {
    let Ok(Path(service)) = service else { return bad_id("service") };
    if let Some(agent) = caller.agent() {
        let snapshot = engine.snapshot();
        let mut probes = snapshot.catalogue.services.get(&service).into_iter().flat_map(|known| known.probes.values());
        if !probes.any(|probe| probe.agents.contains(agent)) {
            return not_of_agent(&engine, agent, &format!("read the figures of {service}, which it does not observe"));
        }
    }
    let asked = match figures_asked(service, query.as_deref()) {
        Ok(asked) => asked,
        Err(refused) => return *refused,
    };
    match engine.figures(asked).await {
        Ok(Ok(body)) => ([(CONTENT_TYPE, "application/json")], body).into_response(),
        Ok(Err(error)) => no_figures(&error),
        Err(why) => unanswered(why),
    }
}

/// Which figures a query asks for.
fn figures_asked(service: Id, query: Option<&str>) -> Result<FiguresQuery, Box<Response>> {
    let asked = Asked::read(query, &["window", "at", "as_of", "from", "to", "timelines"])?;
    let timelines = asked.word("timelines", &[("true", true), ("false", false)])?;
    over_asked(service, &asked, timelines.unwrap_or(false))
}

/// Over what figures of a service are asked for.
pub(super) fn over_asked(service: Id, asked: &Asked, timelines: bool) -> Result<FiguresQuery, Box<Response>> {
    let instant = "an instant such as 2026-03-01T00:00:00Z, or milliseconds since 1970";
    let over = Over {
        window: asked.get("window", WINDOWS, WindowKind::parse)?,
        at: asked.get("at", instant, Instant::parse)?,
        from: asked.get("from", instant, Instant::parse)?,
        to: asked.get("to", instant, Instant::parse)?,
    };
    let as_of = asked.get("as_of", instant, Instant::parse)?;
    let bad = |why: BadStretch| Box::new(problem(StatusCode::BAD_REQUEST, "bad-parameter", &format!("{why}."), None));
    over.query(service, as_of, timelines).map_err(bad)
}

/// The problem when the token of an `agent` is used for what is not the agent's.
pub(super) fn not_of_agent(engine: &EngineHandle, agent: &Id, what: &str) -> Response {
    engine.refused_request("not-allowed");
    let detail = format!("This is the token of the agent {agent}, which may not {what}.");
    problem(StatusCode::FORBIDDEN, "not-allowed", &detail, None)
}

/// An answer that says where the next page is, if there is one.
pub(super) fn leading_to(next: Option<String>, body: impl IntoResponse) -> Response {
    let mut response = body.into_response();
    // What is asked for stands in it in percent encoding, so it is a header.
    if let Some(Ok(link)) = next.map(|next| format!("<{next}>; rel=\"next\"").parse()) {
        response.headers_mut().insert(LINK, link);
    }
    response
}

/// The problem when a path names something by what is no id.
pub(super) fn bad_id(what: &str) -> Response {
    problem(StatusCode::BAD_REQUEST, "bad-id", &format!("The {what} is not {}.", uphold_common::ids::BadId), None)
}
