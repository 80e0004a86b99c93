//! The name of somebody in a certificate as RFC 4514 writes it: `CN=shop.example,O=Shop,C=CH`.
//!
//! The parts stand in one order whatever the certificate has, several of one kind together, as most clients show them, so
//! that names can be compared as texts.

use std::fmt::Write as _;

use uphold_common::bytes::Hex;
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

/// The kinds that have a short name, below 2.5.4, in the order in which they are written.
const KINDS: [(u8, &str); 9] = [
    (5, "SERIALNUMBER"),
    (3, "CN"),
    (17, "POSTALCODE"),
    (9, "STREET"),
    (8, "ST"),
    (7, "L"),
    (11, "OU"),
    (10, "O"),
    (6, "C"),
];
/// Of these a name has only one: the last that is there.
const ALONE: [u8; 2] = [5, 3];

/// A name as one text.
pub(super) fn written(name: &X509Name<'_>) -> String {
    let all: Vec<&AttributeTypeAndValue<'_>> = name.iter_attributes().collect();
    let mut parts = Vec::new();
    for (kind, short) in KINDS {
        let of_kind = all.iter().filter(|part| kind_of(part) == Some(kind)).filter_map(|part| part.as_str().ok());
        let mut values: Vec<String> = of_kind.map(|value| format!("{short}={}", escaped(value))).collect();
        if ALONE.contains(&kind) {
            values = values.pop().into_iter().collect();
        }
        if !values.is_empty() {
            parts.push(values.join("+"));
        }
    }
    let others = all.iter().rev().filter(|part| kind_of(part).is_none());
    parts.extend(others.map(|part| {
        let value = part.as_str().unwrap_or_default();
        format!("{}=#{}", part.attr_type().to_id_string(), encoded(value))
    }));
    parts.join(",")
}

/// The last number of a kind that has a short name.
fn kind_of(part: &AttributeTypeAndValue<'_>) -> Option<u8> {
    match part.attr_type().as_bytes() {
        [0x55, 4, kind] if KINDS.iter().any(|(known, _)| known == kind) => Some(*kind),
        _ => None,
    }
}

fn escaped(value: &str) -> String {
    let mut text = String::new();
    let last = value.chars().count().saturating_sub(1);
    for (at, c) in value.chars().enumerate() {
        let at_the_edge = (at == 0 && matches!(c, ' ' | '#')) || (at == last && c == ' ');
        if at_the_edge || matches!(c, ',' | '+' | '"' | '\\' | '<' | '>' | ';') {
            text.push('\\');
        }
        text.push(c);
    }
    text
}

/// A value as its bytes would be in a certificate, in hexadecimal.
fn encoded(value: &str) -> String {
    let printable = |byte: u8| byte.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&byte);
    let tag: u8 = if value.bytes().all(printable) { 0x13 } else { 0x0c };
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = match value.len() {
        short @ ..128 => write!(text, "{tag:02x}{short:02x}"),
        middle @ 128..256 => write!(text, "{tag:02x}81{middle:02x}"),
        long => write!(text, "{tag:02x}82{long:04x}"),
    };
    let _ = write!(text, "{}", Hex(value.as_bytes()));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_escaped_and_encoded() {
        for (value, text) in
            [("Shop", "Shop"), ("Shop, \"Inc\"", "Shop\\, \\\"Inc\\\""), (" #a ", "\\ #a\\ "), ("#a", "\\#a")]
        {
            assert_eq!(escaped(value), text, "{value}");
        }
        for (value, text) in [("ab", "13026162"), ("a@b", "0c03614062"), ("", "1300")] {
            assert_eq!(encoded(value), text, "{value}");
        }
        assert!(encoded(&"x".repeat(200)).starts_with("1381c878"));
    }
}
