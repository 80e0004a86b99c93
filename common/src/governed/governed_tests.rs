//! What is asked and what becomes of it: read, held against the catalogue, applied.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::applied::{dependants, excluded_of, overruns, planned_of};
use super::*;
use crate::catalogue::read;
use crate::measure::timeline::Timeline;
use crate::observation::State;
use crate::wire::pack;

const CATALOGUE: &str = r#"
organisation: { name: Example, time_zone: Europe/Zurich }
customers: [{ id: retail, name: Retail }]
services:
  - { id: shop, name: Shop, probes: [{ id: web, agents: [zurich-1], interval: 30s, timeout: 5s, tcp: { address: "192.0.2.1:443" } }] }
  - { id: mail, name: Mail, probes: [{ id: smtp, agents: [zurich-1], interval: 30s, timeout: 5s, tcp: { address: "192.0.2.1:25" } }] }
agreements:
  - id: sla
    kind: sla
    party: retail
    targets:
      - { id: shop, service: shop, window: month, availability: "99.9%" }
      - { id: mail, service: mail, window: month, availability: "99%" }
"#;
/// 2026-03-01T00:00:00Z.
const NOW: Instant = Instant::from_ms(1_772_323_200_000);

fn id(text: &str) -> Id {
    Id::new(text).unwrap()
}

fn asked(sort: Sort, written: Value) -> Asked {
    match sort {
        Sort::Maintenance => Asked::Maintenance(serde_json::from_value(written).unwrap()),
        Sort::Exclusion => Asked::Exclusion(serde_json::from_value(written).unwrap()),
        Sort::Dated => Asked::Dated(serde_json::from_value(written).unwrap()),
    }
}

/// What is read and fits, or everything that is wrong with it.
fn record(sort: Sort, written: Value) -> Result<Content, String> {
    let catalogue = read(&[("catalogue.yaml", CATALOGUE)]).unwrap();
    let asked = asked(sort, written);
    let id = asked.id().map_err(|why| why.to_string())?.unwrap_or_else(|| id("made"));
    let defaults = Defaults { at: NOW, time_zone: Some("Europe/Zurich".to_owned()) };
    let content = asked.read(id, &defaults).map_err(|why| why.to_string())?;
    content.fits(Facts { catalogue: &catalogue, now: NOW }).map_err(|why| why.to_string())?;
    let kept: Content = pack::unpack(&pack::pack(&content).unwrap()).unwrap();
    assert_eq!(kept, content, "it is kept as it is");
    Ok(content)
}

fn maintenance(services: impl Into<Value>, start_h: i64, end_h: i64) -> Maintenance {
    let hour = |h: i64| NOW.plus_ms(h * 3_600_000).as_ms();
    let written = json!({ "services": services.into(), "start": hour(start_h), "end": hour(end_h) });
    record(Sort::Maintenance, written).unwrap().maintenance().unwrap().clone()
}

#[test]
fn maintenance_says_everything_that_is_wrong_with_it() {
    let whole = json!({
        "id": "sw-42", "services": ["shop"], "start": "2026-03-07T22:00:00+01:00", "end": "2026-03-08T02:00:00+01:00",
        "announced_at": "2026-02-20T00:00:00Z", "change": "CHG-42", "category": "standard", "approver": "ops-lead",
        "recurrence": "FREQ=MONTHLY;BYDAY=1SA", "time_zone": "Europe/Zurich",
    });
    let content = record(Sort::Maintenance, whole.clone()).unwrap();
    assert_eq!((content.id().as_str(), content.intervals().len()), ("sw-42", 121));
    for (key, value, expected) in [
        ("services", json!("al"), "services: expected \"all\" or a list of services"),
        ("services", json!([]), "services: expected \"all\" or a list of 1 to 1000 services"),
        ("services", json!(["shp"]), "services: there is no service shp (did you mean \"shop\"?)"),
        ("services", Value::Null, "services: is missing"),
        ("start", json!("tomorrow"), "start: expected an instant such as"),
        ("start", json!(9_000_000_000_000_000_000_i64), "start: expected an instant such as"),
        ("end", json!("2026-03-07T21:00:00Z"), "end: expected an instant after its start"),
        ("announced_at", json!("2026-03-01T00:00:00.001Z"), "announced_at: expected an instant that has come"),
        ("approver", Value::Null, "approver: is missing; who vouches"),
        ("approver", json!("\u{1b}[31m"), "approver: expected one line"),
        ("change", json!("x".repeat(2_001)), "change: expected a text of 1 to 2000 bytes"),
        ("recurrence", json!("FREQ=MONTHLY;BYDAY=1SU"), "recurrence: its start is no time of the rule"),
        ("recurrence", Value::Null, "time_zone: is only for what recurs"),
        ("id", json!("Not An Id"), "id: expected an id of 1 to 64"),
    ] {
        let mut written = whole.clone();
        written[key] = value;
        let refused = record(Sort::Maintenance, written).unwrap_err();
        assert!(refused.contains(expected), "{key}: {refused}");
    }
    let all = record(Sort::Maintenance, json!({ "start": "x", "category": "" })).unwrap_err();
    assert_eq!(all.matches("; ").count(), 3, "services, start, end and category: {all}");
}

