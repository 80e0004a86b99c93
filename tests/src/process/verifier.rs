//! A receiver that verifies what it is sent with a library that is not ours.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::child::{Process, pypi_file, pypi_python};
use super::wait::wait_until;
use super::{free_port, http};

/// How long it may take to start.
const DEADLINE: Duration = Duration::from_secs(20);

/// A receiver that answers 204 to what is signed, and 401 to anything else.
#[derive(Debug)]
pub struct Verifier {
    process: Process,
    port: u16,
    folder: TempDir,
}

impl Verifier {
    /// Starts one that knows this secret.
    pub fn start(secret: &str) -> io::Result<Self> {
        let (folder, port) = (tempfile::tempdir()?, free_port()?);
        let [known, found] = ["secret", "found"].map(|name| folder.path().join(name));
        fs::write(&known, secret)?;
        fs::write(&found, "")?;
        let mut command = Command::new(pypi_python()?);
        command.arg(pypi_file("verifier")).arg(port.to_string()).arg(known).arg(found);
        let process = Process::start("verifier", &mut command, folder.path())?;
        let mut verifier = Self { process, port, folder };
        let answers = || http::get(port, "/").is_ok_and(|answer| answer.code == 204);
        wait_until(DEADLINE, "the verifier to answer", || !verifier.process.runs() || answers())?;
        if verifier.process.runs() {
            return Ok(verifier);
        }
        Err(io::Error::other(format!("the verifier ended; it said:\n{}", verifier.process.output())))
    }

    /// Where it is found.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook", self.port)
    }

    /// The file with the secret that it knows; what is written into it holds from then on.
    pub fn secret(&self) -> PathBuf {
        self.folder.path().join("secret")
    }

    /// What it found about each message, in order.
    pub fn found(&self) -> io::Result<Vec<Value>> {
        let text = fs::read_to_string(self.folder.path().join("found"))?;
        let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        whole.map(|line| serde_json::from_str(line).map_err(io::Error::other)).collect()
    }
}
