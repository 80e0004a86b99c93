//! A scenario, read and resolved. All times are milliseconds since the epoch.

use std::collections::BTreeMap;

use super::clock::Clock;
use crate::reference::burn::Rule;
use crate::reference::calendar::Calendar;
use crate::reference::figures::Unmeasured;
use crate::reference::judged::BreakTargets;
use crate::reference::local::Window;
use crate::reference::response::Wanted;
use crate::reference::{Out, St};

/// Midnight of the scenarios' day unless they say otherwise: Monday, 5 January 2026, UTC.
pub const MIDNIGHT_MS: i64 = 1_767_571_200_000;
/// Milliseconds in a day.
pub const DAY_MS: i64 = 86_400_000;
/// When a question is asked unless `now` says otherwise: a year later, or a year after the day that was named.
pub const LONG_AFTERWARDS_MS: i64 = MIDNIGHT_MS + 365 * DAY_MS;

/// A half-open stretch of time.
pub type Span = (i64, i64);

/// A scenario.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scenario {
    /// What its times mean; its zone is that of the services.
    pub clock: Clock,
    /// The calendars, by name.
    pub calendars: BTreeMap<String, Calendar>,
    /// The probes.
    pub probes: Vec<Probe>,
    /// The services.
    pub services: Vec<Service>,
    /// What was promised.
    pub targets: Vec<Target>,
    /// Further versions of the catalogue, in the order of their record.
    pub versions: Vec<Version>,
    /// Maintenance on record.
    pub maintenance: Vec<Maintenance>,
    /// Exclusions on record.
    pub exclusions: Vec<Exclusion>,
    /// What was seen, in the order in which it arrived, with everything that arrived twice.
    pub arrivals: Vec<Arrival>,
    /// What must be measured.
    pub checks: Vec<Check>,
}

impl Scenario {
    /// The probes of all versions, those of the first one first.
    pub fn ever_probes(&self) -> impl Iterator<Item = &Probe> {
        self.probes.iter().chain(self.versions.iter().flat_map(|version| &version.probes))
    }
}

/// A further version of the catalogue, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// From when on it holds, instead of every version before it in the record.
    pub from: i64,
    /// When it was recorded; before that it is not known.
    pub recorded: i64,
    /// Its probes.
    pub probes: Vec<Probe>,
    /// Its services.
    pub services: Vec<Service>,
    /// What it promises.
    pub targets: Vec<Target>,
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
    /// Its calendar; none is always.
    pub calendar: Option<String>,
    /// What it is made of.
    pub expr: Expr,
}

impl Service {
    /// A service that was always there, at all times.
    pub fn new(name: &str, expr: Expr) -> Self {
        Self { name: name.to_owned(), since: None, calendar: None, expr }
    }
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
    /// What is promised of its availability, in parts per billion; nothing, where response times are.
    pub ppb: i64,
    /// As it was written, with how many decimals.
    pub decimals: u32,
    /// What is promised of response times instead.
    pub response: Option<Response>,
    /// The kind of window.
    pub window: Window,
    /// An instant in the window.
    pub at: i64,
    /// The calendar that replaces the service's.
    pub calendar: Option<String>,
    /// How long before its start maintenance must be announced.
    pub min_notice_ms: i64,
    /// How much agreed time of a window maintenance may take.
    pub allowance_ms: Option<i64>,
    /// How unmeasured time counts.
    pub unmeasured: Unmeasured,
    /// Whether degraded time is lost.
    pub degraded_is_lost: bool,
    /// Targets on breaks.
    pub breaks: BreakTargets,
    /// Below which share which credit is due, in parts per billion.
    pub credits: Vec<(i64, i64)>,
    /// Pairs of look-backs; none are those of the rules.
    pub alerts: Option<Vec<Rule>>,
    /// How many failures an alert needs.
    pub min_bad: u64,
    /// Whether the version that changed it did so for the whole window.
    pub immediate: bool,
}

impl Target {
    /// A promise with the defaults of the rules.
    pub fn new(name: &str, service: &str, ppb: i64, window: Span) -> Self {
        Self {
            name: name.to_owned(),
            service: service.to_owned(),
            ppb,
            decimals: 2,
            response: None,
            window: Window::Span(window.0, window.1),
            at: window.0,
            calendar: None,
            min_notice_ms: 0,
            allowance_ms: None,
            unmeasured: Unmeasured::Exclude,
            degraded_is_lost: false,
            breaks: BreakTargets::default(),
            credits: Vec::new(),
            alerts: None,
            min_bad: 3,
            immediate: false,
        }
    }

    /// From when to when its window is, asked at `now`.
    pub fn span(&self, scenario: &Scenario, now: i64) -> Span {
        self.window.holding(&scenario.clock.zone, self.at, now)
    }
}

/// A promise of response times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// Of which probe.
    pub probe: String,
    /// How many answers.
    pub wanted: Wanted,
    /// Within how many microseconds.
    pub below_us: u64,
}

/// Planned maintenance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Maintenance {
    /// Of these services; none named are all.
    pub services: Vec<String>,
    /// When.
    pub span: Span,
    /// When it was announced.
    pub announced: i64,
    /// When it was put on record.
    pub added: i64,
    /// When it was cancelled.
    pub cancelled: Option<i64>,
}

/// Time that was agreed not to count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exclusion {
    /// For these services; none named are all.
    pub services: Vec<String>,
    /// For these targets; none named are all.
    pub targets: Vec<String>,
    /// When.
    pub span: Span,
    /// Its class.
    pub class: String,
    /// When it was put on record; none is before everything.
    pub added: Option<i64>,
    /// When it was revoked.
    pub revoked: Option<i64>,
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
    /// How long it took, in microseconds.
    pub us: Option<u64>,
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
    /// What the rule of a target with these look-backs comes to, as words and what they must read.
    Alert(String, (i64, i64), Vec<(String, String)>),
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
