//! Deliveries against a system that answers by rules: nothing is made twice, nothing gets lost, and whoever asks for time
//! gets it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;
use uphold_common::catalogue::model::{Channel, Described, ReceiverUrl};

use super::*;
use crate::notify::entry::Key;
use crate::notify::message::Kind;
use crate::notify::testing::{at, id};
use crate::notify::ticket::scripted::{Reply, System, json as answer, poster};

const DESCRIPTION: &str = r#"
name: Tickets
ticket: { id: "{{ kept.id }}", url: "{{ url.base }}/t/{{ kept.id }}" }
search:
  requests: [{ method: GET, path: /tickets, query: { q: "{{ key }}" } }]
  list: /found
  holds_key: "{{ item.title }}"
  keep: { id: { pointer: /id } }
requests:
  create: [{ method: POST, path: /tickets, json: '{ "title": {{ key }} }', keep: { id: { pointer: /id } } }]
  comment: [{ method: POST, path: "/tickets/{{ ticket.id }}/comments", json: '{ "text": {{ mark ~ " x" }} }' }]
  resolve:
    - { method: GET, path: "/tickets/{{ ticket.id }}", keep: { etag: { header: ETag } } }
    - { method: PUT, path: "/tickets/{{ ticket.id }}", headers: { If-Match: "{{ kept.etag }}" }, json: '{ "state": "closed" }' }
  close: [{ method: PUT, path: "/tickets/{{ ticket.id }}", json: '{}', keep: { now: { pointer: /state } }, expects: "{{ kept.now != 'open' }}" }]
  reopen: [{ method: PUT, path: "/tickets/{{ ticket.id }}", json: '{ "state": "open" }' }]
answers: { again: [412], error: /error }
poll:
  requests: [{ method: GET, path: "/tickets/{{ ticket.id }}", keep: { state: { pointer: /state } } }]
  state: "{{ kept.state }}"
  comments: { list: /comments, id: "{{ item.id }}", text: "{{ item.text }}" }
"#;

/// A system, and a receiver of it.
struct Told {
    system: System,
    tickets: Tickets,
    _folder: tempfile::TempDir,
}

impl Told {
    async fn by(rules: impl Fn(&str, usize) -> Reply + Send + Sync + 'static) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tickets.yaml");
        std::fs::write(&file, DESCRIPTION).unwrap();
        let system = System::start(move |asked, before| rules(&asked.line(), before)).await;
        let tickets = Tickets {
            described: Described::File(file.display().to_string()),
            url: ReceiverUrl::Url(system.url()),
            token_file: None,
            user: None,
            password_file: None,
            variables: BTreeMap::new(),
            poll_ms: 60_000,
        };
        Self { system, tickets, _folder: folder }
    }

    async fn told(&self, kind: Kind, open: bool, repeated: bool, kept: Option<&str>) -> (Attempt, Option<Ticket>) {
        self.told_by(&poster(), kind, open, repeated, kept).await
    }

    async fn told_by(
        &self,
        poster: &Poster,
        kind: Kind,
        open: bool,
        repeated: bool,
        kept: Option<&str>,
    ) -> (Attempt, Option<Ticket>) {
        let state = if open { "open" } else { "resolved" };
        let event = json!({ "id": "0a1b2c3d-INC-7.2", "type": kind.as_str(), "data": { "state": state } });
        let ticket = kept.map(|id| Ticket { id: id.to_owned(), url: None });
        let delivery = Delivery {
            key: Key { receiver: id("tickets"), order: 1 },
            channel: Arc::new(Channel::Tickets(self.tickets.clone())),
            id: "0a1b2c3d-INC-7.2".to_owned(),
            incident: None,
            kind,
            body: event.to_string(),
            attempt: 1,
            repeated,
            at: at(0),
            kept: ticket.and_then(|ticket| ticket.to_bytes()),
        };
        let report = deliver(poster, &self.tickets, &delivery).await;
        (report.attempt, report.kept.as_deref().and_then(Ticket::from_bytes))
    }
}

fn done(status: u16) -> Attempt {
    Attempt::Answered { status, retry_after: None }
}

fn unanswered(error: &str) -> Attempt {
    Attempt::Unanswered { error: error.to_owned() }
}

fn refused(error: &str) -> Attempt {
    Attempt::Refused { error: error.to_owned() }
}

