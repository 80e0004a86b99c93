//! Scenarios: what agents saw, what was promised, and what must be measured, as text that anybody can read.
//!
//! ```text
//! # A minute's silence is no outage.
//! probe web   every 60s  timeout 5s  fall 2   from 08:00   up up DOWN DOWN up .. .. .. up
//! service shop = all web
//! target gold of shop 99.9%  window 08:00-08:09  unmeasured exclude
//!
//! expect web 08:00-08:09   up 5m5s  down 2m  unmeasured 1m55s
//! expect shop states 08:00 up  08:02 down  08:04 up  08:06:05 unmeasured  08:08 up  until 08:09
//! expect target gold  A 61/85  breached  not-proven  breaks 1
//! ```
//!
//! A line that begins with a blank continues the one above; `#` begins a remark; `|` between words means nothing.
//! Times are `08:00`, `08:00:30`, `08:00:30.500`, and `08:00+1d` for the next day, all in UTC on a Monday. Lengths are
//! `5m`, `1m55s`, `500ms`, `0s`.
//!
//! | line | what it says |
//! |---|---|
//! | `probe NAME[@AGENT] [every 60s] [timeout 5s] [stale 125s] [fall 2] [rise 1] [quorum 1] [from 08:00] OUTCOME…` | a probe, and what the agent saw of it, one attempt each interval. Further lines add agents; what is not said again stays. `stale` is 2 × interval + timeout unless said |
//! | `also NAME[@AGENT] 08:02:10 DOWN …` | attempts at other times |
//! | `late NAME[@AGENT] 08:00-09:00 arrives 13:00` | those attempts arrive only then |
//! | `again NAME[@AGENT] 08:00-09:00 [arrives 13:00]` | those attempts arrive once more |
//! | `shuffled 7` | everything arrives in another order; the number chooses which |
//! | `crowd 50` | so many other services beside those of the scenario |
//! | `service NAME [since 08:20] = all A B`, `any A B`, `at_least 2 A B C`, nested with `( )` | operands are probes or services. A probe belongs to the one service that names it, else to one of its own name |
//! | `target NAME of SERVICE 99.9% window 08:00-09:00 [unmeasured exclude] [degraded count_as_up]` | a promise |
//! | `now 09:00` | what follows is asked at that time, of what has arrived by then; without it, long afterwards |
//! | `expect NAME 08:00-09:00 up 5m down 2m` | how long it was in each state; a state that is not named, not at all. NAME is a probe, `PROBE@AGENT` or a service |
//! | `expect NAME states 08:00 up 08:02 down until 09:00` | exactly when it was in which |
//! | `expect target NAME …` | its figures, as below |
//!
//! Outcomes are `up`, `slow`, `DOWN`, `unk` (the agent could not measure), and `..` where nothing was seen; `up*30` is
//! thirty of them. Figures are pairs: the names of the rules with a fraction (`A A_min A_max coverage`), a length
//! (`C U D G N L N_whole budget remaining`, `not_agreed up degraded down unmeasured`, `longest`), a length or its
//! fraction (`MTRS 2m`, `MTBF 5m/3`), a number (`breaks 2`), what is printed (`percent 99.89`), `charged shop/web 2m`;
//! `none` where there is none; and the single words `met breached no-data proven not-proven`.

mod by_core;
mod by_reference;
mod check;
mod read;
mod read_expect;
mod words;

use std::collections::BTreeMap;

pub use by_core::Core;
pub use by_reference::Reference;
pub use check::{check, disagreements, lacking};
pub use read::read;

pub use crate::reference::figures::{Figures, Unmeasured};
pub use crate::reference::{Out, St};

/// Midnight of the scenarios' day: Monday, 5 January 2026, UTC.
pub const MIDNIGHT_MS: i64 = 1_767_571_200_000;
/// Milliseconds in a day.
pub const DAY_MS: i64 = 86_400_000;
/// When a question is asked unless `now` says otherwise: a year later.
pub const LONG_AFTERWARDS_MS: i64 = MIDNIGHT_MS + 365 * DAY_MS;

/// A half-open stretch of time.
pub type Span = (i64, i64);

/// A scenario, read and resolved. All times are milliseconds since the epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scenario {
    /// The probes.
    pub probes: Vec<Probe>,
    /// The services.
    pub services: Vec<Service>,
    /// What was promised.
    pub targets: Vec<Target>,
    /// What was seen, in the order in which it arrived, with everything that arrived twice.
    pub arrivals: Vec<Arrival>,
    /// What must be measured.
    pub checks: Vec<Check>,
}

