//! What the promises behind a service come to along its expression: the probability that it is available if each promise
//! is just kept, promises being independent of each other.
//!
//! Shares are whole parts of 10¹⁸. A promise is exact in them, and so is the product of two; what is not is cut, never
//! rounded up, and every gate only gives more when its operands do. So the result is never above what it is: what is said to
//! be enough is enough. At least *k* of *n* operands is worked out operand by operand: of the first *i*, at least *j* are
//! available with `p × (j − 1 of the first i − 1) + (1 − p) × (j of the first i − 1)`; all of them and any of them are the
//! two ends of that. A promise that is met on several ways is taken as kept and as not kept in turn.

use std::collections::BTreeMap;
use std::fmt;

use super::parts::{Backing, Layout, Node, share};
use crate::ids::TargetId;
use crate::percent::Ppb;

/// How much may be worked out for one target: the steps of all gates, times the ways in which shared promises can stand.
const STEPS_MAX: u128 = 2_000_000;
/// Longest line of the arithmetic, in characters.
const LINE_CHARS_MAX: usize = 2_000;
/// Most of these lines.
const LINES_MAX: usize = 100;

/// A share in whole parts of 10¹⁸.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Share(u128);

const WHOLE: u128 = 1_000_000_000_000_000_000;
const PER_BILLIONTH: u128 = 1_000_000_000;

impl Share {
    pub(super) fn of(share: Ppb) -> Self {
        Self(u128::from(share.parts().unsigned_abs()) * PER_BILLIONTH)
    }

    #[cfg(test)]
    pub(super) const fn parts(self) -> u128 {
        self.0
    }

    const fn not(self) -> Self {
        Self(WHOLE.saturating_sub(self.0))
    }

    /// Of both, cut.
    const fn times(self, other: Self) -> Self {
        Self(self.0.saturating_mul(other.0) / WHOLE)
    }

    /// `then` with this share and `otherwise` with the rest, cut once.
    const fn either(self, then: Self, otherwise: Self) -> Self {
        Self(self.0.saturating_mul(then.0).saturating_add(self.not().0.saturating_mul(otherwise.0)) / WHOLE)
    }
}

impl fmt::Display for Share {
    /// As a percentage cut to nine decimals, without zeros at its end; `…` says that there are more.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let per_decimal = WHOLE / 100 / 1_000_000_000;
        let (cut, rest) = (self.0 / per_decimal, self.0 % per_decimal);
        let decimals = format!("{:09}", cut % 1_000_000_000);
        let more = if rest > 0 { "…" } else { "" };
        match decimals.trim_end_matches('0') {
            "" if rest == 0 => write!(f, "{}%", cut / 1_000_000_000),
            shown => {
                let shown = if rest > 0 { decimals.as_str() } else { shown };
                write!(f, "{}.{shown}{more}%", cut / 1_000_000_000)
            }
        }
    }
}

/// The share of each node.
#[derive(Debug)]
pub(super) struct Combined {
    of_nodes: Vec<Share>,
}

impl Combined {
    /// What everything comes to; none if that is too much to work out.
    pub(super) fn of(layout: &Layout<'_>) -> Option<Self> {
        let shared: Vec<(&TargetId, Share)> = shared(layout);
        let ways = 1_u128.checked_shl(u32::try_from(shared.len()).ok()?).filter(|ways| *ways > 0)?;
        if ways.saturating_mul(steps(layout)) > STEPS_MAX {
            return None;
        }
        let mut of_nodes = vec![Share::default(); layout.nodes.len()];
        for way in 0..ways {
            let kept = |place: usize| (way >> place) & 1 == 1;
            let (mut likely, mut known) = (Share(WHOLE), BTreeMap::new());
            for (place, (target, promised)) in shared.iter().enumerate() {
                likely = likely.times(if kept(place) { *promised } else { promised.not() });
                known.insert(*target, Share(if kept(place) { WHOLE } else { 0 }));
            }
            for (sum, share) in of_nodes.iter_mut().zip(worked_out(layout, &known)) {
                sum.0 = sum.0.saturating_add(likely.times(share).0);
            }
        }
        Some(Self { of_nodes })
    }

    /// What the service comes to.
    pub(super) fn whole(&self) -> Share {
        self.of_nodes.last().copied().unwrap_or_default()
    }

    /// One line for each service that was looked into, the last one the service's own:
    /// `webshop: all of (webshop/front-page 100%, webshop/uplink 99.5%) = 99.5%`.
    pub(super) fn lines(&self, layout: &Layout<'_>) -> Vec<String> {
        let gates = layout.nodes.iter().enumerate();
        let mut lines: Vec<String> = gates
            .filter_map(|(place, node)| match node {
                Node::Gate { count, of, service: Some(service) } => {
                    let line = format!("{service}: {}{}", self.gate(layout, *count, of), self.equals(place, of.len()));
                    Some(cut(line))
                }
                _ => None,
            })
            .collect();
        let own = lines.pop();
        lines.truncate(LINES_MAX);
        let shared = shared(layout).into_iter().take(LINES_MAX);
        lines.extend(shared.map(|(target, _)| format!("{target} stands behind several parts and is one promise")));
        lines.extend(own);
        lines
    }

