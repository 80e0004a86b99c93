//! The top of the catalogue: its sections joined over all files, and the ids they declare.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::agents::Agents;
use super::calendars::Calendars;
use super::every;
use crate::ids::Id;
use crate::yaml::declared::{Declared, Item};
use crate::yaml::problem::{Place, Read};
use crate::yaml::walk::{At, Keys};

/// What the files say at their top, joined.
#[derive(Debug, Default)]
pub(super) struct Sections<'t> {
    organisation: Option<At<'t>>,
    pub(super) effective_from: Option<At<'t>>,
    pub(super) incidents: Option<At<'t>>,
    pub(super) problems: Option<At<'t>>,
    customers: Vec<At<'t>>,
    parties: Vec<At<'t>>,
    components: Vec<At<'t>>,
    hosts: Vec<At<'t>>,
    agents: Vec<At<'t>>,
    calendars: Vec<At<'t>>,
    services: Vec<At<'t>>,
    agreements: Vec<At<'t>>,
    receivers: Vec<At<'t>>,
    pub(super) routes: Vec<At<'t>>,
}

impl<'t> Sections<'t> {
    /// The sections that can be read, and whether that is all of them: the walk goes on without the others, to find
    /// what else is wrong.
    pub(super) fn gather(roots: &[At<'t>]) -> (Self, Read<()>) {
        let mut sections = Self::default();
        let gathered = every(roots.iter().map(|root| root.mapping(|keys| sections.join(keys))));
        (sections, gathered.map(|_| ()))
    }

    /// The organisation, missed at the top of the first file.
    pub(super) fn organisation(&self, first: &At<'t>) -> Read<&At<'t>> {
        self.organisation.as_ref().ok_or_else(|| first.problem("the key \"organisation\" is missing"))
    }

    /// Refuses a catalogue without services: it is a file that was loaded by mistake.
    pub(super) fn at_least_one_service(&self, first: &At<'t>) -> Read<()> {
        match self.services.as_slice() {
            [] => Err(first.problem("there is no service: expected at least one under \"services\"")),
            _ => Ok(()),
        }
    }

    fn join(&mut self, keys: &Keys<'t>) -> Read<()> {
        let sections = [
            once(&mut self.organisation, keys.get("organisation")),
            once(&mut self.effective_from, keys.get("effective_from")),
            once(&mut self.incidents, keys.get("incidents")),
            once(&mut self.problems, keys.get("problems")),
            append(&mut self.customers, keys.get("customers")),
            append(&mut self.parties, keys.get("parties")),
            append(&mut self.components, keys.get("components")),
            append(&mut self.hosts, keys.get("hosts")),
            append(&mut self.agents, keys.get("agents")),
            append(&mut self.calendars, keys.get("calendars")),
            append(&mut self.services, keys.get("services")),
            append(&mut self.agreements, keys.get("agreements")),
            append(&mut self.receivers, keys.get("receivers")),
            append(&mut self.routes, keys.get("routes")),
        ];
        every(sections).map(|_| ())
    }
}

fn once<'t>(section: &mut Option<At<'t>>, found: Option<At<'t>>) -> Read<()> {
    match (section.as_ref(), found) {
        (Some(first), Some(second)) => {
            Err(second.problem(format!("is said once in all files, and was already at {}", first.place())))
        }
        (None, Some(found)) => {
            *section = Some(found);
            Ok(())
        }
        (_, None) => Ok(()),
    }
}

fn append<'t>(section: &mut Vec<At<'t>>, found: Option<At<'t>>) -> Read<()> {
    if let Some(found) = found {
        section.extend(found.items()?);
    }
    Ok(())
}

/// The ids that are declared, by what they name.
#[derive(Debug)]
pub(super) struct Names {
    pub(super) customers: Declared,
    pub(super) parties: Declared,
    pub(super) components: Declared,
    pub(super) hosts: Declared,
    pub(super) agents: Agents,
    pub(super) calendars: Calendars,
    pub(super) services: Declared,
    pub(super) agreements: Declared,
    pub(super) receivers: Declared,
    /// The agent of each host that could be read.
    pub(super) agents_of_hosts: BTreeMap<Id, Id>,
    /// What probes read of which host, and where that is said.
    pub(super) measured: RefCell<BTreeMap<(Id, Id), Place>>,
}

/// The items that declare them.
#[derive(Debug)]
pub(super) struct Lists<'t> {
    pub(super) customers: Vec<Item<'t>>,
    pub(super) parties: Vec<Item<'t>>,
    pub(super) components: Vec<Item<'t>>,
    pub(super) hosts: Vec<Item<'t>>,
    pub(super) agents: Vec<Item<'t>>,
    pub(super) calendars: Vec<Item<'t>>,
    pub(super) services: Vec<Item<'t>>,
    pub(super) agreements: Vec<Item<'t>>,
    pub(super) receivers: Vec<Item<'t>>,
}

impl Names {
    /// Reads the id of every item; the party `own` is always there.
    pub(super) fn declare<'t>(sections: &Sections<'t>) -> (Self, Lists<'t>) {
        let (customers, customer_items) = Declared::read("customer", &[], &sections.customers);
        let (parties, party_items) = Declared::read("party", &[Id::own()], &sections.parties);
        let (components, component_items) = Declared::read("component", &[], &sections.components);
        let (hosts, host_items) = Declared::read("host", &[], &sections.hosts);
        let (_, agent_items) = Declared::read("agent", &[], &sections.agents);
        let (calendars, calendar_items) = Declared::read("calendar", &[], &sections.calendars);
        let (services, service_items) = Declared::read("service", &[], &sections.services);
        let (agreements, agreement_items) = Declared::read("agreement", &[], &sections.agreements);
        let (receivers, receiver_items) = Declared::read("receiver", &[], &sections.receivers);
        let lists = Lists {
            customers: customer_items,
            parties: party_items,
            components: component_items,
            hosts: host_items,
            agents: agent_items,
            calendars: calendar_items,
            services: service_items,
            agreements: agreement_items,
            receivers: receiver_items,
        };
        let (agents, calendars) = (Agents::default(), Calendars::declared(calendars));
        let (agents_of_hosts, measured) = (BTreeMap::new(), RefCell::default());
        let names = Self {
            customers,
            parties,
            components,
            hosts,
            agents,
            calendars,
            services,
            agreements,
            receivers,
            agents_of_hosts,
            measured,
        };
        (names, lists)
    }
}
