//! Taking up catalogues: versions, entries, and changes that would measure the past differently.

use super::*;
use crate::store::{DataDir, EmbeddedStore, StoreOptions};

/// Takes up a catalogue within the bounds that hold where nothing else is said.
fn take_up(store: &mut dyn Store, files: &[CatalogueFile], now: Instant) -> Result<InForce, TakeUpError> {
    super::take_up(store, &mut Keeper::default(), files, &catalogue::Bounds::default(), now)
}

fn text(interval: &str, more: &str) -> Vec<CatalogueFile> {
    let text = format!(
        "organisation: {{ name: Example, time_zone: UTC }}
services:
  - id: shop
    name: Shop
    probes:
      - {{ id: web, agents: [a], interval: {interval}, timeout: 5s, tcp: {{ address: \"127.0.0.1:1\" }} }}
{more}"
    );
    vec![("catalogue.yaml".to_owned(), text)]
}

const SECOND: &str = "  - id: till
    name: Till
    since: 2026-01-01T00:00:00Z
    probes:
      - { id: tcp, agents: [a], interval: 30s, timeout: 5s, tcp: { address: \"127.0.0.1:2\" } }
";

fn at(ms: i64) -> Instant {
    Instant::from_ms(ms)
}

fn open(dir: &std::path::Path) -> EmbeddedStore {
    EmbeddedStore::open(DataDir::claim(dir, "test", at(0)).unwrap(), StoreOptions::default()).unwrap()
}

#[test]
fn a_service_enters_when_it_is_first_recorded_and_stays_so() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    let shop = Id::new("shop").unwrap();
    let first = take_up(&mut store, &text("30s", ""), at(1_000)).unwrap();
    assert_eq!((first.version, first.entries[&shop]), (1, at(1_000)));
    drop(store);
    let mut store = open(dir.path());
    let again = take_up(&mut store, &text("30s", ""), at(2_000)).unwrap();
    assert_eq!((again.version, again.entries[&shop]), (1, at(1_000)));
    let more = take_up(&mut store, &text("30s", SECOND), at(3_000)).unwrap();
    assert_eq!((more.version, more.entries[&shop]), (2, at(1_000)));
    assert_eq!(more.entries[&Id::new("till").unwrap()], Instant::parse("2026-01-01T00:00:00Z").unwrap());
    assert_eq!(on_record(&mut store).unwrap(), Some(text("30s", SECOND)));
}

#[test]
fn a_first_version_may_hold_from_earlier() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    let mut files = text("30s", "");
    files[0].1.insert_str(0, "effective_from: 2026-01-01T00:00:00Z\n");
    let first = take_up(&mut store, &files, at(1_900_000_000_000)).unwrap();
    assert_eq!(first.entries.values().next().copied(), Instant::parse("2026-01-01T00:00:00Z"));
}

#[test]
fn what_would_measure_the_past_differently_is_refused_even_after_a_removal() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    take_up(&mut store, &text("30s", SECOND), at(1_000)).unwrap();
    let refused = take_up(&mut store, &text("60s", SECOND), at(2_000)).unwrap_err();
    assert!(refused.to_string().contains("service shop: interval of web was 30s and is now 1m"), "{refused}");
    take_up(&mut store, &text("30s", ""), at(3_000)).unwrap();
    let returned = SECOND.replace("30s", "45s");
    assert!(matches!(take_up(&mut store, &text("30s", &returned), at(4_000)), Err(TakeUpError::ChangesThePast(_))));
    assert_eq!(take_up(&mut store, &text("30s", SECOND), at(5_000)).unwrap().version, 3);
}

/// A catalogue with a target on capacity whose thresholds must hold for `held`; without one, without the target.
fn with_disk(held: Option<&str>) -> Vec<CatalogueFile> {
    let disk = held.map_or_else(String::new, |held| {
        format!(
            "agreements:
  - id: sla
    kind: sla
    party: retail
    targets:
      - {{ id: disk, service: shop, window: month, capacity: {{ host: web-1, resource: cpu, warning: 80%, for: {held} }} }}
"
        )
    });
    text("30s", &format!("customers: [{{ id: retail, name: Retail }}]\nhosts: [{{ id: web-1, agent: a }}]\n{disk}"))
}

#[test]
fn a_target_on_capacity_raises_from_when_it_came_back_or_holds_for_as_long_as_it_does() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    for (now, held, from) in [
        (1_000, Some("5m"), Some(1_000)),
        (2_000, Some("5m"), Some(1_000)),
        (3_000, Some("1h"), Some(3_000)),
        (4_000, Some("5m"), Some(4_000)),
        (5_000, Some("5m"), Some(4_000)),
        (6_000, None, None),
        (7_000, Some("5m"), Some(7_000)),
        (8_000, Some("5m"), Some(7_000)),
    ] {
        let taken = take_up(&mut store, &with_disk(held), at(now)).unwrap();
        assert_eq!(taken.raises_from.into_values().next(), from.map(at), "{held:?} at {now}");
    }
}