/// A system in which there is a ticket 70 with a key that begins alike, and perhaps the one that is meant.
fn with(there: bool) -> impl Fn(&str, usize) -> Reply {
    move |line, _| {
        let mut found = vec![json!({ "id": 70, "title": "0a1b2c3d-INC-70" })];
        if there {
            found.push(json!({ "id": 7, "title": "[0a1b2c3d-INC-7] the shop" }));
        }
        let comments = if there { json!([{ "id": 1, "text": "[Uphold 0a1b2c3d-INC-7.2] x" }]) } else { json!([]) };
        let body = json!({ "id": 9, "found": found, "state": "open", "comments": comments });
        let mut reply = answer(if line.starts_with("POST") { 201 } else { 200 }, &body);
        reply.1.push(("etag", "\"e\"".to_owned()));
        reply
    }
}

#[tokio::test]
async fn what_is_known_and_what_happened_say_what_is_asked() {
    const SEARCH: &str = "GET /base/tickets?q=0a1b2c3d-INC-7";
    const CREATE: &str = "POST /base/tickets";
    const COMMENT: [&str; 2] = ["POST /base/tickets/7/comments", "POST /base/tickets/9/comments"];
    const RESOLVE: [&str; 2] = ["GET /base/tickets/7", "PUT /base/tickets/7"];
    type Row<'a> = (Kind, bool, bool, Option<&'a str>, bool, &'a [&'a str], Option<&'a str>);
    let table: [Row<'_>; 14] = [
        // What happened, whether open, whether repeated, the ticket that is known, whether it is there → what is asked.
        (Kind::Opened, true, false, None, false, &[CREATE], Some("9")),
        (Kind::Opened, true, true, None, false, &[SEARCH, CREATE], Some("9")),
        (Kind::Opened, true, true, None, true, &[SEARCH], Some("7")),
        (Kind::Opened, true, true, Some("7"), true, &[], None),
        (Kind::Commented, true, false, Some("7"), true, &[COMMENT[0]], None),
        (Kind::Commented, true, true, Some("7"), true, &["GET /base/tickets/7"], None),
        (Kind::Commented, true, true, Some("9"), false, &["GET /base/tickets/9", COMMENT[1]], None),
        (Kind::Commented, true, false, None, false, &[SEARCH, CREATE, COMMENT[1]], Some("9")),
        (Kind::Resolved, false, false, Some("7"), true, &RESOLVE, None),
        (Kind::Resolved, false, false, None, true, &[SEARCH, RESOLVE[0], RESOLVE[1]], Some("7")),
        (Kind::Resolved, false, false, None, false, &[SEARCH], None),
        (Kind::Recorded, false, true, None, true, &[SEARCH, RESOLVE[0], RESOLVE[1]], Some("7")),
        (Kind::Reopened, true, false, None, false, &[SEARCH, CREATE], Some("9")),
        (Kind::Acknowledged, true, false, Some("7"), true, &[], None),
    ];
    for (kind, open, repeated, known, there, expected, kept) in table {
        let told = Told::by(with(there)).await;
        let (attempt, ticket) = told.told(kind, open, repeated, known).await;
        assert!(matches!(attempt, Attempt::Answered { status: 200 | 201, .. }), "{kind:?} {attempt:?}");
        assert_eq!(told.system.lines(), expected, "{kind:?} {open} {repeated} {known:?} {there}");
        assert_eq!(ticket.as_ref().map(|ticket| ticket.id.as_str()), kept, "{kind:?}");
        let link = kept.map(|id| format!("{}/t/{id}", told.system.url()));
        assert_eq!(ticket.and_then(|ticket| ticket.url), link, "{kind:?}");
    }
}

#[tokio::test]
async fn what_was_read_goes_back_with_the_write() {
    let told = Told::by(with(true)).await;
    told.told(Kind::Resolved, false, false, Some("7")).await;
    assert_eq!(told.system.asked()[1].headers["if-match"], "\"e\"");
    assert_eq!(told.system.asked()[1].json(), json!({ "state": "closed" }));
}

