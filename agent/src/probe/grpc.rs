//! The gRPC probe: the standard health service, `grpc.health.v1.Health/Check`, over HTTP/2.
//!
//! Both of its messages are a few bytes, so they are written and read here. A server that answers with a status other than
//! 0 is `down` with that code; one that says of its service that it is not serving is `down` with its word.

use std::fmt::Write as _;
use std::time::Duration;

use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, TE, USER_AGENT};
use hyper::{Method, Request, Uri, Version};
use uphold_common::observation::Cause;
use uphold_common::wire::check::GrpcCheck;

use super::connect::Target;
use super::http::AGENT;
use super::http2::{self, Exchange, broken};
use super::way::Way;
use super::{Answer, Happened, Judged, Run, Seen};
use crate::accept::Accept;

/// Most bytes of an answer: its one field takes at most eleven, and newer releases may add some.
const ANSWER_BYTES_MAX: usize = 4 * 1024;
/// What stands before each message: whether it is compressed, and its length.
const PREFIX_BYTES: usize = 5;
const STATUS: HeaderName = HeaderName::from_static("grpc-status");

/// What a server says of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// It does not know.
    Unknown,
    /// It is serving.
    Serving,
    /// It is not.
    NotServing,
    /// There is no such service.
    ServiceUnknown,
    /// Something of which this release knows nothing.
    Newer,
}

/// What was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HealthSeen {
    /// The status of the call itself; 0 is well.
    pub status: u16,
    /// What was said, if the call went well.
    pub health: Option<Health>,
}

impl HealthSeen {
    fn judged(self) -> Judged {
        match (self.status, self.health) {
            (0, Some(Health::Serving)) => Judged::Expected,
            (0, _) => Judged::Unexpected(Cause::Body),
            _ => Judged::Unexpected(Cause::Code),
        }
    }

    /// For people.
    pub fn detail(self) -> String {
        let said = match self.health {
            _ if self.status > 0 => {
                return format!("the call ended with status {}{}", self.status, meaning(self.status));
            }
            None => "nothing",
            Some(Health::Unknown) => "UNKNOWN",
            Some(Health::Serving) => "SERVING",
            Some(Health::NotServing) => "NOT_SERVING",
            Some(Health::ServiceUnknown) => "SERVICE_UNKNOWN",
            Some(Health::Newer) => "a word that this release does not know",
        };
        format!("the server says {said}")
    }
}

/// The statuses that are met here.
fn meaning(status: u16) -> &'static str {
    match status {
        5 => ": it knows no such service",
        7 => ": it does not let the agent ask",
        12 => ": it has no health service",
        14 => ": it is unavailable",
        16 => ": it wants to know who asks",
        _ => "",
    }
}

/// A gRPC probe made ready.
#[derive(Debug)]
pub struct GrpcProbe {
    way: Way,
    uri: Uri,
    question: Bytes,
}

impl GrpcProbe {
    /// Takes the address apart and writes the question.
    pub fn new(check: &GrpcCheck, accept: &Accept) -> Result<Self, String> {
        let way = Way::new(&check.address, check.ip, None, (check.tls.as_ref(), &[b"h2"]), accept)?;
        let scheme = if check.tls.is_some() { "https" } else { "http" };
        let uri = format!("{scheme}://{}/grpc.health.v1.Health/Check", check.address);
        let uri = uri.parse().map_err(|error| format!("the address is not understood: {error}"))?;
        let question = question(&check.service).ok_or("the name of the service is too long")?;
        Ok(Self { way, uri, question })
    }

    /// Whom it speaks to.
    pub fn target(&self) -> &Target {
        &self.way.target
    }

    /// Asks, and says what was answered or what happened instead.
    pub async fn run(&self, run: &mut Run, timeout: Duration) -> Result<Answer, Happened> {
        let stream = self.way.open(run, timeout).await?;
        let request = self.request(timeout)?;
        let Exchange { response, tasks } = http2::exchange(stream, request, self.question.clone()).await?;
        run.phase_ended(|phases| &mut phases.first_byte);
        let code = response.status().as_u16();
        let content_type = response.headers().get(CONTENT_TYPE);
        if code != 200 || !content_type.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc")) {
            return Err(Happened::NotUnderstood(format!("this is not gRPC: HTTP answers with code {code}")));
        }
        let mut status = status(response.headers());
        let mut body = response.into_body();
        let mut said = Vec::new();
        while let Some(data) = http2::data(&mut body).await? {
            if said.len() + data.len() > ANSWER_BYTES_MAX {
                return Err(Happened::NotUnderstood("this is no answer of the health service".to_owned()));
            }
            said.extend_from_slice(&data);
        }
        if status.is_none() {
            let trailers = body.trailers().await.map_err(|error| broken(&error))?;
            status = trailers.as_ref().and_then(self::status);
        }
        drop(tasks);
        run.phase_ended(|phases| &mut phases.transfer);
        let status = status.ok_or_else(|| Happened::NotUnderstood("the answer has no status".to_owned()))?;
        let health = (status == 0).then(|| health(&said)).flatten();
        if status == 0 && health.is_none() {
            return Err(Happened::NotUnderstood("this is no answer of the health service".to_owned()));
        }
        let seen = HealthSeen { status, health };
        Ok(Answer { code: status, judged: seen.judged(), seen: Seen::Health(seen) })
    }

    fn request(&self, timeout: Duration) -> Result<Request<()>, Happened> {
        let mut deadline = String::new();
        // Writing to a string does not fail; the format has room for eight digits.
        let _ = write!(deadline, "{}m", timeout.as_millis().min(99_999_999));
        let built = Request::builder()
            .method(Method::POST)
            .uri(self.uri.clone())
            .version(Version::HTTP_2)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/grpc"))
            .header(TE, HeaderValue::from_static("trailers"))
            .header(USER_AGENT, HeaderValue::from_static(AGENT))
            .header("grpc-timeout", deadline)
            .body(());
        built.map_err(|error| Happened::NotTried(format!("the request could not be written: {error}")))
    }
}

