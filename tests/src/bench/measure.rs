//! One run of one side: the load is sent, everything settles, and what that took is read off.
//!
//! Processor time is told twice: when the last value was acknowledged, and when everything had settled, so that no side
//! looks cheap by putting work off. Wall time is a hint only, because the load is made on the same machine.

use std::io;
use std::path::Path;
use std::time::Duration;

use indicatif::ProgressBar;
use tempfile::TempDir;

use super::collector::Collector;
use super::daemon::Spent;
use super::drive::{Sender, Sent, drive};
use super::estate::{Estate, Shape};
use super::options::{Turns, start_of};
use super::progress;
use super::server::{Dialect, OnDisk, Server};
use super::table::number;
use super::usage;
use super::victoria::Victoria;
use crate::process::wait::wait_until;

/// How long it may take until a server's metrics say what it has acknowledged.
const SAID_WITHIN: Duration = Duration::from_secs(30);

/// Who is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// VictoriaMetrics.
    Peer,
    /// The collector, with a catalogue that has nothing to do with the load.
    Plain,
    /// The collector, measuring every probe of the load.
    Measured,
}

impl Side {
    /// What it is called in tables.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Peer => "VictoriaMetrics",
            Self::Plain => "uphold",
            Self::Measured => "uphold, measured",
        }
    }

    /// Starts it with its data in `folder`, for a load of this shape.
    pub(super) fn start(self, program: &Path, folder: &TempDir, shape: Shape) -> io::Result<Box<dyn Server>> {
        Ok(match self {
            Self::Peer => Box::new(Victoria::start(folder.path())?),
            Self::Plain => Box::new(Collector::start(program, folder.path(), None)?),
            Self::Measured => Box::new(Collector::start(program, folder.path(), Some(shape))?),
        })
    }
}

/// What one run of one side came to.
#[derive(Clone, Debug)]
pub(super) struct Run {
    /// Whose it is.
    pub(super) side: Side,
    /// What was sent.
    pub(super) sent: Sent,
    /// Processor time of the server from the first request to the last acknowledgement.
    pub(super) acknowledged: Duration,
    /// And until everything had settled.
    pub(super) settled: Duration,
    /// What the server has taken since it was started.
    pub(super) spent: Spent,
    /// Processor time of whoever made the load, until the last acknowledgement.
    pub(super) driver: Duration,
    /// Cores that somebody else kept busy meanwhile.
    pub(super) foreign_cores: f64,
    /// Processor time of a piece of work that is always the same, right before the run.
    pub(super) fixed_work: Duration,
    /// What lay on disk at the end.
    pub(super) on_disk: OnDisk,
}

impl Run {
    /// Seconds of processor time for a million values.
    pub(super) fn per_million(&self, time: Duration) -> f64 {
        time.as_secs_f64() * 1e6 / self.sent.values as f64
    }

    /// Bytes for one value.
    pub(super) fn per_value(&self, bytes: u64) -> f64 {
        bytes as f64 / self.sent.values as f64
    }

    /// Its main figures on one line: whoever ends a long measurement has those that are there.
    pub(super) fn in_short(&self) -> String {
        let [acknowledged, settled] = [self.acknowledged, self.settled].map(|time| number(self.per_million(time)));
        let bytes = number(self.per_value(self.on_disk.all_bytes));
        format!(
            "CPU-s per million values {acknowledged} acknowledged, {settled} settled; {bytes} bytes a value on disk"
        )
    }

    /// Values a second until the last acknowledgement.
    pub(super) fn rate(&self) -> f64 {
        self.sent.values as f64 / self.sent.wall.as_secs_f64()
    }
}

/// Runs the sides in turn, as many rounds as are asked for.
pub(super) fn in_turn(options: &Turns, hours: f64) -> io::Result<Vec<Run>> {
    let (shape, pushes) = (options.load.shape(), options.load.pushes(hours));
    let program = options.sides.program()?;
    let mut sides = vec![Side::Peer, Side::Plain, Side::Measured];
    sides.retain(|side| match side {
        Side::Peer => !options.sides.without_peer,
        Side::Plain => true,
        Side::Measured => options.measured,
    });
    let (values, connections) = (shape.values(pushes), options.load.connections);
    println!("{values} values a run, {} a push, {connections} connections", shape.values_per_push());
    let mut runs = Vec::new();
    for round in 1..=options.rounds {
        for side in &sides {
            let folder = options.sides.run_folder()?;
            let mut server = side.start(&program, &folder, shape)?;
            let bar = progress::bar(&format!("{} {round}/{}", side.name(), options.rounds), values);
            let mut estate = Estate::new(shape, start_of(pushes))?;
            let run = measure(*side, server.as_mut(), &mut estate, (shape, pushes), connections, &bar)?;
            println!("{} {round}/{}: {}", side.name(), options.rounds, run.in_short());
            runs.push(run);
        }
    }
    Ok(runs)
}

/// Sends so many pushes of each agent and lets the server settle.
pub(super) fn measure(
    side: Side,
    server: &mut dyn Server,
    estate: &mut Estate,
    (shape, pushes): (Shape, u64),
    connections: u16,
    bar: &ProgressBar,
) -> io::Result<Run> {
    let mut senders: Vec<Sender> = (0..connections).map(|_| Sender::to(server.address(), server.dialect())).collect();
    let (taken, fixed_work) = (server.taken()?, usage::of_fixed_work()?);
    let (machine, own, before) = (usage::machine_time()?, own_time()?, server.spent()?.processor);
    let sent = drive(estate, shape, pushes, &mut senders, bar)?;
    let (machine, driver) = (usage::machine_time()?.saturating_sub(machine), own_time()?.saturating_sub(own));
    let acknowledged = server.spent()?.processor.saturating_sub(before);
    drop(senders);
    check_taken(server, shape, sent.requests, taken)?;
    bar.set_message("settling");
    server.settle()?;
    bar.finish_and_clear();
    let all = server.spent()?;
    let settled = all.processor.saturating_sub(before);
    let foreign = machine.saturating_sub(acknowledged + driver);
    let foreign_cores = foreign.as_secs_f64() / sent.wall.as_secs_f64();
    let on_disk = server.on_disk()?;
    Ok(Run { side, sent, acknowledged, settled, spent: all, driver, foreign_cores, fixed_work, on_disk })
}

/// Whoever answers 2xx and keeps less is not measured.
fn check_taken(server: &dyn Server, shape: Shape, requests: u64, before: u64) -> io::Result<()> {
    let per_request = match server.dialect() {
        Dialect::Push => shape.rows_per_push(),
        Dialect::RemoteWrite => shape.values_per_push(),
    };
    let all = before + requests * per_request;
    let what = format!("the server to say that it took {all} rows, as it acknowledged");
    wait_until(SAID_WITHIN, &what, || server.taken().is_ok_and(|taken| taken == all))
}

fn own_time() -> io::Result<Duration> {
    usage::processor_time(std::process::id())
}
