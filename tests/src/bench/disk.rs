//! `bench disk`: what the values of the load take on disk once everything has settled, all told and by kind.
//!
//! Files are counted by their allocated blocks. What a server says of itself beside that is shown as it says it.

use std::io;

use super::ingest::HOURS;
use super::measure::in_turn;
use super::options::Turns;
use super::table::{Table, megabytes, number};

/// Measures, and prints a table.
pub(super) fn run(options: &Turns) -> io::Result<()> {
    let runs = in_turn(options, HOURS)?;
    let mut table = Table::of(&["run", "what", "bytes", "bytes/value"]);
    for run in &runs {
        let all = ("all told".to_owned(), run.on_disk.all_bytes);
        for (what, bytes) in run.on_disk.by_kind.iter().chain([&all]) {
            let row = [run.side.name().to_owned(), what.clone(), megabytes(*bytes), number(run.per_value(*bytes))];
            table.row(row);
        }
    }
    print!("\n{table}");
    Ok(())
}
