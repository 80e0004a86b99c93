//! The HTTP probe: one request over a connection of its own, phase by phase.
//!
//! Resolve, connect, TLS where the URL says `https`, the request up to the answer's head (first byte), the body
//! (transfer). A redirect is an answer, unless the check says how many are followed; then each is a connection of its own,
//! to where this host lets its agent speak, and the phases are the sums over all of them. Headers of the catalogue and
//! authorization are told to the URL's own scheme, host and port only. Head and body of an answer are bounded; what lies
//! beyond is not read, and the facts say so.

mod exchange;
mod expected;
mod further;
mod hop;
mod json;
mod proxy;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::body::Bytes;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, Uri};
use uphold_common::wire::check::{HttpCheck, HttpVersion, IpChoice};
use url::Url;

use super::connect::{Target, parse_target};
use super::file::{FromFiles, first_line};
use super::secure::{Protocols, Secure, server_name};
use super::way::Stream;
use super::{Answer, Happened, Run, Seen};
use crate::accept::Accept;

pub use exchange::BODY_BYTES_MAX;
use exchange::{Question, Reply};
use expected::Expected;
pub use expected::{HttpSeen, Unmet};
use further::Compiled;
pub use further::{Further, HeaderRule};
use hop::{Hop, method_after};

/// How the agent introduces itself.
pub(super) const AGENT: &str = concat!("uphold-agent/", env!("CARGO_PKG_VERSION"));

/// An HTTP probe made ready.
#[derive(Debug)]
pub struct HttpProbe {
    first: Hop,
    request: Request,
    way: Way,
    expected: Expected,
    further: Compiled,
}

/// A page that was fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fetched {
    /// The status.
    pub(super) code: u16,
    /// The body, or as much of it as is read.
    pub(super) body: Vec<u8>,
    /// Whether there was more.
    pub(super) cut: bool,
}

/// What is asked, made ready.
#[derive(Debug)]
struct Request {
    method: Method,
    /// In place of the URL's own host.
    host: Option<HeaderValue>,
    /// A list takes a fifth of the memory of a map, and is only ever copied.
    headers: Box<[(HeaderName, HeaderValue)]>,
    body: Bytes,
    authorization: Option<Arc<FromFiles<HeaderValue>>>,
}

/// How servers are reached, made ready.
#[derive(Debug)]
struct Way {
    version: HttpVersion,
    redirects: u32,
    proxy: Option<Target>,
    connect_to: Option<Target>,
    ip: IpChoice,
    /// `None` where TLS is never spoken.
    secure: Option<Secure>,
}

impl HttpProbe {
    /// Takes the URL apart, compiles the expressions and finds out how TLS is agreed.
    pub fn new(check: &HttpCheck, accept: &Accept) -> Result<Self, String> {
        let url = Url::parse(&check.url).map_err(|error| format!("the URL is not understood: {error}"))?;
        let first = Hop::new(url)?;
        let protocols: Protocols = match check.version {
            HttpVersion::Any => &[b"h2", b"http/1.1"],
            HttpVersion::V1_1 => &[b"http/1.1"],
            HttpVersion::V2 => &[b"h2"],
        };
        let secure = (first.secure || check.redirects > 0).then(|| Secure::new(&check.tls, protocols, accept));
        let secure = secure.transpose()?;
        if let Some(secure) = secure.as_ref().filter(|_| first.secure) {
            secure.name_of(&first.target.host)?;
        }
        let connect_to = check.connect_to.as_ref().map(|address| {
            parse_target(address).ok_or_else(|| format!("{address:?} is no address such as host:443 or [::1]:443"))
        });
        let way = Way {
            version: check.version,
            redirects: check.redirects,
            proxy: check.proxy.as_deref().map(proxy::target).transpose()?,
            connect_to: connect_to.transpose()?,
            ip: check.ip,
            secure,
        };
        let (request, expected) = (Request::new(check, accept)?, Expected::new(check)?);
        Ok(Self { first, request, way, expected, further: Compiled::default() })
    }

    /// The same, whose answer must be more than the catalogue has words for.
    pub(super) fn expecting(self, further: &Further) -> Result<Self, String> {
        Ok(Self { further: Compiled::new(further)?, ..self })
    }

    /// Whom it speaks to.
    pub fn target(&self) -> &Target {
        self.way.proxy.as_ref().or(self.way.connect_to.as_ref()).unwrap_or(&self.first.target)
    }

