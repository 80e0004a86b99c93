//! What a collector says instead of yes: which refusal it is, in its own words, told once.
//!
//! The words come from outside: they are cut to a bound and freed of control characters before they go anywhere.

use std::collections::BTreeMap;

use uphold_common::wire::push::Problem;

use crate::remote::Reply;

/// Most characters of a refusal that are shown.
const DETAIL_CHARS_MAX: usize = 300;
/// Most characters of the word that says which refusal it is.
const KIND_CHARS_MAX: usize = 80;

/// A refusal, as far as it can be told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// Which refusal it is, for programs; empty when the answer is no problem of a collector.
    pub kind: String,
    /// What was wrong this time; empty when the answer does not say.
    pub detail: String,
}

impl Refusal {
    /// The refusal that a reply is.
    pub fn of(reply: &Reply) -> Self {
        let status = reply.status;
        let Ok(problem) = serde_json::from_slice::<Problem>(&reply.body) else {
            return Self { status, ..Self::default() };
        };
        let detail = cleaned(&format!("{}: {}", problem.title, problem.detail), DETAIL_CHARS_MAX);
        Self { status, kind: cleaned(&problem.kind, KIND_CHARS_MAX), detail }
    }

    /// Whether the agent itself is refused (its token, its name, the address it used, the page it asked for), and not
    /// what it said: as it was sent, anything else would be refused just so.
    pub const fn is_of_the_agent(&self) -> bool {
        matches!(self.status, 300..=399 | 401 | 403..=405 | 407 | 421 | 431)
    }

    /// The same refusal, whatever its words are this time.
    pub fn sort(&self) -> String {
        format!("{} {}", self.status, self.kind)
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let separator = if self.detail.is_empty() { "" } else { " " };
        write!(f, "status {}{separator}{}", self.status, self.detail)
    }
}

/// Without control characters, those that turn the direction of a line among them, and cut.
fn cleaned(text: &str, chars_max: usize) -> String {
    let hidden = |c: &char| c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().filter(|c| !hidden(c)).take(chars_max).collect()
}

/// The troubles that were told, so that each is told once: again when it is another, and when it is over.
#[derive(Debug, Default)]
pub struct Told(BTreeMap<String, String>);

impl Told {
    /// Whether trouble of this sort with this collector is news; from now on it is not.
    pub fn is_news(&mut self, collector: &str, sort: String) -> bool {
        let before = self.0.insert(collector.to_owned(), sort.clone());
        before != Some(sort)
    }

    /// It is over with every collector; whether any trouble had been told.
    pub fn is_over(&mut self) -> bool {
        !std::mem::take(&mut self.0).is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(body: &str) -> Reply {
        Reply { status: 403, retry_after: None, etag: None, date: None, store: None, body: body.as_bytes().to_vec() }
    }

    #[test]
    fn words_from_outside_are_cut_and_cleaned() {
        let problem = |detail: &str| {
            let kind = "urn:uphold:problem:not-allowed".to_owned();
            let problem = Problem { kind, title: "Forbidden".to_owned(), status: 403, detail: detail.to_owned() };
            Refusal::of(&reply(&serde_json::to_string(&problem).unwrap()))
        };
        let refusal = problem("The token is\n of \u{1b}[31manother\u{202e} agent.");
        assert_eq!(refusal.to_string(), "status 403 Forbidden: The token is of [31manother agent.");
        assert_eq!(refusal.sort(), "403 urn:uphold:problem:not-allowed");
        assert_eq!(problem(&"ä".repeat(10_000)).detail.chars().count(), DETAIL_CHARS_MAX);
        for other in ["", "<html>", "{}", "\u{0}"] {
            assert_eq!(Refusal::of(&reply(other)).to_string(), "status 403", "{other:?}");
        }
    }

    #[test]
    fn trouble_is_told_once_for_each_collector() {
        let mut told = Told::default();
        assert!(!told.is_over());
        for (collector, sort, news) in
            [("a", "401", true), ("a", "401", false), ("b", "401", true), ("a", "403", true), ("b", "401", false)]
        {
            assert_eq!(told.is_news(collector, sort.to_owned()), news, "{collector} {sort}");
        }
        assert!(told.is_over());
        assert!(told.is_news("a", "403".to_owned()));
    }
}
