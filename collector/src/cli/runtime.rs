//! The asynchronous runtime of a command, and how it is told to stop.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::exit::{CUT_SHORT, Ended, UNAVAILABLE};

/// Runs `work` to its end.
pub(super) fn block_on<T>(work: impl Future<Output = Result<T, Ended>>) -> Result<T, Ended> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Ended::new(UNAVAILABLE, format!("no runtime: {error}")))?;
    runtime.block_on(work)
}

/// Becomes true at SIGTERM or SIGINT. The second one ends the program at once, as a loss of power would: what was
/// acknowledged is in the store.
pub(super) fn stop_signal() -> Result<watch::Receiver<bool>, Ended> {
    let no_signals = |error: std::io::Error| Ended::new(UNAVAILABLE, format!("no signals: {error}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(no_signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(no_signals)?;
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        for _ in 0..2 {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if sender.send_replace(true) {
                tracing::warn!("told to end for the second time: the program ends at once");
                std::process::exit(i32::from(CUT_SHORT));
            }
        }
    });
    Ok(receiver)
}
