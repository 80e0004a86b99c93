//! Taking up catalogues: versions, entries, and changes that would measure the past differently.

use uphold_common::catalogue::course::Piece;

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
fn a_change_holds_from_when_it_is_recorded_also_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    take_up(&mut store, &text("30s", SECOND), at(1_000)).unwrap();
    take_up(&mut store, &text("60s", SECOND), at(2_000)).unwrap();
    let gone = take_up(&mut store, &text("60s", ""), at(3_000)).unwrap();
    let till = Id::new("till").unwrap();
    assert!(gone.entries.contains_key(&till), "what is gone was there");
    drop(store);
    let mut store = open(dir.path());
    let returned = SECOND.replace("30s", "45s");
    // The clock was set back meanwhile, which restates nothing.
    let back = take_up(&mut store, &text("60s", &returned), at(500)).unwrap();
    let intervals = |id: &str| {
        let course = back.courses.service(&Id::new(id).unwrap()).unwrap();
        let interval = |piece: &Piece| piece.service.probes.values().next().unwrap().interval_ms / 1_000;
        course.pieces().iter().map(|piece| (piece.from.as_ms(), interval(piece))).collect::<Vec<_>>()
    };
    assert_eq!(intervals("shop"), [(Instant::MIN.as_ms(), 30), (2_000, 60)]);
    assert_eq!(intervals("till"), [(Instant::MIN.as_ms(), 30), (3_001, 45)]);
    let numbers = back.versions.iter().map(|one| (one.version, one.holds_from_ms.map(Instant::as_ms)));
    assert_eq!(numbers.collect::<Vec<_>>(), [(1, None), (2, Some(2_000)), (3, Some(3_000)), (4, Some(3_001))]);
    let held_up: Vec<u64> = back.versions.iter().filter(|one| one.held_up().is_some()).map(|one| one.version).collect();
    assert_eq!(held_up, [4], "which is said");
}

#[test]
fn the_past_changes_only_where_somebody_restates_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    let from = |from: i64, interval: &str, more: &str| {
        let mut files = text(interval, more);
        files[0].1.insert_str(0, &format!("effective_from: {}\n", at(from)));
        files
    };
    let refused = |store: &mut EmbeddedStore, files: &[CatalogueFile]| {
        take_up(store, files, at(900_000)).unwrap_err().to_string()
    };
    take_up(&mut store, &from(100_000, "30s", ""), at(500_000)).unwrap();
    take_up(&mut store, &from(100_000, "40s", ""), at(600_000)).unwrap();
    let why = refused(&mut store, &from(200_000, "50s", ""));
    assert!(why.contains("service shop: interval of web was 40s and is now 50s"), "{why}");
    assert!(why.contains("uphold-collector catalogue restate"), "{why}");
    let why = refused(&mut store, &from(100_000, "40s", "    since: 1970-01-01T00:00:10Z\n"));
    assert!(why.contains("service shop: since was its first record and is now"), "{why}");
    assert!(refused(&mut store, &from(950_000, "50s", "")).contains("holds from when it is recorded"));
    // Who is new may have been there for long, and nothing of the others changes.
    let newcomer = take_up(
        &mut store,
        &from(300_000, "40s", &SECOND.replace("    since: 2026-01-01T00:00:00Z\n", "")),
        at(700_000),
    );
    assert_eq!(newcomer.unwrap().entries[&Id::new("till").unwrap()], at(300_000));

    let restatement = Restatement { approver: "A. Keller".to_owned(), reason: "measured too seldom".to_owned() };
    let files = from(200_000, "50s", "");
    let bounds = catalogue::Bounds::default();
    let offer = Offer {
        files: &files,
        bounds: &bounds,
        restatement: Some(&restatement.clone()),
        actor: &Actor::Local { uid: Some(7) },
        known: None,
    };
    let restated = take_up_offer(&mut store, &mut Keeper::default(), &offer, at(950_000)).unwrap();
    let shop = restated.courses.service(&Id::new("shop").unwrap()).unwrap();
    assert_eq!(shop.pieces().iter().map(|piece| piece.from).collect::<Vec<_>>(), [Instant::MIN, at(200_000)]);
    assert_eq!(restated.courses.version_at(at(650_000)), 4);
    assert_eq!(restated.versions.last().unwrap().restated, Some(restatement.clone()));

    // What was taken up since holds from earlier once that is restated, and be it from the same instant again; a
    // restatement that says no instant is none.
    take_up(&mut store, &from(200_000, "55s", ""), at(952_000)).unwrap();
    let files = from(150_000, "55s", "");
    let again =
        take_up_offer(&mut store, &mut Keeper::default(), &Offer { files: &files, ..offer }, at(955_000)).unwrap();
    let shop = again.courses.service(&Id::new("shop").unwrap()).unwrap();
    let newest = shop.newest().unwrap();
    assert_eq!((newest.from, newest.version, shop.pieces().len()), (at(150_000), 6, 2));
    assert_eq!(again.versions.last().unwrap().restated, Some(restatement));
    let files = from(150_000, "56s", "");
    let offer = Offer { known: Some(&again), ..offer };
    let again =
        take_up_offer(&mut store, &mut Keeper::default(), &Offer { files: &files, ..offer }, at(955_500)).unwrap();
    let shop = again.courses.service(&Id::new("shop").unwrap()).unwrap();
    assert_eq!(shop.pieces().iter().map(|piece| piece.from).collect::<Vec<_>>(), [Instant::MIN, at(150_000)]);
    let never = text("60s", "");
    let refused = take_up_offer(&mut store, &mut Keeper::default(), &Offer { files: &never, ..offer }, at(956_000));
    assert!(refused.unwrap_err().to_string().contains("effective_from says from when on"));
    drop(store);
    let read = take_up(&mut open(dir.path()), &files, at(960_000)).unwrap();
    assert_eq!(read.versions, again.versions, "what is known is what is on record");
    assert_eq!(read.courses.differs_from(&again.courses), []);
    let again = read;
    assert_eq!((again.version, again.courses.version_at(at(650_000))), (7, 7));
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

