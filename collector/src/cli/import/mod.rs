//! `import`: history that is brought as lines of JSON.
//!
//! | file | what it does |
//! |---|---|
//! | `lines` | a file or standard input → its lines, counted and digested |
//! | `mark` | how far an import has come, so that the next one goes on there |
//! | `door` | batches → the running collector, or the store when none runs |
//!
//! One thread reads, checks and sorts; another brings what is ready. What is ready is brought whole before the mark says so,
//! so a kill costs at most that a little is brought twice, which settles.

mod door;
mod lines;
mod mark;

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use clap::Args;
use serde::Serialize;
use uphold_common::time::Instant;
use uphold_manual::after_help;

use super::Format;
use super::ask::print_json;
use super::exit::{DONE, Ended, UNAVAILABLE, UNAVAILABLE_MEANS, USAGE, WRONG};
use super::progress::Progress;
use crate::engine::import::{ImportTerms, SOURCE_BYTES_MAX, is_source};
use crate::history::known::Known;
use crate::history::line;
use crate::history::sheaf::Sheaf;
use crate::history::told::BadLine;
use crate::report::clean;
use door::Door;
use lines::{Line, Lines};
use mark::{Brought, Mark, Marks};

const EXAMPLES: [&str; 2] = ["uphold-collector import history.jsonl", "uphold-collector import - --data ./uphold-data"];
const EXIT_CODES: [(u8, &str); 4] = [
    (DONE, "every line is imported, now or before"),
    (WRONG, "lines were refused, and the others are imported; or the import was refused"),
    (USAGE, "the command line is not right, or names a file that cannot be read"),
    (UNAVAILABLE, UNAVAILABLE_MEANS),
];
/// Most refused lines that are told one by one.
const TOLD_MAX: usize = 20;

/// What `import` is told.
#[derive(Debug, Args)]
#[command(after_help = after_help::written(&EXAMPLES, &EXIT_CODES))]
pub(super) struct ImportArgs {
    /// The file; - for standard input.
    file: PathBuf,
    /// From the first line on, also where an import of the same file has come further.
    #[arg(long)]
    anew: bool,
    /// The form in which the outcome is told.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// The data directory.
    #[arg(long, value_name = "DIR", default_value = "./uphold-data")]
    data: PathBuf,
}

/// A line that was refused.
#[derive(Debug, Serialize)]
struct Refused {
    line: u64,
    column: Option<usize>,
    key: Option<&'static str>,
    message: String,
}

/// What became of an import.
#[derive(Debug, Default, Serialize)]
struct Outcome {
    /// Lines that were there before this run began.
    before: u64,
    /// Lines that hold a row, in all runs.
    taken: u64,
    /// Lines that were refused, in all runs.
    refused: u64,
    /// The first of those that this run refused.
    problems: Vec<Refused>,
}

/// What is ready to be brought, and how far the import has come with it.
struct Ready {
    batches: Vec<Vec<u8>>,
    mark: Mark,
}

pub(super) fn import(args: &ImportArgs) -> Result<(), Ended> {
    let mut lines = Lines::open(&args.file).map_err(|error| unreadable(&args.file, &error))?;
    let (door, terms) = Door::open(&args.data, &source(&args.file))?;
    let marks = Marks::of(&args.data, terms.store, &lines);
    let begun = if args.anew { None } else { marks.found() };
    let begun = begun.map(|mark| sound(mark, &door, &terms)).transpose()?.flatten();
    let (mut outcome, mut last) = (Outcome::default(), None);
    if let Some(mark) = begun {
        if lines.skip_to(&mark).map_err(|error| unreadable(&args.file, &error))? {
            let before = mark.taken.saturating_add(mark.refused);
            outcome = Outcome { before, taken: mark.taken, refused: mark.refused, problems: Vec::new() };
            anstream::eprintln!("uphold-collector: line {} was reached before; it goes on after that", mark.lines);
            last = mark.last;
        } else {
            lines = Lines::open(&args.file).map_err(|error| unreadable(&args.file, &error))?;
        }
    }
    let closed_at = terms.now_ms;
    let mut known = Known::under(terms);
    let bar = Progress::of("importing");
    let of = lines.bytes_in_all();
    let (ready, waiting) = sync_channel(1);
    std::thread::scope(|scope| {
        let (marks, bar) = (&marks, &bar);
        let bringing = scope.spawn(move || bring(door, &waiting, marks, bar, of));
        let read = gather(&mut lines, &mut known, (closed_at, last), &mut outcome, &ready);
        drop(ready);
        let brought = bringing.join().unwrap_or_else(|_| Err(Ended::new(UNAVAILABLE, "the import broke off")));
        // Why nothing more could be brought says more than that it could not be handed on.
        brought.and(read.map_err(|error| unreadable(&args.file, &error)))
    })?;
    drop(bar);
    tell(args.format, &outcome)
}

