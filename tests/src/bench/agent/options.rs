//! What `bench agent` is told.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::target::Scheme;
use crate::bench::options::{Sides, build};

/// What can be measured of an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Processor time of probes at the same rate
    Pace,
    /// The most probes a second on one core
    Most,
    /// Memory and processor time with few probes and the host's capacity
    Resident,
    /// How far what is measured is from what a server did
    Accuracy,
    /// Many probes on one agent
    Many,
}

/// An agent beside the exporters of Prometheus.
#[derive(Clone, Debug, Args)]
pub struct Race {
    /// Only these parts
    #[arg(long, value_delimiter = ',', value_enum)]
    parts: Vec<Part>,
    /// How many times each side has its turn, one after the other
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(super) pairs: u32,
    /// How long a run of the pace, of the most and of accuracy is measured, in seconds
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=3_600))]
    seconds: u32,
    /// Probes a second at which processor time is compared
    #[arg(long, value_delimiter = ',', default_values_t = [200, 400], value_parser = clap::value_parser!(u32).range(1..=5_000))]
    pub(super) rates: Vec<u32>,
    /// Seconds between two attempts of one probe, at those rates and for accuracy
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=60))]
    pub(super) interval: u32,
    /// How the page is asked for at those rates, and at the most
    #[arg(long, value_delimiter = ',', value_enum, default_values_t = [Scheme::Http, Scheme::Https])]
    pub(super) schemes: Vec<Scheme>,
    /// Attempts a second that are asked of an agent that is to make as many as it can; more than it can
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(100..=50_000))]
    pub(super) most: u32,
    /// How long few and many probes are watched, in seconds
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    watched: u32,
    /// Probes a second of accuracy
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=2_000))]
    pub(super) accuracy_rate: u32,
    /// After how many milliseconds the server of accuracy answers; an agent makes 32 attempts at once against one server
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(0..=1_000))]
    delay: u32,
    /// How many probes many are
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub(super) many: u32,
    /// An agent that is built already; else it is built now, as it is delivered
    #[arg(long, value_name = "FILE")]
    agent: Option<PathBuf>,
    #[command(flatten)]
    pub(super) sides: Sides,
}

impl Race {
    /// The parts that are measured: all of them unless some are said.
    pub(super) fn parts(&self) -> &[Part] {
        if self.parts.is_empty() { Part::value_variants() } else { &self.parts }
    }

    /// How long a run is measured.
    pub(super) fn length(&self) -> Duration {
        Duration::from_secs(u64::from(self.seconds))
    }

    /// How long few and many probes are watched.
    pub(super) fn watched(&self) -> Duration {
        Duration::from_secs(u64::from(self.watched))
    }

    /// After how long the server of accuracy answers.
    pub(super) fn delay(&self) -> Duration {
        Duration::from_millis(u64::from(self.delay))
    }

    /// The agent's program.
    pub(super) fn program(&self) -> io::Result<PathBuf> {
        match &self.agent {
            Some(program) => Ok(program.clone()),
            None => build("uphold-agent"),
        }
    }
}
