//! The way to the collectors: bounded requests over one pool of connections.
//!
//! Redirects are not followed and no proxy is taken from the environment: data goes where the configuration says. Every
//! request has a deadline, every answer's body a bound. Errors name no URL, since a URL may hold what a log must not.
//!
//! An agent that has a token shows it with every request. When the answer is 401 or 403 and the token's file holds
//! another one by now, the same request goes once more with that; a request that was answered so has changed nothing.

mod trouble;

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, DATE, ETAG, HeaderMap, HeaderName, IF_NONE_MATCH, RETRY_AFTER};
use reqwest::{Client, RequestBuilder, redirect};
use uphold_common::time::Instant;
use uphold_common::wire::assignment::STORE_HEADER;
use uphold_common::wire::batch::Epoch;
use url::Url;

pub use self::trouble::Trouble;
use self::trouble::innermost;
use crate::config::Access;
use crate::tls::{self, CaError};
use crate::token::{Token, TokenError, TokenFile};

/// The deadline of a request with its answer.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);
/// The part of it that a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The answers to a request whose token is not known, and to one whose token is good for something else.
const REFUSED: [u16; 2] = [401, 403];

/// The way to the collectors.
#[derive(Clone, Debug)]
pub struct Remote {
    client: Client,
    token_file: Option<Arc<TokenFile>>,
}

/// What a collector answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The header `Retry-After`, as it came.
    pub retry_after: Option<String>,
    /// The header `ETag`, as it came.
    pub etag: Option<String>,
    /// Which store the collector says that it has.
    pub store: Option<Epoch>,
    /// The second in which it was answered, by the other side's clock: the header `Date`.
    pub date: Option<Instant>,
    /// The body.
    pub body: Vec<u8>,
}

/// Why there is no way to the collectors.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The token cannot be had.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The roots cannot be had.
    #[error(transparent)]
    Ca(#[from] CaError),
    /// No client could be made.
    #[error("no HTTP client could be made: {0}")]
    Client(String),
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RemoteError {
    /// Nobody answered.
    #[error("no answer: {text}")]
    NoAnswer {
        /// Which part of the way failed.
        trouble: Trouble,
        /// What the system or a library said.
        text: String,
    },
    /// The answer is longer than is read.
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
}

impl Remote {
    /// A client for every collector.
    pub fn new(access: &Access) -> Result<Self, AccessError> {
        let token_file = access.token_file.as_deref().map(TokenFile::open).transpose()?;
        tls::install_provider();
        let config = match (&access.ca_file, tls::client_config()) {
            (Some(ca_file), _) => tls::with_file(ca_file)?,
            (None, Ok(config)) => config.as_ref().clone(),
            // Without roots only plain HTTP works; each https request then says so itself.
            (None, Err(_)) => tls::without_roots().map_err(AccessError::Client)?,
        };
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            .user_agent(concat!("uphold-agent/", env!("CARGO_PKG_VERSION")))
            .tls_backend_preconfigured(config)
            .build()
            .map_err(|error| AccessError::Client(innermost(&error)))?;
        Ok(Self { client, token_file: token_file.map(Arc::new) })
    }

    /// Over plain HTTP, with the token of this file.
    #[cfg(test)]
    pub(crate) fn with_token_file(file: TokenFile) -> Self {
        Self { token_file: Some(Arc::new(file)), ..Self::new(&Access::default()).unwrap() }
    }

    /// Fetches, unless it is still what `etag` says.
    pub async fn get(&self, url: Url, etag: Option<&str>, bytes_max: usize) -> Result<Reply, RemoteError> {
        let request = self.client.get(url);
        let request = match etag {
            Some(etag) => request.header(IF_NONE_MATCH, etag),
            None => request,
        };
        self.send(request, bytes_max).await
    }

    /// Fetches as soon as it is something else than `etag` says; the collector may answer after `wait_s` that it still is.
    pub async fn get_changed(&self, url: Url, etag: &str, wait_s: u64, bytes_max: usize) -> Result<Reply, RemoteError> {
        let request = self.client.get(url).header(IF_NONE_MATCH, etag).header("prefer", format!("wait={wait_s}"));
        self.send(request.timeout(REQUEST_TIMEOUT + Duration::from_secs(wait_s)), bytes_max).await
    }

    /// Posts a body.
    pub async fn post(&self, url: Url, kind: &str, body: Vec<u8>, bytes_max: usize) -> Result<Reply, RemoteError> {
        self.send(self.client.post(url).header(CONTENT_TYPE, kind).body(body), bytes_max).await
    }

    /// Returns when another request meanwhile made the agent take up another token.
    pub async fn token_replaced(&self) {
        match &self.token_file {
            Some(file) => file.replaced().await,
            None => std::future::pending().await,
        }
    }

    async fn send(&self, request: RequestBuilder, bytes_max: usize) -> Result<Reply, RemoteError> {
        let Some(file) = &self.token_file else { return receive(request, bytes_max).await };
        let token = file.token();
        let again = request.try_clone();
        let reply = receive(request.header(AUTHORIZATION, token.header()), bytes_max).await?;
        if !REFUSED.contains(&reply.status) {
            return Ok(reply);
        }
        match (again, replaced(Arc::clone(file), token).await) {
            (Some(again), Some(token)) => receive(again.header(AUTHORIZATION, token.header()), bytes_max).await,
            _ => Ok(reply),
        }
    }
}

/// The token that has taken the place of the one that was refused. The file is read beside the loops, since the file
/// system that it lies on may hang.
async fn replaced(file: Arc<TokenFile>, refused: Token) -> Option<Token> {
    tokio::task::spawn_blocking(move || file.after_refusal_of(&refused)).await.ok().flatten()
}

/// `base` with these segments behind its path.
pub fn endpoint(base: &Url, segments: &[&str]) -> Url {
    let mut url = base.clone();
    // Only a URL without a host refuses, and the configuration holds none.
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

async fn receive(request: RequestBuilder, bytes_max: usize) -> Result<Reply, RemoteError> {
    let no_answer = |error: reqwest::Error| {
        let (trouble, text) = (Trouble::of(&error), innermost(&error.without_url()));
        RemoteError::NoAnswer { trouble, text }
    };
    let mut response = request.send().await.map_err(no_answer)?;
    let status = response.status().as_u16();
    let (retry_after, etag) = (header(response.headers(), &RETRY_AFTER), header(response.headers(), &ETAG));
    let store = header(response.headers(), &HeaderName::from_static(STORE_HEADER));
    let store = store.and_then(|store| Epoch::try_from(store).ok());
    let date = header(response.headers(), &DATE).and_then(|text| instant(&text));
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(no_answer)? {
        if body.len() + chunk.len() > bytes_max {
            return Err(RemoteError::TooLong(bytes_max));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Reply { status, retry_after, etag, store, date, body })
}

/// The instant that a date of HTTP is.
fn instant(date: &str) -> Option<Instant> {
    let since = httpdate::parse_http_date(date).ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(Instant::from_ms(i64::try_from(since.as_millis()).ok()?))
}

fn header(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

#[cfg(test)]
#[path = "remote_tests.rs"]
mod tests;
