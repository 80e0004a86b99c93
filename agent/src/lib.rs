//! x
pub mod clock;
pub mod config;
pub mod probe;
pub mod schedule;
pub mod spool;
pub mod tls;
