//! What a figure is made of, asked of a collector that runs and of its store: an outage down to its attempts, a silence down to
//! what was heard last and first, and sums that are the figures'.

use serde_json::{Value, json};

use crate::callers::word;
use crate::outage::assert_break;
use crate::world::{STALE_AFTER_MS, World, run, until};

const TARGET: &str = "shop-sla/availability";

/// What the command prints, and its exit code.
fn said(args: &[&str]) -> (Option<i32>, String, String) {
    let done = run("uphold-collector", args);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (done.status.code(), text(done.stdout), text(done.stderr))
}

/// The explanation over the API, as of an instant.
fn explained(world: &World, figure: &str, as_of: i64) -> Value {
    let path = format!("/api/v1/services/shop/explanation?target={TARGET}&figure={figure}&as_of={as_of}");
    world.ask(&path)["availability"].clone()
}

/// The one stretch of this kind that comes after the shop was seen for the first time.
fn stretch<'a>(made: &'a Value, kind: &str) -> &'a Value {
    let all = made["stretches"].as_array().unwrap();
    let seen = all.iter().skip_while(|stretch| stretch["kind"] != "up");
    let found: Vec<&Value> = seen.filter(|stretch| stretch["kind"] == kind).collect();
    let [one] = found.as_slice() else { panic!("one stretch that is {kind} is expected: {made:#}") };
    one
}

/// The one piece of the one vantage point behind a stretch.
fn piece(stretch: &Value) -> &Value {
    let behind = stretch["behind"].as_array().unwrap();
    let [probe] = behind.as_slice() else { panic!("one probe is behind it: {stretch:#}") };
    assert_eq!((&probe["probe"], &probe["party"]), (&json!("shop/front"), &json!("own")));
    assert_eq!(probe["vantage"][0]["agent"], "zurich-1");
    &probe["vantage"][0]["pieces"][0]
}

fn ms(of: &Value, key: &str) -> i64 {
    of[key].as_i64().unwrap_or_else(|| panic!("{key} of {of:#}"))
}

#[test]
fn a_figure_is_explained_down_to_the_attempts_whether_a_collector_runs_or_not() {
    let mut world = World::watched();
    let stopped = world.stop_shop();
    world.wait_for_state("down");
    let started = world.start_shop();
    world.wait_for_state("up");
    let figures = world.figures();
    assert_break(&world, &figures, stopped, started);
    world.stop_agent();
    world.wait_for_state("unmeasured");
    world.start_agent();
    world.wait_for_state("up");
    let newest = world.figures();
    let as_of = newest.as_of();
    let made = explained(&world, "contractual", as_of);

    let down = stretch(&made, "down");
    let [start, end, length] = figures.only_break();
    assert_eq!((ms(down, "start_ms"), ms(down, "end_ms"), ms(down, "length_ms")), (start, end, length));
    assert_eq!(down["charges_ms"], json!({ "shop/front": length }));
    let outage = piece(down);
    let first = &outage["observations"][0];
    assert_eq!((ms(first, "at_ms"), &first["outcome"]), (start, &json!("down")));
    // Whoever was being answered when it stopped was cut off; after that nobody is let in.
    assert!(["refused", "connection"].contains(&first["cause"].as_str().unwrap()), "{first:#}");
    assert!(ms(&outage["before"], "at_ms") < start && outage["before"]["outcome"] == "up", "{outage:#}");
    assert_eq!((ms(&outage["after"], "at_ms"), &outage["after"]["outcome"]), (end, &json!("up")));

    let silent = stretch(&made, "unmeasured");
    let silence = piece(silent);
    assert_eq!(ms(silent, "start_ms"), ms(&silence["before"], "at_ms") + STALE_AFTER_MS);
    assert_eq!(ms(silent, "end_ms"), ms(&silence["after"], "at_ms"));
    assert_eq!(silence["observations"], json!([]));

    assert_eq!(made["sums"]["adds_up"], true);
    let told = world.ask(&format!("/api/v1/services/shop/figures?as_of={as_of}"));
    let contractual = &told["targets"][TARGET]["contractual"];
    assert_eq!(made["sums"]["listed"], contractual["kinds"]);
    assert_eq!(made["sums"]["charges_ms"], contractual["charges_ms"]);
    assert_eq!(made["reckoning"]["A"], contractual["A"]);
    let stretches: Vec<Value> =
        made["stretches"].as_array().unwrap().iter().map(|s| json!([s["start_ms"], s["end_ms"], s["kind"]])).collect();
    assert_eq!(&json!(stretches), &contractual["stretches"]);
    assert_the_same_is_said_without_a_collector(&mut world, as_of);
}

