//! One GET whose body is kept, under a bound and without following anything.

use std::time::Duration;

use http_body_util::{BodyExt as _, Empty};
use hyper::Request;
use hyper::body::{Body as _, Bytes};
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, CONNECTION, HOST, USER_AGENT};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use uphold_common::wire::check::IpChoice;
use url::{Host, Url};

use super::connect::Target;
use super::http::exchange::broken;
use super::{Happened, Run};
use crate::tls;

/// Most bytes of a body.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;
/// Most bytes of an answer's head.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// How the agent introduces itself.
const AGENT: &str = concat!("uphold-agent/", env!("CARGO_PKG_VERSION"));

/// What is fetched, taken apart once.
#[derive(Debug)]
pub struct Fetch {
    target: Target,
    /// Whom the certificate must be for; `None` for plain HTTP.
    server: Option<ServerName<'static>>,
    host: String,
    path: String,
    accept: &'static str,
}

/// What came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The status.
    pub code: u16,
    /// The body, or as much of it as is kept.
    pub body: Vec<u8>,
    /// Whether there was more.
    pub cut: bool,
}

impl Fetch {
    /// Takes the URL apart; `accept` is what is asked for in return.
    pub fn new(url: &str, accept: &'static str) -> Result<Self, String> {
        let url = Url::parse(url).map_err(|error| format!("the URL is not understood: {error}"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("a user or password does not belong into a URL".to_owned());
        }
        let name = match url.host() {
            Some(Host::Domain(name)) => name.to_owned(),
            Some(Host::Ipv4(address)) => address.to_string(),
            Some(Host::Ipv6(address)) => address.to_string(),
            None => return Err("the URL has no host".to_owned()),
        };
        let server = match url.scheme() {
            "http" => None,
            "https" => Some(ServerName::try_from(name.clone())),
            other => return Err(format!("a URL with {other}: http or https is expected")),
        };
        let server = server.transpose().map_err(|_| format!("{name:?} is no name that a certificate could be for"))?;
        let host = url.host_str().unwrap_or_default();
        Ok(Self {
            server,
            host: url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")),
            path: url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path())),
            target: Target { host: name, port: url.port_or_known_default().ok_or("the URL has no port")? },
            accept,
        })
    }

    /// Whom it speaks to.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Fetches it, or says what happened instead.
    pub async fn run(&self, run: &mut Run, timeout: Duration) -> Result<Fetched, Happened> {
        let stream = self.target.connect(IpChoice::Any, run, timeout).await?;
        let Some(server) = &self.server else {
            return self.ask(run, stream).await;
        };
        let config = tls::client_config().map_err(Happened::NotTried)?;
        let secured = TlsConnector::from(config).connect(server.clone(), stream).await;
        let secured = secured.map_err(|error| Happened::TlsFailed(error.to_string()))?;
        run.phase_ended(|phases| &mut phases.tls);
        self.ask(run, secured).await
    }

    async fn ask<S>(&self, run: &mut Run, stream: S) -> Result<Fetched, Happened>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut builder = http1::Builder::new();
        builder.max_buf_size(HEAD_BYTES_MAX);
        let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(|error| broken(&error))?;
        // The set ends the connection's task with this function, also when the deadline drops it.
        let mut tasks = JoinSet::new();
        tasks.spawn(connection);
        let request = Request::get(&self.path)
            .header(HOST, &self.host)
            .header(USER_AGENT, AGENT)
            .header(ACCEPT, self.accept)
            .header(CONNECTION, "close")
            .body(Empty::<Bytes>::new())
            .map_err(|error| Happened::NotTried(format!("the request could not be written: {error}")))?;
        let response = sender.send_request(request).await.map_err(|error| broken(&error))?;
        run.phase_ended(|phases| &mut phases.first_byte);
        let mut fetched = Fetched { code: response.status().as_u16(), body: Vec::new(), cut: false };
        let mut body = response.into_body();
        while !(fetched.cut || body.is_end_stream()) {
            let Some(frame) = body.frame().await else { break };
            let frame = frame.map_err(|error| broken(&error))?;
            let data = frame.data_ref().map(AsRef::as_ref).unwrap_or_default();
            let taken = data.get(..BODY_BYTES_MAX - fetched.body.len()).unwrap_or(data);
            fetched.body.extend_from_slice(taken);
            fetched.cut = taken.len() < data.len();
        }
        run.phase_ended(|phases| &mut phases.transfer);
        Ok(fetched)
    }
}
