//! A real Alertmanager as a receiver of state: it is told of an outage once, again and again while that lasts, and of its
//! end; what it missed while it was away; and nothing more by a collector that is gone.

use serde_json::Value;
use uphold_tests::process::alertmanager::Alertmanager;
use uphold_tests::process::http;
use uphold_tests::process::inbox::Inbox;

use crate::figures::with_cause;
use crate::outage::{DOWN, OPENED};
use crate::world::{World, until};

const ALERT: &str = "UpholdServiceDown";

/// The world under a catalogue that tells this Alertmanager of everything, every two seconds.
fn world(alertmanager: &Alertmanager) -> World {
    let receiver = format!("  - {{ id: alerts, alertmanager: {{ url: \"{}/\", every: 2s }} }}\n", alertmanager.url());
    World::watched_under(|_, text| {
        text.replace("receivers:\n", &format!("receivers:\n{receiver}"))
            .replace("routes:\n", "routes:\n  - { to: alerts }\n")
    })
}

/// The one alert about the shop, once there is one.
fn the_alert(alertmanager: &Alertmanager) -> Value {
    let mut alerts = until("an alert", || Some(alertmanager.alerts(ALERT).ok()?).filter(|all| !all.is_empty()));
    assert_eq!(alerts.len(), 1, "{alerts:#?}");
    alerts.remove(0)
}

fn until_it_ends(alertmanager: &Alertmanager) {
    until("the alert to end", || alertmanager.alerts(ALERT).ok()?.is_empty().then_some(()));
}

/// An instant as people write it, in milliseconds.
fn ms(text: &Value) -> i64 {
    let text = text.as_str().unwrap();
    uphold_common::time::Instant::parse(text).unwrap_or_else(|| panic!("no instant: {text}")).as_ms()
}

/// What Alertmanager told its own receiver of the alert: whether it fires, and the alert.
fn notices(inbox: &Inbox, status: &str) -> Vec<Value> {
    let all = inbox.payloads().unwrap();
    let alerts = all.iter().flat_map(|notice| notice["alerts"].as_array().unwrap());
    alerts.filter(|alert| alert["labels"]["alertname"] == ALERT && alert["status"] == status).cloned().collect()
}

#[test]
fn an_outage_is_one_alert_that_is_put_off_while_it_lasts_and_resolved_at_its_end() {
    let inbox = Inbox::start().unwrap();
    let alertmanager = Alertmanager::start(&inbox).unwrap();
    let mut world = world(&alertmanager);
    let told = |name: &str| world.collector_metric(&format!("{name}{{receiver=\"alerts\"}}"));
    until("that there is nothing to be told", || told("uphold_receiver_alerts").filter(|alerts| *alerts < 0.5));

    world.stop_shop();
    let first = the_alert(&alertmanager);
    let incident = with_cause(&world.incidents(), DOWN).remove(0).clone();
    let number = format!("INC-{}", incident["number"]);
    let store = until("a message", || world.inbox.payloads().unwrap().pop())["source"].as_str().unwrap().to_owned();
    let store = store.rsplit(':').next().unwrap()[..8].to_owned();
    let labels = serde_json::json!({
        "alertname": ALERT, "service": "shop", "priority": "P1", "incident": number, "store": store
    });
    assert_eq!(first["labels"], labels);
    assert_eq!(first["annotations"]["service_name"], "Web shop");
    assert_eq!(first["annotations"]["customers"], "retail");
    assert_eq!(first["annotations"]["summary"], incident["summary"]);
    assert_eq!(ms(&first["startsAt"]), incident["started"].as_i64().unwrap());
    assert_eq!(alertmanager.alerts("UpholdTargetBreached").unwrap().len(), 1, "the breach is an alert of its own");

    // Longer than one telling stands.
    until("the alert to be put off", || {
        let alert = the_alert(&alertmanager);
        assert_eq!((&alert["labels"], &alert["startsAt"]), (&first["labels"], &first["startsAt"]));
        (ms(&alert["endsAt"]) >= ms(&first["endsAt"]) + 10_000).then_some(())
    });
    assert_eq!(notices(&inbox, "firing").len(), 1, "it fired once");

    world.start_shop();
    until_it_ends(&alertmanager);
    let resolved = until("the notice of its end", || notices(&inbox, "resolved").pop());
    let ended = with_cause(&world.incidents(), DOWN)[0]["resolved"]["ended"].as_i64().unwrap();
    assert_eq!(ms(&resolved["endsAt"]), ended, "it ended when the shop was seen to work");
    assert_eq!(resolved["labels"], labels);
    assert_eq!(notices(&inbox, "firing").len(), 1);

    let metrics = http::get(world.collector_port, "/metrics").unwrap().text();
    assert!(!metrics.contains("uphold_receiver_waiting{receiver=\"alerts\"}"), "nothing waits for it");
    assert_eq!(world.collector_metric("uphold_receiver_failed_attempts_total{receiver=\"alerts\"}"), Some(0.0));
    assert!(http::get(world.collector_port, "/").unwrap().text().contains("data-receiver=\"alerts\""));
    world.wait_for_message(OPENED, DOWN);
}

