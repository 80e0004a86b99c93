//! What agents tell of their own measuring: on record once, whatever arrives twice and whenever the collector ends, bounded,
//! beside the figure it belongs to, and forgotten with the other records.

use uphold_common::explain::document::{Explanation, WhichFigure};
use uphold_common::time::DAY_MS;
use uphold_common::wire::batch::{AgentFact, Batch, BatchKey, Epoch, digest};
use uphold_common::wire::push::PushAnswer;

use super::explain::ExplainQuery;
use super::quality::{After, FactsError, FactsQuery};
use super::query::FiguresQuery;
use super::tests::{World, at};
use super::*;
use crate::ingest::{Arrived, Backlog, Refusal};
use crate::quality::RECORDS_MAX;
use crate::quality::model::FactList;
use crate::retention::Retention;
use crate::store::{Admitted, Told};

fn telling(agent: &str, seq: u64, closed_at: i64, facts: Vec<AgentFact>) -> Arrived {
    let key = BatchKey { agent: Id::new(agent).unwrap(), epoch: Epoch([5; 16]), seq };
    let batch = Batch { key, closed_at: at(closed_at), streams: Vec::new(), facts };
    let framed = batch.encode().unwrap();
    let told = Told { acknowledged: seq - 1, ..Told::default() };
    let backlog = Backlog { told, batches: 0, oldest: None, sent_at: at(closed_at) };
    let batch = Admitted { digest: digest(&framed), framed, batch: batch.into() };
    Arrived { authenticated: false, token: None, backlog, batch }
}

fn send(world: &mut World, group: Vec<Arrived>, now: i64) -> Vec<Result<PushAnswer, Refusal>> {
    world.engine().take_in(group, at(now)).unwrap()
}

fn skipped(attempts: u64) -> AgentFact {
    AgentFact::Skipped { attempts }
}

fn asked() -> FactsQuery {
    FactsQuery::of(Id::new("a").unwrap())
}

fn listed(world: &mut World, query: &FactsQuery) -> FactList {
    world.engine().facts(query).unwrap()
}

/// The numbers of the batches that told something, the newest first.
fn seqs(list: &FactList) -> Vec<u64> {
    list.told.iter().map(|told| told.seq).collect()
}

#[test]
fn a_fact_is_on_record_once_over_duplicates_replays_and_restarts() {
    let mut world = World::new(0);
    let stopped = || telling("a", 1, 10, vec![AgentFact::Stopped { at: at(9) }]);
    let started = || telling("a", 2, 50, vec![AgentFact::Started { at: at(49), in_order: true }, skipped(3)]);
    assert!(send(&mut world, vec![stopped(), started(), stopped()], 51).iter().all(Result::is_ok));
    let before = listed(&mut world, &asked());
    assert_eq!(seqs(&before), [2, 1]);
    assert_eq!((before.told[0].told_at_ms, before.told[0].heard_at_ms), (at(50), at(51)));
    let words: Vec<&str> = before.told[0].facts.iter().map(|fact| fact.fact.as_str()).collect();
    assert_eq!(words, ["started", "skipped"]);
    for now in [60, 70] {
        assert!(send(&mut world, vec![started(), stopped()], now).iter().all(Result::is_ok));
        assert_eq!(listed(&mut world, &asked()), before, "what comes again changes nothing, not when it was heard");
        world.open(now + 5);
        assert_eq!(listed(&mut world, &asked()), before, "nor does a restart");
    }
}

#[test]
fn a_push_is_acknowledged_only_once_what_it_told_is_on_record() {
    let mut world = World::new(0);
    world.full.fill_for_records();
    let refused = send(&mut world, vec![telling("a", 1, 10, vec![skipped(1)]), telling("a", 2, 11, vec![])], 12);
    assert!(refused[0].is_err(), "{refused:?}");
    assert!(refused[1].is_ok(), "whoever told nothing waits for nothing: {refused:?}");
    world.full.make_room();
    assert!(listed(&mut world, &asked()).told.is_empty());
    assert!(send(&mut world, vec![telling("a", 1, 10, vec![skipped(1)])], 20)[0].is_ok(), "it comes again");
    assert_eq!(seqs(&listed(&mut world, &asked())), [1]);
}

