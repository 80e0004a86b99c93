//! The keys under which revisions stand: by target, then by the start of the window, then by number.

use std::str::FromStr as _;

use uphold_common::catalogue::model::WindowKind;
use uphold_common::ids::TargetId;
use uphold_common::time::Instant;

/// The kinds of windows that close, with their numbers in keys.
const KINDS: [(WindowKind, u8); 5] = [
    (WindowKind::Day, 1),
    (WindowKind::Week, 2),
    (WindowKind::Month, 3),
    (WindowKind::Quarter, 4),
    (WindowKind::Year, 5),
];
/// With this bit turned, numbers with a sign are in order as bytes.
const SIGN: i64 = i64::MIN;

/// Under what a revision stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The target.
    pub target: TargetId,
    /// The start of the window.
    pub start: Instant,
    /// The number of its kind.
    pub kind: u8,
    /// The number of the revision.
    pub number: u32,
}

/// The number of a kind of window; none of one that never closes.
pub fn number_of(kind: WindowKind) -> Option<u8> {
    KINDS.iter().find(|(known, _)| *known == kind).map(|(_, number)| *number)
}

/// The kind of window that has this number.
pub fn kind_of(number: u8) -> Option<WindowKind> {
    KINDS.iter().find(|(_, known)| *known == number).map(|(kind, _)| *kind)
}

/// What all keys of a target begin with, and no others do.
pub fn prefix(target: &TargetId) -> Vec<u8> {
    let mut bytes = target.to_string().into_bytes();
    // No id holds it.
    bytes.push(0);
    bytes
}

impl Key {
    /// Its bytes.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = prefix(&self.target);
        bytes.extend_from_slice(&(self.start.as_ms() ^ SIGN).to_be_bytes());
        bytes.push(self.kind);
        bytes.extend_from_slice(&self.number.to_be_bytes());
        bytes
    }

    /// The key of these bytes.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let (rest, number) = bytes.split_last_chunk::<4>()?;
        let (kind, rest) = rest.split_last()?;
        let (target, start) = rest.split_last_chunk::<8>()?;
        let target = TargetId::from_str(std::str::from_utf8(target.strip_suffix(&[0])?).ok()?).ok()?;
        let start = Instant::from_ms(i64::from_be_bytes(*start) ^ SIGN);
        Some(Self { target, start, kind: *kind, number: u32::from_be_bytes(*number) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_were_written_and_are_in_order() {
        let mut keys = Vec::new();
        for target in ["a/b", "a/b-c", "sla/month"] {
            for start in [-1, 0, 1, 1_773_100_800_000] {
                for (kind, number) in [(1, 1), (1, 2), (1, 256), (3, 1)] {
                    let target = target.parse().unwrap();
                    keys.push(Key { target, start: Instant::from_ms(start), kind, number });
                }
            }
        }
        let bytes: Vec<Vec<u8>> = keys.iter().map(Key::bytes).collect();
        assert!(bytes.is_sorted());
        assert_eq!(bytes.iter().map(|bytes| Key::read(bytes).unwrap()).collect::<Vec<_>>(), keys);
        for unsound in [&b""[..], b"a/b", &bytes[0][1..], &bytes[0][..12]] {
            assert!(Key::read(unsound).is_none_or(|key| key != keys[0]), "{unsound:?}");
        }
        let of = prefix(&"a/b".parse().unwrap());
        assert_eq!(bytes.iter().filter(|bytes| bytes.starts_with(&of)).count(), 16);
    }
}
