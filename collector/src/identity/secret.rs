//! A secret: 256 random bits, their text and their digest.
//!
//! The text is `uphold_` and 64 hexadecimal digits, so that scanners for leaked secrets know it. Only the digest is
//! kept. With 256 random bits nothing can be guessed, so a plain SHA-256 is as good as a slow one.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uphold_common::bytes::Hex;

/// How the text of every secret begins.
pub const PREFIX: &str = "uphold_";
/// How many bytes are drawn.
const BYTES: usize = 32;

/// A secret. It has no `Display`: whoever writes it down says so, with [`Secret::reveal`].
#[derive(Clone, PartialEq, Eq)]
pub struct Secret([u8; BYTES]);

impl Secret {
    /// A new one.
    pub fn draw() -> Result<Self, getrandom::Error> {
        let mut bits = [0; BYTES];
        getrandom::fill(&mut bits)?;
        Ok(Self(bits))
    }

    /// Reads the text of a secret.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(PREFIX)?;
        if digits.len() != 2 * BYTES || !digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f')) {
            return None;
        }
        let mut bits = [0; BYTES];
        for (bit, pair) in bits.iter_mut().zip(digits.as_bytes().chunks(2)) {
            *bit = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Self(bits))
    }

    /// Its text, for whom it is made.
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}", Hex(&self.0))
    }

    /// What is kept of it.
    pub fn digest(&self) -> SecretDigest {
        SecretDigest(Sha256::digest(self.0).into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The SHA-256 of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SecretDigest([u8; 32]);
