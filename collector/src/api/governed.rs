//! Governed records over HTTP: maintenance, exclusions and dated records, listed, shown, added and revoked; and maintenance
//! as a calendar.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use axum::{Extension, Json, Router};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uphold_common::governed::dated::Happening;
use uphold_common::governed::{Asked, Sort};
use uphold_common::ids::Id;
use uphold_common::time::Instant;
use utoipa::ToSchema;

use super::body;
use super::lists::bad_id;
use super::problem::not_done;
use super::query::Asked as Query;
use super::tokens::{actor, done};
use super::{EngineHandle, Shared};
use crate::access::caller::Caller;
use crate::clock;
use crate::engine::govern::GovernCommand;
use crate::governed::feed::{self, CALENDAR_CONTENT_TYPE};
use crate::governed::list::{Beside, LIST_DEFAULT, LIST_MAX, Listed, Wanted, list, shown};
use crate::governed::view::{DatedView, ExclusionView, MaintenanceView, Standing};
use crate::governed::{GovernedError, Kept};

/// Maintenance that was asked for.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it says the shape of what is answered, which is made of the same parts for every sort")]
pub(super) struct MaintenanceList {
    /// The present that their standing is of.
    as_of_ms: Instant,
    /// How many there are, also beyond the limit.
    total: usize,
    /// The records, the latest start first.
    records: Vec<MaintenanceView>,
}

/// Exclusions that were asked for.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it says the shape of what is answered, which is made of the same parts for every sort")]
pub(super) struct ExclusionList {
    /// The present that their standing is of.
    as_of_ms: Instant,
    /// How many there are, also beyond the limit.
    total: usize,
    /// The records, the latest start first.
    records: Vec<ExclusionView>,
}

/// Dated records that were asked for.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it says the shape of what is answered, which is made of the same parts for every sort")]
pub(super) struct DatedList {
    /// The present that their standing is of.
    as_of_ms: Instant,
    /// How many there are, also beyond the limit.
    total: usize,
    /// The records, the latest first.
    records: Vec<DatedView>,
}

/// Why a record is revoked.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Revoked {
    /// The reason, which stays on record.
    pub(crate) reason: String,
}

/// The routes of all sorts.
pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/api/v1/maintenances", all(Sort::Maintenance).merge(adds(Asked::Maintenance)))
        .route("/api/v1/maintenances.ics", get(calendar))
        .route("/api/v1/maintenances/{id}", one(Sort::Maintenance))
        .route("/api/v1/maintenances/{id}/revoke", revokes(Sort::Maintenance))
        .route("/api/v1/exclusions", all(Sort::Exclusion).merge(adds(Asked::Exclusion)))
        .route("/api/v1/exclusions/{id}", one(Sort::Exclusion))
        .route("/api/v1/exclusions/{id}/revoke", revokes(Sort::Exclusion))
        .route("/api/v1/records", all(Sort::Dated).merge(adds(Asked::Dated)))
        .route("/api/v1/records/{id}", one(Sort::Dated))
        .route("/api/v1/records/{id}/revoke", revokes(Sort::Dated))
}

/// The path under which a sort is served.
pub(crate) const fn path(sort: Sort) -> &'static str {
    match sort {
        Sort::Maintenance => "/api/v1/maintenances",
        Sort::Exclusion => "/api/v1/exclusions",
        Sort::Dated => "/api/v1/records",
    }
}

/// Lists a sort: `?service=webshop&standing=planned&from=INSTANT&to=INSTANT&limit=100`, all optional.
fn all(sort: Sort) -> MethodRouter<Shared> {
    get(move |State(engine): State<EngineHandle>, RawQuery(query): RawQuery| async move {
        match wanted(sort, query.as_deref()) {
            Ok(wanted) => Json(listed(&engine, &wanted)).into_response(),
            Err(refused) => *refused,
        }
    })
}

fn listed(engine: &EngineHandle, wanted: &Wanted) -> Listed {
    let snapshot = engine.snapshot();
    let (catalogue, overruns) = (&snapshot.catalogue, snapshot.overruns.as_slice());
    list(&engine.governed(), wanted, Beside { catalogue, overruns, now: clock::now() })
}

