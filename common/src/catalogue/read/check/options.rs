//! What several kinds share: TLS, addresses, files on the agent's host.

use super::Read;
use crate::wire::check::{IpChoice, StartTls, TlsOptions, TlsVersion};
use crate::yaml::walk::{At, Keys};

/// Longest path of a file, in bytes.
const PATH_BYTES_MAX: usize = 1_000;

/// `{ ca_file: /etc/uphold/probes/ca.pem, server_name: shop.example, min_version: "1.3" }`
pub(super) fn tls(at: &At<'_>) -> Read<TlsOptions> {
    at.mapping(tls_keys)
}

/// The same among the keys of the check itself.
pub(super) fn tls_keys(keys: &Keys<'_>) -> Read<TlsOptions> {
    let ca_file = keys.optional("ca_file", file);
    let cert_file = keys.optional("cert_file", file);
    let key_file = keys.optional("key_file", file);
    let server_name = keys.optional("server_name", server_name);
    let verify = keys.or("verify", true, At::flag);
    let min_version = keys.or("min_version", TlsVersion::default(), |at| at.word(&TlsVersion::WORDS));
    let options = TlsOptions {
        ca_file: ca_file?,
        cert_file: cert_file?,
        key_file: key_file?,
        server_name: server_name?,
        verify: verify?,
        min_version: min_version?,
    };
    if options.cert_file.is_some() != options.key_file.is_some() {
        return Err(keys.at().problem("a certificate needs its key: expected both \"cert_file\" and \"key_file\""));
    }
    if !options.verify && options.ca_file.is_some() {
        return Err(keys.at().problem("\"verify: false\" holds nothing against the roots in \"ca_file\""));
    }
    Ok(options)
}

/// Which addresses of a name.
pub(super) fn ip(keys: &Keys<'_>) -> Read<IpChoice> {
    keys.or("ip", IpChoice::Any, |at| at.word(&IpChoice::WORDS))
}

/// How a connection turns to TLS.
pub(super) fn starttls(keys: &Keys<'_>) -> Read<Option<StartTls>> {
    keys.optional("starttls", |at| at.word(&StartTls::WORDS))
}

/// A file on the agent's host.
pub(super) fn file(at: &At<'_>) -> Read<String> {
    let path = at.text()?;
    let odd = |part: &str| matches!(part, "." | "..");
    if !path.starts_with('/') || path.len() > PATH_BYTES_MAX || path.split('/').any(odd) {
        return Err(at.expected("the path of a file on the agent's host, from / on and without \"..\""));
    }
    Ok(path)
}

fn server_name(at: &At<'_>) -> Read<String> {
    let wanted = "a name such as \"shop.example\"";
    let name = at.scalar(wanted)?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':');
    let sound = (1..=253).contains(&name.len()) && name.bytes().all(plain);
    if sound { Ok(name.to_owned()) } else { Err(at.expected(wanted)) }
}
