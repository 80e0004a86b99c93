//! `check`: everything that is wrong with a catalogue, and with the collector's configuration, in one run.
//!
//! `--against` says beside it what the catalogue would change, if it came after another one.
//!
//! What is found is the result of this command and goes to standard output, one line a problem, as compilers write them.

mod against;
mod findings;

use std::path::{Path, PathBuf};

use clap::Args;
use uphold_common::catalogue::{self, alignment, model::Catalogue};
use uphold_common::yaml::problem::Problems;
use uphold_manual::after_help;

use super::Format;
use super::exit::{DONE, Ended, USAGE, WRONG};
use crate::clock;
use crate::config::{self, ConfigError, FileConfig};
use crate::notify::ticket::known::unsound;
use findings::Findings;

const EXAMPLES: [&str; 4] = [
    "uphold-collector check catalogue.yaml",
    "uphold-collector check --config /etc/uphold/collector.yaml",
    "uphold-collector check new.yaml --against /etc/uphold/catalogue.yaml",
    "uphold-collector check /etc/uphold/catalogue.d --format json",
];
const EXIT_CODES: [(u8, &str); 3] = [
    (DONE, "everything that was looked at is sound"),
    (WRONG, "there are problems, and all of them were told"),
    (USAGE, "the command line is not right, or names a file that cannot be read"),
];

/// What `check` is told.
#[derive(Debug, Args)]
#[command(after_help = after_help::written(&EXAMPLES, &EXIT_CODES))]
pub(super) struct CheckArgs {
    /// The catalogue: a file, or a directory of .yaml files that are read as one [default: the one --config names].
    #[arg(required_unless_present = "config")]
    catalogue: Option<PathBuf>,
    /// The collector's configuration file, to be checked too.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The catalogue in force, a file or a directory: what would change is told, and what would be refused is a problem.
    #[arg(long, value_name = "PATH")]
    against: Option<PathBuf>,
    /// The form.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

pub(super) fn check(args: &CheckArgs) -> Result<(), Ended> {
    let mut findings = Findings::default();
    let named = args.config.as_deref().map(|path| configuration(path, &mut findings)).transpose()?.flatten();
    let unreadable = |error| Ended::new(USAGE, error);
    let (path, files) = match (&args.catalogue, named) {
        (Some(path), _) => (path.clone(), Some(config::catalogue_files(path).map_err(unreadable)?)),
        // The command line is right then; it is the configuration that names what cannot be read.
        (None, Some(path)) => match config::catalogue_files(&path) {
            Ok(files) => (path, Some(files)),
            Err(error) => {
                findings.wrong(args.config.as_deref().unwrap_or(&path), "catalogue", &error);
                (path, None)
            }
        },
        (None, None) => (PathBuf::new(), None),
    };
    let before = args.against.as_deref().map(|old| Ok((old, config::catalogue_files(old)?)));
    let before = before.transpose().map_err(unreadable)?;
    if let Some(files) = files {
        let new = look_at(&path, files, &mut findings);
        if let Some((old, files)) = before {
            match (read(old, files), new) {
                (Ok(old), Some(new)) => findings.against(&path, against::changes(&old, &new)),
                (Ok(_), None) => {}
                (Err(problems), _) => findings.problems(&problems),
            }
        }
    }
    let printed = match args.format {
        Format::Text => findings.print_text(),
        Format::Json => findings.print_json(),
    };
    super::printed::ended(printed)?;
    if findings.are_none() { Ok(()) } else { Err(Ended::new(WRONG, "")) }
}

/// Looks at a configuration; gives the catalogue that it names.
fn configuration(path: &Path, findings: &mut Findings) -> Result<Option<PathBuf>, Ended> {
    let file = match FileConfig::read(path) {
        Ok(file) => file,
        Err(ConfigError::Problems(problems)) => {
            findings.problems(&problems);
            return Ok(None);
        }
        Err(error) => return Err(Ended::new(USAGE, error)),
    };
    if let Some(data_dir) = file.data_dir.filter(|dir| dir.exists() && !dir.is_dir()) {
        findings.wrong(path, "data_dir", &format!("{} is a file, and a directory is expected", data_dir.display()));
    } else {
        findings.sound(path, "");
    }
    Ok(file.catalogue)
}

/// Looks at a catalogue; gives it if it is sound.
fn look_at(path: &Path, files: Vec<(String, String)>, findings: &mut Findings) -> Option<Catalogue> {
    match read(path, files) {
        Ok(catalogue) => {
            findings.sound(path, &counts(&catalogue));
            findings.remarks(&catalogue.remarks);
            for (id, error) in unsound(&catalogue) {
                findings.wrong(path, &format!("receivers.{id}.http"), &error);
            }
            let over = alignment::year_from(clock::now());
            findings.not_underpinned(path, &alignment::not_underpinned(&catalogue, over));
            Some(catalogue)
        }
        Err(problems) => {
            findings.problems(&problems);
            None
        }
    }
}

/// Reads a catalogue; its files are called as they were found, so that an editor can go there.
fn read(path: &Path, files: Vec<(String, String)>) -> Result<Catalogue, Problems> {
    let folder = if path.is_dir() { path } else { path.parent().unwrap_or(Path::new("")) };
    let files: Vec<(String, String)> =
        files.into_iter().map(|(name, text)| (folder.join(name).display().to_string(), text)).collect();
    catalogue::read(&files)
}

fn counts(catalogue: &Catalogue) -> String {
    let counts = [
        counted(catalogue.services.len(), "service"),
        counted(catalogue.targets.len(), "target"),
        counted(catalogue.hosts.len(), "host"),
        counted(catalogue.receivers.len(), "receiver"),
    ];
    counts.join(", ")
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
