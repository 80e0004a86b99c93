//! A full disk under whatever the engine commits: nothing is half done, everything is done once there is room.

use uphold_common::ids::Id;

use super::command::{CommandError, TokenCommand};
use super::failing::Failing;
use super::tests::{World, arrived, at};
use super::*;
use crate::identity::deed::Actor;
use crate::identity::keeper::NewToken;
use crate::identity::role::Role;
use crate::identity::secret::Secret;
use crate::incident::act::Act;
use crate::incident::model::Number;
use crate::notify::courier::Report;
use crate::notify::verdict::Attempt;
use crate::reserve::Room;
use crate::store::{DataDir, EmbeddedStore, StoreOptions};

const DAY: i64 = 86_400;
const LOCAL: Actor = Actor::Local { uid: None };

/// Down from second 30 on, which breaches the month as well.
fn broken() -> World {
    let mut world = World::new(0);
    world.push(0, "uuuDD", 41, 0);
    world
}

#[test]
fn incidents_that_a_full_disk_does_not_take_are_raised_once_when_there_is_room_with_their_own_instants() {
    let mut world = broken();
    world.full.fill();
    for now in [42, 43, 44] {
        let snapshot = world.tick(now);
        assert!(snapshot.open_incidents.is_empty(), "what is not durable is shown");
        assert!(snapshot.health.room.full && !snapshot.health.room.takes_pushes());
        assert!(world.engine().due(at(now)).unwrap().is_empty(), "what is not durable is sent");
        let refused =
            world.engine().take_in(vec![arrived(2, 50, "D", now, 0)], at(now)).unwrap().remove(0).unwrap_err();
        assert_eq!((refused.status(), refused.word()), (503, "disk-reserve"));
    }
    assert_eq!((world.history().len(), world.waiting(), world.full.found()), (0, 0, 3), "one attempt a tick");
    assert_eq!(world.engine().health.postponed, 3);
    world.open(45);
    world.tick(46);
    assert!(world.history().is_empty(), "nor after a start on the full disk");
    world.full.make_room();
    world.push(50, "D", 50, 0);
    for now in [51, 52] {
        let snapshot = world.tick(now);
        assert_eq!(world.history(), ["INC-1 down from 30", "INC-2 breach from 30"]);
        assert!(!snapshot.health.room.full && snapshot.health.room.takes_pushes());
    }
    assert_eq!(world.waiting(), 2);
}

#[test]
fn an_end_that_a_full_disk_does_not_take_is_decided_again() {
    let mut world = broken();
    world.tick(42);
    world.push(50, "uuu", 71, 0);
    world.full.fill_for(2);
    for (now, open) in [(72, 2), (73, 2), (74, 1)] {
        assert_eq!(world.tick(now).open_incidents.len(), open, "at {now}");
    }
    let ends: Vec<String> = world.history().into_iter().filter(|line| line.contains("Recovered")).collect();
    assert_eq!((ends, world.waiting()), (vec!["INC-1 Recovered at 50".to_owned()], 3));
}

#[test]
fn windows_that_late_rows_touched_on_a_full_disk_are_looked_at_until_there_is_room() {
    let mut world = World::with(super::tests::CATALOGUE.replace("window: month", "window: day"), 0);
    world.push(3 * DAY, "uuu", 3 * DAY + 30, 0);
    world.tick(3 * DAY + 31);
    world.push(100, "uuuuDDDDDDDDDDuuu", 3 * DAY + 40, 0);
    world.full.fill_for(3);
    for second in 41..45 {
        assert!(world.history().is_empty());
        world.tick(3 * DAY + second);
    }
    let breach =
        ["INC-1 down from 140", "INC-1 Recovered at 240", "INC-2 breach from 140", "INC-2 WindowClosed at 86400"];
    assert_eq!(world.history(), breach);
}

fn add(name: &str) -> TokenCommand {
    let digest = Secret::draw().unwrap().digest();
    TokenCommand::Add(NewToken { name: Id::new(name).unwrap(), role: Role::Viewer, digest, expires_at: None })
}

#[test]
fn what_people_want_is_refused_on_a_full_disk_and_nothing_of_it_is_done() {
    let mut world = broken();
    world.tick(42);
    world.engine().token_command(add("first"), &LOCAL, at(43)).unwrap();
    let (tokens, waiting) = (world.engine().tokens().clone(), world.waiting());
    let number = Number(1);
    world.full.fill();
    let first = || Id::new("first").unwrap();
    let refused = [
        world.engine().token_command(add("second"), &LOCAL, at(44)).unwrap_err(),
        world.engine().token_command(TokenCommand::Revoke(first()), &LOCAL, at(44)).unwrap_err(),
        world.engine().act(number, Act::Acknowledge(None), &LOCAL, at(44)).unwrap_err(),
        world.engine().compact(&LOCAL, at(44)).unwrap_err(),
    ];
    for error in refused {
        let refused = error.fatal().expect_err("the engine goes on");
        assert!(matches!(refused, CommandError::NoRoom(_)), "{refused}");
    }
    assert_eq!(format!("{:?}", world.engine().tokens()), format!("{tokens:?}"));
    let engine = world.engine();
    assert!(!engine.compaction().running && engine.register.get(number).unwrap().acknowledged.is_none());
    world.full.make_room();
    assert_eq!(world.waiting(), waiting);
    world.engine().act(number, Act::Acknowledge(None), &LOCAL, at(45)).unwrap();
    world.engine().token_command(add("second"), &LOCAL, at(45)).unwrap();
    world.engine().token_command(TokenCommand::Revoke(first()), &LOCAL, at(45)).unwrap();
    assert!(world.engine().compact(&LOCAL, at(45)).unwrap().running);
    let numbers: Vec<u64> = world.engine().deeds(100).unwrap().iter().map(|deed| deed.number).collect();
    assert_eq!(numbers, [6, 5, 4, 3, 2, 1], "no number was given to what was not done");
}

