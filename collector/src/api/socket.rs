//! The socket in the data directory: how the command line speaks to a collector that runs.
//!
//! It is a Unix socket of mode 0600, made anew at each start while the data directory's lock is held, so one that is
//! left over from a kill is in nobody's use. It is made in a folder that only its owner may enter and moved to its place
//! once its mode is right, so that there is no moment at which somebody else could connect.

use std::io::{Error, ErrorKind};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{HeaderName, LINK, RETRY_AFTER};
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

/// The folder in which the socket is made; its name is shorter than the socket's, so that its path is not too long.
const MADE_IN: &str = ".sock";

/// Binds the socket; the data directory's lock is held.
pub fn bind(data_dir: &Path) -> std::io::Result<UnixListener> {
    let path = path(data_dir);
    // A path that is too long to connect to is better told now.
    std::os::unix::net::SocketAddr::from_pathname(&path)?;
    let folder = data_dir.join(MADE_IN);
    match std::fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    std::fs::DirBuilder::new().mode(0o700).create(&folder)?;
    let made = folder.join("s");
    let listener = UnixListener::bind(&made)?;
    std::fs::set_permissions(&made, std::fs::Permissions::from_mode(0o600))?;
    std::fs::rename(&made, &path)?;
    std::fs::remove_dir(&folder)?;
    Ok(listener)
}

/// Why a running collector could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// None runs there.
    #[error("no collector runs on {}", .0.display())]
    NoneRuns(PathBuf),
    /// Whether one runs cannot be told, as when somebody else's socket may not be opened.
    #[error("the collector's socket {} could not be opened: {source}", path.display())]
    Socket {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        source: Error,
    },
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
        /// After how long to come again, if it said so.
        retry_after: Option<Duration>,
    },
}

/// What a running collector is asked.
#[derive(Clone, Debug)]
pub struct Ask {
    method: Method,
    path_and_query: String,
    content_type: &'static str,
    body: Bytes,
}

/// The content type of most bodies.
const JSON: &str = "application/json";

/// What a running collector answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The body.
    pub body: Bytes,
    /// Where what follows is asked for, if there is more.
    pub next: Option<String>,
}

impl Ask {
    /// To read something.
    pub fn get(path_and_query: &str) -> Self {
        let path_and_query = path_and_query.to_owned();
        Self { method: Method::GET, path_and_query, content_type: JSON, body: Bytes::new() }
    }

    /// Whether it changes nothing, and may be asked again.
    pub fn only_reads(&self) -> bool {
        self.method == Method::GET
    }

    /// To do something.
    pub fn post(path: &str, body: &serde_json::Value) -> Self {
        Self::bring(path, JSON, Bytes::from(body.to_string()))
    }

    /// To bring something of this content type.
    pub fn bring(path: &str, content_type: &'static str, body: Bytes) -> Self {
        Self { method: Method::POST, path_and_query: path.to_owned(), content_type, body }
    }

    /// To end something.
    pub fn delete(path: &str) -> Self {
        Self { method: Method::DELETE, ..Self::get(path) }
    }
}

/// Asks the collector that runs on a data directory; the body of its answer.
pub async fn ask(data_dir: &Path, ask: &Ask) -> Result<Bytes, AskError> {
    Ok(ask_whole(data_dir, ask).await?.body)
}

/// Asks the collector that runs on a data directory.
pub async fn ask_whole(data_dir: &Path, ask: &Ask) -> Result<Answer, AskError> {
    let socket = path(data_dir);
    let stream = UnixStream::connect(&socket).await.map_err(|source| match source.kind() {
        ErrorKind::NotFound | ErrorKind::ConnectionRefused => AskError::NoneRuns(data_dir.to_owned()),
        _ => AskError::Socket { path: socket, source },
    })?;
    let asked = tokio::time::timeout(ANSWER_TIME_MAX, exchange(stream, ask)).await;
    asked.map_err(|_| AskError::NoAnswer("it took too long".to_owned()))?
}

async fn exchange(stream: UnixStream, ask: &Ask) -> Result<Answer, AskError> {
    let broken = |error: hyper::Error| AskError::NoAnswer(error.to_string());
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let request = Request::builder()
        .method(ask.method.clone())
        .uri(&ask.path_and_query)
        .header("host", "collector")
        .header("content-type", ask.content_type)
        .body(Full::new(ask.body.clone()))
        .map_err(|error| AskError::NoAnswer(error.to_string()))?;
    let talk = async {
        let response = sender.send_request(request).await.map_err(broken)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
        Ok((status, headers, body.map_err(|error| AskError::NoAnswer(error.to_string()))?.to_bytes()))
    };
    let (status, headers, body) = tokio::select! {
        answer = talk => answer?,
        Err(error) = connection => return Err(broken(error)),
    };
    let said = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if status.is_success() {
        let next = said(LINK).and_then(|link| link.strip_prefix('<')?.strip_suffix(">; rel=\"next\""));
        return Ok(Answer { body, next: next.map(str::to_owned) });
    }
    let problem: Option<uphold_common::wire::push::Problem> = serde_json::from_slice(&body).ok();
    let detail = problem.map_or_else(|| format!("the collector answered {status}"), |problem| problem.detail);
    let retry_after = said(RETRY_AFTER).and_then(|text| text.parse().ok()).map(Duration::from_secs);
    Err(AskError::Refused { status, detail, retry_after })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[tokio::test]
    async fn the_socket_is_its_owners_and_replaces_one_that_was_left() {
        let dir = tempfile::tempdir().unwrap();
        drop(bind(dir.path()).unwrap());
        std::fs::create_dir(dir.path().join(MADE_IN)).unwrap();
        std::fs::write(dir.path().join(MADE_IN).join("s"), "left over").unwrap();
        assert!(matches!(ask(dir.path(), &Ask::get("/")).await, Err(AskError::NoneRuns(_))), "left over from a kill");
        let listener = bind(dir.path()).unwrap();
        assert_eq!(mode(&path(dir.path())), 0o600);
        assert!(!dir.path().join(MADE_IN).exists());
        let client = UnixStream::connect(path(dir.path())).await.unwrap();
        listener.accept().await.unwrap();
        drop(client);
    }

    #[tokio::test]
    async fn only_a_socket_where_nobody_listens_says_that_none_runs() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(ask(dir.path(), &Ask::get("/")).await, Err(AskError::NoneRuns(_))));
        // Below a file there is nothing, which is another matter than a socket that is not there.
        let file = dir.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(matches!(ask(&file, &Ask::get("/")).await, Err(AskError::Socket { .. })));
        let long = dir.path().join("x".repeat(200));
        std::fs::create_dir(&long).unwrap();
        assert!(bind(&long).is_err() && matches!(ask(&long, &Ask::get("/")).await, Err(AskError::Socket { .. })));
    }
}
