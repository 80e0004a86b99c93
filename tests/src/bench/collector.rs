//! Ours: the collector as it is delivered, with its default settings.
//!
//! Only where it listens and how often one address may push differ from the defaults: all agents of the load share an
//! address. Acknowledged means durable, which is its default and cannot be turned off.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::catalogue;
use super::daemon::{Daemon, Spent};
use super::estate::Shape;
use super::server::{Dialect, OnDisk, Server, metric, metrics};
use super::usage;
use crate::process::wait::{Stopwatch, wait_until};
use crate::process::{free_port, http};

/// Under which name it says what it keeps, by kind.
const BYTES_BY_KIND: &str = "uphold_store_bytes";

/// How long it takes at most until it says of itself what was done.
const SAYS_WITHIN: Duration = Duration::from_secs(10);

/// A running collector.
pub(super) struct Collector {
    program: PathBuf,
    folder: PathBuf,
    port: u16,
    daemon: Option<Daemon>,
    /// What the processes before this one have taken.
    before: Spent,
}

impl Collector {
    /// Starts one with its data in `folder`. Its catalogue has the probes of the load if they are to be `measured`.
    pub(super) fn start(program: &Path, folder: &Path, measured: Option<Shape>) -> io::Result<Self> {
        catalogue::write(&folder.join("catalogue"), measured)?;
        Self::of_folder(program, folder)
    }

    /// Starts one with its data in `folder`, where the catalogue lies already.
    pub(super) fn of_folder(program: &Path, folder: &Path) -> io::Result<Self> {
        let mut collector = Self {
            program: program.to_owned(),
            folder: folder.to_owned(),
            port: free_port()?,
            daemon: None,
            before: Spent::default(),
        };
        collector.start_again()?;
        Ok(collector)
    }

    /// Its process id, while it runs.
    pub(super) fn pid(&self) -> Option<u32> {
        self.daemon.as_ref().map(Daemon::pid)
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

    /// Starts it on what it had; says how long it took until it was ready.
    pub(super) fn start_again(&mut self) -> io::Result<Duration> {
        self.stop()?;
        let config = self.folder.join("collector.yaml");
        let (data, catalogue) = (self.data(), self.folder.join("catalogue"));
        let text = format!(
            "listen: 127.0.0.1:{}\ndata_dir: {}\ncatalogue: {}\nlimits: {{ requests_per_second: 100000, \
             request_burst: 1000000 }}\n",
            self.port,
            data.display(),
            catalogue.display()
        );
        fs::write(&config, text)?;
        let mut command = Command::new(&self.program);
        command.arg("serve").arg("--config").arg(config);
        let began = Stopwatch::start();
        self.daemon = Some(Daemon::start("uphold-collector", &mut command, &self.folder, self.port, "/readyz")?);
        Ok(began.elapsed())
    }

    /// A figure of its own metrics.
    pub(super) fn figure(&self, name: &str, label: &str) -> io::Result<f64> {
        let text = http::get(self.port, "/metrics")?.text();
        metric(&text, name, label).ok_or_else(|| io::Error::other(format!("the collector does not say {name}")))
    }
}

impl Server for Collector {
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

    /// The command that seals and merges everything, through the running collector.
    fn settle(&mut self) -> io::Result<()> {
        let ended = Command::new(&self.program).arg("compact").arg("--data").arg(self.data()).status()?;
        if ended.success() { Ok(()) } else { Err(io::Error::other(format!("the compaction ended with {ended}"))) }
    }

    fn on_disk(&self) -> io::Result<OnDisk> {
        let mut on_disk = usage::on_disk(&self.data(), |path| {
            let mut names = path.iter().filter_map(OsStr::to_str);
            match (names.next(), names.next()) {
                (Some("store"), Some(file)) => format!("store/{file}"),
                _ => "other files".to_owned(),
            }
        })?;
        // What it says of itself is as of its last tick.
        let merged = || self.figure(BYTES_BY_KIND, "kind=\"parts\"").is_ok_and(|bytes| bytes == 0.0);
        wait_until(SAYS_WITHIN, "nothing to be left to merge", merged)?;
        let text = http::get(self.port, "/metrics")?.text();
        let said = metrics(&text, BYTES_BY_KIND).map(|(labels, bytes)| (format!("it says {labels}"), bytes as u64));
        on_disk.by_kind.extend(said);
        Ok(on_disk)
    }
}
