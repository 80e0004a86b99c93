//! What is there already, and putting what is wanted in its place: the configuration, and a copy of the token beside it that
//! nobody but the agent reads.
//!
//! Both are written beside their places and synced before the first takes its place, so an error leaves what was there.

use std::fmt::Write as _;
use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use url::Url;

use crate::config::Config;
use crate::config_file::{FileConfig, FileError};
use crate::spool::durable;

/// The ending of a file that waits beside its place.
const WAITING: &str = "new";
/// The ending of a configuration that was replaced.
const BEFORE: &str = "before";
/// Most bytes of a token's file that are read: its first line, and room for what somebody wrote below it.
const TOKEN_BYTES_MAX: u64 = 4 * 1024;
/// Everybody may read the configuration: there is no secret in it.
const CONFIG_MODE: u32 = 0o644;
/// Nobody but the agent may read the token.
const TOKEN_MODE: u32 = 0o600;

/// What is to be written.
#[derive(Debug)]
pub(super) struct Wanted {
    /// What the configuration is to say; its token still lies where it was handed over.
    pub(super) config: Config,
    /// Where it is to lie.
    pub(super) path: PathBuf,
}

/// What is to be done with the configuration that is there.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Put {
    /// There is none.
    New,
    /// It says the same of everything that was asked for, and stays.
    Kept,
    /// It says something else, for each of which there is a line.
    Replaced(Vec<String>),
}

