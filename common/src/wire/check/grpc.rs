//! The standard health service of gRPC, and what it must say of a service.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::options::{IpChoice, TlsOptions};

/// Asks `grpc.health.v1.Health` whether a service is serving.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GrpcCheck {
    /// `host:port`, an IPv6 address in brackets.
    pub address: String,
    /// The service that is asked about; empty: the server as a whole.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub service: String,
    /// Which addresses are spoken to.
    #[serde(default, skip_serializing_if = "IpChoice::is_any")]
    pub ip: IpChoice,
    /// How TLS is agreed; none: in the clear.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsOptions>,
}
