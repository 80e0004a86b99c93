//! `bench query`: what a year of one probe costs to read, attempt by attempt.
//!
//! Ours is read through the store of the collector, opened in this process: that is the way of every figure, and what
//! the aim is about. The peer is asked over HTTP, which is its only way: for the raw values in both of its formats, and
//! for one figure over all of them, which spares it the writing. The figure has to be the one that our attempts give.

use std::io;
use std::time::Duration;

use uphold_collector::store::{DataDir, EmbeddedStore, Store, StoreOptions};
use uphold_common::ids::VantagePoint;
use uphold_common::observation::Outcome;
use uphold_common::time::{DAY_MS, Instant, Interval};

use super::collector::Collector;
use super::drive::Sender;
use super::estate::{self, Estate, PUSH_MS, Shape};
use super::options::{Year, start_of};
use super::progress;
use super::server::Server;
use super::table::{Table, number};
use super::usage;
use super::victoria::Victoria;
use crate::process::http;
use crate::process::wait::{Stopwatch, wall_ms};

/// One probe, and nothing else.
const SHAPE: Shape = Shape { agents: 1, probes: 1, gauges: false };
/// Attempts of a day, which is what one request of the load holds here.
const PUSHES_PER_DAY: u64 = (DAY_MS / PUSH_MS).unsigned_abs();
/// How far two shares of up may lie apart that were added up in another order.
const ROUNDING: f64 = 1e-9;

/// Processor time is counted in hundredths of a second, so what is quick is done until this has passed.
const LONG_ENOUGH: Duration = Duration::from_secs(2);
/// How often at most.
const TIMES_MAX: usize = 1_000;

/// How long one query took, and how much processor time.
pub(super) struct Cost {
    /// Whose, and for what.
    pub(super) what: &'static str,
    /// The first time.
    pub(super) first: Duration,
    /// The median of those after it.
    pub(super) median: Duration,
    /// Processor time of one of those, in the mean.
    pub(super) processor: Duration,
}

/// What is read: the vantage point, and the year.
struct Asked {
    from: VantagePoint,
    span: Interval,
}

/// Loads both sides, asks them, and prints a table.
pub(super) fn run(options: &Year) -> io::Result<()> {
    let attempts = u64::from(options.days) * PUSHES_PER_DAY;
    let start = start_of(attempts);
    let probe = estate::probe_id(0, 0)?;
    let asked = Asked {
        from: VantagePoint { probe, agent: estate::id(&estate::agent(0))? },
        span: Interval::new(start, start.plus_ms(DAY_MS * i64::from(options.days))),
    };
    println!("{attempts} attempts of one probe over {} days", options.days);
    let (ours, up) = ask_ours(options, &asked, attempts)?;
    let mut costs = vec![ours];
    if !options.sides.without_peer {
        costs.extend(ask_peer(options, &asked, up)?);
    }
    let mut table = Table::of(&["query", "first, ms", "median, ms", "CPU, ms", "CPU ns an attempt"]);
    let ms = |time: Duration| number(time.as_secs_f64() * 1e3);
    for Cost { what, first, median, processor } in costs {
        let each = number(processor.as_secs_f64() * 1e9 / attempts as f64);
        table.row([what.to_owned(), ms(first), ms(median), ms(processor), each]);
    }
    print!("\n{table}");
    Ok(())
}

/// Sends so many days, a day of an agent in one request, and lets the server settle.
pub(super) fn load(server: &mut dyn Server, shape: Shape, days: u32, start: Instant) -> io::Result<()> {
    let mut estate = Estate::new(shape, start)?;
    let mut sender = Sender::to(server.address(), server.dialect());
    let bar = progress::bar("loading the days", u64::from(days));
    for day in 0..i64::from(days) {
        let base = start.plus_ms(day * DAY_MS);
        for agent in &mut estate.agents {
            let streams = agent.see_long(base, PUSHES_PER_DAY, &estate.durations);
            agent.pushed += 1;
            sender.send(&agent.name, agent.epoch, agent.pushed, base.plus_ms(DAY_MS), streams)?;
        }
        bar.inc(1);
    }
    bar.set_message("settling");
    server.settle()?;
    bar.finish_and_clear();
    Ok(())
}

