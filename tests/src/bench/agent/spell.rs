//! One run of one side, read off: what it took and what it made, and what the machine did meanwhile.

use std::io;
use std::time::Duration;

use indicatif::ProgressBar;

use super::ask::{Pace, Question};
use super::compared;
use super::ours::Ours;
use super::peer::Exporter;
use super::target::Target;
use crate::bench::daemon::Daemon;
use crate::bench::progress;
use crate::bench::table::{Table, megabytes, number, seconds};
use crate::bench::usage;
use crate::process::wait::{Stopwatch, rest};

/// By what part two counts of the same may differ: attempts go on while they are read.
const COUNT_OFF: f64 = 0.02;
/// And by how many besides, among them those that ask the server how often it was asked.
const COUNT_OFF_LEAST: f64 = 20.0;

/// What one run of one side came to.
#[derive(Clone, Debug)]
pub(super) struct Spell {
    /// How long it was.
    pub(super) wall: Duration,
    /// Processor time of whoever probed.
    pub(super) processor: Duration,
    /// Probes that were made and were up.
    pub(super) made: u64,
    /// Probes that were due and not made.
    pub(super) skipped: u64,
    /// Memory at the end: now, and at its most since the process was started.
    pub(super) memory: usage::Memory,
    /// Processor time of the server that was probed.
    target: Duration,
    /// Cores that nobody of ours kept busy meanwhile.
    foreign_cores: f64,
    /// Processor time of a piece of work that is always the same, right before the run.
    fixed_work: Duration,
}

impl Spell {
    /// What an agent makes of what it is assigned, for so long.
    pub(super) fn ours(ours: &Ours, target: &Target, length: Duration, bar: &ProgressBar) -> io::Result<Self> {
        progress::says(bar, &format!("{} is measured for {length:?}", compared::OURS));
        let fixed_work = usage::of_fixed_work()?;
        let (asked, before) = (target.requests()?, ours.attempts()?);
        let meter = Meter::start(ours.agent(), target.pid()?, &[ours.collector_pid()?])?;
        rest(length);
        let read = meter.read()?;
        // What the agent says of itself takes its processor time, so it is asked before and after.
        let made = ours.attempts()? - before;
        let spell = read.spell((made.up, made.others, made.skipped), fixed_work)?;
        spell.checked(target.requests()?.saturating_sub(asked))
    }

    /// What an exporter makes of what it is asked, for so long.
    pub(super) fn peer(
        peer: &Exporter,
        target: &Target,
        (question, pace, connections): (&Question, Pace, u32),
        length: Duration,
        bar: &ProgressBar,
    ) -> io::Result<Self> {
        progress::says(bar, &format!("blackbox_exporter is measured for {length:?}"));
        let fixed_work = usage::of_fixed_work()?;
        let asked = target.requests()?;
        let meter = Meter::start(peer.daemon(), target.pid()?, &[])?;
        let answers = question.ask(pace, connections, length)?;
        let spell = meter.read()?.spell((answers.good, answers.others, 0), fixed_work)?;
        spell.checked(target.requests()?.saturating_sub(asked))
    }

    /// Seconds of processor time for a thousand probes.
    pub(super) fn per_thousand(&self) -> f64 {
        self.processor.as_secs_f64() * 1e3 / self.made as f64
    }

    /// Probes a second.
    pub(super) fn rate(&self) -> f64 {
        self.made as f64 / self.wall.as_secs_f64()
    }

    /// Probes for one second of processor time.
    pub(super) fn per_core_second(&self) -> f64 {
        self.made as f64 / self.processor.as_secs_f64()
    }

    /// That as many were made as this rate asks for.
    pub(super) fn at_rate(self, rate: f64) -> io::Result<Self> {
        if is_about(self.made as f64, rate * self.wall.as_secs_f64()) {
            return Ok(self);
        }
        let (made, skipped) = (number(self.rate()), self.skipped);
        Err(io::Error::other(format!("{rate} probes a second are asked for, {made} were made and {skipped} skipped")))
    }

    /// The server was asked as often as the side says.
    fn checked(self, requests: u64) -> io::Result<Self> {
        if is_about(requests as f64, self.made as f64) {
            return Ok(self);
        }
        let made = self.made;
        Err(io::Error::other(format!(
            "{made} probes were made by their side, and the server was asked {requests} times"
        )))
    }

