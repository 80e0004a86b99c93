//! A ticket as it is there, held against what is known here → what is news. Pure.
//!
//! Nothing is kept about what was taken over but the incident's own events: a comment is news if it stands there more
//! often, from the same person and with the same words, than it was taken over. So a restart takes nothing over twice.

use std::collections::BTreeMap;

use super::look::Looked;
use super::reading::{Said, State};
use super::values::is_ours;

/// Most comments of one receiver that one incident takes over.
pub const TAKEN_OVER_MAX: usize = 100;

/// What is known of an incident here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Before {
    /// Whether somebody has taken it on.
    pub acknowledged: bool,
    /// The comments that were taken over from this receiver.
    pub comments: Vec<Said>,
    /// Whether the incident was over before, and began again.
    pub reopened: bool,
    /// What became of the ticket when it was looked at before.
    pub state: Option<State>,
}

/// What happened there and is to be said here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// Somebody took it on.
    Acknowledged {
        /// Who.
        by: Option<String>,
    },
    /// Somebody said something.
    Commented(Said),
    /// Somebody ended it.
    Resolved {
        /// Who.
        by: Option<String>,
    },
}

/// What is news about an open incident with this key, in the order in which it is told.
pub fn news(key: &str, before: &Before, now: &Looked) -> Vec<News> {
    let mut known: BTreeMap<(Option<&str>, &str), usize> = BTreeMap::new();
    for said in &before.comments {
        *known.entry((said.by.as_deref(), &said.text)).or_default() += 1;
    }
    let mut room = TAKEN_OVER_MAX.saturating_sub(before.comments.len());
    let mut news = Vec::new();
    let said = now.comments.iter().filter_map(|(_, said)| said.as_ref());
    for said in said.filter(|said| !is_ours(&said.text, key)) {
        let times = known.entry((said.by.as_deref(), &said.text)).or_default();
        if *times > 0 {
            *times -= 1;
        } else if room > 0 {
            room -= 1;
            news.push(News::Commented(said.clone()));
        }
    }
    let by = now.by.clone();
    match now.state {
        State::Acknowledged if !before.acknowledged => news.push(News::Acknowledged { by }),
        // Of one that began again it may be the old end, where it could not be begun again there.
        State::Resolved if before.reopened && before.state.is_none() => {}
        // Once: what it is resolved by here may not hold, and then it stays resolved there all the same.
        State::Resolved if before.state != Some(State::Resolved) => news.push(News::Resolved { by }),
        _ => {}
    }
    news
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::ticket::values::mark;

    const KEY: &str = "0a1b2c3d-INC-7";

    fn said(by: &str, text: &str) -> Said {
        Said { by: Some(by.to_owned()), text: text.to_owned() }
    }

    fn looked(state: State, comments: &[(&str, &str)]) -> Looked {
        let comments = comments.iter().enumerate();
        let comments = comments.map(|(id, (by, text))| (id.to_string(), Some(said(by, text)))).collect();
        Looked { state, by: Some("ada".to_owned()), comments }
    }

    #[test]
    fn a_comment_is_taken_over_as_often_as_it_stands_there() {
        let there = [("ada", "still down"), ("ada", "still down"), ("bob", "still down")];
        let table: [(&[(&str, &str)], usize); 4] =
            [(&[], 3), (&there[..1], 2), (&there[..2], 1), (&[("bob", "still down"), ("bob", "gone")], 2)];
        for (known, expected) in table {
            let comments = known.iter().map(|(by, text)| said(by, text)).collect();
            let before = Before { comments, ..Before::default() };
            assert_eq!(news(KEY, &before, &looked(State::Open, &there)).len(), expected, "{known:?}");
        }
    }

    #[test]
    fn what_was_written_here_is_no_news_and_a_quotation_of_it_is() {
        let ours = mark("0a1b2c3d-INC-7.3") + " a cable was cut";
        let quoted = format!("> {ours}\nwhich one?");
        let found = news(KEY, &Before::default(), &looked(State::Open, &[("uphold", &ours), ("ada", &quoted)]));
        assert_eq!(found, [News::Commented(said("ada", &quoted))]);
    }

    #[test]
    fn a_state_is_told_once() {
        let by = Some("ada".to_owned());
        let (resolved, acknowledged) = (News::Resolved { by: by.clone() }, News::Acknowledged { by });
        for (has, state_before, state, expected) in [
            (false, None, State::Open, None),
            (false, None, State::Acknowledged, Some(&acknowledged)),
            (true, None, State::Acknowledged, None),
            (false, None, State::Resolved, Some(&resolved)),
            (true, Some(State::Open), State::Resolved, Some(&resolved)),
            (true, Some(State::Resolved), State::Resolved, None),
            (true, Some(State::Resolved), State::Open, None),
        ] {
            let before = Before { acknowledged: has, state: state_before, ..Before::default() };
            let found = news(KEY, &before, &looked(state, &[]));
            assert_eq!(found.first(), expected, "{has} {state_before:?} {state:?}");
        }
        for (seen, told) in [(None, 0), (Some(State::Open), 1), (Some(State::Resolved), 0)] {
            let before = Before { reopened: true, state: seen, ..Before::default() };
            let found = news(KEY, &before, &looked(State::Resolved, &[]));
            assert_eq!(found.len(), told, "it was over before, and was then seen {seen:?}");
        }
    }

    #[test]
    fn what_is_taken_over_has_an_end() {
        let there: Vec<(String, String)> = (0..30).map(|n| ("ada".to_owned(), format!("comment {n}"))).collect();
        let there: Vec<(&str, &str)> = there.iter().map(|(by, text)| (by.as_str(), text.as_str())).collect();
        let comments = (0..TAKEN_OVER_MAX - 5).map(|n| said("bob", &n.to_string())).collect();
        let before = Before { comments, ..Before::default() };
        assert_eq!(news(KEY, &before, &looked(State::Open, &there)).len(), 5);
    }
}
