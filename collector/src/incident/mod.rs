//! Incidents: raised by themselves, once, and kept as events.
//!
//! | room | what it holds |
//! |---|---|
//! | [`number`] | what an incident is called |
//! | [`subject`] | what it is about: its key |
//! | [`event`] | what happens to it |
//! | [`link`] | what it is connected with |
//! | [`model`] | an incident as its events have made it |
//! | [`episode`] | a service's timeline → its outages, from the first failure to the measured recovery |
//! | [`stretches`] | the same → for how long it was degraded, or nothing was seen of it |
//! | [`holding`] | a resource's levels → the episodes in which a threshold was reached for long enough |
//! | [`act`] | what people do to an incident; pure |
//! | [`decide`] | episodes and verdicts, and what is known → changes; pure |
//! | [`words`] | words of the catalogue as they are stored with incidents |
//! | [`escalation`] | who is told when nobody does in time what is to be done; pure |
//! | [`major`] | which incidents are major ones, and who is reminded of what follows; pure |
//! | [`response`] | by when an incident is to be taken on and to be over, and whether it was; pure |
//! | [`handle`] | what follows from incidents as time passes → changes; pure |
//! | `summary` | what was seen, in one sentence |
//! | [`list`] | which incidents are asked for, and the list that is given out |
//! | [`register`] | the incidents that are open or recent, in memory |
//! | [`tally`] | what is counted of them: how many, how old, how long until they were taken on and restored |
//!
//! Each transition is decided once, from figures and the instant they were taken at, and is stored together with its
//! outbox entries in one commit. Deciding again over the same facts changes nothing; late data brings further events,
//! never another history.

pub mod act;
pub mod decide;
pub mod episode;
pub mod escalation;
pub mod event;
pub mod handle;
pub mod holding;
pub mod link;
pub mod list;
pub mod major;
pub mod model;
pub mod number;
pub mod register;
pub mod response;
pub mod stretches;
pub mod subject;
mod summary;
pub mod tally;
pub mod words;
