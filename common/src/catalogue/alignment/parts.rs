//! The parts of a service along its expression, each with the promise that stands behind it.
//!
//! Behind one of a service's own probes stands a target about that service with the party of the probe's component. A
//! service that the expression names is one part if exactly one party has promised something about it, whose promise
//! then stands behind all of it; else its own parts are looked at in the same way. Of several targets of the same party
//! the one that promises most stands behind, among equals the first by name.

use std::collections::BTreeMap;

use crate::catalogue::expression::Expression;
use crate::catalogue::model::{AgreementKind, Catalogue, PartyKind, Promise, Service, Target};
use crate::ids::{Id, ProbeId};
use crate::percent::Ppb;

/// A service laid out: gates after what they look at, the service's own last.
#[derive(Debug)]
pub(super) struct Layout<'a> {
    /// What there is to promise, in the order met, each once.
    pub(super) parts: Vec<Part<'a>>,
    /// What they are joined by.
    pub(super) nodes: Vec<Node<'a>>,
}

/// A part, or some of them.
#[derive(Debug)]
pub(super) enum Node<'a> {
    /// The part of this place.
    Part(usize),
    /// So many of these nodes; if it is all of a service, that service.
    Gate { count: usize, of: Vec<usize>, service: Option<&'a Id> },
}

/// What somebody answers for.
#[derive(Debug)]
pub(super) struct Part<'a> {
    what: What<'a>,
    /// What the probe looks at, if written.
    pub(super) component: Option<&'a Id>,
    /// Who answers for it.
    pub(super) party: Id,
    /// What was promised of it.
    pub(super) backing: Backing<'a>,
}

#[derive(Debug)]
enum What<'a> {
    Probe(ProbeId),
    Service(&'a Id),
}

/// What stands behind a part.
#[derive(Clone, Copy, Debug)]
pub(super) enum Backing<'a> {
    /// The promise of a target.
    Promise(&'a Target),
    /// Nothing; it is the organisation's own or a customer's, and taken as never failing.
    OwnWithout,
    /// Nothing, though it is a supplier's: it is taken as promising nothing at all.
    SupplierWithout,
}

impl PartialEq for Backing<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Promise(one), Self::Promise(other)) => one.id == other.id,
            (Self::OwnWithout, Self::OwnWithout) | (Self::SupplierWithout, Self::SupplierWithout) => true,
            _ => false,
        }
    }
}

impl Part<'_> {
    /// `webshop/uplink`, or `service mobile-uplink`.
    pub(super) fn name(&self) -> String {
        match &self.what {
            What::Probe(probe) => probe.to_string(),
            What::Service(service) => format!("service {service}"),
        }
    }

    /// Which service a promise about it would be about.
    pub(super) fn about(&self) -> &Id {
        match &self.what {
            What::Probe(probe) => &probe.parent,
            What::Service(service) => service,
        }
    }
}

/// The targets that are not a customer's, about a service, in order.
pub(super) fn about<'a>(catalogue: &'a Catalogue, service: &'a Id) -> impl Iterator<Item = &'a Target> {
    let of_it = |target: &&Target| target.kind != AgreementKind::Sla && target.service == *service;
    catalogue.targets.values().filter(of_it)
}

/// The availability that a target promises, if it does.
pub(super) fn share(target: &Target) -> Option<Ppb> {
    match &target.promise {
        Promise::Availability(promise) => Some(promise.share),
        Promise::Capacity(_) | Promise::Response(_) => None,
    }
}

/// Who answers for a component; without one, the organisation itself.
pub(super) fn party_of(catalogue: &Catalogue, component: Option<&Id>) -> Id {
    let component = component.and_then(|id| catalogue.components.get(id));
    component.map_or_else(Id::own, |component| component.party.clone())
}

/// Whether a party is a supplier.
pub(super) fn is_supplier(catalogue: &Catalogue, party: &Id) -> bool {
    catalogue.parties.get(party).is_some_and(|party| party.kind == PartyKind::Supplier)
}

/// The promises of each party about a service, the one that promises most of each.
fn promises<'a>(catalogue: &'a Catalogue, service: &'a Id) -> BTreeMap<&'a Id, &'a Target> {
    let mut strongest: BTreeMap<&Id, &Target> = BTreeMap::new();
    for target in about(catalogue, service) {
        let Some(promised) = share(target) else { continue };
        let found = strongest.entry(&target.party).or_insert(target);
        if share(found).is_none_or(|best| promised.parts() > best.parts()) {
            *found = target;
        }
    }
    strongest
}

