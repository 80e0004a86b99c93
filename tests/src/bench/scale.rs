//! `bench scale`: whether cost grows as the load does, and how long a start takes on what is there.
//!
//! *Streams*: estates of several sizes, each sent to a server of its own; a value should cost the same in all of them.
//! *History*: the same load again and again to one collector, each time for the hours after those before; what is there
//! already should cost nothing. After each time the collector is started again, and how long it takes until it is ready
//! is read against what it holds.

use std::io;
use std::time::Duration;

use tempfile::TempDir;

use super::collector::Collector;
use super::estate::{Estate, Shape};
use super::measure::{Run, Side, measure};
use super::options::{Steps, start_of};
use super::plot::{self, Line, Plot};
use super::progress;
use super::server::Server;
use super::table::{Table, megabytes, number, seconds};

/// Hours of load unless told otherwise.
const HOURS: f64 = 1.0;

/// Measures, prints tables, and writes plots.
pub(super) fn run(options: &Steps) -> io::Result<()> {
    let ours = if options.measured { Side::Measured } else { Side::Plain };
    let mut sides = vec![Side::Peer, ours];
    sides.retain(|side| !(options.sides.without_peer && *side == Side::Peer));
    let mut runs = Vec::new();
    for times in &options.streams {
        for side in &sides {
            let run = by_streams(options, *side, *times)?;
            println!("{} {times}x streams: {}", side.name(), run.in_short());
            runs.push((*times, run));
        }
    }
    print!("\n{}", of_streams(&runs));
    plot_streams(options, &sides, &runs)?;
    let history = by_history(options, ours)?;
    print!("\n{}", of_history(&history));
    plot_history(options, &history)
}

/// One run with so many times as many agents.
fn by_streams(options: &Steps, side: Side, times: u32) -> io::Result<Run> {
    let base = options.load.shape();
    let shape = Shape { agents: base.agents * times as usize, ..base };
    let pushes = options.load.pushes(HOURS);
    let folder = options.sides.run_folder()?;
    let mut server = side.start(&options.sides.program()?, &folder, shape)?;
    let bar = progress::bar(&format!("{} {times}x streams", side.name()), shape.values(pushes));
    let mut estate = Estate::new(shape, start_of(pushes))?;
    measure(side, server.as_mut(), &mut estate, (shape, pushes), options.load.connections, &bar)
}

/// What one more stretch of the load came to, and the start after it.
struct Stretch {
    run: Run,
    /// Values that are held after it.
    held: u64,
    /// How long the start took until it was ready.
    start: Duration,
    /// And of processor time.
    start_processor: Duration,
}

/// The same load again and again to one collector.
fn by_history(options: &Steps, side: Side) -> io::Result<Vec<Stretch>> {
    let (shape, pushes) = (options.load.shape(), options.load.pushes(HOURS));
    let folder: TempDir = options.sides.run_folder()?;
    let measured = (side == Side::Measured).then_some(shape);
    let mut collector = Collector::start(&options.sides.program()?, folder.path(), measured)?;
    let mut estate = Estate::new(shape, start_of(pushes * u64::from(options.history)))?;
    let (mut stretches, mut held) = (Vec::new(), 0);
    for time in 1..=options.history {
        let bar = progress::bar(&format!("history {time}/{}", options.history), shape.values(pushes));
        let run = measure(side, &mut collector, &mut estate, (shape, pushes), options.load.connections, &bar)?;
        println!("history {time}/{}: {}", options.history, run.in_short());
        held += run.sent.values;
        let before = collector.spent()?.processor;
        let start = collector.start_again()?;
        let start_processor = collector.spent()?.processor.saturating_sub(before);
        stretches.push(Stretch { run, held, start, start_processor });
    }
    Ok(stretches)
}

fn of_streams(runs: &[(u32, Run)]) -> Table {
    let mut table = Table::of(&[
        "streams",
        "run",
        "values/s",
        "CPU-s/M acknowledged",
        "CPU-s/M settled",
        "VmHWM",
        "bytes/value",
        "foreign cores",
    ]);
    for (times, run) in runs {
        table.row([
            format!("{times}x"),
            run.side.name().to_owned(),
            number(run.rate()),
            number(run.per_million(run.acknowledged)),
            number(run.per_million(run.settled)),
            megabytes(run.spent.peak),
            number(run.per_value(run.on_disk.all_bytes)),
            number(run.foreign_cores),
        ]);
    }
    table
}

fn of_history(stretches: &[Stretch]) -> Table {
    let mut table = Table::of(&[
        "held, million values",
        "CPU-s/M acknowledged",
        "CPU-s/M settled",
        "VmHWM",
        "on disk",
        "start until ready",
        "CPU of the start",
        "foreign cores",
    ]);
    for Stretch { run, held, start, start_processor } in stretches {
        table.row([
            number(*held as f64 / 1e6),
            number(run.per_million(run.acknowledged)),
            number(run.per_million(run.settled)),
            megabytes(run.spent.peak),
            megabytes(run.on_disk.all_bytes),
            seconds(*start),
            seconds(*start_processor),
            number(run.foreign_cores),
        ]);
    }
    table
}

fn plot_streams(options: &Steps, sides: &[Side], runs: &[(u32, Run)]) -> io::Result<()> {
    let line = |side: Side, what: &str, time: fn(&Run) -> Duration| Line {
        name: format!("{}, {what}", side.name()),
        points: runs
            .iter()
            .filter(|(_, run)| run.side == side)
            .map(|(times, run)| (f64::from(*times), run.per_million(time(run))))
            .collect(),
    };
    let lines = sides.iter().flat_map(|side| {
        [line(*side, "acknowledged", |run| run.acknowledged), line(*side, "settled", |run| run.settled)]
    });
    plot::write(
        &options.plots.join("scale-streams.svg"),
        &Plot {
            title: "Processor time of a value by the number of streams",
            across: "times as many streams",
            up: "CPU-s per million values",
            lines: lines.collect(),
        },
    )
}

fn plot_history(options: &Steps, stretches: &[Stretch]) -> io::Result<()> {
    if stretches.is_empty() {
        return Ok(());
    }
    let line = |name: &str, value: fn(&Stretch) -> f64| Line {
        name: name.to_owned(),
        points: stretches.iter().map(|stretch| (stretch.held as f64 / 1e6, value(stretch))).collect(),
    };
    plot::write(
        &options.plots.join("scale-history.svg"),
        &Plot {
            title: "Processor time of a value by what is held already",
            across: "million values held",
            up: "CPU-s per million values",
            lines: vec![
                line("acknowledged", |stretch| stretch.run.per_million(stretch.run.acknowledged)),
                line("settled", |stretch| stretch.run.per_million(stretch.run.settled)),
            ],
        },
    )?;
    plot::write(
        &options.plots.join("scale-start.svg"),
        &Plot {
            title: "A start by what is held",
            across: "million values held",
            up: "seconds",
            lines: vec![
                line("until ready", |stretch| stretch.start.as_secs_f64()),
                line("processor time", |stretch| stretch.start_processor.as_secs_f64()),
            ],
        },
    )
}
