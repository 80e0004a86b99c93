//! `compact`: everything that waits in the store is sealed and merged.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde_json::json;
use uphold_manual::after_help;

use super::ask::{self, local_actor, open, understood};
use super::exit::{ASKED, Ended, UNAVAILABLE};
use super::progress::Progress;
use super::runtime::block_on;
use crate::api::socket::Ask;
use crate::clock;
use crate::engine::Engine;
use crate::engine::compaction::Compaction;

const EXAMPLES: [&str; 1] = ["uphold-collector compact --data ./uphold-data"];
const ROUTE: &str = "/api/v1/store/compaction";
/// How often a running collector is asked how far it has come.
const ASKED_EVERY: Duration = Duration::from_millis(200);

/// What `compact` is told.
#[derive(Debug, Args)]
#[command(after_help = after_help::written(&EXAMPLES, &ASKED))]
pub(super) struct CompactArgs {
    /// The data directory.
    #[arg(long, value_name = "DIR", default_value = "./uphold-data")]
    data: PathBuf,
}

pub(super) fn compact(args: &CompactArgs) -> Result<(), Ended> {
    let bar = Progress::of("compacting");
    let (before, after) = match ask::running(&args.data, &Ask::post(ROUTE, &json!({})))? {
        Some(begun) => followed(&args.data, understood(&begun)?, &bar)?,
        None => in_store(&mut open(&args.data)?, &bar)?,
    };
    drop(bar);
    let streams = after.merged_streams.saturating_sub(before.merged_streams);
    anstream::println!(
        "Compacted: {} rows and {} parts, {streams} streams merged; the store takes {} bytes, before {}.",
        before.head_rows,
        before.parts,
        after.disk_bytes,
        before.disk_bytes
    );
    Ok(())
}

/// Asks the running collector how far it is until it is done; what there was at first, and what there is at last.
fn followed(data: &Path, begun: Compaction, bar: &Progress) -> Result<(Compaction, Compaction), Ended> {
    let (mut now, mut most) = (begun, 0);
    while now.running {
        show(bar, &begun, &now, &mut most);
        block_on(async {
            tokio::time::sleep(ASKED_EVERY).await;
            Ok(())
        })?;
        let ended = || Ended::new(UNAVAILABLE, "the collector ended before everything was merged");
        now = understood(&ask::running(data, &Ask::get(ROUTE))?.ok_or_else(ended)?)?;
    }
    Ok((begun, now))
}

/// Works on the store itself, as nobody else holds it: through an engine, which drops what was derived from fewer rows.
fn in_store(engine: &mut Engine, bar: &Progress) -> Result<(Compaction, Compaction), Ended> {
    let unavailable = |error: &dyn std::fmt::Display| Ended::new(UNAVAILABLE, error);
    let begun = engine.compact(&local_actor(), clock::now()).map_err(|error| unavailable(&error))?;
    let mut most = 0;
    while engine.compaction().running {
        engine.upkeep(clock::now()).map_err(|error| unavailable(&error))?;
        show(bar, &begun, &engine.compaction(), &mut most);
    }
    engine.close().map_err(|error| unavailable(&error))?;
    Ok((begun, engine.compaction()))
}

fn show(bar: &Progress, begun: &Compaction, now: &Compaction, most: &mut u64) {
    *most = now.dates_unmerged.max(*most);
    let streams = now.merged_streams.saturating_sub(begun.merged_streams);
    bar.show(most.saturating_sub(now.dates_unmerged), *most, format!("dates, {streams} streams"));
}
