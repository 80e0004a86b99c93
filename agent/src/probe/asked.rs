//! Probes that somebody asks for by their address, one attempt at a time, in place of those that are assigned.
//!
//! They are made by the same code and within what the host accepts. What they are asked is more than the catalogue has
//! words for, and they are told more than a verdict: all facts.

use std::sync::Arc;
use std::time::Duration;

use uphold_common::time::Instant;
use uphold_common::wire::check::{DnsCheck, GrpcCheck, HttpCheck, IcmpCheck, IpChoice};

use super::dns::DnsProbe;
use super::grpc::GrpcProbe;
use super::http::{Further, HttpProbe};
use super::icmp::IcmpProbe;
use super::lines::{LinesCheck, LinesProbe};
use super::{Facts, Prepared, Probe, Run};
use crate::accept::Accept;

/// What somebody asks for.
#[derive(Clone, Debug)]
pub enum Asked {
    /// A request over HTTP, and what further its answer must be.
    Http(Box<HttpCheck>, Further),
    /// A connection, and what is said over it line by line.
    Lines(LinesCheck),
    /// The health service of gRPC.
    Grpc(GrpcCheck),
    /// A question to a name server.
    Dns(DnsCheck),
    /// Echo requests, over at most so many hops.
    Icmp(IcmpCheck, Option<u8>),
}

impl Asked {
    /// The kind, as the host's `accept.kinds` has it.
    const fn kind(&self) -> &'static str {
        match self {
            Self::Http(..) => "http",
            Self::Lines(_) => "tcp",
            Self::Grpc(_) => "grpc",
            Self::Dns(_) => "dns",
            Self::Icmp(..) => "icmp",
        }
    }

    fn prepared(&self, accept: &Accept) -> Result<Prepared, String> {
        Ok(match self {
            Self::Http(check, further) => Prepared::Http(Box::new(HttpProbe::new(check, accept)?.expecting(further)?)),
            Self::Lines(check) => Prepared::Lines(Box::new(LinesProbe::new(check, accept)?)),
            Self::Grpc(check) => Prepared::Grpc(Box::new(GrpcProbe::new(check, accept)?)),
            Self::Dns(check) => Prepared::Dns(Box::new(DnsProbe::new(check)?)),
            Self::Icmp(check, hops_max) => Prepared::Icmp(IcmpProbe::new(check)?.over_hops(*hops_max)),
        })
    }
}

impl Probe {
    /// Makes ready what somebody asks for, within what this host accepts.
    pub fn asked(asked: &Asked, accept: &Arc<Accept>) -> Self {
        let refused = accept.refuses_kind(asked.kind());
        let prepared = refused.map_or_else(|| asked.prepared(accept), Err);
        let target = prepared.as_ref().ok().and_then(Prepared::target).map(Into::into);
        let (timeout, readings) = (Duration::ZERO, Vec::new());
        Self { timeout, slow_after_ms: None, accept: Arc::clone(accept), target, readings, prepared }
    }

    /// What one attempt saw that begins at `at`, which is now: of a name's addresses only the first in this order is
    /// spoken to.
    pub async fn facts(&self, at: Instant, timeout: Duration, first: IpChoice) -> Facts {
        let mut run = Run::new(at, Arc::clone(&self.accept));
        run.only_first = Some(first);
        self.tried(run, timeout).await.0
    }
}
