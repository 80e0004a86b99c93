//! Whether the collector may listen where it is told to: beyond this machine only with TLS and tokens, unless it was
//! told to be insecure. Pure; what was decided is kept, so that pages can say it.

use std::net::SocketAddr;

use crate::config::TokensNeeded;

/// How the collector listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposure {
    /// Where.
    pub address: SocketAddr,
    /// Whether connections are encrypted.
    pub tls: bool,
    /// Why that is insecure, as a sentence for people, if it is.
    pub insecure: Option<String>,
}

/// Why the collector does not listen, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "it would be reached at {address} from other machines {lacking}. {advice}; or listen on 127.0.0.1; or say `insecure: true` \
     in the configuration to do so all the same"
)]
pub struct Exposed {
    address: SocketAddr,
    lacking: &'static str,
    advice: &'static str,
}

impl Exposure {
    /// How the collector listens on `address`, or why it does not; `insecure` says that it may all the same.
    pub fn decide(address: SocketAddr, tls: bool, tokens: TokensNeeded, insecure: bool) -> Result<Self, Exposed> {
        let required = tokens == TokensNeeded::Required;
        let (lacking, why, advice) = match (tls, required) {
            _ if address.ip().to_canonical().is_loopback() => return Ok(Self { address, tls, insecure: None }),
            (true, true) => return Ok(Self { address, tls, insecure: None }),
            (false, true) => (
                "without TLS",
                "connections are not encrypted, so that tokens can be read on their way",
                "Give `tls: { certificate: FILE, key: FILE }`",
            ),
            (true, false) => (
                "without tokens",
                "tokens are not required, so that everybody may read and push",
                "Say `tokens: required`",
            ),
            (false, false) => (
                "without TLS and without tokens",
                "connections are not encrypted and tokens are not required, so that everybody may read and push",
                "Give `tls: { certificate: FILE, key: FILE }` and say `tokens: required`",
            ),
        };
        if !insecure {
            return Err(Exposed { address, lacking, advice });
        }
        Ok(Self {
            address,
            tls,
            insecure: Some(format!("This collector can be reached from other machines, and {why}.")),
        })
    }

    /// The scheme of its URL.
    pub const fn scheme(&self) -> &'static str {
        if self.tls { "https" } else { "http" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use TokensNeeded::{Optional, Required};

    fn decide(address: &str, tls: bool, tokens: TokensNeeded, insecure: bool) -> Result<Exposure, Exposed> {
        Exposure::decide(address.parse().unwrap(), tls, tokens, insecure)
    }

    #[test]
    fn beyond_this_machine_only_with_tls_and_tokens() {
        for address in ["127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
            let here = decide(address, false, Optional, false).unwrap();
            assert_eq!((here.insecure, decide(address, true, Optional, true).unwrap().insecure), (None, None));
        }
        for address in ["0.0.0.0:1", "[::]:1", "192.0.2.1:1", "[2001:db8::1]:1"] {
            assert_eq!(decide(address, true, Required, false).unwrap().insecure, None);
            for (tls, tokens, lacking) in [
                (false, Required, "from other machines without TLS. Give `tls: "),
                (true, Optional, "from other machines without tokens. Say `tokens: required`;"),
                (false, Optional, "without TLS and without tokens. Give `tls: "),
            ] {
                let refused = decide(address, tls, tokens, false).unwrap_err().to_string();
                assert!(refused.contains(lacking) && refused.contains("insecure: true"), "{refused}");
                let exposed = decide(address, tls, tokens, true).unwrap();
                assert!(exposed.insecure.unwrap().starts_with("This collector can be reached"));
            }
        }
    }

    #[test]
    fn the_scheme_is_that_of_the_port() {
        assert_eq!(decide("[::1]:1", true, Optional, false).unwrap().scheme(), "https");
        assert_eq!(decide("[::1]:1", false, Optional, false).unwrap().scheme(), "http");
    }
}
