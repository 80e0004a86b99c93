//! The HTTP probe: one GET over a connection of its own, phase by phase.
//!
//! Resolve, connect, TLS where the URL says `https`, the request up to the answer's head (first byte), the body
//! (transfer). Redirects are answers and are not followed: what is promised is this URL. The head is bounded by hyper's
//! buffer, the body by [`BODY_BYTES_MAX`]; what lies beyond is not read, and the facts say so.

use std::error::Error as _;
use std::io;
use std::time::Duration;

use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, CONNECTION, HOST, HeaderValue, USER_AGENT};
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use regex::bytes::{Regex, RegexBuilder};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use uphold_common::observation::Cause;
use uphold_common::wire::check::HttpCheck;
use url::{Host, Url};

use super::connect::Target;
use super::{Answer, Happened, Judged, Run, Seen, Trouble};
use crate::tls;

/// Most bytes of a body that are read.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;
/// Most bytes of an answer's head.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Most bytes that a compiled expression takes.
const EXPRESSION_BYTES_MAX: usize = 1024 * 1024;
/// How the agent introduces itself.
const AGENT: &str = concat!("uphold-agent/", env!("CARGO_PKG_VERSION"));

/// What was seen of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpSeen {
    /// Whether the code is among those expected.
    pub code_expected: bool,
    /// Whether the body matched; `None` when nothing was asked of it.
    pub body_matched: Option<bool>,
    /// Bytes of the body that were read.
    pub body_bytes: u64,
    /// Whether the body was longer than what is read of it.
    pub body_cut: bool,
}

impl HttpSeen {
    fn judged(&self) -> Judged {
        if !self.code_expected {
            Judged::Unexpected(Cause::Code)
        } else if self.body_matched == Some(false) {
            Judged::Unexpected(Cause::Body)
        } else {
            Judged::Expected
        }
    }

    /// What was seen beyond the code, for people.
    pub fn detail(&self) -> String {
        let cut = if self.body_cut { ", of which no more is read" } else { "" };
        let matched = match self.body_matched {
            Some(true) => ", as expected",
            Some(false) => ", without the expected text",
            None => "",
        };
        format!("a body of {} bytes{cut}{matched}", self.body_bytes)
    }
}

/// An HTTP probe made ready.
#[derive(Debug)]
pub struct HttpProbe {
    target: Target,
    /// Whom the certificate must be for; `None` for plain HTTP.
    server: Option<ServerName<'static>>,
    host: HeaderValue,
    path: Uri,
    codes: Vec<u16>,
    body_matches: Option<Regex>,
}

impl HttpProbe {
    /// Takes the URL apart and compiles the expression.
    pub fn new(check: &HttpCheck) -> Result<Self, String> {
        let url = Url::parse(&check.url).map_err(|error| format!("the URL is not understood: {error}"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("a user or password does not belong into a URL".to_owned());
        }
        let secure = match url.scheme() {
            "http" => false,
            "https" => true,
            other => return Err(format!("a URL with {other}: http or https is expected")),
        };
        let name = match url.host() {
            Some(Host::Domain(name)) => name.to_owned(),
            Some(Host::Ipv4(address)) => address.to_string(),
            Some(Host::Ipv6(address)) => address.to_string(),
            None => return Err("the URL has no host".to_owned()),
        };
        if secure {
            // Reading the system's certificates takes a while, which is no part of an attempt; a problem shows there.
            let _ = tls::client_config();
        }
        let server = secure.then(|| ServerName::try_from(name.clone())).transpose();
        let path = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        let port = url.port_or_known_default().ok_or("the URL has no port")?;
        Ok(Self {
            server: server.map_err(|_| format!("{name:?} is no name that a certificate could be for"))?,
            host: host_header(&url)?,
            path: path.parse().map_err(|error| format!("the URL's path is not understood: {error}"))?,
            codes: check.codes.clone(),
            body_matches: check.body_matches.as_deref().map(compile).transpose()?,
            target: Target { host: name, port },
        })
    }

    /// Whom it speaks to.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Asks, and says what was answered or what happened instead.
    pub async fn run(&self, run: &mut Run, timeout: Duration) -> Result<Answer, Happened> {
        let stream = self.target.connect(run, timeout).await?;
        let Some(server) = &self.server else {
            return self.ask(run, TokioIo::new(stream)).await;
        };
        let config = tls::client_config().map_err(Happened::NotTried)?;
        let secured = TlsConnector::from(config).connect(server.clone(), stream).await;
        let secured = secured.map_err(|error| Happened::TlsFailed(error.to_string()))?;
        run.phases.tls = run.lap();
        self.ask(run, TokioIo::new(secured)).await
    }

    async fn ask<S>(&self, run: &mut Run, stream: TokioIo<S>) -> Result<Answer, Happened>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut builder = http1::Builder::new();
        builder.max_buf_size(HEAD_BYTES_MAX);
        let (mut sender, connection) = builder.handshake(stream).await.map_err(|error| broken(&error))?;
        // The set ends the connection's task with this function, also when the deadline drops it.
        let mut tasks = JoinSet::new();
        tasks.spawn(connection);
        let response = sender.send_request(self.request()?).await.map_err(|error| broken(&error))?;
        run.phases.first_byte = run.lap();
        let answer = self.read(response).await?;
        run.phases.transfer = run.lap();
        Ok(answer)
    }

