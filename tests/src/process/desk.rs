//! What the tests ask of any real ticket system: as somebody who works there, over its own interface.

use std::io;
use std::path::{Path, PathBuf};

use super::child::program;

/// A ticket as it stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// What its state is called there.
    pub state: String,
    /// What is written in it, in order, its own text first.
    pub texts: Vec<String>,
}

/// A real ticket system, asked as `ada`; the collector is `uphold` there.
pub trait Desk {
    /// The collector's description of it.
    fn preset(&self) -> &'static str;
    /// The variables that the description asks for.
    fn variables(&self) -> &'static str;
    /// The states in which a ticket is over, as ada ends it and as the collector does.
    fn ended(&self) -> (&'static str, &'static str);
    /// The state in which the collector has a ticket taken on.
    fn taken(&self) -> &'static str;
    /// What ada is called there, and whether it is told that she ended a ticket.
    fn ada(&self) -> (&'static str, bool);
    /// Where it is found.
    fn url(&self) -> String;
    /// Where people find a ticket.
    fn link(&self, id: &str) -> String;
    /// A file with the token of `uphold`.
    fn token_file(&self) -> String;
    /// All tickets with this in their title.
    fn tickets(&self, title: &str) -> io::Result<Vec<Ticket>>;
    /// Ada writes something.
    fn say(&self, ticket: &Ticket, text: &str) -> io::Result<()>;
    /// Ada takes a ticket on.
    fn take(&self, ticket: &Ticket) -> io::Result<()>;
    /// Ada ends a ticket.
    fn end(&self, ticket: &Ticket) -> io::Result<()>;
}

/// A file of what tests/tickets/install makes, beside the programs that are built.
pub(super) fn made(path: &str) -> io::Result<PathBuf> {
    let built = program("uphold-collector")?;
    let found = built.ancestors().map(|folder| folder.join("tickets").join(path)).find(|path| path.exists());
    let missing =
        || io::Error::new(io::ErrorKind::NotFound, format!("target/tickets/{path} is not there: run bash tests/run"));
    found.ok_or_else(missing)
}

/// A token out of its file.
pub(super) fn token(path: &Path) -> io::Result<String> {
    Ok(std::fs::read_to_string(path)?.trim().to_owned())
}

/// An answer that is not what was asked for.
pub(super) fn refused(what: &str, answer: &super::http::Answer) -> io::Error {
    io::Error::other(format!("{what} was answered with {}: {}", answer.code, answer.text()))
}
