//! `bench ingest`: what it costs to take values in, ours and the peer in turn.
//!
//! Processor time is told twice: when the last value was acknowledged, and when everything had settled, so that no side
//! looks cheap by putting work off. Wall time is a hint only, because the load is made on the same machine.

use std::io;
use std::time::Duration;

use indicatif::ProgressBar;

use super::collector::Collector;
use super::daemon::Spent;
use super::drive::{Sender, Sent, drive};
use super::estate::{Estate, Shape};
use super::options::{Common, start_of};
use super::progress;
use super::server::{Dialect, OnDisk, Server};
use super::table::{Table, megabytes, number, seconds};
use super::usage;
use super::victoria::Victoria;
use crate::process::wait::wait_until;

/// How long it may take until a server's metrics say what it has acknowledged.
const SAID_WITHIN: Duration = Duration::from_secs(30);

/// Who is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    /// VictoriaMetrics.
    Peer,
    /// The collector, with a catalogue that has nothing to do with the load.
    Plain,
    /// The collector, measuring every probe of the load.
    Measured,
}

/// What one run of one side came to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    /// What was sent.
    pub(super) sent: Sent,
    /// What the server had taken when the last value was acknowledged.
    pub(super) acknowledged: Spent,
    /// And when everything had settled.
    pub(super) settled: Spent,
    /// Processor time of whoever made the load, until the last acknowledgement.
    pub(super) driver: Duration,
    /// Cores that somebody else kept busy meanwhile.
    pub(super) foreign_cores: f64,
    /// What lay on disk at the end.
    pub(super) on_disk: OnDisk,
}

