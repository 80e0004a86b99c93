//! `uphold-collector`: the command line of the collector.

use std::process::ExitCode;

use clap::Parser as _;
use tracing::level_filters::LevelFilter;
use uphold_collector::cli::{Cli, LogLevel};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let level = match cli.log {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
    };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .init();
    ExitCode::from(cli.run())
}