/// Why something could not be written.
#[derive(Debug, thiserror::Error)]
pub(super) enum WriteError {
    /// What would be written is not what was meant.
    #[error("could not write the configuration: it would read as {0}")]
    Misread(String),
    /// The token is gone since it was tried.
    #[error("could not read {}: {source}", path.display())]
    Read {
        /// The token's file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The system refused.
    #[error("could not write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The token could not be given to whom it is for.
    #[error("could not give {} to the owner of {}: {source}; run this as root", path.display(), data.display())]
    Give {
        /// The token's file.
        path: PathBuf,
        /// The data directory.
        data: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl Wanted {
    /// Where the agent's own copy of the token lies.
    fn token_path(&self) -> Option<PathBuf> {
        self.config.access.token_file.as_ref().map(|_| self.path.with_extension("token"))
    }

    /// The text of the configuration.
    fn text(&self) -> String {
        let mut text =
            "# Written by `uphold-agent enrol`. What else can be said here stands in docs/agents.md.\n".to_owned();
        let urls: Vec<String> = self.config.collectors.iter().map(|url| quoted(url.as_str())).collect();
        let mut line = |key: &str, value: &str| {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{key}: {value}");
        };
        line("name", &quoted(self.config.name.as_str()));
        line("collectors", &format!("[{}]", urls.join(", ")));
        line("data_dir", &quoted(&self.config.data_dir.display().to_string()));
        let paths = [("token_file", self.token_path()), ("ca_file", self.config.access.ca_file.clone())];
        for (key, path) in paths {
            if let Some(path) = path {
                line(key, &quoted(&path.display().to_string()));
            }
        }
        if self.config.access.insecure {
            line("insecure", "true");
        }
        text
    }
}

/// A scalar in double quotes, which YAML reads as JSON does.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// What is to be done with the file that is there; one that cannot be read is somebody's matter.
pub(super) fn there(wanted: &Wanted) -> Result<Put, FileError> {
    match FileConfig::read(&wanted.path) {
        Ok(found) => {
            let differences = differences(&found, wanted);
            Ok(if differences.is_empty() { Put::Kept } else { Put::Replaced(differences) })
        }
        Err(FileError::Read { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(Put::New),
        // It says nothing that could be kept.
        Err(FileError::Problems(problems)) => {
            Ok(Put::Replaced(problems.to_string().lines().map(str::to_owned).collect()))
        }
        Err(error) => Err(error),
    }
}

/// Where a configuration says something else than what was asked for.
fn differences(found: &FileConfig, wanted: &Wanted) -> Vec<String> {
    let path = |path: Option<&PathBuf>| path.map(|path| path.display().to_string());
    let urls = |urls: &[Url]| Some(urls.iter().map(Url::as_str).collect::<Vec<_>>().join(" "));
    let config = &wanted.config;
    let pairs = [
        ("name", found.name.as_ref().map(ToString::to_string), Some(config.name.to_string())),
        ("collectors", urls(&found.collectors), urls(&config.collectors)),
        ("data_dir", path(found.data_dir.as_ref()), path(Some(&config.data_dir))),
        ("token_file", path(found.access.token_file.as_ref()), path(wanted.token_path().as_ref())),
        ("ca_file", path(found.access.ca_file.as_ref()), path(config.access.ca_file.as_ref())),
        ("insecure", Some(found.access.insecure.to_string()), Some(config.access.insecure.to_string())),
    ];
    let other = pairs.into_iter().filter(|(_, found, wanted)| found != wanted);
    let said = |value: Option<String>| value.unwrap_or_else(|| "nothing".to_owned());
    other
        .map(|(key, found, wanted)| format!("{key}: there it says {}, and not {}", said(found), said(wanted)))
        .collect()
}

/// Puts it in its place, and says what was done.
pub(super) fn put(wanted: &Wanted, there: &Put) -> Result<Vec<String>, WriteError> {
    let (mut waiting, mut told) = (Vec::new(), Vec::new());
    if let (Some(path), Some(source)) = (wanted.token_path(), &wanted.config.access.token_file) {
        let token = Waiting::write(&path, first_line(source)?.as_bytes(), TOKEN_MODE)?;
        token.give_to_owner_of(&wanted.config.data_dir)?;
        told.push(format!("{} holds the token, for the agent alone", path.display()));
        waiting.push(token);
    }
    if *there == Put::Kept {
        told.push(format!("{} says so already, and stays as it is", wanted.path.display()));
    } else {
        let text = wanted.text();
        let read = FileConfig::parse("it", &text).map_err(|problems| WriteError::Misread(problems.to_string()))?;
        if let Some(difference) = differences(&read, wanted).into_iter().next() {
            return Err(WriteError::Misread(difference));
        }
        if let Put::Replaced(_) = there {
            told.push(set_aside(&wanted.path)?);
        }
        waiting.push(Waiting::write(&wanted.path, text.as_bytes(), CONFIG_MODE)?);
        told.push(format!("{} was written", wanted.path.display()));
    }
    waiting.into_iter().try_for_each(Waiting::take_place)?;
    Ok(told)
}

/// Keeps a copy of the configuration that is replaced: it may say what somebody wants to have again.
fn set_aside(path: &Path) -> Result<String, WriteError> {
    let aside = beside(path, BEFORE);
    fs::copy(path, &aside).map_err(|source| WriteError::Write { path: aside.clone(), source })?;
    Ok(format!("{} is what was there before; nothing of it holds any more", aside.display()))
}

/// The path with another ending behind its own.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(ending);
    path.with_file_name(name)
}

/// The token, without what somebody wrote below it.
fn first_line(path: &Path) -> Result<String, WriteError> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(TOKEN_BYTES_MAX).read_to_end(&mut bytes));
    read.map_err(|source| WriteError::Read { path: path.to_owned(), source })?;
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    Ok(format!("{}\n", String::from_utf8_lossy(line).trim()))
}

/// A file that is whole and waits beside its place; it goes when it is dropped before it was to take that.
#[derive(Debug)]
struct Waiting {
    place: PathBuf,
    beside: PathBuf,
}

impl Waiting {
    fn write(place: &Path, bytes: &[u8], mode: u32) -> Result<Self, WriteError> {
        let waiting = Self { place: place.to_owned(), beside: beside(place, WAITING) };
        waiting.fill(bytes, mode).map_err(|source| WriteError::Write { path: place.to_owned(), source })?;
        Ok(waiting)
    }

    fn fill(&self, bytes: &[u8], mode: u32) -> io::Result<()> {
        if let Some(folder) = self.place.parent() {
            fs::create_dir_all(folder)?;
        }
        // What was left of an earlier try; a file that is made new is nobody else's.
        let _ = fs::remove_file(&self.beside);
        let mut file = File::options().write(true).create_new(true).mode(mode).open(&self.beside)?;
        file.set_permissions(Permissions::from_mode(mode))?;
        file.write_all(bytes)?;
        file.sync_all()
    }

    /// Whoever owns the data directory is who the agent runs as. A directory that is not there yet will belong to whoever
    /// starts the agent.
    fn give_to_owner_of(&self, data: &Path) -> Result<(), WriteError> {
        let Ok(owner) = fs::metadata(data) else { return Ok(()) };
        let give = || {
            if fs::metadata(&self.beside)?.uid() == owner.uid() {
                return Ok(());
            }
            chown(&self.beside, Some(owner.uid()), Some(owner.gid()))
        };
        give().map_err(|source| WriteError::Give { path: self.place.clone(), data: data.to_owned(), source })
    }

    fn take_place(self) -> Result<(), WriteError> {
        let taken = fs::rename(&self.beside, &self.place).and_then(|()| durable::sync_directory_of(&self.place));
        taken.map_err(|source| WriteError::Write { path: self.place.clone(), source })
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // It is gone already when it took its place.
        let _ = fs::remove_file(&self.beside);
    }
}
