//! Whether a request was meant for this collector, and whether a page of ours sent it. Pure.
//!
//! A foreign page can make a browser send requests here, and can give its own name our address (DNS rebinding). So the
//! host that is asked for must be one of ours, and where a request says which page sent it, that page must be ours.
//! An address as the host is always right: a page under that address came from here.

use std::net::{IpAddr, Ipv6Addr};

/// Whether the `Host` of a request is the collector's: an address, `localhost`, or one of `names`.
pub(super) fn is_known(host: &str, names: &[String]) -> bool {
    let name = without_port(host);
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    match address {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None if name.parse::<IpAddr>().is_ok_and(|address| address.is_ipv4()) => true,
        None => name.eq_ignore_ascii_case("localhost") || names.iter().any(|known| name.eq_ignore_ascii_case(known)),
    }
}

/// Whether a page that says to be of `origin` was served by the collector that is asked as `host`; where it speaks `tls`
/// itself, its pages do too.
pub(super) fn is_ours(origin: &str, host: &str, tls: bool) -> bool {
    let plain = origin.strip_prefix("http://").filter(|_| !tls);
    let ours = plain.or_else(|| origin.strip_prefix("https://"));
    ours.is_some_and(|origin| origin.eq_ignore_ascii_case(host))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_localhost_and_our_names_are_known() {
        let names = ["uphold.example".to_owned()];
        for host in [
            "127.0.0.1:8080",
            "192.0.2.7",
            "[::1]:8080",
            "[2001:db8::1]",
            "localhost",
            "LocalHost:8080",
            "uphold.example",
            "Uphold.Example:443",
        ] {
            assert!(is_known(host, &names), "{host}");
        }
        for host in [
            "",
            ":8080",
            "evil.example",
            "uphold.example.evil.example",
            "notuphold.example",
            "127.0.0.1.evil.example",
            "[::1",
            "::1",
            "localhost.",
            "[evil.example]",
            "uphold.example:80:80",
            "uphold.example:",
        ] {
            assert!(!is_known(host, &names), "{host}");
        }
    }

    #[test]
    fn an_origin_is_ours_when_its_host_and_port_are_those_asked_for() {
        for (origin, host, ours) in [
            ("http://127.0.0.1:8080", "127.0.0.1:8080", true),
            ("https://uphold.example", "uphold.example", true),
            ("https://Uphold.example", "uphold.example", true),
            ("http://127.0.0.1:3000", "127.0.0.1:8080", false),
            ("http://127.0.0.1", "127.0.0.1:8080", false),
            ("http://evil.example", "127.0.0.1:8080", false),
            ("null", "127.0.0.1:8080", false),
            ("", "", false),
            ("ftp://127.0.0.1:8080", "127.0.0.1:8080", false),
            ("http://127.0.0.1:8080/", "127.0.0.1:8080", false),
        ] {
            assert_eq!(is_ours(origin, host, false), ours, "{origin} {host}");
            assert_eq!(is_ours(origin, host, true), ours && origin.starts_with("https:"), "{origin} {host}");
        }
    }
}
