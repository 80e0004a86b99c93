//! The command line: what can be asked, and how each answer becomes an exit code.
//!
//! Results go to standard output, everything else to standard error. Colours are off when the output is no terminal.

mod beat;
mod capacity;
mod check;
mod enrol;
mod figures;
mod help;
mod probe;
mod table;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, LazyLock};

use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};
use uphold_common::bytes::parse_size;
use uphold_common::ids::{Id, ProbeId};
use uphold_common::time::{Instant, parse_duration_ms};
use uphold_common::wire::WIRE_VERSION;
use uphold_manual::completions::CompletionsArgs;
use uphold_manual::pages::ManArgs;
use url::Url;

use crate::blackbox::Modules;
use crate::config::{Access, Config, LISTEN_DEFAULT, SpoolConfig};
use crate::config_file::FileConfig;
use crate::daemon::{self, RunError};
use crate::remote::AccessError;

/// Where data lies unless something else is said.
const DATA_DEFAULT: &str = "uphold-data/agent";

/// The exit code of a program that was told to end for the second time.
pub const CUT_SHORT: u8 = 5;

/// Observes services and their hosts, and delivers what it saw to a collector.
#[derive(Debug, Parser)]
#[command(name = "uphold-agent", version = version(), after_help = help::program())]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the agent until SIGTERM or SIGINT; a second one ends it at once
    #[command(after_help = help::run())]
    Run(RunArgs),
    /// Make one attempt now, and show what was seen
    #[command(after_help = help::probe())]
    Probe(ProbeArgs),
    /// Check that an agent started with these flags would work
    #[command(after_help = help::check())]
    Check(RunArgs),
    /// Read this host now, and show what it has and uses
    #[command(after_help = help::capacity())]
    Capacity(CapacityArgs),
    /// Write this host's configuration and token, once the collector was asked whether they work
    #[command(after_help = help::enrol())]
    Enrol(enrol::EnrolArgs),
    /// Report a job to the agent of this host, or run it and report how it went
    #[command(after_help = help::beat())]
    Beat(BeatArgs),
    /// Show a service's figures as the collector has them
    #[command(after_help = help::figures())]
    Figures(FiguresArgs),
    /// Print what a shell needs to complete these commands
    #[command(after_help = help::completions())]
    Completions(CompletionsArgs),
    /// Print the manual page, or write those of all commands
    #[command(after_help = help::man())]
    Man(ManArgs),
}

#[derive(Debug, Args)]
struct RunArgs {
    /// The configuration file; flags override it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The agent's name, as the catalogue writes it
    #[arg(long)]
    name: Option<Id>,
    /// A collector; several are tried in their order
    #[arg(long = "collector", value_name = "URL")]
    collectors: Vec<Url>,
    /// The directory of the spool [default: uphold-data/agent]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where /metrics, /healthz and /readyz are served [default: 127.0.0.1:9417]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// How much may wait for the collectors; beyond, the oldest goes [default: 256MiB]
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    spool_bytes: Option<u64>,
    #[command(flatten)]
    access: AccessArgs,
}

/// What collectors are shown, and how they are known.
#[derive(Debug, Default, Args)]
struct AccessArgs {
    /// The file whose first line is the token that collectors are shown
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// The roots of the collectors' certificates in PEM, in place of the system's
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Let the token go over plain http to other hosts, where everybody on the way can read it
    #[arg(long)]
    insecure: bool,
}

#[derive(Debug, Args)]
struct ProbeArgs {
    /// http://…, https://…, tcp://host:port, tls://host:port, grpc://host:port or grpcs://host:port
    #[arg(value_name = "URL", required_unless_present_any = ["check", "file"])]
    target: Option<String>,
    /// A check in place of a URL, in the catalogue's own words, such as '{ tcp: { address: "a.example:25" } }'
    #[arg(long, value_name = "YAML", conflicts_with_all = ["target", "file", "codes", "body_matches"])]
    check: Option<String>,
    /// The same out of a file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["target", "codes", "body_matches"])]
    file: Option<PathBuf>,
    /// The one deadline over all phases
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration_ms)]
    timeout: i64,
    /// Above this an answer is degraded
    #[arg(long, value_name = "DURATION", value_parser = duration_ms)]
    slow_after: Option<i64>,
    /// An expected code; several are possible [default: 200 to 299]
    #[arg(long = "code", value_name = "CODE")]
    codes: Vec<u16>,
    /// A regular expression that the body must match
    #[arg(long, value_name = "REGEX")]
    body_matches: Option<String>,
    /// How to show it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Args)]
struct CapacityArgs {
    /// The configuration file, for its links
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Over how long what flows is looked at
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = duration_ms)]
    over: i64,
    /// How to show it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Args)]
struct BeatArgs {
    /// The probe that listens for it, as the catalogue writes it
    #[arg(value_name = "SERVICE/PROBE", value_parser = probe_id)]
    name: ProbeId,
    /// What is reported of a job that is not run here
    #[arg(long, value_enum, default_value_t = Says::Up, conflicts_with = "command")]
    says: Says,
    /// The agent's configuration file, for its address
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The agent's address [default: 127.0.0.1:9417]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// The job: it is run, and its exit code is reported
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// What a job says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Says {
    /// It begins
    Start,
    /// It did well
    Up,
    /// It did, but not well
    Degraded,
    /// It failed
    Fail,
}

#[derive(Debug, Args)]
struct FiguresArgs {
    /// The service, as the catalogue writes it
    service: Id,
    /// Measure as if it were this instant: RFC 3339, or milliseconds since 1970
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    as_of: Option<Instant>,
    /// The collector
    #[arg(long, value_name = "URL")]
    collector: Url,
    #[command(flatten)]
    access: AccessArgs,
    /// How to show it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}

/// What the program ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exit {
    Fine = 0,
    Failed = 1,
    Usage = 2,
    Unknown = 3,
    // 4 is the collector's, for a store that died.
    CutShort = CUT_SHORT as isize,
}

