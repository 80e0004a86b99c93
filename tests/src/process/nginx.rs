//! nginx as the server that is observed: on a port and in a folder of its own, stopped and started again at will.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use super::child::{Process, system_program};
use super::wait::wait_until;
use super::{free_port, http};

/// How long it may take to start or stop.
const DEADLINE: Duration = Duration::from_secs(10);

/// A server with a page at `/health` that says `ok`, and whatever else a test puts into its configuration.
#[derive(Debug)]
pub struct Nginx {
    process: Option<Process>,
    port: u16,
    folder: TempDir,
}

impl Nginx {
    /// Starts one on a free port. `locations` are further lines of its `server` block.
    pub fn start(locations: &str) -> io::Result<Self> {
        Self::start_with("", locations)
    }

    /// As [`Self::start`], with lines that stand `outside` of everything.
    pub fn start_with(outside: &str, locations: &str) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let port = free_port()?;
        let configuration = format!("{outside}\n{}", configuration(folder.path(), port, locations));
        fs::write(folder.path().join("nginx.conf"), configuration)?;
        let mut server = Self { process: None, port, folder };
        server.start_again()?;
        Ok(server)
    }

    /// Where it listens, on the loopback address.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Its process id, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Process::id)
    }

    /// `http://127.0.0.1:PORT` and `path`.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Stops it: connections are refused from now on.
    pub fn stop(&mut self) -> io::Result<()> {
        match self.process.take() {
            Some(mut process) => process.stop(DEADLINE).map(drop),
            None => Ok(()),
        }
    }

    /// Starts it on the same port, and returns once it answers.
    pub fn start_again(&mut self) -> io::Result<()> {
        let folder = self.folder.path();
        let (prefix, conf) = (folder.display().to_string(), folder.join("nginx.conf").display().to_string());
        let log = folder.join("error.log").display().to_string();
        let mut command = Command::new(system_program("nginx")?);
        let mut process = Process::start("nginx", command.args(["-p", &prefix, "-c", &conf, "-e", &log]), folder)?;
        wait_until(DEADLINE, "nginx to answer", || {
            !process.runs() || http::get(self.port, "/health").is_ok_and(|a| a.code == 200)
        })?;
        if !process.runs() {
            return Err(io::Error::other(format!("nginx ended; it said:\n{}", process.output())));
        }
        self.process = Some(process);
        Ok(())
    }
}

/// One process in the foreground, loopback only, every file in `folder`.
fn configuration(folder: &Path, port: u16, locations: &str) -> String {
    let folder = folder.display();
    format!(
        "daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log {folder}/access.log;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    location = /health {{ default_type text/plain; return 200 \"ok\\n\"; }}
    {locations}
  }}
}}
"
    )
}
