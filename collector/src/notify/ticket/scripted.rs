//! For the tests of this room: a system that answers by rules and remembers what it was asked.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use serde_json::Value as Json;
use tokio::net::TcpListener;

use crate::notify::post::{Poster, Proxies, Timeouts};

/// A request that was made.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) method: Method,
    /// With its query.
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Asked {
    /// Its method and its path.
    pub(super) fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    pub(super) fn json(&self) -> Json {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

/// What is answered: a status, headers, a body.
pub(super) type Reply = (u16, Vec<(&'static str, String)>, String);

type Rules = dyn Fn(&Asked, usize) -> Reply + Send + Sync;

/// The system.
#[derive(Clone)]
pub(super) struct System {
    pub(super) address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    rules: Arc<Rules>,
}

impl System {
    /// One that answers by `rules`, which are told how many requests came before.
    pub(super) async fn start(rules: impl Fn(&Asked, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let system = Self { address, asked: Arc::default(), rules: Arc::new(rules) };
        let app = Router::new().fallback(answer).with_state(system.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        system
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/base", self.address)
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// What was asked, as method and path, since the last time.
    pub(super) fn lines(&self) -> Vec<String> {
        self.asked.lock().unwrap().drain(..).map(|asked| asked.line()).collect()
    }
}

async fn answer(State(system): State<System>, method: Method, uri: Uri, headers: HeaderMap, body: String) -> Response {
    let asked = Asked { method, path: uri.to_string(), headers, body };
    let before = {
        let mut all = system.asked.lock().unwrap();
        all.push(asked.clone());
        all.len() - 1
    };
    let (status, headers, body) = (system.rules)(&asked, before);
    let mut response = (StatusCode::from_u16(status).unwrap(), body).into_response();
    for (name, value) in headers {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}

/// Whoever sends, with the TLS provider that `main` installs.
pub(super) fn poster() -> Poster {
    rustls::crypto::ring::default_provider().install_default().ok();
    Poster::new(Timeouts::default(), Proxies::None).unwrap()
}

/// An answer of JSON.
pub(super) fn json(status: u16, body: &Json) -> Reply {
    (status, vec![("content-type", "application/json".to_owned())], body.to_string())
}
