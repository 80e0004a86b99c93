//! A socket for echo requests: one for datagrams where the host lets its agent have that, else a raw one.
//!
//! The first needs a group in `net.ipv4.ping_group_range`, the second `CAP_NET_RAW`. With neither nothing can be measured,
//! which is the agent's trouble and not the host's that is asked.

use std::io;
use std::net::{IpAddr, SocketAddr};

use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use tokio::net::UdpSocket;

use super::super::{Happened, Trouble};

/// What kind of socket it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// For datagrams over IPv4.
    DatagramV4,
    /// For datagrams over IPv6.
    DatagramV6,
    /// For whatever arrives over IPv4, with its header.
    RawV4,
    /// For whatever arrives over IPv6.
    RawV6,
}

impl Kind {
    /// Whether it speaks IPv6.
    pub(super) const fn is_v6(self) -> bool {
        matches!(self, Self::DatagramV6 | Self::RawV6)
    }

    /// Whether it hears what others are answered.
    pub(super) const fn is_raw(self) -> bool {
        matches!(self, Self::RawV4 | Self::RawV6)
    }
}

/// A socket that sends to this address, over at most so many hops, and hears from it.
pub(super) fn open(to: IpAddr, hops_max: Option<u8>) -> Result<(UdpSocket, Kind), Happened> {
    let kinds = if to.is_ipv4() { [Kind::DatagramV4, Kind::RawV4] } else { [Kind::DatagramV6, Kind::RawV6] };
    let mut refused = None;
    for kind in kinds {
        match open_as(kind, to, hops_max) {
            Ok(socket) => return Ok((socket, kind)),
            // No permission, or no such sockets: the next kind may do.
            Err(error) => refused = Some(error),
        }
    }
    match refused {
        Some(error) if error.kind() != io::ErrorKind::PermissionDenied => {
            Err(Happened::NotConnected(Trouble::from(&error)))
        }
        _ => Err(Happened::NotTried(
            "this host lets its agent send no echo requests: no group of it is in net.ipv4.ping_group_range, and it has \
             no CAP_NET_RAW"
                .to_owned(),
        )),
    }
}

fn open_as(kind: Kind, to: IpAddr, hops_max: Option<u8>) -> io::Result<UdpSocket> {
    let (domain, protocol) =
        if kind.is_v6() { (Domain::IPV6, Protocol::ICMPV6) } else { (Domain::IPV4, Protocol::ICMPV4) };
    let socket = Socket::new(domain, if kind.is_raw() { Type::RAW } else { Type::DGRAM }, Some(protocol))?;
    socket.set_nonblocking(true)?;
    if let Some(hops) = hops_max.map(u32::from) {
        if kind.is_v6() { socket.set_unicast_hops_v6(hops)? } else { socket.set_ttl_v4(hops)? }
    }
    socket.connect(&SockAddr::from(SocketAddr::new(to, 0)))?;
    UdpSocket::from_std(socket.into())
}
