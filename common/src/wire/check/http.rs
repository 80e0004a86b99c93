//! A request over HTTP, and what its answer must be.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::json::JsonCondition;
use super::options::{IpChoice, TlsOptions};

/// A request over HTTP, and what its answer must be. What is left out is a GET whose answer is 200 to 299.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpCheck {
    /// What is asked for: `http` or `https`.
    pub url: String,
    /// The codes that are expected; without any and without classes: 200 to 299.
    pub codes: Vec<u16>,
    /// The classes of codes that are expected as well: 2 for 200 to 299.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub code_classes: Vec<u16>,
    /// A regular expression that the body must match.
    pub body_matches: Option<String>,
    /// A regular expression that the body must not match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_not_matches: Option<String>,
    /// What the body must say as JSON.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub json: Vec<JsonCondition>,
    /// By name in small letters: a regular expression that a header of the answer must match.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub header_matches: BTreeMap<String, String>,
    /// By name in small letters: a regular expression that no header of the answer may match.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub header_not_matches: BTreeMap<String, String>,
    /// Fewest bytes of the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_bytes_min: Option<u64>,
    /// Most bytes of the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_bytes_max: Option<u64>,
    /// The method; none: GET.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Headers of the request, by name in small letters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The body of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The version of HTTP.
    #[serde(default, skip_serializing_if = "HttpVersion::is_any")]
    pub version: HttpVersion,
    /// How many redirects are followed; none: a redirect is an answer.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub redirects: u32,
    /// A user and the file of a password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basic: Option<Basic>,
    /// The file on the agent's host whose first line is a bearer token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bearer_file: Option<String>,
    /// The proxy that is asked in place of the server: `http://host:port`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<String>,
    /// `host:port` that is connected to in place of what the URL says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect_to: Option<String>,
    /// Which addresses are spoken to.
    #[serde(default, skip_serializing_if = "IpChoice::is_any")]
    pub ip: IpChoice,
    /// How TLS is agreed.
    #[serde(default, skip_serializing_if = "TlsOptions::is_default")]
    pub tls: TlsOptions,
}

/// A user and the file of a password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Basic {
    /// The user.
    pub user: String,
    /// The file on the agent's host whose first line is the password.
    pub password_file: String,
}

/// A version of HTTP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum HttpVersion {
    /// What client and server agree on over TLS, 1.1 in the clear.
    #[default]
    #[serde(rename = "any")]
    Any,
    /// 1.1.
    #[serde(rename = "1.1")]
    V1_1,
    /// 2; in the clear it is taken for granted that the server speaks it.
    #[serde(rename = "2")]
    V2,
}

impl HttpVersion {
    /// As the catalogue writes them.
    pub const WORDS: [(&'static str, Self); 3] = [("any", Self::Any), ("1.1", Self::V1_1), ("2", Self::V2)];

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
    fn is_any(&self) -> bool {
        *self == Self::Any
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}
