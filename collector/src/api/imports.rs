//! `POST /api/v1/imports` begins an import, `POST /api/v1/imports/batches` brings a batch of it, and
//! `POST /api/v1/imports/end` says that nothing more of it comes.
//!
//! A batch is framed as those of agents are, under the epoch of imports. It is read under the same bounds as a push, and
//! the answer is given once it is durable.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use utoipa::ToSchema;

use super::body::{self, expect_type};
use super::problem::{problem, refused, unanswered};
use super::tokens::{actor, done};
use crate::access::caller::Caller;
use crate::clock;
use crate::engine::handle::EngineHandle;
use crate::engine::import::{SOURCE_BYTES_MAX, is_source};
use crate::ingest::{PushBounds, Refusal, decode_import};
use crate::limits::Limit;
use crate::listen::Listening;
use crate::listen::budget::Received;
use crate::store::Admitted;

/// The content type of a batch of an import.
pub const IMPORT_CONTENT_TYPE: &str = "application/vnd.uphold.batch";

/// What is told of an import that is begun.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Begun {
    /// Out of what, for whoever reads who did what.
    #[schema(min_length = 1, max_length = 200)]
    source: String,
}

/// Begins an import.
pub(super) async fn begin(
    State(engine): State<EngineHandle>,
    Extension(caller): Extension<Caller>,
    sent: body::Sent,
) -> Response {
    let Begun { source } = match body::json(sent).await {
        Ok(begun) => begun,
        Err(refused) => return *refused,
    };
    if !is_source(&source) {
        let detail = format!("source: expected a name of 1 to {SOURCE_BYTES_MAX} bytes without control characters.");
        return problem(StatusCode::UNPROCESSABLE_ENTITY, "unsound-import", &detail, None);
    }
    let actor = match actor(&caller) {
        Ok(actor) => actor,
        Err(refused) => return *refused,
    };
    match done(engine.begin_import(source, actor).await) {
        Ok(terms) => (StatusCode::CREATED, Json(terms)).into_response(),
        Err(refused) => *refused,
    }
}

/// Ends an import.
pub(super) async fn end(State(engine): State<EngineHandle>) -> Response {
    match engine.end_import().await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(why) => unanswered(why),
    }
}

/// Takes in a batch.
pub(super) async fn batch(
    State(engine): State<EngineHandle>,
    Extension(caller): Extension<Caller>,
    Extension(listening): Extension<Listening>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    if let Err(refused) = expect_type(&headers, IMPORT_CONTENT_TYPE) {
        return *refused;
    }
    let actor = match actor(&caller) {
        Ok(actor) => actor,
        Err(refused) => return *refused,
    };
    let limits = listening.limits();
    let Received { bytes, mut held } = match body::read(&listening, body, limits.size(Limit::PushBytes)).await {
        Ok(received) => received,
        Err(refused) => return *refused,
    };
    let bounds = PushBounds::of(limits);
    let admitted = decode_import(bytes, &bounds, |bytes| held.grow(bytes), clock::now());
    let room = |admitted: Admitted| {
        let refusal = Refusal::NoMemory { most: bounds.memory_bytes_max };
        if held.grow(admitted.batch.bytes()) { Ok(admitted) } else { Err(refusal) }
    };
    let admitted = match admitted.and_then(room) {
        Ok(admitted) => admitted,
        Err(refusal) => {
            refusal.limit().into_iter().for_each(|limit| listening.limiter.reached(limit));
            return refused(&refusal);
        }
    };
    match engine.import(admitted, held, actor).await {
        Ok(Ok(taken)) => Json(taken).into_response(),
        Ok(Err(refusal)) => refused(&refusal),
        Err(why) => unanswered(why),
    }
}
