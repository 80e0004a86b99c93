//! A collector for the tests: answers pushes as its script says, and remembers what it took. It speaks TLS and asks for
//! a token when it is told to.

use std::collections::{BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Response};
use axum::routing::{get, post};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use uphold_common::wire::assignment::{Assignment, STORE_HEADER};
use uphold_common::wire::batch::{Batch, Epoch};
use uphold_common::wire::frame;
use uphold_common::wire::push::{PUSH_CONTENT_TYPE, Problem, Push, PushAnswer};

/// The id of its store.
pub(crate) const STORE: Epoch = Epoch([7; 16]);

/// One scripted answer to a push: a status other than 200, and perhaps `Retry-After`.
pub(crate) type Scripted = (u16, Option<&'static str>);

#[derive(Debug)]
pub(crate) struct Collector {
    script: Mutex<VecDeque<Scripted>>,
    assignment: Mutex<Option<Assignment>>,
    /// The seqs that it misses and asks for.
    missing: Mutex<BTreeSet<u64>>,
    /// Whether it knows version 1 alone.
    old: AtomicBool,
    /// The header `Authorization` that is asked for.
    demanded: Mutex<Option<String>>,
    /// Which store it has, and whether it says so.
    store: Mutex<(Epoch, bool)>,
    heard: mpsc::Sender<(u16, Push, Batch)>,
}

impl Collector {
    /// Serves; what it hears comes out of the channel, with the status it was answered.
    pub(crate) async fn serve() -> (Arc<Self>, SocketAddr, mpsc::Receiver<(u16, Push, Batch)>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (collector, router, hearing) = Self::new();
        tokio::spawn(async move { axum::serve(listener, router).await });
        (collector, address, hearing)
    }

    /// As [`Self::serve`], over TLS.
    pub(crate) async fn serve_tls(tls: TlsAcceptor) -> (Arc<Self>, SocketAddr, mpsc::Receiver<(u16, Push, Batch)>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (collector, router, hearing) = Self::new();
        tokio::spawn(async move { axum::serve(TlsListener { listener, tls }, router).await });
        (collector, address, hearing)
    }

    fn new() -> (Arc<Self>, Router, mpsc::Receiver<(u16, Push, Batch)>) {
        let (heard, hearing) = mpsc::channel(1_000);
        let collector = Arc::new(Self {
            script: Mutex::default(),
            assignment: Mutex::default(),
            missing: Mutex::default(),
            old: AtomicBool::new(false),
            demanded: Mutex::default(),
            store: Mutex::new((STORE, true)),
            heard,
        });
        let router = Router::new()
            .route("/api/v1/push", post(push))
            .route("/api/v1/agents/{name}/assignment", get(assignment))
            .route("/api/v1/services/{id}/figures", get(figures))
            .with_state(Arc::clone(&collector));
        (collector, router, hearing)
    }

    /// The next pushes are answered like this; after them, 200.
    pub(crate) fn script(&self, answers: &[Scripted]) {
        self.script.lock().unwrap().extend(answers);
    }

    /// From now on every request is to show this token.
    pub(crate) fn demand(&self, token: &str) {
        *self.demanded.lock().unwrap() = Some(format!("Bearer {token}"));
    }

    fn refuses(&self, headers: &HeaderMap) -> bool {
        let demanded = self.demanded.lock().unwrap().clone();
        demanded.is_some_and(|demanded| headers.get("authorization").is_none_or(|shown| *shown != demanded))
    }

    pub(crate) fn assign(&self, assignment: Assignment) {
        *self.assignment.lock().unwrap() = Some(assignment);
    }

    /// From now on it misses these, until they are sent again or said not to be kept.
    pub(crate) fn miss(&self, seqs: impl IntoIterator<Item = u64>) {
        self.missing.lock().unwrap().extend(seqs);
    }

    /// What it still misses.
    pub(crate) fn missed(&self) -> Vec<u64> {
        self.missing.lock().unwrap().iter().copied().collect()
    }

    /// From now on it has this store, and perhaps says so.
    pub(crate) fn have(&self, store: Epoch, says: bool) {
        *self.store.lock().unwrap() = (store, says);
    }

    /// From now on it is, or is not, a collector of before version 2.
    pub(crate) fn be_old(&self, old: bool) {
        self.old.store(old, Ordering::Relaxed);
    }

    /// What is asked for after this push.
    fn replay_from(&self, push: &Push, seq: u64) -> Option<u64> {
        let mut missing = self.missing.lock().unwrap();
        let absent = |missed: &u64| push.absent.is_some_and(|range| (range.first..=range.last).contains(missed));
        missing.retain(|missed| *missed != seq && !absent(missed));
        missing.first().copied()
    }
}

/// A listener whose connections begin with a handshake; those that fail are passed over.
struct TlsListener {
    listener: TcpListener,
    tls: TlsAcceptor,
}

impl axum::serve::Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        loop {
            let (stream, address) = self.listener.accept().await.unwrap();
            if let Ok(stream) = self.tls.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

async fn push(State(collector): State<Arc<Collector>>, headers: HeaderMap, body: Bytes) -> Response {
    assert_eq!(headers["content-type"], PUSH_CONTENT_TYPE);
    if collector.old.load(Ordering::Relaxed) && frame::version(&body) != Some(1) {
        return problem(415);
    }
    let push = Push::decode(&body).unwrap();
    let batch = Batch::decode(&push.batch).unwrap();
    let acknowledged = batch.key.seq;
    let (status, retry_after) = if collector.refuses(&headers) {
        (401, None)
    } else {
        collector.script.lock().unwrap().pop_front().unwrap_or((200, None))
    };
    let replay_from = if status == 200 { collector.replay_from(&push, batch.key.seq) } else { None };
    let (now, (store, _)) = (push.sent_at, *collector.store.lock().unwrap());
    collector.heard.send((status, push, batch)).await.unwrap();
    if status == 200 {
        let answer = PushAnswer { store, acknowledged, replay_from, now };
        return axum::Json(answer).into_response();
    }
    let mut response = problem(status);
    if let Some(retry_after) = retry_after {
        response.headers_mut().insert("retry-after", retry_after.parse().unwrap());
    }
    response
}

fn problem(status: u16) -> Response {
    let kind = "urn:uphold:problem:scripted".to_owned();
    let problem = Problem { kind, title: "scripted".to_owned(), status, detail: "as the test asked".to_owned() };
    (StatusCode::from_u16(status).unwrap(), axum::Json(problem)).into_response()
}

async fn figures(State(collector): State<Arc<Collector>>, headers: HeaderMap) -> Response {
    if collector.refuses(&headers) { problem(401) } else { "{\"targets\":{}}".into_response() }
}

async fn assignment(State(collector): State<Arc<Collector>>, headers: HeaderMap) -> Response {
    if collector.refuses(&headers) {
        return problem(401);
    }
    let (store, says) = *collector.store.lock().unwrap();
    let store = says.then(|| (STORE_HEADER, store.to_string()));
    let store = AppendHeaders(store);
    let Some(assignment) = collector.assignment.lock().unwrap().clone() else {
        return (StatusCode::NOT_FOUND, store).into_response();
    };
    let text = serde_json::to_string(&assignment).unwrap();
    let etag = format!("\"{}\"", text.len());
    if headers.get("if-none-match").is_some_and(|known| *known == etag) {
        return (StatusCode::NOT_MODIFIED, store).into_response();
    }
    (store, [("etag", etag)], text).into_response()
}
