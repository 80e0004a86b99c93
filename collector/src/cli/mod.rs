//! The command line: what can be asked of `uphold-collector`, and with which exit code it ends.

mod ask;
mod check;
mod runtime;
mod serve;
mod up;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use url::Url;

/// What was asked was done, and nothing is wrong with it.
pub const DONE: u8 = 0;
/// What was looked at is not as it should be.
pub const WRONG: u8 = 1;
/// The command line, the configuration or the catalogue is not right.
pub const USAGE: u8 = 2;
/// The data directory, the port or the collector could not be had.
pub const UNAVAILABLE: u8 = 3;
/// The store died; a restart finds everything that was acknowledged.
pub const STORE_DIED: u8 = 4;

const EXIT_CODES: &str = "Exit codes:
  0  done
  1  what was looked at is not as it should be
  2  the command line, the configuration or the catalogue is not right
  3  the data directory, the port or the collector could not be had
  4  the store died while the collector ran; a restart finds everything that was acknowledged";

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
    #[command(after_help = "Examples:
  uphold-collector serve --config /etc/uphold/collector.yaml
  uphold-collector serve --catalogue catalogue.yaml --data ./uphold-data --listen 127.0.0.1:8080")]
    Serve(ServeArgs),
    /// Start at once, with a built-in agent and a first catalogue: this page, a port, this host's capacity.
    #[command(after_help = "Examples:
  uphold-collector up
  uphold-collector up --watch https://example.org/ --watch http://127.0.0.1:3000/health")]
    Up(UpArgs),
    /// Check a catalogue, and say everything that is wrong with it.
    #[command(after_help = "Example:
  uphold-collector check catalogue.yaml")]
    Check {
        /// The catalogue: a file, or a directory of .yaml files that are read as one.
        catalogue: PathBuf,
    },
    /// Report a service: its figures as text with bars, or as JSON.
    #[command(after_help = "Examples:
  uphold-collector report uphold
  uphold-collector report webshop --window month --at 2026-03-01T00:00:00Z --format json")]
    Report(ReportArgs),
    /// List the incidents.
    #[command(after_help = "Examples:
  uphold-collector incidents
  uphold-collector incidents --all --format json")]
    Incidents(IncidentsArgs),
}

/// What `serve` is told.
#[derive(Debug, Args)]
struct ServeArgs {
    /// The configuration file; flags override it.
    #[arg(long)]
    config: Option<PathBuf>,
    /// The catalogue: a file, or a directory of .yaml files that are read as one.
    #[arg(long)]
    catalogue: Option<PathBuf>,
    /// The data directory.
    #[arg(long)]
    data: Option<PathBuf>,
    /// Where the page, the API and the metrics are served [default: 127.0.0.1:8080].
    #[arg(long)]
    listen: Option<std::net::SocketAddr>,
}

/// What `up` is told.
#[derive(Debug, Args)]
struct UpArgs {
    /// Add a service that is available when this URL answers; may be given several times.
    #[arg(long, value_name = "URL")]
    watch: Vec<Url>,
    /// The data directory.
    #[arg(long, default_value = "./uphold-data")]
    data: PathBuf,
    /// The port on 127.0.0.1; when it is busy, the next ones are tried.
    #[arg(long, default_value_t = 8080)]
    port: u16,
}

/// In which form something is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// What `report` is told.
#[derive(Debug, Args)]
struct ReportArgs {
    /// The service.
    service: String,
    /// Over day, week, month, quarter, year, or a length such as 30d or 24h [default: each target's own window].
    #[arg(long)]
    window: Option<String>,
    /// The window that holds this instant [default: the one that holds now].
    #[arg(long, value_name = "INSTANT")]
    at: Option<String>,
    /// What the present is taken to be.
    #[arg(long, value_name = "INSTANT")]
    as_of: Option<String>,
    /// The form.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// The data directory.
    #[arg(long, default_value = "./uphold-data")]
    data: PathBuf,
}

/// What `incidents` is told.
#[derive(Debug, Args)]
struct IncidentsArgs {
    /// The newest resolved ones too.
    #[arg(long)]
    all: bool,
    /// The form.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// The data directory.
    #[arg(long, default_value = "./uphold-data")]
    data: PathBuf,
}

/// Why a command ended as it did: its exit code, and what is said on standard error.
#[derive(Debug)]
struct Ended {
    code: u8,
    message: String,
}

impl Ended {
    fn new(code: u8, message: impl std::fmt::Display) -> Self {
        let message = format!("{message}");
        Self { code, message }
    }
}

impl Cli {
    /// Does what was asked; gives the exit code.
    pub fn run(self) -> u8 {
        let done = match self.command {
            Command::Serve(args) => serve::serve(args),
            Command::Up(args) => up::up(&args),
            Command::Check { catalogue } => check::check(&catalogue),
            Command::Report(args) => ask::report(&args),
            Command::Incidents(args) => ask::list(&args),
        };
        match done {
            Ok(()) => DONE,
            Err(ended) => {
                if !ended.message.is_empty() {
                    anstream::eprintln!("uphold-collector: {}", ended.message);
                }
                ended.code
            }
        }
    }
}
