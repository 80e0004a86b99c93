//! The walk: a place in the tree, the keys of a mapping, the items of a list.
//!
//! [`At::mapping`] hands a reader the [`Keys`] of a mapping, and afterwards reports every key that nobody asked for:
//! no key is ever ignored, and the words that could have been meant are exactly those that were asked for. A reader
//! therefore asks for all of its keys before its first `?`, which is also how every problem is found in one run.

use std::cell::RefCell;

use super::problem::{Place, Read, Report, Told};
use super::tree::{Entry, Node, Value};
use super::words::{did_you_mean, shown};
use crate::ids::Id;

/// A place in the tree and the keys that lead to it.
#[derive(Clone, Debug)]
pub struct At<'t> {
    node: &'t Node,
    path: String,
    report: &'t Report,
}

impl<'t> At<'t> {
    /// The top of a file.
    pub fn root(node: &'t Node, report: &'t Report) -> Self {
        Self { node, path: String::new(), report }
    }

    /// What stands here.
    pub fn node(&self) -> &'t Node {
        self.node
    }

    /// Where this is.
    pub fn place(&self) -> &'t Place {
        &self.node.place
    }

    /// Puts a problem about this place on record.
    pub fn problem(&self, message: impl Into<String>) -> Told {
        self.report.add(self.place(), &self.path, message)
    }

    /// Puts on record what is sound here and yet was hardly meant.
    pub fn remark(&self, message: impl Into<String>) {
        self.report.remark(self.place(), &self.path, message);
    }

    /// `expected …, found …`: for a value of the wrong shape or spelling.
    pub fn expected(&self, what: &str) -> Told {
        let found = match &self.node.value {
            _ if self.node.is_nothing() => "nothing".to_owned(),
            Value::Scalar { text, .. } => shown(text),
            Value::Sequence(_) => "a list".to_owned(),
            Value::Mapping(_) => "a mapping".to_owned(),
        };
        self.problem(format!("expected {what}, found {found}"))
    }

    /// `… is not supported yet`: for what is known and promised, but not built.
    pub fn not_yet(&self, what: &str) -> Told {
        self.problem(format!("{what} is not supported yet"))
    }

    /// The characters here; `what` says what was expected when there are none.
    pub fn scalar(&self, what: &str) -> Read<&'t str> {
        match &self.node.value {
            Value::Scalar { text, .. } if !self.node.is_nothing() => Ok(text),
            _ => Err(self.expected(what)),
        }
    }

    /// Whether a mapping stands here.
    pub fn is_mapping(&self) -> bool {
        matches!(self.node.value, Value::Mapping(_))
    }

    /// Reads the mapping here; what `read` did not ask for is reported as unknown.
    pub fn mapping<T>(&self, read: impl FnOnce(&Keys<'t>) -> Read<T>) -> Read<T> {
        let Value::Mapping(entries) = &self.node.value else {
            // A text in place of a mapping is not repeated: `webhook: …` is easily a secret.
            let found = match self.node.value {
                _ if self.node.is_nothing() => "nothing",
                Value::Sequence(_) => "a list",
                _ => "a text",
            };
            return Err(self.problem(format!("expected keys with values, found {found}")));
        };
        let keys = Keys { at: self.clone(), entries, asked: RefCell::default() };
        let value = read(&keys);
        keys.report_unasked()?;
        value
    }

    /// Every key of the mapping here with the place of its value, whatever it is called: 1 to `most` of them; `what`
    /// names them.
    pub fn pairs(&self, what: &str, most: usize) -> Read<Vec<(&'t str, Self)>> {
        let Value::Mapping(entries) = &self.node.value else {
            return Err(self.expected(&format!("{what}, as keys with values")));
        };
        if entries.is_empty() || entries.len() > most {
            let found = entries.len();
            return Err(self.problem(format!("expected 1 to {most} {what}, found {found}")));
        }
        Ok(entries.iter().map(|entry| (entry.key.as_str(), self.below(entry))).collect())
    }

    /// The items of the list here.
    pub fn items(&self) -> Read<Vec<Self>> {
        let Value::Sequence(nodes) = &self.node.value else {
            return Err(self.expected("a list"));
        };
        let item = |(index, node)| Self { node, path: format!("{}[{index}]", self.path), report: self.report };
        Ok(nodes.iter().enumerate().map(item).collect())
    }

    /// The items of the list here, each read by `read`; fails when any of them does, after reading all.
    pub fn list<T>(&self, read: impl FnMut(&Self) -> Read<T>) -> Read<Vec<T>> {
        let values: Vec<Read<T>> = self.items()?.iter().map(read).collect();
        values.into_iter().collect()
    }

    /// As [`Self::list`], with 1 to `most` items and none twice; `what` names them.
    pub fn set<T: PartialEq>(&self, what: &str, most: usize, mut read: impl FnMut(&Self) -> Read<T>) -> Read<Vec<T>> {
        let items = self.items()?;
        if items.is_empty() || items.len() > most {
            let found = items.len();
            return Err(self.problem(format!("expected 1 to {most} {what}, found {found}")));
        }
        let mut values: Vec<T> = Vec::new();
        let mut told = None;
        for item in items {
            match read(&item) {
                Ok(value) if values.contains(&value) => told = Some(item.expected("each only once")),
                Ok(value) => values.push(value),
                Err(one) => told = Some(one),
            }
        }
        told.map_or(Ok(values), Err)
    }

    /// The value of one key of the mapping here, without a word about the others.
    pub fn peek(&self, key: &str) -> Option<Self> {
        let Value::Mapping(entries) = &self.node.value else { return None };
        entries.iter().find(|entry| entry.key == key).map(|entry| self.below(entry))
    }

    /// The same place, called by its id instead of its number: `services.webshop` for `services[3]`.
    #[must_use]
    pub fn named(mut self, id: &Id) -> Self {
        if let Some(bracket) = self.path.rfind('[') {
            self.path.truncate(bracket);
            self.path.push('.');
            self.path.push_str(id.as_str());
        }
        self
    }

    fn below(&self, entry: &'t Entry) -> Self {
        let path = if self.path.is_empty() { entry.key.clone() } else { format!("{}.{}", self.path, entry.key) };
        Self { node: &entry.value, path, report: self.report }
    }
}

