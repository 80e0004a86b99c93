//! The harness itself: what it starts answers, ends and leaves nothing behind.

use std::process::Command;
use std::time::Duration;

use serde_json::json;
use uphold_tests::process::child::{Process, program, system_program};
use uphold_tests::process::http;
use uphold_tests::process::inbox::Inbox;
use uphold_tests::process::nginx::Nginx;
use uphold_tests::process::wait::wait_until;

const SOON: Duration = Duration::from_secs(10);

#[test]
fn nginx_answers_stops_and_answers_again() {
    let mut server = Nginx::start("location = /broken { return 503; }").unwrap();
    let answer = http::get(server.port(), "/health").unwrap();
    assert_eq!((answer.code, answer.text().as_str()), (200, "ok\n"));
    assert_eq!(answer.header("Content-Type"), Some("text/plain"));
    assert_eq!(http::get(server.port(), "/broken").unwrap().code, 503);

    server.stop().unwrap();
    assert!(http::get(server.port(), "/health").is_err(), "stopped, it refuses connections");
    server.start_again().unwrap();
    assert_eq!(http::get(server.port(), "/health").unwrap().code, 200);

    let port = server.port();
    drop(server);
    assert!(http::get(port, "/health").is_err(), "dropped, it is gone");
}

#[test]
fn the_inbox_keeps_what_it_is_sent_whatever_its_content_type() {
    let mut inbox = Inbox::start().unwrap();
    assert!(inbox.payloads().unwrap().is_empty());
    let first = json!({ "type": "incident.opened", "data": { "title": "Web shop’s \"down\" \\ 100 %", "n": 1 } });
    let second = json!({ "type": "incident.resolved", "data": { "n": 2 } });
    let sent = [("application/cloudevents+json", &first), ("application/json", &second)];
    for (content_type, notice) in sent {
        let body = serde_json::to_vec_pretty(notice).unwrap();
        let answer = http::post(inbox.port(), "/hooks/inbox", content_type, &body).unwrap();
        assert_eq!(answer.code, 200, "{}", answer.text());
    }
    assert_eq!(inbox.wait_for(2, SOON).unwrap(), [first, second.clone()]);

    inbox.stop().unwrap();
    assert!(http::post(inbox.port(), "/hooks/inbox", "application/json", b"{}").is_err());
    inbox.start_again().unwrap();
    let body = serde_json::to_vec(&second).unwrap();
    http::post(inbox.port(), "/hooks/inbox", "application/json", &body).unwrap();
    assert_eq!(inbox.wait_for(3, SOON).unwrap().len(), 3, "what was received before is still there");
}

#[test]
fn a_process_is_heard_asked_to_end_and_killed() {
    let folder = tempfile::tempdir().unwrap();
    let script = "trap 'echo ending; exit 3' TERM; echo ready; while :; do sleep 0.05; done";
    let mut process = Process::start("polite", Command::new("sh").args(["-c", script]), folder.path()).unwrap();
    assert_eq!(process.wait_for_line(SOON, "read").unwrap(), "ready");
    assert!(process.runs());
    assert_eq!(process.stop(SOON).unwrap().code(), Some(3));
    assert!(process.output().contains("ending"));

    let mut stubborn = Process::start("stubborn", Command::new("sleep").arg("600"), folder.path()).unwrap();
    assert_eq!(stubborn.kill().unwrap().code(), None, "killed, not ended");
    let silent = Process::start("silent", &mut Command::new("true"), folder.path()).unwrap().wait_for_line(SOON, "x");
    assert!(silent.unwrap_err().to_string().contains("ended without"));
}

#[test]
fn a_dropped_process_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start("sleeper", Command::new("sleep").arg("600"), folder.path()).unwrap();
    let id = process.id().to_string();
    drop(process);
    let there = Command::new("kill").args(["-0", &id]).output().unwrap();
    assert!(!there.status.success());
}

#[test]
fn what_is_waited_for_in_vain_is_named() {
    let error = wait_until(Duration::from_millis(50), "the end of time", || false).unwrap_err();
    assert!(error.to_string().contains("for the end of time"), "{error}");
}

#[test]
fn what_is_not_there_says_how_to_get_it() {
    assert!(program("uphold-nothing").unwrap_err().to_string().ends_with("run bash tests/run"));
    assert!(system_program("uphold-nothing").unwrap_err().to_string().ends_with("run bash tests/run"));
    assert!(system_program("sh").is_ok());
}

/// What a benchmark prints when it is run in small, without the peer.
#[expect(clippy::unwrap_used, reason = "what cannot be started fails the test")]
fn benchmark(args: &[&str]) -> String {
    let collector = program("uphold-collector").unwrap().display().to_string();
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().display().to_string();
    let mut command = Command::new(program("bench").unwrap());
    command.args(args).args(["--without-peer", "--collector", &collector, "--folder", &place]);
    let output = command.output().unwrap();
    let (said, complaints) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{args:?}: {said}{complaints}");
    assert_eq!(folder.path().read_dir().unwrap().count(), 0, "{args:?} left something behind");
    said.into_owned()
}

#[test]
fn benchmarks_run_to_their_end_and_count_what_they_sent() {
    let load = ["--agents", "3", "--probes", "2", "--hours", "0.1", "--connections", "2"];
    let told = benchmark(&[&["ingest", "--measured"], load.as_slice()].concat());
    // Three agents push twelve times two attempts of six values, and forty gauges twice.
    assert!(told.contains("3312 values a run, 92 a push"), "{told}");
    assert!(told.lines().any(|line| line.starts_with("uphold, measured  ")), "{told}");
    let told = benchmark(&["query", "--days", "2", "--repeat", "1"]);
    assert!(told.contains("5760 attempts") && told.contains("ours, raw"), "{told}");
}
