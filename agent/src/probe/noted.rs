//! What is noted on the way of an attempt, whatever becomes of it: for whoever is told more than the verdict.

use std::net::IpAddr;

use hyper::Version;
use hyper::header::{CONTENT_LENGTH, HeaderMap, LAST_MODIFIED};
use uphold_common::observation::Micros;

/// What was noted on the way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Noted {
    /// The address that was spoken to first, or was to be.
    pub address: Option<IpAddr>,
    /// How long it took to find it.
    pub lookup: Micros,
    /// How often it was sent elsewhere over HTTP.
    pub redirects: u32,
    /// The head of the last answer of HTTP, as long as nobody else was asked after it.
    pub head: Option<Head>,
    /// How long it took from the resolved name to the first echo request.
    pub setup: Micros,
}

/// The head of an answer of HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The status.
    pub code: u16,
    /// The version of the answer.
    pub version: Version,
    /// Whether it came over TLS.
    pub secure: bool,
    /// How many bytes the body is said to have; nothing when that is not said.
    pub length: Option<u64>,
    /// When the page was changed last, as it says, in seconds since 1970.
    pub last_modified_s: Option<u64>,
}

impl Head {
    /// Of these headers; an answer that ends with them, `ended`, has no body unless they say so.
    pub(super) fn new(code: u16, version: Version, secure: bool, headers: &HeaderMap, ended: bool) -> Self {
        let said = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let length = said(CONTENT_LENGTH).and_then(|text| text.parse().ok()).or(ended.then_some(0));
        let modified = said(LAST_MODIFIED).and_then(|text| httpdate::parse_http_date(text).ok());
        let last_modified_s = modified.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
        Self { code, version, secure, length, last_modified_s: last_modified_s.map(|since| since.as_secs()) }
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    #[test]
    fn a_head_says_what_its_headers_say() {
        let modified = "Tue, 15 Nov 1994 12:45:26 GMT";
        for (length, modified, ended, expected) in [
            (Some("5"), Some(modified), false, (Some(5), Some(784_903_526))),
            (None, Some("yesterday"), false, (None, None)),
            (None, None, true, (Some(0), None)),
            (Some("many"), None, false, (None, None)),
        ] {
            let mut headers = HeaderMap::new();
            headers.extend(length.map(|text| (CONTENT_LENGTH, HeaderValue::from_static(text))));
            headers.extend(modified.map(|text| (LAST_MODIFIED, HeaderValue::from_static(text))));
            let head = Head::new(200, Version::HTTP_11, false, &headers, ended);
            assert_eq!((head.length, head.last_modified_s), expected, "{length:?} {modified:?}");
        }
    }
}
