//! The alerts of a known snapshot: which incidents, known by what, and until when.

use uphold_common::catalogue::model::{Priority, ReceiverUrl};

use crate::notify::testing::route;
use uphold_common::time::Instant;

use super::*;
use crate::incident::model::{PriorityText, Resolution, Resolved};
use crate::page::fixture::{id, snapshot};

fn alertmanager(every_ms: i64) -> Alertmanager {
    Alertmanager { url: ReceiverUrl::Url("https://alerts.example".to_owned()), every_ms, watchdog: false }
}

/// The alerts for `alerts`, with its rhythm.
fn alerts_of(snapshot: &Snapshot) -> Vec<Alert> {
    alerts(snapshot, &told(snapshot, &id("alerts")), &alertmanager(60_000))
}

fn incidents_of(snapshot: &Snapshot) -> Vec<String> {
    alerts_of(snapshot).iter().map(|alert| alert.labels["incident"].clone()).collect()
}

/// The snapshot, with the outage resolved this long before it.
fn resolved(ago_ms: i64, ended: Instant) -> Snapshot {
    let mut snapshot = snapshot();
    let mut outage = snapshot.open_incidents.pop().unwrap();
    let decided_at = snapshot.as_of.minus_ms(ago_ms);
    outage.resolved = Some(Resolved { ended, decided_at, resolution: Resolution::Recovered, by: None });
    snapshot.lately_resolved.insert(0, outage);
    snapshot
}

#[test]
fn what_is_open_stands_for_five_rhythms_under_labels_of_its_opening() {
    let snapshot = snapshot();
    let alerts = alerts_of(&snapshot);
    let [breach, outage] = alerts.as_slice() else { panic!("{alerts:#?}") };
    let labels = |alert: &Alert| {
        alert.labels.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(labels(outage), "alertname=UpholdServiceDown incident=INC-9 priority=P1 service=mail store=5e5e5e5e");
    assert_eq!(
        labels(breach),
        "alertname=UpholdTargetBreached incident=INC-6 priority=P2 service=mail store=5e5e5e5e target=office-ola/mail"
    );
    assert_eq!(outage.annotations["summary"], "Mail is down: smtp, connection refused");
    assert_eq!(outage.annotations["service_name"], snapshot.catalogue.services[&id("mail")].name);
    assert_eq!(outage.annotations["organisation"], snapshot.catalogue.organisation.name);
    assert_eq!(outage.starts_at, snapshot.open_incidents[1].started.to_string());
    assert_eq!(outage.ends_at, snapshot.as_of.plus_ms(5 * 60_000).to_string());
    let json = serde_json::to_value(outage).unwrap();
    let keys: Vec<&String> = json.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["annotations", "endsAt", "labels", "startsAt"]);
    assert!(json["labels"].as_object().unwrap().values().all(serde_json::Value::is_string));
}

#[test]
fn the_labels_outlive_whatever_changes_meanwhile() {
    let before = alerts_of(&snapshot());
    let mut catalogue = crate::page::fixture::catalogue("", "");
    "Renamed".clone_into(&mut catalogue.organisation.name);
    catalogue.services.clear();
    let mut snapshot = snapshot();
    snapshot.catalogue = std::sync::Arc::new(catalogue);
    let outage = &mut snapshot.open_incidents[1];
    "worded anew".clone_into(&mut outage.summary);
    outage.events = 7;
    let after = alerts_of(&snapshot);
    assert_eq!(
        before.iter().map(|a| &a.labels).collect::<Vec<_>>(),
        after.iter().map(|a| &a.labels).collect::<Vec<_>>()
    );
    assert!(!after[1].annotations.contains_key("service_name") && !after[1].annotations.contains_key("customers"));
}

#[test]
fn what_was_resolved_is_told_for_a_quarter_of_an_hour_and_ends_not_before_it_starts() {
    let started = snapshot().open_incidents[1].started;
    for (ago_ms, ended_after_ms, told, ends_after_ms) in [
        (0, 60_000, true, 60_000),
        (RESOLVED_TOLD_MS, 60_000, true, 60_000),
        (RESOLVED_TOLD_MS + 1, 60_000, false, 0),
        (1_000, 0, true, 0),
        (1_000, -5_000, true, 0),
    ] {
        let snapshot = resolved(ago_ms, started.plus_ms(ended_after_ms));
        let alerts = alerts_of(&snapshot);
        let alert = alerts.iter().find(|alert| alert.labels["incident"] == "INC-9");
        assert_eq!(alert.is_some(), told, "{ago_ms}");
        if let Some(alert) = alert {
            assert_eq!(alert.starts_at, started.to_string());
            assert_eq!(alert.ends_at, started.plus_ms(ends_after_ms).to_string(), "{ended_after_ms}");
            assert_eq!(alert.annotations["resolution"], "the service works again");
        }
    }
}

#[test]
fn only_what_a_route_sends_there_is_told() {
    let mut snapshot = snapshot();
    let mut catalogue = crate::page::fixture::catalogue("", "");
    catalogue.routes = vec![route("duty", &[]), route("alerts", &["P2"]), route("alerts", &["P2"])];
    snapshot.catalogue = std::sync::Arc::new(catalogue);
    assert_eq!(incidents_of(&snapshot), ["INC-6"], "once, though two routes lead there");
    snapshot.open_incidents[0].priority = PriorityText(Priority::parse("P3").unwrap());
    assert_eq!(incidents_of(&snapshot), [""; 0]);
}

#[test]
fn a_watchdog_stands_beside_whatever_is_told() {
    let snapshot = snapshot();
    let told = told(&snapshot, &id("alerts"));
    let without = alerts(&snapshot, &told, &alertmanager(60_000));
    let mut with = alerts(&snapshot, &told, &Alertmanager { watchdog: true, ..alertmanager(60_000) });
    let watchdog = with.pop().unwrap();
    assert_eq!(with, without);
    assert_eq!((watchdog.labels["alertname"].as_str(), watchdog.labels.len()), ("Watchdog", 2));
    assert_eq!(watchdog.ends_at, snapshot.as_of.plus_ms(300_000).to_string());
}

#[test]
fn the_shape_changes_with_what_is_told_and_with_nothing_else() {
    let of = |snapshot: &Snapshot| shape(&told(snapshot, &id("alerts")));
    let mut later = snapshot();
    later.as_of = later.as_of.plus_ms(1_000);
    "worded anew".clone_into(&mut later.open_incidents[0].summary);
    assert_eq!(of(&snapshot()), of(&later));
    assert_ne!(of(&snapshot()), of(&resolved(0, later.as_of)));
}
