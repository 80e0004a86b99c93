//! Echo requests to a host.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Echo requests, and how many of them may be lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IcmpCheck {
    /// A name or an address, an IPv6 address without brackets.
    pub host: String,
    /// Which of its addresses is asked; none: the one that the host of the agent prefers.
    pub ip: Option<IpVersion>,
    /// How many requests are sent.
    pub packets: u32,
    /// From the start of one request to the start of the next.
    pub gap_ms: i64,
    /// How much of them may be lost, in parts per billion.
    pub loss_at_most_ppb: i64,
}

/// A version of the internet protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum IpVersion {
    /// The fourth.
    #[serde(rename = "4")]
    Four,
    /// The sixth.
    #[serde(rename = "6")]
    Six,
}