#[test]
fn only_agents_of_the_catalogue_are_on_record_and_of_each_at_most_so_much() {
    let mut world = World::new(0);
    send(&mut world, vec![telling("nobody", 1, 10, vec![skipped(1)])], 11);
    let stranger = FactsQuery::of(Id::new("nobody").unwrap());
    assert!(matches!(world.engine().facts(&stranger), Err(FactsError::NoAgent { .. })));
    assert!(read_all(world.engine().store.as_ref(), RecordKind::AgentFact).unwrap().is_empty());

    let most = u64::try_from(RECORDS_MAX).unwrap();
    let all: Vec<u64> = (1..=most + 5).collect();
    let time = |seq: u64| i64::try_from(seq).unwrap();
    for group in all.chunks(300) {
        let group = group.iter().map(|&seq| telling("a", seq, time(seq), vec![skipped(seq)])).collect();
        assert!(send(&mut world, group, 5_000).iter().all(Result::is_ok));
    }
    let kept = |world: &mut World| {
        let records = read_all(world.engine().store.as_ref(), RecordKind::AgentFact).unwrap();
        let first = crate::quality::key::Key::read(&records[0].0).unwrap().seq;
        (records.len(), first)
    };
    assert_eq!(kept(&mut world), (RECORDS_MAX, 6), "the oldest have gone");
    world.open(5_001);
    send(&mut world, vec![telling("a", 3, 3, vec![skipped(3)])], 5_002);
    assert_eq!(kept(&mut world), (RECORDS_MAX, 6), "what had to go does not come back");
    send(&mut world, vec![telling("a", most + 6, time(most + 6), vec![skipped(1)])], 5_003);
    assert_eq!(kept(&mut world), (RECORDS_MAX, 7));
}

#[test]
fn what_was_told_is_answered_in_pages_and_of_the_time_that_is_asked_for() {
    let mut world = World::new(0);
    let group = (1..=7).map(|seq| telling("a", seq, i64::try_from(seq).unwrap() * 10, vec![skipped(seq)]));
    send(&mut world, group.collect(), 100);
    let (mut query, mut all) = (FactsQuery { limit: 3, ..asked() }, Vec::new());
    loop {
        let page = listed(&mut world, &query);
        all.push(seqs(&page));
        let Some(next) = page.next else { break };
        query.after = After::parse(&next);
        assert!(query.after.is_some());
    }
    assert_eq!(all, [vec![7, 6, 5], vec![4, 3, 2], vec![1]]);
    let within = FactsQuery { from: Some(at(20)), to: Some(at(50)), ..asked() };
    assert_eq!(seqs(&listed(&mut world, &within)), [4, 3, 2]);
    let whole = FactsQuery { limit: 7, ..asked() };
    assert_eq!(listed(&mut world, &whole).next, None, "a page that has all of it is the last");
    let none = FactsQuery { from: Some(at(50)), to: Some(at(20)), ..asked() };
    assert!(listed(&mut world, &none).told.is_empty());
}

#[test]
fn what_was_told_of_the_time_of_a_figure_stands_beside_it() {
    let mut world = World::new(0);
    world.push(0, "uuuuuuuuuuuu", 120, 0);
    let lost = AgentFact::Dropped { batches: 2, rows: 8, from: at(60), to: at(90) };
    let off = |ahead_ms| AgentFact::ClockOffset { at: at(100), ahead_ms, within_ms: 2 };
    send(&mut world, vec![telling("a", 2, 130, vec![lost, off(-1_500)])], 131);
    world.tick(132);
    let figures = |as_of| FiguresQuery {
        service: Id::new("shop").unwrap(),
        window: None,
        at: None,
        as_of: Some(at(as_of)),
        timelines: false,
    };
    let remarks = |world: &mut World, as_of: i64| {
        let target = "sla/month".parse().unwrap();
        let query = ExplainQuery { figures: figures(as_of), target, which: WhichFigure::Contractual };
        let made = world.engine().explain(&query, at(132), at(132)).unwrap();
        let made: Explanation = serde_json::from_slice(&made).unwrap();
        assert_eq!(made.quality.agents, [Id::new("a").unwrap()]);
        made.quality.remarks.into_iter().map(|remark| (remark.fact, remark.is_loss, remark.from_ms)).collect::<Vec<_>>()
    };
    let (dropped, offset) = (("dropped".to_owned(), true, at(60)), ("clock_offset".to_owned(), false, at(100)));
    assert_eq!(remarks(&mut world, 132), [dropped.clone(), offset]);
    assert_eq!(remarks(&mut world, 80), [dropped]);
    assert_eq!(remarks(&mut world, 50), []);
}

#[test]
fn what_was_told_goes_with_the_other_records_and_what_is_newer_stays() {
    const DAY: i64 = 86_400;
    let mut world = World::new(0);
    let (raw_ms, others_ms) = (20 * DAY_MS, 100 * DAY_MS);
    let (states_ms, incidents_ms, records_ms) = (others_ms, others_ms, others_ms);
    world.keeps(Retention { raw_ms, states_ms, incidents_ms, records_ms, bytes_max: None });
    world.push(0, "uuu", 30, 0);
    for (seq, days) in [(7, 1), (8, 59), (9, 61)] {
        send(&mut world, vec![telling("a", seq, days * DAY, vec![skipped(1)])], days * DAY);
    }
    world.settle(90 * DAY);
    assert_eq!(seqs(&listed(&mut world, &asked())), [9, 8, 7]);
    world.push(160 * DAY, "uuu", 160 * DAY + 30, 0);
    world.settle(160 * DAY + 31);
    assert_eq!(seqs(&listed(&mut world, &asked())), [9]);
    send(&mut world, vec![telling("a", 10, 160 * DAY, vec![skipped(1)])], 160 * DAY + 40);
    assert_eq!(seqs(&listed(&mut world, &asked())), [10, 9]);
}
