//! A mail server that keeps what it is sent, speaks TLS with a certificate of an authority of its own, and asks for a login. What it kept is read back by another library.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::child::{Process, pypi_file, pypi_python};
use super::free_port;

/// How long it may take to start.
const DEADLINE: Duration = Duration::from_secs(20);
/// Who may log in.
pub const USER: &str = "uphold";
/// With which password.
pub const PASSWORD: &str = "pa55 w\u{f6}rd";

/// The server.
#[derive(Debug)]
pub struct MailServer {
    _process: Process,
    port: u16,
    folder: TempDir,
}

impl MailServer {
    /// Starts one with this certificate and key, in PEM; `tls` is `starttls` or `implicit`, as the catalogue says it.
    pub fn start(certificate: &str, key: &str, tls: &str) -> io::Result<Self> {
        let (folder, port) = (tempfile::tempdir()?, free_port()?);
        let file = |name: &str| folder.path().join(name);
        for (name, text) in [("certificate", certificate), ("key", key), ("password", PASSWORD)] {
            fs::write(file(name), text)?;
        }
        let mut command = Command::new(pypi_python()?);
        command.arg(pypi_file("mailserver")).arg(port.to_string()).arg(file("mails"));
        command.arg(file("certificate")).arg(file("key")).args([USER, PASSWORD, tls]);
        let mut process = Process::start("mailserver", &mut command, folder.path())?;
        process.wait_for_line(DEADLINE, "ready")?;
        Ok(Self { _process: process, port, folder })
    }

    /// Where it is found.
    pub fn address(&self) -> String {
        format!("localhost:{}", self.port)
    }

    /// The file with the password.
    pub fn password(&self) -> PathBuf {
        self.folder.path().join("password")
    }

    /// The letters that it has taken: headers, body, and what is wrong with them.
    pub fn letters(&self) -> io::Result<Vec<Letter>> {
        let mut command = Command::new(pypi_python()?);
        let done = command.arg(pypi_file("mails")).arg(self.folder.path().join("mails")).output()?;
        let list: Value = serde_json::from_slice(&done.stdout)
            .map_err(|_| io::Error::other(String::from_utf8_lossy(&done.stderr).into_owned()))?;
        Ok(list.as_array().into_iter().flatten().cloned().map(Letter).collect())
    }
}

/// A letter as it was read back.
#[derive(Clone, Debug)]
pub struct Letter(Value);

impl Letter {
    /// The values of a header.
    pub fn header(&self, name: &str) -> Vec<&str> {
        let all = self.0["headers"].as_array().into_iter().flatten();
        let named = all.filter(|one| one[0].as_str().is_some_and(|known| known.eq_ignore_ascii_case(name)));
        named.filter_map(|one| one[1].as_str()).collect()
    }

    /// Its text.
    pub fn body(&self) -> &str {
        self.0["body"].as_str().unwrap_or_default()
    }

    /// What the library that read it found wrong.
    pub fn defects(&self) -> usize {
        self.0["defects"].as_array().map_or(0, Vec::len)
    }
}
