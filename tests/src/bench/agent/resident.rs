//! Memory and processor time of few probes together with the host's capacity: one agent, beside both exporters.

use std::io;
use std::thread;
use std::time::Duration;

use indicatif::ProgressBar;

use super::ask::{Answers, Pace, Question};
use super::assigned::{Asks, Probes};
use super::compared;
use super::options::Race;
use super::ours::{Ours, Programs};
use super::peer::{self, Exporter};
use super::spell::is_about;
use super::target::{Scheme, Target};
use crate::bench::daemon::Daemon;
use crate::bench::progress;
use crate::bench::table::{megabytes, number};
use crate::bench::usage;
use crate::process::wait::rest;

/// How many probes, and how often.
const PROBES: u32 = 100;
const INTERVAL_MS: u64 = 30_000;
/// How often the host's capacity is asked for.
const SCRAPE_EVERY_S: f64 = 15.0;

/// What was seen of the processes of one side, together.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    resident: u64,
    peak: u64,
    anonymous: u64,
    processor: Duration,
}

impl Seen {
    /// What one process took while `meanwhile` was done, and what it holds after that.
    fn over(daemons: &[&Daemon], meanwhile: impl FnOnce() -> io::Result<()>) -> io::Result<Self> {
        let times = || daemons.iter().map(|daemon| usage::processor_time(daemon.pid())).sum::<io::Result<Duration>>();
        let before = times()?;
        meanwhile()?;
        let mut seen = Self { processor: times()?.saturating_sub(before), ..Self::default() };
        for daemon in daemons {
            let memory = usage::memory(daemon.pid())?;
            seen.resident += memory.resident;
            seen.peak += memory.peak;
            seen.anonymous += memory.anonymous;
        }
        Ok(seen)
    }
}

/// How long it takes at least.
pub(super) fn least(options: &Race) -> Duration {
    let sides = if options.sides.without_peer { 1 } else { 2 };
    (Duration::from_millis(INTERVAL_MS) + options.watched()) * sides * options.pairs
}

/// Measures in turn, and prints a table.
pub(super) fn run(options: &Race, programs: &Programs) -> io::Result<()> {
    let bar = progress::bar("memory", u64::from(options.pairs));
    let (mut peers, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..options.pairs {
        ours.push(of_ours(options, programs, &bar)?);
        if !options.sides.without_peer {
            peers.push(of_peer(options, &bar)?);
        }
        let said = [&peers, &ours].map(|side| side.last().map_or_else(String::new, |seen| megabytes(seen.resident)));
        bar.suspend(|| println!("VmRSS: peers {}, ours {}", said[0], said[1]));
        bar.inc(1);
    }
    bar.finish_and_clear();
    let minutes = options.watched().as_secs_f64() / 60.0;
    let mut table = compared::table("both exporters");
    let in_megabytes = |bytes: fn(&Seen) -> u64| move |seen: &Seen| bytes(seen) as f64 / 1e6;
    let mut add = |what: &str, figure: &dyn Fn(&Seen) -> f64| {
        let [peers, ours] = [&peers, &ours].map(|side| side.iter().map(figure).collect::<Vec<f64>>());
        table.row(compared::row(what, &peers, &ours));
    };
    add("VmRSS, MB", &in_megabytes(|seen| seen.resident));
    add("of it anonymous, MB", &in_megabytes(|seen| seen.anonymous));
    add("VmHWM, MB", &in_megabytes(|seen| seen.peak));
    add("CPU-s a minute", &|seen| seen.processor.as_secs_f64() / minutes);
    print!("\n{PROBES} probes each 30 s and the host's capacity, after {} s\n{table}\n", options.watched().as_secs());
    Ok(())
}

fn of_ours(options: &Race, programs: &Programs, bar: &ProgressBar) -> io::Result<Seen> {
    let target = Target::start()?;
    let asks = Asks::Url(Scheme::Http, target.url(Scheme::Http));
    let probes = Probes { count: PROBES as usize, interval_ms: INTERVAL_MS, host: true, asks };
    let ours = Ours::start(options, programs, &probes, None)?;
    ours.wait_for(probes.count, probes.interval_ms, bar)?;
    let before = ours.attempts()?;
    progress::says(bar, &format!("uphold-agent is watched for {:?}", options.watched()));
    let seen = Seen::over(&[ours.agent()], || {
        rest(options.watched());
        Ok(())
    })?;
    let made = ours.attempts()? - before;
    let expected = probes.rate() * options.watched().as_secs_f64();
    if made.others > 0 || !is_about(made.up as f64, expected) {
        return Err(io::Error::other(format!("the agent made {made:?}, and {} are expected", number(expected))));
    }
    Ok(seen)
}

fn of_peer(options: &Race, bar: &ProgressBar) -> io::Result<Seen> {
    let target = Target::start()?;
    let (blackbox, node) = (Exporter::blackbox(options, None)?, Exporter::node(options)?);
    let path = peer::probe(&target.url(Scheme::Http));
    let probe = Question { address: blackbox.address(), path, good: "\nprobe_success 1" };
    let scrape = Question { address: node.address(), path: "/metrics".to_owned(), good: "\nnode_cpu_seconds_total" };
    let rate = f64::from(PROBES) * 1e3 / INTERVAL_MS as f64;
    // The agent has made each probe once before it is measured.
    progress::says(bar, &format!("blackbox_exporter makes its first {PROBES} probes, which takes {INTERVAL_MS} ms"));
    asked(&probe, &scrape, rate, Duration::from_millis(INTERVAL_MS))?;
    progress::says(bar, &format!("both exporters are watched for {:?}", options.watched()));
    Seen::over(&[blackbox.daemon(), node.daemon()], || asked(&probe, &scrape, rate, options.watched()))
}

/// Asks both for so long, as Prometheus does.
fn asked(probe: &Question, scrape: &Question, rate: f64, length: Duration) -> io::Result<()> {
    let (probed, scraped) = thread::scope(|scope| {
        let scraping = scope.spawn(|| scrape.ask(Pace::Rate(1.0 / SCRAPE_EVERY_S), 1, length));
        let probed = probe.ask(Pace::Rate(rate), 2, length);
        (probed, scraping.join())
    });
    let scraped = scraped.unwrap_or_else(|_| Err(io::Error::other("the thread that asks has ended")))?;
    match (probed?, scraped) {
        (Answers { others: 0, .. }, Answers { others: 0, .. }) => Ok(()),
        (probed, scraped) => Err(io::Error::other(format!("not all was well: probes {probed:?}, scrapes {scraped:?}"))),
    }
}
