//! An outage is one break, as long as it was, and one incident, told once: in the plain case, with a collector that is
//! killed in the middle of it, and with one that is away for all of it.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::figures::{Figures, assert_near, with_cause};
use crate::world::{CLOCK_MS, Done, TIMEOUT_MS, World, until};

pub(crate) const OPENED: &str = "uphold.incident.opened";
pub(crate) const RESOLVED: &str = "uphold.incident.resolved";
pub(crate) const RECORDED: &str = "uphold.incident.recorded";
pub(crate) const DOWN: &str = "service_down";
pub(crate) const BREACHED: &str = "target_breached";

/// The one break is the outage: from the first attempt after the stop to the first after the start.
pub(crate) fn assert_break(world: &World, figures: &Figures, stopped: Done, started: Done) {
    let [start, end, length] = figures.only_break();
    // An attempt that had begun when the server stopped may be the first that failed.
    let (early, late) = (TIMEOUT_MS + CLOCK_MS, world.late_ms() + TIMEOUT_MS + CLOCK_MS);
    assert_near("the break's start", start, stopped, early, late);
    assert_near("the break's end", end, started, early, late);
    assert_eq!(length, end - start, "all of it is committed time");
    assert_eq!(figures.number("D"), length);
    assert_eq!(figures.holes(), [], "nothing is missing");
}

/// What was told about incidents with this cause: type and number of each message, in order.
pub(crate) fn told(messages: &[Value], cause: &str) -> Vec<(String, i64)> {
    let about = messages.iter().filter(|message| message["data"]["cause"] == cause);
    let told = |m: &Value| (m["type"].as_str().unwrap().to_owned(), m["data"]["number"].as_i64().unwrap());
    about.map(told).collect()
}

pub(crate) fn assert_each_once(messages: &[Value]) {
    let ids: BTreeSet<&str> = messages.iter().map(|message| message["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), messages.len(), "no message is delivered twice: {messages:#?}");
}

/// The one incident about the service, which is over, and what it says of when it was.
pub(crate) fn assert_one_incident(world: &World, figures: &Figures) -> i64 {
    let incidents = world.incidents();
    let down = with_cause(&incidents, DOWN);
    let [incident] = down.as_slice() else { panic!("one incident is expected: {incidents:#?}") };
    let [start, end, _] = figures.only_break();
    assert_eq!(incident["started"], start, "{incident}");
    assert_eq!(incident["resolved"]["ended"], end, "{incident}");
    assert_eq!(with_cause(&incidents, BREACHED).len(), 1, "{incidents:#?}");
    assert_eq!(incidents.len(), 2, "{incidents:#?}");
    incident["number"].as_i64().unwrap()
}

#[test]
fn an_outage_is_one_break_as_long_as_it_was_and_one_incident_told_once() {
    let mut world = World::watched();
    let stopped = world.stop_shop();
    let opened = world.wait_for_message(OPENED, DOWN);
    assert_eq!(world.ask("/api/v1/services")["services"][0]["state"], "down");
    let started = world.start_shop();
    let resolved = world.wait_for_message(RESOLVED, DOWN);
    assert_eq!(opened["subject"], resolved["subject"]);
    assert_eq!(opened["data"]["state"], "open");
    assert_eq!(resolved["data"]["state"], "resolved");
    world.wait_for_message(OPENED, BREACHED);
    world.wait_for_state("up");

    let figures = world.figures();
    assert_break(&world, &figures, stopped, started);
    let number = assert_one_incident(&world, &figures);
    let messages = world.messages();
    assert_each_once(&messages);
    assert_eq!(told(&messages, DOWN), [(OPENED.to_owned(), number), (RESOLVED.to_owned(), number)]);
    assert_eq!(told(&messages, BREACHED).len(), 1);
    let [start, end, _] = figures.only_break();
    assert_eq!(opened["data"]["started_ms"], start);
    assert_eq!(resolved["data"]["resolved"]["ended_ms"], end);
    assert_eq!(figures.contractual()["verdict"], "breached");
}

#[test]
fn a_collector_that_is_killed_loses_nothing_and_doubles_nothing() {
    let mut world = World::watched();
    let stopped = world.stop_shop();
    world.wait_for_message(OPENED, DOWN);
    world.kill_collector();
    world.wait_for_backlog(3);
    world.start_collector();
    world.wait_until_delivered();
    let started = world.start_shop();
    world.wait_for_message(RESOLVED, DOWN);

    world.wait_for_state("up");
    world.kill_collector();
    world.wait_for_backlog(3);
    world.start_collector();
    world.wait_until_delivered();
    world.wait_for_state("up");

    let figures = world.figures();
    assert_break(&world, &figures, stopped, started);
    let number = assert_one_incident(&world, &figures);
    let mut messages = world.messages();
    // A message whose receipt was not yet on record at the kill comes again, under the id it had.
    let mut ids = BTreeSet::new();
    messages.retain(|message| ids.insert(message["id"].to_string()));
    assert_eq!(told(&messages, DOWN), [(OPENED.to_owned(), number), (RESOLVED.to_owned(), number)]);
    assert_eq!(told(&messages, BREACHED).len(), 1);
    assert_eq!(world.agent_count("uphold_agent_replay_requests_total"), 0, "nothing acknowledged is missing");
    assert_eq!(world.agent_count("uphold_agent_quarantined_batches_total"), 0);
    assert_every_attempt_is_kept_once(&mut world);
}

/// The collector holds as many rows as the agent made attempts.
pub(crate) fn assert_every_attempt_is_kept_once(world: &mut World) {
    let made = |world: &World| world.attempts("up") + world.attempts("down") + world.attempts("unknown");
    let before = made(world);
    let counted = until("another attempt", || Some(made(world)).filter(|made| *made > before));
    let ended = world.stop_agent();
    let ended_ms = world.figures_after(ended).as_of();
    // Between the count and the end as many more may have been made as have room there.
    let more = 1 + (ended.after - ended.before) / crate::world::INTERVAL_MS;
    let rows = world.collector_metric("uphold_store_head_rows").map_or(0, |rows| format!("{rows:.0}").parse().unwrap());
    assert!(ended_ms > ended.after);
    assert!((counted..=counted + more).contains(&rows), "{counted} attempts and at most {more} more, {rows} rows");
}

#[test]
fn an_outage_while_the_collector_was_away_is_measured_as_if_it_had_been_there() {
    let mut world = World::watched();
    world.stop_collector();
    world.wait_for_backlog(2);
    let stopped = world.stop_shop();
    let failed = world.attempts("down") + 4;
    until("attempts to fail", || (world.attempts("down") >= failed).then_some(()));
    let started = world.start_shop();
    let worked = world.attempts("up") + 3;
    until("attempts to succeed", || (world.attempts("up") >= worked).then_some(()));
    world.start_collector();
    let recorded = world.wait_for_message(RECORDED, DOWN);
    world.wait_until_delivered();
    world.wait_for_state("up");

    let figures = world.figures();
    assert_break(&world, &figures, stopped, started);
    let number = assert_one_incident(&world, &figures);
    let messages = world.messages();
    assert_each_once(&messages);
    assert_eq!(told(&messages, DOWN), [(RECORDED.to_owned(), number)], "told once, as what is over");
    assert_eq!(told(&messages, BREACHED).len(), 1);
    let [start, end, length] = figures.only_break();
    assert_eq!(recorded["data"]["started_ms"], start);
    assert_eq!(recorded["data"]["resolved"]["ended_ms"], end);
    assert_eq!(recorded["data"]["duration_ms"], length);
}
