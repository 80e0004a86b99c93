//! What an answer of HTTP must be, and what it was: a pure judgement.

use hyper::header::{HeaderMap, HeaderName};
use regex::bytes::{Regex, RegexBuilder};
use uphold_common::catalogue::BODY_PATTERN_SIZE_MAX;
use uphold_common::observation::Cause;
use uphold_common::wire::check::HttpCheck;

use super::json::Condition;
use crate::probe::Judged;

/// What was seen of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpSeen {
    /// Bytes of the body that were read.
    pub body_bytes: u64,
    /// Whether the body was longer than what is read of it.
    pub body_cut: bool,
    /// How many redirects led to it.
    pub redirects: u32,
    /// Whether it came over HTTP/2.
    pub http2: bool,
    /// The first of what is expected that it is not.
    pub unmet: Option<Unmet>,
}

/// Something that an answer should have been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmet {
    /// What it is about.
    pub cause: Cause,
    /// In words, which repeat nothing of the answer.
    pub what: String,
}

impl HttpSeen {
    pub(super) fn judged(&self) -> Judged {
        self.unmet.as_ref().map_or(Judged::Expected, |unmet| Judged::Unexpected(unmet.cause))
    }

    /// What was seen beyond the code, for people.
    pub fn detail(&self) -> String {
        let version = if self.http2 { "HTTP/2, " } else { "" };
        let redirects = match self.redirects {
            0 => String::new(),
            1 => "after a redirect ".to_owned(),
            redirects => format!("after {redirects} redirects "),
        };
        let cut = if self.body_cut { ", of which no more is read" } else { "" };
        let unmet = self.unmet.as_ref().map(|unmet| format!("; {}", unmet.what)).unwrap_or_default();
        format!("{version}{redirects}a body of {} bytes{cut}{unmet}", self.body_bytes)
    }
}

/// What was read of a body.
#[derive(Debug, Default)]
pub(super) struct Body {
    /// Its beginning, if anything is asked of it.
    pub(super) kept: Vec<u8>,
    /// How many bytes were read.
    pub(super) bytes: u64,
    /// Whether there were more.
    pub(super) cut: bool,
}

/// What an answer must be, made ready.
#[derive(Debug)]
pub(super) struct Expected {
    codes: Vec<u16>,
    classes: Vec<u16>,
    body_matches: Option<Regex>,
    body_not_matches: Option<Regex>,
    json: Vec<Condition>,
    header_matches: Vec<(HeaderName, Regex)>,
    header_not_matches: Vec<(HeaderName, Regex)>,
    bytes_min: Option<u64>,
    bytes_max: Option<u64>,
}

impl Expected {
    pub(super) fn new(check: &HttpCheck) -> Result<Self, String> {
        let body = |expression: &Option<String>| expression.as_deref().map(|it| compiled("the body", it)).transpose();
        let header = |(name, expression): (&String, &String)| {
            let expression = compiled("a header", expression)?;
            Ok((name.parse().map_err(|_| format!("{name:?} is no name of a header"))?, expression))
        };
        let header_matches: Result<Vec<_>, String> = check.header_matches.iter().map(header).collect();
        let header_not_matches: Result<Vec<_>, String> = check.header_not_matches.iter().map(header).collect();
        let json: Result<Vec<Condition>, String> = check.json.iter().map(Condition::new).collect();
        let nothing_said = check.codes.is_empty() && check.code_classes.is_empty();
        Ok(Self {
            codes: check.codes.clone(),
            classes: if nothing_said { vec![2] } else { check.code_classes.clone() },
            body_matches: body(&check.body_matches)?,
            body_not_matches: body(&check.body_not_matches)?,
            json: json?,
            header_matches: header_matches?,
            header_not_matches: header_not_matches?,
            bytes_min: check.body_bytes_min,
            bytes_max: check.body_bytes_max,
        })
    }

    /// Whether more than the length of the body is looked at.
    pub(super) fn looks_at_body(&self) -> bool {
        self.body_matches.is_some() || self.body_not_matches.is_some() || !self.json.is_empty()
    }

    /// The first thing that is not as expected.
    pub(super) fn unmet(&self, code: u16, headers: &HeaderMap, body: &Body) -> Option<Unmet> {
        let of = |cause: Cause| move |what: String| Unmet { cause, what };
        if !self.codes.contains(&code) && !self.classes.contains(&(code / 100)) {
            return Some(of(Cause::Code)("another code is expected".to_owned()));
        }
        let header = self.header(headers).map(of(Cause::Header));
        header.or_else(|| self.size(body).or_else(|| self.text(body)).map(of(Cause::Body)))
    }

    fn header(&self, headers: &HeaderMap) -> Option<String> {
        let matches = |name: &HeaderName, expression: &Regex| {
            headers.get_all(name).iter().any(|value| expression.is_match(value.as_bytes()))
        };
        let missing = self.header_matches.iter().find(|(name, expression)| !matches(name, expression));
        let found = self.header_not_matches.iter().find(|(name, expression)| matches(name, expression));
        let missing = missing.map(|(name, _)| format!("the header {name} is not there as expected"));
        missing.or_else(|| found.map(|(name, _)| format!("the header {name} is there as it must not be")))
    }

