//! `blackbox.yml` → modules. What that exporter understands and this agent cannot do is refused by its name and place.
//!
//! ```yaml
//! modules:
//!   http_2xx: { prober: http, timeout: 5s, http: { preferred_ip_protocol: ip4 } }
//! ```

mod http;
mod others;

use std::path::Path;

use uphold_common::catalogue::body_pattern;
use uphold_common::wire::check::{IpChoice, TlsOptions, TlsVersion};
use uphold_common::yaml;
use uphold_common::yaml::problem::{Problems, Read};
use uphold_common::yaml::walk::{At, Keys};

use super::deadline::DEADLINE_MAX;
use super::module::{Module, Modules, Prober};
use crate::config_file::{FileError, text_of};

/// Most modules.
const MODULES_MAX: usize = 1_000;
/// Most entries of a list in a module.
const LIST_MAX: usize = 200;

impl Modules {
    /// Reads the text of such a file.
    pub fn parse(name: &str, text: &str) -> Result<Self, Problems> {
        yaml::read_file(name, text, |at| {
            at.mapping(|keys| {
                let modules = keys.required("modules", |at| {
                    let entries = at.pairs("modules", MODULES_MAX)?;
                    let read: Vec<Read<(String, Module)>> =
                        entries.iter().map(|(name, at)| Ok(((*name).to_owned(), module(at)?))).collect();
                    read.into_iter().collect()
                });
                Ok(Self(modules?))
            })
        })
    }

    /// Reads such a file.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        Ok(Self::parse(&path.display().to_string(), &text_of(path)?)?)
    }
}

fn module(at: &At<'_>) -> Read<Module> {
    at.mapping(|keys| {
        let most_ms = i64::try_from(DEADLINE_MAX.as_millis()).unwrap_or(i64::MAX);
        let timeout_ms = keys.optional("timeout", |at| at.duration_ms(1..=most_ms));
        let kinds = ["http", "tcp", "icmp", "dns", "grpc"].map(|kind| (kind, kind));
        let prober = keys.required("prober", |at| at.word(&kinds));
        let places = kinds.map(|(kind, _)| (kind, keys.get(kind)));
        let (timeout_ms, prober) = (timeout_ms?, prober?);
        let mut own = None;
        for (kind, place) in places {
            match place {
                Some(place) if kind == prober => own = Some(place),
                Some(place) => return Err(place.problem(format!("a module with the prober {prober} has no {kind}"))),
                None => {}
            }
        }
        // A section that is left out says as much as an empty one.
        let (ip, prober) = match own.filter(|at| !at.node().is_nothing()) {
            Some(at) => at.mapping(|keys| of_kind(prober, keys))?,
            None => yaml::read_file("", "", |at| at.mapping(|keys| of_kind(prober, keys)))
                .map_err(|_| keys.at().problem(format!("the key \"{prober}\" is missing")))?,
        };
        Ok(Module { timeout_ms, ip, prober })
    })
}

fn of_kind(prober: &str, keys: &Keys<'_>) -> Read<(IpChoice, Prober)> {
    let ip = ip(keys);
    let prober = match prober {
        "http" => http::read(keys),
        "tcp" => others::tcp(keys),
        "icmp" => others::icmp(keys),
        "dns" => others::dns(keys),
        _ => others::grpc(keys),
    };
    Ok((ip?, prober?))
}

/// Which of a name's addresses is spoken to.
fn ip(keys: &Keys<'_>) -> Read<IpChoice> {
    let preferred = keys.or("preferred_ip_protocol", 6, |at| at.word(&[("ip4", 4), ("ip6", 6)]));
    let fallback = keys.or("ip_protocol_fallback", true, At::flag);
    Ok(match (preferred?, fallback?) {
        (4, true) => IpChoice::Prefer4,
        (4, false) => IpChoice::Only4,
        (_, true) => IpChoice::Prefer6,
        (_, false) => IpChoice::Only6,
    })
}

/// How TLS is agreed.
fn tls(at: &At<'_>) -> Read<TlsOptions> {
    at.mapping(|keys| {
        let file = |at: &At<'_>| at.text();
        let (ca_file, cert_file) = (keys.optional("ca_file", file), keys.optional("cert_file", file));
        let (key_file, server_name) = (keys.optional("key_file", file), keys.optional("server_name", file));
        let unverified = keys.or("insecure_skip_verify", false, At::flag);
        let versions = [("TLS12", TlsVersion::V1_2), ("TLS13", TlsVersion::V1_3)];
        let min_version = keys.or("min_version", TlsVersion::default(), |at| at.word(&versions));
        keys.not_yet(&["max_version"])?;
        let (ca_file, cert_file, key_file) = (ca_file?, cert_file?, key_file?);
        if cert_file.is_some() != key_file.is_some() {
            return Err(keys.at().problem("cert_file and key_file belong together"));
        }
        let (server_name, min_version) = (server_name?, min_version?);
        Ok(TlsOptions { ca_file, cert_file, key_file, server_name, verify: !unverified?, min_version })
    })
}

/// A regular expression.
fn expression(at: &At<'_>) -> Read<String> {
    let text = at.scalar("a regular expression")?;
    body_pattern(text).map_err(|why| at.problem(format!("the regular expression cannot be used: {why}")))?;
    Ok(text.to_owned())
}

/// A list that may be empty or left out.
fn list<T>(keys: &Keys<'_>, key: &'static str, read: impl FnMut(&At<'_>) -> Read<T>) -> Read<Vec<T>> {
    let Some(at) = keys.get(key).filter(|at| !at.node().is_nothing()) else { return Ok(Vec::new()) };
    if at.items()?.len() > LIST_MAX {
        return Err(at.problem(format!("there are more than {LIST_MAX}")));
    }
    at.list(read)
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