#[tokio::test]
async fn every_answer_has_its_meaning() {
    let page = || (200, Vec::new(), "<html>Please log in</html>".to_owned());
    let no_id = || refused("the ticket's id is none: it has 1 to 200 bytes, no space, no quote and no bracket");
    let table: [(Reply, Attempt); 13] = [
        (answer(201, &json!({ "id": 9 })), done(201)),
        (answer(500, &json!({})), done(500)),
        (answer(400, &json!({ "id": 9 })), done(400)),
        (answer(302, &json!({ "id": 9 })), done(302)),
        (
            (429, vec![("retry-after", "17".to_owned())], String::new()),
            Attempt::Answered { status: 429, retry_after: Some("17".to_owned()) },
        ),
        (answer(412, &json!({})), unanswered("the receiver answered 412")),
        (page(), unanswered("the receiver answered with something else than JSON")),
        (answer(200, &json!({ "id": { "a": [1] } })), no_id()),
        (answer(200, &json!({ "id": "<b>9</b>" })), no_id()),
        (
            answer(200, &json!({ "error": { "code": "TicketCreate.AuthFail" } })),
            refused("the receiver answered 200 with an error: {\"code\":\"TicketCreate.AuthFail\"}"),
        ),
        (answer(200, &json!({ "number": 9 })), refused("there is no \"id\" in the answer")),
        (answer(200, &json!({ "id": "" })), no_id()),
        ((200, Vec::new(), "[".repeat(2_000_000)), refused("the answer is longer than 1048576 bytes")),
    ];
    for (reply, expected) in table {
        let shown = reply.2.chars().take(50).collect::<String>();
        let told = Told::by(move |_, _| reply.clone()).await;
        let (attempt, ticket) = told.told(Kind::Opened, true, false, None).await;
        assert_eq!(attempt, expected, "{shown}");
        assert_eq!(ticket.is_some(), expected == done(201), "{shown}");
    }
}

#[tokio::test]
async fn a_yes_that_is_none_is_not_believed() {
    let page = || (200, vec![("content-type", "Text/HTML; charset=utf-8".to_owned())], "<p>Log in</p>".to_owned());
    let left = "the receiver said yes and left it undone: its rules or the user's rights forbid it";
    for (kind, reply, expected) in [
        (Kind::Commented, page(), unanswered("the receiver answered with something else than JSON")),
        (Kind::Commented, (204, Vec::new(), String::new()), done(204)),
        (Kind::Closed, answer(200, &json!({ "state": "open" })), refused(left)),
        (Kind::Closed, answer(200, &json!({ "state": "over" })), done(200)),
    ] {
        let told = Told::by(move |_, _| reply.clone()).await;
        let (attempt, _) = told.told(kind, kind == Kind::Commented, false, Some("7")).await;
        assert_eq!(attempt, expected, "{kind:?}");
    }
}

#[tokio::test]
async fn a_ticket_that_was_made_is_kept_whatever_comes_after_it() {
    let told = Told::by(|line, _| match line {
        "POST /base/tickets" => answer(201, &json!({ "id": 9 })),
        _ => (503, vec![("retry-after", "5".to_owned())], String::new()),
    })
    .await;
    let (attempt, ticket) = told.told(Kind::Recorded, false, false, None).await;
    assert_eq!(attempt, Attempt::Answered { status: 503, retry_after: Some("5".to_owned()) });
    assert_eq!(ticket.unwrap().id, "9");
}

#[tokio::test]
async fn a_description_that_is_wrong_or_gone_is_tried_again() {
    let told = Told::by(with(true)).await;
    let Described::File(path) = &told.tickets.described else { panic!("it has a file") };
    std::fs::write(path, "nam: Tickets\nrequests: {}\n").unwrap();
    let (Attempt::Unanswered { error }, None) = told.told(Kind::Opened, true, false, None).await else { panic!() };
    assert!(error.starts_with("tickets.yaml:1:1: the key \"name\" is missing"), "{error}");
    std::fs::remove_file(path).unwrap();
    let (Attempt::Unanswered { error }, None) = told.told(Kind::Opened, true, false, None).await else { panic!() };
    assert!(error.starts_with("could not read the description"), "{error}");
    assert!(told.system.lines().is_empty());
}

#[tokio::test]
async fn whoever_asks_for_time_in_the_middle_gets_it_and_at_the_beginning_everything_waits() {
    let later = |seconds: &str| (429, vec![("retry-after", seconds.to_owned())], String::new());
    for (seconds, expected, requests) in [
        ("1", done(200), 4),
        ("3600", Attempt::Answered { status: 429, retry_after: Some("3600".to_owned()) }, 2),
        ("soon", Attempt::Answered { status: 429, retry_after: Some("soon".to_owned()) }, 2),
    ] {
        // The ticket is made; the first request of its end is put off.
        let told =
            Told::by(move |line, before| if before == 1 { later(seconds) } else { with(false)(line, before) }).await;
        let (attempt, ticket) = told.told(Kind::Recorded, false, false, None).await;
        assert_eq!((attempt, told.system.lines().len()), (expected, requests), "{seconds}");
        assert_eq!(ticket.unwrap().id, "9");
    }
    let told = Told::by(move |_, _| later("1")).await;
    let (attempt, _) = told.told(Kind::Opened, true, false, None).await;
    assert_eq!(attempt, Attempt::Answered { status: 429, retry_after: Some("1".to_owned()) });
    assert_eq!(told.system.lines().len(), 1, "nothing is half done yet, so it waits outside");
}

