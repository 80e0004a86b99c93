//! What is refused is refused whole, for a reason that is said, and leaves everything as it was.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpStream};

use serde_json::Value;
use uphold_common::observation::Outcome;
use uphold_common::wire::batch::Epoch;
use uphold_common::wire::frame::{self, Compression};
use uphold_common::wire::push::Push;
use uphold_common::wire::{BATCH_VERSION, PUSH_BYTES_MAX, WIRE_VERSION, pack};
use uphold_tests::process::wait::wall_ms;

use crate::pushes::{batch, post, push};
use crate::world::{DEADLINE, World, run, until};

/// A body with one bit of it the other way round.
fn flipped(mut body: Vec<u8>, place: usize) -> Vec<u8> {
    body[place] ^= 1;
    body
}

/// The pushes that are refused, each with its status and its word.
fn refusals(start: i64) -> Vec<(&'static str, Vec<u8>, u16, &'static str)> {
    let sound = push(&batch(2, &[(start + 2_000, Outcome::Down), (start + 2_500, Outcome::Down)]));
    let body = sound.encode().unwrap();
    let sealed = |content: &Push, version| {
        frame::seal(frame::PUSH, version, Compression::Plain, &pack::pack(content).unwrap()).unwrap()
    };
    let inner = Push { batch: flipped(sound.batch.clone(), sound.batch.len() / 2), ..sound.clone() };
    let bomb = frame::seal(frame::BATCH, BATCH_VERSION, Compression::Zstd, &vec![0; 50_000_000]).unwrap();
    let other = Push { epoch: Epoch([8; 16]), ..sound.clone() };
    let ahead = push(&batch(2, &[(wall_ms() + 3_600_000, Outcome::Up)]));
    let ancient = push(&batch(2, &[(1, Outcome::Down)]));
    let unlike = push(&batch(1, &[(start, Outcome::Down), (start + 500, Outcome::Down)]));
    let unnumbered = push(&batch(0, &[(start + 2_000, Outcome::Down)]));
    vec![
        ("nothing", Vec::new(), 400, "unsound-push"),
        ("a cut one", body[..body.len() - 7].to_vec(), 400, "unsound-push"),
        ("one with a flipped bit", flipped(body.clone(), body.len() / 2), 400, "unsound-push"),
        ("one with a flipped bit in its batch", inner.encode().unwrap(), 422, "unsound-batch"),
        ("one too large", vec![0; PUSH_BYTES_MAX + 1], 413, "too-large"),
        ("one whose batch would burst", Push { batch: bomb, ..sound.clone() }.encode().unwrap(), 413, "too-large"),
        ("one of another version", sealed(&sound, WIRE_VERSION + 1), 415, "unknown-version"),
        ("one whose batch is another's", other.encode().unwrap(), 422, "key-mismatch"),
        ("one from the future", ahead.encode().unwrap(), 425, "too-early"),
        ("one from before everything", ancient.encode().unwrap(), 422, "too-old"),
        ("one without a number", unnumbered.encode().unwrap(), 422, "no-seq"),
        ("the same key with other content", unlike.encode().unwrap(), 409, "key-conflict"),
    ]
}

/// Posts a body that ends before it should, and gives the first line of the answer.
fn post_half(world: &World, body: &[u8]) -> String {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, world.collector_port)).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let length = body.len();
    let head = "POST /api/v1/push HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/vnd.uphold.push";
    write!(stream, "{head}\r\ncontent-length: {length}\r\n\r\n").unwrap();
    stream.write_all(&body[..length / 2]).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.lines().next().unwrap_or_default().to_owned()
}

