//! What the agent says of itself over HTTP: `/metrics`, `/healthz`, `/readyz`.
//!
//! Healthy is a process that answers. Ready is an agent that knows what to observe and can keep what it sees; otherwise
//! the answer is 503 with the reason.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::metrics::Metrics;
use crate::recorder::Recorder;
use crate::runner::Assigned;
use crate::stop::Stop;

#[derive(Clone)]
struct Shown {
    metrics: Arc<Metrics>,
    recorder: Recorder,
    assigned: watch::Receiver<Assigned>,
}

/// Binds the address; what is bound may differ in its port.
pub async fn bind(listen: SocketAddr) -> std::io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(listen).await?;
    let bound = listener.local_addr()?;
    Ok((listener, bound))
}

/// Serves until `stop`.
pub async fn run(
    listener: TcpListener,
    metrics: Arc<Metrics>,
    recorder: Recorder,
    assigned: watch::Receiver<Assigned>,
    mut stop: Stop,
) {
    let router = Router::new()
        .route("/metrics", get(show_metrics))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(show_ready))
        .with_state(Shown { metrics, recorder, assigned });
    let served = tokio::select! {
        () = stop.asked() => Ok(()),
        served = axum::serve(listener, router) => served,
    };
    if let Err(error) = served {
        tracing::error!(%error, "metrics can no longer be served");
    }
}

async fn show_metrics(State(shown): State<Shown>) -> Response {
    match shown.metrics.text() {
        Ok(text) => ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "the metrics could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

async fn show_ready(State(shown): State<Shown>) -> Response {
    let unready = |reason: &'static str| (StatusCode::SERVICE_UNAVAILABLE, reason).into_response();
    if shown.assigned.borrow().is_none() {
        unready("no collector has told yet what to observe\n")
    } else if !shown.recorder.spool_writable() {
        unready("the spool cannot be written\n")
    } else {
        "ready\n".into_response()
    }
}
