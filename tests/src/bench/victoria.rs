//! The peer: VictoriaMetrics of a single node, as Debian packages it, with its default settings.
//!
//! Only the addresses and a retention that keeps the load differ from the defaults. It acknowledges before what it took
//! is on disk: see the page on benchmarks for what that makes of a comparison.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::daemon::{Daemon, Spent};
use super::server::{Dialect, OnDisk, Server, metrics};
use super::usage;
use crate::process::child::system_program;
use crate::process::wait::{Stopwatch, rest};
use crate::process::{free_port, http};

/// How long it may take to merge everything.
const SETTLE_TIME_MAX: Duration = Duration::from_mins(30);
/// How often it is asked how far it has come.
const ASK_EVERY: Duration = Duration::from_millis(500);
/// How many times in a row it must be found idle: a merge may be about to begin.
const IDLE_IN_A_ROW: u32 = 3;

/// A running peer.
#[derive(Debug)]
pub(super) struct Victoria {
    daemon: Daemon,
    port: u16,
    data: PathBuf,
}

impl Victoria {
    /// Starts one with its data in `folder`.
    pub(super) fn start(folder: &Path) -> io::Result<Self> {
        let program = system_program("victoria-metrics").map_err(|_| {
            io::Error::new(
                io::ErrorKind::NotFound,
                "victoria-metrics is not installed: apt-get install victoria-metrics, or leave it out with --without-peer",
            )
        })?;
        let (port, data) = (free_port()?, folder.join("victoria"));
        let mut command = Command::new(program);
        command.arg(format!("-httpListenAddr=127.0.0.1:{port}")).arg(format!("-storageDataPath={}", data.display()));
        command.arg("-retentionPeriod=3y");
        let daemon = Daemon::start("victoria-metrics", &mut command, folder, port, "/health")?;
        Ok(Self { daemon, port, data })
    }

    /// Its process id.
    pub(super) fn pid(&self) -> u32 {
        self.daemon.pid()
    }

    /// Waits until every value is in a part on disk and no merge is under way.
    fn wait_until_idle(&self, began: Stopwatch) -> io::Result<()> {
        let mut idle = 0;
        while idle < IDLE_IN_A_ROW {
            if began.elapsed() > SETTLE_TIME_MAX {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "the peer did not come to rest"));
            }
            rest(ASK_EVERY);
            let text = http::get(self.port, "/metrics")?.text();
            let sum = |name: &str, label: &str| -> f64 {
                metrics(&text, name).filter(|(labels, _)| labels.contains(label)).map(|(_, value)| value).sum()
            };
            let merging = sum("vm_active_merges", "") + sum("vm_active_force_merges", "");
            // Parts in memory are counted by it and are no folders yet.
            let on_disk = sum("vm_parts", "type=\"storage/") <= self.parts()?.values().sum::<usize>() as f64;
            let rests = merging == 0.0 && on_disk && sum("vm_pending_rows", "") == 0.0;
            idle = if rests { idle + 1 } else { 0 };
        }
        Ok(())
    }

    /// How many parts on disk each month has: one once it is merged.
    fn parts(&self) -> io::Result<BTreeMap<OsString, usize>> {
        let mut months = BTreeMap::new();
        for size in ["small", "big"] {
            for month in fs::read_dir(self.data.join("data").join(size))? {
                let month = month?;
                if month.file_name() != "snapshots" {
                    let names = fs::read_dir(month.path())?.filter_map(Result::ok).map(|part| part.file_name());
                    let parts = names.filter(|name| name != "tmp" && name != "txn").count();
                    *months.entry(month.file_name()).or_insert(0) += parts;
                }
            }
        }
        Ok(months)
    }
}

impl Server for Victoria {
    fn port(&self) -> u16 {
        self.port
    }

    fn dialect(&self) -> Dialect {
        Dialect::RemoteWrite
    }

    fn spent(&self) -> io::Result<Spent> {
        self.daemon.spent()
    }

    fn taken(&self) -> io::Result<u64> {
        let text = http::get(self.port, "/metrics")?.text();
        Ok(metrics(&text, "vm_rows_inserted_total").map(|(_, values)| values as u64).sum())
    }

    /// Asked to merge while it merges by itself, it does nothing and says nothing; so it is asked until it has.
    fn settle(&mut self) -> io::Result<()> {
        let began = Stopwatch::start();
        http::get(self.port, "/internal/force_flush")?;
        self.wait_until_idle(began)?;
        while self.parts()?.values().any(|parts| *parts > 1) {
            http::get(self.port, "/internal/force_merge")?;
            self.wait_until_idle(began)?;
        }
        Ok(())
    }

    fn on_disk(&self) -> io::Result<OnDisk> {
        usage::on_disk(&self.data, |path| {
            let mut names = path.iter().filter_map(OsStr::to_str);
            match (names.next(), names.next_back()) {
                (Some("data"), Some(file @ ("timestamps.bin" | "values.bin"))) => file.to_owned(),
                (Some("data"), _) => "data, the rest".to_owned(),
                (Some("indexdb"), _) => "index of labels".to_owned(),
                _ => "other files".to_owned(),
            }
        })
    }
}
