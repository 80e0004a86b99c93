//! The texts that people write about incidents, as schemas: what a schema can say of them, and beside it what it cannot.

use utoipa::openapi::schema::{Object, SchemaType, Type};

use crate::incident::act::text::{COMMENT_BYTES_MAX, LINK_BYTES_MAX, REVIEW_BYTES_MAX, WHO_CHARS_MAX};

/// A comment; that it has to have a character, and which ones it may have, the handler says.
pub(in crate::api) fn comment() -> Object {
    comment_of(Type::String.into())
}

/// A comment, or null for none.
pub(in crate::api) fn comment_or_none() -> Object {
    comment_of(SchemaType::Array(vec![Type::String, Type::Null]))
}

fn comment_of(kind: SchemaType) -> Object {
    let says = "Some text of at most 4000 bytes; its only control characters are ends of lines and tabs.";
    said(kind, COMMENT_BYTES_MAX, says)
}

/// The review of a major incident.
pub(in crate::api) fn review() -> Object {
    let says = "Some text of at most 20000 bytes; its only control characters are ends of lines and tabs.";
    said(Type::String.into(), REVIEW_BYTES_MAX, says)
}

/// A name of somebody.
pub(in crate::api) fn who() -> Object {
    said(Type::String.into(), WHO_CHARS_MAX, "Somebody, or some team: at most 200 characters on one line.")
}

/// What an incident is linked with.
pub(in crate::api) fn link_to() -> Object {
    let says = "At most 500 bytes on one line: a name, or an address of http or https without a password; of a parent, its number.";
    said(Type::String.into(), LINK_BYTES_MAX, says)
}

/// How many events an incident is expected to have.
pub(in crate::api) fn expected_events() -> Object {
    Object::builder()
        .schema_type(SchemaType::Array(vec![Type::Integer, Type::Null]))
        .minimum(Some(0))
        .maximum(Some(u32::MAX))
        .description(Some("How many events it had when it was looked at: with another number by now nothing is done."))
        .build()
}

fn said(kind: SchemaType, length_max: usize, says: &str) -> Object {
    Object::builder().schema_type(kind).min_length(Some(1)).max_length(Some(length_max)).description(Some(says)).build()
}
