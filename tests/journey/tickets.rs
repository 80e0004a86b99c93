//! A real ticket system in both directions: what happens here is a ticket there, what people do there is done here, and
//! nothing is made twice, whatever is throttled, cut off or killed.

use serde_json::Value;
use uphold_tests::process::relay::Relay;
use uphold_tests::process::roundup::Roundup;

use crate::figures::with_cause;
use crate::outage::DOWN;
use crate::world::{World, run, until};

/// A world that makes tickets there.
fn world(roundup: &Roundup) -> World {
    let receiver = format!(
        "  - {{ id: desk, http: {{ preset: roundup, url: \"{}\", user: admin, password_file: \"{}\", poll: 1s }} }}\n",
        roundup.url(),
        roundup.password_file().unwrap()
    );
    told_to(&receiver)
}

/// A world that tells everything to this receiver, `desk`, too.
pub(crate) fn told_to(receiver: &str) -> World {
    World::watched_under(|_, text| {
        text.replace("receivers:\n", &format!("receivers:\n{receiver}"))
            .replace("routes:\n", "routes:\n  - { to: desk }\n")
    })
}

pub(crate) fn until_all_have_tickets(world: &World) -> Vec<Value> {
    until("each incident to have its ticket", || {
        let all = world.incidents();
        let has = |one: &Value| events(world, one).iter().any(|event| event["event"] == "ticket");
        (!all.is_empty() && all.iter().all(has)).then_some(all)
    })
}

pub(crate) fn nothing_was_given_up(world: &World) {
    let dead = world.collector_metric("uphold_receiver_dead_letters{receiver=\"desk\"}");
    assert!(dead.is_none_or(|dead| dead < 0.5), "{dead:?}");
}

/// The incident about the shop that is down.
pub(crate) fn incident(world: &World) -> Value {
    until("the incident", || with_cause(&world.incidents(), DOWN).first().map(|one| (*one).clone()))
}

pub(crate) fn name(incident: &Value) -> String {
    format!("INC-{}", incident["number"])
}

/// The one issue of an incident.
fn issue(roundup: &Roundup, incident: &Value) -> Value {
    let title = format!("-{}]", name(incident));
    let mut found = until("an issue", || roundup.issues(&title).ok().filter(|found| !found.is_empty()));
    assert_eq!(found.len(), 1, "{found:#?}");
    found.remove(0)
}

fn until_status(roundup: &Roundup, incident: &Value, status: &str) -> Value {
    until(&format!("the issue to be {status}"), || {
        let issue = issue(roundup, incident);
        (issue["status"]["name"] == status).then_some(issue)
    })
}

/// What happened to the incident, as the API tells it.
pub(crate) fn events(world: &World, incident: &Value) -> Vec<Value> {
    world.ask(&format!("/api/v1/incidents/{}", name(incident)))["events"].as_array().unwrap().clone()
}

/// The comments of an incident: by whom, and what.
pub(crate) fn comments(world: &World, incident: &Value) -> Vec<(Value, String)> {
    let all = events(world, incident).into_iter().filter(|event| event["event"] == "commented");
    all.map(|event| (event["by"].clone(), event["text"].as_str().unwrap().to_owned())).collect()
}

pub(crate) fn until_commented(world: &World, incident: &Value, text: &str) {
    let there = || comments(world, incident).iter().any(|(_, said)| said == text).then_some(());
    until(&format!("the comment {text}"), there);
}

