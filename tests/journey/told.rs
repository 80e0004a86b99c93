//! What an agent tells of its own measuring: when it ended and began is on record, whoever is asked for it, and stands beside
//! the figure of that time.

use serde_json::Value;

use crate::world::{World, run, until};

const FACTS: &str = "/api/v1/agents/zurich-1/facts";

/// The facts of these sorts in order of time, each as its word and whether it began in order.
fn told(world: &World) -> Vec<(String, Option<bool>)> {
    let list = world.ask(FACTS);
    let mut all: Vec<Value> = Vec::new();
    for told in list["told"].as_array().unwrap().iter().rev() {
        all.extend(told["facts"].as_array().unwrap().iter().cloned());
    }
    let of_an_end = |fact: &&Value| fact["fact"] == "started" || fact["fact"] == "stopped";
    let shown = |fact: &Value| (fact["fact"].as_str().unwrap().to_owned(), fact["in_order"].as_bool());
    all.iter().filter(of_an_end).map(shown).collect()
}

fn wait_for(world: &World, expected: &[(&str, Option<bool>)]) {
    let expected: Vec<_> = expected.iter().map(|(word, in_order)| ((*word).to_owned(), *in_order)).collect();
    until("what the agent told", || (told(world) == expected).then_some(()));
}

/// What the command prints of the facts.
fn said(world: &World, more: &[&str]) -> String {
    let data = world.collector_data();
    let done = run("uphold-collector", &[&["facts", "zurich-1", "--data", &data], more].concat());
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    String::from_utf8(done.stdout).unwrap()
}

#[test]
fn the_ends_and_beginnings_of_an_agent_are_on_record_over_kills_and_without_a_collector() {
    let mut world = World::watched();
    let (started, stopped, abrupt) = (("started", Some(true)), ("stopped", None), ("started", Some(false)));
    wait_for(&world, &[started]);
    world.stop_agent();
    wait_for(&world, &[started, stopped]);
    world.kill_collector();
    world.start_collector();
    wait_for(&world, &[started, stopped]);
    world.start_agent();
    wait_for(&world, &[started, stopped, started]);
    world.wait_for_state("up");
    world.kill_agent();
    world.start_agent();
    wait_for(&world, &[started, stopped, started, abrupt]);
    world.wait_for_state("up");
    world.stop_agent();
    wait_for(&world, &[started, stopped, started, abrupt, stopped]);

    let made = world.ask("/api/v1/services/shop/explanation?target=shop-sla/availability");
    let remarks = made["quality"]["remarks"].as_array().unwrap();
    assert_eq!(made["quality"]["agents"], serde_json::json!(["zurich-1"]));
    let stops = remarks.iter().filter(|remark| remark["fact"] == "stopped").count();
    assert!(stops >= 1, "what happened in the window stands beside its figure: {remarks:?}");

    let page = said(&world, &["--limit", "1", "--format", "json"]);
    let page: Value = serde_json::from_str(&page).unwrap();
    assert!(page["told"].as_array().unwrap().len() == 1 && page["next"].is_string(), "{page}");
    let running = [said(&world, &[]), said(&world, &["--format", "json"])];
    assert!(
        running[0].contains("it ended as it was asked to, at ") && !running[0].contains('\u{1b}'),
        "{}",
        running[0]
    );
    world.stop_collector();
    assert_eq!([said(&world, &[]), said(&world, &["--format", "json"])], running);
    let data = world.collector_data();
    let stranger = run("uphold-collector", &["facts", "zurich-2", "--data", &data]);
    let why = String::from_utf8(stranger.stderr).unwrap();
    assert!(stranger.status.code() == Some(1) && why.contains("zurich-1"), "{why}");
}
