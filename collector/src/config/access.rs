//! Who may reach the collector, and how: tokens, TLS, the names it is reached by.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use uphold_common::yaml::problem::Read;
use uphold_common::yaml::walk::At;
use url::Host;

use crate::listen::tls::TlsFiles;

/// Most names by which the collector is reached.
const HOSTS_MAX: usize = 100;

/// Whether a request needs a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokensNeeded {
    /// Every request needs one.
    Required,
    /// Who sends none may read and push, and change nothing else.
    Optional,
}

impl TokensNeeded {
    /// What holds where nothing is said: on the loopback address everybody is on this machine, unless there are names by
    /// which others reach it through a proxy.
    pub fn default_for(listen: SocketAddr, hosts: &[String]) -> Self {
        if listen.ip().to_canonical().is_loopback() && hosts.is_empty() { Self::Optional } else { Self::Required }
    }
}

/// Who may reach the collector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessConfig {
    /// Whether a request needs a token.
    pub tokens: TokensNeeded,
    /// The names by which the collector is reached, in lower case and without a port, beside IP addresses and
    /// `localhost`.
    pub hosts: Vec<String>,
    /// Whether it may be reached from other machines without TLS or without tokens.
    pub insecure: bool,
}

/// `required` or `optional`
pub(super) fn tokens(at: &At<'_>) -> Read<TokensNeeded> {
    at.word(&[("required", TokensNeeded::Required), ("optional", TokensNeeded::Optional)])
}

/// `[uphold.example.org]`
pub(super) fn hosts(at: &At<'_>) -> Read<Vec<String>> {
    at.set("names", HOSTS_MAX, host)
}

/// A name: no port, no path, and no address, since those always pass.
fn host(at: &At<'_>) -> Read<String> {
    let wanted = "the name of a host such as \"uphold.example.org\", without a port";
    let text = at.scalar(wanted)?;
    if text.parse::<IpAddr>().is_ok() {
        return Err(at.problem("an IP address need not be named: the collector can always be reached by it"));
    }
    let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
    match Host::parse(text) {
        Ok(Host::Domain(name)) if plain && text.len() <= 255 => Ok(name.to_ascii_lowercase()),
        _ => Err(at.expected(wanted)),
    }
}

/// `{ certificate: /etc/uphold/tls.crt, key: /etc/uphold/tls.key }`
pub(super) fn tls(at: &At<'_>) -> Read<TlsFiles> {
    at.mapping(|keys| {
        let certificate = keys.required("certificate", |at| at.text().map(PathBuf::from));
        let key = keys.required("key", |at| at.text().map(PathBuf::from));
        Ok(TlsFiles { certificate: certificate?, key: key? })
    })
}
