//! The life of an incident in the hands of people: through the API, the command line and the forms of its page.

use serde_json::{Value, json};
use uphold_common::observation::Outcome;
use uphold_tests::process::http::{self, Answer};
use uphold_tests::process::wait::wall_ms;

use crate::callers::{GUARDED, word};
use crate::pushes::{batch, push};
use crate::world::{World, run, until};

/// A guarded world with an outage; the operator's token, and the number of its incident.
fn outage() -> (World, String, u64) {
    let world = World::configured(GUARDED);
    let (agent, duty) = (world.give_token("zurich-1", "agent", &[]), world.give_token("duty", "operator", &[]));
    let start = wall_ms() - 10_000;
    let rows: Vec<(i64, Outcome)> = (0..18).map(|n| (start + n * 500, Outcome::Down)).collect();
    assert_eq!(world.push_as(&agent, &push(&batch(1, &rows)).encode().unwrap()).code, 200);
    let number = until("the incident", || {
        let list: Value = world.send(Some(&duty), "GET", "/api/v1/incidents?cause=service_down", None).json().unwrap();
        list["incidents"].as_array()?.first()?["number"].as_u64()
    });
    (world, duty, number)
}

#[test]
fn an_incident_goes_through_its_life_as_people_say_and_nobody_undoes_what_they_have_not_seen() {
    let (world, duty, number) = outage();
    let path = |what: &str| format!("/api/v1/incidents/INC-{number}{what}");
    let act = |what: &str, body: Value| world.send(Some(&duty), "POST", &path(what), Some(&body));
    let refused = |answer: Answer, status: u16, expected: &str| {
        assert_eq!((answer.code, word(&answer).as_str()), (status, expected), "{}", answer.text());
    };
    let incident = |answer: Answer| -> Value {
        assert_eq!(answer.code, 200, "{}", answer.text());
        answer.json().unwrap()
    };
    let assigned = incident(act("/assign", json!({ "to": "network team", "expected_events": 1 })));
    assert_eq!((&assigned["assignee"], &assigned["events"]), (&json!("network team"), &json!(2)));
    let late = act("/assign", json!({ "to": "somebody else", "expected_events": 1 }));
    assert!(late.text().contains("has 2 events by now, and not 1; it is open"), "{}", late.text());
    refused(late, 409, "changed-meanwhile");
    refused(act("/links", json!({ "kind": "parent", "to": format!("INC-{number}") })), 409, "part-of-itself");
    incident(act("/links", json!({ "kind": "change", "to": "CHG-1042" })));
    incident(act("/major", json!({ "owner": "A. Keller", "because": "everybody is offline" })));
    refused(act("/close", json!({})), 409, "not-resolved");
    let began = assigned["started"].as_i64().unwrap();
    refused(act("/resolve", json!({ "text": "mended", "ended": began - 1 })), 422, "unsound-end");
    let resolved = incident(act("/resolve", json!({ "text": "mended", "ended": began + 1 })));
    assert_eq!(resolved["resolved"]["ended"], began + 1);
    assert_eq!(resolved["resolved"]["by"]["name"], "duty");
    refused(act("/close", json!({})), 409, "review-missing");
    incident(act("/notice", json!({})));
    incident(act("/review", json!({ "text": "A digger." })));
    let id = resolved["id"].as_str().unwrap();
    let closed = world.send(Some(&duty), "POST", &format!("/api/v1/incidents/{id}/close"), Some(&json!({})));
    assert_eq!(incident(closed)["state"], "closed", "it goes by its id, too");
    refused(act("/reopen", json!({})), 409, "already-closed");

    let listed = |query: &str| -> Vec<u64> {
        let answer = world.send(Some(&duty), "GET", &format!("/api/v1/incidents?{query}"), None);
        let list: Value = answer.json().unwrap();
        list["incidents"].as_array().unwrap().iter().filter_map(|one| one["number"].as_u64()).collect()
    };
    assert!(listed("state=closed&assignee=network+team&major=true").contains(&number));
    assert!(!listed("state=open").contains(&number) && !listed("state=all&major=false").contains(&number));
    for kind in ["assigned", "linked", "major", "resolved", "notice_received", "reviewed", "closed"] {
        world.wait_for_message(&format!("uphold.incident.{kind}"), "service_down");
    }
    let shown = run("uphold-collector", &["incidents", "show", id, "--data", &world.collector_data()]);
    let shown = String::from_utf8(shown.stdout).unwrap();
    for line in ["assigned to", "CHG-1042", "A. Keller", "mended", "A digger.", "; somebody resolved it: duty"] {
        assert!(shown.contains(line), "{line} is not in\n{shown}");
    }
    let deeds = run("uphold-collector", &["deeds", "--data", &world.collector_data()]);
    let deeds = String::from_utf8(deeds.stdout).unwrap();
    for deed in [
        "assigned INC-",
        "linked INC-",
        "declared INC-",
        "resolved INC-",
        "received the notice of INC-",
        "filed the review of INC-",
        "closed INC-",
    ] {
        assert!(deeds.contains(&format!("duty (operator)  {deed}")), "{deed} is not among\n{deeds}");
    }
}

