//! The series of a session of TLS.

use std::net::IpAddr;

use uphold_common::time::Instant;

use super::Families;
use crate::probe::certificates::Chain;
use crate::probe::secure::Session;

pub(super) const EARLIEST: (&str, &str) =
    ("probe_ssl_earliest_cert_expiry", "Returns last SSL chain expiry in unixtime");
const LAST: (&str, &str) =
    ("probe_ssl_last_chain_expiry_timestamp_seconds", "Returns last SSL chain expiry in timestamp");
const INFO: (&str, &str) = ("probe_ssl_last_chain_info", "Contains SSL leaf certificate information");
const VERSION: (&str, &str) = ("probe_tls_version_info", "Returns the TLS version used or NaN when unknown");
/// What stands for the end of a chain that was not verified: the year 1.
const NOT_VERIFIED_S: f64 = -62_135_596_800.0;

/// Of whom the certificates are, and which version was agreed.
pub(super) fn whose(families: &mut Families, session: &Session) {
    version(families, session);
    if let Some(chain) = &session.chain {
        families.with(INFO.0, INFO.1, info(chain), 1.0);
    }
}

/// The same, and when the certificates expire.
pub(super) fn tell(families: &mut Families, session: &Session) {
    whose(families, session);
    let Some(chain) = &session.chain else { return };
    families.one(EARLIEST.0, EARLIEST.1, unix_s(chain.chain_until));
    let last_s = if session.verified { unix_s(chain.chain_until) } else { NOT_VERIFIED_S };
    families.one(LAST.0, LAST.1, last_s);
}

fn version(families: &mut Families, session: &Session) {
    let version = match session.version {
        "TLSv1_2" => "TLS 1.2",
        "TLSv1_3" => "TLS 1.3",
        _ => "unknown",
    };
    families.with(VERSION.0, VERSION.1, vec![("version", version.to_owned())], 1.0);
}

fn info(chain: &Chain) -> Vec<(&'static str, String)> {
    let is_name = |name: &&String| name.parse::<IpAddr>().is_err();
    let names: Vec<&str> = chain.names.iter().filter(is_name).map(String::as_str).collect();
    vec![
        ("fingerprint_sha256", chain.fingerprint.clone()),
        ("issuer", chain.issuer.clone()),
        ("subject", chain.subject.clone()),
        ("subjectalternative", names.join(",")),
    ]
}

#[expect(clippy::cast_precision_loss, reason = "seconds of any certificate are exact")]
pub(super) fn unix_s(at: Instant) -> f64 {
    at.as_ms().div_euclid(1_000) as f64
}
