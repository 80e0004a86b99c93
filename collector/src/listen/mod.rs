//! Listening: from an accepted connection to a request that may be answered.
//!
//! The port is open to everybody who can reach it, so nothing here trusts anybody: connections, the time for a head and
//! for a body, silence, the memory of bodies and the rate of requests are bounded, and whoever was served once keeps
//! their place before those who only connect. The socket in the data directory is for whoever may open it.
//!
//! | file | what it does |
//! |---|---|
//! | [`accept`] | binds, accepts, ends in order |
//! | [`connection`] | one connection: serves its requests under its deadlines |
//! | `progress`, `stream` | how far a connection is, from what passes on its stream |
//! | `told` | what is answered where no handler is reached |
//! | [`places`], `room` | who has a place, and who gives way; pure, and shared |
//! | [`peer`] | who speaks: an extension of every request |
//! | [`budget`] | the memory of bodies |
//! | [`rate`] | token buckets by identity; pure, and shared |
//! | [`tls`] | the certificate, taken up anew when its files change |
//! | [`exposure`] | whether to listen there at all; pure |

pub mod accept;
pub mod budget;
pub mod connection;
pub mod exposure;
pub mod peer;
pub mod places;
mod progress;
pub mod rate;
mod room;
mod stream;
pub mod tls;
mod told;

#[cfg(test)]
mod served_tests;

use std::sync::Arc;

use crate::limits::{Limit, Limiter, Limits};
use crate::snapshot::{LimitSnapshot, ListeningSnapshot};
use budget::Bodies;
use exposure::Exposure;
use rate::Rates;
use room::Room;
use tls::Tls;

pub use accept::{bind, serve_port, serve_socket};
pub use peer::{Peer, Way};

/// What everything that listens shares; clones share it too. Every request carries one as an extension.
#[derive(Clone, Debug)]
pub struct Listening {
    /// The limits, and how often each was reached.
    pub limiter: Limiter,
    /// The memory of bodies.
    pub bodies: Bodies,
    /// The rates of identities.
    pub rates: Rates,
    /// Whether that is secure; none where nothing listens.
    pub exposure: Option<Arc<Exposure>>,
    tls: Option<Arc<Tls>>,
    room: Room,
}

impl Listening {
    /// Under these limits, with nothing listening yet.
    pub fn new(limits: Limits) -> Self {
        let limiter = Limiter::new(limits);
        Self {
            bodies: Bodies::new(limiter.limits().size(Limit::BodiesInMemory)),
            rates: Rates::new(limiter.clone()),
            exposure: None,
            tls: None,
            room: Room::new(limiter.clone()),
            limiter,
        }
    }

    /// Listening like this.
    #[must_use]
    pub fn exposed(mut self, exposure: Exposure, tls: Option<Arc<Tls>>) -> Self {
        self.exposure = Some(Arc::new(exposure));
        self.tls = tls;
        self
    }

    /// The limits.
    pub fn limits(&self) -> &Limits {
        self.limiter.limits()
    }

    /// What is shown of it.
    pub fn snapshot(&self) -> ListeningSnapshot {
        let limit = |limit| LimitSnapshot { limit, value: self.limits().of(limit), reached: self.limiter.count(limit) };
        ListeningSnapshot {
            limits: Limit::ALL.map(limit).to_vec(),
            connections: self.room.len() as u64,
            body_bytes: self.bodies.held() as u64,
            certificate_reloads: self.tls.as_ref().map(|tls| tls.reloads()),
            insecure: self.exposure.as_ref().and_then(|exposure| exposure.insecure.clone()),
        }
    }
}

impl Default for Listening {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}
