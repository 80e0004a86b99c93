//! The collector of Uphold: keeps what agents saw, measures it against the service catalogue, raises incidents, shows
//! everything, and can say how each figure came about.
//!
//! The rooms and what passes between them are in `ARCHITECTURE.md`.

pub mod access;
pub mod api;
pub mod assigned;
pub mod attempts;
pub mod builtin;
pub mod capacity;
pub mod cli;
pub mod clock;
pub mod config;
pub mod engine;
pub mod governed;
pub mod histogram;
pub mod history;
pub mod identity;
pub mod incident;
pub mod inforce;
pub mod ingest;
pub mod limits;
pub mod listen;
pub mod metrics;
pub mod notify;
pub mod page;
pub mod problem;
pub mod quality;
pub mod reload;
pub mod report;
pub mod reserve;
pub mod retention;
pub mod revisions;
pub mod serve;
pub mod snapshot;
pub mod store;
pub mod timeline;
