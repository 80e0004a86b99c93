//! A TCP connection, and what is said over it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::options::{IpChoice, StartTls, TlsOptions};

/// A TCP connection, and what is said over it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TcpCheck {
    /// `host:port`, an IPv6 address in brackets.
    pub address: String,
    /// Which addresses are spoken to.
    #[serde(default, skip_serializing_if = "IpChoice::is_any")]
    pub ip: IpChoice,
    /// How the connection turns to TLS, if it begins in the clear.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starttls: Option<StartTls>,
    /// TLS from the beginning, or how it is agreed with `starttls`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsOptions>,
    /// What is said, step by step.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dialogue: Vec<Step>,
}

/// A step of a dialogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// A text that is sent; `\r`, `\n`, `\t`, `\0`, `\\` and `\x1f` in it are what they are in most languages.
    Send(String),
    /// Bytes that are sent, in hexadecimal.
    SendHex(String),
    /// A regular expression; bytes are read until it matches.
    Expect(String),
}

impl Step {
    /// The bytes that are sent, if any are; or what is wrong with them.
    pub fn bytes(&self) -> Result<Option<Vec<u8>>, BadBytes> {
        match self {
            Self::Send(text) => unescaped(text).map(Some),
            Self::SendHex(text) => from_hex(text).map(Some),
            Self::Expect(_) => Ok(None),
        }
    }
}

/// Why a text stands for no bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadBytes {
    /// A backslash before something that means nothing.
    #[error("\\r, \\n, \\t, \\0, \\\\ or \\x and two hexadecimal digits behind a backslash")]
    Escape,
    /// Not pairs of hexadecimal digits.
    #[error("bytes in hexadecimal, such as \"00 00 00 08\"")]
    Hex,
}

fn unescaped(text: &str) -> Result<Vec<u8>, BadBytes> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        bytes.push(match rest.next() {
            Some(b'r') => b'\r',
            Some(b'n') => b'\n',
            Some(b't') => b'\t',
            Some(b'0') => 0,
            Some(b'\\') => b'\\',
            Some(b'x') => {
                let digits = (rest.next().and_then(digit), rest.next().and_then(digit));
                let (Some(high), Some(low)) = digits else { return Err(BadBytes::Escape) };
                high << 4 | low
            }
            _ => return Err(BadBytes::Escape),
        });
    }
    Ok(bytes)
}

fn from_hex(text: &str) -> Result<Vec<u8>, BadBytes> {
    let digits: Option<Vec<u8>> = text.bytes().filter(|byte| *byte != b' ').map(digit).collect();
    let digits = digits.filter(|digits| !digits.is_empty() && digits.len().is_multiple_of(2)).ok_or(BadBytes::Hex)?;
    Ok(digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect())
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_digits_stand_for_bytes() {
        for (step, bytes) in [
            (Step::Send("EHLO a\\r\\n".to_owned()), Ok(Some(b"EHLO a\r\n".to_vec()))),
            (Step::Send("\\\\ \\0\\t\\xfF\r".to_owned()), Ok(Some(b"\\ \0\t\xff\r".to_vec()))),
            (Step::Send("ü".to_owned()), Ok(Some("ü".as_bytes().to_vec()))),
            (Step::Send("\\".to_owned()), Err(BadBytes::Escape)),
            (Step::Send("\\q".to_owned()), Err(BadBytes::Escape)),
            (Step::Send("\\x1".to_owned()), Err(BadBytes::Escape)),
            (Step::SendHex("00 0aFF".to_owned()), Ok(Some(vec![0, 10, 255]))),
            (Step::SendHex("0".to_owned()), Err(BadBytes::Hex)),
            (Step::SendHex("0g".to_owned()), Err(BadBytes::Hex)),
            (Step::SendHex(" ".to_owned()), Err(BadBytes::Hex)),
            (Step::Expect("\\q".to_owned()), Ok(None)),
        ] {
            assert_eq!(step.bytes(), bytes, "{step:?}");
        }
    }
}
