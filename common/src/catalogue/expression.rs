//! When a service is available: an expression over its own probes and over other services, as the catalogue says it.
//!
//! `all` of *n* operands is at least *n* of them and `any` is at least one, so there is one kind of node. The same
//! operand may stand in it twice: then it counts twice, as one of *n* and as one that has failed. How deep it may be nested
//! is bounded by how deep a file may be.

use std::collections::{BTreeMap, VecDeque};

use crate::ids::Id;

/// When a service is available.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    /// While this probe of its own is up.
    Probe(Id),
    /// While another service is.
    Service(Id),
    /// While at least so many of these are.
    AtLeast {
        /// How many; at least 1, at most as many as there are operands.
        count: usize,
        /// The operands; at least one.
        of: Vec<Self>,
    },
}

impl Expression {
    /// All of these, which are at least one.
    pub const fn all(of: Vec<Self>) -> Self {
        Self::AtLeast { count: of.len(), of }
    }

    /// Any of these, which are at least one.
    pub const fn any(of: Vec<Self>) -> Self {
        Self::AtLeast { count: 1, of }
    }

    /// The services it names, in the order written.
    pub fn services(&self) -> Vec<&Id> {
        let (mut named, mut left) = (Vec::new(), vec![self]);
        while let Some(next) = left.pop() {
            match next {
                Self::Probe(_) => {}
                Self::Service(id) => named.push(id),
                Self::AtLeast { of, .. } => left.extend(of.iter().rev()),
            }
        }
        named
    }

    /// The same for all that measure the same, whatever the order in which operands were written: `a, b` for all of some
    /// probes, `all of (a, any of (b, service c))`, `2 of (a, b, c)`.
    pub fn text(&self) -> String {
        let plain = |of: &[Self]| of.iter().all(|one| matches!(one, Self::Probe(_)));
        match self {
            Self::AtLeast { count, of } if *count == of.len() && plain(of) => operands(of),
            other => other.operand_text(),
        }
    }

    fn operand_text(&self) -> String {
        match self {
            Self::Probe(id) => id.to_string(),
            Self::Service(id) => format!("service {id}"),
            Self::AtLeast { of, .. } if of.len() == 1 => operands(of),
            Self::AtLeast { count, of } if *count == of.len() => format!("all of ({})", operands(of)),
            Self::AtLeast { count: 1, of } => format!("any of ({})", operands(of)),
            Self::AtLeast { count, of } => format!("{count} of ({})", operands(of)),
        }
    }
}

fn operands(of: &[Expression]) -> String {
    let mut texts: Vec<String> = of.iter().map(Expression::operand_text).collect();
    texts.sort_unstable();
    texts.join(", ")
}

/// The circles among services, of which each names those it is built on: for every service that is the smallest of a
/// circle the shortest one, from that service on and back to it.
pub fn circles(built_on: &BTreeMap<&Id, Vec<&Id>>) -> Vec<Vec<Id>> {
    let left = never_ending(built_on);
    left.keys().filter_map(|start| circle(start, &left)).collect()
}

/// Without the services that no circle goes through or leads to: those that are built on nothing any more, again and again.
fn never_ending<'a>(built_on: &BTreeMap<&'a Id, Vec<&'a Id>>) -> BTreeMap<&'a Id, Vec<&'a Id>> {
    let mut left = built_on.clone();
    let mut below: BTreeMap<&Id, usize> = left.iter().map(|(id, below)| (*id, below.len())).collect();
    let mut above: BTreeMap<&Id, Vec<&Id>> = BTreeMap::new();
    for (id, below) in built_on {
        for one in below {
            above.entry(one).or_default().push(id);
        }
    }
    let unknown = above.keys().filter(|id| !built_on.contains_key(**id));
    let mut ending: Vec<&Id> =
        unknown.copied().chain(below.iter().filter(|(_, n)| **n == 0).map(|(id, _)| *id)).collect();
    while let Some(id) = ending.pop() {
        left.remove(id);
        for one in above.get(id).into_iter().flatten() {
            let Some(count) = below.get_mut(*one) else { continue };
            *count = count.saturating_sub(1);
            if *count == 0 {
                ending.push(one);
            }
        }
    }
    left
}

/// The shortest way from `start` back to it over greater ones, the first of several by the order written.
fn circle(start: &Id, built_on: &BTreeMap<&Id, Vec<&Id>>) -> Option<Vec<Id>> {
    let mut came_from: BTreeMap<&Id, &Id> = BTreeMap::new();
    let mut waiting = VecDeque::from([start]);
    while let Some(at) = waiting.pop_front() {
        for next in built_on.get(at).into_iter().flatten() {
            if *next == start {
                let mut path = vec![start.clone(), at.clone()];
                let mut back = at;
                while let Some(before) = came_from.get(back) {
                    path.push((*before).clone());
                    back = before;
                }
                path.reverse();
                return Some(path);
            }
            if *next > start && !came_from.contains_key(*next) {
                came_from.insert(next, at);
                waiting.push_back(next);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> Id {
        Id::new(text).unwrap()
    }

    #[test]
    fn circles_are_named_from_their_smallest_service() {
        for (edges, expected) in [
            (vec![("a", "b"), ("b", "c")], vec![]),
            (vec![("a", "a")], vec!["a → a"]),
            (vec![("b", "a"), ("a", "b")], vec!["a → b → a"]),
            (vec![("c", "b"), ("b", "d"), ("d", "c"), ("a", "c")], vec!["b → d → c → b"]),
            (vec![("a", "c"), ("c", "a"), ("c", "b"), ("b", "c")], vec!["a → c → a", "b → c → b"]),
            (vec![("a", "b"), ("b", "c"), ("c", "a"), ("a", "c")], vec!["a → c → a"]),
            (vec![("a", "gone"), ("b", "a")], vec![]),
        ] {
            let ids: BTreeMap<Id, Vec<Id>> = edges.iter().fold(BTreeMap::new(), |mut ids, (from, to)| {
                ids.entry(id(from)).or_insert_with(Vec::new).push(id(to));
                ids
            });
            let built_on = ids.iter().map(|(from, to)| (from, to.iter().collect())).collect();
            let told = |path: Vec<Id>| path.iter().map(Id::as_str).collect::<Vec<_>>().join(" → ");
            assert_eq!(circles(&built_on).into_iter().map(told).collect::<Vec<_>>(), expected, "{edges:?}");
        }
    }

    #[test]
    fn a_text_says_what_is_measured_and_not_how_it_was_written() {
        let (a, b) = (|| Expression::Probe(id("a")), || Expression::Probe(id("b")));
        let c = || Expression::Service(id("c"));
        for (expression, text) in [
            (Expression::all(vec![b(), a()]), "a, b"),
            (Expression::any(vec![a()]), "a"),
            (Expression::any(vec![b(), a()]), "any of (a, b)"),
            (Expression::all(vec![c(), a()]), "all of (a, service c)"),
            (Expression::AtLeast { count: 2, of: vec![c(), b(), a()] }, "2 of (a, b, service c)"),
            (Expression::all(vec![b(), Expression::any(vec![c(), a()])]), "all of (any of (a, service c), b)"),
            (c(), "service c"),
            (Expression::all(vec![Expression::any(vec![c()])]), "service c"),
        ] {
            assert_eq!(expression.text(), text);
        }
        let services = Expression::all(vec![c(), Expression::any(vec![a(), Expression::Service(id("b")), c()])]);
        assert_eq!(services.services(), [&id("c"), &id("b"), &id("c")]);
    }
}
