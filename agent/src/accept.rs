//! What this host lets its agent do, whatever is assigned to it; pure.
//!
//! What is observed is said in one place, the catalogue. Whoever runs a host still has the last word on it: which kinds of
//! probes its agent makes, and whom they may speak to. Addresses from which clouds hand out their machines' credentials,
//! those of the link itself and those of many receivers at once are spoken to only where the host says so, since a
//! name may lead there without anybody having meant it. What is refused is `unknown` with the reason, never `down`.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use ipnet::IpNet;

use crate::commands::Commands;

/// Where clouds answer to their machines outside the addresses of the link.
const METADATA: [IpAddr; 4] = [
    IpAddr::V4(std::net::Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(std::net::Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
];

/// Below this, probes may read files unless something else is said: a folder that is made for them and nothing else.
const FILES: &str = "/etc/uphold/probes";

/// What this host lets its agent do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accept {
    /// The kinds of probes; none written: all of them.
    pub kinds: Option<BTreeSet<String>>,
    /// Whom probes may speak to; empty: everybody.
    pub targets: Vec<Range>,
    /// Whether they may also speak to addresses of the link, of metadata and of many receivers.
    pub special_addresses: bool,
    /// The files, and the folders of files, that probes may read and show to those they speak to; none written: [`FILES`].
    pub files: Option<Vec<PathBuf>>,
    /// What probes of the kind `exec` may run; nothing unless it is listed.
    pub commands: Commands,
}

/// Some of those that can be spoken to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// Which names or addresses.
    pub hosts: Hosts,
    /// The one port; none: any.
    pub port: Option<u16>,
}

/// Names or addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hosts {
    /// Exactly this name, in small letters.
    Name(String),
    /// Every name below this one, in small letters.
    Below(String),
    /// Addresses, also those that a name leads to.
    Net(IpNet),
}

impl Accept {
    /// Why probes of this kind are not made here, if so.
    pub fn refuses_kind(&self, kind: &str) -> Option<String> {
        let kinds = self.kinds.as_ref().filter(|kinds| !kinds.contains(kind))?;
        let listed = kinds.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        Some(format!("this host accepts no probes of the kind {kind}: its configuration lists {listed}"))
    }

    /// Why a probe must not speak to `address`, which `host` led to, if so.
    pub fn refuses(&self, host: &str, address: SocketAddr) -> Option<String> {
        let ip = address.ip().to_canonical();
        if let Some(what) = special(ip).filter(|_| !self.special_addresses) {
            return Some(format!("this host does not speak to {ip}, {what}: accept.special_addresses allows it"));
        }
        let listed = self.targets.is_empty() || self.targets.iter().any(|range| range.holds(host, ip, address.port()));
        let port = match address.port() {
            // What has no ports, such as an echo request, is accepted where none is asked for.
            0 => String::new(),
            port => format!(", port {port},"),
        };
        (!listed).then(|| format!("{host}{port} is not among the targets that this host accepts"))
    }
}

impl Accept {
    /// Why a probe must not have `host` and `port` spoken to by somebody else, such as a proxy, if so. Where the name leads
    /// for them is not known here.
    pub fn refuses_for_others(&self, host: &str, port: u16) -> Option<String> {
        if let Ok(ip) = host.parse() {
            return self.refuses(host, SocketAddr::new(ip, port));
        }
        let named = |range: &Range| !matches!(range.hosts, Hosts::Net(_));
        let nowhere = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
        let listed = self.targets.is_empty()
            || self.targets.iter().any(|range| named(range) && range.holds(host, nowhere, port));
        (!listed)
            .then(|| format!("{host}, port {port}, is not among the targets that this host accepts by their names"))
    }

    /// Why a probe must not read this file, if so.
    pub fn refuses_file(&self, path: &Path) -> Option<String> {
        let listed = match &self.files {
            None => path.starts_with(FILES),
            Some(files) => files.iter().any(|listed| path.starts_with(listed)),
        };
        // Out of a folder that is listed there is a way back up.
        let plain = path.is_absolute() && !path.components().any(|part| part.as_os_str() == "..");
        (!listed || !plain).then(|| {
            let path = path.display();
            format!("this host does not let probes read {path}: accept.files lists what they may, without it {FILES}")
        })
    }
}

