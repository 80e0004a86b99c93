//! Processor time of probes of one server, at the same rates on both sides.

use std::io;
use std::time::Duration;

use indicatif::ProgressBar;

use super::ask::{Pace, Question};
use super::assigned::{Asks, Probes};
use super::compared;
use super::options::Race;
use super::ours::{Ours, Programs};
use super::peer::{self, Exporter};
use super::spell::Spell;
use super::target::{Scheme, Target};
use crate::bench::progress;
use crate::bench::table::number;

/// Connections on which the peer is asked; enough that none of them is late.
const CONNECTIONS: u32 = 32;
/// For how long the peer is asked before it is measured, as the agent makes its first attempts before it is.
const PEER_FIRST: Duration = Duration::from_secs(3);

/// How long it takes at least.
pub(super) fn least(options: &Race) -> Duration {
    let pair = Duration::from_secs(u64::from(options.interval)) + PEER_FIRST + 2 * options.length();
    pair * options.pairs * (options.schemes.len() * options.rates.len()) as u32
}

/// Measures in turn, and prints tables.
pub(super) fn run(options: &Race, programs: &Programs) -> io::Result<()> {
    let bar =
        progress::bar("CPU of probes", u64::from(options.pairs) * (options.schemes.len() * options.rates.len()) as u64);
    let (mut runs, mut compared) = (Spell::table(), compared::table("blackbox_exporter"));
    for scheme in &options.schemes {
        for rate in &options.rates {
            let (mut peers, mut ours) = (Vec::new(), Vec::new());
            for _ in 0..options.pairs {
                let side = of_ours(options, programs, (*scheme, *rate), &bar)?;
                runs.row(side.row(&format!("{}, {scheme}, {rate}/s", compared::OURS)));
                ours.push(side.per_thousand());
                if !options.sides.without_peer {
                    let side = of_peer(options, (*scheme, *rate), &bar)?;
                    runs.row(side.row(&format!("blackbox_exporter, {scheme}, {rate}/s")));
                    peers.push(side.per_thousand());
                }
                let said = [&peers, &ours].map(|side| side.last().copied().map_or_else(String::new, number));
                let line = format!("{scheme}, {rate}/s, CPU-s per 1,000 probes: peer {}, ours {}", said[0], said[1]);
                bar.suspend(|| println!("{line}"));
                bar.inc(1);
            }
            compared.row(compared::row(&format!("CPU-s per 1,000 probes, {scheme}, {rate}/s"), &peers, &ours));
        }
    }
    bar.finish_and_clear();
    print!("\n{runs}\n{compared}\n");
    Ok(())
}

fn of_ours(options: &Race, programs: &Programs, (scheme, rate): (Scheme, u32), bar: &ProgressBar) -> io::Result<Spell> {
    let target = Target::start()?;
    let probes = Probes::at(rate, options.interval, Asks::Url(scheme, target.url(scheme)));
    let ours = Ours::start(options, programs, &probes, None)?;
    ours.wait_for(probes.count, probes.interval_ms, bar)?;
    Spell::ours(&ours, &target, options.length(), bar)?.at_rate(probes.rate())
}

fn of_peer(options: &Race, (scheme, rate): (Scheme, u32), bar: &ProgressBar) -> io::Result<Spell> {
    let target = Target::start()?;
    let exporter = Exporter::blackbox(options, None)?;
    let path = peer::probe(&target.url(scheme));
    let question = Question { address: exporter.address(), path, good: "\nprobe_success 1" };
    let pace = Pace::Rate(f64::from(rate));
    question.ask(pace, CONNECTIONS, PEER_FIRST)?;
    Spell::peer(&exporter, &target, (&question, pace, CONNECTIONS), options.length(), bar)?.at_rate(f64::from(rate))
}
