//! Alertmanagers: receivers that are told the whole state, again and again, and not each change of it.
//!
//! | file | what it holds |
//! |---|---|
//! | [`state`] | a snapshot → the alerts that one receiver is to have; pure |
//! | [`rhythm`] | when a receiver is told; pure |
//! | [`run`] | the loop between the snapshots and the posts |
//!
//! Nothing of this is kept over a restart, and nothing waits in an outbox: whatever was missed while an Alertmanager
//! could not be reached is told it by the next post, as long as it is open or was resolved a short while ago. An alert
//! that is not told anew ends by itself, which is also what happens when the collector is gone or no longer measures.

pub mod rhythm;
pub mod run;
pub mod state;
