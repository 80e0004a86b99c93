//! Where jobs report in: `/heartbeat/SERVICE/PROBE`, with the words that they may know from elsewhere behind it.
//!
//! Anybody who reaches the port may report, and nothing is told to them but whether it was heard. A page in a
//! browser may not: it would speak for whoever looks at it.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use uphold_common::ids::{Id, ProbeId};

use crate::clock::Clock;
use crate::heartbeats::{BeatError, Heartbeats, Said};

/// What browsers put into requests that a page makes, or that somebody's click makes.
const OF_BROWSERS: [&str; 2] = ["origin", "sec-fetch-site"];

#[derive(Clone)]
struct Listening {
    heartbeats: Arc<Heartbeats>,
    clock: Arc<Clock>,
}

/// The routes of jobs.
pub fn routes(heartbeats: Arc<Heartbeats>, clock: Arc<Clock>) -> Router {
    let plain = |state, headers, Path((service, probe)): Path<(String, String)>| async move {
        hear(state, headers, &service, &probe, "").await
    };
    let worded = |state, headers, Path((service, probe, word)): Path<(String, String, String)>| async move {
        hear(state, headers, &service, &probe, &word).await
    };
    Router::new()
        .route("/heartbeat/{service}/{probe}", get(plain).post(plain))
        .route("/heartbeat/{service}/{probe}/{word}", get(worded).post(worded))
        .with_state(Listening { heartbeats, clock })
}

async fn hear(
    State(listening): State<Listening>,
    headers: HeaderMap,
    service: &str,
    probe: &str,
    word: &str,
) -> Response {
    if OF_BROWSERS.iter().any(|header| headers.contains_key(*header)) {
        return (StatusCode::FORBIDDEN, "a page in a browser cannot report for a job\n").into_response();
    }
    let Some(said) = Said::parse(word) else {
        let known = "after the name nothing, start, fail, degraded or an exit code from 0 to 255 is expected\n";
        return (StatusCode::BAD_REQUEST, known).into_response();
    };
    let heard = match (Id::new(service), Id::new(probe)) {
        (Ok(service), Ok(probe)) => {
            let id = ProbeId::new(service, probe);
            listening.heartbeats.hear(&id, said, listening.clock.now()).await
        }
        _ => Err(BeatError::NotAssigned),
    };
    match heard {
        Ok(()) => "heard\n".into_response(),
        Err(error @ BeatError::NotAssigned) => (StatusCode::NOT_FOUND, format!("{error}\n")).into_response(),
        Err(error @ BeatError::NotKept) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response(),
    }
}