#[test]
fn announced_now_needs_nobody_to_vouch_for_it() {
    let written = json!({ "services": "all", "start": 0, "end": 1 });
    let content = record(Sort::Maintenance, written).unwrap();
    let maintenance = content.maintenance().unwrap();
    assert_eq!((maintenance.announced_at(), maintenance.services()), (NOW, &Selection::All));
}

#[test]
fn exclusions_say_everything_that_is_wrong_with_them() {
    let whole = json!({
        "services": ["shop"], "targets": ["sla/shop"], "start": "2026-02-01T00:00:00Z", "end": "2026-02-01T01:00:00Z",
        "class": "force_majeure", "reason": "the river rose", "clause": "7.2", "approver": "retail", "approved_at": 0,
    });
    let content = record(Sort::Exclusion, whole.clone()).unwrap();
    assert_eq!(content.exclusion().unwrap().class.as_str(), "force_majeure");
    for (key, value, expected) in [
        ("class", json!("custommer"), "did you mean \"customer\"?"),
        ("reason", Value::Null, "reason: is missing"),
        ("approver", json!(" "), "approver: expected one line"),
        ("targets", json!(["sla/shp"]), "targets: there is no target sla/shp (did you mean \"sla/shop\"?)"),
        ("targets", json!(["shop"]), "targets: expected a list of targets, and \"shop\" is none"),
        ("targets", json!(["sla/mail"]), "targets: sla/mail is of mail, which is not among the services"),
        ("approved_at", json!("2027-01-01T00:00:00Z"), "approved_at: expected an instant that has come"),
    ] {
        let mut written = whole.clone();
        written[key] = value;
        let refused = record(Sort::Exclusion, written).unwrap_err();
        assert!(refused.contains(expected), "{key}: {refused}");
    }
}

#[test]
fn each_kind_of_dated_record_has_keys_of_its_own() {
    let base = |more: Value| {
        let mut written = json!({ "services": ["shop"], "at": "2026-02-01T00:00:00Z", "title": "what it was" });
        written.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        record(Sort::Dated, written)
    };
    for (more, kind) in [
        (json!({ "kind": "review", "customer": "retail", "attendees": "a, b", "decisions": "go on" }), "review"),
        (json!({ "kind": "deployment", "version": "1.2" }), "deployment"),
        (json!({ "kind": "improvement", "metric": "MTRS, h", "before": "4.5", "after": "-1" }), "improvement"),
        (json!({ "kind": "complaints", "count": 3, "since": 0 }), "complaints"),
    ] {
        let Content::Dated(dated) = base(more).unwrap() else { panic!("it is dated") };
        assert_eq!((dated.what.as_str(), dated.what.kept()), (kind, None));
    }
    let exercise = json!({ "kind": "continuity_exercise", "scenario": "fire", "rto_promised_ms": 10, "rto_reached_ms": 10,
        "rpo_promised_ms": 5 });
    let Content::Dated(dated) = base(exercise).unwrap() else { panic!("it is dated") };
    assert_eq!(dated.what.kept(), Some((true, false)), "what was not reached was not kept");
    for (more, expected) in [
        (json!({}), "kind: is missing"),
        (json!({ "kind": "revew" }), "did you mean \"review\"?"),
        (json!({ "kind": "review", "count": 1 }), "count: is not of the kind review, but of complaints"),
        (json!({ "kind": "review", "customer": "retial" }), "there is no customer retial (did you mean \"retail\"?)"),
        (json!({ "kind": "deployment" }), "version: is missing"),
        (json!({ "kind": "improvement", "metric": "x", "before": "4,5" }), "before: expected a decimal"),
        (
            json!({ "kind": "complaints", "count": 1, "since": "2026-02-02T00:00:00Z" }),
            "since: expected an instant before",
        ),
        (
            json!({ "kind": "complaints", "count": 1, "at": "2027-01-01T00:00:00Z" }),
            "at: expected an instant that has come",
        ),
        (json!({ "kind": "continuity_exercise", "rto_promised_ms": -1 }), "rto_promised_ms: expected milliseconds"),
    ] {
        let refused = base(more).unwrap_err();
        assert!(refused.contains(expected), "{refused}");
    }
}

