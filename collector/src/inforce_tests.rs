//! Taking up catalogues: versions, entries, and changes that would measure the past differently.

use super::*;
use crate::store::{DataDir, EmbeddedStore, StoreOptions};

/// Takes up a catalogue within the bounds that hold where nothing else is said.
fn take_up(
    store: &mut dyn Store,
    keeper: &mut Keeper,
    files: &[CatalogueFile],
    now: Instant,
) -> Result<InForce, TakeUpError> {
    super::take_up(store, keeper, files, &catalogue::Bounds::default(), now)
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
    let first = take_up(&mut store, &mut Keeper::default(), &text("30s", ""), at(1_000)).unwrap();
    assert_eq!((first.version, first.entries[&shop]), (1, at(1_000)));
    drop(store);
    let mut store = open(dir.path());
    let again = take_up(&mut store, &mut Keeper::default(), &text("30s", ""), at(2_000)).unwrap();
    assert_eq!((again.version, again.entries[&shop]), (1, at(1_000)));
    let more = take_up(&mut store, &mut Keeper::default(), &text("30s", SECOND), at(3_000)).unwrap();
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
    let first = take_up(&mut store, &mut Keeper::default(), &files, at(1_900_000_000_000)).unwrap();
    assert_eq!(first.entries.values().next().copied(), Instant::parse("2026-01-01T00:00:00Z"));
}

#[test]
fn what_would_measure_the_past_differently_is_refused_even_after_a_removal() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    take_up(&mut store, &mut Keeper::default(), &text("30s", SECOND), at(1_000)).unwrap();
    let refused = take_up(&mut store, &mut Keeper::default(), &text("60s", SECOND), at(2_000)).unwrap_err();
    assert!(refused.to_string().contains("service shop: interval of web was 30s and is now 1m"), "{refused}");
    take_up(&mut store, &mut Keeper::default(), &text("30s", ""), at(3_000)).unwrap();
    let returned = SECOND.replace("30s", "45s");
    assert!(matches!(
        take_up(&mut store, &mut Keeper::default(), &text("30s", &returned), at(4_000)),
        Err(TakeUpError::ChangesThePast(_))
    ));
    assert_eq!(take_up(&mut store, &mut Keeper::default(), &text("30s", SECOND), at(5_000)).unwrap().version, 3);
}
