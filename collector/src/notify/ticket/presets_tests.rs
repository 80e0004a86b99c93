//! Every description that comes along, for every kind of event, against a system that takes anything: each request is what
//! its vendor's documentation asks for, whatever stands in the incident, and no secret stands where it would be seen.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value as Json, json};
use uphold_common::catalogue::model::{Channel, Described, PRESETS, ReceiverUrl, Tickets};

use super::*;
use crate::notify::entry::Key;
use crate::notify::message::Kind;
use crate::notify::outbox::Delivery;
use crate::notify::testing::{at, id};
use crate::notify::ticket::Ticket;
use crate::notify::ticket::deliver::deliver;
use crate::notify::ticket::known::{Known, described};
use crate::notify::ticket::scripted::{Asked, Reply, System, json as answer, poster};
use crate::notify::ticket::talk::Talk;
use crate::notify::ticket::values::Values;
use crate::notify::verdict::Attempt;

const KINDS: [Kind; 15] = [
    Kind::Opened,
    Kind::Acknowledged,
    Kind::Commented,
    Kind::Assigned,
    Kind::Linked,
    Kind::Affected,
    Kind::Escalated,
    Kind::Major,
    Kind::NoticeReceived,
    Kind::Resolved,
    Kind::Reopened,
    Kind::Amended,
    Kind::Reviewed,
    Kind::Closed,
    Kind::Recorded,
];
const HOSTILE: &str = "down\", \"x\": \"{{ 7 }}</p><b>ü\n\u{1}\\ & <!channel>";

/// A receiver of a preset, with everything that it asks for.
pub(super) fn receiver(preset: &'static str, url: &str, folder: &std::path::Path) -> Tickets {
    let file = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let asked = super::super::read::read(preset, text(preset).unwrap()).unwrap();
    let (token, user, password) = asked.credentials.asked();
    let missing = asked.variables.iter().filter(|(_, default)| default.is_none());
    Tickets {
        described: Described::Preset(preset),
        url: ReceiverUrl::Url(url.to_owned()),
        token_file: token.then(|| file("token", "s3cr3t-token\n")),
        user: user.then(|| "uphold".to_owned()),
        password_file: password.then(|| file("password", "s3cr3t-password\n")),
        variables: missing.map(|(name, _)| (name.clone(), format!("a {name}"))).collect::<BTreeMap<_, _>>(),
        poll_ms: 60_000,
    }
}

fn delivery(tickets: &Tickets, kind: Kind, kept: Option<Vec<u8>>) -> Delivery {
    let over = matches!(kind, Kind::Resolved | Kind::Amended | Kind::Reviewed | Kind::Closed | Kind::Recorded);
    let mut data = json!({
        "number": 7, "cause": "service_down", "service": "shop", "service_name": HOSTILE, "summary": HOSTILE,
        "customers": ["retail", "wholesale"], "components": [], "affected": [], "priority": "P1", "urgency": "urgent",
        "state": if over { "resolved" } else { "open" }, "started": "2026-01-01T00:00:00Z", "happened": HOSTILE,
        "owner": null,
    });
    if kind == Kind::Commented {
        data["comment"] = json!({ "by": "ada", "text": HOSTILE });
    }
    let body = json!({
        "id": "0a1b2c3d-INC-7.2", "type": kind.as_str(), "subject": "INC-7", "time": "2026-01-01T00:00:01Z", "data": data,
    });
    Delivery {
        key: Key { receiver: id("tickets"), order: 1 },
        channel: Arc::new(Channel::Tickets(tickets.clone())),
        id: "0a1b2c3d-INC-7.2".to_owned(),
        incident: None,
        kind,
        body: body.to_string(),
        attempt: 1,
        repeated: false,
        at: at(0),
        kept,
    }
}

/// A system that says yes, with every id that any of them gives, and with the status that it was given.
fn agreeable() -> impl Fn(&Asked, usize) -> Reply + Send + Sync {
    let status = Mutex::new(json!("new"));
    move |asked, _before| {
        let body = asked.json();
        let mut status = status.lock().unwrap();
        if let Some(given) = ["/Status", "/issue/status_id", "/input/status"].iter().find_map(|at| body.pointer(at)) {
            *status = given.clone();
        }
        let all = json!({
            "id": 12, "data": { "id": "12", "attributes": { "messages": ["1"], "status": "1" } },
            "issue": { "id": 12, "status": { "id": *status } }, "Status": *status, "status": *status,
            "result": { "sys_id": "12" }, "session_token": "5e5510n", "collection": [], "items": [],
        });
        let (status, mut headers, body) = answer(if asked.method == "POST" { 201 } else { 200 }, &all);
        headers.push(("etag", "\"e1\"".to_owned()));
        (status, headers, body)
    }
}

#[test]
fn the_names_of_the_catalogue_are_those_of_the_files() {
    assert_eq!(ALL.map(|(name, _)| name), PRESETS);
    for (name, text) in ALL {
        let tried = text.contains("# Tried on the real service:");
        assert_ne!(tried, text.contains("# Not tried on the real service:"), "{name} says whether it was tried");
    }
}