struct Builder<'a> {
    catalogue: &'a Catalogue,
    layout: Layout<'a>,
    promises: BTreeMap<&'a Id, BTreeMap<&'a Id, &'a Target>>,
    laid: BTreeMap<&'a Id, usize>,
    probes: BTreeMap<ProbeId, usize>,
}

impl<'a> Layout<'a> {
    /// Lays out a service with everything it is built on, as far as that is looked into.
    pub(super) fn of(catalogue: &'a Catalogue, service: &'a Service) -> Self {
        let layout = Layout { parts: Vec::new(), nodes: Vec::new() };
        let mut builder =
            Builder { catalogue, layout, promises: BTreeMap::new(), laid: BTreeMap::new(), probes: BTreeMap::new() };
        builder.service(service);
        builder.layout
    }
}

impl<'a> Builder<'a> {
    /// Lays out a service after all that it is built on, without a call for each: they may be many, one on the other. There
    /// is no circle among services of a catalogue.
    fn service(&mut self, service: &'a Service) {
        let mut left = vec![(service, true)];
        while let Some((next, is_first)) = left.pop() {
            if self.laid.contains_key(&next.id) {
                continue;
            }
            let waiting: Vec<&'a Service> = if is_first {
                next.built_on().into_iter().filter_map(|id| self.unlaid(id)).collect()
            } else {
                Vec::new()
            };
            if waiting.is_empty() {
                let place = self.all_of(next);
                self.laid.insert(&next.id, place);
            } else {
                left.push((next, false));
                left.extend(waiting.into_iter().map(|below| (below, true)));
            }
        }
    }

    /// The service of this id, if it is yet to be laid out.
    fn unlaid(&mut self, id: &Id) -> Option<&'a Service> {
        let service = self.catalogue.services.get(id).filter(|service| !self.laid.contains_key(&service.id))?;
        match self.promises_of(&service.id).len() {
            1 => {
                self.promised_whole(service);
                None
            }
            _ => Some(service),
        }
    }

    fn promises_of(&mut self, service: &'a Id) -> &BTreeMap<&'a Id, &'a Target> {
        let catalogue = self.catalogue;
        self.promises.entry(service).or_insert_with(|| promises(catalogue, service))
    }

    /// A service that one party has promised: one part.
    fn promised_whole(&mut self, service: &'a Service) {
        let Some((party, target)) =
            self.promises_of(&service.id).iter().next().map(|(party, target)| (*party, *target))
        else {
            return;
        };
        let backing = Backing::Promise(target);
        let place =
            self.part(Part { what: What::Service(&service.id), component: None, party: party.clone(), backing });
        self.laid.insert(&service.id, place);
    }

    fn part(&mut self, part: Part<'a>) -> usize {
        self.layout.parts.push(part);
        self.node(Node::Part(self.layout.parts.len().saturating_sub(1)))
    }

    fn node(&mut self, node: Node<'a>) -> usize {
        self.layout.nodes.push(node);
        self.layout.nodes.len().saturating_sub(1)
    }

    fn all_of(&mut self, service: &'a Service) -> usize {
        let place = self.operand(&service.available_when, service);
        match self.layout.nodes.get_mut(place) {
            // Its own gate is the last one that was made; others may be looked at from elsewhere.
            Some(Node::Gate { service: of @ None, .. }) => {
                *of = Some(&service.id);
                place
            }
            _ => self.node(Node::Gate { count: 1, of: vec![place], service: Some(&service.id) }),
        }
    }

    fn operand(&mut self, expression: &'a Expression, service: &'a Service) -> usize {
        match expression {
            Expression::Probe(id) => self.probe(id, service),
            // Everything it is built on has been laid out.
            Expression::Service(id) => self.laid.get(id).copied().unwrap_or_default(),
            Expression::AtLeast { count, of } => {
                let of = of.iter().map(|one| self.operand(one, service)).collect();
                self.node(Node::Gate { count: *count, of, service: None })
            }
        }
    }

    fn probe(&mut self, id: &'a Id, service: &'a Service) -> usize {
        let name = ProbeId::new(service.id.clone(), id.clone());
        if let Some(place) = self.probes.get(&name) {
            return *place;
        }
        let component = service.probes.get(id).and_then(|probe| probe.component.as_ref());
        let party = party_of(self.catalogue, component);
        let backing = match self.promises_of(&service.id).get(&party).copied() {
            Some(target) => Backing::Promise(target),
            None if is_supplier(self.catalogue, &party) => Backing::SupplierWithout,
            None => Backing::OwnWithout,
        };
        let place = self.part(Part { what: What::Probe(name.clone()), component, party, backing });
        self.probes.insert(name, place);
        place
    }
}
