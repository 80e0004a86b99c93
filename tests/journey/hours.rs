//! What was measured, hour by hour: the API answers it for probes, resources and flows, and the pages of a service and
//! of a host plot it; an hour in which nothing was measured is a gap in both.

use std::fs;

use serde_json::{Value, json};
use uphold_common::ids::{Id, ProbeId};
use uphold_common::observation::{
    Cause, Flow, FlowId, Micros, Observation, Outcome, Phases, Reading, Resource, ResourceId, Volume,
};
use uphold_common::time::Instant;
use uphold_common::wire::batch::{Batch, BatchKey, Epoch};
use uphold_common::wire::columns::Rows;
use uphold_tests::process::http;
use uphold_tests::process::wait::wall_ms;

use crate::callers::GUARDED;
use crate::pushes::{post, push};
use crate::world::World;

const HOUR_MS: i64 = 3_600_000;

fn id(text: &str) -> Id {
    Id::new(text).unwrap()
}

/// A collector whose catalogue names a host, and the beginning of this hour.
fn world() -> (World, i64) {
    let mut world = World::without_agent();
    world.stop_collector();
    let text = world.catalogue_text();
    let text = text.replace("receivers:\n", "hosts: [{ id: web-1, agent: zurich-1 }]\nreceivers:\n");
    fs::write(world.catalogue(), text).unwrap();
    world.start_collector();
    (world, wall_ms().div_euclid(HOUR_MS) * HOUR_MS)
}

/// Ten attempts, readings and volumes in each of the hours that began so many hours ago, two of the oldest failed.
fn measured(now: i64, hours_ago: &[i64]) -> Batch {
    let at = |hour: i64, n: i64| Instant::from_ms(now - hour * HOUR_MS + n * 60_000);
    let all = || hours_ago.iter().flat_map(|hour| (1..=10).map(|n| (*hour, n)));
    let attempt = |(hour, n): (i64, i64)| Observation {
        at: at(hour, n),
        outcome: if hour == hours_ago[0] && n <= 2 { Outcome::Down } else { Outcome::Up },
        cause: Cause::None,
        code: 200,
        total: Micros::new(20_000 + n.unsigned_abs() * 100),
        phases: Phases::default(),
    };
    let reading = |(hour, n): (i64, i64)| Reading { at: at(hour, n), used: 500 + n.unsigned_abs(), limit: 1_000 };
    let volume = |(hour, n): (i64, i64)| Volume { at: at(hour, n), over_ms: 60_000, amount: 6_000 };
    let host = id("web-1");
    let resource = ResourceId { host: host.clone(), resource: Resource::Filesystem, of: "/var".to_owned() };
    let flow = FlowId { host, flow: Flow::NetworkReceived, of: "eth0".to_owned() };
    let streams = vec![
        Rows::Probe(ProbeId::new(id("shop"), id("front")), all().map(attempt).collect()),
        Rows::Capacity(resource, all().map(reading).collect()),
        Rows::Volume(flow, all().map(volume).collect()),
    ];
    let key = BatchKey { agent: id("zurich-1"), epoch: Epoch([5; 16]), seq: 1 };
    Batch { key, closed_at: Instant::from_ms(wall_ms()), streams, facts: Vec::new() }
}

/// The hours that are answered, each as how many hours ago it began and what else is said of it.
fn hours(world: &World, now: i64, of: &str) -> Vec<(i64, Value)> {
    let answer = world.ask(&format!("/api/v1/rollups?{of}"));
    let hours = answer["hours"].as_array().unwrap().clone();
    let hour = |mut hour: Value| {
        let start = hour.as_object_mut().unwrap().remove("start_ms").unwrap().as_i64().unwrap();
        ((now - start) / HOUR_MS, hour)
    };
    hours.into_iter().map(hour).collect()
}

