//! What is read of a host: how much of a resource is in use, and how much flowed.

use serde::{Deserialize, Serialize};

use crate::ids::Id;
use crate::time::Instant;

/// The resources of a host that have a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// Processor time, in thousandths of a core.
    Cpu,
    /// Memory that is not available, in bytes.
    Memory,
    /// Swap space, in bytes.
    Swap,
    /// A file system's space, in bytes; `of` is where it is mounted.
    Filesystem,
}

impl Resource {
    /// All of them, by their words.
    pub const WORDS: [(&'static str, Self); 4] = [
        (Self::Cpu.as_str(), Self::Cpu),
        (Self::Memory.as_str(), Self::Memory),
        (Self::Swap.as_str(), Self::Swap),
        (Self::Filesystem.as_str(), Self::Filesystem),
    ];

    /// As the catalogue writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Swap => "swap",
            Self::Filesystem => "filesystem",
        }
    }
}

/// A resource of a host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ResourceId {
    /// The host, as the catalogue names it.
    pub host: Id,
    /// What is read.
    pub resource: Resource,
    /// Which one of its kind; empty where there is one only.
    pub of: String,
}

/// One reading of a resource. The limit is above zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reading {
    /// When it was read.
    pub at: Instant,
    /// How much was in use, in the resource's unit.
    pub used: u64,
    /// How much there was to use, in the resource's unit.
    pub limit: u64,
}

/// Amounts that flow and have no limit of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flow {
    /// Bytes received on a network interface.
    NetworkReceived,
    /// Bytes sent on a network interface.
    NetworkSent,
}

impl Flow {
    /// All of them, by their words.
    pub const WORDS: [(&'static str, Self); 2] =
        [(Self::NetworkReceived.as_str(), Self::NetworkReceived), (Self::NetworkSent.as_str(), Self::NetworkSent)];

    /// As metrics and pages write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NetworkReceived => "network_received",
            Self::NetworkSent => "network_sent",
        }
    }
}

/// A flow of a host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FlowId {
    /// The host, as the catalogue names it.
    pub host: Id,
    /// What flows.
    pub flow: Flow,
    /// Through what: the interface.
    pub of: String,
}

/// What flowed since the reading before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Volume {
    /// The end of the stretch it covers.
    pub at: Instant,
    /// The length of that stretch.
    pub over_ms: u32,
    /// How much flowed, in bytes.
    pub amount: u64,
}
