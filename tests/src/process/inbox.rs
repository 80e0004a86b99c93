//! The receiver of notices: the program `webhook`, which appends each body it is sent to a file.
//!
//! The body is handed to `tee` in a file, whatever its content type, so that what is read back is what was sent.

use std::fs;
use std::io;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::child::{Process, system_program};
use super::wait::{wait_for, wait_until};
use super::{free_port, http};

/// How long it may take to start.
const DEADLINE: Duration = Duration::from_secs(10);

/// A receiver at `/hooks/inbox`.
#[derive(Debug)]
pub struct Inbox {
    process: Option<Process>,
    port: u16,
    folder: TempDir,
}

impl Inbox {
    /// Starts one on a free port.
    pub fn start() -> io::Result<Self> {
        let (folder, port) = (tempfile::tempdir()?, free_port()?);
        let mut inbox = Self { process: None, port, folder };
        inbox.configure()?;
        inbox.start_again()?;
        Ok(inbox)
    }

    /// Where notices are sent.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hooks/inbox", self.port)
    }

    /// Its port, on the loopback address.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Everything that was received so far, in order.
    pub fn payloads(&self) -> io::Result<Vec<Value>> {
        let path = self.folder.path().join("payloads");
        let text = if path.exists() { fs::read_to_string(path)? } else { String::new() };
        // A line that is still being written has no end yet.
        let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n') && !line.trim().is_empty());
        whole.map(|line| serde_json::from_str(line).map_err(io::Error::other)).collect()
    }

    /// Waits until at least `count` have been received.
    pub fn wait_for(&self, count: usize, deadline: Duration) -> io::Result<Vec<Value>> {
        let what = format!("{count} notices in the inbox");
        wait_for(deadline, &what, || self.payloads().ok().filter(|all| all.len() >= count))
    }

    /// Stops it: notices are refused from now on.
    pub fn stop(&mut self) -> io::Result<()> {
        match self.process.take() {
            Some(mut process) => process.kill().map(drop),
            None => Ok(()),
        }
    }

    /// Starts it on the same port, and returns once it answers. What was received stays.
    pub fn start_again(&mut self) -> io::Result<()> {
        let (hooks, port) = (self.folder.path().join("hooks.json"), self.port.to_string());
        let mut command = Command::new(system_program("webhook")?);
        command.arg("-hooks").arg(hooks).args(["-ip", "127.0.0.1", "-port", &port, "-verbose"]);
        let mut process = Process::start("webhook", &mut command, self.folder.path())?;
        wait_until(DEADLINE, "webhook to answer", || !process.runs() || http::get(self.port, "/").is_ok())?;
        if !process.runs() {
            return Err(io::Error::other(format!("webhook ended; it said:\n{}", process.output())));
        }
        self.process = Some(process);
        Ok(())
    }

    /// One hook whose command appends the file with the body, as one line, to `payloads`. Its answer waits for the
    /// command, so that what was acknowledged was written.
    fn configure(&self) -> io::Result<()> {
        let folder = self.folder.path().display();
        let script = self.folder.path().join("append");
        // One write of less than a pipe's worth, so that two notices at once do not mix.
        let lines = format!("#!/bin/sh\nprintf '%s\\n' \"$(tr -d '\\r\\n' <\"$NOTICE\")\" >>'{folder}/payloads'\n");
        fs::write(&script, lines)?;
        let hooks = json!([{
            "id": "inbox",
            "execute-command": "/bin/sh",
            "command-working-directory": folder.to_string(),
            "incoming-payload-content-type": "application/json",
            "include-command-output-in-response": true,
            "pass-arguments-to-command": [{ "source": "string", "name": script.display().to_string() }],
            "pass-file-to-command": [{ "source": "entire-payload", "envname": "NOTICE" }]
        }]);
        fs::write(self.folder.path().join("hooks.json"), hooks.to_string())
    }
}
