//! The scalars as schemas: what a text or a number must look like, said to programs as the code here checks it.
//!
//! Structures derive theirs where they are; these are checked by hand-written code, so their schemas are written by
//! hand as well, and held against that code by the tests below.

use std::borrow::Cow;

use utoipa::openapi::schema::{KnownFormat, Object, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::ids::{Id, PathId};
use crate::time::Instant;
use crate::wire::batch::Epoch;

/// What an [`Id`] looks like.
pub const ID_PATTERN: &str = "^[a-z0-9][a-z0-9._-]{0,63}$";
/// What a [`PathId`] looks like.
pub const PATH_ID_PATTERN: &str = "^[a-z0-9][a-z0-9._-]{0,63}/[a-z0-9][a-z0-9._-]{0,63}$";
/// What an [`Epoch`] looks like.
pub const EPOCH_PATTERN: &str = "^[0-9a-f]{32}$";

impl PartialSchema for Id {
    fn schema() -> RefOr<Schema> {
        let says = "A name of 1 to 64 characters out of a-z, 0-9, '-', '_' and '.', starting with a letter or a digit.";
        text(ID_PATTERN, says).min_length(Some(1)).max_length(Some(crate::ids::ID_BYTES_MAX)).into()
    }
}

impl ToSchema for Id {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Id")
    }
}

impl PartialSchema for PathId {
    fn schema() -> RefOr<Schema> {
        let says = "Two ids joined by a slash: a probe in its service, a target in its agreement.";
        text(PATH_ID_PATTERN, says).into()
    }
}

impl ToSchema for PathId {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("PathId")
    }
}

impl PartialSchema for Epoch {
    fn schema() -> RefOr<Schema> {
        text(EPOCH_PATTERN, "128 random bits as hexadecimal digits.").into()
    }
}

impl ToSchema for Epoch {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Epoch")
    }
}

impl PartialSchema for Instant {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
            .minimum(Some(Self::MIN.as_ms()))
            .maximum(Some(Self::MAX.as_ms()))
            .description(Some("A point in time: whole milliseconds since 1970-01-01T00:00:00Z."))
            .into()
    }
}

impl ToSchema for Instant {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Instant")
    }
}

fn text(pattern: &str, says: &str) -> ObjectBuilder {
    Object::builder().schema_type(Type::String).pattern(Some(pattern)).description(Some(says))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex::Regex;

    use super::*;

    proptest! {
        #[test]
        fn patterns_take_what_the_code_takes(text in "[a-zA-Z0-9._/é-]{0,70}") {
            let matches = |pattern: &str| Regex::new(pattern).unwrap().is_match(&text);
            prop_assert_eq!(matches(ID_PATTERN), Id::new(&text).is_ok());
            prop_assert_eq!(matches(PATH_ID_PATTERN), PathId::try_from(text.clone()).is_ok());
        }

        #[test]
        fn epochs_are_written_as_their_pattern_says(bits: [u8; 16]) {
            prop_assert!(Regex::new(EPOCH_PATTERN).unwrap().is_match(&Epoch(bits).to_string()));
        }
    }
}
