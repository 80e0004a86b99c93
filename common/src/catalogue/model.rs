//! The service catalogue as checked types: what is written here cannot be wrong.
//!
//! Only [`super::read`] makes these. Every id that is referred to exists, every duration is in its range, every list
//! that must not be empty is not. Everything is in order of its id.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::ids::{Id, ProbeId, TargetId};
use crate::time::Instant;
use crate::wire::check::Check;
use crate::yaml::problem::Problem;

pub use super::calendar::Calendar;
pub use super::cause::Cause;
pub use super::consequence::{AlertRule, Consequences, CreditStep, MIN_BAD_DEFAULT};
pub use super::expression::Expression;
pub use super::formula::{Formula, Structure};
pub use super::handling::{
    Condition, EscalationRule, EscalationStep, Handling, MajorCondition, MajorRule, Recurrence, ResponseTarget, Unless,
};
pub use super::promise::{
    AvailabilityPromise, BreakTargets, CapacityPromise, DegradedPolicy, Effective, MaintenanceRules, Promise,
    ResponseBound, ResponsePromise, Threshold, Thresholds, UnmeasuredPolicy,
};
pub use super::raising::{CauseRule, Raising};
pub use super::receiver::{
    Alertmanager, Channel, Described, Exec, Heartbeat, Mail, MailLogin, MailTls, PRESETS, Receiver, ReceiverUrl,
    StateWay, Tickets, Way, Webhook,
};
pub use super::telling::{Occasion, Priorities, Priority, Route, Urgency, When};

/// One version of the service catalogue.
#[derive(Clone, Debug)]
pub struct Catalogue {
    /// Whose services these are.
    pub organisation: Organisation,
    /// From when a first version holds, if the catalogue says so.
    pub effective_from: Option<Instant>,
    /// Who the services are for.
    pub customers: BTreeMap<Id, Customer>,
    /// Who else takes part; `own` is always there.
    pub parties: BTreeMap<Id, Party>,
    /// What the services are made of.
    pub components: BTreeMap<Id, Component>,
    /// The hosts whose capacity is read.
    pub hosts: BTreeMap<Id, Host>,
    /// Where agents are found and by what they are chosen, for those of which something is said; others may observe all
    /// the same.
    pub agents: BTreeMap<Id, Agent>,
    /// In which hours services are agreed.
    pub calendars: BTreeMap<Id, Arc<Calendar>>,
    /// The services.
    pub services: BTreeMap<Id, Service>,
    /// What was promised.
    pub targets: BTreeMap<TargetId, Target>,
    /// How urgent incidents are for whom.
    pub priorities: Priorities,
    /// Which causes open incidents, and when incidents are over.
    pub raising: Raising,
    /// How incidents are handled.
    pub handling: Handling,
    /// Where incidents are told.
    pub receivers: BTreeMap<Id, Receiver>,
    /// Which incidents are told where, in the order written.
    pub routes: Vec<Route>,
    /// What in it is sound and yet was hardly meant, in order of place.
    pub remarks: Vec<Problem>,
}

/// Whose services these are.
#[derive(Clone, Debug)]
pub struct Organisation {
    /// Its name.
    pub name: String,
    /// The time zone of everything that names none.
    pub time_zone: TimeZone,
}

/// A customer of services.
#[derive(Clone, Debug)]
pub struct Customer {
    /// Its name.
    pub id: Id,
    /// Its name for people.
    pub name: String,
    /// Where to reach it, if written.
    pub contact: Option<String>,
}

/// Who answers for components.
#[derive(Clone, Debug)]
pub struct Party {
    /// Its name.
    pub id: Id,
    /// Its name for people.
    pub name: String,
    /// What it is to the organisation.
    pub kind: PartyKind,
}

/// What a party is to the organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartyKind {
    /// The organisation itself.
    Own,
    /// A supplier.
    Supplier,
    /// A customer whose parts the service needs.
    Customer,
}

/// A part that services are made of.
#[derive(Clone, Debug)]
pub struct Component {
    /// Its name.
    pub id: Id,
    /// Its name for people.
    pub name: String,
    /// Who answers for it.
    pub party: Id,
    /// The host it runs on, if written.
    pub host: Option<Id>,
}

/// A host whose capacity is read.
#[derive(Clone, Debug)]
pub struct Host {
    /// Its name.
    pub id: Id,
    /// The agent that runs on it.
    pub agent: Id,
}

/// What is said of an agent; at least one of the two.
#[derive(Clone, Debug)]
pub struct Agent {
    /// Its name.
    pub id: Id,
    /// By what probes choose it.
    pub labels: BTreeMap<Id, Id>,
    /// Host and port at which it serves its metrics, if written.
    pub metrics: Option<String>,
}

