//! The law of Uphold: the vocabulary, the catalogue, the wire format and the measurement.
//!
//! Everything here is pure. No function reads a clock, a file, an environment variable, a random source or a
//! socket; `now` is always an argument. The agent and the collector are built around this crate, never into it.
//!
//! | room | what it holds |
//! |---|---|
//! | [`time`] | instants and half-open intervals in whole milliseconds, durations as people write them |
//! | [`bytes`] | sizes as people write them, contents in hexadecimal |
//! | [`ids`] | the names of services, probes, agents, hosts |
//! | [`decimal`] | factors, read and compared without a float |
//! | [`quantity`] | what programs measured, read and compared without a float |
//! | [`percent`] | parts per billion and exact ratios, read and printed without a float |
//! | [`observation`] | what one attempt or one reading says |
//! | [`yaml`] | YAML with places, read by a walk that collects every problem |
//! | [`catalogue`] | the service catalogue: checked types, the walk that makes them, what each agent is to do |
//! | [`governed`] | what people put on record: maintenance, exclusions, and everything else with a date |
//! | [`wire`] | frames, batches, pushes, assignments: what agents and collectors say to each other |
//! | [`measure`] | from observations to states, from states to figures |
//! | [`explain`] | what a figure is made of, down to the observation |

#![cfg_attr(
    test,
    allow(
        clippy::cast_possible_wrap,
        reason = "tests count small things, and a cast reads better there than a conversion"
    )
)]

pub mod bytes;
pub mod catalogue;
pub mod decimal;
pub mod explain;
pub mod governed;
pub mod ids;
pub mod measure;
pub mod observation;
pub mod percent;
pub mod quantity;
pub mod schema;
pub mod time;
pub mod wire;
pub mod yaml;
