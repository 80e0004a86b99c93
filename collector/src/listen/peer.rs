//! Who speaks: where a request came from, and how its handler says that the connection deserves its place.

use std::net::IpAddr;

use super::places::counted_as;
use super::room::Seat;

/// Which way a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// To the port.
    Port {
        /// From this address; an IPv4 address never stands as an IPv6 one.
        address: IpAddr,
        /// Whether over TLS.
        tls: bool,
    },
    /// Through the socket in the data directory.
    Socket {
        /// The user that the process at the other end runs as, as the system says.
        uid: u32,
    },
}

/// Who speaks. Every request carries one as an extension.
#[derive(Clone, Debug)]
pub struct Peer {
    way: Way,
    seat: Option<Seat>,
}

impl Peer {
    /// Somebody who came this way, without a place to prove: for tests of handlers.
    pub const fn of(way: Way) -> Self {
        Self { way, seat: None }
    }

    pub(super) const fn seated(way: Way, seat: Seat) -> Self {
        Self { way, seat: Some(seat) }
    }

    /// Which way the request came.
    pub const fn way(&self) -> Way {
        self.way
    }

    /// The remote address, if it came to the port.
    pub const fn address(&self) -> Option<IpAddr> {
        match self.way {
            Way::Port { address, .. } => Some(address),
            Way::Socket { .. } => None,
        }
    }

    /// What the remote address counts as where addresses are counted: an IPv6 network of 64 bits is one.
    pub fn counted_address(&self) -> Option<IpAddr> {
        self.address().map(counted_as)
    }

    /// Whether it came over TLS.
    pub const fn is_tls(&self) -> bool {
        matches!(self.way, Way::Port { tls: true, .. })
    }

    /// Says that the connection deserves its place: a request on it had valid credentials, or a push was acknowledged.
    pub fn proven(&self) {
        if let Some(seat) = &self.seat {
            seat.prove();
        }
    }
}
