//! A file system that fills up, told in pushes: one incident for each threshold that holds, whatever is killed in
//! between, and one number on the page, in the metrics, the report and the API.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;
use uphold_common::ids::Id;
use uphold_common::observation::{Reading, Resource, ResourceId};
use uphold_common::time::Instant;
use uphold_common::wire::batch::{Batch, BatchKey, Epoch};
use uphold_common::wire::columns::Rows;
use uphold_tests::process::http;
use uphold_tests::process::wait::wall_ms;

use crate::figures::with_cause;
use crate::outage::{OPENED, RECORDED, RESOLVED};
use crate::pushes::{post, push};
use crate::world::{World, run, until};

/// How long a threshold must hold.
const HELD_MS: i64 = 60_000;
const READ_EVERY_MS: i64 = 15_000;

/// A world whose catalogue holds a target on the shop's disk, over the last hour.
fn world() -> World {
    let mut world = World::without_agent();
    world.stop_collector();
    let data = world.collector_data();
    fs::remove_dir_all(data).unwrap();
    let target = r#"      - { id: disk, service: shop, window: 1h, capacity: { host: web-1, resource: filesystem, of: /var, percentile: "50", warning: "80%", critical: "90%", for: 1m } }
"#;
    let since = Instant::from_ms(wall_ms() - 7_200_000);
    let text = world.catalogue_text();
    let text =
        text.replace("receivers:\n", &format!("{target}hosts: [{{ id: web-1, agent: zurich-1 }}]\nreceivers:\n"));
    let text = text.replace("    criticality: high\n", &format!("    criticality: high\n    since: {since}\n"));
    let text = text.replace("customers:\n  - ", &format!("effective_from: {since}\ncustomers:\n  - "));
    fs::write(world.catalogue(), text).unwrap();
    world.start_collector();
    world
}

/// Readings in thousandths, 15 s apart from `start` on.
fn readings(seq: u64, start: i64, row: &[u64]) -> Batch {
    let reading = |(at, used): (i64, &u64)| Reading { at: Instant::from_ms(at), used: *used, limit: 1_000 };
    let rows = (0..).map(|place| start + place * READ_EVERY_MS).zip(row).map(reading).collect();
    let id = |text| Id::new(text).unwrap();
    let resource = ResourceId { host: id("web-1"), resource: Resource::Filesystem, of: "/var".to_owned() };
    let key = BatchKey { agent: id("zurich-1"), epoch: Epoch([9; 16]), seq };
    let streams = vec![Rows::Capacity(resource, rows)];
    Batch { key, closed_at: Instant::from_ms(wall_ms()), streams, facts: Vec::new() }
}

fn tell(world: &World, batch: &Batch) {
    let answer = post(world, &push(batch).encode().unwrap());
    assert_eq!(answer.code, 200, "{}", answer.text());
}

/// The incidents about thresholds, oldest first, once there are so many and as many of them open.
fn above(world: &World, all: usize, open: usize) -> Vec<Value> {
    until(&format!("{all} incidents about capacity, {open} open"), || {
        let found = with_cause(&world.incidents(), "capacity_above");
        let still_open = found.iter().filter(|one| one["resolved"].is_null()).count();
        (found.len() == all && still_open == open).then_some(found)
    })
}

fn capacity(world: &World) -> Value {
    world.ask("/api/v1/services/shop/figures")["targets"]["shop-sla/disk"]["capacity"].clone()
}

#[test]
fn a_file_system_that_fills_up_is_raised_once_and_late_readings_count() {
    let mut world = world();
    // Half an hour ago: half full, then above the warning for two minutes, the last of them critical.
    let start = (wall_ms() - 1_800_000) / 1_000 * 1_000;
    let row = [500, 500, 800, 850, 850, 850, 899, 900, 950, 950, 950, 950, 950];
    tell(&world, &readings(1, start, &row));
    let raised = above(&world, 2, 2);
    for (incident, threshold, place) in [(&raised[0], "warning", 2), (&raised[1], "critical", 7)] {
        assert_eq!(incident["threshold"], threshold);
        assert_eq!(
            incident["started"],
            start + place * READ_EVERY_MS,
            "{threshold} is reached where it was first read"
        );
    }
    world.kill_collector();
    world.start_collector();
    tell(&world, &readings(2, start + 13 * READ_EVERY_MS, &[950, 850]));
    let critical_over = above(&world, 2, 1);
    assert_eq!(critical_over[1]["resolved"]["ended"], start + 14 * READ_EVERY_MS);
    world.kill_collector();
    world.start_collector();
    tell(&world, &readings(3, start + 15 * READ_EVERY_MS, &[799]));
    let over = above(&world, 2, 0);
    assert_eq!(over[0]["resolved"]["ended"], start + 15 * READ_EVERY_MS);
    assert_eq!(over[0]["resolved"]["resolution"], "below_again");

    // Earlier and later than what is known: counted; long enough above a threshold: on record, and told as one.
    let (n, late) = (capacity(&world)["n"].as_i64().unwrap(), start - 600_000);
    assert_eq!(n, 16);
    tell(&world, &readings(4, late, &[850, 850, 850, 850, 850, 100]));
    let recorded = above(&world, 3, 0);
    assert_eq!(recorded[2]["started"], late);
    assert_eq!(recorded[2]["resolved"]["ended"], late + HELD_MS + READ_EVERY_MS);
    until("the late readings to be counted", || (capacity(&world)["n"] == n + 6).then_some(()));
    let mut ids = BTreeSet::new();
    // A message that was on its way when the collector was killed comes again, under the same id.
    let messages = world.messages().into_iter().filter(|message| ids.insert(message["id"].to_string()));
    let told: Vec<Value> = messages.filter(|message| message["data"]["cause"] == "capacity_above").collect();
    let kinds: Vec<&str> = told.iter().filter_map(|message| message["type"].as_str()).collect();
    assert_eq!(kinds, [OPENED, OPENED, RESOLVED, RESOLVED, RECORDED], "each once, however often it was killed");
}

#[test]
fn the_use_of_a_resource_is_one_number_everywhere() {
    let world = world();
    let start = (wall_ms() - 1_200_000) / 1_000 * 1_000;
    tell(&world, &readings(1, start, &[100, 812, 900, 300, 850]));
    let figures = until("the readings to be measured", || Some(capacity(&world)).filter(|told| told["n"] == 5));
    assert_eq!((&figures["rank"], &figures["percentile_ppb"]), (&Value::from(3), &Value::from(812_000_000)));
    assert_eq!(figures["state"], "warning");
    assert_eq!((&figures["warning_ms"], &figures["critical_ms"]), (&Value::from(60_000), &Value::from(15_000)));

    let labels = r#"agreement="shop-sla",service="shop",target="disk",window="1h""#;
    let ratio = world.collector_metric(&format!("uphold_capacity_percentile_ratio{{{labels}}}")).unwrap();
    assert!((ratio - 0.812).abs() < 1e-9, "{ratio}");
    let page = http::get(world.collector_port, "/").unwrap().text();
    assert!(
        page.contains(r#"value="812000000" data-service="shop" data-target="shop-sla/disk">81.20 %</data>"#),
        "{page}"
    );
    let report = run("uphold-collector", &["report", "shop", "--data", &world.collector_data()]);
    let report = String::from_utf8_lossy(&report.stdout).into_owned();
    assert!(report.contains("81.20 % in use: warning"), "{report}");
    let listed = world.ask("/api/v1/services");
    let targets = &listed["services"][0]["targets"];
    assert_eq!(*targets, serde_json::json!(["shop-sla/availability", "shop-sla/disk"]));
}
