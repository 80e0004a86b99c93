//! Servers of the web and beside it, well and broken: what `uphold-agent probe` sees of them, in a process of its own.

mod blackbox;
mod grpc;
mod http;
mod misbehaving;
mod proxied;
mod servers;
mod starttls;
mod tcp;
mod tls;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use jiff::{Span, Timestamp, tz::TimeZone};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::Value;
use tempfile::TempDir;
use uphold_tests::process::child::program;
use uphold_tests::process::wait::wall_ms;

/// An authority, and the files of the certificates that it signs.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    folder: TempDir,
}

/// A certificate and its key, in files.
struct Certificate {
    certificate: PathBuf,
    key: PathBuf,
}

impl Authority {
    fn new() -> Self {
        let (folder, key) = (tempfile::tempdir().unwrap(), KeyPair::generate().unwrap());
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, "the authority of a test");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        fs::write(folder.path().join("ca.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
        Self { issuer: Issuer::new(params, key), folder }
    }

    fn ca_file(&self) -> String {
        self.folder.path().join("ca.pem").display().to_string()
    }

    /// A certificate for this name that holds until so many days from today.
    fn sign(&self, name: &str, days: i64) -> Certificate {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        // Whoever has its issuer's name is taken for its own issuer.
        params.distinguished_name.push(DnType::CommonName, name);
        // The day that is so many days from today.
        let today = Timestamp::from_millisecond(wall_ms()).unwrap().to_zoned(TimeZone::UTC).date();
        let date = today + Span::new().days(days);
        let small = |number: i8| u8::try_from(number).unwrap();
        params.not_after = rcgen::date_time_ymd(date.year().into(), small(date.month()), small(date.day()));
        let key = KeyPair::generate().unwrap();
        let file = |ending: &str| self.folder.path().join(format!("{name}-{days}.{ending}"));
        fs::write(file("pem"), params.signed_by(&key, &self.issuer).unwrap().pem()).unwrap();
        fs::write(file("key"), key.serialize_pem()).unwrap();
        Certificate { certificate: file("pem"), key: file("key") }
    }
}

impl Certificate {
    /// As lines of nginx.
    fn lines(&self) -> String {
        let Self { certificate, key } = self;
        format!("ssl_certificate {}; ssl_certificate_key {};", certificate.display(), key.display())
    }
}

/// What one attempt with these arguments came to, as the program tells other programs.
fn probe(arguments: &[&str]) -> Value {
    let mut command = Command::new(program("uphold-agent").unwrap());
    let answer = command.arg("probe").args(arguments).args(["--format", "json"]).output().unwrap();
    let complaint = String::from_utf8_lossy(&answer.stderr);
    serde_json::from_slice(&answer.stdout).unwrap_or_else(|error| panic!("{arguments:?}: {error}; {complaint}"))
}

/// Outcome, cause and code of what was seen.
fn verdict(seen: &Value) -> (&str, &str, Option<u64>) {
    (seen["outcome"].as_str().unwrap(), seen["cause"].as_str().unwrap(), seen["code"].as_u64())
}

/// One attempt of a check, in the catalogue's words.
fn check(text: &str) -> Value {
    probe(&["--check", text, "--timeout", "10s"])
}

/// The same under a deadline that is meant to pass.
fn check_within(timeout: &str, text: &str) -> Value {
    probe(&["--check", text, "--timeout", timeout])
}

fn detail(seen: &Value) -> &str {
    seen["detail"].as_str().unwrap_or_default()
}

/// A file of this name in `folder`.
fn file(folder: &Path, name: &str, content: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, content).unwrap();
    path.display().to_string()
}
