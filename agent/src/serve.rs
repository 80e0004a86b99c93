//! What the agent says of itself over HTTP: `/metrics`, `/healthz`, `/readyz`; in `heartbeat`, what jobs say to it; in
//! `probe`, what a Prometheus has probed.
//!
//! Healthy is a process that answers. Ready is an agent that knows what to observe and can keep what it sees; otherwise
//! the answer is 503 with the reason.
//!
//! Whoever can reach the port can ask, so a connection gets little: at most [`Limits::connections_max`] are open at
//! once and the next one waits in the system's queue, its request's head has to be there within
//! [`Limits::head_within`], and it carries one request and is over within [`Limits::over_within`], read or not.

pub mod heartbeat;
pub mod probe;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::blackbox::{DEADLINE_MAX, PROBES_MAX};
use crate::metrics::Metrics;
use crate::recorder::Recorder;
use crate::runner::Assigned;
use crate::stop::Stop;

/// Most bytes of a request's head.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// How long to wait when the system gives no connection, as when no file may be opened any more.
const ACCEPT_AGAIN: Duration = Duration::from_millis(200);

/// What a connection gets.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Most connections at once.
    pub connections_max: usize,
    /// How long the head of a request may take.
    pub head_within: Duration,
    /// How long a connection may take in all.
    pub over_within: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let (head_within, over_within) = (Duration::from_secs(10), Duration::from_secs(30));
        Self { connections_max: 32, head_within, over_within }
    }
}

impl Limits {
    /// Where a Prometheus has something probed, which takes its time and goes on beside everything else.
    #[must_use]
    pub fn probing(self) -> Self {
        let over_within = self.over_within + DEADLINE_MAX;
        Self { connections_max: self.connections_max + PROBES_MAX, over_within, ..self }
    }
}

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

/// Serves until `stop`; connections that are open then are ended.
pub async fn run(
    (listener, limits): (TcpListener, Limits),
    others: Router,
    metrics: Arc<Metrics>,
    recorder: Recorder,
    assigned: watch::Receiver<Assigned>,
    mut stop: Stop,
) {
    let router = Router::new()
        .route("/metrics", get(show_metrics))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(show_ready))
        .with_state(Shown { metrics, recorder, assigned })
        .merge(others);
    tokio::select! {
        () = stop.asked() => {}
        () = accept(listener, router, limits) => {}
    }
}

async fn accept(listener: TcpListener, router: Router, limits: Limits) {
    let places = Arc::new(Semaphore::new(limits.connections_max));
    // Dropped with this future, and the connections with it.
    let mut connections = JoinSet::new();
    loop {
        // Only a semaphore that was closed refuses, and nobody closes this one.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let router = router.clone();
                connections.spawn(async move {
                    let _place = place;
                    // A client that breaks off, or takes too long, is its own affair.
                    let _ = tokio::time::timeout(limits.over_within, answer(stream, router, limits)).await;
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection to the metrics could not be accepted");
                tokio::time::sleep(ACCEPT_AGAIN).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn answer(stream: TcpStream, router: Router, limits: Limits) -> hyper::Result<()> {
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_within)
        .max_buf_size(HEAD_BYTES_MAX)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
        .await
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

#[cfg(test)]
#[path = "serve_tests.rs"]
mod tests;
