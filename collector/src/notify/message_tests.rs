//! Messages: the golden body, the kinds, and who is told.

use uphold_common::catalogue::model::{Priority, Route};
use uphold_common::ids::PathId;

use super::*;
use crate::incident::model::{Number, Opening, PriorityText, Resolution};
use crate::notify::testing::{at, catalogue, id, route};

const T0: i64 = 1_767_225_600_000;
const STORE: Epoch = Epoch([0x0a, 0x1b, 0x2c, 0x3d, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);

fn down() -> Subject {
    Subject::ServiceDown { service: id("shop") }
}

fn opened(subject: Subject, priority: &str) -> Change {
    let priority = PriorityText(Priority::parse(priority).unwrap());
    Change::Opened(Opening::new(subject, at(T0), priority, "shop is \"down\"".to_owned()))
}

fn resolved(ended: i64) -> Change {
    Change::over(at(T0 + ended), Resolution::Recovered)
}

/// A history of incident 7, one decision for each list of changes, and what the last decision makes of the incident.
fn history(decisions: &[&[Change]]) -> (Decision, Incident) {
    let (mut place, mut incident) = (0, None);
    let mut last = Decision { events: Vec::new() };
    for (i, changes) in decisions.iter().enumerate() {
        last.events.clear();
        for change in *changes {
            place += 1;
            let decided_at = at(T0 + 60_000 * (1 + i64::try_from(i).unwrap()) + 250);
            let event = Event { number: Number(7), place, decided_at, change: change.clone() };
            incident = Incident::after(incident, &event);
            last.events.push(event);
        }
    }
    (last, incident.unwrap())
}

fn told(catalogue: &Catalogue, decisions: &[&[Change]]) -> Vec<Message> {
    let (decision, after) = history(decisions);
    compose(STORE, catalogue, &decision, &after)
}

fn one(decisions: &[&[Change]]) -> (Message, Value) {
    let mut catalogue = catalogue(&[("duty", "http://127.0.0.1/")]);
    catalogue.routes = vec![Route { late: true, ..route("duty", &[]) }];
    let mut messages = told(&catalogue, decisions);
    assert_eq!(messages.len(), 1);
    let message = messages.remove(0);
    let body = serde_json::from_str(&message.body).unwrap();
    (message, body)
}

#[test]
fn what_a_body_ever_said_it_still_says() {
    let (message, _) = one(&[&[opened(down(), "P1")], &[resolved(45_000)]]);
    assert_eq!(message.id, "0a1b2c3d-INC-7.2");
    let golden = concat!(
        r#"{"data":{"cause":"service_down","customers":["retail","wholesale"],"duration_ms":45000,"number":7,"#,
        r#""opened":"2026-01-01T00:01:00.25Z","opened_ms":1767225660250,"priority":"P1","#,
        r#""resolved":{"decided":"2026-01-01T00:02:00.25Z","decided_ms":1767225720250,"#,
        r#""ended":"2026-01-01T00:00:45Z","ended_ms":1767225645000,"resolution":"recovered","#,
        r#""resolution_text":"the service works again"},"#,
        r#""service":"shop","service_name":"The shop","started":"2026-01-01T00:00:00Z","started_ms":1767225600000,"#,
        r#""state":"resolved","summary":"shop is \"down\"","urgency":"urgent"},"#,
        r#""datacontenttype":"application/json","id":"0a1b2c3d-INC-7.2","#,
        r#""source":"urn:uphold:store:0a1b2c3d0405060708090a0b0c0d0e0f","specversion":"1.0","subject":"INC-7","#,
        r#""time":"2026-01-01T00:02:00.25Z","type":"uphold.incident.resolved"}"#,
    );
    let (golden, body): (Value, Value) =
        (serde_json::from_str(golden).unwrap(), serde_json::from_str(&message.body).unwrap());
    for (at, said) in [(&golden, &body), (&golden["data"], &body["data"])] {
        for (key, value) in at.as_object().unwrap().iter().filter(|(key, _)| *key != "data") {
            assert_eq!(said[key], *value, "{key}");
        }
    }
}

#[test]
fn a_breach_names_its_target_and_window() {
    let target = PathId::new(id("sla"), id("availability"));
    for (window_start, expected) in [(Some(at(T0)), json!("2026-01-01T00:00:00Z")), (None, Value::Null)] {
        let subject = Subject::TargetBreached { service: id("shop"), target: target.clone(), window_start };
        // What is written by hand here is what the incident's own form says.
        let own = serde_json::to_value(&subject).unwrap();
        let (_, body) = one(&[&[opened(subject, "P2")]]);
        let data = &body["data"];
        assert_eq!(data["cause"], own["cause"]);
        assert_eq!(data["target"], "sla/availability");
        assert_eq!(data["window_start"], expected);
        assert_eq!(data["state"], "open");
        assert_eq!(data["urgency"], "normal");
        assert!(data.get("resolved").is_none() && data.get("duration_ms").is_none());
    }
    let (_, body) = one(&[&[opened(down(), "P1")]]);
    assert_eq!(body["data"]["cause"], serde_json::to_value(down()).unwrap()["cause"]);
}

#[test]
fn the_kind_tells_what_the_decision_did() {
    let open = [opened(down(), "P1")];
    let over = [open[0].clone(), resolved(9)];
    let table: [(&[&[Change]], &str, &str); 4] = [
        (&[&open], "uphold.incident.opened", "0a1b2c3d-INC-7.1"),
        (&[&over], "uphold.incident.recorded", "0a1b2c3d-INC-7.2"),
        (&[&open, &[resolved(9)]], "uphold.incident.resolved", "0a1b2c3d-INC-7.2"),
        (&[&over, &[Change::again()]], "uphold.incident.reopened", "0a1b2c3d-INC-7.3"),
    ];
    for (decisions, kind, event_id) in table {
        let (message, body) = one(decisions);
        assert_eq!((message.kind.as_str(), message.id.as_str()), (kind, event_id));
        assert_eq!((&body["type"], &body["id"]), (&json!(kind), &json!(event_id)));
    }
}

#[test]
fn each_receiver_that_a_route_names_is_told_once() {
    let mut catalogue = catalogue(&[("chat", "http://a/"), ("duty", "http://b/"), ("mute", "http://c/")]);
    catalogue.routes = vec![
        route("duty", &["P1"]),
        route("chat", &[]),
        route("duty", &["P1", "P2"]),
        route("mute", &["P5"]),
        route("gone", &[]),
    ];
    let receivers = |priority: &str| -> Vec<String> {
        told(&catalogue, &[&[opened(down(), priority)]]).iter().map(|m| m.receiver.to_string()).collect()
    };
    assert_eq!(receivers("P1"), ["chat", "duty"]);
    assert_eq!(receivers("P3"), ["chat"]);
    assert_eq!(receivers("P5"), ["chat", "mute"]);
}

#[test]
fn what_was_over_before_it_became_known_goes_to_late_routes_until_it_is_opened_again() {
    let mut catalogue = catalogue(&[("chat", "http://a/"), ("duty", "http://b/")]);
    catalogue.routes = vec![Route { late: true, ..route("chat", &[]) }, route("duty", &[])];
    let receivers = |decisions: &[&[Change]]| -> Vec<String> {
        told(&catalogue, decisions).iter().map(|message| message.receiver.to_string()).collect()
    };
    let over = [opened(down(), "P1"), resolved(9)];
    assert_eq!(receivers(&[&over]), ["chat"]);
    assert_eq!(receivers(&[&over, &[Change::again()]]), ["chat", "duty"]);
    assert_eq!(receivers(&[&over, &[Change::again()], &[resolved(19)]]), ["chat", "duty"]);
    assert_eq!(receivers(&[&[opened(down(), "P1")], &[resolved(9)]]), ["chat", "duty"]);
}

#[test]
fn a_service_that_left_the_catalogue_is_told_of_by_its_id() {
    let mut catalogue = catalogue(&[("duty", "http://127.0.0.1/")]);
    catalogue.routes = vec![route("duty", &[])];
    catalogue.services.clear();
    let withdrawn = Change::over(at(T0), Resolution::Withdrawn);
    let messages = told(&catalogue, &[&[opened(down(), "P1")], &[withdrawn]]);
    let body: Value = serde_json::from_str(&messages[0].body).unwrap();
    assert_eq!((&body["data"]["service_name"], &body["data"]["customers"]), (&json!("shop"), &json!([])));
    assert_eq!(body["data"]["resolved"]["resolution"], "withdrawn");
    assert_eq!(body["data"]["duration_ms"], 0);
}

#[test]
fn routes_choose_by_urgency_and_by_the_agreement_that_is_touched() {
    let text = "
organisation: { name: Example, time_zone: UTC }
customers: [{ id: retail, name: Retail }]
services:
  - { id: shop, name: Shop, probes: [{ id: a, agents: [z], interval: 10s, timeout: 1s, tcp: { address: 'a.example:1' } }] }
  - { id: mail, name: Mail, probes: [{ id: a, agents: [z], interval: 10s, timeout: 1s, tcp: { address: 'a.example:1' } }] }
agreements:
  - { id: shop-sla, kind: sla, party: retail, targets: [{ id: a, service: shop, window: month, availability: 99% }] }
  - { id: mail-sla, kind: sla, party: retail, targets: [{ id: a, service: mail, window: month, availability: 99% }] }
  - { id: group-ola, kind: ola, party: own, targets: [{ id: a, service: shop, window: month, availability: 99% }] }
receivers:
  - { id: all-shop, webhook: { url: 'http://127.0.0.1/' } }
  - { id: group, webhook: { url: 'http://127.0.0.1/' } }
  - { id: now, webhook: { url: 'http://127.0.0.1/' } }
  - { id: either, webhook: { url: 'http://127.0.0.1/' } }
routes:
  - { to: all-shop, when: { agreement: [shop-sla] } }
  - { to: group, when: { agreement: [group-ola], urgency: [urgent] } }
  - { to: now, when: { urgency: [urgent] } }
  - { to: either, when: { agreement: [mail-sla, group-ola] } }
";
    let catalogue = uphold_common::catalogue::read(&[("catalogue.yaml", text)]).unwrap();
    let breached = |agreement: &str, service: &str| Subject::TargetBreached {
        service: id(service),
        target: PathId::new(id(agreement), id("a")),
        window_start: None,
    };
    let silent = Subject::AgentSilent { agent: id("z") };
    let affects = |service: &str| Change::Affected { services: vec![id(service)], customers: Vec::new() };
    let taken = Change::Acknowledged { by: Actor::Local { uid: None }, text: None };
    for (decisions, expected) in [
        (vec![vec![opened(down(), "P1")]], vec!["all-shop", "either", "group", "now"]),
        (vec![vec![opened(Subject::ServiceDown { service: id("mail") }, "P1")]], vec!["either", "now"]),
        // A breach is the matter of its own agreement, and normal.
        (vec![vec![opened(breached("shop-sla", "shop"), "P2")]], vec!["all-shop"]),
        (vec![vec![opened(breached("group-ola", "shop"), "P2")]], vec!["either"]),
        (vec![vec![opened(breached("gone-sla", "shop"), "P2")]], vec![]),
        // An agent touches nothing by itself, and what its silence leaves unseen all the same.
        (vec![vec![opened(silent.clone(), "P3")]], vec![]),
        (vec![vec![opened(silent, "P3"), affects("mail")], vec![taken]], vec!["either"]),
    ] {
        let decisions: Vec<&[Change]> = decisions.iter().map(Vec::as_slice).collect();
        let receivers: Vec<String> = told(&catalogue, &decisions).iter().map(|m| m.receiver.to_string()).collect();
        assert_eq!(receivers, expected, "{decisions:?}");
    }
}

#[test]
fn a_message_names_the_problem_and_what_is_known_of_it() {
    use crate::problem::model::ProblemNumber;
    use crate::problem::register::KnownErrorTold;

    let mut catalogue = catalogue(&[("duty", "http://127.0.0.1/")]);
    catalogue.routes = vec![route("duty", &[])];
    let (decision, after) = history(&[&[opened(down(), "P1")]]);
    let said = |behind: Option<&Behind>| -> Value {
        let messages = compose_knowing(STORE, &catalogue, &decision, &after, behind);
        serde_json::from_str::<Value>(&messages[0].body).unwrap()["data"].clone()
    };
    let mut behind = Behind { problem: ProblemNumber(2), known_error: None };
    assert!(said(None).get("problem").is_none());
    assert_eq!((&said(Some(&behind))["problem"], said(Some(&behind)).get("known_error")), (&json!("PRB-2"), None));
    let [problem, root_cause, workaround] = ["PRB-2", "a leak", "restart"].map(str::to_owned);
    behind.known_error = Some(KnownErrorTold { problem, root_cause, workaround });
    assert_eq!(said(Some(&behind))["known_error"]["workaround"], "restart");
}
