//! A program that is asked to end does, whoever still talks to it and whatever it still waits for.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};

use uphold_tests::process::child::Process;

use crate::world::{DEADLINE, World, until};

/// What both programs end with when they are told to end for the second time.
const CUT_SHORT: i32 = 5;

/// Somebody who connects and says nothing, and somebody who does not finish what he says. The last has been heard: he
/// waits to be told to go on, or that nobody wants it, so whoever is asked to end from here on holds all three.
fn idlers(port: u16) -> Vec<TcpStream> {
    let connect = |said: &[u8]| {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        stream.write_all(said).unwrap();
        stream
    };
    let about_to_send =
        b"POST /api/v1/push HTTP/1.1\r\nhost: 127.0.0.1\r\nexpect: 100-continue\r\ncontent-length: 100\r\n\r\n";
    let (silent, half_a_head, mut half_a_body) =
        (connect(b""), connect(b"GET /metrics HTTP/1.1\r\nho"), connect(about_to_send));
    half_a_body.set_read_timeout(Some(DEADLINE)).unwrap();
    half_a_body.read_exact(&mut [0; 12]).unwrap();
    half_a_body.write_all(b"half").unwrap();
    vec![silent, half_a_head, half_a_body]
}

#[test]
fn clients_that_never_finish_keep_no_program_from_ending() {
    let mut world = World::watched();
    let agent = idlers(world.agent_port);
    let collector = idlers(world.collector_port);
    world.stop_agent();
    world.stop_collector();
    drop((agent, collector));
    // Both gave up what they held.
    world.start_collector();
    world.start_agent();
    world.wait_for_state("up");
}

#[test]
fn an_agent_ends_and_keeps_what_it_has_while_no_collector_answers() {
    let mut world = World::watched();
    world.kill_collector();
    world.wait_for_backlog(2);
    world.stop_shop();
    world.stop_agent();
    world.start_collector();
    world.start_agent();
    world.wait_until_delivered();
    assert_eq!(world.agent_count("uphold_agent_spool_dropped_batches_total"), 0);
    world.wait_for_state("down");
}

fn told_again(mut process: Process) {
    process.signal("INT").unwrap();
    let status = process.wait_for_end(DEADLINE).unwrap();
    assert_eq!(status.code(), Some(CUT_SHORT), "{}", process.output());
}

#[test]
fn who_is_told_to_end_twice_ends_at_once_and_nothing_that_was_kept_is_lost() {
    let mut world = World::watched();
    let collector = world.collector.take().unwrap();
    let unfinished = idlers(world.collector_port);
    collector.signal("TERM").unwrap();
    until("the collector to stop listening", || {
        TcpStream::connect((Ipv4Addr::LOCALHOST, world.collector_port)).is_err().then_some(())
    });
    told_again(collector);
    drop(unfinished);

    // Somebody who takes every connection and never answers keeps the agent's last round busy.
    let silent = until("the port to be free", || TcpListener::bind((Ipv4Addr::LOCALHOST, world.collector_port)).ok());
    world.wait_for_backlog(2);
    let mut agent = world.agent.take().unwrap();
    agent.signal("TERM").unwrap();
    agent.wait_for_line(DEADLINE, "asked to end").unwrap();
    told_again(agent);
    drop(silent);

    world.start_collector();
    world.start_agent();
    world.wait_until_delivered();
    assert_eq!(world.agent_count("uphold_agent_spool_dropped_batches_total"), 0);
    world.wait_for_state("up");
}
