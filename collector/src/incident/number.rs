//! What an incident is called: an id that is never used twice, and a number for people.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The number of an incident, counted from 1 in each store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct Number(pub u64);

impl Number {
    /// Reads `INC-7` or `7`, of at most 19 digits, which always fit.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("INC-").unwrap_or(text);
        let plain = digits.len() <= 19 && digits.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| digits.parse().ok().map(Self)).flatten()
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "INC-{}", self.0)
    }
}

/// An id that no other incident of any store has, also not of one that was put back from a copy: 128 random bits, drawn as
/// the incident opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, pattern = "^[0-9a-f]{32}$")]
pub struct Uid(pub u128);

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl From<Uid> for String {
    fn from(uid: Uid) -> Self {
        uid.to_string()
    }
}

impl TryFrom<String> for Uid {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let wrong = "an id of 32 hexadecimal digits";
        if text.len() != 32 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(wrong);
        }
        u128::from_str_radix(&text, 16).map(Self).map_err(|_| wrong)
    }
}

/// How somebody calls an incident: by its number, or by its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Called {
    /// By its number.
    Number(Number),
    /// By its id.
    Id(Uid),
}

impl Called {
    /// Reads `INC-7`, `7`, or an id of 32 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let number = Number::parse(text).map(Self::Number);
        number.or_else(|| Uid::try_from(text.to_owned()).ok().map(Self::Id))
    }
}

impl From<Number> for Called {
    fn from(number: Number) -> Self {
        Self::Number(number)
    }
}

impl fmt::Display for Called {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Id(id) => id.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_incident_is_called_by_number_or_id() {
        assert_eq!(Called::parse("INC-7"), Some(Called::Number(Number(7))));
        assert_eq!(Called::parse("007"), Some(Called::Number(Number(7))));
        assert_eq!(Called::parse(&format!("{:032x}", 7)), Some(Called::Id(Uid(7))));
        for wrong in ["", "INC-", "inc-7", &format!("INC-{:032x}", 7), &"9".repeat(20), &"f".repeat(33)] {
            assert_eq!(Called::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_id_is_read_as_it_is_written() {
        let uid = Uid(0x0a);
        assert_eq!(uid.to_string(), format!("{:0>32}", "a"));
        assert_eq!(Uid::try_from(uid.to_string()), Ok(uid));
        for wrong in ["", "0a", &"+".repeat(32), &"g".repeat(32)] {
            assert!(Uid::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }
}