/// The paths of this class on a page.
fn paths(page: &str, class: &str) -> Vec<String> {
    let start = format!("<path class=\"{class}\" d=\"");
    page.split(&start).skip(1).map(|rest| rest.split('"').next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn hours_are_answered_and_plotted_with_their_gaps() {
    let (world, now) = world();
    let told = post(&world, &push(&measured(now, &[5, 4, 2])).encode().unwrap());
    assert_eq!(told.code, 200, "{}", told.text());

    let durations = json!({ "count": 10, "sum_us": 205_500, "min_us": 20_100, "p50_us": 20_500, "p95_us": 21_000,
        "max_us": 21_000 });
    let attempts = |down| json!({ "up": 10 - down, "degraded": 0, "down": down, "unknown": 0, "durations": durations });
    let read = json!({ "readings": 10, "used_min": 501, "used_max": 510, "used_last": 510, "limit_last": 1_000,
        "peak_ppb": 510_000_000 });
    let flowed = json!({ "volumes": 10, "amount": 60_000, "over_ms": 600_000 });
    for (of, oldest, others) in [
        ("probe=shop/front&agent=zurich-1", attempts(2), attempts(0)),
        ("host=web-1&resource=filesystem&of=/var", read.clone(), read),
        ("host=web-1&flow=network_received&of=eth0", flowed.clone(), flowed),
    ] {
        assert_eq!(hours(&world, now, of), [(5, oldest), (4, others.clone()), (2, others)], "{of}");
    }
    for (path, expected) in [
        ("/api/v1/rollups?host=web-1&resource=filesytem&of=/var", "did you mean \\\"filesystem\\\"?"),
        ("/services/shop?days=32", "from 1 to 31"),
        ("/services/shpo", "did you mean \\\"shop\\\"?"),
        ("/hosts/web-l", "did you mean \\\"web-1\\\"?"),
    ] {
        let refused = http::get(world.collector_port, path).unwrap();
        assert!(matches!(refused.code, 400 | 404), "{path}: {}", refused.code);
        assert!(refused.text().contains(expected), "{path}: {}", refused.text());
    }

    let overview = http::get(world.collector_port, "/").unwrap().text();
    assert!(overview.contains("href=\"services/shop\"") && overview.contains("href=\"hosts/web-1\""), "{overview}");
    let page = http::get(world.collector_port, "/services/shop").unwrap();
    assert!(page.header("content-security-policy").is_some_and(|policy| policy.contains("default-src 'none'")));
    let page = page.text();
    let [line] = paths(&page, "middle").try_into().unwrap();
    assert_eq!(line.matches('M').count(), 2, "the hour between is a gap: {line}");
    assert_eq!(line.matches("h1").count(), 3, "each hour that was measured is drawn: {line}");
    assert_eq!(paths(&page, "down").len(), 1, "what failed is seen");
    for said in ["30 attempts: 2 failed.", "165 hours without attempts."] {
        assert!(page.contains(said), "{said:?} is not in {page}");
    }
    let host = http::get(world.collector_port, "/hosts/web-1?days=3").unwrap().text();
    assert_eq!(paths(&host, "middle").len(), 2, "a host that has fallen silent is still plotted: {host}");
    assert!(host.contains("Highest 51.0 %, newest 51.0 %.") && host.contains("100 B/s in the busiest hour"), "{host}");
}

#[test]
fn who_may_not_see_the_page_sees_no_hours() {
    let world = World::configured(GUARDED);
    for path in ["/services/shop", "/hosts/web-1", "/services/nothing"] {
        let answer = http::get(world.collector_port, path).unwrap();
        let next = format!("../sign-in?next={}", path.replace('/', "%2F"));
        assert_eq!((answer.code, answer.header("location")), (303, Some(next.as_str())), "{path}");
    }
    let viewer = world.give_token("wall", "viewer", &[]);
    assert_eq!(world.send(Some(&viewer), "GET", "/services/shop", None).code, 200);
    let agent = world.give_token("zurich-1", "agent", &[]);
    assert_eq!(world.send(Some(&agent), "GET", "/services/shop", None).code, 403);
}
