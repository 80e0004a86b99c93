//! A collector that is killed again and again between the commit of incidents and their delivery, to a receiver that is
//! slow, refuses, or says nothing: nothing that was committed is lost, nothing comes out of order, what comes twice has
//! the same id, and the record after each start is the one before it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;
use uphold_common::ids::ProbeId;
use uphold_common::observation::{Cause, Micros, Observation, Outcome, Phases};
use uphold_common::time::Instant;
use uphold_common::wire::batch::Batch;
use uphold_common::wire::columns::Rows;
use uphold_tests::process::http;
use uphold_tests::process::receiver::{Manner, Received, Receiver};
use uphold_tests::process::wait::{rest, wall_ms};

use crate::load::{Delivered, Dice, deliver, id, key};
use crate::site::{AGENTS, Site, present, until};
use crate::sizes::interrupted;

/// How long after a commit it is killed at most.
const KILLED_WITHIN_MS: u64 = 600;
/// How many of the newest incidents are looked at after each start; all of them are at the end.
const NEWEST: u64 = 4;
/// The answer that makes a dead letter.
const REFUSES: Manner = Manner::Says(400, "", "no");

const HTML: &str = "<!doctype html><title>Welcome</title>";
/// The receiver's answers in turns: every second one takes the message, so that waits stay short.
const TURNS: [Manner; 12] = [
    Manner::Slow(Duration::from_millis(300)),
    Manner::Says(500, "", ""),
    Manner::ACCEPTS,
    Manner::Says(429, "retry-after: 1\r\n", ""),
    Manner::Says(200, "content-type: text/html\r\n", HTML),
    Manner::HangsUp,
    Manner::ACCEPTS,
    REFUSES,
    Manner::Slow(Duration::from_millis(700)),
    Manner::Says(502, "content-type: text/html\r\n", HTML),
    Manner::ACCEPTS,
    Manner::Silent,
];

fn service(number: u64) -> String {
    format!("service-{number}")
}

/// A service for each cycle, one receiver, and no incident that waits for the end of another.
fn catalogue(cycles: u64, receiver: &str) -> String {
    let mut text = String::from(
        "organisation: { name: Example Services, time_zone: UTC }\ncustomers: [{ id: retail, name: Retail }]\n\
         incidents: { absorb: 0s }\nroutes: [{ to: duty }]\n",
    );
    writeln!(text, "receivers: [{{ id: duty, webhook: {{ url: \"{receiver}\" }} }}]\nservices:").unwrap();
    for number in 0..cycles {
        writeln!(
            text,
            "  - id: {}\n    name: Service {number}\n    outcome: It works\n    customers: [retail]\n    criticality: \
             high\n    probes:\n      - {{ id: door, agents: [{}], interval: 5s, timeout: 1s, stale_after: 1h, fall: 1, \
             tcp: {{ address: \"192.0.2.1:80\" }} }}",
            service(number),
            AGENTS[0]
        )
        .unwrap();
    }
    text
}

/// What is seen in a cycle: its service fails, and that of the cycle before works again.
fn seen(cycle: u64) -> Batch {
    let at = wall_ms();
    let row = |number: u64, outcome| {
        let row = Observation {
            at: Instant::from_ms(at),
            outcome,
            cause: Cause::None,
            code: 0,
            total: Micros::new(1_000),
            phases: Phases::default(),
        };
        Rows::Probe(ProbeId::new(id(&service(number)), id("door")), vec![row])
    };
    let before = cycle.checked_sub(1).map(|before| row(before, Outcome::Up));
    let streams = before.into_iter().chain([row(cycle, Outcome::Down)]).collect();
    Batch { key: key(0, cycle + 1), closed_at: Instant::from_ms(at), streams, facts: Vec::new() }
}

/// An incident with its events; none when there is none of this number.
fn history(site: &Site, number: u64) -> Option<Value> {
    let path = format!("/api/v1/incidents/INC-{number}");
    let answer = until(&path, || http::get(site.port, &path).ok().filter(|answer| answer.code != 503));
    (answer.code == 200).then(|| answer.json().unwrap())
}

fn events(history: &Value) -> &[Value] {
    history["events"].as_array().unwrap()
}

/// What was on record before is there again, in this order; perhaps followed by what was committed since.
fn assert_kept(site: &Site, known: &BTreeMap<u64, Value>, numbers: impl Iterator<Item = u64>) {
    for number in numbers {
        let (before, after) = (&known[&number], history(site, number));
        let after = after.unwrap_or_else(|| panic!("INC-{number} is gone: {before}"));
        assert!(events(&after).starts_with(events(before)), "INC-{number} was\n{before}\nand is\n{after}");
        if events(&after).len() == events(before).len() {
            assert_eq!(&after, before, "the same events are the same record");
        }
    }
    let open = http::get(site.port, "/api/v1/incidents").unwrap().json().unwrap();
    let keys: Vec<String> = open["incidents"].as_array().unwrap().iter().map(|one| one["key"].to_string()).collect();
    assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len(), "no subject is open twice: {keys:?}");
}

/// Waits until the incident of a cycle is committed, and gives its number.
fn opened(site: &Site, cycle: u64) -> u64 {
    let key = format!("service_down:{}", service(cycle));
    until(&format!("{key} to be on record"), || {
        let open = http::get(site.port, "/api/v1/incidents").ok()?.json().ok()?;
        let found = open["incidents"].as_array()?.iter().find(|one| one["key"] == key.as_str())?;
        found["number"].as_u64()
    })
}

/// The ids that messages must have by the record, but for the store's digits: one for each event that is told.
fn told(known: &BTreeMap<u64, Value>) -> BTreeSet<String> {
    let of = |(number, history): (&u64, &Value)| {
        let places = events(history).iter().map(|event| event["place"].as_u64().unwrap());
        places.map(|place| format!("INC-{number}.{place}")).collect::<Vec<_>>()
    };
    known.iter().flat_map(of).collect()
}

