//! What agents and collectors say to each other, wire version 2.
//!
//! An agent pushes a [`push::Push`] that carries one [`batch::Batch`]; both travel in a [`frame`] with magic, version
//! and checksum. The collector answers with a [`push::PushAnswer`] in JSON. An agent learns what to observe from an
//! [`assignment::Assignment`], in JSON with an `ETag`.
//!
//! The batch is framed once, when it is closed, and those bytes are what lies in the spool, what is pushed, and what
//! the collector takes the digest of: the same key with other bytes is another batch.

pub mod assignment;
pub mod batch;
pub mod builder;
pub mod check;
pub mod columns;
mod content;
pub mod flat;
pub mod frame;
mod kinds;
pub mod pack;
pub mod push;
pub mod retry_after;
pub mod sheet;

/// The version of a push that is written; those before it are read as well.
pub const WIRE_VERSION: u16 = 2;
/// The version of a batch that is written; those before it are read as well.
pub const BATCH_VERSION: u16 = 3;

/// Most observations, readings and volumes in one batch.
pub const BATCH_ROWS_MAX: usize = 50_000;
/// Most streams in one batch.
pub const BATCH_STREAMS_MAX: usize = 20_000;
/// Most bytes of a framed batch.
pub const BATCH_BYTES_MAX: usize = 1024 * 1024;
/// Most bytes of a batch once decompressed.
pub const BATCH_RAW_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Most bytes of a pushed body: a batch and its envelope.
pub const PUSH_BYTES_MAX: usize = BATCH_BYTES_MAX + 4096;
/// Most bytes of the name of a mount point, an interface or another one of its kind.
pub const OF_BYTES_MAX: usize = 256;
