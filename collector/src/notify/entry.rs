//! What is kept of a message: its key, the entry while it waits, the dead letter when it could not be delivered.
//!
//! ```text
//! key    the receiver's id, 0, order as u64 big endian
//! value  MessagePack of Entry (waiting) or DeadLetter (dead); whoever stores it puts a frame around it
//!
//! key    the incident's number as u64 big endian, the receiver's id
//! value  what the receiver is to be reminded of, as its channel wrote it
//! ```
//!
//! A message that dies keeps its key and changes its place. Orders count over all receivers and rise with each
//! message, so the keys of one receiver are in the order in which it is to be told. Fields that a reader does not know
//! are passed over: a message must still go out after the program was set back to an older version.

use serde::{Deserialize, Serialize};
use uphold_common::ids::Id;
use uphold_common::time::Instant;
use uphold_common::wire::pack::{self, PackError};

use super::message::{Kind, Message};
use crate::incident::model::Number;

/// Longest reason or error that is kept, in characters.
pub const REASON_CHARS_MAX: usize = 300;

/// A message's place in line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Who is told.
    pub receiver: Id,
    /// Its place in the order of all messages.
    pub order: u64,
}

impl Key {
    /// The bytes it is stored under.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.receiver.as_str().as_bytes().to_vec();
        bytes.push(0);
        bytes.extend(self.order.to_be_bytes());
        bytes
    }

    /// The key that was stored under `bytes`.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (rest, order) = bytes.split_last_chunk::<8>()?;
        let receiver = std::str::from_utf8(rest.strip_suffix(&[0])?).ok()?;
        Some(Self { receiver: Id::new(receiver).ok()?, order: u64::from_be_bytes(*order) })
    }
}

/// What is kept of an incident for a receiver lies under this; everything of one incident together.
pub fn kept_key(receiver: &Id, incident: Number) -> Vec<u8> {
    [&incident.0.to_be_bytes()[..], receiver.as_str().as_bytes()].concat()
}

/// A message that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The message's id.
    pub id: String,
    /// The incident that it tells of; none if it tells of none, or is older than that was noted.
    #[serde(default)]
    pub incident: Option<Number>,
    /// What it tells of.
    pub kind: Kind,
    /// When it was put into the outbox.
    pub created: Instant,
    /// It is not tried before this.
    pub not_before: Instant,
    /// How many attempts have failed.
    pub attempts: u32,
    /// Whether it was given up before, and is sent again.
    #[serde(default)]
    pub again: bool,
    /// The event, in JSON.
    pub body: String,
}

impl Entry {
    /// The entry of a message that is due at once.
    pub fn new(message: Message, now: Instant) -> Self {
        let Message { receiver: _, id, incident, kind, body } = message;
        Self { id, incident: Some(incident), kind, created: now, not_before: now, attempts: 0, again: false, body }
    }

    /// Its bytes.
    pub fn pack(&self) -> Result<Vec<u8>, PackError> {
        pack::pack(self)
    }

    /// The entry in `bytes`.
    pub fn unpack(bytes: &[u8]) -> Result<Self, PackError> {
        pack::unpack(bytes)
    }
}

/// A message that could not be delivered, kept so that it is not lost unseen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// The message as it waited.
    pub entry: Entry,
    /// Why it was given up, for people.
    pub reason: String,
    /// When it was given up.
    pub died: Instant,
}

impl DeadLetter {
    /// Its bytes.
    pub fn pack(&self) -> Result<Vec<u8>, PackError> {
        pack::pack(self)
    }

    /// The dead letter in `bytes`.
    pub fn unpack(bytes: &[u8]) -> Result<Self, PackError> {
        pack::unpack(bytes)
    }
}

/// `text`, cut to [`REASON_CHARS_MAX`].
pub(super) fn bounded(text: &str) -> String {
    match text.char_indices().nth(REASON_CHARS_MAX) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::testing::{at, id, message};

    #[test]
    fn keys_are_read_back_and_keep_the_order_of_each_receiver() {
        let key = |receiver: &str, order| Key { receiver: id(receiver), order };
        let keys = [key("a", 0), key("a", 255), key("a", 256), key("a", u64::MAX), key("a-b", 1), key("b", 0)];
        let bytes: Vec<_> = keys.iter().map(Key::to_bytes).collect();
        assert!(bytes.is_sorted());
        for (key, bytes) in keys.iter().zip(&bytes) {
            assert_eq!(Key::from_bytes(bytes).as_ref(), Some(key));
        }
        for bad in [&b""[..], b"a", b"a\0\0\0\0\0\0\0\x01", b"\0\0\0\0\0\0\0\0\x01", b"A\0\0\0\0\0\0\0\0\x01"] {
            assert_eq!(Key::from_bytes(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn entries_and_dead_letters_are_read_back() {
        let message = Message { kind: Kind::Recorded, ..message("a", 1) };
        let entry = Entry { attempts: 3, not_before: at(9), ..Entry::new(message, at(5)) };
        assert_eq!(Entry::unpack(&entry.pack().unwrap()).unwrap(), entry);
        let letter = DeadLetter { entry, reason: "refused".to_owned(), died: at(10) };
        assert_eq!(DeadLetter::unpack(&letter.pack().unwrap()).unwrap(), letter);
        assert!(Entry::unpack(b"\x01").is_err());
    }

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        assert_eq!(bounded("short"), "short");
        assert_eq!(bounded(&"ü".repeat(REASON_CHARS_MAX)), "ü".repeat(REASON_CHARS_MAX));
        assert_eq!(bounded(&"ü".repeat(REASON_CHARS_MAX + 1)), "ü".repeat(REASON_CHARS_MAX) + "…");
    }
}