    fn request(&self) -> Result<Request<Empty<Bytes>>, Happened> {
        Request::get(self.path.clone())
            .header(HOST, self.host.clone())
            .header(USER_AGENT, HeaderValue::from_static(AGENT))
            .header(ACCEPT, HeaderValue::from_static("*/*"))
            .header(CONNECTION, HeaderValue::from_static("close"))
            .body(Empty::new())
            .map_err(|error| Happened::NotTried(format!("the request could not be written: {error}")))
    }

    async fn read(&self, response: Response<Incoming>) -> Result<Answer, Happened> {
        let code = response.status().as_u16();
        let mut body = response.into_body();
        let (mut kept, mut body_bytes, mut body_cut) = (Vec::new(), 0_usize, false);
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| broken(&error))?;
            let Some(data) = frame.data_ref() else { continue };
            let room = BODY_BYTES_MAX - body_bytes;
            let taken = data.get(..room).unwrap_or(data);
            body_bytes += taken.len();
            if self.body_matches.is_some() {
                kept.extend_from_slice(taken);
            }
            if taken.len() < data.len() {
                body_cut = true;
                break;
            }
        }
        let code_expected =
            if self.codes.is_empty() { (200..=299).contains(&code) } else { self.codes.contains(&code) };
        let body_matched = self.body_matches.as_ref().map(|expression| expression.is_match(&kept));
        let seen = HttpSeen { code_expected, body_matched, body_bytes: body_bytes as u64, body_cut };
        Ok(Answer { code, judged: seen.judged(), seen: Seen::Http(seen) })
    }
}

/// The host as the URL writes it, with the port where it is not the scheme's own.
fn host_header(url: &Url) -> Result<HeaderValue, String> {
    let host = url.host_str().unwrap_or_default();
    let text = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    HeaderValue::try_from(text).map_err(|error| format!("the URL's host is not understood: {error}"))
}

fn compile(expression: &str) -> Result<Regex, String> {
    let built = RegexBuilder::new(expression).size_limit(EXPRESSION_BYTES_MAX).build();
    built.map_err(|error| format!("the expression for the body is not understood: {error}"))
}

/// What a failed exchange was: a connection that broke, or an answer that is no HTTP.
pub(super) fn broken(error: &hyper::Error) -> Happened {
    let mut source = error.source();
    while let Some(inner) = source {
        if let Some(inner) = inner.downcast_ref::<io::Error>() {
            return Happened::NotConnected(Trouble::from(inner));
        }
        source = inner.source();
    }
    if error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
        let cut_off = io::Error::new(io::ErrorKind::UnexpectedEof, "the connection was closed before the answer's end");
        return Happened::NotConnected(Trouble::from(&cut_off));
    }
    Happened::NotUnderstood(error.to_string())
}
