//! Response times, alerts and credits through the engine: a tick and a question say the same, and late data changes both.

use serde_json::Value;

use super::query::FiguresQuery;
use super::tests::{World, at};
use super::*;

const DAY: i64 = 86_400;

const CATALOGUE: &str = "
organisation: { name: Example, time_zone: UTC }
customers: [{ id: retail, name: Retail }]
services:
  - id: shop
    name: Shop
    since: 2026-03-01T00:00:00Z
    probes:
      - { id: web, agents: [a], interval: 10s, timeout: 5s, tcp: { address: \"127.0.0.1:1\" } }
agreements:
  - id: sla
    kind: sla
    party: retail
    targets:
      - id: month
        service: shop
        window: month
        availability: \"99.9%\"
        credits: [{ below: \"99.9%\", percent: \"10\" }, { below: \"50%\", percent: \"25.5\" }]
      - { id: hour, service: shop, window: 1h, availability: \"50%\", min_bad: 2,
          alerts: [{ long: 2h, short: 1m, factor: \"1.5\", urgent: true }] }
      - { id: quick, service: shop, window: month, response_time: { probe: web, percentile: \"75\", below: 300ms } }
      - { id: most, service: shop, window: 24h, response_time: { probe: web, share: \"75%\", below: 300ms } }
receivers: [{ id: duty, webhook: { url: \"http://127.0.0.1:9/\" } }]
routes: [{ to: duty }]
";

/// The targets' figures as they are asked for.
fn asked(world: &mut World, within: Option<i64>, as_of: i64) -> Value {
    let query = FiguresQuery {
        service: Id::new("shop").unwrap(),
        window: None,
        at: within.map(at),
        as_of: Some(at(as_of)),
        timelines: false,
    };
    let body = world.engine().figures(&query, at(as_of), at(as_of)).unwrap();
    serde_json::from_slice::<Value>(&body).unwrap()["targets"].take()
}

/// A tick, and the same asked for: the figures of the targets.
fn tick(world: &mut World, now: i64) -> Value {
    let snapshot = world.tick(now);
    let asked = asked(world, None, now);
    let service = &snapshot.services[&Id::new("shop").unwrap()];
    assert_eq!((service.response.len(), service.alerts.len()), (2, 2));
    for (target, figures) in &service.response {
        let told = &asked[target.to_string()]["response"];
        let tally = &figures.tally;
        for (key, count) in [
            ("n", tally.n),
            ("within", tally.within),
            ("failed", tally.failed),
            ("unknown", tally.unknown),
            ("no_duration", tally.no_duration),
        ] {
            assert_eq!(told[key], count, "{target}: the tick and the question say the same of {key}");
        }
        assert_eq!(told["value_us"].as_u64(), figures.value_us.map(u64::from));
        assert_eq!(told["verdict"], figures.verdict.as_str());
    }
    for (target, alerts) in &service.alerts {
        let told = asked[target.to_string()]["alerts"].as_array().unwrap();
        assert_eq!(told.len(), alerts.len());
        for (told, alert) in told.iter().zip(alerts) {
            assert_eq!(told["bad"], alert.bad, "{target}");
            assert_eq!(told["alerting"], alert.alerting, "{target}");
            assert_eq!(told["long_rate"].as_str().map(str::to_owned), alert.long_rate.map(|rate| rate.to_string()));
        }
    }
    asked
}

#[test]
fn response_times_are_those_of_all_attempts_and_late_ones_change_them() {
    let mut world = World::with(CATALOGUE.to_owned(), 0);
    assert_eq!(tick(&mut world, 0)["sla/quick"]["response"]["verdict"], "no data");
    world.push(0, "12D3u4", 60, 0);
    let found = tick(&mut world, 60);
    let quick = &found["sla/quick"]["response"];
    assert_eq!((&quick["n"], &quick["failed"], &quick["no_duration"]), (&4.into(), &1.into(), &1.into()));
    assert_eq!((&quick["rank"], &quick["value_us"], &quick["verdict"]), (&3.into(), &300_000.into(), &"met".into()));
    let most = &found["sla/most"]["response"];
    assert_eq!((&most["within"], &most["rank"], &most["verdict"]), (&3.into(), &Value::Null, &"met".into()));
    assert_eq!((&most["share"], &quick["percentile"]), (&"75%".into(), &"75".into()));

    // Slow ones of a day ago arrive late: the month's percentile is another, that of 24 hours is not.
    world.push(-DAY - 600, "9999", 70, 0);
    let found = tick(&mut world, 70);
    assert_eq!(found["sla/quick"]["response"]["value_us"], 900_000);
    assert_eq!(found["sla/quick"]["response"]["verdict"], "breached");
    assert_eq!(found["sla/most"]["response"]["n"], 4);
    // After a restart all of it is as it was; a day later the newest have left the 24 hours.
    world.open(80);
    assert_eq!(tick(&mut world, 80)["sla/quick"], asked(&mut world, None, 80)["sla/quick"]);
    assert_eq!(tick(&mut world, 80)["sla/quick"]["response"]["n"], 8);
    assert_eq!(tick(&mut world, DAY + 20)["sla/most"]["response"]["n"], 2);
}

#[test]
fn a_target_alerts_while_its_budget_burns_and_enough_fails() {
    let mut world = World::with(CATALOGUE.to_owned(), 0);
    world.push(-7_200, &"1".repeat(720), 0, 0);
    let quiet = tick(&mut world, 0);
    assert_eq!(quiet["sla/hour"]["alerts"].as_array().unwrap().len(), 1);
    assert_eq!(quiet["sla/hour"]["alerts"][0]["long_rate"], "0/1");
    assert_eq!(quiet["sla/month"]["alerts"].as_array().unwrap().len(), 4);
    assert_eq!(quiet["sla/month"]["alerts"][0]["long_ms"], 3_720_000);

    world.push(0, "DDDDDDD", 70, 0);
    let burning = tick(&mut world, 70);
    let alert = &burning["sla/month"]["alerts"][0];
    assert_eq!((&alert["bad"], &alert["alerting"], &alert["urgent"]), (&7.into(), &true.into(), &true.into()));
    // 70 s of 3,720 s, of which a thousandth may be lost.
    assert_eq!(alert["long_rate"], "1750/93");
    assert_eq!(alert["long_rate_decimal"], "18.81");
    // The short look-back burns at 2 and has failures, and the long one is longer than its rolling window, which is
    // lengthened: 70 s of 7,200 s.
    let hour = &burning["sla/hour"]["alerts"][0];
    assert_eq!((&hour["short_rate"], &hour["long_rate"]), (&"2/1".into(), &"7/360".into()));
    assert_eq!((&hour["bad"], &hour["alerting"]), (&6.into(), &false.into()));

    // Up again: the short look-back says so. A failure of an hour ago that arrives late is counted where it belongs.
    world.push(70, &"1".repeat(60), 670, 0);
    let over = tick(&mut world, 670);
    assert_eq!(over["sla/month"]["alerts"][0]["alerting"], false);
    world.push(-3_600, "D", 680, 0);
    let late = tick(&mut world, 680);
    assert_eq!(late["sla/month"]["alerts"][3]["bad"], over["sla/month"]["alerts"][3]["bad"].as_u64().unwrap() + 1);
}

#[test]
fn a_closed_window_earns_its_credit_and_says_the_same_for_ever() {
    let mut world = World::with(CATALOGUE.to_owned(), 0);
    let april = 22 * DAY;
    world.push(0, &"1".repeat(2_000), 20_000, 0);
    world.push(20_000, &"D".repeat(100), 21_000, 0);
    world.push(21_000, "11", 21_020, 0);
    assert_eq!(tick(&mut world, 21_020)["sla/month"]["credit"], Value::Null, "it is open");
    let march = |world: &mut World, as_of| asked(world, Some(0), as_of)["sla/month"].clone();
    let closed = march(&mut world, april);
    assert_eq!((&closed["credit"], &closed["contractual"]["verdict"]), (&"10".into(), &"breached".into()));
    assert_eq!(closed["window"]["open"], false);
    let later = march(&mut world, april + 40 * DAY);
    assert_eq!(closed["alerts"], later["alerts"]);
    assert_eq!(closed["contractual"], later["contractual"]);
    // Late data makes it worse, and the step deeper.
    world.push(-9 * DAY, &"D".repeat(3_000), april, 0);
    world.tick(april + 1);
    assert_eq!(march(&mut world, april + 1)["credit"], "25.5");
}
