//! Ingest: from the body of a push to an admitted batch, or to a refusal that says what was wrong. No clock, no store.

pub mod admission;
pub mod names;
pub mod refusal;

pub use admission::{Admission, Arrived, Backlog, PushBounds, decide, decode, decode_import};
pub use names::KnownNames;
pub use refusal::{Refusal, Retry};
