//! The store over HTTP: its compaction.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};

use super::problem::unanswered;
use super::tokens::{actor, done};
use crate::access::caller::Caller;
use crate::engine::handle::EngineHandle;

/// How far the compaction has come.
pub(super) async fn compaction(State(engine): State<EngineHandle>) -> Response {
    match engine.compaction().await {
        Ok(compaction) => Json(compaction).into_response(),
        Err(why) => unanswered(why),
    }
}

/// Begins one, unless one is under way.
pub(super) async fn compact(State(engine): State<EngineHandle>, Extension(caller): Extension<Caller>) -> Response {
    let actor = match actor(&caller) {
        Ok(actor) => actor,
        Err(refused) => return *refused,
    };
    match done(engine.compact(actor).await) {
        Ok(compaction) => (StatusCode::ACCEPTED, Json(compaction)).into_response(),
        Err(refused) => *refused,
    }
}
