//! The command line: what can be asked of `uphold-collector`. What a command is told stands in the command's own file.

mod ask;
mod catalogue;
mod check;
mod compact;
mod deeds;
mod exclusion;
mod exit;
mod explain;
mod export;
mod facts;
mod governed;
mod import;
mod incidents;
mod maintenance;
mod notify;
mod over;
mod printed;
mod problems;
mod progress;
mod record;
mod report;
mod revisions;
mod runtime;
mod schema;
mod serve;
mod table;
mod token;
mod up;
mod verify;

use std::sync::LazyLock;

use clap::{CommandFactory as _, Parser, Subcommand, ValueEnum};
use uphold_common::wire::WIRE_VERSION;
use uphold_manual::after_help;
use uphold_manual::completions::CompletionsArgs;
use uphold_manual::pages::ManArgs;

pub use exit::{CUT_SHORT, DONE, STORE_DIED, UNAVAILABLE, USAGE, WRONG};
use exit::{EXIT_CODES, Ended, PRINTED};

const EXAMPLES: [&str; 4] = [
    "uphold-collector up",
    "uphold-collector check catalogue.yaml",
    "uphold-collector serve --catalogue catalogue.yaml --data ./uphold-data",
    "uphold-collector report webshop",
];

/// Keeps what agents saw, measures services against their targets, raises incidents, and shows everything.
#[derive(Debug, Parser)]
#[command(name = "uphold-collector", version = version(), after_help = after_help::written(&EXAMPLES, &EXIT_CODES))]
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
    /// List the versions of the catalogue, or change the past with an approval.
    Catalogue(catalogue::CatalogueArgs),
    /// Report a service: its figures as text with bars, or as JSON.
    Report(report::ReportArgs),
    /// Explain a figure: what it is made of, down to the observation.
    Explain(explain::ExplainArgs),
    /// List the revisions of a service's closed windows: what changed after a window had settled, and why.
    Revisions(revisions::RevisionsArgs),
    /// List what an agent told of its own measuring: when it began and ended, what it lost, how far its clock was off.
    Facts(facts::FactsArgs),
    /// List the incidents, look at one, or do something about it.
    Incidents(incidents::IncidentsArgs),
    /// List the problems behind incidents, look at one, do something about it, or say what costs most.
    Problems(problems::ProblemsArgs),
    /// Try whether a receiver can be told, and look at what could not be delivered.
    Notify(notify::NotifyArgs),
    /// Put planned maintenance on record, list it, or revoke it.
    Maintenance(maintenance::MaintenanceArgs),
    /// Put on record what does not count, list it, or revoke it.
    Exclusion(exclusion::ExclusionArgs),
    /// Put reviews, exercises, deployments, improvements and complaints on record.
    Record(record::RecordArgs),
    /// Give, list and revoke tokens: who may do what.
    Token(token::TokenArgs),
    /// List who did what.
    Deeds(deeds::DeedsArgs),
    /// Seal and merge everything that waits in the store, so that it takes the least room.
    Compact(compact::CompactArgs),
    /// Import history: lines of JSON, one observation a line, in any order.
    Import(import::ImportArgs),
    /// Export history as lines of JSON, sorted.
    Export(export::ExportArgs),
    /// Read the whole store and say whether it is sound.
    Verify(verify::VerifyArgs),
    /// Print the JSON Schema of the catalogue, with which editors complete and check it.
    Schema(schema::SchemaArgs),
    /// Print what a shell needs to complete these commands.
    #[command(after_help = after_help::written(&printed::COMPLETIONS_EXAMPLES, &PRINTED))]
    Completions(CompletionsArgs),
    /// Print the manual page, or write those of all commands.
    #[command(after_help = after_help::written(&printed::MAN_EXAMPLES, &PRINTED))]
    Man(ManArgs),
}

/// In which form something is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// The version of the program, and of what agents and collectors say to each other.
fn version() -> &'static str {
    static VERSION: LazyLock<String> =
        LazyLock::new(|| format!("{} (wire version {WIRE_VERSION})", env!("CARGO_PKG_VERSION")));
    &VERSION
}

impl Cli {
    /// Does what was asked; gives the exit code.
    pub fn run(self) -> u8 {
        let done = match self.command {
            Command::Serve(args) => serve::serve(args),
            Command::Up(args) => up::up(&args),
            Command::Check(args) => check::check(&args),
            Command::Catalogue(args) => catalogue::catalogue(args),
            Command::Report(args) => report::report(&args),
            Command::Explain(args) => explain::explain(&args),
            Command::Revisions(args) => revisions::revisions(&args),
            Command::Facts(args) => facts::facts(&args),
            Command::Incidents(args) => incidents::incidents(&args),
            Command::Problems(args) => problems::problems(args),
            Command::Notify(args) => notify::notify(&args),
            Command::Maintenance(args) => maintenance::maintenance(args),
            Command::Exclusion(args) => exclusion::exclusion(args),
            Command::Record(args) => record::record(args),
            Command::Token(args) => token::token(&args),
            Command::Deeds(args) => deeds::deeds(&args),
            Command::Compact(args) => compact::compact(&args),
            Command::Import(args) => import::import(&args),
            Command::Export(args) => export::export(&args),
            Command::Verify(args) => verify::verify(&args),
            Command::Schema(args) => schema::print(&args),
            Command::Completions(args) => printed::ended(args.print(Self::command())),
            Command::Man(args) => printed::ended(args.print(Self::command())),
        };
        done.map_or_else(Ended::told, |()| DONE)
    }
}
