//! One `POST` to a receiver: it says what it saw, and judges nothing.
//!
//! Redirects are not followed. A URL that comes from a file is read anew at each attempt, so that it can be changed in
//! place.
//!
//! A URL may be a secret: errors name the receiver's file, but never the URL, its host, its path or what the file
//! holds. What the receiver answers beyond its status is not kept either.

use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Client, Method, Response, Url, redirect};
use uphold_common::catalogue::model::ReceiverUrl;

use super::secret;
use super::verdict::Attempt;

/// Most bytes of an answer's body that are read, so that its connection can be used again.
const ANSWER_BYTES_MAX: usize = 4 * 1024;
/// Longest `Retry-After` that is looked at.
const RETRY_AFTER_CHARS_MAX: usize = 64;
/// How long an answer's body is waited for; the status stands without it.
const ANSWER_WAIT: Duration = Duration::from_secs(1);

/// How long an attempt may take.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// Until the connection stands, TLS included.
    pub connect: Duration,
    /// All in all.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), total: Duration::from_secs(15) }
    }
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The program did not choose a TLS provider before.
    #[error("no TLS provider is installed")]
    NoProvider,
    /// The client could not be built.
    #[error("the HTTP client could not be made: {0}")]
    Build(#[from] reqwest::Error),
}

/// Whether a proxy stands in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proxies {
    /// Those of the environment, where operators expect to set them.
    OfTheEnvironment,
    /// None: the receiver is a neighbour.
    None,
}

/// What is sent.
#[derive(Debug)]
pub struct Post<'a> {
    /// Where to.
    pub url: &'a ReceiverUrl,
    /// What is appended to the path of the URL; empty for the URL as it is.
    pub path: &'a str,
    /// What stands in front of it.
    pub headers: HeaderMap,
    /// The body.
    pub body: String,
}

/// What is asked of a receiver that answers.
#[derive(Debug)]
pub struct Ask {
    /// How.
    pub method: Method,
    /// Where.
    pub url: Url,
    /// What stands in front of the body.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
    /// Most bytes of the answer's body.
    pub answer_bytes_max: usize,
}

/// What a receiver answered.
#[derive(Debug)]
pub struct Heard {
    /// The HTTP status.
    pub status: u16,
    /// What stood in front of the body.
    pub headers: HeaderMap,
    /// The body; none if it is longer than was asked for.
    pub body: Option<Vec<u8>>,
}

/// Sends to receivers.
#[derive(Clone, Debug)]
pub struct Poster {
    client: Client,
}

impl Poster {
    /// A client with these timeouts; the TLS provider must have been installed.
    pub fn new(timeouts: Timeouts, proxies: Proxies) -> Result<Self, ClientError> {
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            return Err(ClientError::NoProvider);
        }
        let builder = Client::builder()
            .user_agent(concat!("uphold-collector/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .connect_timeout(timeouts.connect)
            .timeout(timeouts.total)
            .pool_max_idle_per_host(1)
            .pool_idle_timeout(Duration::from_secs(30));
        let builder = match proxies {
            Proxies::OfTheEnvironment => builder,
            Proxies::None => builder.no_proxy(),
        };
        Ok(Self { client: builder.build()? })
    }

    /// Makes one attempt.
    pub async fn post(&self, post: Post<'_>) -> Attempt {
        match self.send(post).await {
            Ok(attempt) => attempt,
            Err(error) => Attempt::Unanswered { error },
        }
    }

    /// Asks, and hears the answer to its end; the error is for people and holds nothing of the URL.
    pub async fn ask(&self, ask: Ask) -> Result<Heard, String> {
        let url = ask.url.clone();
        let request = self.client.request(ask.method, ask.url).headers(ask.headers).body(ask.body);
        let mut response = request.send().await.map_err(|error| reason(error, &url))?;
        let (status, headers) = (response.status().as_u16(), std::mem::take(response.headers_mut()));
        let mut body = Some(Vec::new());
        while let Some(chunk) = response.chunk().await.map_err(|error| reason(error, &url))? {
            match &mut body {
                Some(bytes) if bytes.len() + chunk.len() <= ask.answer_bytes_max => bytes.extend_from_slice(&chunk),
                // What is too long is not heard to its end.
                _ => {
                    body = None;
                    break;
                }
            }
        }
        Ok(Heard { status, headers, body })
    }

    async fn send(&self, post: Post<'_>) -> Result<Attempt, String> {
        let mut url = parse(&written_url(post.url).await?)?;
        if !post.path.is_empty() {
            let path = format!("{}{}", url.path().trim_end_matches('/'), post.path);
            url.set_path(&path);
        }
        let request = self.client.post(url.clone()).headers(post.headers).body(post.body);
        let response = request.send().await.map_err(|error| reason(error, &url))?;
        let status = response.status().as_u16();
        let retry_after = retry_after(response.headers());
        // Whether the body comes or not, the receiver has answered.
        tokio::time::timeout(ANSWER_WAIT, drain(response)).await.ok();
        Ok(Attempt::Answered { status, retry_after })
    }
}

/// The header `Retry-After`, if it is no longer than is looked at.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    text.filter(|text| text.len() <= RETRY_AFTER_CHARS_MAX).map(str::to_owned)
}

async fn drain(mut response: Response) {
    let mut left = ANSWER_BYTES_MAX;
    while left > 0 {
        let Ok(Some(chunk)) = response.chunk().await else { return };
        left = left.saturating_sub(chunk.len());
    }
}

/// The URL, as it is written.
pub(super) async fn written_url(url: &ReceiverUrl) -> Result<String, String> {
    match url {
        ReceiverUrl::Url(text) => Ok(text.clone()),
        ReceiverUrl::File(path) => secret::first_line("the URL", path).await,
    }
}

/// An address of the web.
pub(super) fn parse(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.ok_or_else(|| "the receiver's URL is no http or https URL".to_owned())
}

/// Why there was no answer, from the error and what lies behind it, without anything of the URL.
fn reason(error: reqwest::Error, url: &Url) -> String {
    if error.is_timeout() && !error.is_connect() {
        return "the receiver did not answer in time".to_owned();
    }
    redact(because("could not reach the receiver", &error.without_url()), url)
}

/// What could not be done, and what lies behind the error, each thing once.
pub(super) fn because(what: &str, error: &dyn std::error::Error) -> String {
    let mut text = what.to_owned();
    let mut source = error.source();
    while let Some(error) = source {
        let said = error.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        source = error.source();
    }
    text
}

/// Takes out what the errors below may quote: a certificate's error names the host, for one.
fn redact(mut text: String, url: &Url) -> String {
    let parts =
        [Some(url.as_str()), url.host_str(), url.password(), url.query(), Some(url.path()), Some(url.username())];
    for part in parts.into_iter().flatten().filter(|part| part.len() > 1) {
        text = text.replace(part, "…");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_error_quotes_is_taken_out() {
        let url = Url::parse("https://u5er:pa55@hooks.example.com/services/t0ken?key=k3y").unwrap();
        let text =
            "not valid for name \"hooks.example.com\", asked u5er:pa55 for /services/t0ken with key=k3y".to_owned();
        assert_eq!(redact(text, &url), "not valid for name \"…\", asked …:… for … with …");
        assert_eq!(redact("a / stays".to_owned(), &Url::parse("http://a.b/").unwrap()), "a / stays");
    }
}
