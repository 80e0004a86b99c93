//! The service catalogue: what people promise, and how it is watched.
//!
//! | file | what it holds |
//! |---|---|
//! | [`model`] | the checked types |
//! | [`promise`] | of these, what targets promise |
//! | [`consequence`] | of these, what follows from it: credits and alerts |
//! | [`telling`] | of these, how urgent incidents are and who is told of them |
//! | [`read()`] | from files to the checked types, or every problem in them |
//! | [`SCHEMA`] | the same language for editors, as JSON Schema |
//! | [`assign`] | what each agent is to observe |
//! | [`fingerprint`] | which version this is, and whether it would measure the past differently than another |

pub mod assign;
pub mod consequence;
pub mod fingerprint;
pub mod model;
pub mod promise;
mod read;
#[cfg(test)]
mod schema_tests;
pub mod telling;
#[cfg(test)]
mod tests;

pub use read::{BODY_PATTERN_SIZE_MAX, Bounds, body_pattern, read, read_within};

/// The JSON Schema (2020-12) of one file of a catalogue. It knows every key, its shape and its words; what refers to
/// what, and what must fit together, only [`read()`] knows.
pub const SCHEMA: &str = include_str!("schema.json");