impl Cli {
    /// Does what was asked; the agent itself runs until `shutdown` and then ends in order, everything else ends there.
    pub async fn execute(self, shutdown: impl Future<Output = ()>) -> ExitCode {
        let exit = match self.command {
            Command::Run(args) => run(args, shutdown).await,
            Command::Probe(args) => unless(shutdown, probe::run(args)).await,
            Command::Check(args) => unless(shutdown, check(args)).await,
            Command::Capacity(args) => unless(shutdown, capacity::run(args)).await,
            Command::Enrol(args) => unless(shutdown, enrol::run(args)).await,
            Command::Beat(args) => return ExitCode::from(beat::run(args, shutdown).await),
            Command::Figures(args) => unless(shutdown, figures::run(args)).await,
            Command::Completions(args) => printed(args.print(Self::command())),
            Command::Man(args) => printed(args.print(Self::command())),
        };
        ExitCode::from(exit as u8)
    }
}

impl RunArgs {
    /// The flags over the file over the defaults; why there is no configuration is said on standard error.
    fn config(self) -> Result<Config, Exit> {
        let file = self.config.as_deref().map(FileConfig::read).transpose();
        let file = file.map_err(|error| usage(&error))?.unwrap_or_default();
        let name = self.name.or(file.name);
        let name = name.ok_or_else(|| usage(&"no name: give one with --name or in --config"))?;
        let modules = file.modules_file.as_deref().map(Modules::read).transpose().map_err(|error| usage(&error))?;
        let spool_bytes = self.spool_bytes.unwrap_or(file.spool.bytes_max);
        Ok(Config {
            name,
            collectors: if self.collectors.is_empty() { file.collectors } else { self.collectors },
            data_dir: self.data.or(file.data_dir).unwrap_or_else(|| PathBuf::from(DATA_DEFAULT)),
            listen: Some(self.listen.or(file.listen).unwrap_or(LISTEN_DEFAULT)),
            spool: SpoolConfig { bytes_max: spool_bytes, ..file.spool },
            access: self.access.over(file.access),
            accept: file.accept,
            links: file.links,
            modules: modules.map(Arc::new),
        })
    }
}

impl AccessArgs {
    /// The flags over the file.
    fn over(self, file: Access) -> Access {
        Access {
            token_file: self.token_file.or(file.token_file),
            ca_file: self.ca_file.or(file.ca_file),
            insecure: self.insecure || file.insecure,
        }
    }
}

async fn run(args: RunArgs, shutdown: impl Future<Output = ()>) -> Exit {
    let config = match args.config() {
        Ok(config) => config,
        Err(exit) => return exit,
    };
    match daemon::run(config, shutdown).await {
        Ok(()) => Exit::Fine,
        Err(RunError::Config(problems)) => {
            for problem in &problems {
                complain(problem);
            }
            Exit::Usage
        }
        Err(error @ RunError::Access(AccessError::Token(_) | AccessError::Ca(_))) => usage(&error),
        Err(error) => {
            complain(&error.to_string());
            Exit::Failed
        }
    }
}

fn printed(printed: std::io::Result<()>) -> Exit {
    match printed {
        Ok(()) => Exit::Fine,
        Err(error) => {
            complain(&format!("could not write: {error}"));
            Exit::Failed
        }
    }
}

/// The version of the program, and of what agents and collectors say to each other.
fn version() -> &'static str {
    static VERSION: LazyLock<String> =
        LazyLock::new(|| format!("{} (wire version {WIRE_VERSION})", env!("CARGO_PKG_VERSION")));
    &VERSION
}

async fn check(args: RunArgs) -> Exit {
    match args.config() {
        Ok(config) => check::run(config).await,
        Err(exit) => exit,
    }
}

/// What `answer` comes to, unless the program is told to end before.
async fn unless(shutdown: impl Future<Output = ()>, answer: impl Future<Output = Exit>) -> Exit {
    tokio::select! {
        exit = answer => exit,
        () = shutdown => Exit::CutShort,
    }
}

fn usage(problem: &dyn std::fmt::Display) -> Exit {
    for line in problem.to_string().lines() {
        complain(line);
    }
    Exit::Usage
}

/// Says on standard error what is wrong. That nobody listens there is no reason to fail otherwise.
fn complain(problem: &str) {
    use std::io::Write as _;
    let visible: String = problem.chars().map(|c| if c.is_control() { '·' } else { c }).collect();
    let _ = writeln!(anstream::stderr(), "uphold-agent: {visible}");
}

fn probe_id(text: &str) -> Result<ProbeId, &'static str> {
    let expected = "a service and its probe are expected, such as shop/backup";
    let (service, probe) = text.split_once('/').ok_or(expected)?;
    Ok(ProbeId::new(Id::new(service).map_err(|_| expected)?, Id::new(probe).map_err(|_| expected)?))
}

fn duration_ms(text: &str) -> Result<i64, &'static str> {
    let expected = "a duration from 1ms to 1h is expected, such as 800ms or 10s";
    parse_duration_ms(text).filter(|ms| (1..=3_600_000).contains(ms)).ok_or(expected)
}

fn bytes(text: &str) -> Result<u64, &'static str> {
    parse_size(text).ok_or("a size is expected, such as 256MiB or 2GiB")
}

fn instant(text: &str) -> Result<Instant, &'static str> {
    Instant::parse(text).ok_or("an instant is expected, such as 2026-03-01T00:00:00+01:00")
}

#[cfg(test)]
#[path = "cli_tests.rs"]
mod tests;
