//! The page of an incident over its life: what it says, and what it offers to whom.

use super::*;
use crate::identity::deed::Actor;
use crate::incident::model::{Event, Link};
use crate::page::fixture;
use crate::page::tests::words;

const LOCAL: Actor = Actor::Local { uid: Some(7) };

/// The outage of mail, with what happened to it since, and its events.
fn history(changes: Vec<Change>) -> (Snapshot, History) {
    let snapshot = fixture::snapshot();
    let mut incident = snapshot.open_incidents[1].clone();
    let mut events = Vec::new();
    for (place, change) in (2..).zip(changes) {
        let event = Event { number: incident.number, place, decided_at: snapshot.as_of, change };
        incident = Incident::after(Some(incident), &event).unwrap();
        events.push(event);
    }
    (snapshot, History { incident, events, beside: crate::engine::command::Beside::default() })
}

fn operator() -> Visitor<'static> {
    Visitor { signed_in: Some(("duty", "operator")), form_word: Some("w0rd"), may_act: true, ..Visitor::default() }
}

/// The forms that are offered.
fn offered(changes: Vec<Change>) -> Vec<String> {
    let (snapshot, history) = history(changes);
    let shown = render(&snapshot, history, &operator());
    let forms = shown.split("action=\"../incidents/INC-9/").skip(1);
    forms.filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect()
}

fn resolved() -> Change {
    let (ended, text) = (fixture::snapshot().as_of, Some("mended".to_owned()));
    Change::Resolved { ended, resolution: crate::incident::model::Resolution::ByHand, by: Some(LOCAL), text }
}

fn major() -> Change {
    let (because, owner) = ("everybody".to_owned(), "A. Keller".to_owned());
    Change::Major { because, by: Some(LOCAL), owner, notice_to: None }
}

#[test]
fn only_what_may_follow_is_offered() {
    let taken = || Change::Acknowledged { by: LOCAL, text: None };
    let (reviewed, noticed) =
        (|| Change::Reviewed { by: LOCAL, text: "a digger".to_owned() }, Change::NoticeReceived { by: LOCAL });
    let closed = Change::Closed { by: Some(LOCAL), text: None };
    for (changes, expected) in [
        (vec![], "acknowledge comments resolve assign links major"),
        (vec![taken()], "comments resolve assign links major"),
        (vec![major()], "acknowledge comments resolve assign links notice"),
        (vec![resolved()], "comments assign links reopen close major"),
        (vec![major(), resolved()], "comments assign links reopen notice review"),
        (vec![major(), noticed, resolved(), reviewed()], "comments assign links reopen close"),
        (vec![resolved(), closed], "comments links"),
    ] {
        assert_eq!(offered(changes.clone()).join(" "), expected, "{changes:?}");
    }
    let (snapshot, history) = history(vec![taken()]);
    let shown = render(&snapshot, history.clone(), &operator());
    assert!(shown.contains("name=\"expected_events\" value=\"2\""), "{shown}");
    for (visitor, expected) in [
        (Visitor::default(), "Sign in to take it on"),
        (Visitor { may_act: false, ..operator() }, "Your role may not act on incidents."),
    ] {
        let shown = render(&snapshot, history.clone(), &visitor);
        assert!(words(&shown).contains(expected) && !shown.contains("<textarea"), "{shown}");
    }
}

#[test]
fn the_page_says_the_times_and_what_it_is_connected_with() {
    let link = |kind, to: &str| Change::Linked { by: LOCAL, link: Link { kind, to: to.to_owned() } };
    let services = (0..NAMES_MAX + 3).map(|n| fixture::id(&format!("s{n:03}"))).collect();
    let ticket =
        |url: &str| Change::Ticket { receiver: fixture::id("desk"), id: "4711".to_owned(), url: Some(url.to_owned()) };
    let (snapshot, history) = history(vec![
        Change::Acknowledged { by: LOCAL, text: Some("on it".to_owned()) },
        Change::Assigned { by: LOCAL, to: "Bärbel <script>".to_owned() },
        Change::Affected { services, customers: vec![fixture::id("acme")] },
        link(LinkKind::Parent, "INC-6"),
        link(LinkKind::Evidence, "https://wiki.example/a"),
        link(LinkKind::Change, "javascript:alert(1)"),
        ticket("https://desk.example/4711"),
        major(),
        resolved(),
    ]);
    let shown = render(&snapshot, history, &operator());
    assert!(!shown.contains("<script>") && !shown.contains("href=\"javascript"), "{shown}");
    for link in ["href=\"../incidents/INC-6\"", "href=\"https://wiki.example/a\"", "href=\"https://desk.example/4711\""]
    {
        assert!(shown.contains(link), "{link} is not in: {shown}");
    }
    let text = words(&shown);
    for expected in [
        "Cause service down, availability",
        "Began 13:44:40 , as measured Detected 13:45:11 , after 31s Taken on 14:03:22 by local user 7",
        "Restored 14:03:22 , after 18m 42s Resolved 14:03:22 ; somebody resolved it: local user 7",
        "Assigned to Bärbel",
        "Customers acme",
        "53 further services",
        "and 3 more",
        "Ticket 4711 at desk",
        "Answers for it A. Keller",
        "Review not filed yet; it is not closed without one",
        "Linked with the parent INC-6 by local user 7",
        "Resolved as of 2026-11-22T13:03:22Z by local user 7 mended",
    ] {
        assert!(text.contains(expected), "{expected:?} is not in:\n{text}");
    }
}

#[test]
fn what_was_refused_is_said_and_what_was_written_is_not_lost() {
    let (snapshot, history) = history(vec![]);
    let refused = Refused { why: "INC-9 has 2 events by now".to_owned(), wrote: Some("a long <review>".to_owned()) };
    let shown = render_refused(&snapshot, history, &operator(), &refused);
    let text = words(&shown);
    assert!(text.contains("Nothing was done: INC-9 has 2 events by now. You wrote:"), "{text}");
    assert!(shown.contains("a long &lt;review&gt;"), "{shown}");
    assert!(shown.contains("href=\"../../page.css\"") && shown.contains("action=\"../../incidents/INC-9/resolve\""));
}

#[test]
fn each_link_and_the_problem_that_was_found_can_be_taken_back() {
    let link = |to: &str| Link { kind: LinkKind::Problem, to: to.to_owned() };
    let hostile = "\"><script>";
    let (snapshot, mut history) = history(vec![
        Change::Linked { by: LOCAL, link: link(hostile) },
        Change::Unlinked { by: LOCAL, link: link("x") },
    ]);
    history.incident.problem = Some(crate::problem::model::ProblemNumber(2));
    history.beside.problem = history.incident.problem;
    let shown = render(&snapshot, history.clone(), &operator());
    for expected in [
        "name=\"kind\" value=\"problem\"",
        "name=\"to\" value=\"PRB-2\"",
        "name=\"to\" value=\"&quot;&gt;&lt;script&gt;\"",
        "href=\"../problems#PRB-2\"",
    ] {
        assert!(shown.contains(expected), "{expected} is not in: {shown}");
    }
    assert!(!shown.contains("<script>"), "{shown}");
    assert!(words(&shown).contains("Unlinked from the problem x by local user 7"), "{shown}");
    history.incident.links.push(link("PRB-2"));
    let text = words(&render(&snapshot, history, &operator()));
    assert_eq!(text.matches("Problem PRB-2").count(), 1, "the one row for it: {text}");
}
