//! A real Prometheus, with the shipped configuration and rules: it finds the agent by asking the collector, reads the
//! same availability as everybody else, and notices when either is gone.

use std::fs;
use std::path::Path;

use serde_json::Value;
use uphold_tests::process::http;
use uphold_tests::process::prometheus::Prometheus;

use crate::figures::Figures;
use crate::world::{World, until};

const OF_TARGET: &str = r#"agreement="shop-sla",service="shop",target="availability",window="month""#;

fn shipped(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    fs::read_to_string(root.join("config/prometheus").join(name)).unwrap()
}

/// Prometheus as it is shipped, with a viewer's token, in a hurry and without anybody to tell.
fn prometheus(world: &World) -> Prometheus {
    let collector = format!("127.0.0.1:{}", world.collector_port);
    let config = shipped("prometheus.yml").replace("15s", "1s").replace("127.0.0.1:8080", &collector);
    let (alerting, scraping) = (config.find("alerting:").unwrap(), config.find("scrape_configs:").unwrap());
    let config = format!("{}{}", &config[..alerting], &config[scraping..]);
    let hurried = |name: &str| shipped(name).replace("for: 2m", "for: 2s");
    let token = world.give_token("prometheus", "viewer", &[]);
    let files = [
        ("prometheus.yml", config.as_str()),
        ("uphold.token", &token),
        ("uphold.rules.yml", &hurried("uphold.rules.yml")),
        ("uphold-services.rules.yml", &hurried("uphold-services.rules.yml")),
    ];
    Prometheus::start(&files).unwrap()
}

fn world() -> World {
    World::watched_under(|world, text| {
        format!("{text}agents:\n  - {{ id: zurich-1, metrics: \"127.0.0.1:{}\" }}\n", world.agent_port)
    })
}

/// Waits until an expression gives exactly this value.
fn until_it_is(prometheus: &Prometheus, expression: &str, value: &str) {
    until(&format!("{expression} to be {value}"), || {
        let found = prometheus.query(expression).ok()?;
        (found.len() == 1 && found[0]["value"][1] == value).then_some(())
    });
}

/// The newest sample of a series out of scrapes: when it was taken, and its value.
fn newest(prometheus: &Prometheus, series: &str) -> Option<(String, f64)> {
    let found = prometheus.query(&format!("{series}[1m]")).ok()?;
    let sample = found.first()?["values"].as_array()?.last()?.clone();
    Some((sample[0].to_string(), sample[1].as_str()?.parse().ok()?))
}

/// A ratio `numerator/denominator`, divided as the collector divides it.
fn divided(ratio: &Value) -> f64 {
    let (numerator, denominator) = ratio.as_str().unwrap().split_once('/').unwrap();
    numerator.parse::<f64>().unwrap() / denominator.parse::<f64>().unwrap()
}

#[test]
fn the_agents_of_the_catalogue_are_found_by_prometheus() {
    let world = World::watched();
    let answer = http::get(world.collector_port, "/api/v1/sd").unwrap();
    assert_eq!((answer.code, answer.text().as_str()), (200, "[]"));
    assert_eq!(answer.header("content-type"), Some("application/json"));
}

#[test]
fn prometheus_scrapes_both_programs_reads_the_same_number_and_misses_those_that_are_gone() {
    let mut world = world();
    let prometheus = prometheus(&world);
    until_it_is(&prometheus, r#"up{job="uphold-collector"}"#, "1");
    until_it_is(&prometheus, r#"up{job="uphold-agents",agent="zurich-1"}"#, "1");
    until_it_is(&prometheus, r#"uphold_probe_success{job="uphold-agents",agent="zurich-1",service="shop"}"#, "1");
    world.stop_shop();
    until_it_is(&prometheus, r#"ALERTS{alertname="UpholdServiceDown",alertstate="firing",service="shop"}"#, "1");
    world.start_shop();
    until_it_is(&prometheus, r#"uphold_service_state{service="shop",state="up"}"#, "1");

    // Nothing arrives any more, so that what is asked for later is still what was scraped.
    let ended = world.stop_agent();
    let after = world.figures_after(ended).as_of();
    let (as_of, scraped) = until("a later scrape", || {
        let (at, seconds) = newest(&prometheus, "uphold_snapshot_timestamp_seconds")?;
        let (same, scraped) = newest(&prometheus, &format!("uphold_availability_ratio{{{OF_TARGET}}}"))?;
        let as_of: i64 = format!("{:.0}", seconds * 1_000.0).parse().unwrap();
        (as_of > after && at == same).then_some((as_of, scraped))
    });
    let figures = Figures(world.ask(&format!("/api/v1/services/shop/figures?as_of={as_of}")));
    let said = divided(&figures.contractual()["A"]);
    assert!(scraped > 0.0 && scraped < 1.0, "there is something to agree about: {scraped}");
    assert_eq!(scraped.to_bits(), said.to_bits(), "Prometheus read {scraped}, the API says {said}");

    until_it_is(&prometheus, r#"up{job="uphold-agents",agent="zurich-1"}"#, "0");
    world.stop_collector();
    until("the alert about the collector", || {
        let alerts = prometheus.alerts().unwrap();
        let absent = |alert: &&Value| alert["labels"]["alertname"] == "UpholdCollectorAbsent";
        alerts.iter().find(absent).filter(|alert| alert["state"] == "firing").cloned()
    });
}
