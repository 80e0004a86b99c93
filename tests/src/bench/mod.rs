//! Benchmarks: the load of a real estate against the collector's process and against VictoriaMetrics, in turn; and the
//! agent's process beside the exporters of Prometheus.
//!
//! Both sides are given the same values by the same connections, and judged by what the system says they took: processor
//! time, memory, allocated blocks. What is measured, and what it does not show, stands in `docs/benchmarks.md`.
//!
//! | file | what it is for |
//! |---|---|
//! | `options` | the command line |
//! | `ingest`, `query`, `figures`, `disk`, `scale` | what can be measured |
//! | `agent/` | the agent beside `blackbox_exporter` and `node_exporter` |
//! | `incidents/` | from the stop of a service to the receiver that is told, beside Prometheus; a storm |
//! | `measure` | one run of one side: load, settle, read off |
//! | `estate`, `gauges`, `chance` | the load: who saw what, the same in every run |
//! | `drive`, `remote_write` | connections that send it, in the format of either side |
//! | `server`, `collector`, `catalogue`, `victoria` | the two sides |
//! | `daemon`, `usage` | what a process takes, as the system says |
//! | `table`, `plot`, `progress` | what people see |

#![expect(clippy::cast_precision_loss, reason = "figures are for people, who read three digits of them")]
#![expect(clippy::cast_possible_truncation, reason = "durations and pages that are made up are small")]
#![expect(clippy::cast_sign_loss, reason = "durations and pages that are made up are positive")]

mod agent;
mod catalogue;
mod chance;
mod collector;
mod daemon;
mod disk;
mod drive;
mod estate;
mod figures;
mod gauges;
mod incidents;
mod ingest;
mod measure;
mod options;
mod plot;
mod progress;
mod query;
mod remote_write;
mod scale;
mod server;
mod table;
mod usage;
mod victoria;

use std::io;

pub use agent::{Part, Race, Scheme};
pub use incidents::Told;
pub use options::{Cli, Figures, Load, Measurement, Sides, Steps, Turns, Year};

/// Measures what was asked for and prints it.
pub fn run(measurement: &Measurement) -> io::Result<()> {
    match measurement {
        Measurement::Ingest(options) => ingest::run(options),
        Measurement::Query(options) => query::run(options),
        Measurement::Figures(options) => figures::run(options),
        Measurement::Disk(options) => disk::run(options),
        Measurement::Scale(options) => scale::run(options),
        Measurement::Agent(options) => agent::run(options),
        Measurement::Incidents(options) => incidents::run(options),
    }
}
