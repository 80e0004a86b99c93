//! How fast the store is on this machine: append, seal, open, merge, read. Prints one line for each.
//!
//! ```text
//! cargo run --release -p uphold-collector --example store_pace -- <empty directory>
//! ```
//!
//! One agent with 2,000 probes every minute for a day, a batch a minute and 200 probes, ten batches in a commit.

#![expect(clippy::disallowed_methods, reason = "it measures, and is no part of the daemon")]

use std::path::Path;
use std::time::Instant as Stopwatch;

use uphold_collector::store::{Admitted, DataDir, EmbeddedStore, Store, StoreOptions};
use uphold_common::ids::{Id, PathId, VantagePoint};
use uphold_common::observation::{Cause, Micros, Observation, Outcome, Phases};
use uphold_common::time::{DAY_MS, Instant, Interval};
use uphold_common::wire::batch::{self, Batch, BatchKey, Epoch};
use uphold_common::wire::columns::Rows;

type Outcomes<T> = Result<T, Box<dyn std::error::Error>>;

const MIDNIGHT: Instant = Instant::from_ms(20_454 * DAY_MS);
const PROBES: u64 = 2_000;
const MINUTES: u64 = 1_440;

fn main() -> Outcomes<()> {
    let directory = std::env::args().nth(1).ok_or("the argument is an empty directory")?;
    let directory = Path::new(&directory);
    let mut store = open(directory)?;
    let (mut append_us, mut seal_us) = (Vec::new(), Vec::new());
    let mut seq = 0;
    for minute in 0..MINUTES {
        let now = MIDNIGHT.plus_ms(i64::try_from(minute)? * 60_000);
        let mut group = Vec::new();
        for part in 0..10 {
            seq += 1;
            group.push(batch(seq, part, minute, now)?);
        }
        let watch = Stopwatch::now();
        store.append(now, group)?;
        append_us.push(watch.elapsed().as_micros());
        let watch = Stopwatch::now();
        if store.maintain(now)?.sealed_rows.is_some() {
            seal_us.push(watch.elapsed().as_micros());
        }
    }
    let rows = u128::from(PROBES * MINUTES);
    append_us.sort_unstable();
    println!("append  {} us for 2,000 rows at the median, {} at most", append_us[720], append_us[1_439]);
    println!("append  {} rows a second", rows * 1_000_000 / append_us.iter().sum::<u128>());
    println!("seal    {} times, {} us at most", seal_us.len(), seal_us.iter().max().unwrap_or(&0));
    println!("disk    {} bytes for {rows} rows, before merging", store.stats().disk_bytes);
    drop(store);

    let watch = Stopwatch::now();
    let mut store = open(directory)?;
    println!("open    {} us with {} batches to replay", watch.elapsed().as_micros(), store.stats().journal_batches);
    let over = MIDNIGHT.plus_ms(DAY_MS + 3_600_000);
    let (watch, mut steps, mut longest_us) = (Stopwatch::now(), 0, 0);
    loop {
        let step = Stopwatch::now();
        let done = store.maintain(over)?;
        (steps, longest_us) = (steps + 1, longest_us.max(step.elapsed().as_micros()));
        if !done.more {
            break;
        }
    }
    println!("merge   {} us in {steps} steps, {longest_us} us at most", watch.elapsed().as_micros());
    let watch = Stopwatch::now();
    let mut read = 0;
    for number in 0..PROBES {
        read += store.observations(&vantage(number)?, Interval::new(MIDNIGHT, over))?.len();
    }
    println!("read    {read} rows of {PROBES} streams in {} us", watch.elapsed().as_micros());
    println!("disk    {} bytes after merging", store.stats().disk_bytes);
    Ok(store.close()?)
}

fn open(directory: &Path) -> Outcomes<EmbeddedStore> {
    Ok(EmbeddedStore::open(DataDir::claim(directory, "store_pace", MIDNIGHT)?, StoreOptions::default())?)
}

fn vantage(number: u64) -> Outcomes<VantagePoint> {
    let probe = PathId::new(Id::new(&format!("service-{}", number / 10))?, Id::new(&format!("probe-{}", number % 10))?);
    Ok(VantagePoint { probe, agent: Id::new("zurich-1")? })
}

fn batch(seq: u64, part: u64, minute: u64, now: Instant) -> Outcomes<Admitted> {
    let mut streams = Vec::new();
    for number in part * 200..(part + 1) * 200 {
        // Bits that look like noise and are the same every time.
        let noise = (seq * 2_000 + number).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        let phase = |part: u64| Micros::new(200 + (noise >> part) % 500);
        let row = Observation {
            at: now.plus_ms(i64::try_from(number * 29 + minute % 3)?),
            outcome: if noise.is_multiple_of(1_009) { Outcome::Down } else { Outcome::Up },
            cause: Cause::None,
            code: 200,
            total: Micros::new(20_000 + noise % 4_096),
            phases: Phases { resolve: phase(1), connect: phase(3), first_byte: phase(5), ..Phases::default() },
        };
        streams.push(Rows::Probe(vantage(number)?.probe, vec![row]));
    }
    let key = BatchKey { agent: Id::new("zurich-1")?, epoch: Epoch([7; 16]), seq };
    let batch = Batch { key, closed_at: now, streams, facts: Vec::new() };
    let framed = batch.encode()?;
    Ok(Admitted { digest: batch::digest(&framed), framed, batch: batch.into() })
}
