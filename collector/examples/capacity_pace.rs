//! What targets on capacity cost: the first tick, and ticks after it, with a month of readings of each. One line each.
//!
//! ```text
//! cargo run --release -p uphold-collector --example capacity_pace -- <empty directory> [targets]
//! ```
//!
//! Each target has a host of its own, read every 15 s for 31 days; half of them are counted over the month, half over the
//! last 30 days. A batch of all hosts arrives every 15 s of the ticks that are timed.

#![expect(clippy::disallowed_methods, reason = "it measures, and is no part of the daemon")]

use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant as Stopwatch;

use uphold_collector::engine::Engine;
use uphold_collector::ingest::{Arrived, Backlog};
use uphold_collector::store::{Admitted, DataDir, EmbeddedStore, Store, StoreOptions, Told};
use uphold_common::ids::Id;
use uphold_common::observation::{Reading, Resource, ResourceId};
use uphold_common::time::{DAY_MS, Instant, Interval};
use uphold_common::wire::batch::{self, Batch, BatchKey, Epoch};
use uphold_common::wire::columns::Rows;

type Outcomes<T> = Result<T, Box<dyn std::error::Error>>;

/// The last instant of a month of 31 days, less a quarter of an hour.
const NOW_MS: i64 = 20_544 * DAY_MS - 900_000;
const DAYS: i64 = 31;
const STEP_MS: i64 = 15_000;
const TICKS: i64 = 120;

fn main() -> Outcomes<()> {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments.next().ok_or("the first argument is an empty directory")?;
    let targets: u64 = arguments.next().map_or(Ok(100), |text| text.parse())?;
    let now = Instant::from_ms(NOW_MS);
    let mut store = EmbeddedStore::open(DataDir::claim(Path::new(&directory), "pace", now)?, StoreOptions::default())?;
    let filling = Stopwatch::now();
    for day in 0..DAYS {
        let start = now.minus_ms((DAYS - day) * DAY_MS);
        for host in 0..targets {
            let batch = readings(host, day.unsigned_abs() + 1, Interval::new(start, start.plus_ms(DAY_MS)))?;
            store.append(start.plus_ms(DAY_MS), vec![batch])?;
            while store.maintain(start.plus_ms(DAY_MS))?.more {}
        }
    }
    println!("{targets} targets of {DAYS} days stored in {} ms", filling.elapsed().as_millis());
    let files = [("catalogue.yaml".to_owned(), catalogue(targets)?)];
    let mut engine = Engine::open(Box::new(store), &files, now)?;
    let first = Stopwatch::now();
    engine.tick(now)?;
    println!("the first tick: {} ms", first.elapsed().as_millis());
    let mut took_us = Vec::new();
    for second in 1..=TICKS {
        let at = now.plus_ms(second * 1_000);
        if at.as_ms() % STEP_MS == 0 {
            push(&mut engine, targets, at)?;
        }
        let watch = Stopwatch::now();
        engine.tick(at)?;
        took_us.push(watch.elapsed().as_micros());
    }
    took_us.sort_unstable();
    let at = |share: usize| took_us.get((took_us.len() - 1) * share / 100).copied().unwrap_or(0);
    println!("a tick: {} µs half of the time, {} µs at 95 %, {} µs at most", at(50), at(95), at(100));
    Ok(())
}

fn id(text: &str) -> Outcomes<Id> {
    Ok(Id::new(text)?)
}

/// A batch of one host's readings.
fn readings(host: u64, seq: u64, span: Interval) -> Outcomes<Admitted> {
    let resource = ResourceId { host: id(&format!("h{host}"))?, resource: Resource::Memory, of: String::new() };
    let mut rows = Vec::new();
    let mut at = span.start;
    while at < span.end {
        let mixed = (at.as_ms().unsigned_abs() ^ (host << 40)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 34;
        rows.push(Reading { at, used: (8 << 30) + mixed * 4, limit: 16 << 30 });
        at = at.plus_ms(STEP_MS);
    }
    let key = BatchKey { agent: id(&format!("agent-{host}"))?, epoch: Epoch([1; 16]), seq };
    let batch = Batch { key, closed_at: span.end, streams: vec![Rows::Capacity(resource, rows)], facts: Vec::new() };
    let framed = batch.encode()?;
    Ok(Admitted { digest: batch::digest(&framed), framed, batch: batch.into() })
}

/// What every host's agent delivers every 15 s.
fn push(engine: &mut Engine, targets: u64, at: Instant) -> Outcomes<()> {
    let seq = 100 + at.as_ms().unsigned_abs() / 1_000;
    let backlog =
        Backlog { told: Told { acknowledged: seq - 1, ..Told::default() }, batches: 0, oldest: None, sent_at: at };
    let span = Interval::new(at.minus_ms(1_000), at);
    let arrived = |host| Ok(Arrived { authenticated: false, token: None, backlog, batch: readings(host, seq, span)? });
    let group = (0..targets).map(arrived).collect::<Outcomes<Vec<_>>>()?;
    engine.take_in(group, at)?;
    Ok(())
}

fn catalogue(targets: u64) -> Outcomes<String> {
    let mut hosts = String::new();
    let mut promises = String::new();
    for host in 0..targets {
        let window = if host % 2 == 0 { "month" } else { "30d" };
        writeln!(hosts, "  - {{ id: h{host}, agent: agent-{host} }}")?;
        writeln!(
            promises,
            "      - {{ id: t{host}, service: shop, window: {window}, capacity: {{ host: h{host}, resource: memory, \
             warning: 60%, critical: 90% }} }}"
        )?;
    }
    Ok(format!(
        "organisation: {{ name: Pace, time_zone: UTC }}
customers: [{{ id: retail, name: Retail }}]
hosts:
{hosts}services:
  - id: shop
    name: Shop
    since: 2026-01-01T00:00:00Z
    probes: [{{ id: web, agents: [a], interval: 10s, timeout: 5s, tcp: {{ address: '127.0.0.1:1' }} }}]
agreements:
  - id: sla
    kind: sla
    party: retail
    targets:
{promises}"
    ))
}