    /// A table of runs.
    pub(super) fn table() -> Table {
        Table::of(&[
            "run",
            "wall",
            "probes",
            "probes/s",
            "skipped",
            "CPU",
            "CPU-s per 1,000",
            "cores",
            "nginx CPU",
            "VmRSS",
            "VmHWM",
            "foreign cores",
            "fixed work",
        ])
    }

    /// Its row there.
    pub(super) fn row(&self, name: &str) -> Vec<String> {
        vec![
            name.to_owned(),
            seconds(self.wall),
            self.made.to_string(),
            number(self.rate()),
            self.skipped.to_string(),
            seconds(self.processor),
            number(self.per_thousand()),
            number(self.processor.as_secs_f64() / self.wall.as_secs_f64()),
            seconds(self.target),
            megabytes(self.memory.resident),
            megabytes(self.memory.peak),
            number(self.foreign_cores),
            seconds(self.fixed_work),
        ]
    }
}

/// Processor time of processes over a stretch of time.
struct Meter {
    began: Stopwatch,
    /// Whoever is measured, the server, this program, and further ones; with what each had taken.
    processes: Vec<(u32, Duration)>,
    machine: Duration,
}

/// What a meter says.
struct Reading {
    wall: Duration,
    spent: Vec<Duration>,
    machine: Duration,
    memory: usage::Memory,
}

impl Meter {
    fn start(measured: &Daemon, target: u32, further: &[u32]) -> io::Result<Self> {
        let pids = [measured.pid(), target, std::process::id()].into_iter().chain(further.iter().copied());
        let processes = pids.map(|pid| Ok((pid, usage::processor_time(pid)?))).collect::<io::Result<_>>()?;
        Ok(Self { began: Stopwatch::start(), processes, machine: usage::machine_time()? })
    }

    fn read(self) -> io::Result<Reading> {
        let since = |(pid, before): &(u32, Duration)| Ok(usage::processor_time(*pid)?.saturating_sub(*before));
        let spent = self.processes.iter().map(since).collect::<io::Result<Vec<Duration>>>()?;
        let (wall, machine) = (self.began.elapsed(), usage::machine_time()?.saturating_sub(self.machine));
        let memory = usage::memory(self.processes.first().map_or(0, |(pid, _)| *pid))?;
        Ok(Reading { wall, spent, machine, memory })
    }
}

impl Reading {
    fn spell(self, (made, others, skipped): (u64, u64, u64), fixed_work: Duration) -> io::Result<Spell> {
        if others > 0 || made == 0 {
            return Err(io::Error::other(format!("{made} probes were up, and {others} were not")));
        }
        let of = |place: usize| self.spent.get(place).copied().unwrap_or_default();
        let foreign = self.machine.saturating_sub(self.spent.iter().sum());
        let foreign_cores = foreign.as_secs_f64() / self.wall.as_secs_f64();
        let (processor, target) = (of(0), of(1));
        Ok(Spell { wall: self.wall, processor, made, skipped, memory: self.memory, target, foreign_cores, fixed_work })
    }
}

/// Whether a count is as it is expected, but for what went on while it was read.
pub(super) fn is_about(count: f64, expected: f64) -> bool {
    (count - expected).abs() <= COUNT_OFF * expected + COUNT_OFF_LEAST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_that_differ_by_more_than_what_goes_on_meanwhile_are_refused() {
        for (count, expected, about) in
            [(20.0, 0.0, true), (21.0, 0.0, false), (1_040.0, 1_000.0, true), (959.0, 1_000.0, false)]
        {
            assert_eq!(is_about(count, expected), about, "{count} of {expected}");
        }
        let reading = |others, made| {
            let second = Duration::from_secs(1);
            let memory = usage::Memory::default();
            Reading { wall: second * 10, spent: vec![second * 2, second, second], machine: second * 9, memory }
                .spell((made, others, 0), second)
        };
        let spell = reading(0, 2_000).unwrap();
        let found = [spell.per_thousand(), spell.rate(), spell.per_core_second()];
        assert!(found.iter().zip([1.0, 200.0, 1_000.0]).all(|(one, other)| (one - other).abs() < 1e-9), "{found:?}");
        assert!((spell.foreign_cores - 0.5).abs() < 1e-9);
        assert!(spell.clone().checked(2_061).is_err() && spell.clone().at_rate(220.0).is_err());
        assert!(spell.checked(2_002).is_ok_and(|spell| spell.at_rate(200.0).is_ok()));
        assert!(reading(1, 2_000).is_err() && reading(0, 0).is_err());
    }
}
