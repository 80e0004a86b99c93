//! The service catalogue: what people promise, and how it is watched.
//!
//! | file | what it holds |
//! |---|---|
//! | [`model`] | the checked types |
//! | [`telling`] | of these, how urgent incidents are and who is told of them |
//! | [`read()`] | from files to the checked types, or every problem in them |
//! | [`assign`] | what each agent is to observe |
//! | [`fingerprint`] | which version this is, and whether it would measure the past differently than another |

pub mod assign;
pub mod fingerprint;
pub mod model;
mod read;
pub mod telling;
#[cfg(test)]
mod tests;

pub use read::{BODY_PATTERN_SIZE_MAX, Bounds, body_pattern, read, read_within};
