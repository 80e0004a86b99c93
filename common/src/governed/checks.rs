//! How what was asked is read: text within its bounds, instants, choices of services; every problem is collected and
//! names its key, what was expected and the nearest valid word.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{ArrayBuilder, Object, OneOfBuilder, Type};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::ids::{BadId, Id};
use crate::time::Instant;
use crate::yaml::words::{did_you_mean, listed, shown};

/// Most bytes of a line: a name, a title, a number of a change.
pub const LINE_BYTES_MAX: usize = 200;
/// Most bytes of a text.
pub const TEXT_BYTES_MAX: usize = 2_000;
/// Most services or targets that a record names.
pub const NAMED_MAX: usize = 1_000;

/// Why a record is not what it must be: one sentence for each key, at least one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Unsound(Vec<String>);

impl Unsound {
    /// One problem, about `key`.
    pub fn one(key: &str, says: impl fmt::Display) -> Self {
        Self(vec![format!("{key}: {says}")])
    }

    /// The problems.
    pub fn problems(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Display for Unsound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("; "))
    }
}

/// The problems that were met so far.
#[derive(Debug, Default)]
pub(super) struct Problems(Vec<String>);

impl Problems {
    /// Notes a problem about `key`.
    pub(super) fn add(&mut self, key: &str, says: impl fmt::Display) {
        self.0.push(format!("{key}: {says}"));
    }

    /// What was read, or its problem noted.
    pub(super) fn keep<T>(&mut self, key: &str, read: Result<T, String>) -> Option<T> {
        read.map_err(|says| self.add(key, says)).ok()
    }

    /// What there must be, read.
    pub(super) fn required<A: ?Sized, T>(
        &mut self,
        key: &str,
        asked: Option<&A>,
        read: impl FnOnce(&A) -> Result<T, String>,
    ) -> Option<T> {
        let read = asked.ok_or_else(|| "is missing".to_owned()).and_then(read);
        self.keep(key, read)
    }

    /// What there may be, read; none if it is not there, or its problem noted.
    pub(super) fn optional<A: ?Sized, T>(
        &mut self,
        key: &str,
        asked: Option<&A>,
        read: impl FnOnce(&A) -> Result<T, String>,
    ) -> Option<T> {
        asked.and_then(|asked| self.keep(key, read(asked)))
    }

    /// The value, if there was no problem.
    pub(super) fn end<T>(self, value: Option<T>) -> Result<T, Unsound> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(Unsound(self.0)),
        }
    }
}

/// One line of text.
pub(super) fn line(text: &str) -> Result<String, String> {
    let trimmed = text.trim();
    if trimmed.is_empty() || trimmed.len() > LINE_BYTES_MAX || trimmed.chars().any(char::is_control) {
        return Err(format!("expected one line of 1 to {LINE_BYTES_MAX} bytes without control characters"));
    }
    Ok(trimmed.to_owned())
}

/// Some text, with ends of lines and tabs but without other control characters.
pub(super) fn text(text: &str) -> Result<String, String> {
    let text = text.replace("\r\n", "\n");
    let trimmed = text.trim();
    let odd = trimmed.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t'));
    if trimmed.is_empty() || trimmed.len() > TEXT_BYTES_MAX || odd {
        return Err(format!(
            "expected a text of 1 to {TEXT_BYTES_MAX} bytes, and no control characters but ends of lines and tabs"
        ));
    }
    Ok(trimmed.to_owned())
}

/// The one of `known` that has this word.
pub(super) fn word<T: Copy>(said: &str, known: &[(&'static str, T)]) -> Result<T, String> {
    let all = || known.iter().map(|(word, _)| *word);
    let found = known.iter().find(|(word, _)| *word == said).map(|(_, of)| *of);
    let expected = || format!("expected {}, found {}{}", listed(all()), shown(said), did_you_mean(said, all()));
    found.ok_or_else(expected)
}

/// An instant as it is asked for: milliseconds since 1970, or RFC 3339.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected an instant such as 2026-03-01T00:00:00Z, or milliseconds since 1970")]
pub enum When {
    /// Milliseconds since 1970.
    Ms(i64),
    /// RFC 3339, or milliseconds as text.
    Text(String),
}

impl When {
    /// The instant.
    pub fn instant(&self) -> Result<Instant, String> {
        let read = match self {
            Self::Ms(ms) => Some(Instant::from_ms(*ms)).filter(|at| at.as_ms() == *ms),
            Self::Text(text) => Instant::parse(text),
        };
        read.ok_or_else(|| "expected an instant such as 2026-03-01T00:00:00Z, or milliseconds since 1970".to_owned())
    }
}

impl From<Instant> for When {
    fn from(at: Instant) -> Self {
        Self::Ms(at.as_ms())
    }
}

impl ToSchema for When {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("When")
    }
}

impl PartialSchema for When {
    fn schema() -> RefOr<Schema> {
        let says = "An instant: whole milliseconds since 1970, or RFC 3339 such as `2026-03-01T00:00:00+01:00`.";
        OneOfBuilder::new()
            .item(Ref::from_schema_name(Instant::name()))
            .item(Object::with_type(Type::String))
            .description(Some(says))
            .into()
    }
}

/// All there are, or those that are named: in order, each once, at least one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Written<T>", try_from = "Written<T>")]
#[serde(bound(serialize = "T: Ord + Clone + Serialize", deserialize = "T: Ord + Deserialize<'de>"))]
pub enum Selection<T: Ord> {
    /// All there are, also those that come later.
    All,
    /// These.
    Named(BTreeSet<T>),
}

impl<T: Ord> Selection<T> {
    /// Whether `one` belongs to it.
    pub fn holds(&self, one: &T) -> bool {
        match self {
            Self::All => true,
            Self::Named(named) => named.contains(one),
        }
    }

    /// Those that are named; none for all.
    pub const fn named(&self) -> Option<&BTreeSet<T>> {
        match self {
            Self::All => None,
            Self::Named(named) => Some(named),
        }
    }
}

impl<T: Ord + fmt::Display> fmt::Display for Selection<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str(ALL),
            Self::Named(named) => f.write_str(&named.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
        }
    }
}

