//! The collector over HTTP: the page, the API, metrics and health, on a TCP port and on a socket in the data directory.
//!
//! | route | what |
//! |---|---|
//! | `GET /`, `/services/{id}`, `/hosts/{id}`, `/incidents`, `/incidents/{number}`, `/problems`, `/sign-in` | the pages, and the forms on them |
//! | `POST /api/v1/push` | a batch, acknowledged once it is durable |
//! | `GET /api/v1/agents/{name}/assignment` | what an agent is to observe, with an `ETag` |
//! | `GET /api/v1/services` | the services and their states |
//! | `GET /api/v1/services/{id}/figures` | the figures, by the contract |
//! | `GET /api/v1/services/{id}/alignment` | what stands behind its promises |
//! | `GET /api/v1/availability` | several services together, weighted by their users |
//! | `GET /api/v1/services/{id}/explanation` | what one of them is made of, down to the observation |
//! | `GET /api/v1/agents/{name}/facts` | what an agent told of its own measuring |
//! | `GET /api/v1/services/{id}/revisions` | the revisions of its closed windows |
//! | `GET /api/v1/rollups` | what each hour of a probe, a resource or a flow comes to, for graphs |
//! | `GET /api/v1/incidents`, `…/{number}` | the incidents, and one with its history |
//! | `POST /api/v1/incidents/{number}/acknowledge`, `…/comments`, `…/resolve` and more | what people do to it |
//! | `GET`, `POST /api/v1/problems`, `…/{number}`, `…/pareto`, `…/known-error`, `…/fix`, `…/close` | problems, and what costs most |
//! | `GET /api/v1/dead-letters`, `DELETE …/{receiver}/{number}`, `POST …/resend` | what could not be delivered |
//! | `POST /api/v1/receivers/{id}/test` | a test message to a receiver |
//! | `GET`, `POST /api/v1/maintenances`, `/api/v1/exclusions`, `/api/v1/records` | what people put on record |
//! | `GET …/{id}`, `POST …/{id}/revoke` | one of these; to revoke it |
//! | `GET /api/v1/maintenances.ics` | maintenance for calendars |
//! | `GET`, `POST /api/v1/tokens`, `DELETE …/{name}` | who may do what |
//! | `GET /api/v1/deeds`, `/api/v1/whoami` | who did what; who one is |
//! | `GET /api/v1/catalogue/versions`, `POST …/restatements` | the versions of the catalogue |
//! | `POST /api/v1/imports`, `…/batches`, `…/end` | history that somebody brings |
//! | `GET /api/v1/streams`, `/api/v1/rows` | the rows themselves, as they are kept |
//! | `GET`, `POST /api/v1/store/compaction` | how far sealing and merging has come; to have it done |
//! | `GET /api/v1/sd` | where Prometheus finds the agents |
//! | `GET /openapi.json` | all of this for programs |
//! | `GET /metrics`, `/healthz`, `/readyz` | for Prometheus and for supervisors |
//!
//! What each route needs stands in [`crate::access::routes`]. Every refusal is an RFC 9457 problem. Bodies are bounded,
//! and a body that does not arrive is given up.

mod acts;
mod alignment;
pub mod assignment;
mod availability;
mod body;
pub mod catalogue;
pub(crate) mod deliveries;
mod discovery;
mod document;
mod explanation;
pub mod facts;
pub(crate) mod governed;
mod history;
mod hours;
pub mod imports;
mod incidents;
mod lists;
mod pages;
pub mod problem;
pub mod problems;
mod push;
mod query;
pub mod revisions;
mod rollups;
pub mod rows;
pub(crate) mod said;
pub mod socket;
mod store;
mod tokens;

#[cfg(test)]
mod store_tests;

use axum::extract::{FromRef, RawQuery, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Extension, Router};

use crate::access::routes::ROUTES;
use crate::access::{Access, guard};
use crate::config::AccessConfig;
use crate::engine::handle::EngineHandle;
use crate::ingest::refusal::RETRY_RESERVE_S;
use crate::listen::Listening;
use crate::metrics;
use assignment::Waiting;
use catalogue::CatalogueFiles;
use problem::problem;
use query::Asked;

/// What handlers share.
#[derive(Clone)]
struct Shared {
    engine: EngineHandle,
    access: Access,
}

impl FromRef<Shared> for EngineHandle {
    fn from_ref(shared: &Shared) -> Self {
        shared.engine.clone()
    }
}

