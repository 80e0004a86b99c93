//! Revisions of closed windows: issued by themselves, again after late data and records, also when the collector is killed
//! in between; and of many services exactly those windows that an hour of late data has changed.

use serde_json::{Value, json};
use uphold_common::observation::Outcome;
use uphold_common::time::Instant;
use uphold_tests::process::http;
use uphold_tests::process::wait::wall_ms;

use crate::pushes::{batch, post, push};
use crate::world::{World, run, until};

const DAY_MS: i64 = 86_400_000;
const HOUR_MS: i64 = 3_600_000;

/// Midnight so many days ago.
fn days_ago(days: i64) -> i64 {
    (wall_ms() / DAY_MS - days) * DAY_MS
}

impl World {
    /// A collector whose shop has been there since `since`, with a target over each day.
    fn daily(since: i64) -> Self {
        let since = format!("criticality: high\n    since: {}\n", Instant::from_ms(since));
        Self::without_agent_under(|_, text| {
            text.replace("criticality: high\n", &since).replace("window: month", "window: day")
        })
    }

    /// Has the agent heard, so that nothing waits for it.
    fn hear(&self, seq: u64, attempts: &[(i64, Outcome)]) {
        let answer = post(self, &push(&batch(seq, attempts)).encode().unwrap());
        assert_eq!(answer.code, 200, "{}", answer.text());
    }

    /// The revisions of the windows that hold an instant, the newest first.
    fn revised(&self, service: &str, at: i64) -> Vec<Value> {
        let answer = self.ask(&format!("/api/v1/services/{service}/revisions?at={at}"));
        answer["revisions"].as_array().unwrap().clone()
    }

    /// The first revision of a window, once it has as many.
    fn until_revised(&self, at: i64, number: usize) -> Value {
        until(&format!("revision {number}"), || Some(self.revised("shop", at)).filter(|all| all.len() >= number))
            .swap_remove(0)
    }
}

#[test]
fn a_closed_window_is_issued_and_issued_again_with_what_changed_and_why_over_a_kill() {
    let begin = days_ago(2);
    let mut world = World::daily(begin);
    let data = world.collector_data();
    world.hear(1, &[(wall_ms() - 1_000, Outcome::Up)]);
    let first = world.until_revised(begin, 1);
    assert_eq!((&first["number"], &first["why"]["settled"], &first["changes"]), (&json!(1), &json!(true), &json!([])));
    let yesterday = world.until_revised(begin + DAY_MS, 1);

    let (start, end) = (Instant::from_ms(begin).to_string(), Instant::from_ms(begin + HOUR_MS).to_string());
    let add = ["exclusion", "add", "storm", "--service", "shop", "--start", &start, "--end", &end];
    let more = ["--class", "customer", "--reason", "agreed", "--approver", "retail", "--data", &data];
    printed(&[&add[..], &more[..]].concat());
    let second = world.until_revised(begin, 2);
    assert_eq!(second["why"]["records"], json!([{ "sort": "exclusion", "id": "storm", "revoked": false }]));
    assert!(
        second["changes"].as_array().unwrap().contains(&json!({ "figure": "contractual.excluded", "before": "0s",
        "after": "1h" })),
        "{second}"
    );
    printed(&["exclusion", "revoke", "storm", "--reason", "wrong", "--data", &data]);
    let third = world.until_revised(begin, 3);
    assert_eq!((&third["sha256"], &third["headline"]), (&first["sha256"], &first["headline"]));

    // Data that comes two days late, and the end of the collector before anything was made of it.
    let from = begin + 2 * HOUR_MS;
    let late: Vec<(i64, Outcome)> = (0..20).map(|n| (from + n * 500, Outcome::Down)).collect();
    world.hear(2, &late);
    world.kill_collector();
    world.start_collector();
    world.hear(3, &[(wall_ms() - 1_000, Outcome::Up)]);
    let fourth = world.until_revised(begin, 4);
    let expected =
        json!({ "from_ms": from, "to_ms": from + 19 * 500 + 1, "of": ["shop/front zurich-1"], "of_count": 1 });
    assert_eq!(fourth["why"]["late_data"], expected);
    assert_eq!(
        fourth["headline"]["contractual"]["kinds"]["down"], 12_500,
        "twenty attempts and what the last speaks for"
    );
    assert_eq!(world.revised("shop", begin + DAY_MS), [yesterday], "and of the other day nothing was issued again");
    let numbers: Vec<i64> = world.revised("shop", begin).iter().map(|one| one["number"].as_i64().unwrap()).collect();
    assert_eq!(numbers, [4, 3, 2, 1], "the old ones are kept");
    let waiting = world.collector_metric("uphold_collector_revisions_waiting");
    assert!(waiting.is_some_and(|waiting| waiting < 0.5), "{waiting:?}");

    let page = http::get(world.collector_port, "/services/shop").unwrap().text();
    assert!(page.contains("Closed windows") && page.contains("late data of shop/front zurich-1"), "{page}");
    let some = http::get(world.collector_port, "/api/v1/services/shop/revisions?limit=1").unwrap();
    assert!(some.header("link").is_some_and(|link| link.contains("after=")), "{:?}", some.header("link"));
    let at = begin.to_string();
    let json = ["revisions", "shop", "--at", &at, "--format", "json", "--data", &data];
    let running: Value = serde_json::from_str(&printed(&json)).unwrap();
    world.stop_collector();
    let stopped: Value = serde_json::from_str(&printed(&json)).unwrap();
    assert_eq!(running, stopped);
    let text = printed(&["revisions", "shop", "shop-sla/availability", "--at", &at, "--data", &data]);
    assert!(text.starts_with("TARGET ") && text.contains("the exclusion storm was revoked"), "{text}");
    let unknown = run("uphold-collector", &["revisions", "shup", "--data", &data]);
    assert_eq!(unknown.status.code(), Some(1));
}

/// What a command printed; it has to end well.
fn printed(args: &[&str]) -> String {
    let done = run("uphold-collector", args);
    assert!(done.status.success(), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}
