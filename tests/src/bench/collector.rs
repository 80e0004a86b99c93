//! Ours: the collector as it is delivered, with its default settings.
//!
//! Only where it listens and how often one address may push differ from the defaults: all agents of the load share an
//! address. Acknowledged means durable, which is its default and cannot be turned off.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::catalogue;
use super::daemon::{Daemon, Spent};
use super::estate::Shape;
use super::server::{Dialect, OnDisk, Server, metric};
use super::usage;
use crate::process::wait::wait_until;
use crate::process::{free_port, http};

/// How long it may take to seal and merge everything.
const SETTLE_TIME_MAX: Duration = Duration::from_mins(60);
/// The least journal that can be configured: with it a restart seals what waits.
const LEAST_JOURNAL: &str = "store: { journal: 1MiB }\n";
/// The bytes of that.
const LEAST_JOURNAL_BYTES: f64 = 1_048_576.0;

/// A running collector.
pub(super) struct Collector {
    program: PathBuf,
    folder: PathBuf,
    port: u16,
    measured: bool,
    daemon: Option<Daemon>,
    /// What the processes before this one have taken.
    before: Spent,
}

impl Collector {
    /// Starts one with its data in `folder`. Its catalogue has the probes of the load if they are to be `measured`.
    pub(super) fn start(program: &Path, folder: &Path, measured: Option<Shape>) -> io::Result<Self> {
        catalogue::write(&folder.join("catalogue"), measured)?;
        let mut collector = Self {
            program: program.to_owned(),
            folder: folder.to_owned(),
            port: free_port()?,
            measured: measured.is_some(),
            daemon: None,
            before: Spent::default(),
        };
        collector.start_again("")?;
        Ok(collector)
    }

    /// Where its data is.
    pub(super) fn data(&self) -> PathBuf {
        self.folder.join("collector")
    }

    /// Asks it to end.
    pub(super) fn stop(&mut self) -> io::Result<()> {
        if let Some(daemon) = self.daemon.take() {
            self.before = self.before.and_then(daemon.stop()?);
        }
        Ok(())
    }

    /// Starts it on what it had, with `store` in its configuration, and returns once it is ready.
    pub(super) fn start_again(&mut self, store: &str) -> io::Result<()> {
        self.stop()?;
        let config = self.folder.join("collector.yaml");
        let (data, catalogue) = (self.data(), self.folder.join("catalogue"));
        let text = format!(
            "listen: 127.0.0.1:{}\ndata_dir: {}\ncatalogue: {}\n{store}limits: {{ requests_per_second: 100000, \
             request_burst: 1000000 }}\n",
            self.port,
            data.display(),
            catalogue.display()
        );
        fs::write(&config, text)?;
        let mut command = Command::new(&self.program);
        command.arg("serve").arg("--config").arg(config);
        self.daemon = Some(Daemon::start("uphold-collector", &mut command, &self.folder, self.port, "/readyz")?);
        Ok(())
    }

    /// A figure of its own metrics.
    pub(super) fn figure(&self, name: &str, label: &str) -> io::Result<f64> {
        let text = http::get(self.port, "/metrics")?.text();
        metric(&text, name, label).ok_or_else(|| io::Error::other(format!("the collector does not say {name}")))
    }
}

impl Server for Collector {
    fn name(&self) -> &'static str {
        if self.measured { "uphold, measured" } else { "uphold" }
    }

    fn port(&self) -> u16 {
        self.port
    }

    fn dialect(&self) -> Dialect {
        Dialect::Push
    }

    fn spent(&self) -> io::Result<Spent> {
        match &self.daemon {
            Some(daemon) => Ok(self.before.and_then(daemon.spent()?)),
            None => Ok(self.before),
        }
    }

    fn taken(&self) -> io::Result<u64> {
        Ok(self.figure("uphold_store_appended_rows_total", "")? as u64)
    }

    /// A restart with the least journal seals what waits; then everything is over when no day has parts to merge. What
    /// the restart takes counts as spent.
    fn settle(&mut self) -> io::Result<()> {
        self.start_again(LEAST_JOURNAL)?;
        let settled = || {
            let waits = self.figure("uphold_store_journal_bytes", "").ok()?;
            let unmerged = self.figure("uphold_store_dates_unmerged", "").ok()?;
            Some(waits < LEAST_JOURNAL_BYTES && unmerged == 0.0)
        };
        wait_until(SETTLE_TIME_MAX, "the collector to have sealed and merged everything", || settled() == Some(true))
    }

    fn on_disk(&self) -> io::Result<OnDisk> {
        Ok(OnDisk { all_bytes: usage::allocated(&self.data())?, payload_bytes: None })
    }
}
