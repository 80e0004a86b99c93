//! What is measured: a server that takes the load, whichever of the two it is.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use super::daemon::Spent;

/// The format in which a server takes the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// A push of an agent.
    Push,
    /// A remote write of Prometheus.
    RemoteWrite,
}

/// What lies on disk.
#[derive(Clone, Debug, Default)]
pub(super) struct OnDisk {
    /// Everything, in allocated blocks.
    pub(super) all_bytes: u64,
    /// The same by kind of file, and what else the server says of itself.
    pub(super) by_kind: Vec<(String, u64)>,
}

/// A server that takes the load.
pub(super) trait Server {
    /// Its port, on the loopback address.
    fn port(&self) -> u16;

    /// How it takes the load.
    fn dialect(&self) -> Dialect;

    /// What it has taken since the run began, over every process it had.
    fn spent(&self) -> io::Result<Spent>;

    /// How much it says it has taken since its process was started: rows of pushes, or values of remote writes.
    fn taken(&self) -> io::Result<u64>;

    /// Waits until everything that was acknowledged has its lasting form: sealed, merged, nothing left to do.
    fn settle(&mut self) -> io::Result<()>;

    /// What it keeps on disk.
    fn on_disk(&self) -> io::Result<OnDisk>;

    /// Where it listens.
    fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port()))
    }
}

/// The value of the first series of a metric in Prometheus' text whose labels hold `label`.
pub(super) fn metric(text: &str, name: &str, label: &str) -> Option<f64> {
    metrics(text, name).find(|(labels, _)| labels.contains(label)).map(|(_, value)| value)
}

/// Every series of a metric in Prometheus' text: its labels, and its value.
pub(super) fn metrics<'a>(text: &'a str, name: &str) -> impl Iterator<Item = (&'a str, f64)> {
    text.lines().filter_map(move |line| {
        let (series, value) = line.rsplit_once(' ')?;
        let labels = series.strip_prefix(name)?;
        (labels.is_empty() || labels.starts_with('{')).then_some((labels, value.parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_found_by_its_whole_name_and_a_label() {
        let text = "# HELP a x\na_b 1\na{k=\"x\"} 2\na{k=\"y\"} 3e3\n";
        assert_eq!(metric(text, "a", ""), Some(2.0));
        assert_eq!(metric(text, "a", "\"y\""), Some(3_000.0));
        assert_eq!(metric(text, "a_b", ""), Some(1.0));
        assert_eq!(metric(text, "b", ""), None);
    }
}
