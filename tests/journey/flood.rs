//! A small flood against a collector with few places: its agents lose nothing, and its memory stays bounded.

use std::fs;
use std::time::Duration;

use uphold_tests::flood::{self, Options, Outcome};
use uphold_tests::process::http;

use crate::world::{World, sample, until};

/// The most memory that the collector may have had, in KiB, as a debug build.
const PEAK_KIB_MAX: u64 = 192 * 1024;

#[test]
fn agents_lose_nothing_in_a_flood_and_memory_stays_bounded() {
    // Nobody has a token here, so that all of them are one address, whose rate is not what this is about.
    let limits = "connections: 128, head_time: 2s, body_time: 2s, idle_time: 3s, requests_per_second: 100000";
    let mut world = World::configured(&format!(
        "limits: {{ {limits}, request_burst: 1000000 }}
"
    ));
    let options = Options {
        address: ([127, 0, 0, 1], world.collector_port).into(),
        dripping: 250,
        idle: 500,
        agents: 10,
        length: Duration::from_secs(10),
        tokens: None,
    };
    let outcome = flood::run(&options).unwrap();
    println!("{} acknowledged, p99 {:?}, {:?}", outcome.acknowledged, outcome.percentile(99), outcome.refusals);
    assert_eq!(outcome.lost, 0, "{outcome:?}");
    assert!(outcome.acknowledged >= 20, "{outcome:?}");
    assert!(outcome.opened >= 750, "the crowd was there: {outcome:?}");

    let text = until("the collector to show everything that it acknowledged", || {
        let text = http::get(world.collector_port, "/metrics").ok()?.text();
        let rows = sample(&text, "uphold_rows_total")?;
        (rows >= number(outcome.acknowledged * Outcome::ROWS_PER_BATCH)).then_some(text)
    });
    let accepted = sample(&text, r#"uphold_pushes_total{result="accepted"}"#).unwrap();
    assert!(accepted >= number(outcome.acknowledged), "{accepted}");
    let reached = r#"uphold_collector_limit_reached_total{limit="connections_per_address"}"#;
    assert!(sample(&text, reached).unwrap() > 0.0, "there were more connections than places");
    let peak_kib = peak_kib(world.collector.as_ref().unwrap().id());
    println!("peak {peak_kib} KiB");
    assert!(peak_kib <= PEAK_KIB_MAX, "{peak_kib} KiB");
    world.stop_collector();
}

fn number(count: u64) -> f64 {
    count.to_string().parse().unwrap()
}

/// The most memory that a process has had, in KiB.
fn peak_kib(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