#[test]
fn an_alert_of_a_collector_that_is_gone_ends_by_itself_and_the_next_one_tells_it_again() {
    let inbox = Inbox::start().unwrap();
    let alertmanager = Alertmanager::start(&inbox).unwrap();
    let mut world = world(&alertmanager);
    world.stop_shop();
    let first = the_alert(&alertmanager);
    world.kill_collector();
    until_it_ends(&alertmanager);
    until("the notice of its end", || notices(&inbox, "resolved").pop());

    world.start_collector();
    let again = the_alert(&alertmanager);
    assert_eq!((&again["labels"], &again["startsAt"]), (&first["labels"], &first["startsAt"]));
}

#[test]
fn an_alertmanager_that_was_away_is_told_what_is_open() {
    let inbox = Inbox::start().unwrap();
    let mut alertmanager = Alertmanager::start(&inbox).unwrap();
    let mut world = world(&alertmanager);
    alertmanager.stop().unwrap();
    world.stop_shop();
    world.wait_for_message(OPENED, DOWN);
    let failed = "uphold_receiver_failed_attempts_total{receiver=\"alerts\"}";
    until("attempts to fail", || world.collector_metric(failed).filter(|failed| *failed > 1.5));
    let page = http::get(world.collector_port, "/").unwrap().text();
    assert!(page.contains("could not reach the receiver"), "the page says why");

    alertmanager.start_again().unwrap();
    let alert = the_alert(&alertmanager);
    let started = with_cause(&world.incidents(), DOWN)[0]["started"].as_i64().unwrap();
    assert_eq!(ms(&alert["startsAt"]), started, "since when it is down, not since when it could be told");
    world.start_shop();
    until_it_ends(&alertmanager);
}

#[test]
fn a_watchdog_stands_while_the_collector_measures_and_ends_with_it() {
    let inbox = Inbox::start().unwrap();
    let alertmanager = Alertmanager::start(&inbox).unwrap();
    let mut world = World::watched_under(|world, text| {
        let alerts = format!(
            "  - {{ id: alerts, alertmanager: {{ url: \"{}\", every: 2s, watchdog: true }} }}\n",
            alertmanager.url()
        );
        let beat = format!("  - {{ id: beat, heartbeat: {{ url: \"{}\", every: 1s }} }}\n", world.inbox.url());
        text.replace("receivers:\n", &format!("receivers:\n{alerts}{beat}"))
    });
    let stands = || alertmanager.alerts("Watchdog").unwrap().pop();
    let first = until("the watchdog", stands);
    let beats = || world.collector_metric("uphold_receiver_delivered_total{receiver=\"beat\"}");
    let before = until("a heartbeat", || beats().filter(|beats| *beats > 0.5)) + 1.5;
    until("further heartbeats", || beats().filter(|beats| *beats > before));
    until("the watchdog to be put off", || {
        let alert = stands().unwrap();
        (ms(&alert["endsAt"]) >= ms(&first["endsAt"]) + 10_000).then_some(())
    });
    world.kill_collector();
    until("the watchdog to end", || stands().is_none().then_some(()));
}
