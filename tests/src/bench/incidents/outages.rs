//! Services that stop at random moments, one after the other, each watched by both sides: how long until either
//! receiver is told, and what each side takes meanwhile.

use std::io;
use std::time::Duration;

use super::ours::{self, Ours, Programs};
use super::peer::Peer;
use super::{EVERY_S, Told};
use crate::bench::progress;
use crate::bench::table::{Table, number};
use crate::process::free_port;
use crate::process::receiver::{Manner, Received, Receiver};
use crate::process::wait::{Stopwatch, rest, wait_for, wall_ms};

/// How long it may take until a receiver is told.
const TOLD_WITHIN: Duration = Duration::from_mins(1);
/// A step that leads through the milliseconds of an interval in an order that has nothing to do with any rhythm.
const STEP_MS: u64 = 1_931;

/// Measures, and prints a table.
pub(super) fn run(options: &Told, programs: &Programs) -> io::Result<()> {
    let folder = options.sides.run_folder()?;
    let ids: Vec<String> = (0..options.outages).map(|number| format!("service-{number}")).collect();
    let doors = ids.iter().map(|_| Receiver::start(free_port()?, |_| Manner::ACCEPTS));
    let doors = doors.collect::<io::Result<Vec<_>>>()?;
    let urls: Vec<String> = doors.iter().map(Receiver::url).collect();
    let (inbox, other) = (Receiver::start(0, |_| Manner::ACCEPTS)?, Receiver::start(0, |_| Manner::ACCEPTS)?);
    let services: Vec<String> = ids.iter().zip(&urls).map(|(id, url)| ours::service(id, url)).collect();
    ours::write(folder.path(), &services, &inbox.url())?;
    let ours = Ours::start(programs, folder.path(), u64::from(options.outages))?;
    let peer = if options.sides.without_peer { None } else { Some(Peer::start(folder.path(), &urls, &other.url())?) };
    let peer_s = || peer.as_ref().map_or(Ok(0.0), Peer::processor_s);

    let bar = progress::bar("outages", u64::from(options.outages));
    let (began, before) = (Stopwatch::start(), (ours.processor_s()?, peer_s()?));
    let (mut ours_ms, mut peers_ms) = (Vec::new(), Vec::new());
    for (place, (id, door)) in ids.iter().zip(doors).enumerate() {
        rest(Duration::from_millis((place as u64 + 1) * STEP_MS % (u64::from(EVERY_S) * 1_000)));
        let stopped = wall_ms();
        drop(door);
        let told = |inbox: &Receiver, is: fn(&Received, &str) -> bool| {
            let found = || inbox.received().into_iter().find(|one| is(one, id)).map(|one| one.at_ms - stopped);
            wait_for(TOLD_WITHIN, &format!("the receiver to be told of {id}"), found)
        };
        let is_ours = |one: &Received, id: &str| {
            one.body["type"] == "uphold.incident.opened" && one.body["data"]["service"] == id
        };
        ours_ms.push(told(&inbox, is_ours)?);
        if peer.is_some() {
            peers_ms.push(told(&other, |one, id| one.body["alerts"][0]["labels"]["job"] == id)?);
        }
        let message = inbox.received().into_iter().find(|one| is_ours(one, id)).map(|one| one.body).unwrap_or_default();
        let since = |key: &str| message["data"][key].as_i64().map(|at| at - stopped);
        let line = format!(
            "{id}: first failure after {:?} ms, figures of {:?} ms, told after {:?} ms; peer after {:?} ms",
            since("started_ms"),
            since("opened_ms"),
            ours_ms.last(),
            peers_ms.last()
        );
        bar.suspend(|| println!("{line}"));
        bar.inc(1);
    }
    bar.finish_and_clear();
    let length = began.elapsed().as_secs_f64();
    let mut table = Table::of(&["from the stop to the receiver", "least", "median", "most", "CPU-s a minute"]);
    let per_minute = |after: f64, before: f64| (after - before) * 60.0 / length;
    table.row(row("uphold", ours_ms, per_minute(ours.processor_s()?, before.0)));
    table.row(row("blackbox_exporter, Prometheus, Alertmanager", peers_ms, per_minute(peer_s()?, before.1)));
    print!("\n{table}\n");
    Ok(())
}

fn row(who: &str, mut lengths_ms: Vec<i64>, per_minute: f64) -> Vec<String> {
    lengths_ms.sort_unstable();
    let at = |place: usize| lengths_ms.get(place).copied().unwrap_or_default();
    let middle = at(lengths_ms.len().saturating_sub(1) / 2) + at(lengths_ms.len() / 2);
    let seconds = |ms: f64| format!("{:.2} s", ms / 1e3);
    let (least, most) = (at(0), at(lengths_ms.len().saturating_sub(1)));
    vec![who.to_owned(), seconds(least as f64), seconds(middle as f64 / 2.0), seconds(most as f64), number(per_minute)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between_the_two_in_the_middle() {
        let row = row("x", vec![4_000, 1_000, 3_000, 9_000], 1.5);
        assert_eq!(row, ["x", "1.00 s", "3.50 s", "9.00 s", "1.50"]);
    }
}
