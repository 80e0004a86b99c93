//! The signature of a message after Standard Webhooks 1.0, by which a receiver knows that it comes from this collector, and
//! when. Pure but for the keys, which come from a file.
//!
//! ```text
//! signed              webhook-id "." webhook-timestamp "." body
//! webhook-timestamp   when the attempt is made, in seconds
//! webhook-signature   "v1," base64 of HMAC-SHA256, for each key one, with a space between them
//! ```
//!
//! A key stands in its file as `whsec_` and base64. Several, a line each, sign side by side, so that a receiver can be
//! given a new key before the old one goes.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ring::hmac;
use uphold_common::time::Instant;

/// What stands in front of a key.
const PREFIX: &str = "whsec_";
/// How long keys are, as the specification bounds them.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;
/// Most keys at once.
const KEYS_MAX: usize = 4;

/// The headers that stand beside the message's id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// `webhook-timestamp`.
    pub timestamp: String,
    /// `webhook-signature`.
    pub signature: String,
}

/// Signs a message with each of the keys, which were written in these lines of `path`.
pub fn sign(path: &str, keys: &[String], (id, body): (&str, &str), at: Instant) -> Result<Signed, String> {
    if keys.len() > KEYS_MAX {
        return Err(format!("{path} holds more than {KEYS_MAX} keys"));
    }
    let timestamp = at.as_ms().div_euclid(1_000).to_string();
    let mut signatures = Vec::with_capacity(keys.len());
    for key in keys {
        let key = read(key).ok_or_else(|| expected(path))?;
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &key));
        for part in [id, ".", &timestamp, ".", body] {
            context.update(part.as_bytes());
        }
        signatures.push(format!("v1,{}", BASE64_STANDARD.encode(context.sign())));
    }
    Ok(Signed { timestamp, signature: signatures.join(" ") })
}

fn read(key: &str) -> Option<Vec<u8>> {
    let bytes = BASE64_STANDARD.decode(key.strip_prefix(PREFIX)?).ok()?;
    KEY_BYTES.contains(&bytes.len()).then_some(bytes)
}

fn expected(path: &str) -> String {
    let (least, most) = KEY_BYTES.into_inner();
    format!("expected in each line of {path} a key: {PREFIX} and {least} to {most} bytes in base64")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(keys: &[&str]) -> Result<Signed, String> {
        let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        sign(
            "/k",
            &keys,
            ("msg_p5jXN8AQM9LWM0D4loKWxJek", "{\"test\": 2432232314}"),
            Instant::from_ms(1_614_265_330_999),
        )
    }

    #[test]
    fn the_example_of_the_libraries_is_signed_as_they_sign_it() {
        let key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(signed(&[key]).unwrap().signature, expected);
        assert_eq!(signed(&[key]).unwrap().timestamp, "1614265330");
        let two = signed(&["whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", key]).unwrap().signature;
        assert!(two.starts_with("v1,") && two.ends_with(&format!(" {expected}")), "{two}");
    }

    #[test]
    fn a_key_that_is_none_is_refused_and_not_quoted() {
        let short = format!("whsec_{}", BASE64_STANDARD.encode([7; 23]));
        let long = format!("whsec_{}", BASE64_STANDARD.encode([7; 65]));
        for key in ["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_", "whsec_s3cr3t!", &short, &long] {
            let error = signed(&[key]).unwrap_err();
            assert_eq!(error, "expected in each line of /k a key: whsec_ and 24 to 64 bytes in base64");
        }
        assert_eq!(signed(&["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"; 5]).unwrap_err(), "/k holds more than 4 keys");
    }
}
