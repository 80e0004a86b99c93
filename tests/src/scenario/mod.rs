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
//! Times are `08:00`, `08:00:30`, `08:00:30.500`, and `08:00+1d` for the next day, all in UTC on a Monday unless a `day`
//! is named; `2026-03-01/08:00` and `2026-03-01` are on another. `01:30Z` is in UTC, for what clocks show twice. Lengths
//! are `5m`, `1m55s`, `500ms`, `0s`. A span is `08:00-09:00` or `2026-03-01..2026-04-01`.
//!
//! | line | what it says |
//! |---|---|
//! | `day 2026-03-29 in Europe/Zurich` | the day and the zone of all further times, and of the services |
//! | `probe NAME[@AGENT] [every 60s] [timeout 5s] [stale 125s] [fall 2] [rise 1] [quorum 1] [from 08:00] OUTCOME…` | a probe, and what the agent saw of it, one attempt each interval. Further lines add agents; what is not said again stays. `stale` is 2 × interval + timeout unless said; `agents here,geneva` says who is assigned at first, if not all of them |
//! | `also NAME[@AGENT] 08:02:10 DOWN …` | attempts at other times |
//! | `during NAME[@AGENT] 08:10-08:20 DOWN` | attempts that were named say this instead, of one agent or of all; with `..` they were never made |
//! | `late NAME[@AGENT] 08:00-09:00 arrives 13:00` | those attempts arrive only then |
//! | `again NAME[@AGENT] 08:00-09:00 [arrives 13:00]` | those attempts arrive once more |
//! | `shuffled 7` | everything arrives in another order; the number chooses which |
//! | `crowd 50` | so many other services beside those of the scenario |
//! | `calendar NAME [in ZONE] mon-fri 08:00-18:00 sat,sun 10:00-12:00` | agreed hours; what closes at or before it opens ends on the next day |
//! | `holiday of CALENDAR 2026-12-25 …`, `extra-day of CALENDAR 2026-12-19 09:00-16:00 …` | dates without hours, and with hours of their own |
//! | `service NAME [since 08:20] [calendar NAME] = all A B`, `any A B`, `at_least 2 A B C`, nested with `( )` | operands are probes or services. A probe belongs to the one service that names it, else to one of its own name |
//! | `target NAME of SERVICE 99.9% window 08:00-09:00 …` | a promise; options below |
//! | `target NAME of SERVICE response PROBE percentile 95 below 800ms window …` | the same of response times; `share 99.5%` instead of the percentile |
//! | `maintenance of SERVICES SPAN announced 07:00 [added 08:00] [cancelled 09:00]` | planned maintenance of `all` or of `shop,mail`; on record from its announcement on unless `added` says otherwise |
//! | `exclusion of SERVICES [target NAMES] SPAN customer [added 12:00] [revoked 13:00]` | time that was agreed not to count, with its class |
//! | `from 10:00 [recorded 12:00] probe NAME [stale 65s] [fall 3] [rise 2] [quorum 2] [agents here,geneva]` | a version of the catalogue that holds from then on, and is known once it is recorded; what it does not say stays as in the line above. Lines of the same instant are one version. One from before the line above restates: it replaces what came into force after it |
//! | `from 10:00 service NAME [calendar NAME] [= any A B]` | the same of a service; `calendar none` is always |
//! | `from 10:00 target NAME [99.5%] [OPTIONS] [effective immediate]`, `from 10:00 target NAME leaves` | the same of a target: it holds from its next window on unless it says `immediate` |
//! | `now 09:00` | what follows is asked at that time, of what has arrived and is on record by then; without it, long afterwards |
//! | `expect NAME 08:00-09:00 up 5m down 2m` | how long it was in each state; a state that is not named, not at all. NAME is a probe, `PROBE@AGENT` or a service |
//! | `expect NAME states 08:00 up 08:02 down until 09:00` | exactly when it was in which |
//! | `expect target NAME …` | its figures, as below |
//! | `expect alert of NAME 1h/5m rates 20 5/2 bad 3 alerting` | the rule with these look-backs: its rates, failures, and `alerting` or `quiet` |
//!
//! Outcomes are `up`, `slow`, `DOWN`, `unk` (the agent could not measure), and `..` where nothing was seen; `up*30` is
//! thirty of them, `up/230ms` took so long. A window is a span, or `day`, `week`, `month`, `quarter`, `year` and a date in
//! it, or `last 24h`, which ends now. Options of a target, in any order: `calendar NAME`, `min_notice 48h`,
//! `allowance 4h`, `unmeasured count_as_down`, `degraded count_as_down`, `breaks 3 longest 30m mtrs 1h mtbsi 7d`,
//! `credit below 99.9% 10%`, `alert 1h/5m at 14.4`, `min_bad 3`.
//!
//! Figures are pairs: the names of the rules with a fraction (`A A_min A_max coverage`), a length
//! (`C U D G N L N_whole budget remaining`, `not_agreed maintenance excluded up degraded down unmeasured`, `longest`), a
//! length or its fraction (`MTRS 2m`, `MTBF 5m/3`), a number (`breaks 2`), what is printed (`percent 99.89`),
//! `charged shop/web 2m`, `kept longest`, `broken mtrs`, `credit 10%`; of response times `n failed unknown no_duration
//! rank value`; `none` where there is none; and the single words `met breached no-data proven not-proven`,
//! `settled unsettled`, and `gone` for a target that has left. After
//! `without_exclusions` or `experienced` the pairs are of that figure.

