//! The collector of Uphold: keeps what agents saw, measures it against the service catalogue, raises incidents, shows
//! everything, and can say how each figure came about.
//!
//! The rooms and what passes between them are in `ARCHITECTURE.md`.

pub mod incident;
pub mod ingest;
pub mod metrics;
pub mod notify;
pub mod page;
pub mod report;
pub mod snapshot;
pub mod store;
