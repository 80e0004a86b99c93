//! What this host has and uses: processors, memory, file systems, disks, network, and what of it is short.
//!
//! A [`Host`] reads the system and blocks while it does, never for long; a [`Snapshot`] turns what was read into rows and is
//! pure. What is counted since the start is told as a difference, so its first rows come with the second reading.
//! Everything that becomes a label is bounded in number and length where it is read.

#[cfg(any(test, not(target_os = "linux")))]
pub mod elsewhere;
#[cfg(target_os = "linux")]
mod kernel;
pub mod links;
#[cfg(target_os = "linux")]
mod sizes;
pub mod snapshot;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use uphold_common::ids::Id;
use uphold_common::wire::assignment::CAPACITY_INTERVAL_MS;

#[cfg(not(target_os = "linux"))]
pub use self::elsewhere::Host;
#[cfg(target_os = "linux")]
pub use self::kernel::Host;
use self::links::Link;
use self::snapshot::Snapshot;
use crate::clock::{Clock, Stopwatch};
use crate::recorder::Recorder;
use crate::runner::Assigned;
use crate::stop::Stop;

/// Reads the host for as long as it is assigned, until `stop`.
pub async fn run(
    links: Vec<Link>,
    mut assigned: watch::Receiver<Assigned>,
    clock: Arc<Clock>,
    recorder: Recorder,
    mut stop: Stop,
) {
    let mut host = match Host::new(links) {
        Ok(host) => host,
        Err(error) => {
            tracing::error!(%error, "this host's capacity cannot be read");
            return;
        }
    };
    let mut before: Option<(Stopwatch, Snapshot)> = None;
    let interval = Duration::from_millis(CAPACITY_INTERVAL_MS.unsigned_abs());
    loop {
        let hosts = assigned.borrow_and_update().as_ref().map(|a| a.hosts.clone()).unwrap_or_default();
        if hosts.is_empty() {
            // A difference over the time in which nothing was asked for would say little.
            before = None;
        } else {
            // What is counted is read first. The clock may be set meanwhile, and the length of the stretch must not be.
            let (at, begun) = (clock.now(), Clock::stopwatch());
            let over_ms = before.as_ref().map(|(last, _)| millis(last.elapsed()));
            let reading = tokio::task::spawn_blocking(move || {
                let snapshot = host.read();
                (host, snapshot)
            });
            let Ok((returned, snapshot)) = reading.await else { return };
            host = returned;
            let rows = snapshot.rows(&hosts, at, over_ms.zip(before.as_ref().map(|(_, snapshot)| snapshot)));
            recorder.read(rows).await;
            before = Some((begun, snapshot));
        }
        if !pause(&mut assigned, interval, &hosts, &mut stop).await {
            return;
        }
    }
}

/// The length of a stretch; one that is too long for a row has none.
pub(crate) fn millis(length: Duration) -> u32 {
    u32::try_from(length.as_millis()).unwrap_or(0)
}

/// Waits for the next reading, or for other hosts; `false` when it is time to end.
async fn pause(assigned: &mut watch::Receiver<Assigned>, interval: Duration, hosts: &[Id], stop: &mut Stop) -> bool {
    let other = assigned.wait_for(|now| now.as_ref().is_some_and(|now| now.hosts != hosts));
    let other = async {
        if other.await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = stop.asked() => false,
        () = other => true,
        () = tokio::time::sleep(interval) => true,
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
#[path = "capacity_tests.rs"]
mod tests;
