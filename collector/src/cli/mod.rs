//! The command line: what can be asked of `uphold-collector`. What a command is told stands in the command's own file.

mod ask;
mod check;
mod deeds;
mod exit;
mod incidents;
mod report;
mod runtime;
mod serve;
mod table;
mod token;
mod up;

use clap::{Parser, Subcommand, ValueEnum};

pub use exit::{CUT_SHORT, DONE, STORE_DIED, UNAVAILABLE, USAGE, WRONG};
use exit::{EXIT_CODES, Ended};

/// Keeps what agents saw, measures services against their targets, raises incidents, and shows everything.
#[derive(Debug, Parser)]
#[command(name = "uphold-collector", version, after_help = EXIT_CODES)]
pub struct Cli {
    /// How much the program says of itself on standard error.
    #[arg(long, global = true, value_enum, default_value = "info")]
    pub log: LogLevel,
    #[command(subcommand)]
    command: Command,
}

/// How much is logged.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum LogLevel {
    /// What keeps something from working.
    Error,
    /// And what may soon.
    Warn,
    /// And what happens.
    Info,
    /// And why.
    Debug,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve a catalogue: take in what agents push, measure, raise incidents.
    Serve(serve::ServeArgs),
    /// Start at once, with a built-in agent and a first catalogue: this page, a port, this host's capacity.
    Up(up::UpArgs),
    /// Check a catalogue, and say everything that is wrong with it.
    Check(check::CheckArgs),
    /// Report a service: its figures as text with bars, or as JSON.
    Report(report::ReportArgs),
    /// List the incidents, look at one, or do something about it.
    Incidents(incidents::IncidentsArgs),
    /// Give, list and revoke tokens: who may do what.
    Token(token::TokenArgs),
    /// List who did what.
    Deeds(deeds::DeedsArgs),
}

/// In which form something is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

impl Cli {
    /// Does what was asked; gives the exit code.
    pub fn run(self) -> u8 {
        let done = match self.command {
            Command::Serve(args) => serve::serve(args),
            Command::Up(args) => up::up(&args),
            Command::Check(args) => check::check(&args),
            Command::Report(args) => report::report(&args),
            Command::Incidents(args) => incidents::incidents(&args),
            Command::Token(args) => token::token(&args),
            Command::Deeds(args) => deeds::deeds(&args),
        };
        done.map_or_else(Ended::told, |()| DONE)
    }
}