/// Has a version on record say what the reader of today refuses.
fn spoil(store: &mut EmbeddedStore, number: u64) {
    let key = number.to_be_bytes().to_vec();
    let value = store.record(RecordKind::Catalogue, &key).unwrap().unwrap();
    let mut version: Version = uphold_common::wire::pack::unpack(&value).unwrap();
    version.files[0].1.push_str("colour: blue\n");
    version.hash = fingerprint::content_hash(&version.files);
    store.commit(&[version.record().unwrap()]).unwrap();
}

#[test]
fn a_version_that_the_reader_of_today_refuses_keeps_nobody_from_starting() {
    for (second, lost, unseen) in [
        (text("45s", SECOND), vec!["service shop".to_owned()], true),
        // What changed in it was a name, or what the next version says too.
        (text("30s", &SECOND.replace("name: Till", "name: The till")), Vec::new(), false),
        (text("60s", SECOND), Vec::new(), false),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let mut store = open(dir.path());
        take_up(&mut store, &text("30s", SECOND), at(1_000)).unwrap();
        take_up(&mut store, &second, at(2_000)).unwrap();
        take_up(&mut store, &text("60s", SECOND), at(3_000)).unwrap();
        spoil(&mut store, 2);
        let taken = take_up(&mut store, &text("60s", SECOND), at(4_000)).unwrap();
        assert_eq!(taken.version, 3);
        let told = taken.versions[1].unreadable.clone().unwrap();
        assert!(told.reason.contains("colour"), "{}", told.reason);
        assert_eq!(told.lost, lost);
        assert!(taken.versions.iter().filter(|one| one.version != 2).all(|one| one.unreadable.is_none()));
        let shop = taken.courses.service(&Id::new("shop").unwrap()).unwrap();
        let probe = shop.at(at(2_500)).unwrap().service.probes.values().next().unwrap();
        assert_eq!(probe.agents.is_empty(), unseen);
        assert_eq!(shop.newest().unwrap().service.probes.values().next().unwrap().interval_ms, 60_000);

        // The newest of them: whoever starts with it is told its problems, and with sound files that it is changed by.
        spoil(&mut store, 3);
        let mut files = text("60s", SECOND);
        files[0].1.push_str("colour: blue\n");
        let refused = take_up(&mut store, &files, at(5_000)).unwrap_err();
        assert!(matches!(&refused, TakeUpError::Problems(_)), "{refused}");
        let taken = take_up(&mut store, &text("60s", SECOND), at(5_000)).unwrap();
        assert_eq!((taken.version, taken.versions[2].unreadable.as_ref().unwrap().lost.len()), (4, 0));
        drop(store);
        let again = take_up(&mut open(dir.path()), &text("60s", SECOND), at(6_000)).unwrap();
        assert_eq!((again.version, &again.versions), (4, &taken.versions));
    }
}

