//! `bench figures`: what the figures of services cost, over attempts that both sides were given.
//!
//! Ours are whole blocks as JSON, with three figures, breaks, charges, alerts and every day, asked of the engine on the
//! store of the collector, opened in this process: that is the way of every report. The peer gives one number for each
//! series, over HTTP, in one answer for all of them. Both read what they have on disk, and are asked again and again.

use std::io;

use uphold_collector::config::catalogue_files;
use uphold_collector::engine::Engine;
use uphold_collector::engine::query::FiguresQuery;
use uphold_collector::store::{DataDir, EmbeddedStore, StoreOptions};
use uphold_common::catalogue::model::WindowKind;
use uphold_common::time::{DAY_MS, Instant};

use super::collector::Collector;
use super::estate::{self, PUSH_MS, Shape};
use super::options::{Figures, start_of};
use super::query::{Cost, load, timed};
use super::server::Server as _;
use super::table::{Table, number};
use super::victoria::Victoria;
use crate::process::http;

/// Attempts of a day.
const PUSHES_PER_DAY: u64 = (DAY_MS / PUSH_MS).unsigned_abs();

/// So many services, each with one probe, over so many days.
struct History {
    name: &'static str,
    shape: Shape,
    days: u32,
    start: Instant,
}

impl History {
    fn new(name: &'static str, services: u32, days: u32) -> Self {
        let shape = Shape { agents: services as usize, probes: 1, gauges: false };
        Self { name, shape, days, start: start_of(u64::from(days) * PUSHES_PER_DAY) }
    }

    fn end(&self) -> Instant {
        self.start.plus_ms(i64::from(self.days) * DAY_MS)
    }
}

/// Loads both sides, asks them, and prints a table.
pub(super) fn run(options: &Figures) -> io::Result<()> {
    let year = History::new("one service, its whole history", 1, options.year_days);
    let month = History::new("every service, a month", options.services, options.month_days);
    let columns = ["asked", "side", "first, ms", "median, ms", "CPU, ms", "ratio of CPU"];
    let mut table = Table::of(&columns);
    for history in [year, month] {
        println!("{} services over {} days, an attempt every 30 s", history.shape.agents, history.days);
        let ours = ask_ours(options, &history)?;
        let peer = if options.sides.without_peer { None } else { Some(ask_peer(options, &history)?) };
        for cost in [Some(&ours), peer.as_ref()].into_iter().flatten() {
            let ms = |time: std::time::Duration| number(time.as_secs_f64() * 1e3);
            let ratio = peer.as_ref().map(|peer| ours.processor.as_secs_f64() / peer.processor.as_secs_f64());
            let ratio = ratio.filter(|_| std::ptr::eq(cost, &raw const ours)).map(number).unwrap_or_default();
            let (name, side) = (history.name.to_owned(), cost.what.to_owned());
            table.row([name, side, ms(cost.first), ms(cost.median), ms(cost.processor), ratio]);
        }
    }
    print!("\n{table}");
    Ok(())
}

fn ask_ours(options: &Figures, history: &History) -> io::Result<Cost> {
    let folder = options.sides.run_folder()?;
    let mut collector = Collector::start(&options.sides.program()?, folder.path(), Some(history.shape))?;
    load(&mut collector, history.shape, history.days, history.start)?;
    collector.stop()?;
    let now = history.end();
    let data = DataDir::claim(&collector.data(), "bench", now).map_err(io::Error::other)?;
    let store = EmbeddedStore::open(data, StoreOptions::default()).map_err(io::Error::other)?;
    let files = catalogue_files(&folder.path().join("catalogue")).map_err(io::Error::other)?;
    let mut engine = Engine::open(Box::new(store), &files, now).map_err(io::Error::other)?;
    let window = Some(WindowKind::Rolling { length_ms: i64::from(history.days) * DAY_MS });
    let mut bytes = 0;
    let cost = timed("ours, whole blocks", options.repeat, std::process::id(), || {
        bytes = 0;
        for number in 0..history.shape.agents {
            let service = estate::id(&estate::service(number))?;
            let query = FiguresQuery { service, window, at: None, as_of: Some(now), timelines: false };
            bytes += engine.figures(&query, now, now).map_err(io::Error::other)?.len();
        }
        Ok(())
    })?;
    engine.close().map_err(io::Error::other)?;
    println!("ours: {} of figures", indicatif::HumanBytes(bytes as u64));
    Ok(cost)
}

fn ask_peer(options: &Figures, history: &History) -> io::Result<Cost> {
    let folder = options.sides.run_folder()?;
    let mut victoria = Victoria::start(folder.path())?;
    load(&mut victoria, history.shape, history.days, history.start)?;
    let (port, pid) = (victoria.port(), victoria.pid());
    let (days, end) = (history.days, history.end().as_ms() / 1_000);
    let path = format!("/api/v1/query?query=avg_over_time(probe_success[{days}d])&time={end}&nocache=1");
    timed("peer, one number each", options.repeat, pid, || {
        let answer = http::get(port, &path)?;
        let found = answer.json()?["data"]["result"].as_array().map_or(0, Vec::len);
        if answer.code == 200 && found == history.shape.agents {
            Ok(())
        } else {
            Err(io::Error::other(format!("the peer has {found} of {} series", history.shape.agents)))
        }
    })
}
