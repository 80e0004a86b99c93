//! Which way a request came.

use std::net::{IpAddr, Ipv4Addr};

use crate::listen::Way;

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

impl From<Way> for Through {
    fn from(way: Way) -> Self {
        match way {
            Way::Socket { uid } => Self::Socket { uid: Some(uid) },
            Way::Port { address, tls } => Self::Network { address, tls },
        }
    }
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
