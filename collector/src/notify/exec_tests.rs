//! Programs that take the event, refuse it, take too long, leave something behind.

use std::path::Path;
use std::sync::Arc;

use uphold_common::catalogue::model::Channel;

use super::*;
use crate::incident::model::Number;
use crate::notify::entry::Key;
use crate::notify::message::Kind;
use crate::notify::testing::{at, id};
use crate::notify::verdict::{Outcome, judge};

fn shell(script: &str, timeout_ms: i64) -> Exec {
    let arguments = vec!["-c".to_owned(), script.to_owned()];
    Exec { program: "/bin/sh".to_owned(), arguments, timeout_ms }
}

async fn run(exec: Exec, body: String) -> Attempt {
    let delivery = Delivery {
        key: Key { receiver: id("pager"), order: 1 },
        channel: Arc::new(Channel::Exec(exec.clone())),
        id: "x-INC-7.2".to_owned(),
        incident: Some(Number(7)),
        kind: Kind::Opened,
        body,
        attempt: 3,
        repeated: false,
        at: at(0),
        kept: None,
    };
    deliver(&exec, &delivery).await
}

fn code(code: i32, said: &str) -> Attempt {
    Attempt::Ended { end: ProgramEnd::Code(code), said: said.to_owned() }
}

/// Whether a process of this number is there and no zombie.
fn runs(pid: &str) -> bool {
    let stat = std::fs::read_to_string(Path::new("/proc").join(pid.trim()).join("stat"));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}

#[tokio::test]
async fn it_is_given_the_event_and_nothing_of_our_environment() {
    let folder = tempfile::tempdir().unwrap();
    let (seen, environment) = (folder.path().join("seen"), folder.path().join("environment"));
    let script = format!("cat >{}; env >{}", seen.display(), environment.display());
    let body = "{\"n\":1}".repeat(50_000);
    assert_eq!(run(shell(&script, 10_000), body.clone()).await, code(0, ""));
    assert_eq!(std::fs::read_to_string(seen).unwrap(), body);
    let environment = std::fs::read_to_string(environment).unwrap();
    let mut names: Vec<&str> =
        environment.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
    names.retain(|name| !matches!(*name, "PWD" | "_" | "SHLVL" | "OLDPWD"));
    names.sort_unstable();
    let expected =
        ["LC_ALL", "PATH", "UPHOLD_ATTEMPT", "UPHOLD_ID", "UPHOLD_INCIDENT", "UPHOLD_RECEIVER", "UPHOLD_TYPE"];
    assert_eq!(names, expected);
    assert!(environment.contains("UPHOLD_INCIDENT=INC-7\nUPHOLD") || environment.contains("UPHOLD_INCIDENT=INC-7"));
}

#[tokio::test]
async fn what_it_ends_with_is_told_whether_it_read_the_event_or_not() {
    let large = "x".repeat(1_000_000);
    for (script, expected) in [
        ("exit 0", code(0, "")),
        ("exit 75", code(75, "")),
        ("printf 'no such\\n\\033[31mqueue' >&2; exit 3", code(3, "no such [31mqueue")),
        ("kill -9 $$", Attempt::Ended { end: ProgramEnd::Signal(9), said: String::new() }),
        ("yes | head -c 3000000 >&2; exit 4", code(4, "y ".repeat(500).trim_end())),
    ] {
        assert_eq!(run(shell(script, 20_000), large.clone()).await, expected, "{script}");
    }
    let absent = Exec { program: "/nowhere/page".to_owned(), arguments: Vec::new(), timeout_ms: 1_000 };
    let Attempt::Unanswered { error } = run(absent, String::new()).await else { panic!("it ran") };
    assert!(error.starts_with("/nowhere/page could not be run: "), "{error}");
}

#[tokio::test]
async fn at_its_deadline_and_after_its_end_nothing_of_it_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let script = format!("sleep 1000 & echo $! >{}; wait", file.display());
    let ended = run(shell(&script, 1_000), String::new()).await;
    assert_eq!(ended, Attempt::Ended { end: ProgramEnd::Deadline, said: String::new() });
    let pid = std::fs::read_to_string(&file).unwrap();
    let gone = || async {
        for _ in 0..500 {
            if !runs(&pid) {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        false
    };
    assert!(gone().await, "its child outlived the deadline");
    // A child that keeps the complaints open does not hold up the end of its parent.
    let script = format!("sleep 1000 & echo $! >{}; exit 0", file.display());
    assert_eq!(run(shell(&script, 20_000), String::new()).await, code(0, ""));
    let pid = std::fs::read_to_string(&file).unwrap();
    for _ in 0..500 {
        if !runs(&pid) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("its child outlived it");
}

#[tokio::test]
async fn a_program_in_trouble_loses_no_event_and_is_not_given_it_for_ever() {
    #[derive(Debug, PartialEq, Eq)]
    enum Became {
        Delivered,
        Again,
        DeadLetter,
    }
    use Became::{Again, DeadLetter, Delivered};
    let folder = tempfile::tempdir().unwrap();
    let plain = folder.path().join("plain");
    std::fs::write(&plain, "no program").unwrap();
    let program = |path: &Path| Exec { program: path.display().to_string(), arguments: Vec::new(), timeout_ms: 5_000 };
    let table = [
        (shell("cat >/dev/null", 9_000), Delivered, ""),
        (shell("exec 0<&-; exit 0", 9_000), Delivered, ""),
        (shell("yes | head -c 9000000; exit 0", 9_000), Delivered, ""),
        (shell("exit 1", 9_000), DeadLetter, "the program ended with 1"),
        (shell("echo no queue >&2; exit 64", 9_000), DeadLetter, "the program ended with 64: no queue"),
        (shell("exit 75", 9_000), Again, "the program ended with 75"),
        (shell("kill -TERM $$", 9_000), Again, "the program was ended by signal 15"),
        (shell("sleep 1000", 1_000), Again, "the program took too long, and was ended"),
        (shell("trap '' TERM; while :; do :; done", 1_000), Again, "the program took too long, and was ended"),
        (shell("yes >&2", 1_000), Again, "the program took too long, and was ended"),
        (shell("yes", 1_000), Again, "the program took too long, and was ended"),
        (program(Path::new("/nowhere/page")), Again, "/nowhere/page could not be run: "),
        (program(folder.path()), Again, " could not be run: "),
        (program(&plain), Again, " could not be run: "),
    ];
    for (exec, expected, why) in table {
        let shown = format!("{exec:?}");
        let outcome = judge(&run(exec, "{}".repeat(200_000)).await, at(0));
        let (found, error) = match outcome {
            Outcome::Delivered => (Delivered, String::new()),
            Outcome::Failed { retryable: true, error, .. } => (Again, error),
            Outcome::Failed { error, .. } => (DeadLetter, error),
        };
        assert_eq!(found, expected, "{shown}: {error}");
        assert!(if why.ends_with(' ') { error.contains(why) } else { error == why }, "{shown}: {error}");
    }
}
