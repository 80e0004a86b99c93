//! `bench ingest`: what it costs to take values in, ours and the peer in turn; every run, then means and their ratios.

use std::io;

use super::measure::{Run, Side, in_turn};
use super::options::Turns;
use super::table::{Table, megabytes, number, seconds};

/// Hours of load unless told otherwise.
pub(super) const HOURS: f64 = 6.0;

/// Measures, and prints tables.
pub(super) fn run(options: &Turns) -> io::Result<()> {
    let runs = in_turn(options, HOURS)?;
    print!("\n{}\n{}", costs(&runs), room(&runs));
    for side in [Side::Plain, Side::Measured] {
        if let Some(table) = compared(&runs, side) {
            print!("\n{table}");
        }
    }
    Ok(())
}

/// What each run took of time.
fn costs(runs: &[Run]) -> Table {
    let mut table = Table::of(&[
        "run",
        "wall",
        "values/s",
        "CPU acknowledged",
        "CPU settled",
        "driver CPU",
        "foreign cores",
        "fixed work",
        "sent again",
    ]);
    for run in runs {
        table.row([
            run.side.name().to_owned(),
            seconds(run.sent.wall),
            number(run.rate()),
            seconds(run.acknowledged),
            seconds(run.settled),
            seconds(run.driver),
            number(run.foreign_cores),
            seconds(run.fixed_work),
            run.sent.again.to_string(),
        ]);
    }
    table
}

/// What each run took of memory and disk.
fn room(runs: &[Run]) -> Table {
    let mut table = Table::of(&["run", "VmHWM", "anonymous peak", "on disk", "bytes/value", "sent, bytes/value"]);
    for run in runs {
        table.row([
            run.side.name().to_owned(),
            megabytes(run.spent.peak),
            megabytes(run.spent.anonymous),
            megabytes(run.on_disk.all_bytes),
            number(run.per_value(run.on_disk.all_bytes)),
            number(run.per_value(run.sent.body_bytes)),
        ]);
    }
    table
}

/// The figures of a run that are compared, each with its name and unit.
fn figures(run: &Run) -> [(&'static str, f64); 6] {
    [
        ("CPU-s per million values, acknowledged", run.per_million(run.acknowledged)),
        ("CPU-s per million values, settled", run.per_million(run.settled)),
        ("values/s", run.rate()),
        ("VmHWM, MB", run.spent.peak as f64 / 1e6),
        ("anonymous peak, MB", run.spent.anonymous as f64 / 1e6),
        ("bytes a value on disk, all told", run.per_value(run.on_disk.all_bytes)),
    ]
}

/// A side against the peer: means over the rounds, and their ratio.
fn compared(runs: &[Run], side: Side) -> Option<Table> {
    let of = |wanted: Side| -> Vec<&Run> { runs.iter().filter(|run| run.side == wanted).collect() };
    let (peers, ours) = (of(Side::Peer), of(side));
    let (first, _) = (ours.first()?, peers.first()?);
    let mut table = Table::of(&["mean of the rounds", Side::Peer.name(), side.name(), "ratio"]);
    for (place, (what, _)) in figures(first).into_iter().enumerate() {
        let mean = |runs: &[&Run]| runs.iter().map(|run| figures(run)[place].1).sum::<f64>() / runs.len() as f64;
        let (peer, own) = (mean(&peers), mean(&ours));
        table.row([what.to_owned(), number(peer), number(own), number(own / peer)]);
    }
    Some(table)
}
