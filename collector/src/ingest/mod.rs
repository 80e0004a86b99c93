//! Ingest: from the body of a push to an admitted batch, or to a refusal that says what was wrong. Pure.

pub mod admission;
pub mod refusal;

pub use admission::{Admission, Arrived, Backlog, PushBounds, decide, decode};
pub use refusal::{Refusal, Retry};
