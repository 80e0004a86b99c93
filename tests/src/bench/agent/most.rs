//! The most probes a second on one core: whoever probes has it for itself, everything else runs on the others.

use std::io;
use std::time::Duration;

use indicatif::ProgressBar;

use super::ask::{Pace, Question};
use super::assigned::{Asks, Probes};
use super::compared;
use super::cores::Cores;
use super::options::Race;
use super::ours::{Ours, Programs};
use super::peer::{self, Exporter};
use super::spell::Spell;
use super::target::{Scheme, Target};
use crate::bench::progress;
use crate::bench::table::number;
use crate::process::wait::rest;

/// Connections that ask the peer without a pause: as many as an agent makes attempts at once against one server.
const CONNECTIONS: u32 = 32;
/// Milliseconds between two attempts of one probe.
const INTERVAL_MS: u32 = 500;
/// How long each side is at its most before it is measured.
const FIRST: Duration = Duration::from_secs(3);

/// How long it takes at least.
pub(super) fn least(options: &Race) -> Duration {
    2 * (FIRST + options.length()) * options.pairs * options.schemes.len() as u32
}

/// Measures in turn, and prints tables.
pub(super) fn run(options: &Race, programs: &Programs) -> io::Result<()> {
    let cores = Cores::of_this_program()?;
    let bar = progress::bar("the most on one core", u64::from(options.pairs) * options.schemes.len() as u64);
    let (mut runs, mut compared) = (Spell::table(), compared::table("blackbox_exporter"));
    for scheme in &options.schemes {
        let (mut peers, mut ours) = (Vec::new(), Vec::new());
        for _ in 0..options.pairs {
            let kept_off = cores.keep_off_the_first()?;
            let side = of_ours(options, programs, (*scheme, kept_off.core()), &bar)?;
            runs.row(side.row(&format!("{}, {scheme}", compared::OURS)));
            ours.push(side);
            if !options.sides.without_peer {
                let side = of_peer(options, (*scheme, kept_off.core()), &bar)?;
                runs.row(side.row(&format!("blackbox_exporter, {scheme}")));
                peers.push(side);
            }
            let said = [&peers, &ours].map(|side| side.last().map_or_else(String::new, |side| number(side.rate())));
            bar.suspend(|| println!("{scheme}, probes/s on one core: peer {}, ours {}", said[0], said[1]));
            bar.inc(1);
        }
        for (what, figure) in [
            ("probes/s on one core", Spell::rate as fn(&Spell) -> f64),
            ("probes for a second of CPU, at the most", Spell::per_core_second),
        ] {
            let [peers, ours] = [&peers, &ours].map(|side| side.iter().map(figure).collect::<Vec<f64>>());
            compared.row(compared::row(&format!("{what}, {scheme}"), &peers, &ours));
        }
    }
    bar.finish_and_clear();
    print!("\n{runs}\n{compared}\n");
    Ok(())
}

fn of_ours(options: &Race, programs: &Programs, (scheme, core): (Scheme, u32), bar: &ProgressBar) -> io::Result<Spell> {
    let target = Target::start()?;
    let (count, interval_ms) = ((options.most * INTERVAL_MS / 1_000) as usize, u64::from(INTERVAL_MS));
    let probes = Probes { count, interval_ms, host: false, asks: Asks::Url(scheme, target.url(scheme)) };
    let ours = Ours::start(options, programs, &probes, Some(core))?;
    ours.wait_for(1, interval_ms, bar)?;
    rest(FIRST);
    let side = Spell::ours(&ours, &target, options.length(), bar)?;
    if side.skipped == 0 {
        return Err(io::Error::other(format!(
            "the agent made all of {} attempts a second, so it can make more: say more with --most",
            options.most
        )));
    }
    Ok(side)
}

fn of_peer(options: &Race, (scheme, core): (Scheme, u32), bar: &ProgressBar) -> io::Result<Spell> {
    let target = Target::start()?;
    let exporter = Exporter::blackbox(options, Some(core))?;
    let path = peer::probe(&target.url(scheme));
    let question = Question { address: exporter.address(), path, good: "\nprobe_success 1" };
    question.ask(Pace::WithoutPause, CONNECTIONS, FIRST)?;
    Spell::peer(&exporter, &target, (&question, Pace::WithoutPause, CONNECTIONS), options.length(), bar)
}
