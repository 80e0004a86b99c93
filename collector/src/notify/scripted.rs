//! For the tests of this room: a webhook that answers by a script, and a courier for it.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{Html, IntoResponse as _, Response};
use tokio::net::TcpListener;

use super::courier::Courier;
use super::post::Timeouts;

/// A courier that gives up soon, with the TLS provider that `main` installs.
pub(super) fn courier() -> Courier {
    rustls::crypto::ring::default_provider().install_default().ok();
    // Long enough for a busy machine, short enough to be waited for.
    let timeouts = Timeouts { connect: Duration::from_secs(2), total: Duration::from_secs(2) };
    Courier::new(timeouts).unwrap()
}

/// What the server does with a request.
#[derive(Clone, Debug)]
pub(super) enum Reply {
    /// It answers with this status.
    Status(u16),
    /// It answers with this status after this time.
    Slow(u16, Duration),
    /// It answers 429 with this `Retry-After`.
    Later(&'static str),
    /// It answers 302, to another place on itself.
    Elsewhere,
    /// It answers 200 with a page of this many bytes.
    Page(usize),
    /// It never answers.
    Hang,
}

/// What the server was sent.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

/// A webhook that answers by its script, and then always 200.
#[derive(Clone, Debug)]
pub(super) struct Server {
    pub(super) address: SocketAddr,
    script: Arc<Mutex<VecDeque<Reply>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
    now: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

impl Server {
    pub(super) async fn start(script: &[Reply]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            script: Arc::new(Mutex::new(script.iter().cloned().collect())),
            seen: Arc::default(),
            now: Arc::default(),
            most: Arc::default(),
        };
        let app = Router::new().fallback(answer).with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        server
    }

    /// A URL on it with something secret in it.
    pub(super) fn url(&self) -> String {
        format!("http://{}/hook/s3cr3t", self.address)
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The ids of the messages it was sent.
    pub(super) fn ids(&self) -> Vec<String> {
        self.seen().iter().map(|seen| seen.headers["webhook-id"].to_str().unwrap().to_owned()).collect()
    }

    /// Most requests that it held at once.
    pub(super) fn most_at_once(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }
}

async fn answer(State(server): State<Server>, uri: Uri, headers: HeaderMap, body: String) -> Response {
    server.seen.lock().unwrap().push(Seen { path: uri.path().to_owned(), headers, body });
    server.most.fetch_max(server.now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
    let reply = server.script.lock().unwrap().pop_front().unwrap_or(Reply::Status(200));
    let status = |code: u16| StatusCode::from_u16(code).unwrap();
    let response = match reply {
        Reply::Status(code) => status(code).into_response(),
        Reply::Slow(code, after) => {
            tokio::time::sleep(after).await;
            status(code).into_response()
        }
        Reply::Later(after) => (status(429), [("retry-after", after)]).into_response(),
        Reply::Elsewhere => (status(302), [("location", "/elsewhere")]).into_response(),
        Reply::Page(bytes) => Html("<p>".repeat(bytes / 3)).into_response(),
        Reply::Hang => {
            // The client goes first; this only has to last longer than it waits.
            server.now.fetch_sub(1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_mins(1)).await;
            return status(504).into_response();
        }
    };
    server.now.fetch_sub(1, Ordering::SeqCst);
    response
}
