//! The agent's program: reads its command line, does what was asked, and ends with a code that says how it went.

use std::io::{self, IsTerminal as _};
use std::process::ExitCode;

use std::time::Duration;

use clap::Parser as _;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::Level;
use uphold_agent::cli::Cli;

/// How long a name that is still being looked up may keep the program from ending.
const LAST_MOMENT: Duration = Duration::from_millis(200);

fn main() -> ExitCode {
    let cli = Cli::parse();
    tracing_subscriber::fmt()
        .with_max_level(Level::INFO)
        .with_ansi(io::stderr().is_terminal())
        .with_target(false)
        .with_writer(io::stderr)
        .init();
    uphold_agent::tls::install_provider();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "the program could not start");
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(execute(cli));
    runtime.shutdown_timeout(LAST_MOMENT);
    code
}

async fn execute(cli: Cli) -> ExitCode {
    let (terminate, interrupt) = match (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) {
        (Ok(terminate), Ok(interrupt)) => (terminate, interrupt),
        (Err(error), _) | (_, Err(error)) => {
            tracing::error!(%error, "signals cannot be heard");
            return ExitCode::FAILURE;
        }
    };
    cli.execute(asked_to_end(terminate, interrupt)).await
}

async fn asked_to_end(mut terminate: Signal, mut interrupt: Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("asked to end: attempts finish, and what was seen is delivered or kept");
}
