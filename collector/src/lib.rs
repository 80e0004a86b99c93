//! The collector: keeps what agents observe, measures services against their targets, raises incidents, reports.

pub mod ingest;
pub mod store;