/// The mark, if the store has the row that was brought last. What is older than rows are taken may be forgotten since, and
/// says nothing.
fn sound(mark: Mark, door: &Door, terms: &ImportTerms) -> Result<Option<Mark>, Ended> {
    let Some(last) = &mark.last else { return Ok(Some(mark).filter(|mark| mark.taken == 0)) };
    if last.at < terms.earliest_ms || door.has(last)? {
        return Ok(Some(mark));
    }
    anstream::eprintln!(
        "uphold-collector: the store does not have what was imported up to line {}, as when it was put back from a backup; \
         it begins at the first line",
        mark.lines
    );
    Ok(None)
}

/// Reads, checks and sorts, until the end or until nobody takes it any more. `last` is the row that was brought last.
fn gather(
    lines: &mut Lines,
    known: &mut Known,
    (closed_at, mut last): (Instant, Option<Brought>),
    outcome: &mut Outcome,
    ready: &SyncSender<Ready>,
) -> std::io::Result<()> {
    let mut sheaf = Sheaf::default();
    // As of the last line that has an end, up to which a mark reaches.
    let mut counts = (outcome.taken, outcome.refused);
    loop {
        let read = match lines.next()? {
            Some(Line::Blank) => continue,
            Some(Line::Text(text)) => Some(line::read(text, |said| Ok((known.number(&said)?, said.row)))),
            Some(Line::TooLong) => Some(Err(lines::too_long())),
            None => None,
        };
        let more = read.is_some();
        match read {
            Some(Ok(row)) => {
                outcome.taken += 1;
                sheaf.add(row);
            }
            Some(Err(bad)) => outcome.refuse(lines.number(), &bad),
            None => {}
        }
        if lines.is_whole() {
            counts = (outcome.taken, outcome.refused);
        }
        if more && !sheaf.is_full() {
            continue;
        }
        let (batches, newest) = sheaf.bind(known, closed_at).map_err(std::io::Error::other)?;
        last = newest.map(|(of, at)| Brought { of: of.into(), at }).or(last);
        let mark = lines.mark(counts, last.clone());
        if ready.send(Ready { batches, mark }).is_err() || !more {
            return Ok(());
        }
    }
}

/// Brings what is ready, and marks how far that is.
fn bring(mut door: Door, waiting: &Receiver<Ready>, marks: &Marks, bar: &Progress, of: u64) -> Result<(), Ended> {
    for Ready { batches, mark } in waiting {
        for batch in batches {
            door.bring(batch)?;
        }
        marks.keep(&mark).map_err(|error| Ended::new(UNAVAILABLE, format!("could not keep the mark: {error}")))?;
        bar.show(mark.bytes, of.max(mark.bytes), format!("bytes, {} lines", mark.lines));
    }
    door.close()
}

impl Outcome {
    fn refuse(&mut self, line: u64, bad: &BadLine) {
        self.refused += 1;
        if self.problems.len() < TOLD_MAX {
            let message = format!("line {line}{bad}");
            self.problems.push(Refused { line, column: bad.column, key: bad.key, message });
        }
    }
}

fn tell(format: Format, outcome: &Outcome) -> Result<(), Ended> {
    if format == Format::Json {
        let document = serde_json::to_vec(outcome).map_err(|error| Ended::new(UNAVAILABLE, error))?;
        print_json(&document)?;
    } else {
        for problem in &outcome.problems {
            anstream::println!("{}", clean(&problem.message));
        }
        let untold = outcome.refused.saturating_sub(outcome.problems.len() as u64);
        if untold > 0 {
            anstream::println!("{untold} more lines are refused; what is told of with --anew begins at the first.");
        }
        let before = if outcome.before > 0 { format!(", {} of them before", outcome.before) } else { String::new() };
        let lines = outcome.taken + outcome.refused;
        anstream::println!("Lines: {lines}{before}. Imported: {}. Refused: {}.", outcome.taken, outcome.refused);
    }
    if outcome.refused > 0 { Err(Ended::new(WRONG, "")) } else { Ok(()) }
}

/// What is said of where it comes from, for whoever reads who did what.
fn source(file: &Path) -> String {
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut name: String = name.chars().filter(|c| !c.is_control()).collect();
    while name.len() > SOURCE_BYTES_MAX {
        name.pop();
    }
    if file == Path::new("-") || !is_source(&name) { "standard input".to_owned() } else { name }
}

fn unreadable(file: &Path, error: &std::io::Error) -> Ended {
    Ended::new(USAGE, format!("could not read {}: {error}", file.display()))
}
