//! Which way a request came.

use std::net::{IpAddr, Ipv4Addr};

/// Which way a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Through {
    /// The socket in the data directory.
    Socket {
        /// The number of the user at its other end.
        uid: Option<u32>,
    },
    /// The network.
    Network {
        /// From where.
        address: IpAddr,
        /// Whether it was encrypted.
        tls: bool,
    },
}

impl Default for Through {
    fn default() -> Self {
        Self::Network { address: IpAddr::V4(Ipv4Addr::UNSPECIFIED), tls: false }
    }
}

impl Through {
    /// Whether it was encrypted.
    pub const fn is_tls(self) -> bool {
        matches!(self, Self::Network { tls: true, .. })
    }
}
