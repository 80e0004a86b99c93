//! `GET /api/v1/services/{id}/alignment`: what stands behind the promises that customers were made of a service.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use uphold_common::catalogue::alignment::{self, Alignment};
use uphold_common::ids::{Id, TargetId};
use uphold_common::time::Instant;
use uphold_common::yaml::words;
use utoipa::ToSchema;

use super::lists::bad_id;
use super::problem::no_figures;
use crate::engine::handle::EngineHandle;
use crate::engine::query::QueryError;

/// The targets of a service's customers, and what stands behind each.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ServiceAlignment)]
pub(super) struct OfService {
    service: Id,
    catalogue_version: u64,
    /// In which time hours were compared.
    hours_from_ms: Instant,
    hours_to_ms: Instant,
    targets: BTreeMap<TargetId, Alignment>,
}

/// It follows from the catalogue in force alone, but for the time in which hours are compared.
pub(super) async fn show(State(engine): State<EngineHandle>, service: Result<Path<Id>, PathRejection>) -> Response {
    let Ok(Path(id)) = service else { return bad_id("service") };
    let snapshot = engine.snapshot();
    let Some(service) = snapshot.catalogue.services.get(&id) else {
        let hint = words::did_you_mean(id.as_str(), snapshot.catalogue.services.keys().map(Id::as_str));
        return no_figures(&QueryError::NoService { service: id, hint });
    };
    let over = alignment::year_from(snapshot.as_of);
    let targets = alignment::of_service(&snapshot.catalogue, service, over);
    Json(OfService {
        service: id,
        catalogue_version: snapshot.catalogue_version,
        hours_from_ms: over.start,
        hours_to_ms: over.end,
        targets: targets.into_iter().map(|found| (found.target.clone(), found)).collect(),
    })
    .into_response()
}
