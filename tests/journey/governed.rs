//! What people put on record: by whom they like, kept over a kill, one for each id, and told with its name.

use serde_json::{Value, json};
use uphold_tests::process::wait::wall_ms;

use crate::callers::{GUARDED, word};
use crate::world::{World, run, until};

/// What a command printed; it has to end well.
fn printed(args: &[&str]) -> String {
    let done = run("uphold-collector", args);
    assert!(done.status.success(), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

/// With what a command that is refused ends, and what it says.
fn refused(args: &[&str]) -> (Option<i32>, String) {
    let done = run("uphold-collector", args);
    (done.status.code(), String::from_utf8(done.stderr).unwrap())
}

#[test]
fn records_have_a_name_are_one_for_each_id_and_outlast_a_kill() {
    let mut world = World::configured(GUARDED);
    let data = world.collector_data();
    let [viewer, duty, lead] = [("wall", "viewer"), ("duty", "operator"), ("lead", "approver")]
        .map(|(name, role)| world.give_token(name, role, &[]));
    let sw = json!({ "id": "sw-42", "services": ["shop"], "start": "2030-04-05T22:00:00Z", "end": "2030-04-06T02:00:00Z",
        "change": "CHG-42", "category": "standard" });
    let post = |token: &String, path: &str, body: &Value| world.send(Some(token), "POST", path, Some(body));
    let maintenances = "/api/v1/maintenances";
    assert_eq!(post(&viewer, maintenances, &sw).code, 403);
    let added = post(&duty, maintenances, &sw);
    assert_eq!(added.code, 201, "{}", added.text());
    assert_eq!(added.json().unwrap()["recorded_by"]["name"], "duty");
    let again = post(&lead, maintenances, &sw);
    assert_eq!((again.code, again.text()), (200, added.text()), "the same twice is one");
    let mut other = sw.clone();
    other["end"] = json!("2030-04-06T03:00:00Z");
    let mut before = sw.clone();
    before["id"] = json!("sw-43");
    before["announced_at"] = json!(0);
    before["approver"] = json!("ops-lead");
    let flood = json!({ "id": "flood", "services": "all", "targets": ["shop-sla/availability"], "start": 0, "end": 1000,
        "class": "force_majeure", "reason": "the river rose", "approver": "retail" });
    let mut nowhere = sw.clone();
    nowhere["id"] = Value::Null;
    nowhere["services"] = json!(["shp"]);
    for (token, path, body, status, expected) in [
        (&duty, maintenances, &other, 409, "id-taken"),
        (&duty, maintenances, &before, 403, "not-allowed"),
        (&duty, "/api/v1/exclusions", &flood, 403, "not-allowed"),
        (&duty, maintenances, &nowhere, 422, "unsound-record"),
        (&duty, maintenances, &json!({ "services": 5 }), 400, "unsound-json"),
        (&duty, "/api/v1/maintenances/sw-41/revoke", &json!({ "reason": "x" }), 404, "no-such-record"),
    ] {
        let answer = post(token, path, body);
        assert_eq!((answer.code, word(&answer).as_str()), (status, expected), "{path} {body}");
    }
    assert_eq!(post(&lead, maintenances, &before).code, 201);
    assert_eq!(post(&lead, "/api/v1/exclusions", &flood).code, 201);
    let exercise =
        ["record", "add", "continuity_exercise", "--service", "shop", "--title", "moved", "--scenario", "fire"];
    let lengths = ["--rto-promised", "4h", "--rto-reached", "3h", "--rpo-promised", "1m", "--data", &data];
    let said = printed(&[&exercise[..], &lengths[..]].concat());
    assert!(said.starts_with("On record: record-1 (continuity_exercise) of shop"), "{said}");
    let gone = post(&lead, "/api/v1/maintenances/sw-43/revoke", &json!({ "reason": "moved to May" }));
    assert_eq!(gone.json().unwrap()["revoked"]["by"]["name"], "lead");
    let again = post(&lead, "/api/v1/maintenances/sw-43/revoke", &json!({ "reason": "moved to May" }));
    assert_eq!((again.code, word(&again).as_str()), (409, "already-revoked"));
    world.kill_collector();
    world.start_collector();
    let one = |path: &str| world.send(Some(&viewer), "GET", path, None).json().unwrap();
    assert_eq!(one("/api/v1/maintenances/sw-42"), added.json().unwrap());
    assert_eq!(one("/api/v1/maintenances/sw-43")["revoked"]["reason"], "moved to May");
    let listed = one("/api/v1/maintenances?service=shop&standing=planned");
    assert_eq!((&listed["total"], &listed["records"][0]["id"]), (&json!(1), &json!("sw-42")));
    let kept = one("/api/v1/records/record-1");
    assert_eq!((&kept["rto_kept"], &kept["rpo_kept"]), (&json!(true), &json!(false)));
    let deeds = printed(&["deeds", "--data", &data]);
    for deed in [
        "duty (operator)  put the maintenance sw-42 on record",
        "lead (approver)  revoked the maintenance sw-43",
        "lead (approver)  put the exclusion flood on record",
        "put the record record-1 on record",
    ] {
        assert_eq!(deeds.matches(deed).count(), 1, "{deed} is not once among\n{deeds}");
    }
}

#[test]
fn the_command_line_does_the_same_whether_a_collector_runs_or_not() {
    let mut world = World::without_agent();
    let data = world.collector_data();
    let add = |id: &'static str, service: &'static str, end: &'static str| {
        let start = "2030-03-02T22:00:00Z";
        ["maintenance", "add", id, "--service", service, "--start", start, "--end", end, "--recurrence", "FREQ=WEEKLY"]
    };
    let within = |args: &[&'static str]| args.iter().copied().chain(["--data"]).collect::<Vec<&str>>();
    for runs in [true, false] {
        if !runs {
            world.stop_collector();
        }
        let id = if runs { "running" } else { "stopped" };
        let with = |args: &[&'static str]| [&within(args)[..], &[data.as_str()]].concat();
        let said = printed(&with(&add(id, "shop", "2030-03-03T02:00:00Z")));
        let expected = format!(
            "On record: the maintenance {id} of shop, from 2030-03-02T22:00:00Z to 2030-03-03T02:00:00Z, and again by FREQ=WEEKLY.\n"
        );
        assert_eq!(said, expected);
        assert_eq!(printed(&with(&add(id, "shop", "2030-03-03T02:00:00Z"))), expected, "the same twice is one");
        let (code, why) = refused(&with(&add(id, "shop", "2030-03-03T03:00:00Z")));
        assert!(code == Some(1) && why.contains("an id is never given twice"), "{why}");
        let (code, why) = refused(&with(&add("other", "shp", "2030-03-03T03:00:00Z")));
        assert!(code == Some(1) && why.contains("there is no service shp (did you mean \"shop\"?)"), "{why}");
        assert_eq!(refused(&with(&["maintenance", "list", "--standing", "in_force"])).0, Some(2));
        let shown = printed(&with(&["maintenance", "show", id]));
        assert!(shown.contains("recurs") && shown.contains("FREQ=WEEKLY") && shown.contains("planned"), "{shown}");
        let listed = printed(&with(&["maintenance", "list", "--service", "shop"]));
        assert!(listed.starts_with("ID ") && listed.contains(id), "{listed}");
        let json: Value = serde_json::from_str(&printed(&with(&["maintenance", "list", "--format", "json"]))).unwrap();
        assert_eq!(json["total"], 1, "those that were revoked are not counted: {json}");
        let revoked = printed(&with(&["maintenance", "revoke", id, "--reason", "moved"]));
        assert!(revoked.starts_with(&format!("Revoked {id};")), "{revoked}");
        let gone: Value =
            serde_json::from_str(&printed(&with(&["maintenance", "show", id, "--format", "json"]))).unwrap();
        assert_eq!((&gone["standing"], &gone["revoked"]["reason"]), (&json!("revoked"), &json!("moved")));
        assert!(
            !printed(&with(&["maintenance", "list"])).contains(id),
            "revoked ones are listed when they are asked for"
        );
        assert!(printed(&with(&["maintenance", "list", "--standing", "revoked"])).contains(id));
    }
}

#[test]
fn maintenance_that_overruns_is_shown_until_its_service_is_up_and_calendars_have_it() {
    let mut world = World::watched();
    world.stop_shop();
    world.wait_for_state("down");
    let end = wall_ms();
    let body = json!({ "id": "late", "services": ["shop"], "start": end - 60_000, "end": end });
    // Without tokens nobody known puts anything on record.
    assert_eq!(world.send(None, "POST", "/api/v1/maintenances", Some(&body)).code, 401);
    let duty = world.give_token("duty", "operator", &[]);
    assert_eq!(world.send(Some(&duty), "POST", "/api/v1/maintenances", Some(&body)).code, 201);
    let overruns = || world.ask("/api/v1/maintenances/late")["overruns"].as_array().unwrap().clone();
    let found = until("the overrun", || Some(overruns()).filter(|found| !found.is_empty()));
    assert_eq!(found, [json!({ "service": "shop", "since": end })]);
    let page = uphold_tests::process::http::get(world.collector_port, "/").unwrap().text();
    assert!(page.contains("data-overrun=\"late\""), "{page}");
    let listed = printed(&["maintenance", "list", "--data", &world.collector_data()]);
    assert!(listed.contains("over, overrun"), "{listed}");
    let calendar = uphold_tests::process::http::get(world.collector_port, "/api/v1/maintenances.ics").unwrap();
    assert_eq!(calendar.header("content-type"), Some("text/calendar; charset=utf-8"));
    assert!(calendar.text().contains("\r\nUID:late-") && calendar.text().contains("\r\nSTATUS:CONFIRMED\r\n"));
    world.start_shop();
    until("the overrun to end", || {
        let found = world.ask("/api/v1/maintenances/late")["overruns"].as_array().unwrap().clone();
        found.is_empty().then_some(())
    });
}

#[test]
fn what_is_excluded_does_not_count_and_counts_again_once_it_is_revoked() {
    let mut world = World::watched();
    let data = world.collector_data();
    world.wait_for_state("up");
    world.stop_shop();
    world.wait_for_state("down");
    world.start_shop();
    world.wait_for_state("up");
    let done = world.stop_agent();
    let before = world.figures_after(done);
    let as_of = before.as_of();
    let down =
        |figures: &Value, which: &str| figures["targets"]["shop-sla/availability"][which]["kinds"]["down"].clone();
    let lost = before.number("D");
    assert!(lost > 0);
    let figures = || world.ask(&format!("/api/v1/services/shop/figures?as_of={as_of}"));
    let span = before.only_break();
    let (start, end) = (span[0].to_string(), span[1].to_string());
    let agreed = ["--class", "supplier", "--reason", "their fire", "--approver", "Retail division"];
    let add = ["exclusion", "add", "fire", "--service", "shop", "--start", &start, "--end", &end, "--data", &data];
    printed(&[&add[..], &agreed[..]].concat());
    let after = figures();
    assert_eq!(down(&after, "contractual"), 0, "{after}");
    assert_eq!(after["targets"]["shop-sla/availability"]["contractual"]["kinds"]["excluded"], span[1] - span[0]);
    assert_eq!((down(&after, "without_exclusions"), down(&after, "experienced")), (lost.into(), lost.into()));
    printed(&["exclusion", "revoke", "fire", "--reason", "it was ours", "--data", &data]);
    assert_eq!(figures(), before.0);
    // Maintenance that is announced after its start takes nothing out of the agreed time.
    let late = ["maintenance", "add", "sw-1", "--service", "shop", "--start", &start, "--end", &end, "--data", &data];
    printed(&late);
    assert_eq!(figures(), before.0, "it was announced after its start");
}
