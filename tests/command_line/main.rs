//! The command lines of both programs as people and shells meet them: real processes, their output, their exit codes.
//!
//! | file | what it holds |
//! |---|---|
//! | `mistakes` | `check`: ten mistakes told in one run, against a text that a person can read |
//! | `ends` | the exit codes |
//! | `terminal` | colour on a terminal, none where a program reads |
//! | `shells` | completions in bash, manual pages under mandoc |

#![expect(clippy::unwrap_used, reason = "a step that fails fails the test")]

mod ends;
mod mistakes;
mod shells;
mod terminal;

use std::path::PathBuf;
use std::process::{Command, Output};

use uphold_tests::process::child::program;

/// The folder of the texts.
fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("command_line")
}

/// Runs a command line of one of the programs to its end, in the folder of the texts.
fn run(line: &str) -> Output {
    let (name, arguments) = line.split_once(' ').unwrap();
    let mut command = Command::new(program(name).unwrap());
    command.args(arguments.split(' ')).current_dir(folder()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}
