//! Ours: the agent as it is delivered, with a collector that assigns its probes and takes what it saw.

use std::io;
use std::ops::Sub;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use indicatif::ProgressBar;
use tempfile::TempDir;

use super::assigned::{NAME, Probes};
use super::cores;
use super::options::Race;
use crate::bench::collector::Collector;
use crate::bench::daemon::Daemon;
use crate::bench::progress;
use crate::bench::server::{Server as _, metrics};
use crate::process::wait::{Stopwatch, rest};
use crate::process::{free_port, http};

/// How often it is asked how far it has come, before anything is measured.
const ASK_EVERY: Duration = Duration::from_millis(500);
/// How long its first attempts may take beyond one interval.
const FIRST_WITHIN: Duration = Duration::from_mins(2);

/// The programs of ours.
#[derive(Clone, Debug)]
pub(super) struct Programs {
    collector: PathBuf,
    agent: PathBuf,
}

impl Programs {
    /// Those that were said, or else built now.
    pub(super) fn of(options: &Race) -> io::Result<Self> {
        Ok(Self { collector: options.sides.program()?, agent: options.program()? })
    }
}

/// What an agent says it made of its probes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Attempts {
    /// Attempts that were up.
    pub(super) up: u64,
    /// Attempts that came to anything else.
    pub(super) others: u64,
    /// Attempts that were due and not made.
    pub(super) skipped: u64,
}

impl Attempts {
    fn read(text: &str) -> Self {
        let mut attempts = Self::default();
        for (labels, value) in metrics(text, "uphold_probe_attempts_total") {
            let counted = if labels.contains("outcome=\"up\"") { &mut attempts.up } else { &mut attempts.others };
            *counted += value as u64;
        }
        attempts.skipped = metrics(text, "uphold_agent_skipped_attempts_total").map(|(_, value)| value as u64).sum();
        attempts
    }
}

impl Sub for Attempts {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            up: self.up.saturating_sub(before.up),
            others: self.others.saturating_sub(before.others),
            skipped: self.skipped.saturating_sub(before.skipped),
        }
    }
}

/// A running agent with its collector.
pub(super) struct Ours {
    agent: Daemon,
    collector: Collector,
    port: u16,
    programs: Programs,
    folder: TempDir,
}

impl Ours {
    /// Starts both; the agent on this core alone if one is said.
    pub(super) fn start(options: &Race, programs: &Programs, probes: &Probes, core: Option<u32>) -> io::Result<Self> {
        let folder = options.sides.run_folder()?;
        probes.write(&folder.path().join("catalogue"))?;
        let collector = Collector::of_folder(&programs.collector, folder.path())?;
        let port = free_port()?;
        let mut command = cores::on(core, &programs.agent);
        command.args(["run", "--name", NAME, "--collector", &format!("http://{}", collector.address())]);
        command.arg("--data").arg(folder.path().join("agent")).args(["--listen", &format!("127.0.0.1:{port}")]);
        let agent = Daemon::start("uphold-agent", &mut command, folder.path(), port, "/healthz")?;
        Ok(Self { agent, collector, port, programs: programs.clone(), folder })
    }

    /// Waits until it has made so many attempts, which a first round of all probes comes to. It is not asked before one
    /// can be over, since its answers take memory.
    pub(super) fn wait_for(&self, attempts: usize, interval_ms: u64, bar: &ProgressBar) -> io::Result<()> {
        progress::says(bar, &format!("uphold-agent makes its first {attempts} attempts, which takes {interval_ms} ms"));
        rest(Duration::from_millis(interval_ms));
        let began = Stopwatch::start();
        loop {
            let made = self.attempts()?;
            if made.up + made.others >= attempts as u64 {
                return Ok(());
            }
            if began.elapsed() > FIRST_WITHIN {
                return Err(io::Error::other(format!("the agent made {made:?}, and {attempts} attempts are expected")));
            }
            rest(ASK_EVERY);
        }
    }

    /// What it has made of its probes since it was started.
    pub(super) fn attempts(&self) -> io::Result<Attempts> {
        Ok(Attempts::read(&http::get(self.port, "/metrics")?.text()))
    }

    /// The agent's process.
    pub(super) const fn agent(&self) -> &Daemon {
        &self.agent
    }

    /// The process id of the collector.
    pub(super) fn collector_pid(&self) -> io::Result<u32> {
        self.collector.pid().ok_or_else(|| io::Error::other("the collector does not run"))
    }

    /// Ends the agent, which delivers what it has; then gives what the collector exports of its probes, as lines of JSON.
    pub(super) fn exported(self) -> io::Result<String> {
        let Self { agent, collector, programs, folder, .. } = self;
        agent.stop()?;
        let file = folder.path().join("rows.jsonl");
        let mut command = Command::new(&programs.collector);
        command.args(["export", "--agent", NAME, "--output"]).arg(&file).arg("--data").arg(collector.data());
        let ended = command.output()?;
        if !ended.status.success() {
            return Err(io::Error::other(format!("the export: {}", String::from_utf8_lossy(&ended.stderr))));
        }
        std::fs::read_to_string(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_added_up_over_the_probes() {
        let text = "uphold_probe_attempts_total{outcome=\"up\",probe=\"p0\",service=\"s\"} 3\n\
                    uphold_probe_attempts_total{outcome=\"up\",probe=\"p1\",service=\"s\"} 4\n\
                    uphold_probe_attempts_total{outcome=\"down\",probe=\"p1\",service=\"s\"} 1\n\
                    uphold_agent_skipped_attempts_total 9\n";
        let read = Attempts::read(text);
        assert_eq!(read, Attempts { up: 7, others: 1, skipped: 9 });
        assert_eq!(read - Attempts { up: 6, others: 1, skipped: 0 }, Attempts { up: 1, others: 0, skipped: 9 });
    }
}
