//! What opens incidents beside outages and breaches, over a real engine: long degraded time, silence, clocks, certificates,
//! maintenance that does not end, targets that cannot be met, and whom one failed service takes along.

use uphold_common::governed::Asked;
use uphold_common::wire::batch::AgentFact;

use super::*;
use crate::engine::govern::GovernCommand;
use crate::identity::deed::Actor;
use crate::incident::model::{Incident, Standing};

/// The catalogue with nothing said about causes.
fn by_default() -> String {
    let line = CATALOGUE.lines().find(|line| line.starts_with("incidents:")).unwrap();
    CATALOGUE.replace(line, "")
}

fn put_on_record(world: &mut World, asked: Asked, now: i64) {
    let local = Actor::Local { uid: Some(7) };
    world.engine().govern(GovernCommand::Add(Box::new(asked)), &local, at(now)).unwrap();
}

fn open(world: &mut World, now: i64) -> Vec<Incident> {
    world.tick(now).open_incidents.clone()
}

#[test]
fn an_agent_that_falls_silent_answers_for_what_nobody_sees() {
    let mut world = World::with(by_default(), 0);
    world.push(0, "uuu", 30, 0);
    world.tick(31);
    // Two and a half intervals, the oldest that a batch gets, and a minute's grace.
    world.tick(30 + 25 + 30 + 59);
    assert_eq!(world.history(), [""; 0]);
    world.tick(30 + 25 + 30 + 61);
    assert_eq!(world.history(), ["INC-1 agent_silent from 30"]);
    let incidents = open(&mut world, 600);
    assert_eq!(world.history()[1..], ["INC-1 one further service is affected"]);
    assert_eq!(incidents[0].affected.len(), 1);
    // Five hours later it tells what it saw meanwhile: nothing was ever unmeasured.
    let hours = 5 * 3_600;
    world.push(30, &"u".repeat(usize::try_from(hours / 10).unwrap()), hours + 30, 0);
    world.tick(hours + 31);
    assert_eq!(world.history()[2..], [format!("INC-1 OverAgain at {}", hours + 31)]);
    assert!(open(&mut world, hours + 32).is_empty());
}

#[test]
fn a_stop_that_is_announced_is_no_incident_until_it_lasts() {
    let mut world = World::with(by_default(), 0);
    world.push_with(0, "uuu", 30, vec![AgentFact::Stopped { at: at(30) }]);
    for now in [31, 300, 3_600] {
        world.tick(now);
    }
    assert_eq!(world.history(), [""; 0]);
    world.tick(3_640);
    assert_eq!(world.history()[..1], ["INC-1 agent_silent from 30"]);
    assert!(open(&mut world, 3_641)[0].summary.contains("announced its stop"));
}

#[test]
fn a_start_ends_nothing_of_an_agent_that_is_silent_still() {
    let mut world = World::with(by_default(), 0);
    world.push(0, "uuu", 30, 0);
    world.tick(200);
    let silent = "INC-1 agent_silent from 30".to_owned();
    assert_eq!(world.history(), std::slice::from_ref(&silent));
    world.open(1_000);
    for now in (1_001..1_200).step_by(3) {
        world.tick(now);
    }
    world.open(1_300);
    world.tick(1_301);
    world.push(30, &"u".repeat(127), 1_302, 0);
    world.tick(1_303);
    let told: Vec<String> = world.history().into_iter().filter(|line| !line.contains("affected")).collect();
    assert_eq!(told, [silent, "INC-1 OverAgain at 1303".to_owned()]);
}

#[test]
fn silence_neither_puts_a_clock_right_nor_renews_a_certificate() {
    let mut world = World::with(by_default(), 0);
    world.seq += 1;
    let mut off = arrived(world.seq, 0, "uc", 20, 0);
    off.backlog.sent_at = at(40);
    world.take(off, 20);
    let keys = |incidents: Vec<Incident>| incidents.into_iter().map(|one| one.key).collect::<Vec<_>>();
    let both = ["certificate_expiring:shop:web", "clock_off:a"];
    assert!(both.iter().all(|key| keys(open(&mut world, 21)).iter().any(|open| open == key)));
    let after = keys(open(&mut world, 400));
    assert!(both.iter().all(|key| after.iter().any(|open| open == key)), "{after:?}");
    world.push(20, &"u".repeat(38), 400, 0);
    let over = keys(open(&mut world, 401));
    assert!(both.iter().all(|key| over.iter().all(|open| open != key)), "{over:?}");
}

