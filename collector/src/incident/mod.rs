//! Incidents: raised by themselves, once, and kept as events.
//!
//! | room | what it holds |
//! |---|---|
//! | [`model`] | an incident, its events, and the fold from events to the incident |
//! | [`episode`] | a service's timeline → its outages, from the first failure to the measured recovery |
//! | [`holding`] | a resource's levels → the episodes in which a threshold was reached for long enough |
//! | [`act`] | what people do to an incident; pure |
//! | [`decide`] | episodes and verdicts, and what is known → changes; pure |
//! | `summary` | what was seen, in one sentence |
//! | [`list`] | the list that is given out |
//! | [`register`] | the incidents that are open or recent, in memory |
//!
//! Each transition is decided once, from figures and the instant they were taken at, and is stored together with its
//! outbox entries in one commit. Deciding again over the same facts changes nothing; late data brings further events,
//! never another history.

pub mod act;
pub mod decide;
pub mod episode;
pub mod holding;
pub mod list;
pub mod model;
pub mod register;
mod summary;
