//! `http.expect`: what an answer must be.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::http::{HEADERS_MAX, header_name};
use super::json;
use super::pattern::read as pattern;
use super::{Asking, Read};
use crate::catalogue::read::MEMBERS_MAX;
use crate::wire::check::HttpCheck;
use crate::yaml::walk::At;

const CODE: RangeInclusive<u32> = 100..=599;
/// The agent reads no more of a body than the most of these.
const SIZE_BYTES: RangeInclusive<u64> = 0..=1024 * 1024;
/// Most conditions on a body.
const CONDITIONS_MAX: usize = 32;

/// A code, or a class of them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Code {
    One(u16),
    Class(u16),
}

/// `{ code: [200, 3xx], body_matches: "ok", json: [{ pointer: /status, equals: ok }], size: { at_most: 64KiB } }`
pub(super) fn expect(at: &At<'_>, asking: &Asking) -> Read<HttpCheck> {
    at.mapping(|keys| {
        let pattern = |at: &At<'_>| pattern(at, asking);
        let codes = keys.or("code", Vec::new(), |at| at.set("codes", MEMBERS_MAX, code));
        let body_matches = keys.optional("body_matches", pattern);
        let body_not_matches = keys.optional("body_not_matches", pattern);
        let json =
            keys.or("json", Vec::new(), |at| at.set("conditions", CONDITIONS_MAX, |at| json::condition(at, asking)));
        let header_matches = keys.or("header_matches", BTreeMap::new(), |at| headers(at, asking));
        let header_not_matches = keys.or("header_not_matches", BTreeMap::new(), |at| headers(at, asking));
        let size = keys.or("size", (None, None), size);
        let (codes, (body_bytes_min, body_bytes_max)) = (codes?, size?);
        let of = |pick: fn(&Code) -> Option<u16>| codes.iter().filter_map(pick).collect();
        Ok(HttpCheck {
            codes: of(|code| if let Code::One(code) = code { Some(*code) } else { None }),
            code_classes: of(|code| if let Code::Class(class) = code { Some(*class) } else { None }),
            body_matches: body_matches?,
            body_not_matches: body_not_matches?,
            json: json?,
            header_matches: header_matches?,
            header_not_matches: header_not_matches?,
            body_bytes_min,
            body_bytes_max,
            ..HttpCheck::default()
        })
    })
}

/// `200` or `2xx`
fn code(at: &At<'_>) -> Read<Code> {
    let wanted = "an HTTP code such as \"200\", or a class of them such as \"2xx\"";
    let text = at.scalar(wanted)?;
    let class = text.strip_suffix("xx").and_then(|class| class.parse().ok()).filter(|class| (1..=5).contains(class));
    if let Some(class) = class.filter(|_| text.len() == 3) {
        return Ok(Code::Class(class));
    }
    if text.ends_with("xx") {
        return Err(at.expected(wanted));
    }
    u16::try_from(at.small_count(CODE)?).map(Code::One).map_err(|_| at.expected(wanted))
}

/// `{ content-type: "^application/json" }`
fn headers(at: &At<'_>, asking: &Asking) -> Read<BTreeMap<String, String>> {
    let mut headers = BTreeMap::new();
    for (name, at) in at.pairs("headers", HEADERS_MAX)? {
        if headers.insert(header_name(name, &at)?, pattern(&at, asking)?).is_some() {
            return Err(at.expected("each header only once"));
        }
    }
    Ok(headers)
}

/// `{ at_least: 1KiB, at_most: 64KiB }`
fn size(at: &At<'_>) -> Read<(Option<u64>, Option<u64>)> {
    at.mapping(|keys| {
        let at_least = keys.optional("at_least", |at| at.bytes(SIZE_BYTES));
        let at_most = keys.optional("at_most", |at| at.bytes(SIZE_BYTES));
        match (at_least?, at_most?) {
            (None, None) => Err(keys.at().problem("expected \"at_least\", \"at_most\" or both")),
            (Some(least), Some(most)) if least > most => Err(keys.at().problem("no body is this large and this small")),
            bounds => Ok(bounds),
        }
    })
}
