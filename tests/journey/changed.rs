//! A catalogue that grows: what is added is watched at once and measured from then on, and nothing before changes.

use std::fs;

use uphold_tests::process::http;

use crate::figures::Figures;
use crate::world::{World, until};

/// One more service, by a probe of the other kind, with a target of its own.
fn with_more(world: &World) -> String {
    let port = world.shop.port();
    let service = format!(
        "  - id: till
    name: Till
    outcome: Customers can pay
    customers: [retail]
    probes:
      - {{ id: port, agents: [zurich-1], interval: 500ms, timeout: 400ms, tcp: {{ address: \"127.0.0.1:{port}\" }} }}
agreements:"
    );
    let target = "      - { id: till, service: till, window: day, availability: \"99%\" }\nreceivers:";
    world.catalogue_text().replace("agreements:", &service).replace("receivers:", target)
}

#[test]
fn a_changed_file_is_taken_up_while_everything_runs_and_a_bad_one_is_not() {
    let world = World::watched();
    world.wait_for_state("up");
    let sound = world.catalogue_text();
    let metric = |series: &str| world.collector_metric(series);
    let version = || metric("uphold_catalogue_version");
    assert_eq!((version(), metric("uphold_catalogue_last_reload_successful")), (Some(1.0), Some(1.0)));

    // What is not sound, and what would change the past, are refused whole.
    let misspelt = sound.replace("services:", "servises:");
    let restated = format!("effective_from: 2026-01-01T00:00:00Z\n{}", sound.replace("fall: 2", "fall: 3"));
    for (text, refused) in [(misspelt, 1.0), (restated, 2.0)] {
        assert_ne!(text, sound);
        fs::write(world.catalogue(), text).unwrap();
        until("the change to be refused", || {
            (metric("uphold_catalogue_reloads_total{result=\"refused\"}")? >= refused).then_some(())
        });
        assert_eq!((version(), metric("uphold_catalogue_last_reload_successful")), (Some(1.0), Some(0.0)));
    }
    let ready = http::get(world.collector_port, "/readyz").unwrap().text();
    assert!(ready.contains("files were changed and are refused"), "{ready}");

    fs::write(world.catalogue(), with_more(&world)).unwrap();
    until("the agent to watch what was added", || (world.state("till")? == "up").then_some(()));
    assert_eq!((version(), metric("uphold_catalogue_last_reload_successful")), (Some(2.0), Some(1.0)));
    world.wait_for_state("up");
    fs::write(world.catalogue(), sound).unwrap();
    until("what was removed to be gone", || world.state("till").is_none().then_some(()));
    world.wait_for_state("up");
}

#[test]
fn a_service_that_is_added_is_measured_from_then_on_and_nothing_before_changes() {
    let mut world = World::watched();
    world.stop_shop();
    world.wait_for_state("down");
    world.start_shop();
    world.wait_for_state("up");
    let ended = world.stop_agent();
    let as_of = world.figures_after(ended).as_of();
    let at = |world: &World| Figures(world.ask(&format!("/api/v1/services/shop/figures?as_of={as_of}")));
    let before = at(&world);
    assert_eq!(before.breaks().len(), 1);
    world.stop_collector();

    fs::write(world.catalogue(), with_more(&world)).unwrap();
    world.start_collector();
    world.start_agent();
    until("the agent to watch what was added", || (world.state("till")? == "up").then_some(()));
    world.wait_for_state("up");
    let after = at(&world);
    assert_eq!(after.contractual(), before.contractual());
    assert_eq!(&before.0["catalogue_version"], &after.0["catalogue_version"], "what was in force then");
    let till = world.ask("/api/v1/services/till/figures");
    let target = &till["targets"]["shop-sla/till"]["contractual"];
    assert!(target["kinds"]["up"].as_i64().unwrap() > 0, "{till}");
    assert_eq!(till["catalogue_version"], 2);
    assert_eq!(target["kinds"]["down"], 0, "the outage was before its time: {till}");

    world.stop_shop();
    until("what was added to be down", || (world.state("till")? == "down").then_some(()));
    world.wait_for_state("down");
    assert_eq!(at(&world).contractual(), before.contractual());
}
