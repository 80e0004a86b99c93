//! What further an answer must be where whoever asks has words that the catalogue has not; pure.

use hyper::Version;
use hyper::header::{HeaderMap, HeaderName};
use regex::bytes::Regex;
use uphold_common::observation::Cause;

use super::expected::{Body, Unmet, compiled};

/// What further an answer must be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Further {
    /// Expressions that the body must match, each of them.
    pub body_matches: Vec<String>,
    /// Expressions that the body must not match, none of them.
    pub body_not_matches: Vec<String>,
    /// How headers must be.
    pub headers: Vec<HeaderRule>,
    /// The versions that the answer may have; none: any.
    pub versions: Vec<Version>,
    /// Whether it must have come over TLS, or must not.
    pub secure: Option<bool>,
}

/// How a header must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderRule {
    /// Its name.
    pub name: String,
    /// The expression that its values are held against.
    pub expression: String,
    /// Whether one of them must match, or none may.
    pub matches: bool,
    /// Whether it may be missing.
    pub may_be_missing: bool,
}

/// The same, made ready.
#[derive(Debug, Default)]
pub(super) struct Compiled {
    body_matches: Vec<Regex>,
    body_not_matches: Vec<Regex>,
    headers: Vec<(HeaderName, Regex, HeaderRule)>,
    versions: Vec<Version>,
    secure: Option<bool>,
}

impl Compiled {
    pub(super) fn new(further: &Further) -> Result<Self, String> {
        let all = |texts: &[String]| texts.iter().map(|text| compiled("the body", text)).collect();
        let (body_matches, body_not_matches): (Result<_, String>, Result<_, String>) =
            (all(&further.body_matches), all(&further.body_not_matches));
        let header = |rule: &HeaderRule| {
            let name = rule.name.parse().map_err(|_| format!("{:?} is no name of a header", rule.name))?;
            Ok((name, compiled("a header", &rule.expression)?, rule.clone()))
        };
        let headers: Result<Vec<_>, String> = further.headers.iter().map(header).collect();
        let (versions, secure) = (further.versions.clone(), further.secure);
        Ok(Self {
            body_matches: body_matches?,
            body_not_matches: body_not_matches?,
            headers: headers?,
            versions,
            secure,
        })
    }

    /// Whether more than the length of the body is looked at.
    pub(super) fn looks_at_body(&self) -> bool {
        !self.body_matches.is_empty() || !self.body_not_matches.is_empty()
    }

    /// The first thing that is not as it must be.
    pub(super) fn unmet(&self, version: Version, secure: bool, headers: &HeaderMap, body: &Body) -> Option<Unmet> {
        let of = |cause: Cause, what: &str| Some(Unmet { cause, what: what.to_owned() });
        if self.headers.iter().any(|(name, expression, rule)| !rule.holds(name, expression, headers)) {
            return of(Cause::Header, "a header is not as expected");
        }
        let missing = self.body_matches.iter().any(|expression| !expression.is_match(&body.kept));
        if missing || self.body_not_matches.iter().any(|expression| expression.is_match(&body.kept)) {
            return of(Cause::Body, "the body is not as expected");
        }
        if !self.versions.is_empty() && !self.versions.contains(&version) {
            return of(Cause::Protocol, "another version of HTTP is expected");
        }
        match self.secure {
            Some(expected) if expected != secure && secure => of(Cause::Tls, "it came over TLS"),
            Some(expected) if expected != secure => of(Cause::Tls, "it did not come over TLS"),
            _ => None,
        }
    }
}

impl HeaderRule {
    fn holds(&self, name: &HeaderName, expression: &Regex, headers: &HeaderMap) -> bool {
        if !headers.contains_key(name) {
            return self.may_be_missing;
        }
        let matches = headers.get_all(name).iter().any(|value| expression.is_match(value.as_bytes()));
        matches == self.matches
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::{HeaderValue, SERVER};

    use super::*;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn body(matches: &[&str], not: &[&str]) -> Further {
        Further { body_matches: texts(matches), body_not_matches: texts(not), ..Further::default() }
    }

    fn header(name: &str, expression: &str, matches: bool, may_be_missing: bool) -> Further {
        let (name, expression) = (name.to_owned(), expression.to_owned());
        Further { headers: vec![HeaderRule { name, expression, matches, may_be_missing }], ..Further::default() }
    }

    #[test]
    fn answers_are_held_against_it() {
        let over = |versions: &[Version], secure| Further { versions: versions.to_vec(), secure, ..Further::default() };
        for (further, cause) in [
            (Further::default(), None),
            (body(&["on", "two"], &[]), None),
            (body(&["on", "three"], &[]), Some(Cause::Body)),
            (body(&[], &["three", "one"]), Some(Cause::Body)),
            (header("Server", "ngi", true, false), None),
            (header("Server", "apa", true, false), Some(Cause::Header)),
            (header("Server", "ngi", false, false), Some(Cause::Header)),
            (header("x-other", "", true, false), Some(Cause::Header)),
            (header("x-other", "", false, false), Some(Cause::Header)),
            (header("x-other", "a", true, true), None),
            (over(&[Version::HTTP_11], None), None),
            (over(&[Version::HTTP_2], None), Some(Cause::Protocol)),
            (over(&[], Some(true)), Some(Cause::Tls)),
            (over(&[], Some(false)), None),
        ] {
            let headers = HeaderMap::from_iter([(SERVER, HeaderValue::from_static("nginx"))]);
            let page = Body { kept: b"one two".to_vec(), bytes: 7, cut: false };
            let unmet = Compiled::new(&further).unwrap().unmet(Version::HTTP_11, false, &headers, &page);
            assert_eq!(unmet.map(|unmet| unmet.cause), cause, "{further:?}");
        }
        for wrong in [body(&["("], &[]), header("a b", "", true, true), header("a", "(", true, true)] {
            assert!(Compiled::new(&wrong).is_err(), "{wrong:?}");
        }
    }
}
