//! How far the duration of an attempt, as it is kept, is from what the server did; beside a bare client at the same rate.

use std::io;
use std::time::Duration;

use indicatif::ProgressBar;

use super::assigned::{Asks, Probes};
use super::bare;
use super::compared::{self, quantile};
use super::known::Known;
use super::options::Race;
use super::ours::{Ours, Programs};
use super::pairs::{errors_us, read};
use super::spell::is_about;
use crate::bench::progress;
use crate::bench::table::{Table, number};
use crate::process::wait::{rest, wait_until, wall_ms};

/// How long the server's last notes may take.
const NOTED_WITHIN: Duration = Duration::from_secs(10);

/// How long it takes at least.
pub(super) fn least(options: &Race) -> Duration {
    (Duration::from_secs(u64::from(options.interval)) + 2 * options.length()) * options.pairs
}

/// Measures in turn, and prints tables.
pub(super) fn run(options: &Race, programs: &Programs) -> io::Result<()> {
    let bar = progress::bar("accuracy", u64::from(options.pairs));
    let columns = ["run", "attempts", "median error, ms", "p99, ms", "most, ms"];
    let (mut runs, mut compared) = (Table::of(&columns), compared::table("bare client"));
    let (mut clients, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..options.pairs {
        for (name, sides, errors) in [
            (compared::OURS, &mut ours, of_ours(options, programs, &bar)?),
            ("bare client", &mut clients, of_client(options, &bar)?),
        ] {
            let figures = [0.5, 0.99, 1.0].map(|share| quantile(&errors, share) / 1e3);
            let [median, p99, most] = figures.map(number);
            bar.suspend(|| println!("{name}: median error {median} ms, p99 {p99} ms"));
            runs.row([name.to_owned(), errors.len().to_string(), median, p99, most]);
            sides.push(figures);
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    for (place, what) in ["median error, ms", "p99 of the error, ms"].into_iter().enumerate() {
        let [clients, ours] = [&clients, &ours].map(|side| side.iter().map(|run| run[place]).collect::<Vec<f64>>());
        compared.row(compared::row(what, &clients, &ours));
    }
    let (rate, delay) = (options.accuracy_rate, options.delay());
    print!("\n{rate} probes a second of a server that answers after {delay:?}\n{runs}\n{compared}\n");
    Ok(())
}

fn of_ours(options: &Race, programs: &Programs, bar: &ProgressBar) -> io::Result<Vec<f64>> {
    let known = Known::start(options.delay())?;
    let asks = Asks::Numbered(format!("http://{}/", known.address()));
    let probes = Probes::at(options.accuracy_rate, options.interval, asks);
    let ours = Ours::start(options, programs, &probes, None)?;
    ours.wait_for(probes.count, probes.interval_ms, bar)?;
    progress::says(bar, &format!("uphold-agent is measured for {:?}", options.length()));
    let from_ms = wall_ms();
    rest(options.length());
    let to_ms = wall_ms();
    let measured = read(&ours.exported()?, from_ms, to_ms).map_err(io::Error::other)?;
    let due = probes.rate() * options.length().as_secs_f64();
    if !is_about(measured.len() as f64, due) {
        let due = number(due);
        return Err(io::Error::other(format!(
            "{} attempts were made and delivered, and {due} were due",
            measured.len()
        )));
    }
    errors_us(&measured, &known.notes()).map_err(io::Error::other)
}

fn of_client(options: &Race, bar: &ProgressBar) -> io::Result<Vec<f64>> {
    let known = Known::start(options.delay())?;
    progress::says(bar, &format!("the bare client is measured for {:?}", options.length()));
    let measured = bare::measure(known.address(), options.accuracy_rate, options.length())?;
    // A request is noted after its answer was sent.
    wait_until(NOTED_WITHIN, "the server to note every request", || known.notes().len() >= measured.len())?;
    errors_us(&measured, &known.notes()).map_err(io::Error::other)
}
