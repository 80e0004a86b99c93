//! The way to the collectors: bounded requests over one pool of connections.
//!
//! Redirects are not followed and no proxy is taken from the environment: data goes where the configuration says. Every
//! request has a deadline, every answer's body a bound. Errors name no URL, since a URL may hold what a log must not.

use std::error::Error as _;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, ETAG, HeaderMap, HeaderName, IF_NONE_MATCH, RETRY_AFTER};
use reqwest::{Client, RequestBuilder, redirect};
use url::Url;

use crate::tls;

/// The deadline of a request with its answer.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);
/// The part of it that a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The way to the collectors.
#[derive(Clone, Debug)]
pub struct Remote {
    client: Client,
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
    /// The body.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RemoteError {
    /// No client could be made.
    #[error("no HTTP client could be made: {0}")]
    Client(String),
    /// Nobody answered.
    #[error("no answer: {0}")]
    NoAnswer(String),
    /// The answer is longer than is read.
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
}

impl Remote {
    /// A client for every collector.
    pub fn new() -> Result<Self, RemoteError> {
        tls::install_provider();
        let mut builder = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            .user_agent(concat!("uphold-agent/", env!("CARGO_PKG_VERSION")));
        builder = match tls::client_config() {
            Ok(config) => builder.tls_backend_preconfigured(config.as_ref().clone()),
            // Without roots only plain HTTP works; each https request then says so itself.
            Err(_) => builder.tls_backend_preconfigured(tls::without_roots().map_err(RemoteError::Client)?),
        };
        Ok(Self { client: builder.build().map_err(|error| RemoteError::Client(innermost(&error)))? })
    }

    /// Fetches, unless it is still what `etag` says.
    pub async fn get(&self, url: Url, etag: Option<&str>, bytes_max: usize) -> Result<Reply, RemoteError> {
        let request = self.client.get(url);
        let request = match etag {
            Some(etag) => request.header(IF_NONE_MATCH, etag),
            None => request,
        };
        send(request, bytes_max).await
    }

    /// Posts a body.
    pub async fn post(&self, url: Url, kind: &str, body: Vec<u8>, bytes_max: usize) -> Result<Reply, RemoteError> {
        send(self.client.post(url).header(CONTENT_TYPE, kind).body(body), bytes_max).await
    }
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

async fn send(request: RequestBuilder, bytes_max: usize) -> Result<Reply, RemoteError> {
    let no_answer = |error: reqwest::Error| RemoteError::NoAnswer(innermost(&error.without_url()));
    let mut response = request.send().await.map_err(no_answer)?;
    let status = response.status().as_u16();
    let (retry_after, etag) = (header(response.headers(), &RETRY_AFTER), header(response.headers(), &ETAG));
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(no_answer)? {
        if body.len() + chunk.len() > bytes_max {
            return Err(RemoteError::TooLong(bytes_max));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Reply { status, retry_after, etag, body })
}

fn header(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// The innermost cause of an error, which is what the system said; reqwest's own text says only that sending failed.
fn innermost(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = cause.to_string();
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_lie_below_the_path_of_their_collector() {
        for (base, expected) in [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/api/v1/a%2Fb"),
            ("https://example.org/uphold/", "https://example.org/uphold/api/v1/a%2Fb"),
            ("https://example.org/uphold", "https://example.org/uphold/api/v1/a%2Fb"),
        ] {
            assert_eq!(endpoint(&Url::parse(base).unwrap(), &["api", "v1", "a/b"]).as_str(), expected);
        }
    }
}