fn pushes(world: &World, result: &str) -> i64 {
    let count = world.collector_metric(&format!(r#"uphold_pushes_total{{result="{result}"}}"#));
    count.map_or(0, |count| format!("{count:.0}").parse().unwrap())
}

#[test]
fn a_push_that_is_refused_says_why_is_counted_and_changes_nothing() {
    let world = World::without_agent();
    let start = wall_ms();
    let first = push(&batch(1, &[(start, Outcome::Up), (start + 500, Outcome::Up)])).encode().unwrap();
    until("the first rows to be in the past", || (wall_ms() > start + 4_000).then_some(()));
    assert_eq!(post(&world, &first).code, 200);
    // Figures change with the next snapshot.
    let as_of = start + 3_500;
    let figures = || world.ask(&format!("/api/v1/services/shop/figures?as_of={as_of}"));
    // The two attempts speak from the first on, and the last of them until then.
    let spoken = |figures: &Value| figures["targets"]["shop-sla/availability"]["contractual"]["kinds"]["up"] == 3_500;
    let before = until("the attempts to be measured", || Some(figures()).filter(spoken));

    let half = post_half(&world, &push(&batch(2, &[(start + 2_000, Outcome::Down)])).encode().unwrap());
    assert!(half.is_empty() || half.contains(" 400 "), "a body that ends early is no push: {half}");
    let early = i64::from(!half.is_empty());
    let refusals = refusals(start);
    for (what, body, status, word) in &refusals {
        let answer = post(&world, body);
        assert_eq!((answer.code, *what), (*status, *what), "{}", answer.text());
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{what}");
        let problem: Value = answer.json().unwrap();
        assert_eq!(problem["type"], format!("urn:uphold:problem:{word}"), "{what}: {problem}");
        assert_eq!(problem["status"], *status, "{what}");
        assert!(problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{what}: {problem}");
        assert_eq!(figures(), before, "{what} changed the figures");
    }
    for (_, _, _, word) in &refusals {
        let same = refusals.iter().filter(|(_, _, _, other)| other == word).count();
        let times = i64::try_from(same).unwrap() + if *word == "unsound-push" { early } else { 0 };
        until(&format!("{times} {word} to be counted"), || (pushes(&world, word) == times).then_some(()));
    }
    assert_eq!(figures(), before, "nothing of it shows in a later snapshot either");
    assert_eq!(pushes(&world, "accepted"), 1);
    assert_eq!(post(&world, &first).code, 200, "what was taken is acknowledged again");
    until("the second delivery to be counted", || (pushes(&world, "duplicate") == 1).then_some(()));
    assert_eq!(figures(), before, "and counts once");
    assert_eq!(world.collector_metric("uphold_store_head_rows").map(|rows| format!("{rows:.0}")), Some("2".to_owned()));
}

#[test]
fn check_names_every_problem_of_a_catalogue_at_once() {
    let world = World::without_agent();
    let path = world.catalogue().display().to_string();
    let sound = run("uphold-collector", &["check", &path]);
    assert_eq!(sound.status.code(), Some(0), "{}", String::from_utf8_lossy(&sound.stderr));

    let broken = world
        .catalogue_text()
        .replace("customers: [retail]", "customers: [retial]")
        .replace("fall: 2", "fall: 0")
        .replace("99.999%", "199.999%")
        .replace("{ to: duty, late: true }", "{ to: dutty, late: true }")
        .replace("criticality: high", "criticality: enormous");
    let path = world.path("broken.yaml");
    fs::write(&path, broken).unwrap();
    let refused = run("uphold-collector", &["check", &path.display().to_string()]);
    let said = String::from_utf8_lossy(&refused.stdout).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    for wrong in ["retial", "\"0\"", "199.999", "dutty", "enormous"] {
        assert!(said.contains(wrong), "{wrong} is not named in\n{said}");
    }
    assert!(said.matches("broken.yaml:").count() >= 5, "each problem has its place:\n{said}");
}

#[test]
fn a_catalogue_that_would_change_the_past_is_refused_and_the_old_one_still_serves() {
    let mut world = World::without_agent();
    let before = world.catalogue_text();
    world.stop_collector();
    let changed = before.replace("fall: 2", "fall: 5").replace("99.999%", "99.9%");
    let changed = format!("effective_from: 2026-01-01T00:00:00Z\n{changed}");
    fs::write(world.catalogue(), changed).unwrap();
    let (catalogue, data) = (world.catalogue().display().to_string(), world.collector_data());
    let listen = format!("127.0.0.1:{}", world.collector_port);
    let refused = run("uphold-collector", &["serve", "--catalogue", &catalogue, "--data", &data, "--listen", &listen]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    for difference in ["fall of front was 2 and is now 5", "availability was 99.999% and is now 99.9%"] {
        assert!(said.contains(difference), "{difference} is not named in\n{said}");
    }
    fs::write(world.catalogue(), before).unwrap();
    world.start_collector();
    world.figures();
    assert!(world.collector.as_mut().unwrap().stop(DEADLINE).unwrap().success());
}