/// A service.
#[derive(Clone, Debug)]
pub struct Service {
    /// Its name.
    pub id: Id,
    /// Its name for people.
    pub name: String,
    /// What it is good for, if written.
    pub outcome: Option<String>,
    /// Who owns it, if written.
    pub owner: Option<String>,
    /// Who it is for.
    pub customers: Vec<Id>,
    /// How much its failure weighs.
    pub criticality: Criticality,
    /// Its entry into the catalogue, if written; else it is the instant it was first recorded.
    pub since: Option<Instant>,
    /// The zone its days and months are counted in.
    pub time_zone: TimeZone,
    /// In which hours it is agreed; none: always.
    pub calendar: Option<Arc<Calendar>>,
    /// How many users it has, if written: how much it weighs among others.
    pub weight: Option<u32>,
    /// Its own probes, in order of their ids; empty if it is built on other services alone.
    pub probes: BTreeMap<Id, Arc<Probe>>,
    /// When it is available: as the catalogue says it, else while all of its own probes are.
    pub available_when: Expression,
    /// What that comes to with all other services.
    pub structure: Structure,
}

impl Service {
    /// Every probe that is looked at for it: its own, and of the services it is built on those that count for it.
    pub fn looks_at(&self) -> impl Iterator<Item = &Arc<Probe>> {
        let others = self.structure.leaves.values().filter(|probe| probe.id.parent != self.id);
        self.probes.values().chain(others)
    }

    /// One of the probes that are looked at for it.
    pub fn probe(&self, id: &ProbeId) -> Option<&Arc<Probe>> {
        let own = if id.parent == self.id { self.probes.get(&id.child) } else { None };
        own.or_else(|| self.structure.leaves.get(id))
    }

    /// A probe's name where this service is spoken of: its own go by their own names, others' by their full ones.
    pub fn name_of(&self, probe: &ProbeId) -> String {
        if probe.parent == self.id { probe.child.to_string() } else { probe.to_string() }
    }

    /// The services that its expression names, in order, each once.
    pub fn built_on(&self) -> Vec<&Id> {
        let mut named = self.available_when.services();
        named.sort_unstable();
        named.dedup();
        named
    }
}

/// How much a service's failure weighs: the impact of an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Criticality {
    /// Little.
    Low,
    /// Some.
    Medium,
    /// Much.
    High,
    /// All there is.
    Critical,
}

impl Criticality {
    /// All of them, lightest first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    /// As the catalogue writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// A probe of a service.
#[derive(Clone, Debug)]
pub struct Probe {
    /// Its full name.
    pub id: ProbeId,
    /// The component it looks at, if written.
    pub component: Option<Id>,
    /// The agents that run it; in order, each once. Empty only where nobody knows them any more.
    pub agents: Vec<Id>,
    /// From the start of one attempt to the start of the next.
    pub interval_ms: i64,
    /// The one deadline of an attempt.
    pub timeout_ms: i64,
    /// How long an observation speaks: the rules' *reach*.
    pub stale_after_ms: i64,
    /// Failures in a row that confirm an outage.
    pub fall: u32,
    /// Successes in a row that end one.
    pub rise: u32,
    /// How many vantage points must agree; the default is half of those that see something, rounded up.
    pub quorum: Option<u32>,
    /// Above this an answer is degraded.
    pub slow_after_ms: Option<i64>,
    /// How soon after a failure that is not confirmed yet its agents ask again.
    pub confirm_after_ms: Option<i64>,
    /// What is asked of whom.
    pub check: Check,
}

/// What kind of agreement a target stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgreementKind {
    /// A service level agreement with a customer.
    Sla,
    /// An operational level agreement within the organisation.
    Ola,
    /// A contract with a supplier.
    Underpinning,
}

impl AgreementKind {
    /// As the catalogue writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sla => "sla",
            Self::Ola => "ola",
            Self::Underpinning => "underpinning",
        }
    }
}

/// A service level target: a promise over a window.
#[derive(Clone, Debug)]
pub struct Target {
    /// Its full name.
    pub id: TargetId,
    /// The agreement's kind.
    pub kind: AgreementKind,
    /// With whom it was agreed: a customer for an SLA, else a party.
    pub party: Id,
    /// What it is about.
    pub service: Id,
    /// Over what it is counted.
    pub window: WindowKind,
    /// In which hours it was agreed, instead of those of its service.
    pub calendar: Option<Arc<Calendar>>,
    /// What it says of planned maintenance.
    pub maintenance: MaintenanceRules,
    /// What is promised.
    pub promise: Promise,
    /// From when on a change of it holds; a later version says that of what it changes.
    pub effective: Effective,
    /// What follows from it; only an availability has other than the defaults.
    pub consequences: Consequences,
}

impl Target {
    /// In which hours it is agreed, `service` being what it is about; none: always.
    pub fn agreed_in<'a>(&'a self, service: &'a Service) -> Option<&'a Arc<Calendar>> {
        self.calendar.as_ref().or(service.calendar.as_ref())
    }
}

/// Over what a target is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WindowKind {
    /// A local day.
    Day,
    /// An ISO week, from Monday.
    Week,
    /// A local month.
    Month,
    /// A quarter of a local year.
    Quarter,
    /// A local year.
    Year,
    /// A length of time that ends now and never closes: `30d`, `24h`.
    Rolling {
        /// Its length.
        length_ms: i64,
    },
    /// A stretch that somebody asks about; no target is counted over one.
    Stretch {
        /// Its first instant.
        start: Instant,
        /// The first instant after it.
        end: Instant,
    },
}