#[test]
fn long_degraded_time_is_an_incident_and_ends_when_it_is_seen_up() {
    let mut world = World::with(by_default(), 0);
    world.push(0, &"g".repeat(89), 890, 0);
    world.tick(891);
    assert_eq!(world.history(), [""; 0]);
    world.push(890, "ggg", 920, 0);
    world.tick(921);
    assert_eq!(world.history(), ["INC-1 service_degraded from 0"]);
    world.push(920, "uu", 940, 0);
    world.tick(941);
    assert_eq!(world.history()[1..], ["INC-1 Recovered at 920"]);
}

#[test]
fn a_certificate_that_ends_soon_is_an_incident_of_its_own() {
    let mut world = World::with(by_default(), 0);
    world.push(0, "uc", 20, 0);
    let incidents = open(&mut world, 21);
    assert_eq!(incidents[0].key, "certificate_expiring:shop:web");
    world.push(20, "u", 30, 0);
    assert!(open(&mut world, 31).is_empty());
}

#[test]
fn a_clock_that_is_off_is_one_until_it_is_right_again() {
    let mut world = World::with(by_default(), 0);
    let pushed = |world: &mut World, from: i64, off: i64| {
        world.seq += 1;
        let mut arrived = arrived(world.seq, from, "u", from + 10, 0);
        arrived.backlog.sent_at = at(from + 10 + off);
        world.take(arrived, from + 10);
        open(world, from + 11).len()
    };
    assert_eq!(pushed(&mut world, 0, 4), 0);
    assert_eq!(pushed(&mut world, 10, -5), 1);
    assert_eq!(pushed(&mut world, 20, 3), 1, "it must come to half as much");
    assert_eq!(pushed(&mut world, 30, 2), 0);
}