#[test]
fn the_command_line_acts_on_a_collector_that_runs_and_on_a_store_alike() {
    let (mut world, duty, number) = outage();
    let (data, name) = (world.collector_data(), format!("INC-{number}"));
    let does = |words: &[&str]| {
        let mut all = vec!["incidents", words[0], name.as_str()];
        all.extend(&words[1..]);
        all.extend(["--data", &data]);
        let ended = run("uphold-collector", &all);
        (ended.status.code().unwrap(), String::from_utf8(ended.stderr).unwrap())
    };
    let done = |words: &[&str]| assert_eq!(does(words), (0, String::new()), "{words:?}");
    done(&["acknowledge", "--comment", "on it", "--expected-events", "1"]);
    let (code, said) = does(&["assign", "network team", "--expected-events", "1"]);
    assert!(code == 1 && said.contains("has 2 events by now, and not 1; it is acknowledged"), "{code}: {said}");
    done(&["resolve", "the cable is mended"]);
    done(&["reopen", "--comment", "it is not"]);
    let listed = world.send(Some(&duty), "GET", "/api/v1/incidents?state=acknowledged", None).text();
    assert!(listed.contains("\"held_open\":true"), "{listed}");
    world.kill_collector();
    done(&["resolve", "now it is"]);
    let (code, said) = does(&["close", "--comment", "\u{1b}"]);
    assert!(code == 2 && said.contains("a comment has 1 to"), "{code}: {said}");
    done(&["close"]);
    let (code, said) = does(&["reopen"]);
    assert!(code == 1 && said.contains("is closed; what comes again is another incident"), "{code}: {said}");
    let listed = run("uphold-collector", &["incidents", "--state", "closed", "--data", &data]);
    assert!(String::from_utf8(listed.stdout).unwrap().contains(&name));
    world.start_collector();
    let history: Value = world.send(Some(&duty), "GET", &format!("/api/v1/incidents/{name}"), None).json().unwrap();
    assert_eq!(history["incident"]["state"], "closed", "what was done to the store is so");
}

#[test]
fn a_form_acts_on_what_was_seen_and_loses_nothing_of_what_was_written() {
    let (world, duty, number) = outage();
    let own = world.collector_url();
    let submit = |path: &str, cookie: &str, body: String| {
        let headers =
            [("content-type", "application/x-www-form-urlencoded"), ("cookie", cookie), ("origin", own.as_str())];
        http::send(world.collector_port, "POST", path, &headers, body.as_bytes()).unwrap()
    };
    let session = submit("/sign-in", "", format!("token={duty}"));
    let cookie = session.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let page = |path: &str| http::send(world.collector_port, "GET", path, &[("cookie", &cookie)], &[]).unwrap().text();
    let path = format!("/incidents/INC-{number}");
    let shown = page(&path);
    let secret_word = shown.split("name=\"word\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let taken = submit(&format!("{path}/acknowledge"), &cookie, format!("word={secret_word}&expected_events=1"));
    assert_eq!((taken.code, taken.header("location")), (303, Some(format!("../INC-{number}").as_str())));
    let body = format!("word={secret_word}&expected_events=1&text=it+was+a+%3Ccable%3E&ended=");
    let late = submit(&format!("{path}/resolve"), &cookie, body);
    assert_eq!(late.code, 409, "{}", late.text());
    for expected in
        ["Nothing was done: INC-", "has 2 events by now", "it was a &lt;cable&gt;", "href=\"../../page.css\""]
    {
        assert!(late.text().contains(expected), "{expected} is not in {}", late.text());
    }
    let body = format!("word={secret_word}&expected_events=2&text=mended&ended=");
    assert_eq!(submit(&format!("{path}/resolve"), &cookie, body).code, 303);
    assert!(page(&path).contains("by duty (operator)"));
    assert!(page("/incidents?state=resolved").contains(&format!("href=\"incidents/INC-{number}\"")));
    let strange = submit(&format!("{path}/links"), &cookie, format!("word={secret_word}&kind=uncle&to=x"));
    assert_eq!((strange.code, crate::callers::word(&strange).as_str()), (400, "unsound-form"));
}
