//! Ids that are declared in one list and referred to in others.
//!
//! All lists are declared before any is read, so the order in which things are written does not matter, and an entry
//! with a problem of its own is still there for those that refer to it.

use std::collections::BTreeMap;

use super::problem::{Place, Read};
use super::walk::{At, Keys};
use super::words::{did_you_mean, listed, shown};
use crate::ids::Id;

/// The ids of one kind of thing and where each is declared.
#[derive(Clone, Debug)]
pub struct Declared {
    what: &'static str,
    places: BTreeMap<Id, Option<Place>>,
}

/// One item of a list, with its id if it has a usable one.
#[derive(Clone, Debug)]
pub struct Item<'t> {
    /// Its id.
    pub id: Read<Id>,
    /// The item, called by its id.
    pub at: At<'t>,
}

impl<'t> Item<'t> {
    /// Reads the other keys of the item.
    pub fn mapping<T>(&self, read: impl FnOnce(&Keys<'t>) -> Read<T>) -> Read<T> {
        match self.id {
            Err(told) if !self.at.is_mapping() => Err(told),
            _ => self.at.mapping(|keys| {
                keys.known(&["id"]);
                read(keys)
            }),
        }
    }
}

impl Declared {
    /// Reads the `id` of each item; `what` names one of them, such as `customer`. The `given` ids are there without
    /// being declared.
    pub fn read<'t>(what: &'static str, given: &[Id], items: &[At<'t>]) -> (Self, Vec<Item<'t>>) {
        let places = given.iter().map(|id| (id.clone(), None)).collect();
        let mut declared = Self { what, places };
        let items = items.iter().map(|at| declared.declare(at)).collect();
        (declared, items)
    }

    fn declare<'t>(&mut self, at: &At<'t>) -> Item<'t> {
        let what = self.what;
        let id = match at.peek("id") {
            Some(id) => id.id(),
            None if at.is_mapping() => Err(at.problem("the key \"id\" is missing")),
            None => Err(at.expected(&format!("a {what} with its keys"))),
        };
        let Ok(id) = id else { return Item { id, at: at.clone() } };
        let at = at.clone().named(&id);
        let told = match self.places.get(&id) {
            None => {
                self.places.insert(id.clone(), Some(at.place().clone()));
                return Item { id: Ok(id), at };
            }
            Some(None) => at.problem(format!("the {what} \"{id}\" is always there and is not declared")),
            Some(Some(first)) => at.problem(format!("the {what} \"{id}\" is declared twice, first at {first}")),
        };
        Item { id: Err(told), at }
    }

    /// Whether `id` is declared.
    pub fn contains(&self, id: &Id) -> bool {
        self.places.contains_key(id)
    }

    /// Reads an id that must be declared.
    pub fn refer(&self, at: &At<'_>) -> Read<Id> {
        let text = at.scalar(&format!("the id of a {}", self.what))?;
        if let Some((id, _)) = self.places.iter().find(|(id, _)| id.as_str() == text) {
            return Ok(id.clone());
        }
        let words = || self.places.keys().map(Id::as_str);
        let hint = match did_you_mean(text, words()) {
            hint if hint.is_empty() && self.places.is_empty() => format!(" (no {} is declared)", self.what),
            hint if hint.is_empty() => format!(" (declared: {})", listed(words())),
            hint => hint,
        };
        Err(at.problem(format!("there is no {} {}{hint}", self.what, shown(text))))
    }
}
