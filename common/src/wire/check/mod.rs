//! What a probe asks of whom: one kind, one file.
//!
//! The words are those of the catalogue. What an agent does not know, because its collector is newer, is kept as it came:
//! that probe says that this agent cannot make it, and all others are run.

mod exec;
mod heartbeat;
mod http;
mod prometheus;
mod reading;
mod series;
mod tcp;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

pub use exec::ExecCheck;
pub use heartbeat::HeartbeatCheck;
pub use http::HttpCheck;
pub use prometheus::{PrometheusCheck, SeriesBounds};
pub use reading::{PluginLimit, ReadingSpec, above_zero};
pub use series::Series;
pub use tcp::TcpCheck;

/// What is asked of whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// A request over HTTP.
    Http(HttpCheck),
    /// A TCP connection.
    Tcp(TcpCheck),
    /// A plugin that the agent's host names.
    Exec(ExecCheck),
    /// What an exporter writes for Prometheus.
    Prometheus(PrometheusCheck),
    /// A job that reports in.
    Heartbeat(HeartbeatCheck),
    /// Something of which this release knows nothing.
    #[serde(untagged)]
    Newer(Value),
}

impl Check {
    /// The kinds that an agent of this release can make.
    pub const KINDS: [&'static str; 5] = ["http", "tcp", "exec", "prometheus", "heartbeat"];

    /// The kind, as the catalogue writes it.
    pub fn kind(&self) -> &str {
        match self {
            Self::Http(_) => "http",
            Self::Tcp(_) => "tcp",
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
