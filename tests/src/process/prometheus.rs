//! Prometheus as whoever scrapes the programs: on a port and in a folder of its own.

use std::fs;
use std::io;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::child::{Process, system_program};
use super::wait::wait_until;
use super::{free_port, http};

/// How long it may take to start.
const DEADLINE: Duration = Duration::from_secs(30);

/// A Prometheus.
#[derive(Debug)]
pub struct Prometheus {
    port: u16,
    // In this order, so that the process is gone before its folder.
    _process: Process,
    _folder: TempDir,
}

impl Prometheus {
    /// Starts one on a free port. `files` are its configuration, `prometheus.yml`, and whatever that names.
    pub fn start(files: &[(&str, &str)]) -> io::Result<Self> {
        let (folder, port) = (tempfile::tempdir()?, free_port()?);
        for (name, text) in files {
            fs::write(folder.path().join(name), text)?;
        }
        let path = folder.path().display();
        let mut command = Command::new(system_program("prometheus")?);
        command.arg(format!("--config.file={path}/prometheus.yml")).arg(format!("--storage.tsdb.path={path}/data"));
        command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
        let mut process = Process::start("prometheus", &mut command, folder.path())?;
        let ready = || http::get(port, "/-/ready").is_ok_and(|answer| answer.code == 200);
        wait_until(DEADLINE, "Prometheus to be ready", || !process.runs() || ready())?;
        if !process.runs() {
            return Err(io::Error::other(format!("Prometheus ended; it said:\n{}", process.output())));
        }
        Ok(Self { port, _process: process, _folder: folder })
    }

    /// What an expression gives now, as a list of results.
    pub fn query(&self, expression: &str) -> io::Result<Vec<Value>> {
        self.ask(&format!("/api/v1/query?query={}", encoded(expression)), "result")
    }

    /// The alerts that are pending or firing.
    pub fn alerts(&self) -> io::Result<Vec<Value>> {
        self.ask("/api/v1/alerts", "alerts")
    }

    fn ask(&self, path: &str, key: &str) -> io::Result<Vec<Value>> {
        let answer = http::get(self.port, path)?;
        let json = answer.json()?;
        let list = json["data"][key].as_array().cloned();
        list.ok_or_else(|| io::Error::other(format!("Prometheus answered {}: {}", answer.code, answer.text())))
    }
}

/// As a part of a URL's query.
fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
