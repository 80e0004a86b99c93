//! The names of things: services, probes, agents, hosts, components, parties, targets.
//!
//! An [`Id`] is what a person writes in the catalogue and what stands in URLs, labels and keys of the store, so it
//! is short and plain. Ids are ordered by their bytes, which is the order the rules ask for.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The longest id, in bytes.
pub const ID_BYTES_MAX: usize = 64;

/// A name of 1 to 64 characters out of `a-z 0-9 - _ .`, starting with a letter or a digit.
///
/// Ids are cloned everywhere, so the text is shared.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(Arc<str>);

/// Why a text is no [`Id`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id of 1 to 64 characters out of a-z, 0-9, '-', '_' and '.', starting with a letter or a digit")]
pub struct BadId;

impl Id {
    /// Checks and keeps `text`.
    pub fn new(text: &str) -> Result<Self, BadId> {
        let plain = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.');
        let starts = text.as_bytes().first().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if starts && text.len() <= ID_BYTES_MAX && text.as_bytes().iter().all(plain) {
            Ok(Self(Arc::from(text)))
        } else {
            Err(BadId)
        }
    }

    /// `own`: the organisation itself as a party, which is always there.
    pub fn own() -> Self {
        Self(Arc::from("own"))
    }

    /// The name as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl TryFrom<String> for Id {
    type Error = BadId;

    fn try_from(text: String) -> Result<Self, BadId> {
        Self::new(&text)
    }
}

impl std::str::FromStr for Id {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        Self::new(text)
    }
}

impl From<Id> for String {
    fn from(id: Id) -> Self {
        id.0.as_ref().to_owned()
    }
}

/// Two ids joined by a slash: a probe in its service (`webshop/front-page`), a target in its agreement.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathId {
    /// The service or agreement.
    pub parent: Id,
    /// The probe or target in it.
    pub child: Id,
}

/// A probe, known everywhere outside its service as `service/probe`.
pub type ProbeId = PathId;
/// A target, known everywhere outside its agreement as `agreement/target`.
pub type TargetId = PathId;

impl PathId {
    /// `parent/child`.
    pub const fn new(parent: Id, child: Id) -> Self {
        Self { parent, child }
    }
}

impl fmt::Display for PathId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.width().is_some() || f.precision().is_some() {
            return f.pad(&format!("{}/{}", self.parent, self.child));
        }
        f.write_str(self.parent.as_str())?;
        f.write_str("/")?;
        f.write_str(self.child.as_str())
    }
}

impl TryFrom<String> for PathId {
    type Error = BadId;

    fn try_from(text: String) -> Result<Self, BadId> {
        text.parse()
    }
}

impl std::str::FromStr for PathId {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        let (parent, child) = text.split_once('/').ok_or(BadId)?;
        Ok(Self { parent: Id::new(parent)?, child: Id::new(child)? })
    }
}

impl From<PathId> for String {
    fn from(id: PathId) -> Self {
        id.to_string()
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_str(FromText(PhantomData))
    }
}

impl Serialize for PathId {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PathId {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_str(FromText(PhantomData))
    }
}

/// Reads a name from text where it stands, without a copy in between.
struct FromText<T>(PhantomData<T>);

impl<T: std::str::FromStr<Err = BadId>> de::Visitor<'_> for FromText<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

/// A vantage point: one agent running one probe.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct VantagePoint {
    /// What is probed.
    pub probe: ProbeId,
    /// Who probes it.
    pub agent: Id,
}

impl fmt::Display for VantagePoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} from {}", self.probe, self.agent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_plain_and_bounded() {
        for good in ["a", "web-1", "0", "a.b_c", &"x".repeat(64)] {
            assert!(Id::new(good).is_ok(), "{good}");
        }
        for bad in ["", "-a", "A", "a b", "a/b", "ü", "a\n", &"x".repeat(65)] {
            assert_eq!(Id::new(bad), Err(BadId), "{bad}");
        }
    }

    #[test]
    fn the_own_party_has_an_id_like_any_other() {
        assert_eq!(Id::new("own"), Ok(Id::own()));
    }

    #[test]
    fn a_probe_id_is_read_from_its_path() {
        let id = PathId::try_from("webshop/front-page".to_owned()).unwrap();
        assert_eq!((id.parent.as_str(), id.child.as_str()), ("webshop", "front-page"));
        assert!(PathId::try_from("webshop".to_owned()).is_err());
        assert!(PathId::try_from("a/b/c".to_owned()).is_err());
    }
}
