//! What a probe asks: exactly one of the kinds, each read in a file of its own.

mod dns;
mod exec;
mod expect;
mod grpc;
mod heartbeat;
mod http;
mod icmp;
mod json;
mod options;
mod pattern;
mod process;
mod prometheus;
mod readings;
mod systemd;
mod tcp;
mod tls;

pub use pattern::{BODY_PATTERN_SIZE_MAX, body_pattern};

use super::sections::Names;
use crate::ids::Id;
use crate::wire::check::Check;
use crate::yaml::problem::{Problems, Read, Report};
use crate::yaml::tree::{self, Node};
use crate::yaml::walk::{At, Keys};

/// What every kind of check is read with.
#[derive(Clone, Debug)]
pub(super) struct Asking<'a> {
    /// Most bytes of a compiled pattern.
    pub pattern_size_max: usize,
    /// What is declared; none for a check that stands by itself.
    pub names: Option<&'a Names>,
    /// The agents that run the probe, if they could be read.
    pub agents: Option<&'a [Id]>,
    /// The probe's interval, if it could be read.
    pub interval_ms: Option<i64>,
    /// The one deadline of an attempt, if it was understood.
    pub timeout_ms: Option<i64>,
}

/// How the check of a kind is read.
type Reader = fn(&At<'_>, &Asking<'_>) -> Read<Check>;

/// The kinds, each with its reader.
const KINDS: [(&str, Reader); Check::KINDS.len()] = [
    ("http", http::read),
    ("tcp", tcp::read),
    ("tls", tls::read),
    ("grpc", grpc::read),
    ("dns", dns::read),
    ("icmp", icmp::read),
    ("exec", exec::read),
    ("prometheus", prometheus::read),
    ("systemd", systemd::read),
    ("process", process::read),
    ("heartbeat", heartbeat::read),
];

/// A check by itself, such as `{ tcp: { address: "192.0.2.1:443" } }`; `name` is what problems call the text.
///
/// ```
/// use uphold_common::catalogue::read_check;
/// assert_eq!(read_check("a", "{ tls: { address: 'a.example:443' } }").unwrap().kind(), "tls");
/// assert!(read_check("a", "{ tsl: {} }").is_err());
/// ```
pub fn read_check(name: &str, text: &str) -> Result<Check, Problems> {
    let report = Report::default();
    let pattern_size_max = BODY_PATTERN_SIZE_MAX;
    let asking = Asking { pattern_size_max, names: None, agents: None, interval_ms: None, timeout_ms: None };
    let check = tree::read(name, text, &report).and_then(|tree| {
        let node = tree.unwrap_or_else(|| Node::empty_mapping(name));
        At::root(&node, &report).mapping(|keys| read(keys, &asking))
    });
    report.finish(check)
}

/// The one check of a probe.
pub(super) fn read(keys: &Keys<'_>, asking: &Asking<'_>) -> Read<Check> {
    let written = KINDS.map(|(kind, read)| (kind, keys.optional(kind, |at| read(at, asking)).transpose()));
    let mut written = written.into_iter().filter_map(|(kind, check)| Some((kind, check?)));
    match (written.next(), written.next()) {
        (Some((one, _)), Some((other, _))) => {
            Err(keys.at().problem(format!("a probe asks one thing, not both \"{one}\" and \"{other}\"")))
        }
        (Some((_, check)), None) => check,
        (None, _) => {
            let (last, kinds) = Check::KINDS.split_last().unwrap_or((&"", &[]));
            let kinds: Vec<String> = kinds.iter().map(|kind| format!("\"{kind}\"")).collect();
            Err(keys.at().problem(format!("what is asked is missing: {} or \"{last}\"", kinds.join(", "))))
        }
    }
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