#[test]
fn an_instant_alone_that_was_taken_up_before_anybody_could_restate_it_is_restated_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    take_up(&mut store, &text("30s", ""), at(100_000)).unwrap();
    take_up(&mut store, &text("45s", ""), at(500_000)).unwrap();
    let mut files = text("45s", "");
    files[0].1.insert_str(0, &format!("effective_from: {}\n", at(200_000)));
    // A running collector has looked at its files by the time that somebody restates them.
    let taken = take_up(&mut store, &files, at(600_000)).unwrap();
    let from = |taken: &InForce| taken.courses.service(&Id::new("shop").unwrap()).unwrap().newest().unwrap().from;
    assert_eq!((taken.version, from(&taken)), (3, at(500_000)));
    let restatement = Restatement { approver: "A. Keller".to_owned(), reason: "agreed so".to_owned() };
    let bounds = catalogue::Bounds::default();
    let actor = Actor::Local { uid: Some(7) };
    let offer =
        Offer { files: &files, bounds: &bounds, restatement: Some(&restatement), actor: &actor, known: Some(&taken) };
    let restated = take_up_offer(&mut store, &mut Keeper::default(), &offer, at(601_000)).unwrap();
    assert_eq!((restated.version, from(&restated)), (4, at(200_000)));
    let again = Offer { known: Some(&restated), ..offer };
    let again = take_up_offer(&mut store, &mut Keeper::default(), &again, at(602_000)).unwrap();
    assert_eq!(again.version, 4, "and once is enough");
}

#[test]
fn a_ticket_system_that_is_described_by_nothing_is_refused_when_it_is_new_and_keeps_nobody_from_starting_later() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    let file = dir.path().join("tickets.yaml");
    let receivers = |url: &str| {
        let http = format!("http: {{ file: {}, url: \"{url}\" }}", file.display());
        text(
            "30s",
            &format!(
                "receivers:\n  - {{ id: tickets, {http} }}\n  - {{ id: chat, http: {{ preset: slack, url: \"http://a/\", user: x }} }}\n"
            ),
        )
    };
    let refused = take_up(&mut store, &receivers("http://t/"), at(0)).unwrap_err().to_string();
    assert!(
        refused.starts_with("incidents could not be told as this catalogue says:\n  receivers.chat.http: "),
        "{refused}"
    );
    assert!(refused.contains("\n  receivers.tickets.http: could not read the description "), "{refused}");
    assert_eq!(on_record(&mut store).unwrap(), None, "nothing of it is on record");

    std::fs::write(&file, "name: T\nrequests: { create: [{ method: POST, path: /t }] }\n").unwrap();
    let sound = |url: &str| -> Vec<CatalogueFile> {
        receivers(url).into_iter().map(|(name, text)| (name, text.replace(", user: x", ""))).collect()
    };
    assert_eq!(take_up(&mut store, &sound("http://t/"), at(0)).unwrap().version, 1);
    std::fs::remove_file(&file).unwrap();
    assert_eq!(take_up(&mut store, &sound("http://t/"), at(1)).unwrap().version, 1, "a start");
    assert!(
        matches!(take_up(&mut store, &sound("http://u/"), at(1)).unwrap_err(), TakeUpError::Receivers(_)),
        "a change"
    );
}
