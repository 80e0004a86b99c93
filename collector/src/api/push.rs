//! `POST /api/v1/push`: a batch comes in.
//!
//! The bytes are read under a bound and a deadline, decoded beside the engine, and handed to it. The answer is given
//! once the batch is durable, never before.

use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use uphold_common::wire::PUSH_BYTES_MAX;
use uphold_common::wire::push::PUSH_CONTENT_TYPE;

use super::body::expect_type;
use super::problem::{problem, refused, unanswered};
use crate::access::caller::Caller;
use crate::clock;
use crate::engine::handle::EngineHandle;
use crate::ingest;

/// How long the body may take to arrive.
const BODY_TIME_MAX: Duration = Duration::from_secs(15);

pub(super) async fn push(
    State(engine): State<EngineHandle>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    if let Err(refused) = expect_type(&headers, PUSH_CONTENT_TYPE) {
        engine.refused_early("wrong-content-type");
        return *refused;
    }

    let read = Limited::new(body, PUSH_BYTES_MAX).collect();
    let body = match tokio::time::timeout(BODY_TIME_MAX, read).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            engine.refused_early("too-large");
            let detail = format!("A push has at most {PUSH_BYTES_MAX} bytes.");
            return problem(StatusCode::PAYLOAD_TOO_LARGE, "too-large", &detail, None);
        }
        Ok(Err(_)) => {
            engine.refused_early("unsound-push");
            return problem(StatusCode::BAD_REQUEST, "unsound-push", "The body ended too early.", None);
        }
        Err(_) => {
            engine.refused_early("too-slow");
            let detail = "The body did not arrive in time.";
            return problem(StatusCode::REQUEST_TIMEOUT, "too-slow", detail, Some(1));
        }
    };
    let arrived = match ingest::decode(&body, caller.agent(), clock::now()) {
        Ok(arrived) => arrived,
        Err(refusal) => {
            engine.refused_early(refusal.word());
            return refused(&refusal);
        }
    };
    match engine.push(arrived).await {
        Ok(Ok(answer)) => Json(answer).into_response(),
        Ok(Err(refusal)) => refused(&refusal),
        Err(why) => {
            engine.refused_early(why.word());
            unanswered(why)
        }
    }
}
