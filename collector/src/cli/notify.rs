//! `notify`: what could not be delivered to receivers, and whether they can be told at all.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;
use uphold_common::ids::Id;
use uphold_manual::after_help;

use super::Format;
use super::ask::{answer, local_actor, print_json, running, understood};
use super::exit::{ASKED, DONE, Ended, UNAVAILABLE, UNAVAILABLE_MEANS, USAGE, WRONG};
use super::table::table;
use crate::api::deliveries::LetterList;
use crate::api::socket::Ask;
use crate::engine::command::CommandError;
use crate::notify::entry::Key;
use crate::notify::letters::{LetterCommand, LetterView};
use crate::notify::trial::TrialView;

const EXAMPLES: [&str; 3] = [
    "uphold-collector notify test duty",
    "uphold-collector notify dead-letters",
    "uphold-collector notify resend duty 17",
];
const TEST: [&str; 1] = ["uphold-collector notify test duty"];
const TESTED: [(u8, &str); 4] = [
    (DONE, "the receiver took the message"),
    (WRONG, "it did not, for a reason that was told, or there is no such receiver"),
    (USAGE, "the command line is not right"),
    (UNAVAILABLE, UNAVAILABLE_MEANS),
];
const DEAD_LETTERS: [&str; 2] =
    ["uphold-collector notify dead-letters", "uphold-collector notify dead-letters --format json"];
const RESEND: [&str; 1] = ["uphold-collector notify resend duty 17"];
const DROP: [&str; 1] = ["uphold-collector notify drop duty 17"];

/// What `notify` is told.
#[derive(Debug, Args)]
#[command(after_help = after_help::written(&EXAMPLES, &ASKED))]
pub(super) struct NotifyArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Send a test message to a receiver, by the very way that its messages go, and say what it answered.
    #[command(after_help = after_help::written(&TEST, &TESTED))]
    Test {
        /// The receiver, as the catalogue names it.
        receiver: Id,
        /// The data directory.
        #[arg(long, value_name = "DIR", default_value = "./uphold-data")]
        data: PathBuf,
    },
    /// List the messages that could not be delivered.
    #[command(after_help = after_help::written(&DEAD_LETTERS, &ASKED))]
    DeadLetters {
        /// The form.
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
        /// The data directory.
        #[arg(long, value_name = "DIR", default_value = "./uphold-data")]
        data: PathBuf,
    },
    /// Send a dead letter again, behind whatever its receiver is still to be told.
    #[command(after_help = after_help::written(&RESEND, &ASKED))]
    Resend(Letter),
    /// Let a dead letter go: it is kept no longer, and never sent.
    #[command(after_help = after_help::written(&DROP, &ASKED))]
    Drop(Letter),
}

/// Which letter.
#[derive(Debug, Args)]
struct Letter {
    /// Its receiver.
    receiver: Id,
    /// Its number, as the list shows it.
    number: u64,
    /// The data directory.
    #[arg(long, value_name = "DIR", default_value = "./uphold-data")]
    data: PathBuf,
}

pub(super) fn notify(args: &NotifyArgs) -> Result<(), Ended> {
    match &args.what {
        What::Test { receiver, data } => {
            let asked = running(data, &Ask::post(&format!("/api/v1/receivers/{receiver}/test"), &json!({})))?;
            let none = || Ended::new(UNAVAILABLE, format!("no collector runs on {}", data.display()));
            let TrialView { receiver, delivered, said } = understood(&asked.ok_or_else(none)?)?;
            if !delivered {
                return Err(Ended::new(WRONG, format!("{receiver} was not told: {said}")));
            }
            anstream::println!("{receiver} was told: {said}.");
            Ok(())
        }
        What::DeadLetters { format, data } => {
            let body = answer(data, &Ask::get("/api/v1/dead-letters"), |engine, _| {
                let list = LetterList { dead_letters: engine.letters() };
                serde_json::to_vec(&list).map_err(|error| Ended::new(UNAVAILABLE, error))
            })?;
            if *format == Format::Json {
                return print_json(&body);
            }
            let list: LetterList = understood(&body)?;
            let rows: Vec<_> = list.dead_letters.into_iter().map(row).collect();
            anstream::print!("{}", table(["RECEIVER", "NUMBER", "MESSAGE", "WHAT", "GIVEN UP", "WHY"], &rows));
            Ok(())
        }
        What::Resend(letter) => {
            let ask = Ask::post(&format!("{}/resend", path(letter)), &json!({}));
            change(letter, &ask, LetterCommand::Resend, "Waits to be sent again")
        }
        What::Drop(letter) => change(letter, &Ask::delete(&path(letter)), LetterCommand::Drop, "Let go"),
    }
}

fn path(letter: &Letter) -> String {
    format!("/api/v1/dead-letters/{}/{}", letter.receiver, letter.number)
}

fn change(letter: &Letter, ask: &Ask, what: fn(Key) -> LetterCommand, done: &str) -> Result<(), Ended> {
    let command = what(Key { receiver: letter.receiver.clone(), order: letter.number });
    answer(&letter.data, ask, |engine, now| {
        engine.letter_command(&command, &local_actor(), now).map(|_| Vec::new()).map_err(|error| {
            let code = if matches!(error, CommandError::Letter(_)) { WRONG } else { UNAVAILABLE };
            Ended::new(code, error)
        })
    })?;
    anstream::println!("{done}: letter {} to {}.", letter.number, letter.receiver);
    Ok(())
}

fn row(letter: LetterView) -> [String; 6] {
    let LetterView { receiver, number, message, kind, died_ms, reason, .. } = letter;
    [receiver.to_string(), number.to_string(), message, kind.as_str().to_owned(), died_ms.to_string(), reason]
}
