//! What several kinds of checks share: how TLS is agreed, which addresses a name leads to.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How TLS is agreed, and whom the server must show itself to be. Files lie on the agent's host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TlsOptions {
    /// The roots in PEM, in place of the system's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<String>,
    /// The certificate in PEM that the agent shows, and those between it and its root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cert_file: Option<String>,
    /// Its key in PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_file: Option<String>,
    /// The name that the certificate must be for, and that the server is told; none: the host that is asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
    /// Whether the certificate must lead to a root, be for the name, and hold now.
    #[serde(skip_serializing_if = "is_true")]
    pub verify: bool,
    /// The oldest version that is agreed.
    #[serde(skip_serializing_if = "TlsVersion::is_oldest")]
    pub min_version: TlsVersion,
}

impl Default for TlsOptions {
    fn default() -> Self {
        let (ca_file, cert_file, key_file, server_name) = (None, None, None, None);
        Self { ca_file, cert_file, key_file, server_name, verify: true, min_version: TlsVersion::default() }
    }
}

impl TlsOptions {
    /// Whether nothing was said.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_true(flag: &bool) -> bool {
    *flag
}

/// A version of TLS; older ones are not spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
pub enum TlsVersion {
    /// 1.2.
    #[default]
    #[serde(rename = "1.2")]
    V1_2,
    /// 1.3.
    #[serde(rename = "1.3")]
    V1_3,
}

impl TlsVersion {
    /// As the catalogue writes them.
    pub const WORDS: [(&'static str, Self); 2] = [("1.2", Self::V1_2), ("1.3", Self::V1_3)];

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
    fn is_oldest(&self) -> bool {
        *self == Self::default()
    }
}

/// Which of a name's addresses are spoken to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum IpChoice {
    /// All, as the resolver orders them.
    #[default]
    #[serde(rename = "any")]
    Any,
    /// Those of IPv4 only.
    #[serde(rename = "4")]
    Only4,
    /// Those of IPv6 only.
    #[serde(rename = "6")]
    Only6,
    /// All, those of IPv4 first.
    #[serde(rename = "prefer_4")]
    Prefer4,
    /// All, those of IPv6 first.
    #[serde(rename = "prefer_6")]
    Prefer6,
}

impl IpChoice {
    /// As the catalogue writes them.
    pub const WORDS: [(&'static str, Self); 5] = [
        ("any", Self::Any),
        ("4", Self::Only4),
        ("6", Self::Only6),
        ("prefer_4", Self::Prefer4),
        ("prefer_6", Self::Prefer6),
    ];

    /// Whether nothing is preferred.
    pub fn is_any(&self) -> bool {
        *self == Self::Any
    }
}

/// A protocol that begins in the clear and turns to TLS when it is asked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StartTls {
    /// Mail between servers, RFC 3207.
    Smtp,
    /// Mail for its readers, RFC 3501.
    Imap,
    /// The frontend protocol of `PostgreSQL`.
    Postgresql,
}

impl StartTls {
    /// As the catalogue writes them.
    pub const WORDS: [(&'static str, Self); 3] =
        [("smtp", Self::Smtp), ("imap", Self::Imap), ("postgresql", Self::Postgresql)];
}
