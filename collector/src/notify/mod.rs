//! Telling the outside world of incidents: each change in messages, the whole state to Alertmanagers.
//!
//! | room | what it holds |
//! |---|---|
//! | [`message`] | a decision → one event for each receiver; pure |
//! | [`entry`] | what is kept of a message while it waits, and when it could not be delivered |
//! | [`plan`] | what a commit is to change in the outbox, before it is so |
//! | [`outbox`] | which message is due at which receiver, and what becomes of it; pure |
//! | [`queue`] | one receiver's messages, and what is shown of the receiver |
//! | [`letters`] | dead letters, shown and sent again; pure |
//! | [`board`] | what is shown of what goes past the outbox |
//! | [`breaker`] | when a receiver that fails again and again is left alone; pure |
//! | [`retry`] | when to try again, and when to give up; pure |
//! | [`verdict`] | what an attempt saw → delivered, again later, or never; pure |
//! | [`post`] | one attempt over HTTP |
//! | [`courier`] | the attempt to deliver a message, by whatever its receiver is told |
//! | [`webhook`] | by a request that carries the event |
//! | [`ticket`] | by the requests of a ticket system, as a description says them |
//! | [`signature`] | what proves to its receiver who sent it; pure |
//! | [`mail`] | by a letter to people |
//! | [`exec`] | by a program on this host |
//! | [`secret`] | URLs, passwords and keys, out of files |
//! | [`trial`] | a test message to one receiver, because somebody asks for it |
//! | [`worker`] | the loop between the outbox and the attempts |
//! | [`alertmanager`] | the receivers that are told the whole state, past the outbox |
//!
//! The engine owns the [`outbox::Outbox`] and commits a decision and its messages at once; the [`worker`] only asks it
//! for what is due and reports what it saw. A message is delivered **at least once**, in order at each receiver: after
//! a crash it may be sent again, under the same id, by which a receiver knows it.
//!
//! A receiver's URL may be a secret. It stands in the catalogue or in a file, goes into the request, and nowhere else.

pub mod alertmanager;
pub mod board;
pub mod breaker;
pub mod courier;
pub mod entry;
pub mod exec;
pub mod letters;
pub mod mail;
pub mod message;
pub mod outbox;
pub mod plan;
pub mod post;
pub mod queue;
pub mod retry;
pub mod secret;
pub mod signature;
pub mod ticket;
pub mod trial;
pub mod verdict;
pub mod webhook;
pub mod worker;

#[cfg(test)]
mod scripted;
#[cfg(test)]
mod testing;