    /// One that fetches a page in this format, for a probe that reads it.
    pub(super) fn fetching(url: &str, format: &str, accept: &Accept) -> Result<Self, String> {
        let headers = [(ACCEPT.to_string(), format.to_owned())].into();
        let (url, version) = (url.to_owned(), HttpVersion::V1_1);
        Self::new(&HttpCheck { url, headers, version, ..HttpCheck::default() }, accept)
    }

    /// Fetches the page whole, or as much of it as is read, or says what happened instead.
    pub(super) async fn fetch(&self, run: &mut Run, timeout: Duration) -> Result<Fetched, Happened> {
        let (mut reply, _) = self.ask(run, timeout).await?;
        let body = reply.read(true).await?;
        run.phase_ended(|phases| &mut phases.transfer);
        Ok(Fetched { code: reply.head.status().as_u16(), body: body.kept, cut: body.cut })
    }

    /// Asks, and says what was answered or what happened instead.
    pub async fn run(&self, run: &mut Run, timeout: Duration) -> Result<Answer, Happened> {
        let (mut reply, redirects) = self.ask(run, timeout).await?;
        self.read(&mut reply, redirects, run).await
    }

    /// The answer whose head has come, after so many redirects.
    async fn ask(&self, run: &mut Run, timeout: Duration) -> Result<(Reply, u32), Happened> {
        let authorization = match &self.request.authorization {
            Some(files) => Some(files.get().await.map_err(Happened::NotTried)?),
            None => None,
        };
        let mut method = self.request.method.clone();
        let mut later: Vec<Hop> = Vec::new();
        loop {
            let hop = later.last().unwrap_or(&self.first);
            let own = hop.is_of(&self.first);
            let question = self.request.question(hop, &method, authorization.as_ref().filter(|_| own), own);
            run.noted.head = None;
            let reply = self.way.ask(hop, own, question, run, timeout).await?;
            run.phase_ended(|phases| &mut phases.first_byte);
            run.noted.head = Some(reply.noted(hop.secure, &method));
            let code = reply.head.status();
            if hop.redirected(code, reply.head.headers()).is_ok_and(|next| next.is_some()) {
                run.noted.redirects = run.noted.redirects.saturating_add(1);
            }
            let next = if self.way.redirects > 0 { hop.redirected(code, reply.head.headers())? } else { None };
            let Some(next) = next else {
                let redirects = u32::try_from(later.len()).unwrap_or(u32::MAX);
                return Ok((reply, redirects));
            };
            let next_method = method_after(code, &method);
            let known = |hop: &Hop| hop.url == next.url;
            if next_method == method && (known(&self.first) || later.iter().any(known)) {
                return Err(Happened::Redirected("it redirects in a circle".to_owned()));
            }
            if later.len() >= usize::try_from(self.way.redirects).unwrap_or(usize::MAX) {
                return Err(Happened::Redirected(format!("it redirects more often than {} times", self.way.redirects)));
            }
            method = next_method;
            later.push(next);
        }
    }

    async fn read(&self, reply: &mut Reply, redirects: u32, run: &mut Run) -> Result<Answer, Happened> {
        let body = reply.read(self.expected.looks_at_body() || self.further.looks_at_body()).await?;
        run.phase_ended(|phases| &mut phases.transfer);
        let code = reply.head.status().as_u16();
        let (version, secure) = (reply.head.version(), run.noted.head.as_ref().is_some_and(|head| head.secure));
        let unmet = self.expected.unmet(code, reply.head.headers(), &body);
        let unmet = unmet.or_else(|| self.further.unmet(version, secure, reply.head.headers(), &body));
        let (body_bytes, body_cut, http2) = (body.bytes, body.cut, reply.http2);
        let seen = HttpSeen { body_bytes, body_cut, redirects, http2, unmet };
        Ok(Answer { code, judged: seen.judged(), seen: Seen::Http(seen) })
    }
}

