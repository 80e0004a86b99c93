//! What one agent is to observe: derived from the catalogue, fetched with an `ETag`, kept on the agent's disk.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::{Id, ProbeId};

/// How often the capacity of a host is read.
pub const CAPACITY_INTERVAL_MS: i64 = 15_000;
/// How long a reading of capacity speaks: twice its interval, by section 12 of the rules.
pub const CAPACITY_REACH_MS: i64 = 2 * CAPACITY_INTERVAL_MS;

/// What one agent is to observe.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Assignment {
    /// Its probes, in order of their ids.
    pub probes: Vec<ProbeSpec>,
    /// The hosts whose capacity it reads: itself, under the names the catalogue gives it.
    pub hosts: Vec<Id>,
}

/// One probe as its agent runs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProbeSpec {
    /// Its name.
    pub id: ProbeId,
    /// From the start of one attempt to the start of the next.
    pub interval_ms: i64,
    /// The one deadline of an attempt, over all of its phases.
    pub timeout_ms: i64,
    /// Above this an answer is degraded.
    pub slow_after_ms: Option<i64>,
    /// What is asked of whom.
    pub check: Check,
}

/// What is asked of whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Check {
    /// A GET over HTTP/1.1.
    Http(HttpCheck),
    /// A TCP connection.
    Tcp(TcpCheck),
}

impl Check {
    /// The kind, as the catalogue writes it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Http(_) => "http",
            Self::Tcp(_) => "tcp",
        }
    }
}

/// A GET over HTTP/1.1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpCheck {
    /// What is fetched: `http` or `https`.
    pub url: String,
    /// The codes that are expected; empty: 200 to 299.
    pub codes: Vec<u16>,
    /// A regular expression that the body must match.
    pub body_matches: Option<String>,
}

/// A TCP connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TcpCheck {
    /// `host:port`, an IPv6 address in brackets.
    pub address: String,
}
