//! `GET /api/v1/catalogue/versions` lists the versions of the catalogue, and `POST /api/v1/catalogue/restatements` takes up
//! its files although they measure the past differently.

use std::path::PathBuf;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body;
use super::problem::{problem, unanswered};
use super::tokens::{actor, done};
use crate::access::caller::Caller;
use crate::config;
use crate::engine::handle::EngineHandle;
use crate::engine::reload::Reload;
use crate::engine::restate::{Restated, TEXT_BYTES_MAX};
use crate::inforce::Restatement;

/// Where the catalogue's files are; none where nobody can change them.
#[derive(Clone, Debug, Default)]
pub struct CatalogueFiles(pub Option<Arc<PathBuf>>);

/// What became of a restatement.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct CameOf {
    /// The version in force.
    pub(crate) version: u64,
    /// Whether it is a new one; not where the files say what is in force.
    pub(crate) is_new: bool,
}

/// Lists the versions.
pub(super) async fn versions(State(engine): State<EngineHandle>) -> Response {
    match engine.versions().await {
        Ok(versions) => Json(versions).into_response(),
        Err(why) => unanswered(why),
    }
}

/// Takes up the files as they are now.
pub(super) async fn restate(
    State(engine): State<EngineHandle>,
    Extension(files): Extension<CatalogueFiles>,
    Extension(caller): Extension<Caller>,
    sent: body::Sent,
) -> Response {
    let restatement: Restatement = match body::json(sent).await {
        Ok(restatement) => restatement,
        Err(refused) => return *refused,
    };
    let unsound = |detail: &str| problem(StatusCode::UNPROCESSABLE_ENTITY, "unsound-restatement", detail, None);
    if !restatement.is_sound() {
        let each = format!("1 to {TEXT_BYTES_MAX} bytes without control characters");
        return unsound(&format!("approver and reason: expected {each} of each."));
    }
    let actor = match actor(&caller) {
        Ok(actor) => actor,
        Err(refused) => return *refused,
    };
    let Some(path) = files.0 else {
        return unsound("This collector has a catalogue of its own, which nobody can change.");
    };
    let files = match tokio::task::spawn_blocking(move || config::catalogue_files(&path)).await {
        Ok(Ok(files)) => files,
        Ok(Err(error)) => return unsound(&format!("The catalogue's files could not be read: {error}.")),
        Err(error) => return unsound(&format!("The catalogue's files could not be read: {error}.")),
    };
    let version = async || engine.versions().await.map(|versions| versions.in_force);
    match done(engine.restate(Restated { files, restatement }, actor).await) {
        Ok(Reload::TakenUp(version)) => (StatusCode::CREATED, Json(CameOf { version, is_new: true })).into_response(),
        Ok(Reload::Unchanged) => match version().await {
            Ok(version) => Json(CameOf { version, is_new: false }).into_response(),
            Err(why) => unanswered(why),
        },
        Ok(Reload::NoRoom(why)) => problem(StatusCode::SERVICE_UNAVAILABLE, "disk-full", &why, Some(60)),
        Ok(Reload::Refused(why) | Reload::Undescribed(why)) => unsound(&why),
        Err(refused) => *refused,
    }
}
