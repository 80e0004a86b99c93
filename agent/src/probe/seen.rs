//! What probes of each kind see of an answer, put together.

use super::dns::DnsSeen;
use super::exec::ExecSeen;
use super::exporter::PrometheusSeen;
use super::grpc::HealthSeen;
use super::heartbeat::HeartbeatSeen;
use super::http::HttpSeen;
use super::icmp::IcmpSeen;
use super::process::ProcessSeen;
use super::systemd::UnitSeen;
use super::tcp::DialogueSeen;
use super::tls::CertificatesSeen;

/// What was seen of an answer, in the words of its protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// A connection, and nothing more was asked for.
    Connection,
    /// An answer of HTTP.
    Http(HttpSeen),
    /// A dialogue over TCP.
    Dialogue(DialogueSeen),
    /// The certificates of a session of TLS.
    Certificates(CertificatesSeen),
    /// What a service says of its health.
    Health(HealthSeen),
    /// An answer of a name server.
    Dns(DnsSeen),
    /// Replies to echo requests.
    Icmp(IcmpSeen),
    /// The state of a unit.
    Unit(UnitSeen),
    /// How many processes there are.
    Processes(ProcessSeen),
    /// The end of a plugin.
    Exec(ExecSeen),
    /// The text of an exporter.
    Prometheus(PrometheusSeen),
    /// What a job reported.
    Heartbeat(HeartbeatSeen),
}

impl Seen {
    /// What was seen beyond outcome, cause and code, for people.
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::Connection => None,
            Self::Http(seen) => Some(seen.detail()),
            Self::Dialogue(seen) => Some(seen.detail()),
            Self::Certificates(seen) => Some(seen.detail()),
            Self::Health(seen) => Some(seen.detail()),
            Self::Dns(seen) => Some(seen.detail()),
            Self::Icmp(seen) => Some(seen.detail()),
            Self::Unit(seen) => Some(seen.detail()),
            Self::Processes(seen) => Some(seen.detail()),
            Self::Exec(seen) => Some(seen.detail()),
            Self::Prometheus(seen) => Some(seen.detail()),
            Self::Heartbeat(seen) => Some(seen.detail()),
        }
    }
}