/// Measures, and prints tables.
pub(super) fn run(options: &Common) -> io::Result<()> {
    let (shape, pushes, program) = (options.shape(), options.pushes(), options.program()?);
    let mut sides = vec![Side::Peer, Side::Plain];
    if options.measured {
        sides.push(Side::Measured);
    }
    sides.retain(|side| !(options.without_peer && *side == Side::Peer));
    let mut runs: Vec<(Side, &'static str, Run)> = Vec::new();
    println!(
        "{} agents, {} values a push, {} values a run, {} connections",
        shape.agents,
        shape.values_per_push(),
        shape.values(pushes),
        options.connections
    );
    for round in 1..=options.rounds {
        for side in &sides {
            let folder = options.run_folder()?;
            let mut server: Box<dyn Server> = match side {
                Side::Peer => Box::new(Victoria::start(folder.path())?),
                Side::Plain => Box::new(Collector::start(&program, folder.path(), None)?),
                Side::Measured => Box::new(Collector::start(&program, folder.path(), Some(shape))?),
            };
            let name = server.name();
            let bar = progress::bar(&format!("{name} {round}/{}", options.rounds), shape.values(pushes));
            let mut estate = Estate::new(shape, start_of(pushes))?;
            let run = measure(server.as_mut(), &mut estate, shape, pushes, options.connections, &bar)?;
            runs.push((*side, name, run));
        }
    }
    print!("\n{}", costs(&runs));
    print!("\n{}", room(&runs));
    for side in [Side::Plain, Side::Measured] {
        if let Some(table) = compared(&runs, side) {
            print!("\n{table}");
        }
    }
    Ok(())
}

/// Sends so many pushes of each agent and lets the server settle.
pub(super) fn measure(
    server: &mut dyn Server,
    estate: &mut Estate,
    shape: Shape,
    pushes: u64,
    connections: u16,
    bar: &ProgressBar,
) -> io::Result<Run> {
    let mut senders: Vec<Sender> = (0..connections).map(|_| Sender::to(server.address(), server.dialect())).collect();
    let (machine, own, began) = (usage::machine_time()?, own_time()?, server.spent()?.processor);
    let taken = server.taken()?;
    let sent = drive(estate, shape, pushes, &mut senders, bar)?;
    let (machine, driver) = (usage::machine_time()?.saturating_sub(machine), own_time()?.saturating_sub(own));
    let acknowledged = server.spent()?;
    drop(senders);
    check_taken(server, shape, sent.requests, taken)?;
    let known = acknowledged.processor.saturating_sub(began) + driver;
    let foreign_cores = machine.saturating_sub(known).as_secs_f64() / sent.wall.as_secs_f64();
    bar.set_message("settling");
    server.settle()?;
    let (settled, on_disk) = (server.spent()?, server.on_disk()?);
    bar.finish_and_clear();
    Ok(Run { sent, acknowledged, settled, driver, foreign_cores, on_disk })
}

/// Whoever answers 2xx and keeps less is not measured.
fn check_taken(server: &dyn Server, shape: Shape, requests: u64, before: u64) -> io::Result<()> {
    let per_request = match server.dialect() {
        Dialect::Push => shape.rows_per_push(),
        Dialect::RemoteWrite => shape.values_per_push(),
    };
    let all = before + requests * per_request;
    let what = format!("{} to say that it took {all} rows, as it acknowledged", server.name());
    wait_until(SAID_WITHIN, &what, || server.taken().is_ok_and(|taken| taken == all))
}

fn own_time() -> io::Result<Duration> {
    usage::processor_time(std::process::id())
}

impl Run {
    /// Millions of values.
    fn millions(&self) -> f64 {
        self.sent.values as f64 / 1e6
    }

    /// The figures that are compared, each with its name and unit.
    fn figures(&self) -> [(&'static str, f64); 7] {
        [
            ("CPU-s per million values, acknowledged", self.acknowledged.processor.as_secs_f64() / self.millions()),
            ("CPU-s per million values, settled", self.settled.processor.as_secs_f64() / self.millions()),
            ("values/s", self.sent.values as f64 / self.sent.wall.as_secs_f64()),
            ("peak memory, MB", self.settled.peak as f64 / 1e6),
            ("peak anonymous memory, MB", self.settled.anonymous as f64 / 1e6),
            ("bytes a value on disk", self.on_disk.all_bytes as f64 / self.sent.values as f64),
            ("bytes a value sent", self.sent.body_bytes as f64 / self.sent.values as f64),
        ]
    }
}

/// What each run took of time.
fn costs(runs: &[(Side, &'static str, Run)]) -> Table {
    let mut table = Table::of(&[
        "run",
        "wall",
        "values/s",
        "CPU ack",
        "CPU settled",
        "per M ack",
        "per M settled",
        "driver CPU",
        "foreign",
        "again",
    ]);
    for (_, name, run) in runs {
        let per_million = |time: Duration| number(time.as_secs_f64() / run.millions());
        table.row([
            (*name).to_owned(),
            seconds(run.sent.wall),
            number(run.sent.values as f64 / run.sent.wall.as_secs_f64()),
            seconds(run.acknowledged.processor),
            seconds(run.settled.processor),
            per_million(run.acknowledged.processor),
            per_million(run.settled.processor),
            seconds(run.driver),
            number(run.foreign_cores),
            run.sent.again.to_string(),
        ]);
    }
    table
}

/// What each run took of memory and disk.
fn room(runs: &[(Side, &'static str, Run)]) -> Table {
    let mut table = Table::of(&["run", "VmHWM", "anonymous", "on disk", "bytes/value", "sent bytes/value"]);
    for (_, name, run) in runs {
        let per_value = |bytes: u64| number(bytes as f64 / run.sent.values as f64);
        table.row([
            (*name).to_owned(),
            megabytes(run.settled.peak),
            megabytes(run.settled.anonymous),
            megabytes(run.on_disk.all_bytes),
            per_value(run.on_disk.all_bytes),
            per_value(run.sent.body_bytes),
        ]);
    }
    table
}

/// A side against the peer: means over the rounds, and their ratio.
fn compared(runs: &[(Side, &'static str, Run)], side: Side) -> Option<Table> {
    let of = |wanted: Side| -> Vec<&Run> {
        runs.iter().filter(|(side, ..)| *side == wanted).map(|(_, _, run)| run).collect()
    };
    let (peers, ours) = (of(Side::Peer), of(side));
    let (first, name) = (ours.first()?, runs.iter().find(|(found, ..)| *found == side)?.1);
    peers.first()?;
    let mut table = Table::of(&["mean of the rounds", "VictoriaMetrics", name, "ratio"]);
    for (place, (what, _)) in first.figures().into_iter().enumerate() {
        let mean = |runs: &[&Run]| runs.iter().map(|run| run.figures()[place].1).sum::<f64>() / runs.len() as f64;
        let (peer, own) = (mean(&peers), mean(&ours));
        table.row([what.to_owned(), number(peer), number(own), number(own / peer)]);
    }
    Some(table)
}
