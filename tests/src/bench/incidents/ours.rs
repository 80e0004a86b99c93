//! Ours: collector and agent as they are delivered, under a catalogue whose every incident goes to one receiver.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::EVERY_S;
use crate::bench::collector::Collector;
use crate::bench::daemon::{Daemon, Spent};
use crate::bench::server::{Server as _, metrics};
use crate::process::wait::wait_until;
use crate::process::{free_port, http};

/// How long the first round of attempts may take.
const FIRST_WITHIN: Duration = Duration::from_mins(1);

const HEAD: &str = "organisation: { name: Outages, time_zone: UTC }\ncustomers: [{ id: everybody, name: Everybody }]\n";

/// The programs of ours.
pub(super) struct Programs {
    /// The collector.
    pub(super) collector: PathBuf,
    /// The agent.
    pub(super) agent: PathBuf,
}

/// A running collector with its agent.
pub(super) struct Ours {
    agent: Daemon,
    collector: Collector,
    port: u16,
}

/// A service with one probe of this URL.
pub(super) fn service(id: &str, url: &str) -> String {
    format!(
        "{}    probes:\n      - {{ id: door, agents: [racer], interval: {EVERY_S}s, timeout: 1s, fall: 2, confirm_after: \
         500ms, http: {{ url: \"{url}\" }} }}\n",
        bare(id)
    )
}

/// A service that nobody probes by itself.
pub(super) fn bare(id: &str) -> String {
    format!(
        "  - id: {id}\n    name: Service {id}\n    outcome: It works\n    customers: [everybody]\n    criticality: high\n"
    )
}

/// Writes the catalogue: these services, in as many files as are needed, and the receiver.
pub(super) fn write(folder: &Path, services: &[String], receiver: &str) -> io::Result<()> {
    let folder = folder.join("catalogue");
    fs::create_dir_all(&folder)?;
    let routes =
        format!("receivers: [{{ id: bench, webhook: {{ url: \"{receiver}\" }} }}]\nroutes: [{{ to: bench }}]\n");
    for (file, services) in services.chunks(500).enumerate() {
        let head = if file == 0 { format!("{HEAD}{routes}") } else { String::new() };
        fs::write(folder.join(format!("{file:04}.yaml")), format!("{head}services:\n{}", services.concat()))?;
    }
    Ok(())
}

impl Ours {
    /// Starts both in a folder that has its catalogue, and waits until so many probes were up.
    pub(super) fn start(programs: &Programs, folder: &Path, probes: u64) -> io::Result<Self> {
        let collector = Collector::of_folder(&programs.collector, folder)?;
        let port = free_port()?;
        let mut command = Command::new(&programs.agent);
        command.args(["run", "--name", "racer", "--collector", &format!("http://{}", collector.address())]);
        command.arg("--data").arg(folder.join("agent")).args(["--listen", &format!("127.0.0.1:{port}")]);
        let agent = Daemon::start("uphold-agent", &mut command, folder, port, "/healthz")?;
        let ours = Self { agent, collector, port };
        wait_until(FIRST_WITHIN, "each service to be up", || ours.attempts("up").is_ok_and(|up| up >= probes))?;
        Ok(ours)
    }

    /// How many attempts came to this.
    pub(super) fn attempts(&self, outcome: &str) -> io::Result<u64> {
        let text = http::get(self.port, "/metrics")?.text();
        let of = metrics(&text, "uphold_probe_attempts_total");
        Ok(of.filter(|(labels, _)| labels.contains(&format!("outcome=\"{outcome}\""))).map(|(_, n)| n as u64).sum())
    }

    /// What the collector has taken.
    pub(super) fn collector(&self) -> io::Result<Spent> {
        self.collector.spent()
    }

    /// What both have taken: processor time in seconds.
    pub(super) fn processor_s(&self) -> io::Result<f64> {
        Ok((self.collector.spent()?.processor + self.agent.spent()?.processor).as_secs_f64())
    }
}
