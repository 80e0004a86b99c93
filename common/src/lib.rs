//! The law of Uphold: the vocabulary, the catalogue, the wire format and the measurement.
//!
//! Everything here is pure. No function reads a clock, a file, an environment variable, a random source or a
//! socket; `now` is always an argument. The agent and the collector are built around this crate, never into it.
//!
//! | room | what it holds |
//! |---|---|
//! | [`time`] | instants and half-open intervals in whole milliseconds, durations as people write them |
//! | [`ids`] | the names of services, probes, agents, hosts |
//! | [`percent`] | parts per billion and exact ratios, read and printed without a float |
//! | [`observation`] | what one attempt or one reading says |
//! | [`catalogue`] | the service catalogue: located tree, checked types, every problem with its place |
//! | [`wire`] | frames, batches, pushes, assignments: what agents and collectors say to each other |
//! | [`measure`] | from observations to states, from states to figures |

#![cfg_attr(
    test,
    allow(
        clippy::cast_possible_wrap,
        reason = "tests count small things, and a cast reads better there than a conversion"
    )
)]

pub mod catalogue;
pub mod ids;
pub mod measure;
pub mod observation;
pub mod percent;
pub mod time;
pub mod wire;
