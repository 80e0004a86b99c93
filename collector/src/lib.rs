//! The collector of Uphold: keeps what agents saw, measures it against the service catalogue, raises incidents, shows
//! everything, and can say how each figure came about.
//!
//! The rooms and what passes between them are in `ARCHITECTURE.md`.

pub mod clock;
pub mod incident;
pub mod inforce;
pub mod ingest;
pub mod metrics;
pub mod notify;
pub mod page;
pub mod report;
pub mod snapshot;
pub mod store;
pub mod timeline;