mod by_core;
mod by_reference;
mod check;
mod clock;
mod core_promises;
pub mod core_terms;
mod core_versions;
mod model;
mod naive_versions;
mod read;
mod read_expect;
mod read_terms;
mod read_version;
mod words;

use std::collections::BTreeMap;

pub use by_core::Core;
pub use by_reference::Reference;
pub use check::{check, disagreements, lacking};
pub use clock::Clock;
pub use model::{
    Arrival, Check, DAY_MS, Exclusion, Expected, Expr, LONG_AFTERWARDS_MS, MIDNIGHT_MS, Maintenance, Probe, Response,
    Scenario, Service, Span, Stretch, Subject, Target, Version,
};
pub use read::read;

pub use crate::reference::burn::Told as Alert;
pub use crate::reference::figures::{Figures, Unmeasured};
pub use crate::reference::local::Window;
pub use crate::reference::response::Told as Responses;
pub use crate::reference::{Out, St};

/// What is known at an instant, for a [`Measurer`].
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// Now.
    pub now: i64,
}

/// What one version of the catalogue says.
#[derive(Clone, Copy, Debug)]
pub struct Catalogue<'a> {
    /// The probes.
    pub probes: &'a [Probe],
    /// The services.
    pub services: &'a [Service],
    /// What is promised.
    pub targets: &'a [Target],
}

impl<'a> Catalogue<'a> {
    /// A probe by its name.
    pub fn probe(&self, name: &str) -> Option<&'a Probe> {
        self.probes.iter().find(|probe| probe.name == name)
    }

    /// A service by its name.
    pub fn service(&self, name: &str) -> Option<&'a Service> {
        self.services.iter().find(|service| service.name == name)
    }

    /// A target by its name.
    pub fn target(&self, name: &str) -> Option<&'a Target> {
        self.targets.iter().find(|target| target.name == name)
    }
}

impl<'a> Facts<'a> {
    /// The versions of the catalogue that are on record by now, in the order of their record, each with the instant from
    /// which on it holds instead of all before it; the first from the beginning of time.
    pub fn versions(&self) -> impl Iterator<Item = (i64, Catalogue<'a>)> {
        let (scenario, now) = (self.scenario, self.now);
        let first = Catalogue { probes: &scenario.probes, services: &scenario.services, targets: &scenario.targets };
        let known = scenario.versions.iter().filter(move |version| version.recorded <= now);
        let further =
            known.map(|v| (v.from, Catalogue { probes: &v.probes, services: &v.services, targets: &v.targets }));
        std::iter::once((i64::MIN, first)).chain(further)
    }

    /// What has arrived by now, in the order of arrival.
    pub fn arrived(&self) -> impl Iterator<Item = &'a Arrival> {
        let now = self.now;
        self.scenario.arrivals.iter().filter(move |a| a.arrives_at <= now)
    }

    /// The maintenance of a service that is on record by now.
    pub fn maintenance(&self, service: &str) -> impl Iterator<Item = &'a Maintenance> {
        let (now, service) = (self.now, service.to_owned());
        let applies = move |m: &&Maintenance| m.services.is_empty() || m.services.contains(&service);
        let on_record = move |m: &&Maintenance| m.added <= now && m.cancelled.is_none_or(|at| at > now);
        self.scenario.maintenance.iter().filter(on_record).filter(applies)
    }

    /// The exclusions for a target that are on record by now.
    pub fn exclusions(&self, service: &str, target: &str) -> impl Iterator<Item = &'a Exclusion> {
        let (now, service, target) = (self.now, service.to_owned(), target.to_owned());
        let on_record = move |x: &&Exclusion| x.added.is_none_or(|at| at <= now) && x.revoked.is_none_or(|at| at > now);
        let applies = move |x: &&Exclusion| {
            (x.services.is_empty() || x.services.contains(&service))
                && (x.targets.is_empty() || x.targets.contains(&target))
        };
        self.scenario.exclusions.iter().filter(on_record).filter(applies)
    }
}

/// What a target comes to. What it does not promise is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    /// The contractual figures.
    pub figures: Figures,
    /// Those without exclusions.
    pub without_exclusions: Figures,
    /// Those without exclusions and maintenance.
    pub experienced: Figures,
    /// Milliseconds of contractual downtime charged, by `service/probe`; nobody is charged with nothing.
    pub charges: BTreeMap<String, i64>,
    /// The targets on breaks, each with whether it is met; none without data.
    pub breaks: Vec<(&'static str, Option<bool>)>,
    /// What its rules on alerts come to; a window that is a span has none.
    pub alerts: Vec<Alert>,
    /// Its response times.
    pub response: Option<Responses>,
    /// The credit it earns, in parts per billion.
    pub credit: Option<i64>,
    /// Whether confirmation can change nothing of its window any more.
    pub settled: bool,
    /// Whether it had left before its window began; then nothing else is said.
    pub gone: bool,
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

    /// What it has not got and `target` asks for beside its service, by name. Such a target is neither checked nor
    /// compared, and [`lacking`] lists it.
    fn lacks_of(&self, scenario: &Scenario, target: &Target) -> Option<String> {
        let (_, _) = (scenario, target);
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
