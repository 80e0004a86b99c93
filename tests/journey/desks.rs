//! Two more real ticket systems in both directions, Request Tracker and Redmine, each through its own interface: what
//! happens here is a ticket there, what people do there is done here, once, and nothing goes round in circles.

use uphold_tests::process::desk::{Desk, Ticket};
use uphold_tests::process::redmine::Redmine;
use uphold_tests::process::relay::Relay;
use uphold_tests::process::request_tracker::RequestTracker;

use crate::tickets::{
    comments, events, incident, name, nothing_was_given_up, told_to, until_all_have_tickets, until_commented,
};
use crate::world::{World, run, until};

use serde_json::{Value, json};

/// A world that makes tickets there.
fn world(desk: &dyn Desk) -> World {
    let receiver = format!(
        "  - {{ id: desk, http: {{ preset: {}, url: \"{}\", token_file: \"{}\", variables: {{ {} }}, poll: 1s }} }}\n",
        desk.preset(),
        desk.url(),
        desk.token_file(),
        desk.variables()
    );
    told_to(&receiver)
}

/// The one ticket of an incident, once it is as `wanted`.
fn until_ticket(desk: &dyn Desk, incident: &Value, what: &str, wanted: impl Fn(&Ticket) -> bool) -> Ticket {
    let title = format!("-{}]", name(incident));
    until(&format!("the ticket to be {what}"), || {
        let mut found = desk.tickets(&title).unwrap();
        assert!(found.len() <= 1, "{found:#?}");
        found.pop().filter(|ticket| wanted(ticket))
    })
}

/// Somebody does something to an incident here.
fn act(world: &World, incident: &Value, what: &str, text: &[&str]) {
    let (name, data) = (name(incident), world.collector_data());
    let done = run("uphold-collector", &[&["incidents", what, &name][..], text, &["--data", &data]].concat());
    assert!(done.status.success(), "{done:?}");
}

fn until_event(world: &World, incident: &Value, event: &str) -> Value {
    until(&format!("it to be {event}"), || events(world, incident).into_iter().rfind(|one| one["event"] == event))
}

fn in_both_directions(desk: &dyn Desk) {
    let mut world = world(desk);
    world.stop_shop();
    let incident = incident(&world);
    let made = until_ticket(desk, &incident, "there", |_| true);
    assert!(made.texts[0].contains("Service: Web shop"), "{made:#?}");
    let linked = until_event(&world, &incident, "ticket");
    let known = json!([made.id, desk.link(&made.id)]);
    assert_eq!(json!([linked["id"], linked["url"]]), known, "{linked}");

    desk.say(&made, "the carrier is told").unwrap();
    until_commented(&world, &incident, "the carrier is told");
    act(&world, &incident, "comment", &["a cable was cut, say \"they\" <b>"]);
    let ours = |text: &String| text.contains("a cable was cut, say \"they\" <b>");
    until_ticket(desk, &incident, "commented on", |ticket| ticket.texts.iter().any(ours));
    // Behind this one stands whatever was taken for news before it.
    desk.say(&made, "they are on their way").unwrap();
    until_commented(&world, &incident, "they are on their way");
    let all = comments(&world, &incident);
    let texts: Vec<&str> = all.iter().map(|(_, text)| text.as_str()).collect();
    let expected = ["the carrier is told", "a cable was cut, say \"they\" <b>", "they are on their way"];
    assert_eq!(texts, expected, "each once, none back");
    let by = json!({ "kind": "receiver", "receiver": "desk", "name": desk.ada().0 });
    assert_eq!(all[0].0, by);

    desk.take(&made).unwrap();
    assert_eq!(until_event(&world, &incident, "acknowledged")["by"], by);

    world.start_shop();
    let over = until_ticket(desk, &incident, "over", |ticket| ticket.state == desk.ended().1);
    assert_eq!(over.texts.iter().filter(|text| ours(text)).count(), 1, "{over:#?}");
    assert!(!over.texts.iter().any(|text| text.contains("acknowledged by")), "what came from there: {over:#?}");
    let tickets = events(&world, &incident).into_iter().filter(|event| event["event"] == "ticket").count();
    assert_eq!(tickets, 1, "it is on record where the ticket is");
    nothing_was_given_up(&world);
}

fn an_end_there_and_another_beginning_here(desk: &dyn Desk) {
    let mut world = world(desk);
    world.stop_shop();
    let incident = incident(&world);
    let made = until_ticket(desk, &incident, "there", |_| true);
    desk.end(&made).unwrap();
    let over = until_event(&world, &incident, "resolved");
    assert_eq!((&over["by"]["receiver"], &over["resolution"]), (&json!("desk"), &json!("by_hand")), "{over}");
    let (ada, is_told) = desk.ada();
    assert_eq!(over["by"]["name"], if is_told { json!(ada) } else { Value::Null }, "{over}");
    until_ticket(desk, &incident, "as ada left it", |ticket| ticket.state == desk.ended().0);

    act(&world, &incident, "reopen", &["--comment", "it is not over"]);
    let again = until_ticket(desk, &incident, "taken on again", |ticket| ticket.state == desk.taken());
    // What was seen of its first end has become no second one by then.
    desk.say(&again, "so it seems").unwrap();
    until_commented(&world, &incident, "so it seems");
    let ends = events(&world, &incident).into_iter().filter(|event| event["event"] == "resolved").count();
    assert_eq!(ends, 1, "the end that was there before is no news");

    act(&world, &incident, "resolve", &["now it is"]);
    until_ticket(desk, &incident, "over", |ticket| ticket.state == desk.ended().1);
    nothing_was_given_up(&world);
}

/// `make` is the beginning of the request that makes a ticket.
fn a_lost_answer(desk: &dyn Desk, relay: &Relay, make: &str) {
    let mut world = world(desk);
    relay.swallow(make);
    world.stop_shop();
    until("the answer to be lost", || relay.has_swallowed().then_some(()));
    world.kill_collector();
    world.start_collector();
    let all = until_all_have_tickets(&world);
    assert_eq!(desk.tickets("INC-").unwrap().len(), all.len(), "none was made twice");
}

#[test]
fn request_tracker_and_we_tell_each_other_everything_once() {
    in_both_directions(&RequestTracker::start().unwrap());
}

#[test]
fn redmine_and_we_tell_each_other_everything_once() {
    in_both_directions(&Redmine::start().unwrap());
}

#[test]
fn what_is_ended_in_request_tracker_is_resolved_here_and_can_begin_again() {
    an_end_there_and_another_beginning_here(&RequestTracker::start().unwrap());
}

#[test]
fn what_is_ended_in_redmine_is_resolved_here_and_can_begin_again() {
    an_end_there_and_another_beginning_here(&Redmine::start().unwrap());
}

#[test]
fn a_ticket_whose_answer_was_lost_is_found_again_in_request_tracker() {
    let (relay, listener) = Relay::listen().unwrap();
    let desk = RequestTracker::behind(relay.port()).unwrap();
    relay.pass_on(listener, desk.port());
    a_lost_answer(&desk, &relay, "POST /REST/2.0/ticket ");
}

#[test]
fn a_ticket_whose_answer_was_lost_is_found_again_in_redmine() {
    let (relay, listener) = Relay::listen().unwrap();
    let desk = Redmine::behind(relay.port()).unwrap();
    relay.pass_on(listener, desk.port());
    a_lost_answer(&desk, &relay, "POST /issues.json ");
}
