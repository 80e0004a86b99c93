//! What a connection is told that no handler answers: a head that is late, too large or unsound, or no place.

use uphold_common::wire::push::Problem;

use super::connection::{HEAD_BYTES_MAX, HEADERS_MAX};
use crate::limits::{Limit, Limits};

/// How long those who found no place are asked to wait.
const NO_PLACE_RETRY_S: u32 = 1;

/// The answer to a head that did not arrive in time.
pub(super) fn late_head(limits: &Limits) -> Vec<u8> {
    let most = limits.shown(Limit::HeadTime);
    answer(408, "Request Timeout", "too-slow", &format!("The head of a request has {most} to arrive."), None)
}

/// The answer to somebody for whom there is no place.
pub(super) fn no_place(limits: &Limits) -> Vec<u8> {
    let (all, of_one) = (limits.shown(Limit::Connections), limits.shown(Limit::ConnectionsPerAddress));
    let detail = format!("At most {all} connections are served at once, and {of_one} of one address; come again.");
    answer(503, "Service Unavailable", "too-many-connections", &detail, Some(NO_PLACE_RETRY_S))
}

/// The answer to a head that the HTTP library refused with this status.
pub(super) fn unsound_head(status: u16) -> Vec<u8> {
    match status {
        431 => {
            let detail = format!("The head of a request has at most {HEAD_BYTES_MAX} bytes and {HEADERS_MAX} headers.");
            answer(431, "Request Header Fields Too Large", "head-too-large", &detail, None)
        }
        414 => answer(414, "URI Too Long", "head-too-large", "The address of the request is too long.", None),
        _ => answer(400, "Bad Request", "unsound-request", "The head of the request is not HTTP/1.1.", None),
    }
}

fn answer(status: u16, title: &str, word: &str, detail: &str, retry_after_s: Option<u32>) -> Vec<u8> {
    let kind = format!("urn:uphold:problem:{word}");
    let problem = Problem { kind, title: title.to_owned(), status, detail: detail.to_owned() };
    let body = serde_json::to_string(&problem).unwrap_or_default();
    let retry = retry_after_s.map(|seconds| format!("retry-after: {seconds}\r\n")).unwrap_or_default();
    format!(
        "HTTP/1.1 {status} {title}\r\ncontent-type: application/problem+json\r\n{retry}connection: close\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
