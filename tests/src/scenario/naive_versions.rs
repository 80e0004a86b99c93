//! Rule 9, for the reference: which version of the catalogue is in force at an instant, and what a target promises for a
//! window. Each question goes through all versions anew.

use std::collections::BTreeSet;

use super::{Catalogue, Expr, Facts, Probe, Span, Target, Window};
use crate::reference::service::Expr as Naive;

/// The versions that are in force at some instant, in order of time; the first from the beginning of time.
#[derive(Clone, Debug)]
pub(super) struct Held<'a> {
    all: Vec<(i64, Catalogue<'a>)>,
    /// Those on record, in the order of their record.
    recorded: Vec<(i64, Catalogue<'a>)>,
}

impl<'a> Held<'a> {
    pub(super) fn of(facts: Facts<'a>) -> Self {
        let recorded: Vec<(i64, Catalogue<'a>)> = facts.versions().collect();
        let mut all: Vec<(i64, Catalogue<'a>)> = Vec::new();
        for (from, known) in &recorded {
            // What comes later in the record counts, from its instant on.
            all.retain(|(before, _)| before < from);
            all.push((*from, *known));
        }
        Self { all, recorded }
    }

    /// All of them.
    pub(super) fn all(&self) -> &[(i64, Catalogue<'a>)] {
        &self.all
    }

    /// The place of the one in force at an instant.
    pub(super) fn place(&self, at: i64) -> usize {
        self.all.iter().rposition(|(from, _)| *from <= at).unwrap_or(0)
    }

    /// The one in force at an instant.
    pub(super) fn at(&self, at: i64) -> &Catalogue<'a> {
        &self.all[self.place(at)].1
    }

    /// Each with the stretch in which it is in force.
    pub(super) fn parts(&self) -> impl Iterator<Item = (Span, &Catalogue<'a>)> {
        let ends = self.all.iter().skip(1).map(|(from, _)| *from).chain([i64::MAX]);
        self.all.iter().zip(ends).map(|((from, known), end)| ((*from, end), known))
    }

    /// A probe in each version that has it.
    pub(super) fn probe<'s>(&'s self, name: &'s str) -> impl Iterator<Item = (i64, &'a Probe)> + 's {
        self.all.iter().filter_map(move |(from, known)| Some((*from, known.probe(name)?)))
    }

    /// Whoever was assigned to a probe at some time.
    pub(super) fn agents(&self, probe: &str) -> BTreeSet<String> {
        self.recorded.iter().filter_map(|(_, known)| known.probe(probe)).flat_map(|p| p.agents.clone()).collect()
    }

    /// How long after its end a window settles: by the slowest probe of the version in force when it ends.
    pub(super) fn settles_ms(&self, service: &str, end: i64) -> i64 {
        let probes = looked_at(self.at(end - 1), service).into_iter();
        probes.map(|p| i64::from(p.fall + p.rise) * p.stale_after_ms).max().unwrap_or(0)
    }

    /// A target as it holds for its window; none if it had left before. One that no version knows is as it is asked.
    pub(super) fn promised(&self, asked: &Target, window: Span, now: i64) -> Option<Target> {
        let in_window = |target: &Target| Target { window: asked.window, at: asked.at, ..target.clone() };
        let series: Vec<(i64, Option<&Target>)> =
            self.all.iter().map(|(from, known)| (*from, known.target(&asked.name))).collect();
        let rolls = matches!(asked.window, Window::Rolling(_));
        let last_there = series.iter().rposition(|(_, target)| target.is_some());
        let Some(last_there) = last_there else { return Some(asked.clone()) };
        let gone_from = series.get(last_there + 1).map(|(from, _)| *from);
        let begins = if rolls { now } else { window.0 };
        if gone_from.is_some_and(|gone_from| begins >= gone_from) {
            return None;
        }
        let there: Vec<(i64, &Target)> = series.iter().filter_map(|(from, target)| Some((*from, (*target)?))).collect();
        // What was promised when it began; a target that came later holds as it came.
        let began = there.iter().rposition(|(from, _)| *from <= begins).unwrap_or(0);
        let mut held = there[began].1;
        if !rolls {
            for i in began + 1..there.len() {
                let (from, target) = there[i];
                let changed = in_window(&Target { immediate: there[i - 1].1.immediate, ..target.clone() })
                    != in_window(there[i - 1].1);
                if changed && target.immediate && from > window.0 && from < window.1 && from <= now {
                    held = target;
                }
            }
        }
        Some(in_window(held))
    }
}

/// All of a service's probes in a version: its own, and those of its expression.
pub(super) fn looked_at<'a>(known: &Catalogue<'a>, service: &str) -> Vec<&'a Probe> {
    let leaves = leaves(&naive(known, service));
    known.probes.iter().filter(|p| p.service == service || leaves.contains(&p.id())).collect()
}

/// The expression of a service in a version, each service in it replaced by its own.
pub(super) fn naive(known: &Catalogue<'_>, service: &str) -> Naive {
    laid_out(known, &known.service(service).expect("a known service").expr)
}

fn laid_out(known: &Catalogue<'_>, expr: &Expr) -> Naive {
    let below = |operands: &[Expr]| operands.iter().map(|o| laid_out(known, o)).collect::<Vec<_>>();
    match expr {
        Expr::Probe(name) => Naive::Leaf(known.probe(name).expect("a known probe").id()),
        Expr::Service(name) => naive(known, name),
        Expr::All(operands) => Naive::all(below(operands)),
        Expr::Any(operands) => Naive::any(below(operands)),
        Expr::AtLeast(k, operands) => Naive::AtLeast(*k as usize, below(operands)),
    }
}

/// The probes of an expression, by their ids.
pub(super) fn leaves(expr: &Naive) -> Vec<String> {
    match expr {
        Naive::Leaf(id) => vec![id.clone()],
        Naive::AtLeast(_, operands) => operands.iter().flat_map(leaves).collect(),
    }
}
