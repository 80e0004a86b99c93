//! The agent: observes services and its host, and delivers what it saw, however long that takes.
//!
//! | room | what it does |
//! |---|---|
//! | [`schedule`], [`runner`] | now → due probes → attempts |
//! | [`accept`] | what this host lets the agent do, whatever is assigned |
//! | [`probe`] | a specification → facts → a verdict |
//! | [`commands`], [`process`] | what this host lets probes run; programs, kept and ended |
//! | [`heartbeats`] | what jobs reported, kept on disk |
//! | [`capacity`] | this host → readings |
//! | [`recorder`] | the one decider: owns the open batch and the spool |
//! | [`spool`] | batches on disk, found again after any kill |
//! | [`push`] | the oldest batch → acknowledged |
//! | [`assignment`] | what is to be observed |
//! | [`remote`], [`tls`], [`token`], [`refusal`] | the way to the collectors, and what they say instead of yes |
//! | [`blackbox`] | what a Prometheus asks for, as `blackbox_exporter` answers it |
//! | [`metrics`], [`serve`] | what the agent says of itself |
//! | [`cli`] | what a person asks on the command line |
//! | [`open_files`] | how many sockets it may hold |
//! | [`daemon`] | all of it together, started and ended in order |
//!
//! Embedded in another program, an agent is [`run`] with a [`config::Config`] whose `listen` is `None`.

pub mod accept;
pub mod assignment;
pub mod blackbox;
pub mod capacity;
pub mod cli;
pub mod clock;
pub mod commands;
pub mod config;
pub mod config_file;
pub mod daemon;
pub mod heartbeats;
pub mod metrics;
pub mod open_files;
pub mod probe;
pub mod process;
pub mod push;
pub mod recorder;
pub mod refusal;
pub mod remote;
pub mod runner;
pub mod schedule;
pub mod serve;
pub mod spool;
pub mod stop;
pub mod tls;
pub mod token;

#[cfg(test)]
mod fake_authority;
#[cfg(test)]
mod fake_collector;

pub use daemon::{Agent, RunError, run};
