//! The agent's program: reads its command line, does what was asked, and ends with a code that says how it went.

use std::io::{self, IsTerminal as _};
use std::process::ExitCode;

use std::time::Duration;

use clap::Parser as _;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::Level;
use uphold_agent::cli::{CUT_SHORT, Cli};
use uphold_agent::stop::{self, Stopper};

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
    let (stopper, mut stop) = stop::channel();
    tokio::select! {
        code = cli.execute(async move { stop.asked().await }) => code,
        () = told_twice(terminate, interrupt, stopper) => {
            tracing::warn!("told to end for the second time: the program ends at once");
            ExitCode::from(CUT_SHORT)
        }
    }
}

/// Asks for the end at the first signal, and returns at the second.
async fn told_twice(mut terminate: Signal, mut interrupt: Signal, stopper: Stopper) {
    for _ in 0..2 {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        stopper.stop();
    }
}