    fn size(&self, body: &Body) -> Option<String> {
        if self.bytes_min.is_some_and(|least| body.bytes < least) {
            return Some("the body is smaller than expected".to_owned());
        }
        let larger = self.bytes_max.is_some_and(|most| body.bytes > most || body.cut);
        larger.then(|| "the body is larger than expected".to_owned())
    }

    fn text(&self, body: &Body) -> Option<String> {
        if self.body_matches.as_ref().is_some_and(|expression| !expression.is_match(&body.kept)) {
            return Some("the body is without the expected text".to_owned());
        }
        if self.body_not_matches.as_ref().is_some_and(|expression| expression.is_match(&body.kept)) {
            return Some("the body has a text that it must not have".to_owned());
        }
        self.json.iter().find_map(|condition| condition.unmet(&body.kept))
    }
}

/// An expression under the bound that the catalogue holds it to.
pub(super) fn compiled(of: &str, expression: &str) -> Result<Regex, String> {
    let built = RegexBuilder::new(expression).size_limit(BODY_PATTERN_SIZE_MAX).build();
    built.map_err(|error| format!("the expression for {of} is not understood: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    #[test]
    fn the_first_thing_that_is_not_as_expected_is_told() {
        type Change = fn(&mut HttpCheck);
        type Case = (u16, &'static str, Change, Option<(Cause, &'static str)>);
        let mut headers = HeaderMap::new();
        headers.append("server", HeaderValue::from_static("nginx/1.22"));
        headers.append("via", HeaderValue::from_static("a"));
        headers.append("via", HeaderValue::from_static("b"));
        let cases: [Case; 19] = [
            (200, "ok", |_| (), None),
            (299, "ok", |_| (), None),
            (301, "ok", |_| (), Some((Cause::Code, "another code"))),
            (301, "ok", |check| check.code_classes = vec![3], None),
            (200, "ok", |check| check.code_classes = vec![3], Some((Cause::Code, "another code"))),
            (200, "ok", |check| (check.codes, check.code_classes) = (vec![200], vec![3]), None),
            (200, "ok", |check| check.body_matches = Some("^ok$".to_owned()), None),
            (200, "no", |check| check.body_matches = Some("^ok$".to_owned()), Some((Cause::Body, "without"))),
            (200, "no", |check| check.body_not_matches = Some("n".to_owned()), Some((Cause::Body, "must not have"))),
            (200, "ok", |check| check.body_not_matches = Some("n".to_owned()), None),
            (200, "12", |check| check.body_bytes_min = Some(2), None),
            (200, "1", |check| check.body_bytes_min = Some(2), Some((Cause::Body, "smaller"))),
            (200, "12", |check| check.body_bytes_max = Some(2), None),
            (200, "123", |check| check.body_bytes_max = Some(2), Some((Cause::Body, "larger"))),
            (200, "", |check| drop(check.header_matches.insert("via".to_owned(), "^b$".to_owned())), None),
            (
                200,
                "",
                |check| drop(check.header_matches.insert("age".to_owned(), String::new())),
                Some((Cause::Header, "the header age is not there")),
            ),
            (200, "", |check| drop(check.header_not_matches.insert("age".to_owned(), String::new())), None),
            (
                200,
                "",
                |check| drop(check.header_not_matches.insert("server".to_owned(), "nginx/1".to_owned())),
                Some((Cause::Header, "the header server is there")),
            ),
            (
                500,
                "",
                |check| check.body_matches = Some("a".to_owned()),
                Some((Cause::Code, "another code is expected")),
            ),
        ];
        for (code, text, change, expected) in cases {
            let mut check = HttpCheck::default();
            change(&mut check);
            let body = Body { kept: text.into(), bytes: text.len() as u64, cut: false };
            let unmet = Expected::new(&check).unwrap().unmet(code, &headers, &body);
            assert_eq!(unmet.as_ref().map(|unmet| unmet.cause), expected.map(|(cause, _)| cause), "{code} {check:?}");
            if let (Some(unmet), Some((_, what))) = (unmet, expected) {
                assert!(unmet.what.contains(what), "{unmet:?}");
            }
        }
    }

    #[test]
    fn of_a_body_that_was_cut_only_its_least_size_is_known() {
        let cut = Body { kept: Vec::new(), bytes: 10, cut: true };
        let of = |least, most| {
            let check = HttpCheck { body_bytes_min: least, body_bytes_max: most, ..HttpCheck::default() };
            Expected::new(&check).unwrap().unmet(200, &HeaderMap::new(), &cut).is_none()
        };
        assert!(of(Some(10), None) && !of(None, Some(10)));
    }
}
