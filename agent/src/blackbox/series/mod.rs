//! Facts → the series of `blackbox_exporter` 0.23, with its names, labels and help texts; pure.
//!
//! What the facts cannot say truly is left out; `docs/peers.md` lists it.

mod kinds;
mod secured;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::Duration;

use uphold_common::observation::{Micros, Outcome};
use uphold_common::time::Instant;

use super::module::{Module, Prober};
use crate::probe::{Facts, verdict};

/// Series of one name.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    help: &'static str,
    samples: Vec<(Vec<(&'static str, String)>, f64)>,
}

/// Series by their names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Families(BTreeMap<&'static str, Family>);

impl Families {
    /// A series without labels.
    fn one(&mut self, name: &'static str, help: &'static str, value: f64) {
        self.with(name, help, Vec::new(), value);
    }

    /// A series with labels.
    fn with(&mut self, name: &'static str, help: &'static str, labels: Vec<(&'static str, String)>, value: f64) {
        let family = self.0.entry(name).or_insert_with(|| Family { help, samples: Vec::new() });
        family.samples.push((labels, value));
    }

    /// Series that differ in their phase.
    fn phases(&mut self, name: &'static str, help: &'static str, phases: &[(&str, f64)]) {
        for (phase, value) in phases {
            self.with(name, help, vec![("phase", (*phase).to_owned())], *value);
        }
    }
}

/// The series of an attempt that took so long; without facts the target was none.
pub fn of(module: &Module, facts: Option<&Facts>, took: Duration, at: Instant) -> Families {
    let mut families = Families::default();
    let success =
        facts.is_some_and(|facts| matches!(verdict::judge(facts, at, None).outcome, Outcome::Up | Outcome::Degraded));
    families.one("probe_success", "Displays whether or not the probe was a success", flag(success));
    let duration = "Returns how long the probe took to complete in seconds";
    families.one("probe_duration_seconds", duration, took.as_secs_f64());
    if let Some(facts) = facts {
        address(&mut families, facts);
    }
    match &module.prober {
        Prober::Http(check, _) => kinds::http(&mut families, facts, check.redirects > 0),
        Prober::Tcp { .. } => kinds::tcp(&mut families, facts),
        Prober::Icmp { .. } => kinds::icmp(&mut families, facts),
        Prober::Dns(check) => kinds::dns(&mut families, facts, check.record),
        Prober::Grpc { .. } => kinds::grpc(&mut families, facts),
    }
    families
}

/// The name's way to an address.
fn address(families: &mut Families, facts: &Facts) {
    let noted = &facts.noted;
    // What did not end in an address was all that happened.
    let lookup = if noted.address.is_some() { noted.lookup } else { facts.total };
    let help = "Returns the time taken for probe dns lookup in seconds";
    families.one("probe_dns_lookup_time_seconds", help, seconds(lookup));
    let protocol = noted.address.map_or(0.0, |ip| if ip.is_ipv4() { 4.0 } else { 6.0 });
    families.one("probe_ip_protocol", "Specifies whether probe ip protocol is IP4 or IP6", protocol);
    let help = "Specifies the hash of IP address. It's useful to detect if the IP address changes.";
    families.one("probe_ip_addr_hash", help, noted.address.map_or(0.0, |ip| f64::from(hash(ip))));
}

/// FNV-1a of the bytes of an address.
fn hash(ip: IpAddr) -> u32 {
    let bytes = match ip.to_canonical() {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    bytes.iter().fold(0x811c_9dc5, |hash: u32, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

const fn flag(is: bool) -> f64 {
    if is { 1.0 } else { 0.0 }
}

#[expect(clippy::cast_precision_loss, reason = "an attempt does not last for centuries")]
fn seconds(micros: Micros) -> f64 {
    micros.get().unwrap_or_default() as f64 / 1e6
}

#[expect(clippy::cast_precision_loss, reason = "beyond 2^53 nobody reads the last digits")]
const fn whole(number: u64) -> f64 {
    number as f64
}

/// In the text format of Prometheus.
pub fn text(families: Families) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    for (name, Family { help, mut samples }) in families.0 {
        samples.sort_by(|a, b| a.0.cmp(&b.0));
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
        for (labels, value) in samples {
            let labels: Vec<String> =
                labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
            let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
            let _ = writeln!(text, "{name}{labels} {value}");
        }
    }
    text
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
#[path = "series_tests.rs"]
mod tests;
