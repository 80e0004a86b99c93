//! The query of a request: no parameter that is not known, each at most once.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use axum::response::Response;
use uphold_common::yaml::words;

use super::problem::problem;

/// What a query says.
#[derive(Debug)]
pub(super) struct Asked(BTreeMap<&'static str, String>);

impl Asked {
    /// Reads a query that may say what is `known`.
    pub(super) fn read(query: Option<&str>, known: &[&'static str]) -> Result<Self, Box<Response>> {
        let mut asked = BTreeMap::new();
        for (key, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            let Some(name) = known.iter().find(|name| **name == key) else {
                let hint = words::did_you_mean(&key, known.iter().copied());
                let detail = format!("There is no parameter {}{hint}.", words::shown(&key));
                return Err(Box::new(problem(StatusCode::BAD_REQUEST, "unknown-parameter", &detail, None)));
            };
            if asked.insert(*name, value.into_owned()).is_some() {
                return Err(Box::new(bad(name, "it once; it is there twice")));
            }
        }
        Ok(Self(asked))
    }

    /// What it says of `name`, as `parse` reads it; what that does not read is refused with what was `expected`.
    pub(super) fn get<T>(
        &self,
        name: &str,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Box<Response>> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        parse(value).map(Some).ok_or_else(|| Box::new(bad(name, expected)))
    }

    /// Whether it says anything of `name`.
    pub(super) fn says(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// What one of these words stands for, if it says one of `name`; another word is refused with the nearest.
    pub(super) fn word<T: Copy>(&self, name: &str, known: &[(&'static str, T)]) -> Result<Option<T>, Box<Response>> {
        let all = || known.iter().map(|(word, _)| *word);
        let hint = self.0.get(name).map(|said| words::did_you_mean(said, all())).unwrap_or_default();
        let expected = format!("{}{hint}", words::listed(all()));
        self.get(name, &expected, |said| known.iter().find(|(word, _)| *word == said).map(|(_, of)| *of))
    }
}

fn bad(name: &str, expected: &str) -> Response {
    problem(StatusCode::BAD_REQUEST, "bad-parameter", &format!("{name}: expected {expected}."), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The limit in a query, 0 where it says none; none where it is refused.
    fn limit(query: &str) -> Option<u8> {
        let asked = Asked::read(Some(query), &["limit", "state"]).ok()?;
        let limit = asked.get("limit", "a number", |text| text.parse().ok()).ok()?;
        Some(limit.unwrap_or_default())
    }

    #[test]
    fn each_known_parameter_is_taken_once() {
        for (query, expected) in [
            ("", Some(0)),
            ("state=open", Some(0)),
            ("limit=7", Some(7)),
            ("state=&limit=%37", Some(7)),
            ("limit=7&limit=7", None),
            ("limit=", None),
            ("limit", None),
            ("limit=%zz", None),
            ("limits=7", None),
            ("Limit=7", None),
            ("&&", Some(0)),
        ] {
            assert_eq!(limit(query), expected, "{query}");
        }
    }
}
