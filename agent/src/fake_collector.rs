//! A collector for the tests: answers pushes as its script says, and remembers what it took.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use uphold_common::time::Instant;
use uphold_common::wire::assignment::Assignment;
use uphold_common::wire::batch::{Batch, Epoch};
use uphold_common::wire::push::{PUSH_CONTENT_TYPE, Problem, Push, PushAnswer};

/// The id of its store.
pub(crate) const STORE: Epoch = Epoch([7; 16]);

/// One scripted answer to a push: a status other than 200, and perhaps `Retry-After`.
pub(crate) type Scripted = (u16, Option<&'static str>);

#[derive(Debug)]
pub(crate) struct Collector {
    script: Mutex<VecDeque<Scripted>>,
    assignment: Mutex<Option<Assignment>>,
    replay_from: Mutex<Option<u64>>,
    heard: mpsc::Sender<(u16, Push, Batch)>,
}

impl Collector {
    /// Serves; what it hears comes out of the channel, with the status it was answered.
    pub(crate) async fn serve() -> (Arc<Self>, SocketAddr, mpsc::Receiver<(u16, Push, Batch)>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (heard, hearing) = mpsc::channel(1_000);
        let collector = Arc::new(Self {
            script: Mutex::default(),
            assignment: Mutex::default(),
            replay_from: Mutex::default(),
            heard,
        });
        let router = Router::new()
            .route("/api/v1/push", post(push))
            .route("/api/v1/agents/{name}/assignment", get(assignment))
            .with_state(Arc::clone(&collector));
        tokio::spawn(async move { axum::serve(listener, router).await });
        (collector, address, hearing)
    }

    /// The next pushes are answered like this; after them, 200.
    pub(crate) fn script(&self, answers: &[Scripted]) {
        self.script.lock().unwrap().extend(answers);
    }

    pub(crate) fn assign(&self, assignment: Assignment) {
        *self.assignment.lock().unwrap() = Some(assignment);
    }

    pub(crate) fn ask_for_replay(&self, from: u64) {
        *self.replay_from.lock().unwrap() = Some(from);
    }
}

async fn push(State(collector): State<Arc<Collector>>, headers: HeaderMap, body: Bytes) -> Response {
    assert_eq!(headers["content-type"], PUSH_CONTENT_TYPE);
    let push = Push::decode(&body).unwrap();
    let batch = Batch::decode(&push.batch).unwrap();
    let acknowledged = batch.key.seq;
    let (status, retry_after) = collector.script.lock().unwrap().pop_front().unwrap_or((200, None));
    collector.heard.send((status, push, batch)).await.unwrap();
    if status == 200 {
        let replay_from = *collector.replay_from.lock().unwrap();
        let answer = PushAnswer { store: STORE, acknowledged, replay_from, now: Instant::from_ms(0) };
        return axum::Json(answer).into_response();
    }
    let kind = "urn:uphold:problem:scripted".to_owned();
    let problem = Problem { kind, title: "scripted".to_owned(), status, detail: "as the test asked".to_owned() };
    let mut response = (StatusCode::from_u16(status).unwrap(), axum::Json(problem)).into_response();
    if let Some(retry_after) = retry_after {
        response.headers_mut().insert("retry-after", retry_after.parse().unwrap());
    }
    response
}

async fn assignment(State(collector): State<Arc<Collector>>, headers: HeaderMap) -> Response {
    let Some(assignment) = collector.assignment.lock().unwrap().clone() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let text = serde_json::to_string(&assignment).unwrap();
    let etag = format!("\"{}\"", text.len());
    if headers.get("if-none-match").is_some_and(|known| *known == etag) {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    ([("etag", etag)], text).into_response()
}