fn status(headers: &HeaderMap) -> Option<u16> {
    headers.get(STATUS)?.to_str().ok()?.parse().ok()
}

/// The message that asks about a service: its name as field 1.
fn question(service: &str) -> Option<Bytes> {
    let mut message = Vec::new();
    if !service.is_empty() {
        message.push(0x0a);
        varint(service.len(), &mut message);
        message.extend_from_slice(service.as_bytes());
    }
    let mut framed = vec![0];
    framed.extend_from_slice(&u32::try_from(message.len()).ok()?.to_be_bytes());
    framed.extend_from_slice(&message);
    Some(framed.into())
}

fn varint(mut value: usize, to: &mut Vec<u8>) {
    while value >= 0x80 {
        to.push(u8::try_from(value & 0x7f).unwrap_or_default() | 0x80);
        value >>= 7;
    }
    to.push(u8::try_from(value).unwrap_or_default());
}

/// The status in the one message that was answered; nothing when it is none of this service's.
fn health(said: &[u8]) -> Option<Health> {
    let (prefix, message) = said.split_at_checked(PREFIX_BYTES)?;
    let (compressed, length) = prefix.split_first()?;
    let length = u32::from_be_bytes(length.try_into().ok()?);
    if *compressed != 0 || usize::try_from(length).ok()? != message.len() {
        return None;
    }
    // A field with its default is not written.
    let mut status = 0;
    let mut rest = message;
    while !rest.is_empty() {
        let (key, after) = read_varint(rest)?;
        let (value, after) = match key & 7 {
            0 => read_varint(after)?,
            1 => (0, after.get(8..)?),
            2 => {
                let (length, after) = read_varint(after)?;
                (0, after.get(usize::try_from(length).ok()?..)?)
            }
            5 => (0, after.get(4..)?),
            _ => return None,
        };
        if key == 8 {
            status = value;
        }
        rest = after;
    }
    Some(match status {
        0 => Health::Unknown,
        1 => Health::Serving,
        2 => Health::NotServing,
        3 => Health::ServiceUnknown,
        _ => Health::Newer,
    })
}

fn read_varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0;
    for (nth, byte) in bytes.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f).checked_shl(u32::try_from(7 * nth).ok()?)?;
        if byte & 0x80 == 0 {
            return Some((value, bytes.get(nth + 1..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_question_names_the_service() {
        assert_eq!(question("").unwrap().as_ref(), [0, 0, 0, 0, 0]);
        assert_eq!(question("ab").unwrap().as_ref(), b"\0\0\0\0\x04\x0a\x02ab");
        let long = question(&"x".repeat(300)).unwrap();
        assert_eq!(long[..8], [0, 0, 0, 1, 47, 0x0a, 0xac, 0x02]);
    }

    #[test]
    fn answers_are_read_and_everything_else_is_none() {
        for (said, health_said) in [
            (&b"\0\0\0\0\x02\x08\x01"[..], Some(Health::Serving)),
            (b"\0\0\0\0\x02\x08\x02", Some(Health::NotServing)),
            (b"\0\0\0\0\x02\x08\x03", Some(Health::ServiceUnknown)),
            (b"\0\0\0\0\0", Some(Health::Unknown)),
            (b"\0\0\0\0\x03\x08\xff\x01", Some(Health::Newer)),
            (b"\0\0\0\0\x06\x12\x02hi\x08\x01", Some(Health::Serving)),
            (b"", None),
            (b"\0\0\0\0", None),
            (b"\x01\0\0\0\x02\x08\x01", None),
            (b"\0\0\0\0\x03\x08\x01", None),
            (b"\0\0\0\0\x02\x12\x7f", None),
            (b"\0\0\0\0\x0c\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", None),
            (b"\0\0\0\0\x02\x0b\x01", None),
        ] {
            assert_eq!(health(said), health_said, "{said:?}");
        }
    }

    #[test]
    fn health_is_judged() {
        let bad = |cause| Judged::Unexpected(cause);
        for (status, health, judged) in [
            (0, Some(Health::Serving), Judged::Expected),
            (0, Some(Health::NotServing), bad(Cause::Body)),
            (0, Some(Health::Unknown), bad(Cause::Body)),
            (0, Some(Health::Newer), bad(Cause::Body)),
            (5, None, bad(Cause::Code)),
            (14, None, bad(Cause::Code)),
        ] {
            assert_eq!(HealthSeen { status, health }.judged(), judged, "{status} {health:?}");
        }
    }
}
