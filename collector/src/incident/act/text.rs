//! What people write as they act: each kind of text with its bounds, checked before anything is done with it.

use serde::Serialize;
use url::Url;

use super::refusal::ActError;
use crate::incident::model::{Link, LinkKind};
use crate::problem::event::ProblemNumber;

/// Most bytes of a comment.
pub const COMMENT_BYTES_MAX: usize = 4_000;
/// Most bytes of the review of a major incident.
pub const REVIEW_BYTES_MAX: usize = 20_000;
/// Most characters of a name of somebody.
pub const WHO_CHARS_MAX: usize = 200;
/// Most bytes of what an incident is linked with.
pub const LINK_BYTES_MAX: usize = 500;

/// A comment: some text, with lines but without other control characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Comment(pub(super) String);

impl Comment {
    /// Checks `text`; the space around it is taken off.
    pub fn new(text: &str) -> Result<Self, ActError> {
        lines(text, COMMENT_BYTES_MAX).map(Self).ok_or(ActError::BadComment)
    }
}

/// The review of a major incident: what a comment is, and longer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Review(pub(super) String);

impl Review {
    /// Checks `text`; the space around it is taken off.
    pub fn new(text: &str) -> Result<Self, ActError> {
        lines(text, REVIEW_BYTES_MAX).map(Self).ok_or(ActError::BadReview)
    }
}

/// Somebody, or some team: one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Who(pub(super) String);

impl Who {
    /// Checks `text`; the space around it is taken off.
    pub fn new(text: &str) -> Result<Self, ActError> {
        let text = text.trim();
        let sound = !text.is_empty() && text.chars().count() <= WHO_CHARS_MAX && !text.chars().any(is_odd);
        sound.then(|| Self(text.to_owned())).ok_or(ActError::BadWho)
    }
}

/// A link of this kind with what `to` names: a name on one line, or an address of the web, which may hold no password. What
/// looks like a problem of ours, however it is written, is written as its number. Whether there is an incident or a problem of
/// that number is not looked at here.
pub fn link(kind: LinkKind, to: &str) -> Result<Link, ActError> {
    let to = to.trim();
    let sound = !to.is_empty() && to.len() <= LINK_BYTES_MAX && !to.chars().any(is_odd);
    if !sound || (to.contains("://") && address(to).is_none()) {
        return Err(ActError::BadLink);
    }
    if kind == LinkKind::Problem
        && let Some(digits) = digits_of_ours(to)
    {
        let number = ProblemNumber::parse(&format!("PRB-{digits}")).ok_or(ActError::BadProblem)?;
        return Ok(Link { kind, to: number.to_string() });
    }
    Ok(Link { kind, to: to.to_owned() })
}

/// What stands for the number where a problem of ours is meant: `PRB-2`, `prb-2` or `2`. It may be none.
fn digits_of_ours(to: &str) -> Option<&str> {
    if to.bytes().all(|b| b.is_ascii_digit()) {
        return Some(to);
    }
    to.split_at_checked(4).filter(|(prefix, _)| prefix.eq_ignore_ascii_case("PRB-")).map(|(_, digits)| digits)
}

/// The address of the web that this is, if it is one that a page may lead to.
pub fn address(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let plain = matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none();
    plain.then_some(url)
}

/// Some text with lines but without other control characters; browsers send the ends of lines as two characters.
fn lines(text: &str, bytes_max: usize) -> Option<String> {
    let text = text.replace("\r\n", "\n");
    let text = text.trim();
    let odd = text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t'));
    (!text.is_empty() && text.len() <= bytes_max && !odd).then(|| text.to_owned())
}

/// What a name on one line has none of: control characters, ends of lines that do not look like it, and what turns the
/// direction of what follows, so that it reads otherwise than it is.
fn is_odd(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_is_text() {
        assert_eq!(Comment::new("  two\r\nlines\t ").unwrap().0, "two\nlines");
        let long = "x".repeat(COMMENT_BYTES_MAX + 1);
        for wrong in ["", " \n", "a\u{0}b", "a\u{1b}[31mb", long.as_str()] {
            assert_eq!(Comment::new(wrong), Err(ActError::BadComment), "{wrong:?}");
        }
        assert!(Review::new(&long).is_ok(), "a review may be longer");
        assert_eq!(Review::new(&"x".repeat(REVIEW_BYTES_MAX + 1)), Err(ActError::BadReview));
    }

    #[test]
    fn somebody_is_one_line() {
        assert_eq!(Who::new(" Bärbel, first line ").unwrap().0, "Bärbel, first line");
        assert!(Who::new(&"ä".repeat(WHO_CHARS_MAX)).is_ok(), "characters count, not bytes");
        for wrong in ["", "  ", "two\nlines", "two\u{2029}lines", "\u{2067}boB", &"x".repeat(WHO_CHARS_MAX + 1)] {
            assert_eq!(Who::new(wrong), Err(ActError::BadWho), "{wrong:?}");
        }
    }

    #[test]
    fn a_link_is_a_name_or_an_address_of_the_web() {
        for to in ["CHG-1042", "shelf 3, folder 7", "https://wiki.example/a?b=c", "javascript:alert(1)"] {
            assert_eq!(link(LinkKind::Evidence, to).unwrap().to, to);
        }
        let long = format!("https://wiki.example/{}", "x".repeat(LINK_BYTES_MAX));
        for wrong in ["", " ", "a\nb", "ftp://files.example/x", "https://me:secret@wiki.example/", "://", &long] {
            assert_eq!(link(LinkKind::Evidence, wrong), Err(ActError::BadLink), "{wrong:?}");
        }
        assert!(address("javascript:alert(1)").is_none(), "it stays text on a page");
    }
}
