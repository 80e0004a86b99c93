//! One service that stops, and thousands that are built on it: one incident, how soon it is told, and the memory it takes.

use std::io;
use std::time::Duration;

use super::Told;
use super::ours::{self, Ours, Programs};
use crate::bench::table::{Table, megabytes};
use crate::process::free_port;
use crate::process::receiver::{Manner, Receiver};
use crate::process::wait::{rest, wait_for, wall_ms};

/// How long anything may take.
const WITHIN: Duration = Duration::from_mins(2);
/// How long the collector is watched after the message: further incidents would be told by then.
const AFTERWARDS: Duration = Duration::from_secs(10);

/// Measures, and prints a table. More than one incident, or another number of services that it affects, is an error.
pub(super) fn run(options: &Told, programs: &Programs) -> io::Result<()> {
    let folder = options.sides.run_folder()?;
    let (door, inbox) = (Receiver::start(free_port()?, |_| Manner::ACCEPTS)?, Receiver::start(0, |_| Manner::ACCEPTS)?);
    let built = |number| format!("{}    available_when: {{ service: root }}\n", ours::bare(&format!("built-{number}")));
    let services: Vec<String> =
        [ours::service("root", &door.url())].into_iter().chain((0..options.storm).map(built)).collect();
    ours::write(folder.path(), &services, &inbox.url())?;
    let ours = Ours::start(programs, folder.path(), 2)?;
    let before = ours.collector()?;
    let stopped = wall_ms();
    drop(door);
    // The second attempt that fails confirms the stop.
    let failed = || ours.attempts("down").is_ok_and(|down| down >= 2).then(wall_ms);
    let confirmed = wait_for(WITHIN, "the stop to be confirmed", failed)?;
    let message = wait_for(WITHIN, "the message", || inbox.received().into_iter().next())?;
    rest(AFTERWARDS);
    let (after, received) = (ours.collector()?, inbox.received());
    let affected = message.body["data"]["affected_count"].as_u64();
    if received.len() != 1 || affected != Some(u64::from(options.storm)) {
        let said = format!("{} messages, the first of which affects {affected:?}: {}", received.len(), message.body);
        return Err(io::Error::other(said));
    }
    let mut table =
        Table::of(&["one incident", "affects", "stop to message", "confirmed to message", "VmHWM before", "after"]);
    let seconds = |from: i64| format!("{:.2} s", (message.at_ms - from) as f64 / 1e3);
    table.row([
        String::new(),
        options.storm.to_string(),
        seconds(stopped),
        seconds(confirmed),
        megabytes(before.peak),
        megabytes(after.peak),
    ]);
    print!("\n{table}\n");
    Ok(())
}