/// A probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// As the scenario names it.
    pub name: String,
    /// The service it belongs to; its id is `service/name`.
    pub service: String,
    /// From attempt to attempt.
    pub interval_ms: i64,
    /// The longest attempt.
    pub timeout_ms: i64,
    /// How long an observation speaks.
    pub stale_after_ms: i64,
    /// Failures that confirm an outage.
    pub fall: u32,
    /// Successes that end one.
    pub rise: u32,
    /// How many vantage points must agree.
    pub quorum: Option<u32>,
    /// The agents that are assigned to it.
    pub agents: Vec<String>,
}

impl Probe {
    /// `service/probe`.
    pub fn id(&self) -> String {
        format!("{}/{}", self.service, self.name)
    }
}

/// A service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Its entry into the catalogue; none is before everything.
    pub since: Option<i64>,
    /// What it is made of.
    pub expr: Expr,
}

/// What a service is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expr {
    /// One of its probes, by the name in the scenario.
    Probe(String),
    /// Another service.
    Service(String),
    /// All of these.
    All(Vec<Expr>),
    /// Any of these.
    Any(Vec<Expr>),
    /// At least so many of these.
    AtLeast(u32, Vec<Expr>),
}

/// A promise about a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its name.
    pub name: String,
    /// The service.
    pub service: String,
    /// In parts per billion.
    pub ppb: i64,
    /// As it was written, with how many decimals.
    pub decimals: u32,
    /// The window.
    pub window: Span,
    /// How unmeasured time counts.
    pub unmeasured: Unmeasured,
    /// Whether degraded time is lost.
    pub degraded_is_lost: bool,
}

/// An observation on its way to the collector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The probe, by the name in the scenario.
    pub probe: String,
    /// The agent.
    pub agent: String,
    /// When the attempt began.
    pub at: i64,
    /// What it said.
    pub out: Out,
    /// When the collector learns of it.
    pub arrives_at: i64,
}

/// Something that must be measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// The line it stands on.
    pub line: usize,
    /// When it is asked.
    pub now: i64,
    /// What is expected.
    pub expected: Expected,
}

/// What is expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// How long it was in each state: up, degraded, unmeasured, down.
    Lengths(Subject, Span, BTreeMap<St, i64>),
    /// Exactly when it was in which state.
    Stretches(Subject, Vec<Stretch>),
    /// Figures of a target, as words and what they must read.
    Figures(String, Vec<(String, String)>),
}

/// Whose states are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A probe as one agent sees it.
    Vantage(String, String),
    /// A probe.
    Probe(String),
    /// A service.
    Service(String),
}

/// A stretch in one state: from, to, state.
pub type Stretch = (i64, i64, St);

/// What is known at an instant, for a [`Measurer`].
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// Now.
    pub now: i64,
}

impl<'a> Facts<'a> {
    /// What has arrived by now, in the order of arrival.
    pub fn arrived(&self) -> impl Iterator<Item = &'a Arrival> {
        let now = self.now;
        self.scenario.arrivals.iter().filter(move |a| a.arrives_at <= now)
    }
}

/// The figures of a target and who is charged with its downtime, by `service/probe`; nobody is charged with nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measured {
    /// The contractual figures.
    pub figures: Figures,
    /// Milliseconds charged.
    pub charges: BTreeMap<String, i64>,
}

/// An implementation of the rules.
pub trait Measurer {
    /// What it is called in a message.
    fn name(&self) -> &'static str;

    /// What it has not got and `service` asks for, by name. Such a service is neither checked nor compared, and
    /// [`lacking`] lists it.
    fn lacks(&self, scenario: &Scenario, service: &str) -> Option<String> {
        let (_, _) = (scenario, service);
        None
    }

    /// The states of `subject` over `span`: neighbouring stretches that differ, without holes.
    fn states(&self, facts: Facts<'_>, subject: &Subject, span: Span) -> Vec<Stretch>;

    /// The figures of `target`.
    fn figures(&self, facts: Facts<'_>, target: &Target) -> Measured;
}

/// The implementations that are checked; the reference is the first. Another one that is added here must meet every
/// expectation and every law, and agree with the reference on everything else, but for what it [lacks](Measurer::lacks).
pub fn measurers() -> Vec<Box<dyn Measurer>> {
    vec![Box::new(Reference), Box::new(Core)]
}
