//! Programs that behave and that do not: shells of this machine, and what is left of them afterwards.

use std::path::Path;

use tokio::time::timeout;

use super::*;

/// Long enough for any machine; reached only by what hangs.
const LONG: Duration = Duration::from_secs(30);

fn shell(script: &str) -> Line {
    Line { program: "/bin/sh".to_owned(), arguments: vec!["-c".to_owned(), script.to_owned()] }
}

async fn ran(script: &str) -> Ended {
    timeout(LONG, run(&shell(script))).await.expect("it hangs").expect("it was not run")
}

async fn until(what: &str, condition: impl Fn() -> bool) {
    let waited = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(LONG, waited).await.unwrap_or_else(|_| panic!("{what}"));
}

/// Whether no process, also no zombie, has a number that was written to this file.
fn all_gone(numbers: &Path) -> bool {
    let written = std::fs::read_to_string(numbers).unwrap_or_default();
    written.split_whitespace().all(|number| !Path::new("/proc").join(number).exists())
}

#[tokio::test]
async fn a_program_is_run_as_it_is_and_with_a_fixed_environment() {
    let ended = ran("echo OK; exit 2").await;
    assert_eq!((ended.with, ended.output.as_slice(), ended.output_cut), (With::Code(2), &b"OK\n"[..], false));
    assert_eq!(ran("printf none").await.output, b"none");
    let environment = String::from_utf8(ran("env; cat; echo lost >&2; pwd").await.output).unwrap();
    assert!(environment.contains("PATH=/usr/sbin:/usr/bin:/sbin:/bin\n"), "{environment}");
    assert!(environment.contains("LC_ALL=C\n") && environment.ends_with("\n/\n"), "{environment}");
    assert!(!environment.contains("HOME=") && !environment.contains("lost"), "{environment}");
    assert_eq!(ran("kill -9 $$").await.with, With::Signal(9));
    let missing = Line { program: "/nonexistent/plugin".to_owned(), arguments: Vec::new() };
    let why = run(&missing).await.unwrap_err();
    assert!(why.starts_with("/nonexistent/plugin could not be started"), "{why}");
}

#[tokio::test]
async fn what_is_written_is_bounded() {
    let ended = ran("head -c 300000 /dev/zero; exit 1").await;
    assert_eq!((ended.with, ended.output.len(), ended.output_cut), (With::Code(1), KEPT_BYTES_MAX, true));
    let ended = ran("exec cat /dev/zero").await;
    assert_eq!((ended.with, ended.output.len()), (With::Signal(13), KEPT_BYTES_MAX), "its output was closed");
}

#[tokio::test]
async fn what_a_program_leaves_behind_is_ended_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let numbers = folder.path().join("numbers");
    let file = numbers.display();
    let fork = format!("(trap '' TERM; echo $$ >> {file}; while :; do sleep 1; done) & echo $! >> {file}; echo OK");
    let ended = ran(&fork).await;
    assert_eq!((ended.with, ended.output.as_slice()), (With::Code(0), &b"OK\n"[..]));
    until("a child that keeps the output open is left", || all_gone(&numbers)).await;
}

#[tokio::test]
async fn at_the_deadline_the_group_is_asked_to_end_and_then_killed() {
    let folder = tempfile::tempdir().unwrap();
    let (numbers, asked) = (folder.path().join("numbers"), folder.path().join("asked"));
    for stubborn in [false, true] {
        let (file, told) = (numbers.display(), asked.display());
        let trap = if stubborn { "trap '' TERM".to_owned() } else { format!("trap 'echo yes > {told}; exit' TERM") };
        let script =
            format!("(while :; do echo flood; done) & echo $! $$ > {file}; {trap}; while :; do sleep 0.05; done");
        let line = shell(&script);
        let started = async {
            tokio::select! {
                ended = run(&line) => panic!("it ended: {ended:?}"),
                () = until("it did not start", || numbers.exists()) => {}
            }
        };
        started.await;
        until("something of it is left", || all_gone(&numbers)).await;
        assert_eq!(asked.exists(), !stubborn, "one that listens is asked first");
        let _ = (std::fs::remove_file(&numbers), std::fs::remove_file(&asked));
    }
}