#[test]
fn a_measurement_is_given_whole_intervals_in_order() {
    let (one, two) = (maintenance(json!(["shop"]), 5, 9), maintenance(json!("all"), 1, 6));
    let span = |from: i64, to: i64| Interval::new(NOW.plus_ms(from * 3_600_000), NOW.plus_ms(to * 3_600_000));
    let planned = |service: &str, from, to| {
        let found = planned_of([&one, &two], &id(service), span(from, to));
        found.into_iter().map(|(interval, _)| interval).collect::<Vec<_>>()
    };
    assert_eq!(planned("shop", 0, 24), [span(1, 6), span(5, 9)]);
    assert_eq!(planned("mail", 0, 24), [span(1, 6)]);
    assert_eq!(planned("shop", 6, 24), [span(5, 9)], "what ends where the span starts has no instant of it");
    assert!(planned("shop", 9, 24).is_empty() && planned("shop", 0, 1).is_empty());
    let written = json!({ "services": "all", "targets": ["sla/shop"], "start": NOW.as_ms(), "end": NOW.as_ms() + 10,
        "class": "other", "reason": "agreed", "approver": "retail" });
    let content = record(Sort::Exclusion, written).unwrap();
    let excluded = |target: &str| excluded_of(content.exclusion(), &id("shop"), &target.parse().unwrap(), span(0, 1));
    assert_eq!((excluded("sla/shop").len(), excluded("sla/mail").len()), (1, 0));
}

#[test]
fn who_is_built_on_the_named_is_found_through_others() {
    let on = |names: &[&str]| names.iter().map(|name| id(name)).collect::<BTreeSet<Id>>();
    let operands = BTreeMap::from([(id("b"), on(&["a"])), (id("c"), on(&["b", "x"])), (id("d"), on(&["x"]))]);
    assert_eq!(dependants(&Selection::Named(on(&["a"])), &operands), on(&["b", "c"]));
    assert_eq!(dependants(&Selection::Named(on(&["a", "b"])), &operands), on(&["c"]));
    assert_eq!(dependants(&Selection::All, &operands), on(&[]));
}

#[test]
fn maintenance_overruns_while_its_service_was_not_seen_up_since() {
    use State::{Degraded, Down, Unmeasured, Up};
    // It ends at the hour 4; it is the hour 8. Each letter of the states is an hour.
    for (states, more, expected) in [
        (vec![Up, Up, Down, Down, Down, Down, Down, Down], None, true),
        (vec![Up, Up, Down, Down, Up, Down, Down, Down], None, false),
        (vec![Up, Up, Down, Down, Degraded, Down, Down, Down], None, false),
        (vec![Up, Up, Down, Up, Down, Down, Down, Down], None, true),
        (vec![Up, Up, Up, Up, Unmeasured, Unmeasured, Down, Unmeasured], None, true),
        (vec![Up, Up, Down, Down, Unmeasured, Unmeasured, Unmeasured, Unmeasured], None, false),
        (vec![Up, Up, Up, Up, Up, Up, Up, Up], None, false),
        (vec![Down, Down, Down, Down, Down, Down, Down, Down], None, true),
        (vec![Up, Up, Down, Down, Down, Down, Down, Down], Some((7, 9)), false),
        (vec![Up, Up, Down, Down, Down, Down, Down, Down], Some((8, 9)), false),
        (vec![Up, Up, Down, Down, Down, Down, Down, Down], Some((9, 10)), true),
    ] {
        let hour = |h: i64| NOW.plus_ms(h * 3_600_000);
        let mut seen = Timeline::new();
        for (h, state) in (0..).zip(&states) {
            seen.push(Interval::new(hour(h), hour(h + 1)), *state);
        }
        let mut in_force = vec![maintenance(json!(["shop"]), 2, 4)];
        in_force.extend(more.map(|(start, end)| maintenance(json!("all"), start, end)));
        let shop = id("shop");
        let found = overruns(&in_force, &BTreeMap::from([(&shop, &seen)]), hour(8));
        assert_eq!(!found.is_empty(), expected, "{states:?} {more:?}");
        assert!(found.iter().all(|overrun| overrun.since == hour(4)));
    }
}
