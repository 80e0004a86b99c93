//! A TCP connection.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A TCP connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TcpCheck {
    /// `host:port`, an IPv6 address in brackets.
    pub address: String,
}