/// The command line says the same in both forms, whether it asks the collector or the store; and the store is sound.
fn assert_the_same_is_said_without_a_collector(world: &mut World, as_of: i64) {
    let (data, as_of) = (world.collector_data(), as_of.to_string());
    let args =
        |format: &'static str| ["explain", "shop", TARGET, "--as-of", &as_of, "--data", &data, "--format", format];
    let running = [said(&args("text")), said(&args("json"))];
    world.stop_collector();
    assert_eq!([said(&args("text")), said(&args("json"))], running);
    let (code, text, _) = &running[0];
    assert_eq!(*code, Some(0), "{running:?}");
    for line in
        ["connection refused", "shop/front is charged with", "silence: nothing was observed", "add up to the figure"]
    {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    assert!(!text.contains('\u{1b}'), "a program that reads on gets no colours");
    let (code, verified, why) = said(&["verify", "--all", "--data", &data]);
    assert_eq!(code, Some(0), "{verified}{why}");
}

#[test]
fn what_was_put_on_record_is_explained_and_what_is_not_there_is_refused() {
    let world = World::without_agent_under(|_, text| {
        text.replace("criticality: high\n", "criticality: high\n    since: 2026-01-01T00:00:00Z\n")
    });
    let data = world.collector_data();
    let add =
        ["exclusion", "add", "flood", "--service", "shop", "--class", "force_majeure", "--reason", "the river rose"];
    let when =
        ["--start", "2026-03-02T00:00:00Z", "--end", "2026-03-02T06:00:00Z", "--approver", "retail", "--data", &data];
    let (code, _, why) = said(&[&add[..], &when[..]].concat());
    assert_eq!(code, Some(0), "{why}");
    let month = ["--at", "2026-03-15T00:00:00Z", "--data", &data];
    let (code, text, why) = said(&[&["explain", "shop", TARGET][..], &month[..]].concat());
    assert_eq!(code, Some(0), "{why}");
    assert!(text.contains("6h of 6h in the window counted") && text.contains("by flood"), "{text}");
    let experienced = [&["explain", "shop", TARGET, "--figure", "experienced"][..], &month[..]].concat();
    assert!(!said(&experienced).1.contains("flood"));

    let (code, _, why) = said(&[&["explain", "shop", "shop-sla/availabilty"][..], &month[..]].concat());
    assert!(code == Some(1) && why.contains("did you mean \"shop-sla/availability\"?"), "{why}");
    assert_eq!(said(&["explain", "shop", "availability", "--data", &data]).0, Some(2));
    for (query, status, expected) in [
        ("", 400, "bad-parameter"),
        ("target=shop", 400, "bad-parameter"),
        ("target=shop-sla/availability&figure=best", 400, "bad-parameter"),
        ("target=shop-sla/availability&timelines=true", 400, "unknown-parameter"),
        ("target=shop-sla/other", 404, "no-such-target"),
        ("target=shop-sla/availability&as_of=9999999999999", 400, "in-the-future"),
    ] {
        let answer = world.send(None, "GET", &format!("/api/v1/services/shop/explanation?{query}"), None);
        assert_eq!((answer.code, word(&answer).as_str()), (status, expected), "{query}: {}", answer.text());
    }
    until("the collector to answer still", || Some(world.figures()));
}
