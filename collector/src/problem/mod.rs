//! Problems: what lies behind incidents that come again, kept as events.
//!
//! | room | what it holds |
//! |---|---|
//! | [`event`] | what happens to a problem, and what it is about |
//! | [`model`] | a problem as its events have made it |
//! | [`register`] | all problems, in memory, and which incident belongs to which |
//! | [`recurrence`] | incidents that come again → problems; pure |
//! | [`act`] | what people do to a problem; pure |
//! | [`linking`] | what links of incidents mean for problems; pure |
//! | [`pareto`] | which services, causes or components cost most; pure |
//! | [`view`] | problems as they are given out, with whether they came back after their fix |
//!
//! ```text
//! ProblemEvent   key number and place (8 and 4 bytes, big endian)   value MessagePack of Event
//! ```
//!
//! A problem opens by itself once, when incidents of one cause, about one service and component, come often enough within a
//! time, or because somebody says so. What comes afterwards and is about the same is linked to it until it is closed. All
//! problems are held in memory, so their number is bounded, and so are their incidents.

pub mod act;
pub mod event;
pub mod linking;
pub mod model;
pub mod pareto;
pub mod recurrence;
pub mod register;
#[cfg(test)]
mod testing;
pub mod view;
