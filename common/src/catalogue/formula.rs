//! What a service is made of, down to the probes: its expression with those of the services it is built on, laid out flat.
//!
//! A service that is reached on several ways stands in it once, so the work is that of its operands and not of the ways to
//! them. How finely a loss may have to be shared out is bounded when it is made: every count that the sharing meets is then
//! below [`PARTS_MAX`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::expression::Expression;
use super::model::{Probe, Service};
use crate::ids::{Id, ProbeId};

/// Most operands of one formula, each service in it counted once.
pub const OPERANDS_MAX: usize = 10_000;
/// Most operands of all formulas of a catalogue together.
pub const OPERANDS_TOGETHER_MAX: usize = 1_000_000;
/// Into how many equal parts a loss may have to be cut at most, so that everything about it can be counted in 128 bits.
pub const PARTS_MAX: u128 = 1 << 125;

/// When a service is available, down to the probes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Formula {
    leaves: Vec<ProbeId>,
    gates: Vec<Gate>,
    parents: Parents,
}

/// One node: available while at least `count` of its operands are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gate {
    /// How many.
    pub count: usize,
    /// Its operands, as often as they stand in it; gates among them come before it.
    pub operands: Vec<Operand>,
}

/// What a gate looks at, by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operand {
    /// A probe.
    Leaf(usize),
    /// Another gate.
    Gate(usize),
}

/// The gates that look at each leaf and at each gate, as often as it stands in them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Parents {
    of_leaves: Vec<Vec<usize>>,
    of_gates: Vec<Vec<usize>>,
}

/// What is known of a service once all of them are: everything its state is made of, and what is built on it.
#[derive(Clone, Debug, Default)]
pub struct Structure {
    /// When it is available, down to the probes.
    pub formula: Arc<Formula>,
    /// The probes of its formula, which may be other services'.
    pub leaves: BTreeMap<ProbeId, Arc<Probe>>,
    /// The services that are built on it, directly or through others, in order.
    pub carries: Vec<Id>,
}

/// Why there is no formula of a service.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadFormula {
    /// It is built on what there is not.
    #[error("there is no {0}")]
    Unknown(String),
    /// It is built on itself.
    #[error("it is built on itself")]
    Circle,
    /// It has too many operands.
    #[error("with the services it is built on it has more than {OPERANDS_MAX} operands")]
    TooLarge,
    /// All services together have too many.
    #[error(
        "up to this service all have more than {OPERANDS_TOGETHER_MAX} operands, each with the services it is built on"
    )]
    TooLargeTogether,
    /// A loss could not be shared out.
    #[error(
        "a loss could have to be cut into more equal parts than can be counted: it has too many operands on too many levels"
    )]
    TooFine,
}

impl Formula {
    /// The formula of one of `services`.
    pub fn of(service: &Id, services: &BTreeMap<Id, Service>) -> Result<Self, BadFormula> {
        let mut builder =
            Builder { services, laid: BTreeMap::new(), leaves: BTreeMap::new(), gates: Vec::new(), operands: 0 };
        builder.service(service)?;
        builder.finish()
    }

    /// Its probes, in order of their ids by bytes: the order in which a loss is laid out over them.
    pub fn leaves(&self) -> &[ProbeId] {
        &self.leaves
    }

    /// Its nodes, each after those it looks at; the last one is the service's.
    pub fn gates(&self) -> &[Gate] {
        &self.gates
    }

    /// The gates that look at this operand, as often as it stands in them.
    pub fn parents(&self, of: Operand) -> &[usize] {
        let found = match of {
            Operand::Leaf(place) => self.parents.of_leaves.get(place),
            Operand::Gate(place) => self.parents.of_gates.get(place),
        };
        found.map_or(&[], Vec::as_slice)
    }
}

/// Gives each service its [`Structure`]; every service for which there is none is told, with the reason.
pub fn link(services: &mut BTreeMap<Id, Service>) -> Result<(), Vec<(Id, BadFormula)>> {
    link_within(services, OPERANDS_TOGETHER_MAX)
}

