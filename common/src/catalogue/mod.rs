//! The service catalogue: what people promise, and how it is watched.

pub mod model;
