//! Alertmanager as a receiver of state: on a port and in a folder of its own, stopped and started again at will. It tells
//! an [`Inbox`] of each alert by itself, at once, when it fires and when it is resolved.

use std::fs;
use std::io;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::child::{Process, system_program};
use super::inbox::Inbox;
use super::wait::wait_until;
use super::{free_port, http};

/// How long it may take to start.
const DEADLINE: Duration = Duration::from_secs(30);

/// An Alertmanager.
#[derive(Debug)]
pub struct Alertmanager {
    process: Option<Process>,
    port: u16,
    folder: TempDir,
}

impl Alertmanager {
    /// Starts one on a free port.
    pub fn start(inbox: &Inbox) -> io::Result<Self> {
        let (folder, port) = (tempfile::tempdir()?, free_port()?);
        fs::write(folder.path().join("alertmanager.yml"), configuration(&inbox.url()))?;
        let mut alertmanager = Self { process: None, port, folder };
        alertmanager.start_again()?;
        Ok(alertmanager)
    }

    /// Where it is found.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The alerts that it holds for unresolved, of this name.
    pub fn alerts(&self, name: &str) -> io::Result<Vec<Value>> {
        let all = http::get(self.port, "/api/v2/alerts")?.json()?;
        let all = all.as_array().cloned().ok_or_else(|| io::Error::other(format!("no list of alerts: {all}")))?;
        Ok(all.into_iter().filter(|alert| alert["labels"]["alertname"] == name).collect())
    }

    /// Stops it as a power cut would: connections are refused from now on.
    pub fn stop(&mut self) -> io::Result<()> {
        match self.process.take() {
            Some(mut process) => process.kill().map(drop),
            None => Ok(()),
        }
    }

    /// Starts it on the same port, and returns once it is ready.
    pub fn start_again(&mut self) -> io::Result<()> {
        let path = self.folder.path().display();
        let mut command = Command::new(system_program("prometheus-alertmanager")?);
        command.arg(format!("--config.file={path}/alertmanager.yml")).arg(format!("--storage.path={path}/data"));
        // Without an address for its cluster it speaks to nobody.
        command.arg(format!("--web.listen-address=127.0.0.1:{}", self.port)).arg("--cluster.listen-address=");
        let mut process = Process::start("alertmanager", &mut command, self.folder.path())?;
        let ready = || http::get(self.port, "/-/ready").is_ok_and(|answer| answer.code == 200);
        wait_until(DEADLINE, "Alertmanager to be ready", || !process.runs() || ready())?;
        if !process.runs() {
            return Err(io::Error::other(format!("Alertmanager ended; it said:\n{}", process.output())));
        }
        self.process = Some(process);
        Ok(())
    }
}

fn configuration(inbox: &str) -> String {
    format!(
        "route:
  receiver: inbox
  group_by: ['...']
  group_wait: 0s
  group_interval: 1s
  repeat_interval: 24h
receivers:
  - name: inbox
    webhook_configs:
      - url: {inbox}
        send_resolved: true
"
    )
}