#[test]
fn what_a_catalogue_gives_must_fit() {
    let folder = tempfile::tempdir().unwrap();
    let sound = receiver("redmine", "http://127.0.0.1/", folder.path());
    assert!(described(&sound).is_ok());
    let with = |name: &str| Tickets { variables: BTreeMap::from([(name.to_owned(), "x".to_owned())]), ..sound.clone() };
    let no_token = Tickets { token_file: None, ..sound.clone() };
    let user = Tickets { user: Some("ada".to_owned()), ..sound.clone() };
    let file = Tickets { described: Described::File("/nowhere/a.yaml".to_owned()), ..sound.clone() };
    for (wrong, expected) in [
        (with("projekt"), "Redmine has no variable \"projekt\" (did you mean \"project\"?)"),
        (with("done"), "Redmine asks for the variable \"project\", which is missing"),
        (no_token, "Redmine asks for \"token_file\", which is missing"),
        (user, "Redmine has no use for \"user\""),
        (file, "could not read the description /nowhere/a.yaml: No such file or directory (os error 2)"),
    ] {
        assert_eq!(described(&wrong).unwrap_err(), expected);
    }
}

#[tokio::test]
async fn every_kind_of_event_is_told_to_every_system_and_no_secret_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    for (preset, _) in ALL {
        let system = System::start(agreeable()).await;
        let tickets = receiver(preset, &system.url(), folder.path());
        let mut kept = None;
        for kind in KINDS {
            let report = deliver(&poster(), &tickets, &delivery(&tickets, kind, kept.clone())).await;
            assert!(
                matches!(report.attempt, Attempt::Answered { status: 200 | 201, .. }),
                "{preset} {kind:?} {report:?}"
            );
            kept = report.kept.or(kept);
            for asked in system.asked() {
                assert!(!asked.path.contains("s3cr3t"), "{preset} {}", asked.line());
                assert_eq!(asked.body.contains("s3cr3t"), preset == "pagerduty", "{preset} {}", asked.body);
                assert!(asked.body.is_empty() || !asked.json().is_null(), "{preset} {}", asked.body);
            }
        }
        let ticket = kept.as_deref().and_then(Ticket::from_bytes);
        assert_eq!(ticket.is_none(), ["slack", "teams"].contains(&preset), "{preset}");
        let told: std::collections::BTreeSet<String> = system.lines().into_iter().collect();
        assert!(!told.is_empty(), "{preset}");
    }
}

/// What making a ticket asks each system for, as its vendor writes it.
#[tokio::test]
async fn a_ticket_is_made_as_each_vendor_asks_for_it() {
    let summary: String = HOSTILE.to_owned();
    let title = format!("[0a1b2c3d-INC-7] {summary}");
    let table: [(&str, &str, &str, Json); 10] = [
        ("glpi", "/base/Ticket", "/input/name", json!(title)),
        ("jira-service-management", "/base/jsm/ops/integration/v2/alerts", "/alias", json!("0a1b2c3d-INC-7")),
        ("pagerduty", "/base/v2/enqueue", "/payload/severity", json!("critical")),
        ("redmine", "/base/issues.json", "/issue/priority_id", json!(5)),
        ("request-tracker", "/base/REST/2.0/ticket", "/Subject", json!(title)),
        ("roundup", "/base/rest/data/issue", "/title", json!(title)),
        ("servicenow", "/base/api/now/table/incident", "/correlation_id", json!("0a1b2c3d-INC-7")),
        ("slack", "/base", "/text", json!(null)),
        ("teams", "/base", "/attachments/0/content/body/0/text", json!("INC-7 (P1) opened")),
        ("zammad", "/base/api/v1/tickets", "/article/type", json!("note")),
    ];
    let folder = tempfile::tempdir().unwrap();
    for (preset, path, pointer, expected) in table {
        let system = System::start(agreeable()).await;
        let tickets = receiver(preset, &system.url(), folder.path());
        deliver(&poster(), &tickets, &delivery(&tickets, Kind::Opened, None)).await;
        let asked = system.asked();
        let last = asked.iter().rfind(|asked| asked.method == "POST").unwrap();
        assert_eq!(last.line(), format!("POST {path}"), "{preset}");
        assert_eq!(last.headers["content-type"], "application/json", "{preset}");
        match expected {
            Json::Null => {
                let text = last.json()["text"].as_str().unwrap_or_default().to_owned();
                assert!(text.contains("&lt;!channel&gt;") && !text.contains("<!channel>"), "{text}");
            }
            expected => assert_eq!(last.json().pointer(pointer), Some(&expected), "{preset} {}", last.body),
        }
    }
}

#[tokio::test]
async fn a_session_is_opened_once_and_closed_behind_everything() {
    let folder = tempfile::tempdir().unwrap();
    let system = System::start(agreeable()).await;
    let tickets = receiver("glpi", &system.url(), folder.path());
    let known = Known::of(&tickets).await.unwrap();
    let poster = poster();
    let mut talk = Talk::new(&poster, &known, Values::new(&known, "a"));
    for id in ["12", "13"] {
        talk.turn_to(Values::new(&known, "a"));
        talk.values.ticket(&Ticket { id: id.to_owned(), url: None });
        talk.all(&known.description.poll.as_ref().unwrap().requests).await.unwrap();
    }
    talk.end().await;
    let session = |asked: &Asked| asked.headers.get("session-token").is_some_and(|token| token == "5e5510n");
    assert!(system.asked()[1..].iter().all(session));
    let lines = ["GET /base/initSession", "GET /base/Ticket/12", "GET /base/Ticket/13", "GET /base/killSession"];
    assert_eq!(system.lines(), lines);
}

#[tokio::test]
async fn what_is_known_of_a_receiver_holds_no_secret_in_its_errors() {
    let folder = tempfile::tempdir().unwrap();
    let tickets = receiver("roundup", "http://hidden.example/", folder.path());
    let known = Known::of(&tickets).await.unwrap();
    let error = "asked hidden.example as uphold with s3cr3t-password".to_owned();
    assert_eq!(known.redacted(error), "asked … as uphold with …");
}