/// Which records a query asks for.
fn wanted(sort: Sort, query: Option<&str>) -> Result<Wanted, Box<Response>> {
    let mut known = vec!["service", "standing", "from", "to", "limit"];
    known.extend((sort == Sort::Dated).then_some("kind"));
    let asked = Query::read(query, &known)?;
    let instant = "an instant such as 2026-03-01T00:00:00Z, or milliseconds since 1970";
    let expected = format!("a number from 1 to {LIST_MAX}");
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    let limit = asked.get("limit", &expected, |text| digits(text).filter(|limit| (1..=LIST_MAX).contains(limit)))?;
    let standings: Vec<_> = Standing::WORDS.into_iter().filter(|(_, standing)| standing.is_of(sort)).collect();
    Ok(Wanted {
        sort,
        service: asked.get("service", "the id of a service", |text| Id::new(text).ok())?,
        standing: asked.word("standing", &standings)?,
        kind: asked.word("kind", &Happening::WORDS.map(|word| (word, word)))?,
        from: asked.get("from", instant, Instant::parse)?,
        to: asked.get("to", instant, Instant::parse)?,
        limit: limit.unwrap_or(LIST_DEFAULT),
    })
}

/// Shows one of a sort.
fn one(sort: Sort) -> MethodRouter<Shared> {
    get(move |State(engine): State<EngineHandle>, id: Result<Path<Id>, PathRejection>| async move {
        let Ok(Path(id)) = id else { return bad_id(sort.as_str()) };
        match engine.governed().get(sort, &id) {
            Ok(kept) => answer(&engine, kept, StatusCode::OK),
            Err(why) => not_done(&GovernedError::into(why)),
        }
    })
}

/// Adds one, read from a body of its own shape.
fn adds<T>(of: fn(T) -> Asked) -> MethodRouter<Shared>
where
    T: DeserializeOwned + Send + 'static,
{
    post(move |State(engine): State<EngineHandle>, Extension(caller): Extension<Caller>, sent: body::Sent| async move {
        match body::json(sent).await {
            Ok(asked) => govern(&engine, &caller, GovernCommand::Add(Box::new(of(asked)))).await,
            Err(refused) => *refused,
        }
    })
}

/// Revokes one of a sort.
fn revokes(sort: Sort) -> MethodRouter<Shared> {
    post(
        move |State(engine): State<EngineHandle>,
              Extension(caller): Extension<Caller>,
              id: Result<Path<Id>, PathRejection>,
              sent: body::Sent| async move {
            let Ok(Path(id)) = id else { return bad_id(sort.as_str()) };
            match body::json(sent).await {
                Ok(Revoked { reason }) => govern(&engine, &caller, GovernCommand::Revoke { sort, id, reason }).await,
                Err(refused) => *refused,
            }
        },
    )
}

async fn govern(engine: &EngineHandle, caller: &Caller, command: GovernCommand) -> Response {
    let adds = matches!(command, GovernCommand::Add(_));
    let actor = match actor(caller) {
        Ok(actor) => actor,
        Err(refused) => return *refused,
    };
    match done(engine.govern(command, actor).await) {
        Ok(governed) if adds && governed.is_new => answer(engine, &governed.kept, StatusCode::CREATED),
        Ok(governed) => answer(engine, &governed.kept, StatusCode::OK),
        Err(refused) => *refused,
    }
}

fn answer(engine: &EngineHandle, kept: &Kept, status: StatusCode) -> Response {
    let snapshot = engine.snapshot();
    let (catalogue, overruns) = (&snapshot.catalogue, snapshot.overruns.as_slice());
    (status, Json(shown(kept, Beside { catalogue, overruns, now: clock::now() }))).into_response()
}

/// Maintenance for calendars.
async fn calendar(State(engine): State<EngineHandle>) -> Response {
    let snapshot = engine.snapshot();
    let name = &snapshot.catalogue.organisation.name;
    let text = feed::calendar(&engine.governed(), name, snapshot.store, clock::now());
    ([(CONTENT_TYPE, CALENDAR_CONTENT_TYPE)], text).into_response()
}
