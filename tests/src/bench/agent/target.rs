//! What is watched: nginx, over HTTP and HTTPS, which also counts how often it was asked.

use std::fmt;
use std::io;
use std::process::Command;

use clap::ValueEnum;
use tempfile::TempDir;

use crate::process::child::system_program;
use crate::process::nginx::Nginx;
use crate::process::{free_port, http};

/// How it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scheme {
    /// In the clear.
    Http,
    /// Over TLS, with a whole handshake each time.
    Https,
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http => "HTTP",
            Self::Https => "HTTPS",
        })
    }
}

/// A running nginx.
#[derive(Debug)]
pub(super) struct Target {
    nginx: Nginx,
    secure_port: u16,
    _certificate: TempDir,
}

impl Target {
    /// Starts one. Its certificate has a key on P-256; no session is resumed, so that both sides do the same.
    pub(super) fn start() -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let [key, certificate] = ["key.pem", "certificate.pem"].map(|name| folder.path().join(name));
        let mut openssl = Command::new(system_program("openssl")?);
        openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"]);
        openssl.args(["-subj", "/CN=localhost", "-keyout"]).arg(&key).arg("-out").arg(&certificate);
        let made = openssl.output()?;
        if !made.status.success() {
            return Err(io::Error::other(format!("openssl: {}", String::from_utf8_lossy(&made.stderr))));
        }
        let secure_port = free_port()?;
        let nginx = Nginx::start(&format!(
            "access_log off;
    listen 127.0.0.1:{secure_port} ssl;
    ssl_certificate {};
    ssl_certificate_key {};
    ssl_session_cache off;
    ssl_session_tickets off;
    location = /status {{ stub_status; }}",
            certificate.display(),
            key.display()
        ))?;
        Ok(Self { nginx, secure_port, _certificate: folder })
    }

    /// Its process id.
    pub(super) fn pid(&self) -> io::Result<u32> {
        self.nginx.pid().ok_or_else(|| io::Error::other("nginx does not run"))
    }

    /// What is asked of it: a page of three bytes.
    pub(super) fn url(&self, scheme: Scheme) -> String {
        match scheme {
            Scheme::Http => self.nginx.url("/health"),
            Scheme::Https => format!("https://127.0.0.1:{}/health", self.secure_port),
        }
    }

    /// How many requests it was sent, this one among them.
    pub(super) fn requests(&self) -> io::Result<u64> {
        let text = http::get(self.nginx.port(), "/status")?.text();
        requests(&text).ok_or_else(|| io::Error::other(format!("nginx does not say how often it was asked: {text}")))
    }
}

/// The third number of the line after the one that names them.
fn requests(text: &str) -> Option<u64> {
    let mut lines = text.lines().skip_while(|line| !line.contains("requests"));
    lines.nth(1)?.split_ascii_whitespace().nth(2)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read_from_what_nginx_says() {
        let text = "Active connections: 1 \nserver accepts handled requests\n 7 7 12 \nReading: 0 Writing: 1\n";
        assert_eq!(requests(text), Some(12));
        assert_eq!(requests(""), None);
    }
}
