//! The command line of the benchmarks.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::{Args, Parser, Subcommand};
use tempfile::TempDir;
use uphold_common::time::{DAY_MS, Instant};

use super::agent::Race;
use super::estate::{PUSH_MS, Shape};
use super::incidents::Told;
use crate::process::wait::wall_ms;

/// A day is merged once it has been over for an hour; a load that ends at a midnight longer ago than this can settle.
const REST_MS: i64 = 2 * 3_600_000;
const HOUR_MS: f64 = 3_600_000.0;

/// Drives the load of an estate against the collector and against VictoriaMetrics, and compares what they take.
#[derive(Debug, Parser)]
#[command(name = "bench", version)]
pub struct Cli {
    /// What to measure.
    #[command(subcommand)]
    pub command: Measurement,
}

/// What is measured.
#[derive(Debug, Subcommand)]
pub enum Measurement {
    /// What taking values in costs: processor time, speed, memory, disk
    Ingest(Turns),
    /// What a year of one probe costs to read
    Query(Year),
    /// What the figures of services cost to ask for
    Figures(Figures),
    /// What values take on disk, by kind
    Disk(Turns),
    /// What more streams and a longer history cost, and how long a start takes
    Scale(Steps),
    /// What an agent takes for its probes, beside the exporters of Prometheus
    Agent(Race),
    /// How long it takes until somebody is told of an outage, beside Prometheus and Alertmanager
    Incidents(Told),
}

/// Where the sides come from.
#[derive(Clone, Debug, Args)]
pub struct Sides {
    /// Only ours
    #[arg(long)]
    pub(super) without_peer: bool,
    /// A collector that is built already; else it is built now, as it is delivered
    #[arg(long, value_name = "FILE")]
    collector: Option<PathBuf>,
    /// Where servers keep their data, each in a folder that goes with the run; by default beside the built programs
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

/// How large the load is.
#[derive(Clone, Debug, Args)]
pub struct Load {
    /// Agents, each with 40 gauges that are read every 15 s
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=3_000))]
    agents: u32,
    /// Probes of each agent, attempted every 30 s
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    probes: u32,
    /// Hours that the load covers; 1 for scale, else 6
    #[arg(long, value_parser = hours)]
    hours: Option<f64>,
    /// Connections, each with one request at a time
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=200))]
    pub(super) connections: u16,
}

/// Runs of each side in turn.
#[derive(Clone, Debug, Args)]
pub struct Turns {
    #[command(flatten)]
    pub(super) load: Load,
    /// How many times each side has its turn
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(super) rounds: u32,
    /// Also a collector whose catalogue measures every probe of the load
    #[arg(long)]
    pub(super) measured: bool,
    #[command(flatten)]
    pub(super) sides: Sides,
}

/// A long history of one probe.
#[derive(Clone, Debug, Args)]
pub struct Year {
    /// Days of attempts, one every 30 s
    #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=3_650))]
    pub(super) days: u32,
    /// How many times each query is made at least, after the first
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(super) repeat: u32,
    #[command(flatten)]
    pub(super) sides: Sides,
}

/// Histories whose figures are asked for.
#[derive(Clone, Debug, Args)]
pub struct Figures {
    /// Services with one probe each, whose figures are asked for over a month
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=3_000))]
    pub(super) services: u32,
    /// Days of their attempts, one every 30 s
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=366))]
    pub(super) month_days: u32,
    /// Days of attempts of the one service whose whole history is asked for
    #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=3_650))]
    pub(super) year_days: u32,
    /// How many times each query is made at least, after the first
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(super) repeat: u32,
    #[command(flatten)]
    pub(super) sides: Sides,
}

/// Loads of several sizes.
#[derive(Clone, Debug, Args)]
pub struct Steps {
    #[command(flatten)]
    pub(super) load: Load,
    /// How many times as many streams as the load says
    #[arg(long, value_delimiter = ',', default_values_t = [1, 2, 5, 10], value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(super) streams: Vec<u32>,
    /// How many times the load is sent to one collector, each time after what it sent before
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(0..=1_000))]
    pub(super) history: u32,
    /// Measure every probe of the load
    #[arg(long)]
    pub(super) measured: bool,
    /// Where the plots are written
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    pub(super) plots: PathBuf,
    #[command(flatten)]
    pub(super) sides: Sides,
}

impl Load {
    /// How large the estate is.
    pub(super) fn shape(&self) -> Shape {
        Shape { agents: self.agents as usize, probes: self.probes as usize, gauges: true }
    }

    /// How many pushes each agent makes, unless its length is said otherwise.
    pub(super) fn pushes(&self, hours: f64) -> u64 {
        (self.hours.unwrap_or(hours) * HOUR_MS / PUSH_MS as f64).round().max(1.0) as u64
    }
}

impl Sides {
    /// The collector's program.
    pub(super) fn program(&self) -> io::Result<PathBuf> {
        match &self.collector {
            Some(program) => Ok(program.clone()),
            None => build("uphold-collector"),
        }
    }

    /// A folder for one run, which goes when it is dropped.
    pub(super) fn run_folder(&self) -> io::Result<TempDir> {
        match &self.folder {
            Some(folder) => tempfile::tempdir_in(folder),
            None => tempfile::tempdir_in(built()?),
        }
    }
}

/// The beginning of a load of this length, which ends at a midnight so long ago that its last day can be merged.
pub(super) fn start_of(pushes: u64) -> Instant {
    let midnight = (wall_ms() - REST_MS).div_euclid(DAY_MS) * DAY_MS;
    let length = PUSH_MS.saturating_mul(i64::try_from(pushes).unwrap_or(i64::MAX));
    Instant::from_ms(midnight).minus_ms(length)
}

fn hours(text: &str) -> Result<f64, String> {
    let hours: f64 = text.parse().map_err(|_| "expected a number of hours".to_owned())?;
    if hours > 0.0 && hours <= 10_000.0 { Ok(hours) } else { Err("expected more than 0 and at most 10000".to_owned()) }
}

/// The folder that has a folder of programs for each profile.
fn built() -> io::Result<PathBuf> {
    let here = std::env::current_exe()?;
    let found = here.ancestors().nth(2).map(Path::to_owned);
    found.ok_or_else(|| io::Error::other("this program lies in no folder of built programs"))
}

/// Builds a program, which is called as its package is, as it is delivered, so that what is measured is what the sources
/// say.
pub(super) fn build(package: &str) -> io::Result<PathBuf> {
    let target = built()?;
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--release", "--locked", "--package", package, "--bin", package]);
    cargo.arg("--target-dir").arg(&target).current_dir(env!("CARGO_MANIFEST_DIR"));
    if cargo.status()?.success() {
        Ok(target.join("release").join(package))
    } else {
        Err(io::Error::other(format!("{package} could not be built")))
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound_and_its_defaults_are_the_load_of_the_page() {
        Cli::command().debug_assert();
        let Measurement::Ingest(turns) = Cli::parse_from(["bench", "ingest"]).command else { panic!("another one") };
        let shape = turns.load.shape();
        assert_eq!((shape.values_per_push(), shape.values(turns.load.pushes(24.0))), (200, 115_200_000));
    }

    #[test]
    fn a_load_ends_at_a_midnight_that_is_over_for_long_enough() {
        let end = start_of(7).plus_ms(7 * PUSH_MS).as_ms();
        let ago = wall_ms() - end;
        assert!(end % DAY_MS == 0 && (REST_MS..=DAY_MS + REST_MS).contains(&ago), "{ago} ms ago");
    }
}