    fn gate(&self, layout: &Layout<'_>, count: usize, of: &[usize]) -> String {
        let operands: Vec<String> = of.iter().map(|place| self.operand(layout, *place)).collect();
        let operands = operands.join(", ");
        match of.len() {
            1 => operands,
            all if all == count => format!("all of ({operands})"),
            _ if count == 1 => format!("any of ({operands})"),
            _ => format!("{count} of ({operands})"),
        }
    }

    fn operand(&self, layout: &Layout<'_>, place: usize) -> String {
        let share = self.of_nodes.get(place).copied().unwrap_or_default();
        match layout.nodes.get(place) {
            Some(Node::Part(part)) => {
                let part = layout.parts.get(*part);
                let name = part.map(super::parts::Part::name).unwrap_or_default();
                let without = match part.map(|part| part.backing) {
                    Some(Backing::OwnWithout | Backing::SupplierWithout) => " without a promise",
                    _ => "",
                };
                format!("{name} {share}{without}")
            }
            Some(Node::Gate { service: Some(service), .. }) => format!("service {service} {share}"),
            Some(Node::Gate { count, of, service: None }) => {
                format!("{}{}", self.gate(layout, *count, of), self.equals(place, of.len()))
            }
            None => String::new(),
        }
    }

    /// What a gate comes to; one of a single operand is that.
    fn equals(&self, place: usize, operands: usize) -> String {
        let share = self.of_nodes.get(place).copied().unwrap_or_default();
        if operands == 1 { String::new() } else { format!(" = {share}") }
    }
}

fn cut(line: String) -> String {
    match line.char_indices().nth(LINE_CHARS_MAX) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

fn promise<'a>(layout: &'a Layout<'_>, part: usize) -> (Option<&'a TargetId>, Share) {
    match layout.parts.get(part).map(|part| part.backing) {
        Some(Backing::Promise(target)) => (Some(&target.id), share(target).map(Share::of).unwrap_or_default()),
        Some(Backing::OwnWithout) => (None, Share(WHOLE)),
        Some(Backing::SupplierWithout) | None => (None, Share(0)),
    }
}

/// The share of each node, the shares of some promises being `known`.
fn worked_out(layout: &Layout<'_>, known: &BTreeMap<&TargetId, Share>) -> Vec<Share> {
    let mut shares: Vec<Share> = Vec::with_capacity(layout.nodes.len());
    for node in &layout.nodes {
        let share = match node {
            Node::Part(part) => {
                let (target, promised) = promise(layout, *part);
                target.and_then(|target| known.get(target)).copied().unwrap_or(promised)
            }
            Node::Gate { count, of, .. } => {
                at_least(*count, of.iter().map(|place| shares.get(*place).copied().unwrap_or_default()))
            }
        };
        shares.push(share);
    }
    shares
}

/// At least `count` of these.
pub(super) fn at_least(count: usize, operands: impl Iterator<Item = Share>) -> Share {
    // At least j of those so far; at least none always.
    let mut so_far = vec![Share(0); count.saturating_add(1)];
    if let Some(none) = so_far.first_mut() {
        *none = Share(WHOLE);
    }
    for operand in operands {
        for j in (1..=count).rev() {
            let (one_less, before) = (so_far.get(j.saturating_sub(1)).copied(), so_far.get(j).copied());
            if let (Some(slot), Some(one_less), Some(before)) = (so_far.get_mut(j), one_less, before) {
                *slot = operand.either(one_less, before);
            }
        }
    }
    so_far.last().copied().unwrap_or_default()
}

/// The promises that the service meets on more than one way, in order.
fn shared<'a>(layout: &'a Layout<'_>) -> Vec<(&'a TargetId, Share)> {
    let mut ways = vec![0_u64; layout.nodes.len()];
    if let Some(whole) = ways.last_mut() {
        *whole = 1;
    }
    let mut of_targets: BTreeMap<&TargetId, (u64, Share)> = BTreeMap::new();
    for (place, node) in layout.nodes.iter().enumerate().rev() {
        let here = ways.get(place).copied().unwrap_or_default();
        match node {
            Node::Part(part) => {
                if let (Some(target), promised) = promise(layout, *part) {
                    let found = of_targets.entry(target).or_insert((0, promised));
                    found.0 = found.0.saturating_add(here);
                }
            }
            Node::Gate { of, .. } => {
                for below in of {
                    if let Some(below) = ways.get_mut(*below) {
                        *below = below.saturating_add(here);
                    }
                }
            }
        }
    }
    of_targets
        .into_iter()
        .filter(|(_, (ways, _))| *ways > 1)
        .map(|(target, (_, promised))| (target, promised))
        .collect()
}

fn steps(layout: &Layout<'_>) -> u128 {
    let of = |node: &Node<'_>| match node {
        Node::Part(_) => 1,
        Node::Gate { count, of, .. } => (*count as u128).saturating_mul(of.len() as u128).saturating_add(1),
    };
    layout.nodes.iter().map(of).sum()
}
