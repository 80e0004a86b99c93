//! Services that are built on others: what arrives late for a probe changes what every one of them was, incidents of all of
//! them are raised and held, and their figures name whose probes lost the time.

use uphold_common::catalogue::model::WindowKind;
use uphold_common::measure::target::settling_ms;
use uphold_common::measure::window::Window;

use super::*;

/// The shop, a portal with nothing of its own that is built on it, and an intranet with a way around it.
fn catalogue() -> String {
    let built = "
  - id: portal
    name: Portal
    since: 2026-03-01T00:00:00Z
    available_when: { all: [{ service: shop }] }
  - id: intranet
    name: Intranet
    since: 2026-03-01T00:00:00Z
    probes: [{ id: door, agents: [b], interval: 10s, timeout: 5s, tcp: { address: \"127.0.0.1:1\" } }]
    available_when: { any: [door, { all: [{ service: portal }, { service: shop }] }] }
agreements:";
    let targets = "targets:
      - { id: portal, service: portal, window: day, availability: \"99.9%\" }
      - { id: intranet, service: intranet, window: day, availability: \"99.9%\" }
      - { id: month, service: shop, window: day, availability: \"99.9%\" }\nreceivers:";
    let head = CATALOGUE.split("agreements:").next().unwrap();
    let rest = CATALOGUE.split("agreements:").nth(1).unwrap();
    let (agreement, receivers) = (rest.split("    targets:").next().unwrap(), rest.split("receivers:").nth(1).unwrap());
    format!("{}{built}{agreement}    {targets}{receivers}", head.trim_end())
}

/// What of the incidents on record is about `service` being down.
fn outages(world: &mut World, service: &str, now: i64) -> Vec<String> {
    let down = Subject::ServiceDown { service: Id::new(service).unwrap() };
    let list = world.engine().incidents(true, at(now)).incidents;
    let of_it = list.into_iter().filter(|incident| incident.subject == down);
    of_it.map(|incident| format!("{} from {}", incident.summary, incident.started.since_ms(at(0)) / 1_000)).collect()
}

/// The services that the outage of `service` affects.
fn affected(world: &mut World, service: &str, now: i64) -> Vec<String> {
    let down = Subject::ServiceDown { service: Id::new(service).unwrap() };
    let list = world.engine().incidents(true, at(now)).incidents;
    let of_it = list.into_iter().filter(|incident| incident.subject == down);
    of_it.flat_map(|incident| incident.affected).map(|id| id.to_string()).collect()
}

#[test]
fn late_rows_of_a_probe_are_looked_at_for_every_service_built_on_it() {
    const DAY: i64 = 86_400;
    let mut world = World::with(catalogue(), 0);
    world.push(3 * DAY, "uuu", 3 * DAY + 30, 0);
    world.tick(3 * DAY + 31);
    assert!(world.history().is_empty());
    // Of the door nothing was ever seen: the intranet is not known to have been up, and not down.
    world.push(100, "uuuuDDDDDDDDDDuuu", 3 * DAY + 40, 0);
    let snapshot = world.tick(3 * DAY + 41);
    let history = world.history();
    assert_eq!(history.iter().filter(|line| line.ends_with("down from 140")).count(), 1, "{history:?}");
    assert_eq!(history.iter().filter(|line| line.ends_with("breach from 140")).count(), 2, "{history:?}");
    for (service, down_ms) in [("shop", 100_000), ("portal", 100_000), ("intranet", 0)] {
        let strip = &snapshot.services[&Id::new(service).unwrap()].strip;
        assert_eq!(strip.iter().map(|day| day.kinds.down).sum::<i64>(), down_ms, "{service}");
    }
    assert_eq!(outages(&mut world, "portal", 3 * DAY + 41), [""; 0], "it only suffers from the shop");
    assert_eq!(affected(&mut world, "shop", 3 * DAY + 41), ["portal"]);
}

#[test]
fn a_service_is_held_while_an_agent_of_what_it_is_built_on_delivers_a_backlog() {
    let mut world = World::with(catalogue(), 0);
    world.push(0, "uuuDD", 18_002, 8);
    world.tick(18_002);
    assert!(world.history().is_empty());
    world.push(18_000, "DD", 18_012, 0);
    world.tick(18_013);
    assert_eq!(outages(&mut world, "portal", 18_013), [""; 0]);
    assert_eq!(affected(&mut world, "shop", 18_013), ["portal"]);
    assert_eq!(outages(&mut world, "shop", 18_013).first().unwrap(), "Shop is down: web failed from 30");
    assert_eq!(outages(&mut world, "intranet", 18_013), [""; 0]);
}

#[test]
fn figures_name_the_probes_of_other_services_in_full() {
    let mut world = World::with(catalogue(), 0);
    world.push(0, "uuuDDDDuuu", 100, 0);
    world.tick(101);
    let service = Id::new("portal").unwrap();
    let query = FiguresQuery { service, window: None, at: None, as_of: Some(at(100)), timelines: false };
    let body = world.engine().figures(&query, at(101), at(101)).unwrap();
    let figures = &serde_json::from_slice::<Value>(&body).unwrap()["targets"]["sla/portal"]["contractual"];
    assert_eq!(figures["D"], 40_000);
    assert_eq!(figures["charges_ms"], serde_json::json!({ "shop/web": 40_000 }));
    assert_eq!(figures["charges_by_party_ms"], serde_json::json!({ "own": 40_000 }));
    assert_eq!(figures["days"][0]["charges_ms"], serde_json::json!({ "shop/web": 40_000 }));
    // A window settles when the slowest of the probes behind the service has.
    let courses = Arc::clone(&world.engine().in_force.courses);
    let window = Window::holding(WindowKind::Day, &jiff::tz::TimeZone::UTC, at(50), at(101));
    let of = |id: &str| settling_ms(courses.service(&Id::new(id).unwrap()).unwrap(), &window);
    assert_eq!((of("portal"), of("shop")), (75_000, 75_000));
}
