//! Whoever is away for a while: the receiver of notices, the agent in the middle of an outage, the collector when an
//! outage begins, the collector again and again.

use std::fs;

use serde_json::Value;
use uphold_common::observation::Outcome;
use uphold_common::wire::push::Push;
use uphold_tests::process::wait::wall_ms;

use crate::figures::{assert_near, with_cause};
use crate::outage::{
    BREACHED, DOWN, OPENED, RECORDED, RESOLVED, assert_break, assert_each_once, assert_every_attempt_is_kept_once,
    assert_one_incident, told,
};
use crate::pushes::{batch, post, push};
use crate::world::{CLOCK_MS, Done, INTERVAL_MS, STALE_AFTER_MS, TIMEOUT_MS, World, until};

#[test]
fn an_outage_that_began_while_the_collector_was_away_is_opened_from_its_beginning() {
    let mut world = World::watched();
    world.stop_collector();
    let stopped = world.stop_shop();
    let failed = world.attempts("down") + 4;
    until("attempts to fail", || (world.attempts("down") >= failed).then_some(()));
    world.start_collector();
    let opened = world.wait_for_message(OPENED, DOWN);
    let started = world.start_shop();
    world.wait_for_message(RESOLVED, DOWN);
    world.wait_for_state("up");

    let figures = world.figures();
    assert_break(&world, &figures, stopped, started);
    assert_eq!(opened["data"]["started_ms"], figures.only_break()[0]);
    let number = assert_one_incident(&world, &figures);
    let messages = world.messages();
    assert_each_once(&messages);
    assert_eq!(told(&messages, DOWN), [(OPENED.to_owned(), number), (RESOLVED.to_owned(), number)]);
}

#[test]
fn an_outage_whose_end_nobody_saw_is_down_as_long_as_it_was_seen_and_unmeasured_after() {
    let mut world = World::watched();
    let stopped = world.stop_shop();
    world.wait_for_message(OPENED, DOWN);
    let late = world.late_ms();
    let ended = world.stop_agent();
    world.start_shop();
    world.wait_for_state("unmeasured");
    let open = with_cause(&world.incidents(), DOWN);
    assert!(open.len() == 1 && open[0]["resolved"].is_null(), "nobody saw a recovery: {open:?}");
    let started = world.start_agent();
    world.wait_for_message(RESOLVED, DOWN);
    world.wait_for_state("up");

    let figures = world.figures_after(started);
    let [start, end, length] = figures.only_break();
    assert_near("the break's start", start, stopped, TIMEOUT_MS + CLOCK_MS, late + TIMEOUT_MS + CLOCK_MS);
    let speaks_until = Done { before: ended.before + STALE_AFTER_MS, after: ended.after + STALE_AFTER_MS };
    assert_near("the break's end", end, speaks_until, late + TIMEOUT_MS + CLOCK_MS, CLOCK_MS);
    assert_eq!((length, figures.number("D")), (end - start, length));
    let holes = figures.holes();
    let [hole] = holes.as_slice() else { panic!("one silence is expected: {:?}", figures.stretches()) };
    assert_eq!(hole.start, end, "what follows the last failure's reach is unmeasured");
    assert_near("the silence's end", hole.end, started, CLOCK_MS, world.late_ms() + TIMEOUT_MS + CLOCK_MS);
    let incidents = with_cause(&world.incidents(), DOWN);
    assert_eq!(incidents.len(), 1, "{incidents:?}");
    assert_eq!(incidents[0]["resolved"]["ended"], hole.end, "it ends where the service is first seen to work");
}