impl Way {
    /// Reaches the server, and asks it.
    async fn ask(
        &self,
        hop: &Hop,
        own: bool,
        question: Question,
        run: &mut Run,
        timeout: Duration,
    ) -> Result<Reply, Happened> {
        let reached = match (&self.proxy, self.connect_to.as_ref().filter(|_| own)) {
            (Some(proxy), _) => {
                let Target { host, port } = &hop.target;
                if let Some(why) = run.accept.refuses_for_others(host, *port) {
                    return Err(Happened::NotTried(why));
                }
                proxy
            }
            (None, Some(address)) => address,
            (None, None) => &hop.target,
        };
        let mut stream = reached.connect(self.ip, run, timeout).await?;
        if !hop.secure {
            let stream: Stream = Box::new(stream);
            return match self.version {
                HttpVersion::V2 => Question { uri: hop.absolute.clone(), ..question }.over_2(stream).await,
                _ if self.proxy.is_some() => Question { uri: hop.absolute.clone(), ..question }.over_1(stream).await,
                _ => question.over_1(stream).await,
            };
        }
        if self.proxy.is_some() {
            proxy::tunnel(&mut stream, hop, AGENT).await?;
        }
        let secure = self.secure.as_ref().ok_or_else(|| Happened::NotTried("TLS was not made ready".to_owned()))?;
        let host = &hop.target.host;
        // The name that is asked for in place of the URL's is that of the URL's own server.
        let name = if own { secure.name_of(host) } else { server_name(host) };
        let stream = secure.handshake(name.map_err(Happened::NotUnderstood)?, stream, run).await?;
        let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        match self.version {
            _ if http2 => Question { uri: hop.absolute.clone(), ..question }.over_2(Box::new(stream)).await,
            HttpVersion::V2 => Err(Happened::NotUnderstood("the server does not speak HTTP/2".to_owned())),
            _ => question.over_1(Box::new(stream)).await,
        }
    }
}

impl Request {
    fn new(check: &HttpCheck, accept: &Accept) -> Result<Self, String> {
        let method = check.method.as_deref().map_or(Ok(Method::GET), str::parse);
        let mut headers = HeaderMap::from_iter(who_asks());
        for (name, value) in &check.headers {
            let parsed = name.parse::<HeaderName>().ok().zip(HeaderValue::from_str(value).ok());
            let (name, value) = parsed.ok_or_else(|| format!("the header {name:?} cannot be sent"))?;
            if name == CONTENT_LENGTH {
                return Err("the agent counts the body itself".to_owned());
            }
            headers.insert(name, value);
        }
        Ok(Self {
            method: method.map_err(|_| "the method is not understood")?,
            host: headers.remove(HOST),
            headers: headers.into_iter().filter_map(|(name, value)| Some((name?, value))).collect(),
            body: check.body.clone().unwrap_or_default().into(),
            authorization: authorization(check, accept)?,
        })
    }

    fn question(&self, hop: &Hop, method: &Method, authorization: Option<&HeaderValue>, own: bool) -> Question {
        let (mut headers, host) = if own {
            (self.headers.to_vec(), self.host.clone())
        } else {
            // Somebody else is told who asks, and no more.
            (who_asks().into(), None)
        };
        if let Some(authorization) = authorization {
            headers.retain(|(name, _)| name != AUTHORIZATION);
            headers.push((AUTHORIZATION, authorization.clone()));
        }
        let body = if *method == self.method { self.body.clone() } else { Bytes::new() };
        let uri: Uri = hop.path.clone();
        Question { method: method.clone(), uri, host: host.unwrap_or_else(|| hop.authority.clone()), headers, body }
    }
}

/// The headers that say who asks, and that any answer is welcome.
fn who_asks() -> [(HeaderName, HeaderValue); 2] {
    [(USER_AGENT, HeaderValue::from_static(AGENT)), (ACCEPT, HeaderValue::from_static("*/*"))]
}

/// The header that carries a secret out of a file.
fn authorization(check: &HttpCheck, accept: &Accept) -> Result<Option<Arc<FromFiles<HeaderValue>>>, String> {
    let sensitive = |text: String| {
        let mut header = HeaderValue::try_from(text).map_err(|_| "a secret cannot be sent in a header".to_owned())?;
        header.set_sensitive(true);
        Ok(header)
    };
    let (path, user) = match (&check.basic, &check.bearer_file) {
        (Some(basic), _) => (&basic.password_file, Some(basic.user.clone())),
        (None, Some(file)) => (file, None),
        (None, None) => return Ok(None),
    };
    let name = path.clone();
    let files = FromFiles::new(vec![PathBuf::from(path)], accept, move |contents| {
        let secret = contents.first().map(Vec::as_slice).unwrap_or_default();
        let secret = first_line(secret).map_err(|why| format!("the file {name} cannot be used: {why}"))?;
        sensitive(match &user {
            Some(user) => format!("Basic {}", STANDARD.encode(format!("{user}:{secret}"))),
            None => format!("Bearer {secret}"),
        })
    });
    files.map(Some)
}
