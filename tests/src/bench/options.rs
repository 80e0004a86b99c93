//! The command line of the benchmarks.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::{Args, Parser, Subcommand};
use tempfile::TempDir;
use uphold_common::time::{DAY_MS, Instant};

use super::estate::{PUSH_MS, Shape};
use crate::process::wait::wall_ms;

/// A day is merged once it has been over for an hour; a load that ends at a midnight longer ago than this can settle.
const REST_MS: i64 = 2 * 3_600_000;
const HOUR_MS: f64 = 3_600_000.0;

/// Drives the load of a real estate against the collector and against VictoriaMetrics, and compares what they take.
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
    /// Processor time, memory, speed and disk of taking values in
    Ingest(Common),
}

/// What every measurement is told.
#[derive(Clone, Debug, Args)]
pub struct Common {
    /// Agents, each with 40 gauges
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    agents: u32,
    /// Probes of each agent, every 30 s
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    probes: u32,
    /// Hours of load
    #[arg(long, default_value_t = 6.0)]
    hours: f64,
    /// Connections, each with one request at a time
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1_024))]
    pub(super) connections: u16,
    /// How many times each side has its turn
    #[arg(long, default_value_t = 1)]
    pub(super) rounds: u32,
    /// Also a collector whose catalogue measures every probe of the load
    #[arg(long)]
    pub(super) measured: bool,
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

impl Common {
    /// How large the estate is.
    pub(super) fn shape(&self) -> Shape {
        Shape { agents: self.agents as usize, probes: self.probes as usize, gauges: true }
    }

    /// How many pushes each agent makes.
    pub(super) fn pushes(&self) -> u64 {
        (self.hours * HOUR_MS / PUSH_MS as f64).round().max(1.0) as u64
    }

    /// The collector's program.
    pub(super) fn program(&self) -> io::Result<PathBuf> {
        match &self.collector {
            Some(program) => Ok(program.clone()),
            None => build(),
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

/// The folder that has a folder of programs for each profile.
fn built() -> io::Result<PathBuf> {
    let here = std::env::current_exe()?;
    let found = here.ancestors().nth(2).map(Path::to_owned);
    found.ok_or_else(|| io::Error::other("this program lies in no folder of built programs"))
}

/// Builds the collector as it is delivered, so that what is measured is what the sources say.
fn build() -> io::Result<PathBuf> {
    let target = built()?;
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--release", "--locked", "--package", "uphold-collector", "--bin", "uphold-collector"]);
    cargo.arg("--target-dir").arg(&target).current_dir(env!("CARGO_MANIFEST_DIR"));
    if cargo.status()?.success() {
        Ok(target.join("release").join("uphold-collector"))
    } else {
        Err(io::Error::other("the collector could not be built"))
    }
}