/// The incident and the place of an event out of a message's id, such as `0a1b2c3d-INC-7.2`.
fn place(id: &str) -> (u64, u64) {
    let (_, rest) = id.split_once("-INC-").unwrap_or_else(|| panic!("not an id of a message: {id:?}"));
    let (number, place) = rest.split_once('.').unwrap();
    (number.parse().unwrap(), place.parse().unwrap())
}

/// What came, against the record: all of it, in order, and twice only under the same id; gives how many are dead letters.
fn judge(received: &[Received], known: &BTreeMap<u64, Value>, kills: usize) -> usize {
    let (mut last, mut reached) = (BTreeMap::<&str, Vec<&Received>>::new(), BTreeMap::<u64, u64>::new());
    for one in received {
        assert_eq!(one.body["id"], one.id.as_str(), "the id is the same in head and body");
        let (number, place) = place(&one.id);
        assert_eq!(one.body["subject"], format!("INC-{number}"));
        let reached = reached.entry(number).or_default();
        assert!(place >= *reached, "{} came after event {reached} of the same incident", one.id);
        *reached = place;
        last.entry(&one.id).or_default().push(one);
    }
    let stores: BTreeSet<&str> = last.keys().map(|id| id.split('-').next().unwrap()).collect();
    assert_eq!(stores.len(), 1, "all are of one store: {stores:?}");
    let came: BTreeSet<String> = last.keys().map(|id| id.split_once('-').unwrap().1.to_owned()).collect();
    assert_eq!(came, told(known), "each event that was committed has been tried, and nothing else");
    let (mut dead, mut doubled) = (0, 0);
    for (id, tries) in &last {
        assert!(tries.iter().all(|one| one.body == tries[0].body), "{id} is the same each time");
        let ended = tries[tries.len() - 1].manner;
        assert!(ended.accepts() || ended == REFUSES, "{id} was lost: {tries:?}");
        dead += usize::from(ended == REFUSES);
        // One that was taken comes again only if the collector was killed before it could note that.
        doubled += tries.iter().filter(|one| one.manner.accepts() || one.manner == REFUSES).count() - 1;
    }
    assert!(doubled <= kills, "{doubled} came again after {kills} kills");
    println!("{} messages, {} tries, {doubled} came again, {dead} dead letters", last.len(), received.len());
    dead
}

/// One life: what is seen, a comment on it, the record as it stands, and the kill; says whether something waited then.
fn lived(site: &mut Site, cycle: u64, known: &mut BTreeMap<u64, Value>, dice: &mut Dice) -> bool {
    let done = &mut Delivered { batches: cycle, ..Delivered::default() };
    assert!(deliver(site.port, &seen(cycle), done, &AtomicBool::new(false)));
    assert!(done.missed.is_empty(), "{:?}", done.missed);
    let number = opened(site, cycle);
    assert!(!known.contains_key(&number), "INC-{number} was used before");
    site.command(&["incidents", "comment", &format!("INC-{number}"), "seen"]);
    rest(Duration::from_millis(dice.below(KILLED_WITHIN_MS)));
    for number in number.saturating_sub(NEWEST).max(1)..=number {
        known.insert(number, history(site, number).unwrap());
    }
    let waited = site.metric(r#"uphold_receiver_waiting{receiver="duty"}"#).is_some_and(|waiting| waiting > 0.5);
    site.kill();
    waited
}

#[test]
fn killed_between_commit_and_delivery_it_loses_nothing_and_tells_everything_in_order() {
    let (cycles, healed) = (interrupted(), Arc::new(AtomicBool::new(false)));
    let well = Arc::clone(&healed);
    let manner =
        move |number: usize| if well.load(Ordering::Relaxed) { Manner::ACCEPTS } else { TURNS[number % TURNS.len()] };
    let receiver = Receiver::start(0, manner).unwrap();
    let mut site = Site::new(present(), "");
    fs::write(site.path("catalogue.yaml"), catalogue(cycles, &receiver.url())).unwrap();
    let (mut known, mut dice, mut waited) = (BTreeMap::new(), Dice(20_261_123), 0);
    for cycle in 0..cycles {
        site.start();
        let newest = known.keys().next_back().copied().unwrap_or_default();
        assert_kept(&site, &known, newest.saturating_sub(NEWEST).max(1)..=newest);
        waited += usize::from(lived(&mut site, cycle, &mut known, &mut dice));
    }
    healed.store(true, Ordering::Relaxed);
    site.start();
    assert_kept(&site, &known, known.keys().copied());
    until("everything to be delivered", || {
        site.metric(r#"uphold_receiver_waiting{receiver="duty"}"#).filter(|waiting| *waiting < 0.5)
    });
    for (number, record) in &mut known {
        *record = history(&site, *number).unwrap();
    }
    assert_eq!(history(&site, known.len() as u64 + 1), None, "an incident for each cycle, and no other");

    let taken = receiver.received();
    println!("{cycles} kills, something waited at {waited} of them");
    assert!(waited * 2 > known.len(), "most kills lie between commit and delivery: {waited} do");
    for manner in TURNS {
        assert!(taken.iter().any(|one| one.manner == manner), "{manner:?} was never tried");
    }
    let dead = judge(&taken, &known, usize::try_from(cycles).unwrap());
    assert!(dead > 0, "some are refused for good");
    site.stop();
    site.start();
    for (number, record) in &known {
        assert_eq!(history(&site, *number).as_ref(), Some(record), "the events replay to the same record");
    }
    assert!(!site.said().contains("panicked"), "{}", site.said());
}