#[test]
fn what_happens_here_is_a_ticket_there_and_what_people_do_there_is_done_here() {
    let roundup = Roundup::start().unwrap();
    let mut world = world(&roundup);
    world.stop_shop();
    let incident = incident(&world);
    let made = issue(&roundup, &incident);
    assert_eq!(made["status"]["name"], "unread");
    assert_eq!(made["priority"]["name"], "critical", "it is P1");
    assert!(roundup.messages(&made).unwrap()[0].contains("Service: Web shop"));

    roundup.say(&made, "the carrier is told").unwrap();
    until_commented(&world, &incident, "the carrier is told");
    let looks = |what: &str| world.collector_metric(&format!("uphold_receiver_{what}{{receiver=\"desk\"}}"));
    until("the looks to be counted", || looks("looks_total").filter(|looks| *looks > 0.5));
    assert!(looks("looked_timestamp_seconds").is_some() && looks("looks_failed_total") < looks("looks_total"));
    let said = run(
        "uphold-collector",
        &["incidents", "comment", &name(&incident), "a cable was cut", "--data", &world.collector_data()],
    );
    assert!(said.status.success(), "{said:?}");
    let ours = |text: &String| text.contains("a cable was cut");
    until("our comment there", || {
        roundup.messages(&issue(&roundup, &incident)).unwrap().iter().any(ours).then_some(())
    });
    // Behind this one stands whatever was taken for news before it.
    roundup.say(&issue(&roundup, &incident), "they are on their way").unwrap();
    until_commented(&world, &incident, "they are on their way");
    let all = comments(&world, &incident);
    let texts: Vec<&str> = all.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(texts, ["the carrier is told", "a cable was cut", "they are on their way"], "each once, none back");
    let by = serde_json::json!({ "kind": "receiver", "receiver": "desk", "name": "ada" });
    assert_eq!(all[0].0, by);

    roundup.set(&issue(&roundup, &incident), "assignedto", "ada").unwrap();
    let taken = until("somebody to have it", || {
        events(&world, &incident).into_iter().find(|event| event["event"] == "acknowledged")
    });
    assert_eq!(taken["by"], by);

    world.start_shop();
    let over = until_status(&roundup, &incident, "resolved");
    let messages = roundup.messages(&over).unwrap();
    assert_eq!(messages.iter().filter(|text| text.contains("a cable was cut")).count(), 1, "{messages:#?}");
    assert!(!messages.iter().any(|text| text.contains("acknowledged by")), "what came from there: {messages:#?}");
    let tickets = events(&world, &incident).into_iter().filter(|event| event["event"] == "ticket").count();
    assert_eq!(tickets, 1, "it is on record where the ticket is");
}

#[test]
fn what_is_closed_there_is_resolved_here_in_the_name_of_whoever_closed_it() {
    let roundup = Roundup::start().unwrap();
    let mut world = world(&roundup);
    world.stop_shop();
    let incident = incident(&world);
    roundup.set(&issue(&roundup, &incident), "assignedto", "ada").unwrap();
    roundup.set(&issue(&roundup, &incident), "status", "resolved").unwrap();
    let over = until("it to be resolved by hand", || {
        events(&world, &incident).into_iter().find(|event| event["event"] == "resolved" && !event["by"].is_null())
    });
    assert_eq!(over["by"]["receiver"], "desk");
    assert_eq!(over["resolution"], "by_hand");
    assert_eq!(issue(&roundup, &incident)["status"]["name"], "resolved");
}

#[test]
fn a_system_that_asks_for_time_gets_it_and_has_everything_once() {
    let roundup = Roundup::throttled(4, 8).unwrap();
    let mut world = world(&roundup);
    world.stop_shop();
    let incident = incident(&world);
    issue(&roundup, &incident);
    world.start_shop();
    // Whoever looks there too often is throttled as well, so what was written there is looked for in the system's own log.
    let patched = |line: &str| line.contains("\"PATCH /t/rest/data/issue/1") && line.contains("\" 200 ");
    until("the issue to be resolved", || roundup.log().lines().any(patched).then_some(()));
    assert!(roundup.log().contains("\" 429 "), "it asked for time: {}", roundup.log());
    nothing_was_given_up(&world);
}

#[test]
fn a_collector_that_is_killed_between_the_ticket_and_its_record_finds_it_again() {
    let (relay, listener) = Relay::listen().unwrap();
    let roundup = Roundup::behind(relay.port()).unwrap();
    relay.pass_on(listener, roundup.port());
    let mut world = world(&roundup);
    relay.swallow("POST /t/rest/data/issue ");
    world.stop_shop();
    until("the answer to be lost", || relay.has_swallowed().then_some(()));
    world.kill_collector();
    world.start_collector();
    let all = until_all_have_tickets(&world);
    for one in &all {
        issue(&roundup, one);
    }
    assert_eq!(roundup.issues("INC-").unwrap().len(), all.len(), "none was made twice");
}