fn link_within(services: &mut BTreeMap<Id, Service>, operands_max: usize) -> Result<(), Vec<(Id, BadFormula)>> {
    let (mut found, mut bad) = (BTreeMap::new(), Vec::new());
    let mut carries: BTreeMap<Id, BTreeSet<Id>> = BTreeMap::new();
    let mut operands = 0_usize;
    for id in services.keys() {
        match Formula::of(id, services).and_then(|formula| structure(formula, services)) {
            Ok(structure) => {
                let gates = structure.formula.gates.iter();
                operands = operands.saturating_add(gates.map(|gate| gate.operands.len()).sum());
                if operands > operands_max {
                    bad.push((id.clone(), BadFormula::TooLargeTogether));
                    break;
                }
                for leaf in structure.leaves.keys().filter(|leaf| leaf.parent != *id) {
                    carries.entry(leaf.parent.clone()).or_default().insert(id.clone());
                }
                found.insert(id.clone(), structure);
            }
            Err(why) => bad.push((id.clone(), why)),
        }
    }
    if !bad.is_empty() {
        return Err(bad);
    }
    for (id, mut structure) in found {
        structure.carries = carries.remove(&id).into_iter().flatten().collect();
        if let Some(service) = services.get_mut(&id) {
            service.structure = structure;
        }
    }
    Ok(())
}

fn structure(formula: Formula, services: &BTreeMap<Id, Service>) -> Result<Structure, BadFormula> {
    let probe = |id: &ProbeId| {
        let probe = services.get(&id.parent).and_then(|service| service.probes.get(&id.child));
        let probe = probe.ok_or_else(|| BadFormula::Unknown(format!("probe {id}")))?;
        Ok((id.clone(), Arc::clone(probe)))
    };
    let leaves = formula.leaves.iter().map(probe).collect::<Result<_, _>>()?;
    Ok(Structure { formula: Arc::new(formula), leaves, carries: Vec::new() })
}

/// How far a service has been laid out.
#[derive(Clone, Copy)]
enum Laid {
    /// It is being laid out: whoever meets it again goes round in a circle.
    Begun,
    /// It is this gate.
    Out(usize),
}

struct Builder<'a> {
    services: &'a BTreeMap<Id, Service>,
    laid: BTreeMap<&'a Id, Laid>,
    leaves: BTreeMap<ProbeId, usize>,
    gates: Vec<Gate>,
    operands: usize,
}

