//! Explanations through the engine over a real store: the text of a known month, long lists that are cut, and sums that are the
//! figures' whatever is asked for.

use jiff::tz::TimeZone;
use serde_json::json;
use uphold_common::explain::{ENTRIES_MAX, FIRST_MAX, LAST_MAX, STRETCHES_MAX};
use uphold_common::governed::Asked;
use uphold_common::ids::PathId;
use uphold_common::measure::kinds::Kind;
use uphold_common::observation::{Cause, Micros, Observation, Outcome, Phases, Reading, Resource, ResourceId, State};
use uphold_common::wire::batch::{Batch, BatchKey, Epoch, digest};
use uphold_common::wire::columns::Rows;

use uphold_common::ids::Id;

use super::*;
use crate::engine::govern::GovernCommand;
use crate::engine::tests::{World, at};
use crate::identity::deed::Actor;
use crate::ingest::{Arrived, Backlog};
use crate::report::Style;
use crate::report::explain::{ExplainView, render};
use crate::store::{Admitted, Told, Verified};

const CATALOGUE: &str = "
organisation: { name: Example, time_zone: Europe/Zurich }
customers: [{ id: retail, name: Retail }]
parties: [{ id: isp, name: Carrier, kind: supplier }]
components: [{ id: uplink, name: Uplink, party: isp }]
hosts: [{ id: web-1, agent: a }]
services:
  - id: shop
    name: Shop
    since: 2026-03-09T23:00:00Z
    probes:
      - { id: web, agents: [a, b], interval: 10s, timeout: 5s, component: uplink, tcp: { address: \"127.0.0.1:1\" } }
agreements:
  - id: sla
    kind: sla
    party: retail
    targets:
      - { id: month, service: shop, window: month, availability: \"99.9%\", min_notice: 1h, maintenance_allowance: 2m }
      - { id: quick, service: shop, window: month, response_time: { probe: web, percentile: \"95\", below: 100ms } }
      - { id: disk, service: shop, window: month,
          capacity: { host: web-1, resource: filesystem, of: /var, percentile: \"50\", warning: \"80%\", critical: \"90%\" } }
      - { id: most, service: shop, window: 24h, response_time: { probe: web, share: \"75%\", below: 100ms } }
";

fn observation(at: Instant, letter: char) -> Observation {
    let (outcome, cause, code, us) = match letter {
        'D' => (Outcome::Down, Cause::Timeout, 0, 5_000_000),
        'C' => (Outcome::Down, Cause::Code, 503, 12_345),
        'g' => (Outcome::Degraded, Cause::Slow, 200, 900_000),
        '?' => (Outcome::Unknown, Cause::Agent, 0, 0),
        _ => (Outcome::Up, Cause::None, 200, 76_250 + u64::from(letter == 'U')),
    };
    Observation { at, outcome, cause, code, total: Micros::new(us), phases: Phases::default() }
}

/// One push of observations, 10 s apart from `from`; a dot is none.
fn push(world: &mut World, from: i64, row: &str, seq: u64) {
    let seen = (0_i64..).zip(row.chars()).filter(|(_, letter)| *letter != '.');
    let rows: Vec<Observation> = seen.map(|(place, letter)| observation(at(from + place * 10), letter)).collect();
    let now = from + 10 * i64::try_from(row.len()).unwrap();
    let web = PathId::new(Id::new("shop").unwrap(), Id::new("web").unwrap());
    take_in(world, Rows::Probe(web, rows), now, seq);
}

/// One push of readings in percent, 15 s apart.
fn push_readings(world: &mut World, row: &[u64], seq: u64) {
    let reading = |(place, used): (i64, &u64)| Reading { at: at(place * 15), used: *used, limit: 100 };
    let host = Id::new("web-1").unwrap();
    let var = ResourceId { host, resource: Resource::Filesystem, of: "/var".to_owned() };
    take_in(world, Rows::Capacity(var, (0_i64..).zip(row).map(reading).collect()), 700, seq);
}

fn take_in(world: &mut World, rows: Rows, now: i64, seq: u64) {
    let key = BatchKey { agent: Id::new("a").unwrap(), epoch: Epoch([5; 16]), seq };
    let batch = Batch { key, closed_at: at(now), streams: vec![rows], facts: Vec::new() };
    let framed = batch.encode().unwrap();
    let told = Told { acknowledged: seq - 1, ..Told::default() };
    let backlog = Backlog { told, batches: 0, oldest: None, sent_at: at(now) };
    let batch = Admitted { digest: digest(&framed), framed, batch: batch.into() };
    let arrived = Arrived { authenticated: false, token: None, backlog, batch };
    let answers = world.engine().take_in(vec![arrived], at(now)).unwrap();
    assert!(answers[0].is_ok(), "{answers:?}");
}

fn record(world: &mut World, asked: Asked) {
    let command = GovernCommand::Add(Box::new(asked));
    world.engine().govern(command, &Actor::Local { uid: None }, at(2_000)).unwrap();
}

/// A morning with everything in it: failures that were not confirmed, an outage with a recovery that was none, a silence, an
/// agent that never said anything, maintenance and an exclusion.
fn known() -> World {
    let mut world = World::with(CATALOGUE.to_owned(), 0);
    push(&mut world, 0, "uuuuuuDuuugguuuuCCDDDDDDDDDDDDDuuuuuuuu.........u??uuuuuuuuuUuuuuu", 1);
    push_readings(&mut world, &[70, 85, 85, 95, 96, 95, 60], 2);
    let maintenance = |id: &str, start: i64, end: i64, announced: i64| {
        let written = json!({ "id": id, "services": ["shop"], "start": at(start).as_ms(), "end": at(end).as_ms(),
            "announced_at": at(announced).as_ms(), "change": "CHG-7: new switch", "approver": "ops" });
        Asked::Maintenance(serde_json::from_value(written).unwrap())
    };
    record(&mut world, maintenance("sw-7", 240, 420, -86_400));
    record(&mut world, maintenance("sw-8", 500, 560, 0));
    let exclusion = json!({ "id": "flood", "services": "all", "start": at(280).as_ms(), "end": at(300).as_ms(),
        "class": "force_majeure", "reason": "the river rose", "clause": "7.2", "approver": "retail" });
    record(&mut world, Asked::Exclusion(serde_json::from_value(exclusion).unwrap()));
    world.tick(2_000);
    world
}

fn query(target: &str, which: WhichFigure, as_of: i64) -> ExplainQuery {
    let service = Id::new("shop").unwrap();
    let figures = FiguresQuery { service, window: None, at: None, as_of: Some(at(as_of)), timelines: false };
    ExplainQuery { figures, target: TargetId::try_from(target.to_owned()).unwrap(), which }
}

fn explained(world: &mut World, target: &str, which: WhichFigure, as_of: i64) -> ExplainView {
    let body = world.engine().explain(&query(target, which, as_of), at(as_of), at(as_of)).unwrap();
    let view = ExplainView::read(&body).unwrap();
    assert_eq!(view.made.broken(), Vec::<String>::new());
    view
}

#[test]
fn the_text_of_a_known_morning_is_known() {
    let mut world = known();
    let zone = TimeZone::get("Europe/Zurich").unwrap();
    let texts = ["sla/month", "sla/quick", "sla/most", "sla/disk"].map(|target| {
        let view = explained(&mut world, target, WhichFigure::Contractual, 1_000);
        render(&view, Some(&zone), Style::default())
    });
    let text = texts.join("\n================\n\n");
    let text = text.replace(uphold_common::measure::figures::time_zone_data(), "RELEASE");
    println!("{text}");
    assert!(!text.contains('\u{1b}'));
    let golden = include_str!("../../report/explain/golden.txt");
    assert_eq!(text, golden, "the explanation changed: if so intended, write it to report/explain/golden.txt");
    let coloured = Style { colour: true, width: 80 };
    let view = explained(&mut world, "sla/month", WhichFigure::Contractual, 1_000);
    assert!(render(&view, None, coloured).contains("\u{1b}[32m  "), "the last line is green");
}

#[test]
fn behind_an_outage_are_its_failures_and_what_ended_it() {
    let mut world = known();
    let experienced = explained(&mut world, "sla/month", WhichFigure::Experienced, 1_000);
    let made = experienced.made.availability.unwrap();
    assert!(made.maintenances.listed.is_empty() && made.exclusions.listed.is_empty());
    let down = made.stretches.iter().find(|stretch| stretch.kind == Kind::Down).unwrap();
    assert_eq!((down.start_ms, down.length_ms), (at(160), 150_000));
    let [behind] = down.behind.as_slice() else { panic!("one probe is behind it: {down:?}") };
    let agents: Vec<&str> = behind.vantage.iter().map(|vantage| vantage.agent.as_str()).collect();
    assert_eq!((agents, behind.party.as_str()), (vec!["a", "b"], "isp"));
    let piece = &behind.vantage[0].pieces[0];
    assert_eq!((piece.observations.len(), piece.left_out), (FIRST_MAX + LAST_MAX, Some(7)));
    assert_eq!((piece.observations[0].cause, piece.observations[0].code), (Cause::Code, Some(503)));
    assert_eq!(piece.before.unwrap().at_ms, at(150));
    let after = piece.after.unwrap();
    assert_eq!((after.at_ms, after.outcome), (at(310), Outcome::Up));
    let silent = &behind.vantage[1];
    assert_eq!((silent.held.unmeasured, silent.pieces.len()), (150_000, 0), "it has no part in it");
    let silences: Vec<_> = made.stretches.iter().filter(|stretch| stretch.kind == Kind::Unmeasured).collect();
    let silence = &silences[1].behind[0].vantage[0].pieces[0];
    assert_eq!((silence.before.unwrap().at_ms, silence.after.unwrap().at_ms), (at(380), at(480)));
    assert!(silence.observations.is_empty());
    let silent = &silences[1].behind[0].vantage[1].pieces[0];
    assert_eq!((silent.state, silent.before, silent.after), (State::Unmeasured, None, None), "it never said anything");
    let unknown = &silences[2].behind[0].vantage[0].pieces[0];
    assert_eq!((unknown.observations.len(), unknown.observations[0].outcome), (2, Outcome::Unknown));
    // At 310 what ended the outage has not been seen yet.
    let before = explained(&mut world, "sla/month", WhichFigure::Experienced, 310).made.availability.unwrap();
    let down = before.stretches.iter().find(|stretch| stretch.kind == Kind::Down).unwrap();
    assert_eq!((down.end_ms, down.behind[0].vantage[0].pieces[0].after), (at(310), None));
}

#[test]
fn long_lists_are_cut_and_add_up_all_the_same() {
    let mut world = World::with(CATALOGUE.to_owned(), 0);
    for (seq, part) in (1..).zip(0..4) {
        push(&mut world, part * 8_000, &"DDuu".repeat(200), seq);
    }
    let made = explained(&mut world, "sla/month", WhichFigure::Contractual, 33_000).made.availability.unwrap();
    assert_eq!(made.stretches.len(), STRETCHES_MAX);
    assert!(made.left_out.stretches > 500 && made.left_out.behind == 0, "{:?}", made.left_out);
    assert_eq!(made.left_out.from_ms, made.stretches.last().map(|last| last.end_ms));
    assert!(made.sums.adds_up && made.sums.left_out.down > 0);
    let entries = made.stretches.iter().flat_map(|stretch| &stretch.behind).flat_map(|behind| &behind.vantage);
    let entries: usize =
        entries.map(|vantage| vantage.pieces.iter().map(|piece| piece.observations.len() + 1).sum::<usize>()).sum();
    assert!(entries < ENTRIES_MAX, "{entries}");
}

#[test]
fn an_answer_that_would_be_too_long_leaves_out_what_is_behind_and_says_so() {
    let agents: Vec<String> = (0..99).map(|agent| format!("a{agent}")).collect();
    let catalogue = CATALOGUE.replace("agents: [a, b]", &format!("agents: [a, {}]", agents.join(", ")));
    let mut world = World::with(catalogue, 0);
    push(&mut world, 0, &"uuuDDD".repeat(120), 1);
    let view = explained(&mut world, "sla/month", WhichFigure::Contractual, 7_300);
    let made = view.made.availability.clone().unwrap();
    let vantage = made.stretches.iter().flat_map(|stretch| &stretch.behind).map(|behind| behind.vantage.len());
    assert!((1..=ENTRIES_MAX).contains(&vantage.sum::<usize>()), "{:?}", made.left_out);
    let cut = made.stretches.iter().filter(|stretch| stretch.behind_left_out).count();
    assert!(cut > 10 && made.left_out.behind == cut as u64 && made.left_out.stretches == 0, "{:?}", made.left_out);
    let text = render(&view, None, Style::default());
    assert_eq!(text.matches("more is behind it than is listed").count(), cut);
}

#[test]
fn what_is_asked_for_and_is_not_there_is_refused_with_the_nearest() {
    let mut world = known();
    let mut refused = |target: &str, as_of| {
        let query = query(target, WhichFigure::Contractual, as_of);
        world.engine().explain(&query, at(2_000), at(2_000)).unwrap_err().to_string()
    };
    assert_eq!(
        refused("sla/mont", 1_000),
        "shop has no target sla/mont (did you mean \"sla/month\"?); its targets are: sla/disk, sla/month, sla/most, sla/quick"
    );
    assert!(refused("sla/month", 3_000).contains("lies in the future"));
}

#[test]
fn what_is_listed_is_what_the_figures_say() {
    let mut world = known();
    let mut verified = Verified::default();
    world.engine().verify(true, at(2_000), &mut verified).unwrap();
    assert_eq!(verified.findings, []);
    for target in ["sla/quick", "sla/most"] {
        let made = explained(&mut world, target, WhichFigure::Contractual, 1_000).made.response.unwrap();
        assert!(made.adds_up && made.by_agent.len() == 2, "{made:?}");
        assert_eq!(made.slowest[0].observation.duration_us, Some(900_000));
    }
}
