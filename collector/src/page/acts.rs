//! The forms on the page of an incident: what may be done to it as it stands, and nothing else.
//!
//! Each brings along the word of its session, and how many events the page has shown: what happened since is not undone by
//! somebody who has not seen it.

use maud::{Markup, html};

use super::frame::Visitor;
use crate::incident::act::text::{COMMENT_BYTES_MAX, LINK_BYTES_MAX, REVIEW_BYTES_MAX, WHO_CHARS_MAX};
use crate::incident::model::{Incident, Link, LinkKind};

/// The forms for this visitor; `root` leads to `/`.
pub(super) fn forms(incident: &Incident, root: &str, visitor: &Visitor<'_>) -> Markup {
    let word = visitor.form_word.filter(|_| visitor.may_act);
    html! {
        @match word {
            Some(word) => { div.acts { (offered(incident, &Form { incident, root, word })) } }
            None if visitor.signed_in.is_none() => {
                p.note {
                    a href={ (root) "sign-in?next=/incidents/" (incident.number) } { "Sign in" }
                    " to take it on, to comment or to resolve it."
                }
            }
            None => { p.note { "Your role may not act on incidents." } }
        }
    }
}

/// What every form has.
struct Form<'a> {
    incident: &'a Incident,
    root: &'a str,
    word: &'a str,
}

impl Form<'_> {
    /// A form for this act, with its fields. What changes where the incident stands is only done to what was seen.
    fn of(&self, act: &str, is_strict: bool, fields: &Markup, button: &str) -> Markup {
        html! {
            form method="post" action={ (self.root) "incidents/" (self.incident.number) "/" (act) } {
                input type="hidden" name="word" value=(self.word);
                @if is_strict { input type="hidden" name="expected_events" value=(self.incident.events); }
                (fields)
                button type="submit" { (button) }
            }
        }
    }

    /// The same behind a line that opens it.
    fn folded(&self, title: &str, act: &str, fields: &Markup, button: &str) -> Markup {
        html! { details { summary { (title) } (self.of(act, true, fields, button)) } }
    }
}

fn offered(incident: &Incident, form: &Form<'_>) -> Markup {
    let (open, closed) = (incident.is_open(), incident.closed.is_some());
    html! {
        @if open && incident.acknowledged.is_none() { (form.of("acknowledge", true, &html! {}, "Take it on")) }
        (form.of("comments", false, &text("comment", "Comment", true, COMMENT_BYTES_MAX), "Add the comment"))
        @if open { (form.folded("Resolve it by hand", "resolve", &resolving(), "Resolve it")) }
        @if !closed {
            (form.folded("Assign it", "assign", &who("to", "To whom", incident.assignee.as_deref()), "Assign it"))
        }
        (form.folded("Link it", "links", &linking(), "Link it"))
        (unlinking(incident, form))
        @if !open && !closed {
            (form.folded("Open it again", "reopen", &word("reopen"), "Open it again"))
            @if !incident.wants_review() { (form.folded("Close it", "close", &word("close"), "Close it for good")) }
        }
        (majors(incident, form))
    }
}

fn majors(incident: &Incident, form: &Form<'_>) -> Markup {
    let declaring = html! {
        (who("owner", "Who answers for it", incident.owner.as_deref()))
        (area("because", "because", "Why it is a major incident", true, COMMENT_BYTES_MAX, 2))
    };
    html! {
        @match &incident.major {
            None if incident.closed.is_none() => {
                (form.folded("Declare a major incident", "major", &declaring, "Declare it"))
            }
            None => {}
            Some(major) => {
                @if major.notice_received.is_none() {
                    (form.folded("Receive the notice", "notice", &html! {}, "The management has the notice"))
                }
                @if major.reviewed.is_none() && !incident.is_open() {
                    (form.folded(
                        "File the review",
                        "review",
                        &area("review", "text", "What happened, why, and what is done about it", true, REVIEW_BYTES_MAX, 12),
                        "File it",
                    ))
                }
            }
        }
    }
}

fn text(id: &str, label: &str, required: bool, length_max: usize) -> Markup {
    area(id, "text", label, required, length_max, 3)
}

/// A word that may be left out.
fn word(id: &str) -> Markup {
    area(&format!("{id}-comment"), "comment", "A word with it, if you like", false, COMMENT_BYTES_MAX, 2)
}

fn area(id: &str, name: &str, label: &str, required: bool, length_max: usize, rows: u8) -> Markup {
    html! {
        label for=(id) { (label) }
        textarea id=(id) name=(name) rows=(rows) required[required] maxlength=(length_max) {}
    }
}

fn who(name: &str, label: &str, known: Option<&str>) -> Markup {
    html! {
        label for=(name) { (label) }
        input id=(name) name=(name) required maxlength=(WHO_CHARS_MAX) value=(known.unwrap_or_default());
    }
}

fn resolving() -> Markup {
    html! {
        (text("resolve", "What ended it", true, COMMENT_BYTES_MAX))
        label for="ended" { "When it ended, if not now" }
        input #ended type="datetime-local" name="ended" step="1";
    }
}

/// A button for each link, and for the problem that it was found to belong to.
fn unlinking(incident: &Incident, form: &Form<'_>) -> Markup {
    let found = incident.problem.map(|problem| Link { kind: LinkKind::Problem, to: problem.to_string() });
    let found = found.filter(|link| !incident.links.contains(link));
    let mut links = incident.links.iter().chain(&found).peekable();
    html! {
        @if links.peek().is_some() {
            details {
                summary { "Take a link back" }
                @for Link { kind, to } in links {
                    (form.of("unlink", true, &html! {
                        input type="hidden" name="kind" value=(kind.as_str());
                        input type="hidden" name="to" value=(to);
                    }, &format!("No longer the {} {to}", kind.as_str())))
                }
            }
        }
    }
}

fn linking() -> Markup {
    html! {
        label for="kind" { "What it is" }
        select #kind name="kind" { @for kind in LinkKind::ALL { option value=(kind.as_str()) { (kind.as_str()) } } }
        label for="link" { "Its number, name or address" }
        input #link name="to" required maxlength=(LINK_BYTES_MAX);
    }
}