impl<'a> Builder<'a> {
    /// Lays out `service` after everything it is built on, without a call for each: they may be many, one on the other.
    fn service(&mut self, service: &Id) -> Result<(), BadFormula> {
        let mut left = vec![self.find(service)?];
        while let Some(next) = left.last().copied() {
            match self.laid.get(&next.id) {
                Some(Laid::Out(_)) => {
                    left.pop();
                }
                Some(Laid::Begun) => {
                    // Everything below it has been laid out since.
                    let gate = self.gate_of(next)?;
                    self.laid.insert(&next.id, Laid::Out(gate));
                    left.pop();
                }
                None => {
                    self.laid.insert(&next.id, Laid::Begun);
                    for below in next.available_when.services() {
                        let below = self.find(below)?;
                        match self.laid.get(&below.id) {
                            Some(Laid::Begun) => return Err(BadFormula::Circle),
                            Some(Laid::Out(_)) => {}
                            None => left.push(below),
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn find(&self, id: &Id) -> Result<&'a Service, BadFormula> {
        self.services.get(id).ok_or_else(|| BadFormula::Unknown(format!("service {id}")))
    }

    /// The gate of a service; everything it is built on is laid out.
    fn gate_of(&mut self, service: &Service) -> Result<usize, BadFormula> {
        match self.operand(&service.available_when, &service.id)? {
            Operand::Gate(place) => Ok(place),
            leaf @ Operand::Leaf(_) => self.gate(1, vec![leaf]),
        }
    }

    fn operand(&mut self, expression: &Expression, service: &Id) -> Result<Operand, BadFormula> {
        match expression {
            Expression::Probe(id) => {
                let next = self.leaves.len();
                Ok(Operand::Leaf(*self.leaves.entry(ProbeId::new(service.clone(), id.clone())).or_insert(next)))
            }
            Expression::Service(id) => match self.laid.get(id) {
                Some(Laid::Out(place)) => Ok(Operand::Gate(*place)),
                Some(Laid::Begun) | None => Err(BadFormula::Circle),
            },
            Expression::AtLeast { count, of } => {
                let operands = of.iter().map(|one| self.operand(one, service)).collect::<Result<_, _>>()?;
                self.gate(*count, operands).map(Operand::Gate)
            }
        }
    }

    fn gate(&mut self, count: usize, operands: Vec<Operand>) -> Result<usize, BadFormula> {
        self.operands = self.operands.saturating_add(operands.len());
        if self.operands > OPERANDS_MAX {
            return Err(BadFormula::TooLarge);
        }
        self.gates.push(Gate { count, operands });
        Ok(self.gates.len().saturating_sub(1))
    }

    fn finish(self) -> Result<Formula, BadFormula> {
        if fineness(&self.gates).is_none_or(|parts| parts > PARTS_MAX) {
            return Err(BadFormula::TooFine);
        }
        let mut order: Vec<(ProbeId, usize)> = self.leaves.into_iter().collect();
        // By the bytes of the whole id, in which a slash may come before or after what else an id is made of.
        order.sort_by_cached_key(|(id, _)| id.to_string());
        let mut places = vec![0; order.len()];
        for (place, (_, before)) in order.iter().enumerate() {
            if let Some(slot) = places.get_mut(*before) {
                *slot = place;
            }
        }
        let mut gates = self.gates;
        for operand in gates.iter_mut().flat_map(|gate| &mut gate.operands) {
            if let Operand::Leaf(place) = operand {
                *place = places.get(*place).copied().unwrap_or(*place);
            }
        }
        let leaves: Vec<ProbeId> = order.into_iter().map(|(id, _)| id).collect();
        let parents = Parents::of(&gates, leaves.len());
        Ok(Formula { leaves, gates, parents })
    }
}

impl Parents {
    fn of(gates: &[Gate], leaves: usize) -> Self {
        let mut parents = Self { of_leaves: vec![Vec::new(); leaves], of_gates: vec![Vec::new(); gates.len()] };
        for (parent, gate) in gates.iter().enumerate() {
            for operand in &gate.operands {
                let of = match operand {
                    Operand::Leaf(place) => parents.of_leaves.get_mut(*place),
                    Operand::Gate(place) => parents.of_gates.get_mut(*place),
                };
                if let Some(of) = of {
                    of.push(parent);
                }
            }
        }
        parents
    }
}

/// Into how many equal parts a loss may have to be cut at most, whichever operands are down; none if that is beyond 128
/// bits. With *n* of its operands down a gate cuts into *n* parts what they cut further, so its parts are at most *n* times
/// the least common multiple of theirs. That is at most the product of the most they can be, and divides the least
/// common multiple of all they can be; the smaller bound holds.
fn fineness(gates: &[Gate]) -> Option<u128> {
    /// The most parts, and what every number of parts divides.
    type Bounds = (Option<u128>, Option<u128>);
    let mut bounds: Vec<Bounds> = Vec::with_capacity(gates.len());
    for gate in gates {
        let below: BTreeSet<&Operand> = gate.operands.iter().collect();
        let (mut product, mut multiple) = (Some(1_u128), Some(1_u128));
        for operand in below {
            let Operand::Gate(place) = operand else { continue };
            let (most, divided) = bounds.get(*place).copied().unwrap_or_default();
            product = product.zip(most).and_then(|(product, most)| product.checked_mul(most));
            multiple = multiple.zip(divided).and_then(|(one, other)| common_multiple(one, other));
        }
        let operands = gate.operands.len() as u128;
        let of_operands = (1..=operands).try_fold(1, common_multiple);
        let divided = multiple.zip(of_operands).and_then(|(below, own)| below.checked_mul(own));
        let least = [product, multiple].into_iter().flatten().min();
        let most = [least.and_then(|below| below.checked_mul(operands)), divided].into_iter().flatten().min();
        bounds.push((most, divided));
    }
    bounds.last().copied().unwrap_or_default().0
}

/// The least common multiple of two numbers above 0, if it can be counted.
pub fn common_multiple(one: u128, other: u128) -> Option<u128> {
    one.checked_mul(other.checked_div(greatest_common_divisor(one, other))?)
}

/// The greatest common divisor; of nothing and a number, that number.
pub const fn greatest_common_divisor(mut one: u128, mut other: u128) -> u128 {
    while other != 0 {
        (one, other) = (other, one % other);
    }
    one
}

#[cfg(test)]
#[path = "formula_tests.rs"]
mod tests;
