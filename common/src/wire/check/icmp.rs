//! Echo requests to a host.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::IpVersion;

/// Echo requests, and how many of them may be lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IcmpCheck {
    /// A name or an address, an IPv6 address without brackets.
    pub host: String,
    /// Which of its addresses is asked.
    #[serde(default, skip_serializing_if = "IpVersion::is_any")]
    pub ip: IpVersion,
    /// How many requests are sent.
    pub packets: u32,
    /// From the start of one request to the start of the next.
    pub gap_ms: i64,
    /// How much of them may be lost, in parts per billion.
    pub loss_at_most_ppb: i64,
}
