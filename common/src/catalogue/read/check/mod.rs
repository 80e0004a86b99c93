//! What a probe asks: exactly one of the kinds, each read in a file of its own.

mod exec;
mod heartbeat;
mod http;
mod pattern;
mod prometheus;
mod readings;
mod tcp;

pub use pattern::{BODY_PATTERN_SIZE_MAX, body_pattern};

use super::sections::Names;
use crate::ids::Id;
use crate::wire::check::Check;
use crate::yaml::problem::Read;
use crate::yaml::walk::{At, Keys};

/// What the contract lets a probe ask, and this release does not.
const NOT_YET: [&str; 6] = ["dns", "tls", "icmp", "grpc", "systemd", "process"];

/// What every kind of check is read with.
#[derive(Clone, Debug)]
pub(super) struct Asking<'a> {
    /// Most bytes of a compiled pattern.
    pub pattern_size_max: usize,
    /// What is declared.
    pub names: &'a Names,
    /// The agents that run the probe, if they could be read.
    pub agents: Option<&'a [Id]>,
    /// The probe's interval, if it could be read.
    pub interval_ms: Option<i64>,
}

/// How the check of a kind is read.
type Reader = fn(&At<'_>, &Asking<'_>) -> Read<Check>;

/// The kinds, each with its reader.
const KINDS: [(&str, Reader); Check::KINDS.len()] = [
    ("http", http::read),
    ("tcp", tcp::read),
    ("exec", exec::read),
    ("prometheus", prometheus::read),
    ("heartbeat", heartbeat::read),
];

/// The one check of a probe.
pub(super) fn read(keys: &Keys<'_>, asking: &Asking<'_>) -> Read<Check> {
    let written = KINDS.map(|(kind, read)| (kind, keys.optional(kind, |at| read(at, asking)).transpose()));
    let not_yet = keys.not_yet(&NOT_YET);
    let mut written = written.into_iter().filter_map(|(kind, check)| Some((kind, check?)));
    match (written.next(), written.next()) {
        (Some((one, _)), Some((other, _))) => {
            Err(keys.at().problem(format!("a probe asks one thing, not both \"{one}\" and \"{other}\"")))
        }
        (Some((_, check)), None) => not_yet.and(check),
        (None, _) => {
            not_yet?;
            let (last, kinds) = Check::KINDS.split_last().unwrap_or((&"", &[]));
            let kinds: Vec<String> = kinds.iter().map(|kind| format!("\"{kind}\"")).collect();
            Err(keys.at().problem(format!("what is asked is missing: {} or \"{last}\"", kinds.join(", "))))
        }
    }
}