/// Everything that is served, to whom `config` lets in; each request carries what listens as an extension, and who
/// speaks, which the connection adds.
pub fn router(
    engine: EngineHandle,
    config: AccessConfig,
    listening: Listening,
    files: CatalogueFiles,
    waiting: Waiting,
) -> Router {
    let access = Access::new(engine.clone(), config, listening.clone());
    Router::new()
        .merge(of_pages())
        .route("/api/v1/push", post(push::push))
        .route("/api/v1/agents/{name}/assignment", get(assignment::assignment))
        .route("/api/v1/agents/{name}/facts", get(facts::list))
        .route("/api/v1/services", get(lists::services))
        .route("/api/v1/services/{id}/figures", get(lists::figures))
        .route("/api/v1/services/{id}/alignment", get(alignment::show))
        .route("/api/v1/availability", get(availability::show))
        .route("/api/v1/services/{id}/explanation", get(explanation::explanation))
        .route("/api/v1/services/{id}/revisions", get(revisions::list))
        .route("/api/v1/rollups", get(rollups::hours))
        .route("/api/v1/incidents", get(incidents::list))
        .route("/api/v1/incidents/{number}", get(incidents::one))
        .merge(acts::routes())
        .route("/api/v1/dead-letters", get(deliveries::list))
        .route("/api/v1/dead-letters/{receiver}/{number}", delete(deliveries::drop_it))
        .route("/api/v1/dead-letters/{receiver}/{number}/resend", post(deliveries::resend))
        .route("/api/v1/receivers/{id}/test", post(deliveries::test))
        .merge(governed::routes())
        .merge(problems::routes())
        .route("/api/v1/whoami", get(tokens::whoami))
        .route("/api/v1/tokens", get(tokens::list).post(tokens::add))
        .route("/api/v1/tokens/{name}", delete(tokens::revoke))
        .route("/api/v1/deeds", get(tokens::deeds))
        .route("/api/v1/catalogue/versions", get(catalogue::versions))
        .route("/api/v1/catalogue/restatements", post(catalogue::restate))
        .route("/api/v1/imports", post(imports::begin))
        .route("/api/v1/imports/batches", post(imports::batch))
        .route("/api/v1/imports/end", post(imports::end))
        .route("/api/v1/streams", get(rows::streams))
        .route("/api/v1/rows", get(rows::rows))
        .route("/api/v1/store/compaction", get(store::compaction).post(store::compact))
        .route("/api/v1/sd", get(discovery::agents))
        .route("/openapi.json", get(document::show))
        .route("/metrics", get(show_metrics))
        .route("/healthz", get(show_health))
        .route("/readyz", get(show_ready))
        .fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
        .layer(axum::middleware::from_fn_with_state(access.clone(), guard))
        .layer(Extension(listening))
        .layer(Extension(files))
        .layer(Extension(waiting))
        .with_state(Shared { engine, access })
}

/// What browsers are shown, and the forms that they send.
fn of_pages() -> Router<Shared> {
    Router::new()
        .route("/", get(pages::overview))
        .route("/page.css", get(pages::asset))
        .route("/page.js", get(pages::asset))
        .route("/icon.svg", get(pages::asset))
        .route("/sign-in", get(pages::sign_in).post(pages::signed_in))
        .route("/sign-out", post(pages::sign_out))
        .route("/incidents", get(incidents::list_page))
        .route("/incidents/{number}", get(incidents::page))
        .route("/problems", get(problems::page))
        .route("/services/{id}", get(history::service))
        .route("/hosts/{id}", get(history::host))
        .route("/agents/{name}", get(facts::page))
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

/// Whoever answers is alive. What is refused is said too, but a restart would change nothing about it.
async fn show_health(State(engine): State<EngineHandle>) -> String {
    with_warning("ok", &engine)
}

/// Ready is a collector that measures: its newest snapshot is not old. Without room for pushes it still serves people,
/// so only who asks for a place `to=push` is sent elsewhere.
async fn show_ready(State(engine): State<EngineHandle>, RawQuery(query): RawQuery) -> Response {
    const OLD_MS: i64 = 30_000;
    let to_push = |asked: Asked| asked.get("to", "push", |to| (to == "push").then_some(()));
    let to_push = match Asked::read(query.as_deref(), &["to"]).and_then(to_push) {
        Ok(to_push) => to_push.is_some(),
        Err(refused) => return *refused,
    };
    let snapshot = engine.snapshot();
    let age_ms = crate::clock::now().since_ms(snapshot.as_of);
    if age_ms > OLD_MS {
        let detail = format!("The newest figures are {age_ms} ms old.");
        return problem(StatusCode::SERVICE_UNAVAILABLE, "not-ready", &detail, Some(1));
    }
    if let Some(warning) = snapshot.health.room.told().filter(|_| to_push) {
        return problem(StatusCode::SERVICE_UNAVAILABLE, "disk-reserve", warning, Some(RETRY_RESERVE_S));
    }
    let word = match snapshot.health.deriving {
        0 => "ready".to_owned(),
        deriving => format!("ready; {deriving} services and targets are still being derived"),
    };
    with_warning(&word, &engine).into_response()
}

/// A line of one word, and one more for each thing that is refused, if anything is.
fn with_warning(word: &str, engine: &EngineHandle) -> String {
    let health = &engine.snapshot().health;
    let older = "The catalogue in force is older than its files: the disk was full. It is taken up once there is room.";
    let older = health.catalogue_is_older.then_some(older);
    let wrong =
        "The catalogue's files were changed and are refused; what was in force stays in force. The log says why.";
    let wrong = health.reloads.wrong.as_ref().map(|_| wrong);
    let lines = std::iter::once(word).chain(health.room.told()).chain(older).chain(wrong);
    lines.flat_map(|line| [line, "\n"]).collect()
}

async fn nothing_here(uri: Uri) -> Response {
    let mut known: Vec<&str> = ROUTES.iter().map(|(_, path, _)| *path).collect();
    known.dedup();
    let detail = format!("There is nothing at this path; there is something at {}.", known.join(", "));
    tracing::debug!(path = uri.path(), "nothing there");
    problem(StatusCode::NOT_FOUND, "no-such-path", &detail, None)
}

async fn wrong_method() -> Response {
    problem(StatusCode::METHOD_NOT_ALLOWED, "wrong-method", "This path is not asked with this method.", None)
}
