//! A session of TLS, and for how long its certificates still hold.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::options::{IpChoice, StartTls, TlsOptions};

/// A session of TLS, and for how long its certificates still hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TlsCheck {
    /// `host:port`, an IPv6 address in brackets.
    pub address: String,
    /// Certificates that hold for less than this are degraded.
    pub expires_after_ms: i64,
    /// How the connection turns to TLS, if it begins in the clear.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starttls: Option<StartTls>,
    /// Which addresses are spoken to.
    #[serde(default, skip_serializing_if = "IpChoice::is_any")]
    pub ip: IpChoice,
    /// How TLS is agreed.
    #[serde(default, skip_serializing_if = "TlsOptions::is_default")]
    pub tls: TlsOptions,
}
