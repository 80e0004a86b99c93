//! How fast figures are on this machine, reading the store included: the year of one service, and the month of many. Prints
//! one line for each.
//!
//! ```text
//! cargo run --release -p uphold-collector --example figures_pace -- <directory> [services] [seconds between attempts]
//! ```
//!
//! A directory that was used before is asked again. One agent; one probe a service. Of a thousand attempts one fails, and once in ten days a service is down for an hour.

#![expect(clippy::disallowed_methods, reason = "it measures, and is no part of the daemon")]

use std::path::Path;
use std::time::Instant as Stopwatch;

use uphold_collector::engine::Engine;
use uphold_collector::engine::query::FiguresQuery;
use uphold_collector::store::{Admitted, DataDir, EmbeddedStore, Store, StoreOptions};
use uphold_common::catalogue::model::WindowKind;
use uphold_common::ids::{Id, PathId};
use uphold_common::observation::{Cause, Micros, Observation, Outcome, Phases};
use uphold_common::time::{DAY_MS, Instant};
use uphold_common::wire::batch::{self, Batch, BatchKey, Epoch};
use uphold_common::wire::columns::Rows;

type Outcomes<T> = Result<T, Box<dyn std::error::Error>>;

/// 2026-01-01T00:00:00Z.
const NEW_YEAR: Instant = Instant::from_ms(20_454 * DAY_MS);
const YEAR_DAYS: i64 = 365;
const MONTH_DAYS: i64 = 31;
const TIMES: usize = 20;

fn main() -> Outcomes<()> {
    let mut words = std::env::args().skip(1);
    let directory = words.next().ok_or("the first argument is a directory")?;
    let services: i64 = words.next().map_or(Ok(1_000), |word| word.parse())?;
    let every_ms = 1_000 * words.next().map_or(Ok(300_i64), |word| word.parse())?;
    let directory = Path::new(&directory);
    let files = vec![("catalogue.yaml".to_owned(), catalogue(services, every_ms))];
    let now = NEW_YEAR.plus_ms((YEAR_DAYS + 1) * DAY_MS);
    if !directory.join("store").exists() {
        fill(directory, &files, services, every_ms, now)?;
    }
    for (what, of, window) in
        [("the year of one service", 0..1, WindowKind::Year), ("the month of all", 0..services, WindowKind::Month)]
    {
        let mut engine = Engine::open(Box::new(open(directory, now)?), &files, now)?;
        let mut took = Vec::new();
        let mut bytes = 0;
        for _ in 0..TIMES {
            let watch = Stopwatch::now();
            bytes = ask(&mut engine, of.clone(), window, now)?;
            took.push(watch.elapsed().as_micros());
        }
        let first = took.first().copied().unwrap_or_default();
        took.sort_unstable();
        println!("{what}: {first} us after opening, {} us at the median, {bytes} bytes", took[TIMES / 2]);
        engine.close()?;
    }
    Ok(())
}

/// Loads everything, and has it derived once.
fn fill(directory: &Path, files: &[(String, String)], services: i64, every_ms: i64, now: Instant) -> Outcomes<()> {
    let mut store = open(directory, now)?;
    let mut seq = 0;
    for day in 0..YEAR_DAYS {
        let count = if day < MONTH_DAYS { services } else { 1 };
        for first in (0..count).step_by(100) {
            seq += 1;
            let of = first..(first + 100).min(count);
            store.append(now, vec![day_of(seq, of, NEW_YEAR.plus_ms(day * DAY_MS), every_ms)?])?;
        }
        while store.maintain(now)?.more {}
    }
    store.close()?;
    drop(store);
    let watch = Stopwatch::now();
    let mut engine = Engine::open(Box::new(open(directory, now)?), files, now)?;
    ask(&mut engine, 0..1, WindowKind::Year, now)?;
    ask(&mut engine, 0..services, WindowKind::Month, now)?;
    println!("everything derived once, in {} ms", watch.elapsed().as_millis());
    engine.close()?;
    Ok(())
}

fn ask(engine: &mut Engine, of: std::ops::Range<i64>, window: WindowKind, now: Instant) -> Outcomes<usize> {
    let mut bytes = 0;
    for number in of {
        let (service, window) = (service(number)?, Some(window));
        let at = Some(NEW_YEAR.plus_ms(DAY_MS));
        let query = FiguresQuery { service, window, at, as_of: Some(now), timelines: false };
        bytes += engine.figures(&query, now, now)?.len();
    }
    Ok(bytes)
}

fn catalogue(services: i64, every_ms: i64) -> String {
    let service = |number: i64| {
        format!(
            "  - {{ id: s{number}, name: S, since: 2026-01-01T00:00:00Z, probes: [{{ id: p, agents: [a], \
             interval: {every_ms}ms, timeout: 5s, tcp: {{ address: '192.0.2.1:1' }} }}] }}\n"
        )
    };
    let target =
        |number: i64| format!("    - {{ id: t{number}, service: s{number}, window: month, availability: '99.9%' }}\n");
    let services: (String, String) = (0..services).map(|number| (service(number), target(number))).unzip();
    format!(
        "organisation: {{ name: Example, time_zone: UTC }}\ncustomers: [{{ id: c, name: C }}]\nservices:\n{}agreements:\n  \
         - id: sla\n    kind: sla\n    party: c\n    targets:\n{}",
        services.0, services.1
    )
}

fn open(directory: &Path, now: Instant) -> Outcomes<EmbeddedStore> {
    Ok(EmbeddedStore::open(DataDir::claim(directory, "figures_pace", now)?, StoreOptions::default())?)
}

fn service(number: i64) -> Outcomes<Id> {
    Ok(Id::new(&format!("s{number}"))?)
}

fn day_of(seq: u64, of: std::ops::Range<i64>, day: Instant, every_ms: i64) -> Outcomes<Admitted> {
    let mut streams = Vec::new();
    for number in of {
        let row = |place: i64| {
            let at = day.plus_ms(place * every_ms + number);
            // Bits that look like noise and are the same every time.
            let noise = (at.as_ms() + number).unsigned_abs().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
            let is_down = noise.is_multiple_of(1_009) || (at.as_ms() / 3_600_000 + number) % 240 == 7;
            let outcome = if is_down { Outcome::Down } else { Outcome::Up };
            let total = Micros::new(20_000 + noise % 4_096);
            Observation { at, outcome, cause: Cause::None, code: 200, total, phases: Phases::default() }
        };
        let rows = (0..DAY_MS / every_ms).map(row).collect();
        streams.push(Rows::Probe(PathId::new(service(number)?, Id::new("p")?), rows));
    }
    let key = BatchKey { agent: Id::new("a")?, epoch: Epoch([7; 16]), seq };
    let batch = Batch { key, closed_at: day.plus_ms(DAY_MS), streams, facts: Vec::new() };
    let framed = batch.encode()?;
    Ok(Admitted { digest: batch::digest(&framed), framed, batch: batch.into() })
}
