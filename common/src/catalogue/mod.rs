//! The service catalogue: what people promise, and how it is watched.
//!
//! | file | what it holds |
//! |---|---|
//! | [`model`] | the checked types |
//! | [`expression`] | of these, when a service is available, as it is said |
//! | [`formula`] | the same down to the probes, over all services |
//! | [`promise`] | of these, what targets promise |
//! | [`calendar`] | of these, in which hours services are agreed |
//! | [`cause`] | why incidents open, as words |
//! | [`consequence`] | of these, what follows from it: credits and alerts |
//! | [`raising`] | of these, which causes open incidents, and when those are over |
//! | [`handling`] | of these, within which time incidents are handled, who is told when they are not, and what makes a problem |
//! | [`telling`] | of these, how urgent incidents are and which receivers are told of them |
//! | [`receiver`] | of these, where incidents are told, and how |
//! | [`read()`] | from files to the checked types, or every problem in them |
//! | [`SCHEMA`] | the same language for editors, as JSON Schema |
//! | [`alignment`] | whether what was promised to customers is underpinned by what suppliers promised |
//! | [`assign`] | what each agent is to observe |
//! | [`fingerprint`] | which version this is, and what it measures differently than another |
//! | [`course`] | what services and targets were through the versions |
//! | [`promised`] | which version's promise holds for which window of a target |
//! | `unread` | what is known of a version that this reader refuses |

pub mod alignment;
pub mod assign;
pub mod calendar;
pub mod cause;
pub mod consequence;
pub mod course;
pub mod expression;
pub mod fingerprint;
pub mod formula;
pub mod handling;
pub mod model;
pub mod promise;
pub mod promised;
pub mod raising;
mod read;
pub mod receiver;
#[cfg(test)]
mod schema_tests;
pub mod telling;
#[cfg(test)]
mod tests;
mod unread;

pub use read::{BODY_PATTERN_SIZE_MAX, Bounds, body_pattern, holiday_files, read, read_check, read_within};

/// The JSON Schema (2020-12) of one file of a catalogue. It knows every key, its shape and its words; what refers to
/// what, and what must fit together, only [`read()`] knows.
pub const SCHEMA: &str = include_str!("schema.json");