impl Range {
    /// Reads `shop.example`, `*.shop.example:443`, `192.0.2.7`, `192.0.2.0/24:53` or `[2001:db8::/32]:443`.
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(net) = net(text) {
            return Some(Self { hosts: Hosts::Net(net), port: None });
        }
        let (hosts, port) = match text.rsplit_once(':') {
            None => (text, None),
            Some((hosts, port)) => (hosts, Some(port.parse().ok().filter(|port| *port > 0)?)),
        };
        if let Some(inside) = hosts.strip_prefix('[') {
            return Some(Self { hosts: Hosts::Net(net(inside.strip_suffix(']')?).ok()?), port });
        }
        let hosts = match net(hosts) {
            // Which of its colons begins the port could not be told.
            Ok(IpNet::V6(_)) => return None,
            Ok(net) => Hosts::Net(net),
            Err(()) => {
                let (below, name) = hosts.strip_prefix("*.").map_or((false, hosts), |name| (true, name));
                let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
                if name.is_empty() || !name.bytes().all(plain) || name.starts_with('.') {
                    return None;
                }
                let name = in_small_letters(name);
                if below { Hosts::Below(name) } else { Hosts::Name(name) }
            }
        };
        Some(Self { hosts, port })
    }

    fn holds(&self, host: &str, ip: IpAddr, port: u16) -> bool {
        if self.port.is_some_and(|only| only != port) {
            return false;
        }
        match &self.hosts {
            Hosts::Net(net) => net.contains(&ip),
            Hosts::Name(name) => in_small_letters(host) == *name,
            Hosts::Below(name) => {
                let host = in_small_letters(host);
                host.strip_suffix(name.as_str()).is_some_and(|before| before.len() > 1 && before.ends_with('.'))
            }
        }
    }
}

/// A range of addresses, or one address alone.
fn net(text: &str) -> Result<IpNet, ()> {
    text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)).map_err(|_| ())
}

