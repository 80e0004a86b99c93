//! Measures what the collector takes for its work, beside VictoriaMetrics. `docs/benchmarks.md` says how to read it.
//!
//! ```text
//! cargo run --release -p uphold-tests --bin bench -- ingest [--hours 24] [--rounds 2] [--measured]
//! ```

use std::process::ExitCode;

use clap::Parser as _;
use uphold_tests::bench::{self, Cli};

fn main() -> ExitCode {
    match bench::run(&Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}
