//! A module: how is asked, whoever is asked.

use std::collections::BTreeMap;

use uphold_common::wire::check::{DnsCheck, HttpCheck, IpChoice, TlsOptions};

use crate::probe::http::Further;
use crate::probe::lines::LineStep;

/// Modules by their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Modules(pub(super) BTreeMap<String, Module>);

impl Modules {
    /// The one of this name.
    pub fn get(&self, name: &str) -> Option<&Module> {
        self.0.get(name)
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

/// How is asked, whoever is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// The longest that a probe takes; none: as long as the one who asks waits.
    pub timeout_ms: Option<i64>,
    /// Which of a name's addresses is spoken to: the first in this order.
    pub ip: IpChoice,
    /// What is asked.
    pub prober: Prober,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prober {
    /// A page; the check is without its URL.
    Http(Box<HttpCheck>, Further),
    /// A connection, and what is said over it.
    Tcp {
        /// Whether TLS is spoken from the beginning.
        secure: bool,
        /// How TLS is agreed.
        tls: TlsOptions,
        /// What is said, line by line.
        steps: Vec<LineStep>,
    },
    /// An echo request.
    Icmp {
        /// Over at most so many hops.
        hops_max: Option<u8>,
    },
    /// A question to a name server; the check is without its server.
    Dns(Box<DnsCheck>),
    /// The health service of gRPC.
    Grpc {
        /// The service that is asked about.
        service: String,
        /// How TLS is agreed, where it is spoken.
        tls: Option<TlsOptions>,
    },
}
