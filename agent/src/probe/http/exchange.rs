//! One request and the beginning of its answer, over HTTP/1.1 or 2.

use std::error::Error as _;
use std::io;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HOST, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, Uri, Version};
use hyper_util::rt::TokioIo;
use tokio::task::JoinSet;

use super::expected::Body;
use crate::probe::http2;
use crate::probe::noted::Head;
use crate::probe::way::Stream;
use crate::probe::{Happened, Trouble};

/// Most bytes of an answer's head.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Most bytes of a body that are read.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;

/// What is asked, whatever it is sent over.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) host: HeaderValue,
    /// Each name once.
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) body: Bytes,
}

/// An answer whose body is still to be read.
pub(super) struct Reply {
    pub(super) head: Response<()>,
    pub(super) http2: bool,
    body: Unread,
    /// The connection lives in it, and ends with it.
    _tasks: JoinSet<()>,
}

enum Unread {
    One(Incoming),
    Two(h2::RecvStream),
}

impl Question {
    /// Asks over HTTP/1.1.
    pub(super) async fn over_1(self, stream: Stream) -> Result<Reply, Happened> {
        let mut builder = http1::Builder::new();
        builder.max_buf_size(HEAD_BYTES_MAX);
        let shaken = builder.handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = shaken.map_err(|error| broken(&error))?;
        // The set ends the connection's task with the reply, also when the deadline drops it.
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            // Whoever waits for the answer is told what happened.
            let _ = connection.await;
        });
        let mut headers = HeaderMap::with_capacity(self.headers.len() + 2);
        headers.insert(HOST, self.host);
        headers.extend(self.headers);
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        let mut request = Request::new(Full::new(self.body));
        (*request.method_mut(), *request.uri_mut(), *request.headers_mut()) = (self.method, self.uri, headers);
        let response = sender.send_request(request).await.map_err(|error| broken(&error))?;
        let (head, body) = response.into_parts();
        Ok(Reply { head: Response::from_parts(head, ()), http2: false, body: Unread::One(body), _tasks: tasks })
    }

    /// Asks over HTTP/2; the address is the whole URL then.
    pub(super) async fn over_2(self, stream: Stream) -> Result<Reply, Happened> {
        let mut request = Request::new(());
        *request.version_mut() = Version::HTTP_2;
        let headers = self.headers.into_iter().collect();
        (*request.method_mut(), *request.uri_mut(), *request.headers_mut()) = (self.method, self.uri, headers);
        let http2::Exchange { response, tasks } = http2::exchange(stream, request, self.body).await?;
        let (head, body) = response.into_parts();
        Ok(Reply { head: Response::from_parts(head, ()), http2: true, body: Unread::Two(body), _tasks: tasks })
    }
}

impl Reply {
    /// What is noted of its head.
    pub(super) fn noted(&self, secure: bool, method: &Method) -> Head {
        let ended = match &self.body {
            Unread::One(body) => body.is_end_stream(),
            Unread::Two(body) => body.is_end_stream(),
        };
        // A question for the head alone is answered without a body, however long that would be.
        let ended = ended && *method != Method::HEAD;
        Head::new(self.head.status().as_u16(), self.head.version(), secure, self.head.headers(), ended)
    }

    /// Reads the body up to the bound; what is not looked at is only counted.
    pub(super) async fn read(&mut self, keep: bool) -> Result<Body, Happened> {
        let mut body = Body::default();
        while let Some(data) = self.next().await? {
            let room = BODY_BYTES_MAX.saturating_sub(usize::try_from(body.bytes).unwrap_or(usize::MAX));
            let taken = data.get(..room).unwrap_or(&data);
            body.bytes += taken.len() as u64;
            if keep {
                body.kept.extend_from_slice(taken);
            }
            if taken.len() < data.len() {
                body.cut = true;
                break;
            }
        }
        Ok(body)
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Happened> {
        match &mut self.body {
            Unread::Two(body) => http2::data(body).await,
            Unread::One(body) => loop {
                match body.frame().await {
                    None => return Ok(None),
                    Some(Err(error)) => return Err(broken(&error)),
                    // What is no data comes after it.
                    Some(Ok(frame)) => {
                        if let Ok(data) = frame.into_data() {
                            return Ok(Some(data));
                        }
                    }
                }
            },
        }
    }
}

/// What a failed exchange was: a connection that broke, or an answer that is no HTTP.
fn broken(error: &hyper::Error) -> Happened {
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