/// The keys of one mapping, asked for one by one.
#[derive(Debug)]
pub struct Keys<'t> {
    at: At<'t>,
    entries: &'t [Entry],
    asked: RefCell<Vec<(&'static str, Asked)>>,
}

/// How a key was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// It must be written.
    Required,
    /// It may be left out, or is read elsewhere.
    Known,
    /// It is refused by its name.
    NotYet,
}

impl<'t> Keys<'t> {
    /// The mapping they are in.
    pub fn at(&self) -> &At<'t> {
        &self.at
    }

    /// The place of a key's value, if the key is written.
    pub fn get(&self, key: &'static str) -> Option<At<'t>> {
        self.ask(key, Asked::Known)
    }

    fn ask(&self, key: &'static str, how: Asked) -> Option<At<'t>> {
        self.asked.borrow_mut().push((key, how));
        self.entries.iter().find(|entry| entry.key == key).map(|entry| self.at.below(entry))
    }

    /// A key that must be written.
    pub fn required<T>(&self, key: &'static str, read: impl FnOnce(&At<'t>) -> Read<T>) -> Read<T> {
        match self.ask(key, Asked::Required) {
            Some(at) => read(&at),
            None => Err(self.at.problem(format!("the key \"{key}\" is missing"))),
        }
    }

    /// A key that may be left out.
    pub fn optional<T>(&self, key: &'static str, read: impl FnOnce(&At<'t>) -> Read<T>) -> Read<Option<T>> {
        self.get(key).map(|at| read(&at)).transpose()
    }

    /// A key that has a default.
    pub fn or<T>(&self, key: &'static str, default: T, read: impl FnOnce(&At<'t>) -> Read<T>) -> Read<T> {
        self.get(key).map_or(Ok(default), |at| read(&at))
    }

    /// A list that may be left out and is then empty.
    pub fn list<T>(&self, key: &'static str, read: impl FnMut(&At<'t>) -> Read<T>) -> Read<Vec<T>> {
        self.get(key).map_or(Ok(Vec::new()), |at| at.list(read))
    }

    /// Keys that are read elsewhere.
    pub fn known(&self, keys: &[&'static str]) {
        self.asked.borrow_mut().extend(keys.iter().map(|key| (*key, Asked::Known)));
    }

    /// Keys that belong here but are not supported yet: each that is written is refused by its name.
    pub fn not_yet(&self, keys: &[&'static str]) -> Read<()> {
        self.asked.borrow_mut().extend(keys.iter().map(|key| (*key, Asked::NotYet)));
        let mut told = Ok(());
        for entry in self.entries.iter().filter(|entry| keys.contains(&entry.key.as_str())) {
            let message = format!("\"{}\" is not supported yet", entry.key);
            told = Err(self.at.report.add(&entry.place, &self.at.path, message));
        }
        told
    }

    fn report_unasked(&self) -> Read<()> {
        let asked = self.asked.borrow();
        #[cfg(test)]
        super::asked::note(self.at.place(), &asked);
        let words = || asked.iter().map(|(key, _)| *key);
        let mut told = Ok(());
        for entry in self.entries.iter().filter(|entry| words().all(|key| key != entry.key)) {
            let message = if self.at.report.is_full() {
                String::new()
            } else {
                format!("unknown key {}{}", shown(&entry.key), did_you_mean(&entry.key, words()))
            };
            told = Err(self.at.report.add(&entry.place, &self.at.path, message));
        }
        told
    }
}