#[test]
fn what_a_receiver_gave_is_handed_out_with_the_next_message_of_the_incident() {
    let mut world = broken();
    world.tick(42);
    let due = world.engine().due(at(43)).unwrap().remove(0);
    assert_eq!(due.kept, None);
    let report = |status, kept: &[u8]| Report {
        attempt: Attempt::Answered { status, retry_after: None },
        kept: Some(kept.to_vec()),
    };
    world.full.fill();
    world.engine().settle(&due.key, report(500, b"ticket 7"), at(43)).unwrap();
    world.full.make_room();
    world.tick(44);
    let again = world.engine().due(at(60)).unwrap().remove(0);
    assert_eq!((again.key.clone(), again.kept.as_deref()), (due.key, Some(&b"ticket 7"[..])), "whatever became of it");
    world.engine().settle(&again.key, report(200, b"ticket 8"), at(61)).unwrap();
    let other = world.engine().due(at(62)).unwrap().remove(0);
    assert_ne!(other.incident, again.incident);
    assert_eq!(other.kept, None, "it is another incident's");
}

#[test]
fn what_was_delivered_stays_out_until_that_is_durable_and_is_not_sent_again() {
    let mut world = broken();
    world.tick(42);
    let due = world.engine().due(at(43)).unwrap().remove(0);
    world.full.fill();
    let delivered = Attempt::Answered { status: 200, retry_after: None };
    world.engine().settle(&due.key, delivered.into(), at(43)).unwrap();
    for now in [44, 45] {
        assert!(world.tick(now).health.room.full);
        assert!(world.engine().due(at(now)).unwrap().is_empty(), "the next goes only after this one is done with");
    }
    assert_eq!(world.waiting(), 2);
    world.full.make_room();
    let snapshot = world.tick(46);
    assert!(!snapshot.health.room.full);
    let shown = &snapshot.receivers[&Id::new("duty").unwrap()];
    assert_eq!((world.waiting(), shown.delivered), (1, 1));
    assert_ne!(world.engine().due(at(47)).unwrap().remove(0).key, due.key);
}

#[test]
fn seals_and_merges_that_find_no_room_are_tried_after_pauses_and_go_on() {
    let mut world = broken();
    world.tick(42);
    world.engine().compact(&LOCAL, at(42)).unwrap();
    world.full.fill();
    for second in 0..200 {
        world.engine().upkeep(at(42 + second)).unwrap();
    }
    assert_eq!(world.full.found(), 9, "after 1, 2, 4 … 60 seconds");
    let engine = world.engine();
    assert!(engine.compaction().running && !engine.compacts(at(242)), "it neither ends nor spins");
    assert!(engine.store.stats().head_rows > 0);
    world.full.make_room();
    for _ in 0..100 {
        world.engine().upkeep(at(300)).unwrap();
    }
    let compaction = world.engine().compaction();
    assert_eq!((compaction.running, compaction.head_rows), (false, 0));
}

#[test]
fn a_catalogue_that_the_full_disk_does_not_take_leaves_the_one_on_record_in_force_until_the_next_start() {
    let mut world = World::new(0);
    let more = "  - id: till\n    name: Till\n    probes: [{ id: tcp, agents: [a], interval: 30s, timeout: 5s, tcp: { address: \"127.0.0.1:2\" } }]\nagreements:";
    world.catalogue = world.catalogue.replace("agreements:", more);
    world.full.fill();
    world.open(10);
    let snapshot = world.tick(11);
    assert_eq!((snapshot.catalogue_version, snapshot.services.len()), (1, 1));
    assert!(snapshot.health.catalogue_is_older);
    world.full.make_room();
    let done = world.engine().token_command(add("first"), &LOCAL, at(12));
    assert!(done.is_ok(), "the deed of what was refused has no number: {done:?}");
    world.open(20);
    let snapshot = world.tick(21);
    assert_eq!((snapshot.catalogue_version, snapshot.services.len()), (2, 2));
    assert!(!snapshot.health.catalogue_is_older);
    let numbers: Vec<u64> = world.engine().deeds(100).unwrap().iter().map(|deed| deed.number).collect();
    assert_eq!(numbers, [3, 2, 1]);
}

#[test]
fn where_nothing_is_on_record_yet_a_full_disk_is_an_error_that_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let store =
        EmbeddedStore::open(DataDir::claim(dir.path(), "test", at(0)).unwrap(), StoreOptions::default()).unwrap();
    let store = Failing { store, failed: Arc::default(), full: Arc::default() };
    store.full.fill();
    let files = [("catalogue.yaml".to_owned(), super::tests::CATALOGUE.to_owned())];
    let error = Engine::open(Box::new(store), &files, at(0)).err().unwrap().to_string();
    assert!(error.contains("no space is left"), "{error}");
}

#[test]
fn a_reserve_that_is_full_is_left_by_the_tick_that_finds_room() {
    let mut world = broken();
    world.full.fill_for(1);
    let rooms = [42, 43].map(|now| world.tick(now).health.room.room);
    assert_eq!(rooms, [Room::Last, Room::Pushes]);
}
