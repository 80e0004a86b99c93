//! What the agent is told when it starts: checked values, wherever they were read from.
//!
//! Nothing here reads a file or an argument; [`Config::check`] holds the values against their bounds and names every
//! problem at once. The command line fills it in today; a file can do so the same way.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use uphold_common::ids::Id;
use url::Url;

/// Where the metrics are served unless something else is said.
pub const LISTEN_DEFAULT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9417);
/// How much the spool holds unless something else is said: at one batch every 15 s, some eleven days.
pub const SPOOL_BYTES_DEFAULT: u64 = 256 * 1024 * 1024;
/// The least a spool may hold: a few of the largest batches.
pub const SPOOL_BYTES_MIN: u64 = 8 * 1024 * 1024;

/// What the agent is told when it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Its name, as the catalogue writes it.
    pub name: Id,
    /// The collectors, in the order in which they are tried.
    pub collectors: Vec<Url>,
    /// The directory of its spool and its assignment; nobody else writes there.
    pub data_dir: PathBuf,
    /// Where metrics and health are served; `None` when the agent runs inside another program.
    pub listen: Option<SocketAddr>,
    /// How much waits for the collectors, and what happens beyond.
    pub spool: SpoolConfig,
}

/// How much waits for the collectors, and what happens beyond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpoolConfig {
    /// Most bytes on disk.
    pub bytes_max: u64,
    /// What happens when there is more.
    pub overflow: Overflow,
}

/// What happens when the spool is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overflow {
    /// The oldest batches go, are counted, and their loss is reported.
    #[default]
    DropOldest,
}

impl Default for SpoolConfig {
    fn default() -> Self {
        Self { bytes_max: SPOOL_BYTES_DEFAULT, overflow: Overflow::DropOldest }
    }
}

impl Config {
    /// Every problem of these values; none when they can be used.
    pub fn check(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.collectors.is_empty() {
            problems.push("no collector: at least one is needed, such as http://127.0.0.1:8080".to_owned());
        }
        for url in &self.collectors {
            problems.extend(collector_problem(url).map(|problem| format!("collector {}: {problem}", shown(url))));
        }
        if self.spool.bytes_max < SPOOL_BYTES_MIN {
            problems.push(format!("a spool of {} bytes: at least {SPOOL_BYTES_MIN} are needed", self.spool.bytes_max));
        }
        problems
    }
}

fn collector_problem(url: &Url) -> Option<&'static str> {
    if !matches!(url.scheme(), "http" | "https") {
        Some("http or https is expected")
    } else if url.host_str().is_none_or(str::is_empty) {
        Some("it has no host")
    } else if !url.username().is_empty() || url.password().is_some() {
        Some("a user or password does not belong into a URL")
    } else if url.query().is_some() || url.fragment().is_some() {
        Some("it ends before any '?' or '#'")
    } else {
        None
    }
}

/// A URL as it may be shown: without user and password.
pub fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // Both fail only for URLs that cannot hold a user, which then have nothing to hide.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.as_str().trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(collectors: &[&str]) -> Config {
        Config {
            name: Id::new("zurich-1").unwrap(),
            collectors: collectors.iter().map(|url| Url::parse(url).unwrap()).collect(),
            data_dir: PathBuf::from("data"),
            listen: None,
            spool: SpoolConfig::default(),
        }
    }

    #[test]
    fn every_problem_is_named_and_no_password_is_shown() {
        assert_eq!(config(&["http://127.0.0.1:8080", "https://collector.example/uphold"]).check(), [""; 0]);
        let mut bad = config(&["ftp://a.example", "http://user:secret@a.example", "http://a.example/?q"]);
        bad.spool.bytes_max = 1;
        let problems = bad.check();
        assert_eq!(problems.len(), 4, "{problems:?}");
        assert!(!problems.concat().contains("secret"), "{problems:?}");
        assert_eq!(config(&[]).check().len(), 1);
    }
}
