//! The socket in the data directory: how the command line speaks to a collector that runs.
//!
//! It is a Unix socket of mode 0600, made anew at each start while the data directory's lock is held, so one that is
//! left over from a kill is in nobody's use.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{UnixListener, UnixStream};

/// Most bytes of an answer.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;
/// How long an answer may take.
const ANSWER_TIME_MAX: Duration = Duration::from_mins(1);

/// Where the socket of a data directory is.
pub fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("collector.sock")
}

/// Binds the socket; the data directory's lock is held.
pub fn bind(data_dir: &Path) -> std::io::Result<UnixListener> {
    let path = path(data_dir);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Why a running collector could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// None runs there.
    #[error("no collector runs on {}", .0.display())]
    NoneRuns(PathBuf),
    /// It did not answer.
    #[error("the collector did not answer: {0}")]
    NoAnswer(String),
    /// It refused.
    #[error("{detail}")]
    Refused {
        /// The status.
        status: StatusCode,
        /// What it said.
        detail: String,
    },
}

/// What a running collector is asked.
#[derive(Clone, Debug)]
pub struct Ask {
    method: Method,
    path_and_query: String,
    body: Bytes,
}

impl Ask {
    /// To read something.
    pub fn get(path_and_query: &str) -> Self {
        Self { method: Method::GET, path_and_query: path_and_query.to_owned(), body: Bytes::new() }
    }

    /// To do something.
    pub fn post(path: &str, body: &serde_json::Value) -> Self {
        Self { method: Method::POST, path_and_query: path.to_owned(), body: Bytes::from(body.to_string()) }
    }

    /// To end something.
    pub fn delete(path: &str) -> Self {
        Self { method: Method::DELETE, ..Self::get(path) }
    }
}

/// Asks the collector that runs on a data directory.
pub async fn ask(data_dir: &Path, ask: &Ask) -> Result<Bytes, AskError> {
    let socket = path(data_dir);
    let none = |_| AskError::NoneRuns(data_dir.to_owned());
    let stream = UnixStream::connect(&socket).await.map_err(none)?;
    let asked = tokio::time::timeout(ANSWER_TIME_MAX, exchange(stream, ask)).await;
    asked.map_err(|_| AskError::NoAnswer("it took too long".to_owned()))?
}

async fn exchange(stream: UnixStream, ask: &Ask) -> Result<Bytes, AskError> {
    let broken = |error: hyper::Error| AskError::NoAnswer(error.to_string());
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let request = Request::builder()
        .method(ask.method.clone())
        .uri(&ask.path_and_query)
        .header("host", "collector")
        .header("content-type", "application/json")
        .body(Full::new(ask.body.clone()))
        .map_err(|error| AskError::NoAnswer(error.to_string()))?;
    let talk = async {
        let response = sender.send_request(request).await.map_err(broken)?;
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
        Ok((status, body.map_err(|error| AskError::NoAnswer(error.to_string()))?.to_bytes()))
    };
    let (status, body) = tokio::select! {
        answer = talk => answer?,
        Err(error) = connection => return Err(broken(error)),
    };
    if status.is_success() {
        return Ok(body);
    }
    let problem: Option<uphold_common::wire::push::Problem> = serde_json::from_slice(&body).ok();
    let detail = problem.map_or_else(|| format!("the collector answered {status}"), |problem| problem.detail);
    Err(AskError::Refused { status, detail })
}
