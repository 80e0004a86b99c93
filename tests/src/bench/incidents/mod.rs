//! `bench incidents`: from the stop of a service to the receiver that is told, beside Debian's `blackbox_exporter`,
//! Prometheus and Alertmanager in the same run; and a storm of services over one that is stopped.
//!
//! | file | what it is for |
//! |---|---|
//! | `ours`, `peer` | the two sides |
//! | `outages` | services that stop at random moments |
//! | `storm` | one service that stops, and all that is built on it |

mod ours;
mod outages;
mod peer;
mod storm;

use std::io;
use std::path::PathBuf;

use clap::Args;

use super::options::{Sides, build};
use ours::Programs;

/// How often each service is probed, by either side.
const EVERY_S: u32 = 5;

/// How long it takes until somebody is told.
#[derive(Clone, Debug, Args)]
pub struct Told {
    /// Services that stop, one after the other, each at a random moment
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(0..=200))]
    outages: u32,
    /// Services that are built on one that stops
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(0..=20_000))]
    storm: u32,
    /// An agent that is built already; else it is built now, as it is delivered
    #[arg(long, value_name = "FILE")]
    agent: Option<PathBuf>,
    #[command(flatten)]
    sides: Sides,
}

/// Measures both parts, and prints their tables.
pub(super) fn run(options: &Told) -> io::Result<()> {
    let agent = options.agent.clone().map_or_else(|| build("uphold-agent"), Ok)?;
    let programs = Programs { collector: options.sides.program()?, agent };
    if options.outages > 0 {
        outages::run(options, &programs)?;
    }
    if options.storm > 0 {
        storm::run(options, &programs)?;
    }
    Ok(())
}
