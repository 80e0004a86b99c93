//! What people see on a terminal, and what a program reads in its place: the same, without colours.

use std::process::Command;

use uphold_tests::process::child::{program, system_program};

use super::{folder, run, text};

/// The same command line under a terminal of its own.
fn on_a_terminal(line: &str) -> String {
    let (name, arguments) = line.split_once(' ').unwrap();
    let line = format!("'{}' {arguments}", program(name).unwrap().display());
    let mut script = Command::new(system_program("script").unwrap());
    let script = script.args(["--quiet", "--return", "--command", &line, "/dev/null"]).current_dir(folder());
    // The terminal is a plain one, whatever the one is in which the tests run.
    let shown = script.env("TERM", "xterm").env("SHELL", "/bin/sh").env_remove("NO_COLOR").env_remove("CLICOLOR");
    text(&shown.output().unwrap().stdout).replace("\r\n", "\n")
}

/// Text without the sequences that set colours.
fn plain(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |text, part| text + part.split_once('m').unwrap().1)
}

#[test]
fn colours_are_on_the_terminal_and_nowhere_else() {
    for line in [
        "uphold-collector check ten-mistakes.yaml",
        "uphold-collector check ../../config/catalogue.yaml",
        "uphold-agent probe tcp://255.255.255.255:9",
        "uphold-agent check --name a --collector http://127.0.0.1:1 --data /proc/nowhere --listen 127.0.0.1:0",
    ] {
        let piped = text(&run(line).stdout);
        assert!(!piped.contains('\u{1b}'), "{line}\n{piped}");
        let shown = on_a_terminal(line);
        assert!(shown.contains("\u{1b}["), "{line}\n{shown}");
        let digits = |text: &str| text.replace(|c: char| c.is_ascii_digit(), "").replace(' ', "");
        // Times and ports differ from run to run, and with them the spaces before numbers.
        assert_eq!(digits(&plain(&shown)), digits(&piped), "{line}");
    }
}

#[test]
fn help_has_headings_on_a_terminal() {
    for line in ["uphold-collector check --help", "uphold-agent run --help"] {
        let piped = text(&run(line).stdout);
        assert!(!piped.contains('\u{1b}') && piped.contains("\nExit codes:\n"), "{line}\n{piped}");
        let shown = on_a_terminal(line);
        assert!(shown.contains("\u{1b}[4mExamples:\u{1b}[0m"), "{line}\n{shown}");
    }
}

#[test]
fn tables_are_aligned() {
    let shown = text(&run("uphold-agent probe tcp://255.255.255.255:9").stdout);
    let ends: Vec<Option<usize>> = shown
        .lines()
        .take(3)
        .map(|line| line.find("  ").map(|gap| gap + line[gap..].len() - line[gap..].trim_start().len()))
        .collect();
    assert!(ends.windows(2).all(|pair| pair[0] == pair[1] && pair[0].is_some()), "{shown}");
}