#[tokio::test]
async fn a_system_in_trouble_gets_one_ticket_and_is_not_asked_for_ever() {
    use crate::notify::verdict::{Outcome, judge};
    #[derive(Debug, PartialEq, Eq)]
    enum Became {
        Delivered,
        Again(Option<i64>),
        DeadLetter,
    }
    use Became::{Again, DeadLetter, Delivered};
    const PAGE: &str = "<html><h1>Welcome</h1></html>";
    let later = |status, after: &str| (status, vec![("retry-after", after.to_owned())], String::new());
    let html = |status| (status, vec![("content-type", "text/html".to_owned())], PAGE.to_owned());
    let elsewhere = || (302, vec![("location", "/elsewhere".to_owned())], String::new());
    let many = || (200, Vec::new(), format!("{{\"id\": 9, \"more\": \"{}\"}}", "x".repeat(2_000_000)));
    let table: [(Reply, Became, &str); 14] = [
        (answer(201, &json!({ "id": 9 })), Delivered, ""),
        (answer(500, &json!({})), Again(None), "the receiver answered 500"),
        (later(429, "17"), Again(Some(17_000)), "the receiver answered 429"),
        (later(503, "99999999"), Again(Some(3_600_000)), "the receiver answered 503"),
        (later(429, "soon"), Again(None), "the receiver answered 429"),
        (answer(400, &json!({ "error": "no" })), DeadLetter, "the receiver answered 400"),
        (answer(401, &json!({})), DeadLetter, "the receiver answered 401"),
        (answer(200, &json!({ "error": "no\u{1b}[2J" })), DeadLetter, "the receiver answered 200 with an error: no[2J"),
        (html(200), Again(None), "the receiver answered with something else than JSON"),
        (html(502), Again(None), "the receiver answered 502"),
        ((200, Vec::new(), String::new()), DeadLetter, "there is no \"id\" in the answer"),
        (
            answer(200, &json!({ "id": "a\nb" })),
            DeadLetter,
            "the ticket's id is none: it has 1 to 200 bytes, no space, no quote and no bracket",
        ),
        (elsewhere(), DeadLetter, "the receiver answered 302, and redirects are not followed"),
        (many(), DeadLetter, "the answer is longer than 1048576 bytes"),
    ];
    for (reply, expected, why) in table {
        let shown = format!("{} {:?}", reply.0, reply.1);
        let told = Told::by(move |_, _| reply.clone()).await;
        let (attempt, kept) = told.told(Kind::Opened, true, false, None).await;
        let (found, error) = match judge(&attempt, at(0)) {
            Outcome::Delivered => (Delivered, String::new()),
            Outcome::Failed { retryable: true, retry_after_ms, error } => (Again(retry_after_ms), error),
            Outcome::Failed { error, .. } => (DeadLetter, error),
        };
        assert_eq!((&found, error.as_str()), (&expected, why), "{shown}");
        assert_eq!(kept.is_some(), found == Delivered, "{shown}");
        assert_eq!(
            told.system.lines(),
            ["POST /base/tickets"],
            "{shown}: no redirect is followed, nothing is made twice"
        );
    }
}

#[tokio::test]
async fn a_system_that_says_nothing_is_asked_again_and_searched_first() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut told = Told::by(with(true)).await;
    let (there, timeouts) = (
        told.tickets.url.clone(),
        crate::notify::post::Timeouts {
            connect: std::time::Duration::from_secs(1),
            total: std::time::Duration::from_secs(1),
        },
    );
    told.tickets.url = ReceiverUrl::Url(format!("http://{}/base", listener.local_addr().unwrap()));
    rustls::crypto::ring::default_provider().install_default().ok();
    let impatient = Poster::new(timeouts, crate::notify::post::Proxies::None).unwrap();
    let (attempt, kept) = told.told_by(&impatient, Kind::Opened, true, false, None).await;
    assert_eq!((attempt, kept), (unanswered("the receiver did not answer in time"), None));
    told.tickets.url = there;
    let (attempt, kept) = told.told(Kind::Opened, true, true, None).await;
    assert_eq!(
        (attempt, kept.map(|ticket| ticket.id)),
        (done(200), Some("7".to_owned())),
        "it was made, and the answer lost"
    );
    assert_eq!(told.system.lines(), ["GET /base/tickets?q=0a1b2c3d-INC-7"]);
}