#[test]
fn a_receiver_that_was_away_hears_everything_afterwards_and_once_though_the_collector_was_killed_meanwhile() {
    let mut world = World::watched();
    world.inbox.stop().unwrap();
    let stopped = world.stop_shop();
    let waiting = r#"uphold_receiver_waiting{receiver="duty"}"#;
    let waits = |world: &World, wanted: f64| {
        until("messages to wait", || {
            let waiting = world.collector_metric(waiting)?;
            (waiting > wanted - 0.5).then_some(())
        });
    };
    waits(&world, 2.0);
    world.kill_collector();
    world.start_collector();
    let started = world.start_shop();
    waits(&world, 3.0);
    world.kill_collector();
    world.start_collector();
    waits(&world, 3.0);
    assert_eq!(world.inbox.payloads().unwrap(), Vec::<Value>::new());
    world.inbox.start_again().unwrap();
    world.wait_for_message(RESOLVED, DOWN);
    world.wait_for_state("up");

    let figures = world.figures();
    assert_break(&world, &figures, stopped, started);
    let number = assert_one_incident(&world, &figures);
    let messages = world.messages();
    assert_each_once(&messages);
    assert_eq!(told(&messages, DOWN), [(OPENED.to_owned(), number), (RESOLVED.to_owned(), number)], "in this order");
    assert_eq!(told(&messages, BREACHED).len(), 1);
    assert_eq!(messages.iter().filter(|message| message["type"] == RECORDED).count(), 0);
}

#[test]
fn a_collector_that_is_killed_again_and_again_keeps_every_attempt_once() {
    let mut world = World::watched();
    for _ in 0..5 {
        let delivered = world.agent_count("uphold_agent_acknowledged_seq") + 3;
        until("batches to be acknowledged", || {
            (world.agent_count("uphold_agent_acknowledged_seq") >= delivered).then_some(())
        });
        world.kill_collector();
        world.start_collector();
    }
    world.wait_until_delivered();
    world.wait_for_state("up");
    let figures = world.figures();
    assert_eq!((figures.holes(), figures.breaks()), (Vec::new(), Vec::new()));
    assert_eq!(world.agent_count("uphold_agent_replay_requests_total"), 0, "nothing acknowledged is missing");
    assert!(figures.number("N") > 10 * INTERVAL_MS, "{figures:?}");
    assert_every_attempt_is_kept_once(&mut world);
    assert_eq!(world.incidents(), Vec::<Value>::new());
}

#[test]
fn nothing_is_concluded_while_an_agent_still_delivers_what_waited() {
    let world = World::without_agent();
    // The service entered its catalogue with the collector, so what is to count lies after that.
    let entry = wall_ms();
    until("time for what is told to have happened", || (wall_ms() > entry + 2_600).then_some(()));
    let attempts = |from: i64, outcome| (0..3).map(move |i| (from + i * 300, outcome)).collect::<Vec<_>>();
    let send = |seq, rows: &[(i64, Outcome)], waiting| {
        let push = Push { backlog_batches: waiting, ..push(&batch(seq, rows)) };
        assert_eq!(post(&world, &push.encode().unwrap()).code, 200);
    };
    send(1, &attempts(entry, Outcome::Up), 2);
    send(2, &attempts(entry + 900, Outcome::Down), 1);
    world.wait_for_state("down");
    let seen = Done { before: wall_ms(), after: wall_ms() + 2_000 };
    world.figures_after(seen);
    assert_eq!(world.incidents(), Vec::<Value>::new(), "the rest may show that it is over");
    send(3, &attempts(entry + 1_800, Outcome::Up), 0);
    let recorded = world.wait_for_message(RECORDED, DOWN);
    assert_eq!(recorded["data"]["started_ms"], entry + 900);
    assert_eq!(recorded["data"]["duration_ms"], 900);
    let messages = world.messages();
    assert_eq!((told(&messages, DOWN).len(), told(&messages, BREACHED).len()), (1, 1));
}

#[test]
fn a_collector_that_lost_its_store_says_what_it_misses_and_measures_on() {
    let mut world = World::watched();
    world.stop_collector();
    fs::remove_dir_all(world.collector_data()).unwrap();
    world.start_collector();
    world.wait_until_delivered();
    world.wait_for_state("up");
    assert!(world.agent_count("uphold_agent_replay_requests_total") > 0, "acknowledged batches are missed");
    assert_eq!(world.agent_count("uphold_agent_quarantined_batches_total"), 0);
    let figures = world.figures();
    assert_eq!((figures.breaks(), figures.holes()), (Vec::new(), Vec::new()));
    assert_eq!(world.incidents(), Vec::<Value>::new());
}
