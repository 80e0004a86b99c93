//! What the agent is told when it starts: checked values, wherever they were read from.
//!
//! Nothing here reads a file or an argument; [`Config::check`] holds the values against their bounds and names every
//! problem at once. The command line fills it in today; a file can do so the same way.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use uphold_common::ids::Id;
use url::{Host, Url};

use crate::accept::Accept;
use crate::blackbox::Modules;
use crate::capacity::links::Link;

/// Where the metrics are served unless something else is said.
pub const LISTEN_DEFAULT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9417);
/// How much the spool holds unless something else is said: at one batch every 15 s, some eleven days.
pub const SPOOL_BYTES_DEFAULT: u64 = 256 * 1024 * 1024;
/// The least a spool may hold: a few of the largest batches.
pub const SPOOL_BYTES_MIN: u64 = 8 * 1024 * 1024;

/// For how long acknowledged batches are kept unless something else is said: until somebody has put a lost store right.
pub const REPLAY_AGE_MS_DEFAULT: i64 = 48 * 3_600_000;
/// The longest that acknowledged batches are kept.
pub const REPLAY_AGE_MS_MAX: i64 = 366 * 24 * 3_600_000;
/// How much of them is kept unless something else is said: at one batch every 15 s, all of that age.
pub const REPLAY_BYTES_DEFAULT: u64 = 64 * 1024 * 1024;

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
    /// What the agent shows to collectors, and how it knows them.
    pub access: Access,
    /// What this host lets its agent do, whatever is assigned.
    pub accept: Accept,
    /// What the links of this host can carry, where the kernel does not know.
    pub links: Vec<Link>,
    /// How a Prometheus may have something probed; none: not at all.
    pub modules: Option<Arc<Modules>>,
}

/// What the agent shows to collectors, and how it knows them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// The file whose first line is the agent's token; without one the agent shows none.
    pub token_file: Option<PathBuf>,
    /// The roots of the collectors' certificates, in place of the system's.
    pub ca_file: Option<PathBuf>,
    /// Whether the token may go over plain http to other hosts.
    pub insecure: bool,
}

impl Access {
    /// Why this collector must not be spoken to, if so: the token would cross the network for everybody to read.
    pub fn problem(&self, collector: &Url) -> Option<&'static str> {
        let exposed = self.token_file.is_some() && !self.insecure && collector.scheme() == "http";
        (exposed && !is_loopback(collector)).then_some(
            "the token would go over plain http, where everybody on the way can read it; give an https address, or \
             allow it with insecure: true in the configuration, or with --insecure",
        )
    }
}

/// Whether what is sent there stays on this host.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

/// How much waits for the collectors, what happens beyond, and how much is kept afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpoolConfig {
    /// Most bytes on disk.
    pub bytes_max: u64,
    /// What happens when there is more.
    pub overflow: Overflow,
    /// For how long batches are kept once they were acknowledged; 0 keeps none.
    pub replay_age_ms: i64,
    /// Most bytes of them on disk, beside those that wait; 0 keeps none.
    pub replay_bytes_max: u64,
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
        Self {
            bytes_max: SPOOL_BYTES_DEFAULT,
            overflow: Overflow::DropOldest,
            replay_age_ms: REPLAY_AGE_MS_DEFAULT,
            replay_bytes_max: REPLAY_BYTES_DEFAULT,
        }
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
            let problem = collector_problem(url).or_else(|| self.access.problem(url));
            problems.extend(problem.map(|problem| format!("collector {}: {problem}", shown(url))));
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
            access: Access::default(),
            accept: Accept::default(),
            links: Vec::new(),
            modules: None,
        }
    }

    #[test]
    fn a_token_goes_over_plain_http_only_within_the_host() {
        for (url, exposed) in [
            ("http://127.0.0.1:8080", false),
            ("http://127.8.9.1", false),
            ("http://[::1]:8080", false),
            ("http://[::ffff:127.0.0.1]", false),
            ("http://localhost:8080", false),
            ("http://collector.localhost", false),
            ("https://collector.example", false),
            ("http://collector.example", true),
            ("http://localhost.example", true),
            ("http://10.0.0.1", true),
            ("http://0.0.0.0", true),
            ("http://[::]", true),
        ] {
            let mut config = config(&[url]);
            assert_eq!(config.check(), [""; 0], "{url}: there is no token");
            config.access.token_file = Some(PathBuf::from("token"));
            let problems = config.check();
            assert_eq!(problems.len(), usize::from(exposed), "{url}");
            assert!(problems.iter().all(|problem| problem.contains("insecure: true")), "{problems:?}");
            config.access.insecure = true;
            assert_eq!(config.check(), [""; 0], "{url}: it is allowed");
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
