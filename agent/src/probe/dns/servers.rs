//! The name servers of this host, as its resolver finds them; the reading of them is pure.

use std::fs::File;
use std::io::Read as _;
use std::net::{IpAddr, SocketAddr};

use crate::accept::Accept;

const RESOLVER: &str = "/etc/resolv.conf";
/// Most bytes of that file that are read.
const BYTES_MAX: u64 = 64 * 1024;
/// As many as resolvers ask.
const SERVERS_MAX: usize = 3;
const PORT: u16 = 53;

/// Whom this host asks and lets its agent ask, in order; or why there is nobody.
pub(super) fn of_this_host(accept: &Accept) -> Result<Vec<SocketAddr>, String> {
    let mut text = String::new();
    let read = File::open(RESOLVER).and_then(|file| file.take(BYTES_MAX).read_to_string(&mut text));
    read.map_err(|error| format!("{RESOLVER} could not be read: {error}"))?;
    let all = listed(&text);
    let refused = |address: &SocketAddr| accept.refuses(&address.ip().to_string(), *address);
    let accepted: Vec<SocketAddr> = all.iter().copied().filter(|address| refused(address).is_none()).collect();
    match all.iter().find_map(refused) {
        _ if !accepted.is_empty() => Ok(accepted),
        Some(why) => Err(why),
        None => Err(format!("{RESOLVER} names no name server")),
    }
}

/// The servers of such a file.
fn listed(text: &str) -> Vec<SocketAddr> {
    let server = |line: &str| {
        let mut words = line.split_whitespace();
        let address = words.next().filter(|word| *word == "nameserver").and_then(|_| words.next())?;
        Some(SocketAddr::new(address.parse::<IpAddr>().ok()?, PORT))
    };
    text.lines().filter_map(server).take(SERVERS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_servers_are_listed_in_order() {
        let text = "# nameserver 192.0.2.1\nsearch example\nnameserver 192.0.2.2\n  nameserver\t2001:db8::1 # this\n\
            nameserver\nnameserver fe80::1%eth0\nnameserversomething 192.0.2.3\nnameserver 192.0.2.4\nnameserver 192.0.2.5\n";
        let found: Vec<String> = listed(text).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["192.0.2.2:53", "[2001:db8::1]:53", "192.0.2.4:53"]);
        assert_eq!(listed(""), []);
    }
}