/// What our store takes, and the share of attempts that were up.
fn ask_ours(options: &Year, asked: &Asked, attempts: u64) -> io::Result<(Cost, f64)> {
    let folder = options.sides.run_folder()?;
    let mut collector = Collector::start(&options.sides.program()?, folder.path(), None)?;
    load(&mut collector, SHAPE, options.days, asked.span.start)?;
    collector.stop()?;
    let data = DataDir::claim(&collector.data(), "bench", Instant::from_ms(wall_ms())).map_err(io::Error::other)?;
    let store = EmbeddedStore::open(data, StoreOptions::default()).map_err(io::Error::other)?;
    let mut up = 0;
    let cost = timed("ours, raw", options.repeat, std::process::id(), || {
        let rows = store.observations(&asked.from, asked.span).map_err(io::Error::other)?;
        if rows.len() as u64 != attempts {
            return Err(io::Error::other(format!("of {attempts} attempts, {} were found", rows.len())));
        }
        up = rows.iter().filter(|row| row.outcome == Outcome::Up).count();
        Ok(())
    })?;
    Ok((cost, up as f64 / attempts as f64))
}

fn ask_peer(options: &Year, asked: &Asked, up: f64) -> io::Result<Vec<Cost>> {
    let folder = options.sides.run_folder()?;
    let mut victoria = Victoria::start(folder.path())?;
    load(&mut victoria, SHAPE, options.days, asked.span.start)?;
    let (port, pid) = (victoria.port(), victoria.pid());
    let [start, end] = [asked.span.start, asked.span.end].map(|at| at.as_ms() / 1_000);
    let all = format!("match[]=%7Bagent=%22{}%22%7D&start={start}&end={end}", asked.from.agent);
    let success = format!("probe_success%7Bagent=%22{}%22%7D", asked.from.agent);
    let figure = format!("query=avg_over_time({success}[{}d])&time={end}&nocache=1", options.days);
    let queries = [
        ("peer, raw as JSON", format!("/api/v1/export?{all}")),
        ("peer, raw in its own format", format!("/api/v1/export/native?{all}")),
        ("peer, one figure of one series", format!("/api/v1/query?{figure}")),
    ];
    let mut costs = Vec::new();
    for (what, path) in queries {
        let cost = timed(what, options.repeat, pid, || {
            let answer = http::get(port, &path)?;
            if answer.code == 200 && !answer.body.is_empty() {
                Ok(())
            } else {
                Err(io::Error::other(format!("{what}: answered {}: {}", answer.code, answer.text())))
            }
        })?;
        costs.push(cost);
    }
    let answer = http::get(port, &format!("/api/v1/query?{figure}"))?.json()?;
    let theirs = answer["data"]["result"][0]["value"][1].as_str().and_then(|share| share.parse::<f64>().ok());
    match theirs {
        Some(share) if (share - up).abs() < ROUNDING => Ok(costs),
        _ => Err(io::Error::other(format!("the peer says {theirs:?} were up, and {up} were"))),
    }
}

/// Does something once and then several times: how long it took, and how much processor time of a process.
pub(super) fn timed(
    what: &'static str,
    times: u32,
    pid: u32,
    mut done: impl FnMut() -> io::Result<()>,
) -> io::Result<Cost> {
    let began = Stopwatch::start();
    done()?;
    let first = began.elapsed();
    let before = usage::processor_time(pid)?;
    let mut walls = Vec::new();
    let all = Stopwatch::start();
    while walls.len() < times as usize || (all.elapsed() < LONG_ENOUGH && walls.len() < TIMES_MAX) {
        let began = Stopwatch::start();
        done()?;
        walls.push(began.elapsed());
    }
    let processor = usage::processor_time(pid)?.saturating_sub(before).div_f64(walls.len() as f64);
    walls.sort_unstable();
    let median = walls.get(walls.len() / 2).copied().unwrap_or(first);
    Ok(Cost { what, first, median, processor })
}
