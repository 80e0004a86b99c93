//! Many probes on one agent: what is made of them, and what that takes.

use std::io;
use std::time::Duration;

use super::assigned::{Asks, Probes};
use super::compared;
use super::options::Race;
use super::ours::{Ours, Programs};
use super::spell::Spell;
use super::target::{Scheme, Target};
use crate::bench::progress;

/// How often each of them is made.
const INTERVAL_MS: u64 = 30_000;

/// How long it takes at least.
pub(super) fn least(options: &Race) -> Duration {
    Duration::from_millis(INTERVAL_MS) + options.watched()
}

/// Measures once, and prints a table.
pub(super) fn run(options: &Race, programs: &Programs) -> io::Result<()> {
    let bar = progress::bar("many probes", 2);
    let target = Target::start()?;
    let asks = Asks::Url(Scheme::Http, target.url(Scheme::Http));
    let probes = Probes { count: options.many as usize, interval_ms: INTERVAL_MS, host: false, asks };
    let ours = Ours::start(options, programs, &probes, None)?;
    ours.wait_for(probes.count, probes.interval_ms, &bar)?;
    bar.inc(1);
    let spell = Spell::ours(&ours, &target, options.watched(), &bar)?;
    bar.finish_and_clear();
    let mut table = Spell::table();
    table.row(spell.row(compared::OURS));
    let due = probes.rate() * spell.wall.as_secs_f64();
    print!("\n{} probes each 30 s: {due:.0} attempts were due\n{table}\n", probes.count);
    Ok(())
}
