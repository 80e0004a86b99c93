//! The collector over HTTP: the page, the API, metrics and health, on a TCP port and on a socket in the data directory.
//!
//! | route | what |
//! |---|---|
//! | `GET /` | the page |
//! | `POST /api/v1/push` | a batch, acknowledged once it is durable |
//! | `GET /api/v1/agents/{name}/assignment` | what an agent is to observe, with an `ETag` |
//! | `GET /api/v1/services` | the services and their states |
//! | `GET /api/v1/services/{id}/figures` | the figures, by the contract |
//! | `GET /api/v1/incidents` | the incidents |
//! | `GET /metrics`, `/healthz`, `/readyz` | for Prometheus and for supervisors |
//!
//! Every refusal is an RFC 9457 problem. Bodies are bounded, and a body that does not arrive is given up.

mod lists;
pub mod problem;
mod push;
pub mod socket;

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};

use crate::engine::handle::EngineHandle;
use crate::listen::Listening;
use crate::{metrics, page};
use problem::problem;

/// Everything that is served; each request carries what listens as an extension, and who speaks, which the connection
/// adds.
pub fn router(engine: EngineHandle, listening: Listening) -> Router {
    Router::new()
        .route("/", get(show_page))
        .route("/page.css", get(show_asset))
        .route("/page.js", get(show_asset))
        .route("/icon.svg", get(show_asset))
        .route("/api/v1/push", post(push::push))
        .route("/api/v1/agents/{name}/assignment", get(lists::assignment))
        .route("/api/v1/services", get(lists::services))
        .route("/api/v1/services/{id}/figures", get(lists::figures))
        .route("/api/v1/incidents", get(lists::incidents))
        .route("/metrics", get(show_metrics))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(show_ready))
        .fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
        .layer(Extension(listening))
        .with_state(engine)
}

async fn show_page(State(engine): State<EngineHandle>) -> Response {
    let html = page::render(&engine.snapshot());
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, page::CONTENT_SECURITY_POLICY),
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, html).into_response()
}

async fn show_asset(uri: Uri) -> Response {
    match page::asset(uri.path()) {
        Some((content_type, text)) => {
            let headers =
                [(CONTENT_TYPE, content_type), (CACHE_CONTROL, "no-cache"), (X_CONTENT_TYPE_OPTIONS, "nosniff")];
            (headers, text).into_response()
        }
        None => nothing_here(uri).await,
    }
}

async fn show_metrics(State(engine): State<EngineHandle>) -> Response {
    match metrics::render(&engine.snapshot()) {
        Ok(text) => ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "metrics could not be written");
            problem(StatusCode::INTERNAL_SERVER_ERROR, "metrics", "The metrics could not be written.", None)
        }
    }
}

/// Ready is a collector that measures: its newest snapshot is not old.
async fn show_ready(State(engine): State<EngineHandle>) -> Response {
    const OLD_MS: i64 = 30_000;
    let age_ms = crate::clock::now().since_ms(engine.snapshot().as_of);
    if age_ms <= OLD_MS {
        return "ready\n".into_response();
    }
    let detail = format!("The newest figures are {age_ms} ms old.");
    problem(StatusCode::SERVICE_UNAVAILABLE, "not-ready", &detail, None)
}

async fn nothing_here(uri: Uri) -> Response {
    let known = [
        "/",
        "/metrics",
        "/healthz",
        "/readyz",
        "/api/v1/push",
        "/api/v1/services",
        "/api/v1/incidents",
        "/api/v1/services/{id}/figures",
        "/api/v1/agents/{name}/assignment",
    ];
    let detail = format!("There is nothing at this path; there is something at {}.", known.join(", "));
    tracing::debug!(path = uri.path(), "nothing there");
    problem(StatusCode::NOT_FOUND, "no-such-path", &detail, None)
}

async fn wrong_method() -> Response {
    problem(StatusCode::METHOD_NOT_ALLOWED, "wrong-method", "This path is not asked with this method.", None)
}