#[test]
fn what_fails_in_maintenance_is_quiet_and_what_fails_on_after_it_is_told() {
    let mut world = World::with(by_default(), 0);
    world.push(0, "uuu", 30, 0);
    let planned = format!(r#"{{"id":"upgrade","services":["shop"],"start":"{}","end":"{}"}}"#, at(50), at(100));
    put_on_record(&mut world, Asked::Maintenance(serde_json::from_str(&planned).unwrap()), 31);
    world.push(30, "uuuuDDDD", 110, 0);
    let incidents = open(&mut world, 111);
    let quiet: Vec<_> = incidents.iter().map(|one| (one.subject.cause().as_str(), one.quiet.is_some())).collect();
    // It was announced too late to be taken out of what is promised.
    assert_eq!(quiet, [("service_down", true), ("target_breached", false), ("maintenance_overrun", false)]);
    assert_eq!(world.waiting(), 2, "of what was planned nobody is told");
    world.push(110, "uuu", 140, 0);
    assert_eq!(open(&mut world, 141).len(), 1);
    assert_eq!(world.waiting(), 3);
}

#[test]
fn an_agent_that_is_silent_in_the_maintenance_of_all_it_looks_at_is_told_only_once_that_is_over() {
    let mut world = World::with(by_default(), 0);
    world.push(0, "uuu", 30, 0);
    let planned = format!(r#"{{"id":"upgrade","services":["shop"],"start":"{}","end":"{}"}}"#, at(40), at(1_000));
    put_on_record(&mut world, Asked::Maintenance(serde_json::from_str(&planned).unwrap()), 31);
    let incidents = open(&mut world, 600);
    let quiet: Vec<_> = incidents.iter().map(|one| (one.key.as_str(), one.quiet.is_some())).collect();
    assert_eq!(quiet, [("agent_silent:a", true)]);
    assert!(open(&mut world, 601)[0].affected.len() == 1 && world.waiting() == 0, "it was planned");
    let incidents = open(&mut world, 1_001);
    let told: Vec<_> = incidents.iter().map(|one| (one.number.0, one.key.as_str(), one.quiet.is_some())).collect();
    assert_eq!(told, [(2, "agent_silent:a", false)]);
    assert_eq!(incidents[0].started, at(1_001));
    assert_eq!(world.waiting(), 1);
    let history = world.history();
    assert!(history.contains(&"INC-1 Outlasted at 1001".to_owned()), "{history:?}");
    // It comes back, and falls silent again at once: that is told, too.
    world.push(30, &"u".repeat(100), 1_030, 0);
    assert!(open(&mut world, 1_031).is_empty());
    assert_eq!(open(&mut world, 1_200).len(), 1);
    assert_eq!(world.waiting(), 3);
}

#[test]
fn a_target_that_cannot_be_met_is_one_incident_in_place_of_its_breach() {
    let mut world = World::new(0);
    // A thousandth of March is 44 minutes and 38.4 seconds.
    world.push(0, &"D".repeat(270), 2_700, 0);
    let keys: Vec<String> = open(&mut world, 2_701).into_iter().map(|incident| incident.key).collect();
    let start = at(0).as_ms() - 9 * 86_400_000;
    assert_eq!(keys, ["service_down:shop".to_owned(), format!("target_unreachable:shop:sla/month:{start}")]);
    // The outage is told, so that it burns the budget is not told beside it.
    world.push(2_700, "uuu", 2_730, 0);
    let open_now: Vec<String> = open(&mut world, 2_731).into_iter().map(|incident| incident.key).collect();
    assert_eq!(open_now, [format!("target_unreachable:shop:sla/month:{start}")]);
}

#[test]
fn a_target_that_can_be_met_after_all_is_over_when_that_was_seen() {
    let mut world = World::new(0);
    world.push(0, &"D".repeat(270), 2_700, 0);
    for now in [2_701, 2_702, 2_703] {
        world.tick(now);
    }
    let excluded = format!(
        r#"{{"id":"strike","services":["shop"],"start":"{}","end":"{}","class":"force_majeure","reason":"a strike","clause":"7","approver":"Keller","approved_at":"{}"}}"#,
        at(0),
        at(2_700),
        at(2_800)
    );
    put_on_record(&mut world, Asked::Exclusion(serde_json::from_str(&excluded).unwrap()), 2_900);
    world.tick(2_901);
    let history = world.history();
    assert!(history.iter().any(|line| line == "INC-2 OverAgain at 2901"), "{history:?}");
}

#[test]
fn thousands_over_one_failed_service_are_one_incident() {
    const BUILT: usize = 2_000;
    let since = "since: 2026-03-01T00:00:00Z";
    let built = |n| format!("  - {{ id: s{n}, name: S{n}, {since}, available_when: {{ service: shop }} }}\n");
    let services: String = (0..BUILT).map(built).collect::<Vec<_>>().concat();
    let mut world = World::with(CATALOGUE.replace("agreements:", &format!("{services}agreements:")), 0);
    world.push(0, "uuu", 30, 0);
    world.tick(31);
    world.push(30, "DD", 50, 0);
    let incidents = open(&mut world, 51);
    let down = &incidents[0];
    assert_eq!((down.key.as_str(), down.affected.len(), down.state), ("service_down:shop", BUILT, Standing::Open));
    assert_eq!(incidents.len(), 2, "and the promise that it breaks");
    let bytes: usize =
        read_all(world.engine().store.as_ref(), RecordKind::Outbox).unwrap().iter().map(|r| r.1.len()).sum();
    assert!(bytes < 20_000, "messages name the first hundred: {bytes} bytes");
    world.open(52);
    assert_eq!(open(&mut world, 120)[0].affected.len(), BUILT, "events lead to the same after a restart");
    assert_eq!(world.history().len(), 3);
}
