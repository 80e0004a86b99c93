//! Telling the outside world of incidents: from a decision to an answered webhook.
//!
//! | room | what it holds |
//! |---|---|
//! | [`message`] | a decision → one event for each receiver; pure |
//! | [`retry`] | when to try again, and when to give up; pure |
//! | [`verdict`] | what an attempt saw → delivered, again later, or never; pure |
//!
//! The engine owns the `Outbox` and commits a decision and its messages at once; the `worker` only asks it
//! for what is due and reports what it saw. A message is delivered **at least once**, in order at each receiver: after
//! a crash it may be sent again, under the same id, by which a receiver knows it.
//!
//! A webhook's URL may be a secret. It stands in the catalogue or in a file, goes into the request, and nowhere else.

pub mod message;
pub mod retry;
pub mod verdict;

#[cfg(test)]
mod testing;