fn in_small_letters(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

/// What is special about an address, if anything is.
fn special(ip: IpAddr) -> Option<&'static str> {
    let of_the_link = match ip {
        IpAddr::V4(ip) => ip.is_link_local() || ip.is_broadcast(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    if of_the_link {
        Some("an address of the link itself, where clouds hand out credentials")
    } else if METADATA.contains(&ip) {
        Some("where a cloud hands out credentials")
    } else if ip.is_multicast() {
        Some("many receivers at once")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accept(targets: &[&str]) -> Accept {
        let targets = targets.iter().map(|text| Range::parse(text).unwrap_or_else(|| panic!("{text}"))).collect();
        Accept { targets, ..Accept::default() }
    }

    #[test]
    fn a_target_is_accepted_by_its_name_or_by_where_the_name_leads() {
        let listed =
            accept(&["shop.example", "*.Api.example.:443", "192.0.2.0/24:53", "[2001:db8::/32]:443", "198.51.100.7"]);
        for (host, address, accepted) in [
            ("shop.example", "203.0.113.1:80", true),
            ("SHOP.example.", "203.0.113.1:80", true),
            ("www.shop.example", "203.0.113.1:80", false),
            ("a.b.api.example", "203.0.113.1:443", true),
            ("a.api.example", "203.0.113.1:80", false),
            ("api.example", "203.0.113.1:443", false),
            (".api.example", "203.0.113.1:443", false),
            ("evilapi.example", "203.0.113.1:443", false),
            ("dns.example", "192.0.2.9:53", true),
            ("dns.example", "192.0.2.9:54", false),
            ("192.0.2.9", "[::ffff:192.0.2.9]:53", true),
            ("six.example", "[2001:db8::9]:443", true),
            ("198.51.100.7", "198.51.100.7:1", true),
            ("198.51.100.8", "198.51.100.8:1", false),
            ("shop.example", "203.0.113.1:0", true),
            ("a.api.example", "203.0.113.1:0", false),
        ] {
            let refused = listed.refuses(host, address.parse().unwrap());
            assert_eq!(refused.is_none(), accepted, "{host} at {address}: {refused:?}");
        }
        assert_eq!(accept(&[]).refuses("anybody.example", "203.0.113.1:80".parse().unwrap()), None);
    }

    #[test]
    fn special_addresses_are_spoken_to_only_where_it_is_said() {
        let mut open = accept(&[]);
        for address in [
            "169.254.169.254:80",
            "[fe80::1]:80",
            "[fd00:ec2::254]:80",
            "100.100.100.200:80",
            "224.0.0.1:80",
            "[ff02::1]:80",
        ] {
            for address in [address.parse().unwrap(), mapped(address.parse().unwrap())] {
                open.special_addresses = false;
                assert!(open.refuses("metadata.example", address).is_some(), "{address}");
                open.special_addresses = true;
                assert!(open.refuses("metadata.example", address).is_none(), "{address}");
            }
        }
        for address in ["127.0.0.1:80", "10.0.0.1:80", "[::1]:80", "[fd00::1]:80"] {
            assert_eq!(accept(&[]).refuses("localhost", address.parse().unwrap()), None, "{address}");
        }
        let named = accept(&["*.internal"]).refuses("metadata.internal", "169.254.169.254:80".parse().unwrap());
        assert!(named.is_some(), "a name that is accepted does not lead there");
    }

    /// The same IPv4 address as IPv6 writes it.
    fn mapped(address: SocketAddr) -> SocketAddr {
        match address.ip() {
            IpAddr::V4(ip) => SocketAddr::new(IpAddr::V6(ip.to_ipv6_mapped()), address.port()),
            IpAddr::V6(_) => address,
        }
    }

    #[test]
    fn what_others_speak_to_is_accepted_by_its_name() {
        let listed = accept(&["*.shop.example:443", "192.0.2.0/24"]);
        for (host, port, accepted) in [
            ("www.shop.example", 443, true),
            ("www.shop.example", 80, false),
            ("192.0.2.7", 80, true),
            ("198.51.100.7", 80, false),
            ("elsewhere.example", 443, false),
        ] {
            assert_eq!(listed.refuses_for_others(host, port).is_none(), accepted, "{host}:{port}");
        }
        assert_eq!(accept(&[]).refuses_for_others("elsewhere.example", 443), None);
        assert!(accept(&[]).refuses_for_others("169.254.169.254", 80).is_some());
    }

    #[test]
    fn only_files_that_are_meant_for_probes_are_read() {
        let some = Accept { files: Some(vec!["/srv/ca.pem".into(), "/run/secrets/".into()]), ..Accept::default() };
        for (accept, path, accepted) in [
            (&Accept::default(), "/etc/uphold/probes/ca.pem", true),
            (&Accept::default(), "/etc/uphold/probes/../token", false),
            (&Accept::default(), "/etc/uphold/probes-of-others", false),
            (&Accept::default(), "/etc/uphold/token", false),
            (&some, "/srv/ca.pem", true),
            (&some, "/run/secrets/shop/password", true),
            (&some, "/srv/ca.pem.key", false),
            (&some, "/etc/uphold/probes/ca.pem", false),
            (&some, "run/secrets/a", false),
        ] {
            assert_eq!(accept.refuses_file(Path::new(path)).is_none(), accepted, "{path}");
        }
    }

    #[test]
    fn what_is_no_range_is_not_taken_for_one() {
        for text in [
            "",
            ":80",
            "a:0",
            "a:99999",
            "*",
            "*.",
            "a b",
            "2001:db8::/32:443",
            "[2001:db8::/32",
            "10.0.0.0/33",
            "http://a/",
        ] {
            assert_eq!(Range::parse(text), None, "{text}");
        }
        let six = Range { hosts: Hosts::Net("2001:db8::/32".parse().unwrap()), port: None };
        assert_eq!(Range::parse("2001:db8::/32"), Some(six));
    }

    #[test]
    fn kinds_that_are_not_listed_are_refused_by_name() {
        let all = Accept::default();
        assert_eq!(all.refuses_kind("http"), None);
        let kinds = Some(["http", "tcp"].map(str::to_owned).into());
        let some = Accept { kinds, ..Accept::default() };
        assert_eq!(some.refuses_kind("tcp"), None);
        let refused = some.refuses_kind("exec").unwrap();
        assert!(refused.contains("exec") && refused.contains("http, tcp"), "{refused}");
    }
}
