//! What a probe asks of whom: one kind, one file.
//!
//! The words are those of the catalogue. What an agent does not know, because its collector is newer, is kept as it came:
//! that probe says that this agent cannot make it, and all others are run.

mod dns;
mod exec;
mod grpc;
mod heartbeat;
mod http;
mod icmp;
mod json;
mod options;
mod process;
mod prometheus;
mod reading;
mod series;
mod systemd;
mod tcp;
mod tls;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

pub use dns::{DnsCheck, Over, Rcode, RecordType};
pub use exec::ExecCheck;
pub use grpc::GrpcCheck;
pub use heartbeat::HeartbeatCheck;
pub use http::{Basic, HttpCheck, HttpVersion};
pub use icmp::{IcmpCheck, IpVersion};
pub use json::{JsonCondition, JsonValue};
pub use options::{IpChoice, StartTls, TlsOptions, TlsVersion};
pub use process::ProcessCheck;
pub use prometheus::{PrometheusCheck, SeriesBounds};
pub use reading::{PluginLimit, ReadingSpec, above_zero};
pub use series::Series;
pub use systemd::{ActiveState, SystemdCheck};
pub use tcp::{BadBytes, Step, TcpCheck};
pub use tls::TlsCheck;

/// What is asked of whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// A request over HTTP.
    Http(Box<HttpCheck>),
    /// A TCP connection.
    Tcp(TcpCheck),
    /// A session of TLS.
    Tls(TlsCheck),
    /// The health service of gRPC.
    Grpc(GrpcCheck),
    /// A question to a name server.
    Dns(DnsCheck),
    /// Echo requests to a host.
    Icmp(IcmpCheck),
    /// A plugin that the agent's host names.
    Exec(ExecCheck),
    /// What an exporter writes for Prometheus.
    Prometheus(PrometheusCheck),
    /// A unit of systemd on the agent's own host.
    Systemd(SystemdCheck),
    /// Processes on the agent's own host.
    Process(ProcessCheck),
    /// A job that reports in.
    Heartbeat(HeartbeatCheck),
    /// Something of which this release knows nothing.
    #[serde(untagged)]
    Newer(Value),
}

impl Check {
    /// The kinds that an agent of this release can make.
    pub const KINDS: [&'static str; 11] =
        ["http", "tcp", "tls", "grpc", "dns", "icmp", "exec", "prometheus", "systemd", "process", "heartbeat"];

    /// The kind, as the catalogue writes it.
    pub fn kind(&self) -> &str {
        match self {
            Self::Http(_) => "http",
            Self::Tcp(_) => "tcp",
            Self::Tls(_) => "tls",
            Self::Grpc(_) => "grpc",
            Self::Dns(_) => "dns",
            Self::Icmp(_) => "icmp",
            Self::Systemd(_) => "systemd",
            Self::Process(_) => "process",
            Self::Exec(_) => "exec",
            Self::Prometheus(_) => "prometheus",
            Self::Heartbeat(_) => "heartbeat",
            Self::Newer(check) => {
                let kind = check.as_object().and_then(|keys| keys.keys().next());
                kind.map_or("of a newer release", String::as_str)
            }
        }
    }

    /// What is read of its answers, for targets on capacity.
    pub fn readings(&self) -> &[ReadingSpec] {
        match self {
            Self::Exec(check) => &check.readings,
            Self::Prometheus(check) => &check.readings,
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_spoils_nothing_else() {
        for (text, kind, known) in [
            (r#"{"tcp":{"address":"192.0.2.1:443"}}"#, "tcp", true),
            (r#"{"http":{"url":"http://a.example/","codes":[],"body_matches":null}}"#, "http", true),
            (r#"{"tls":{"address":"192.0.2.1:443","expires_after_ms":1}}"#, "tls", true),
            (r#"{"tcp":{"address":"192.0.2.1:443","tls":{"verify":false,"min_version":"1.3"}}}"#, "tcp", true),
            (r#"{"tcp":{"address":"192.0.2.1:443","colour":"red"}}"#, "tcp", false),
            (r#"{"smoke_signal":{"hill":"north"}}"#, "smoke_signal", false),
            ("7", "of a newer release", false),
        ] {
            let check: Check = serde_json::from_str(text).unwrap();
            assert_eq!(check.kind(), kind);
            assert_eq!(matches!(check, Check::Newer(_)), !known, "{text}");
            assert_eq!(serde_json::to_string(&check).unwrap(), text, "it is written as it was read");
        }
    }
}
