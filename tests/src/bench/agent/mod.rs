//! `bench agent`: what the agent takes for its probes, beside Debian's `blackbox_exporter` and `node_exporter`.
//!
//! Ours is the agent's real process, assigned by a real collector that takes its pushes; the collector's processor time is
//! not counted, and neither is that of whoever asks the exporters. Both sides watch the same server, in turn, as many
//! pairs of runs as are asked for; what is compared are medians. A run in which the server was not asked as often as
//! the side says, or in which anything was not up, fails.
//!
//! | file | what it is for |
//! |---|---|
//! | `options` | the command line |
//! | `pace`, `most`, `resident`, `accuracy`, `many` | what is measured |
//! | `ours`, `assigned` | the agent with its collector, and what it is assigned |
//! | `peer`, `ask` | the exporters, and whoever asks them |
//! | `target`, `known` | what is watched: nginx, and a server whose delay is known |
//! | `bare`, `pairs` | a bare client, and how far what was measured is from what the server did |
//! | `spell`, `cores` | one run read off, and which core it runs on |
//! | `compared` | medians, and the two sides beside each other |

mod accuracy;
mod ask;
mod assigned;
mod bare;
mod compared;
mod cores;
mod known;
mod many;
mod most;
mod options;
mod ours;
mod pace;
mod pairs;
mod peer;
mod resident;
mod spell;
mod target;

use std::io;
use std::time::Duration;

pub use options::{Part, Race};
pub use target::Scheme;

use ours::Programs;

/// Measures the parts that were asked for, one after the other, and prints the tables of each.
pub(super) fn run(options: &Race) -> io::Result<()> {
    let programs = Programs::of(options)?;
    let least = options.parts().iter().map(|part| least(*part, options)).sum::<Duration>();
    println!("this takes at least {:.0} min", (least.as_secs_f64() / 60.0).ceil());
    for part in options.parts() {
        match part {
            Part::Pace => pace::run(options, &programs)?,
            Part::Most => most::run(options, &programs)?,
            Part::Resident => resident::run(options, &programs)?,
            Part::Accuracy => accuracy::run(options, &programs)?,
            Part::Many => many::run(options, &programs)?,
        }
    }
    Ok(())
}

/// How long a part takes at least: it waits for rounds of probes, whatever the machine.
fn least(part: Part, options: &Race) -> Duration {
    match part {
        Part::Pace => pace::least(options),
        Part::Most => most::least(options),
        Part::Resident => resident::least(options),
        Part::Accuracy => accuracy::least(options),
        Part::Many => many::least(options),
    }
}