/// The word for all of them.
pub const ALL: &str = "all";

/// A selection as it is written down: the word `all`, or a list.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written<T> {
    Word(String),
    List(Vec<T>),
}

impl<T: Ord> From<Selection<T>> for Written<T> {
    fn from(selection: Selection<T>) -> Self {
        match selection {
            Selection::All => Self::Word(ALL.to_owned()),
            Selection::Named(named) => Self::List(named.into_iter().collect()),
        }
    }
}

impl<T: Ord> TryFrom<Written<T>> for Selection<T> {
    type Error = &'static str;

    fn try_from(written: Written<T>) -> Result<Self, Self::Error> {
        match written {
            Written::Word(word) if word == ALL => Ok(Self::All),
            Written::List(list) if !list.is_empty() => Ok(Self::Named(list.into_iter().collect())),
            _ => Err("expected \"all\" or a list that is not empty"),
        }
    }
}

/// A selection of these as a schema.
pub fn selection_of<T: ToSchema>() -> RefOr<Schema> {
    selection_schema(Ref::from_schema_name(T::name()).into())
}

fn selection_schema(item: RefOr<Schema>) -> RefOr<Schema> {
    OneOfBuilder::new()
        .item(Object::builder().schema_type(Type::String).enum_values(Some([ALL])))
        .item(ArrayBuilder::new().items(item).min_items(Some(1)).max_items(Some(NAMED_MAX)))
        .description(Some("`all`, or those that are named."))
        .into()
}

/// A selection as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected \"all\" or a list of names")]
pub enum SelectionAsked {
    /// A word, which must be `all`.
    Word(String),
    /// A list.
    List(Vec<String>),
}

impl SelectionAsked {
    /// The selection; `what` says in words what is named, such as "services".
    pub(super) fn read<T: Ord + FromStr<Err = BadId>>(&self, what: &str) -> Result<Selection<T>, String> {
        let list = match self {
            Self::Word(word) if word == ALL => return Ok(Selection::All),
            Self::Word(word) => return Err(format!("expected \"all\" or a list of {what}, found {}", shown(word))),
            Self::List(list) => list,
        };
        if list.is_empty() || list.len() > NAMED_MAX {
            return Err(format!("expected \"all\" or a list of 1 to {NAMED_MAX} {what}"));
        }
        let unreadable = |text: &String| format!("expected a list of {what}, and {} is none", shown(text));
        let read = |text: &String| text.parse().map_err(|BadId| unreadable(text));
        Ok(Selection::Named(list.iter().map(read).collect::<Result<_, _>>()?))
    }
}

impl ToSchema for SelectionAsked {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("SelectionAsked")
    }
}

impl PartialSchema for SelectionAsked {
    fn schema() -> RefOr<Schema> {
        selection_schema(Object::with_type(Type::String).into())
    }
}

/// Of how many unknown names the nearest that is known is told.
const HINTS_MAX: usize = 10;

/// Notes each of the named that is not `known`, with the nearest that is.
pub(super) fn known<'w, T: Ord + fmt::Display + 'w>(
    problems: &mut Problems,
    key: &str,
    what: &str,
    selection: &Selection<T>,
    all: impl Iterator<Item = &'w T>,
) {
    let Selection::Named(named) = selection else { return };
    let all: BTreeSet<&T> = all.collect();
    let words: Vec<String> = all.iter().map(ToString::to_string).collect();
    for (place, one) in named.iter().filter(|one| !all.contains(one)).enumerate() {
        // To find the nearest costs a look at every word.
        let hint = if place < HINTS_MAX {
            did_you_mean(&one.to_string(), words.iter().map(String::as_str))
        } else {
            String::new()
        };
        problems.add(key, format!("there is no {what} {one}{hint}"));
    }
}

/// The services of a selection that the catalogue has not.
pub(super) fn known_services(problems: &mut Problems, services: &Selection<Id>, facts: super::Facts<'_>) {
    known(problems, "services", "service", services, facts.catalogue.services.keys());
}
