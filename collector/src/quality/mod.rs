//! The quality of the measurement: what agents said of their own measuring, on record for as long as records are kept. Pure.
//!
//! ```text
//! AgentFact   key agent 0 closed_at:i64 (sign turned) epoch:16 seq:u64   value MessagePack of model::Kept
//! ```
//!
//! Numbers are big endian, so the records of an agent come in the order in which it closed the batches that told of
//! them. There is one for each batch that tells of anything, under the batch's own key: however often the batch arrives, it is on
//! record once. It is durable before the push is acknowledged. Of each agent there are at most [`RECORDS_MAX`], and only of
//! agents that some version of the catalogue assigned something: a name that anybody made up takes no room.
//!
//! | file | what it holds |
//! |---|---|
//! | [`key`] | the keys of the records, and ranges of them |
//! | [`model`] | a record, and what is answered of it |
//! | [`bound`] | which records go when there are too many |
//! | [`telling`] | each fact as a sentence |
//! | [`remarks`] | which facts stand beside a figure |
//!
//! [`crate::engine`] keeps and reads them.

pub mod bound;
pub mod key;
pub mod model;
pub mod remarks;
pub mod telling;

/// Most records of an agent; the oldest go. An agent with nothing but its clock to tell of makes 24 a day.
pub const RECORDS_MAX: usize = 2_000;
