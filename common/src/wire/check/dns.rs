//! A question to a name server, and what its answer must be.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A question over UDP or TCP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DnsCheck {
    /// What is asked about.
    pub name: String,
    /// Which of its records are asked for.
    #[serde(rename = "type")]
    pub record: RecordType,
    /// `host:port` of the server; none: those of the agent's host.
    pub server: Option<String>,
    /// How the question travels.
    pub over: Over,
    /// Whether the server is asked to find out what it does not know itself.
    pub recursive: bool,
    /// The codes that are expected; never empty.
    pub rcodes: Vec<Rcode>,
    /// Exactly these answers are expected, in whatever order; empty: nothing is said.
    pub answers: Vec<String>,
    /// These are expected among the answers.
    pub contains: Vec<String>,
    /// A regular expression that at least one answer must match.
    pub matches: Option<String>,
    /// How many answers there must be.
    pub at_least: u32,
    /// Whether the server must answer out of its own zone.
    pub authoritative: bool,
    /// Whether the server must say that it checked the signatures.
    pub authenticated: bool,
}

/// How a question travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Over {
    /// In a datagram; what does not fit is asked for again over TCP.
    Udp,
    /// Over a connection.
    Tcp,
}

/// The types of records that are asked for; the numbers are the protocol's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
#[repr(u16)]
pub enum RecordType {
    /// An IPv4 address.
    A = 1,
    /// An IPv6 address.
    Aaaa = 28,
    /// Who may issue certificates.
    Caa = 257,
    /// Another name.
    Cname = 5,
    /// A key of a signed zone.
    Dnskey = 48,
    /// The digest of a key of a zone below.
    Ds = 43,
    /// How an HTTPS server is reached.
    Https = 65,
    /// A mail server.
    Mx = 15,
    /// A rule for rewriting.
    Naptr = 35,
    /// A name server.
    Ns = 2,
    /// The name of an address.
    Ptr = 12,
    /// The head of a zone.
    Soa = 6,
    /// Where a service is.
    Srv = 33,
    /// The fingerprint of a key of SSH.
    Sshfp = 44,
    /// How a server is reached.
    Svcb = 64,
    /// A certificate.
    Tlsa = 52,
    /// A text.
    Txt = 16,
}

impl RecordType {
    /// All of them, as the catalogue and zone files write them.
    pub const ALL: [(&'static str, Self); 17] = [
        ("A", Self::A),
        ("AAAA", Self::Aaaa),
        ("CAA", Self::Caa),
        ("CNAME", Self::Cname),
        ("DNSKEY", Self::Dnskey),
        ("DS", Self::Ds),
        ("HTTPS", Self::Https),
        ("MX", Self::Mx),
        ("NAPTR", Self::Naptr),
        ("NS", Self::Ns),
        ("PTR", Self::Ptr),
        ("SOA", Self::Soa),
        ("SRV", Self::Srv),
        ("SSHFP", Self::Sshfp),
        ("SVCB", Self::Svcb),
        ("TLSA", Self::Tlsa),
        ("TXT", Self::Txt),
    ];
}

/// What a server says of a question as a whole; the numbers are the protocol's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
#[repr(u16)]
pub enum Rcode {
    /// Nothing is wrong; there may be no such record all the same.
    NoError = 0,
    /// The question was not understood.
    FormErr = 1,
    /// The server failed.
    ServFail = 2,
    /// There is no such name.
    NxDomain = 3,
    /// The server does not do what was asked.
    NotImp = 4,
    /// The server does not want to.
    Refused = 5,
    /// The server does not answer for this zone.
    NotAuth = 9,
}

impl Rcode {
    /// All of them, as the catalogue writes them.
    pub const ALL: [(&'static str, Self); 7] = [
        ("NOERROR", Self::NoError),
        ("FORMERR", Self::FormErr),
        ("SERVFAIL", Self::ServFail),
        ("NXDOMAIN", Self::NxDomain),
        ("NOTIMP", Self::NotImp),
        ("REFUSED", Self::Refused),
        ("NOTAUTH", Self::NotAuth),
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_those_that_are_sent() {
        for (word, record) in RecordType::ALL {
            assert_eq!(serde_json::to_value(record).unwrap(), word);
        }
        for (word, rcode) in Rcode::ALL {
            assert_eq!(serde_json::to_value(rcode).unwrap(), word);
        }
    }
}
