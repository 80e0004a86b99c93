//! Scenarios measured by the core, `uphold_common::measure`: the code that users' figures come from.
//!
//! Nothing is rounded on the way: observations, rules and
//! windows go in as the scenario has them, even where no catalogue could be written so small.

use std::collections::BTreeMap;
use std::sync::Arc;

use uphold_common::catalogue::{formula, model};
use uphold_common::ids::{Id, ProbeId, TargetId};
use uphold_common::measure::availability::Verdict;
use uphold_common::measure::burn::AlertFigures;
use uphold_common::measure::committed::Committed;
use uphold_common::measure::credit::credit;
use uphold_common::measure::figures::{self, Figures as Json};
use uphold_common::measure::kinds::Kinds;
use uphold_common::measure::probe::probe_timeline;
use uphold_common::measure::service::{ServiceTimeline, service_timeline};
use uphold_common::measure::target::TargetFigures;
use uphold_common::measure::timeline::Timeline;
use uphold_common::measure::vantage::{VantageRules, vantage_timeline};
use uphold_common::measure::window::Window;
use uphold_common::observation::{Cause, Micros, Observation, Outcome, Phases, State, settle_all};
use uphold_common::percent::Ratio;
use uphold_common::time::{Instant, Interval};
use uphold_common::wire::assignment::{Check, TcpCheck};

use super::{
    Expr, Facts, Figures, Measured, Measurer, Out, Probe, Scenario, Service, Span, St, Stretch, Subject, Target,
    Window as Kind, core_promises, core_terms,
};

/// The rules as the programs apply them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Core;

impl Measurer for Core {
    fn name(&self) -> &'static str {
        "the core"
    }

    fn states(&self, facts: Facts<'_>, subject: &Subject, span: Span) -> Vec<Stretch> {
        let span = interval(span);
        let timeline = match subject {
            Subject::Vantage(probe, agent) => vantage(facts, probe_of(facts.scenario, probe), agent, span),
            Subject::Probe(probe) => probe_states(facts, probe_of(facts.scenario, probe), span),
            Subject::Service(name) => service_states(facts, name, span).states,
        };
        let stretch = |s: &uphold_common::measure::timeline::Stretch| {
            (s.interval.start.as_ms(), s.interval.end.as_ms(), state(s.state))
        };
        timeline.stretches().iter().map(stretch).collect()
    }

    fn figures(&self, facts: Facts<'_>, target: &Target) -> Measured {
        let asked = Asked::new(facts, target);
        if let Some(wanted) = &target.response {
            let Asked { service, window, committed } = &asked;
            let response = core_promises::responses(facts, wanted, service, *window, committed);
            return Measured { response: Some(response), ..Measured::default() };
        }
        let told = Told::new(facts, target, asked);
        let guilty = told.figures.charges.iter().filter(|(_, ms)| **ms != 0);
        let earned = credit(&told.consequences.credits, &told.figures.availability, told.asked.window.is_open());
        Measured {
            without_exclusions: plain(&told.figures.without_exclusions),
            experienced: plain(&told.figures.experienced),
            figures: plain(&told.figures.contractual),
            charges: guilty.map(|(probe, ms)| (probe.to_string(), *ms)).collect(),
            breaks: told.figures.break_verdicts.iter().map(|(name, verdict)| (*name, met(*verdict))).collect(),
            alerts: told.alerts.iter().map(core_promises::told).collect(),
            response: None,
            credit: earned.map(|step| step.percent.parts()),
        }
    }
}

impl Core {
    /// The figures of `target` as users get them.
    pub fn json(facts: Facts<'_>, target: &Target) -> serde_json::Value {
        let Told { asked, consequences, seen, figures, alerts } = Told::new(facts, target, Asked::new(facts, target));
        let promised = model::Target {
            id: TargetId::new(id("scenario"), id(&target.name)),
            kind: model::AgreementKind::Sla,
            party: id("customer"),
            service: asked.service.id.clone(),
            window: window_kind(target.window),
            calendar: None,
            maintenance: model::MaintenanceRules::default(),
            effective: model::Effective::default(),
            promise: model::Promise::Availability(core_promises::availability(target)),
            consequences,
        };
        let measured =
            figures::Measured::Availability { target: &promised, figures: &figures, seen: &seen, alerts: &alerts };
        let (service, now) = (&asked.service, Instant::from_ms(facts.now));
        let told = Json::of((service, &service.into()), 1, now, &[measured]);
        serde_json::to_value(told).unwrap_or_default()
    }
}

/// Of what a target is asked, and when.
struct Asked {
    service: model::Service,
    window: Window,
    committed: Committed,
}

impl Asked {
    fn new(facts: Facts<'_>, target: &Target) -> Self {
        let service = service(facts.scenario, &target.service);
        let (at, as_of) = (Instant::from_ms(target.at), Instant::from_ms(facts.now));
        let window = Window::holding(window_kind(target.window), &service.time_zone, at, as_of);
        let committed = core_terms::committed(facts, target, entry(&service), window.interval);
        Self { service, window, committed }
    }
}

/// When a service entered the catalogue; without an entry it was there before everything.
pub(super) fn entry(service: &model::Service) -> Instant {
    service.since.unwrap_or(Instant::MIN)
}

/// Everything the core makes of a target on availability.
struct Told {
    asked: Asked,
    consequences: model::Consequences,
    seen: ServiceTimeline,
    figures: TargetFigures,
    alerts: Vec<AlertFigures>,
}

impl Told {
    fn new(facts: Facts<'_>, target: &Target, asked: Asked) -> Self {
        let Asked { service, window, committed } = &asked;
        let rules = core_promises::rules(target, *window);
        let alerting = core_promises::alerting(&rules, service, target, *window);
        let elapsed = window.elapsed();
        let from = alerting.longest().map_or(elapsed.start, |span| span.start.min(elapsed.start));
        let seen = service_states(facts, service.id.as_str(), Interval::new(from, elapsed.end));
        let figures =
            TargetFigures::measure(core_promises::availability(target), &service.into(), *window, committed, &seen);
        let alerts = core_promises::alerts(facts, target, service, &alerting, &seen);
        Self { consequences: core_promises::consequences(target), asked, seen, figures, alerts }
    }
}

/// What counts of what an agent saw of a probe, in order.
pub(super) fn settled(facts: Facts<'_>, probe: &str, agent: &str) -> Vec<Observation> {
    let of_it = |a: &&super::Arrival| a.probe == probe && a.agent == agent && a.at < facts.now;
    let mut seen: Vec<Observation> = facts.arrived().filter(of_it).map(observation).collect();
    settle_all(&mut seen);
    seen
}

fn vantage(facts: Facts<'_>, probe: &Probe, agent: &str, span: Interval) -> Timeline {
    let rules = VantageRules { reach_ms: probe.stale_after_ms, fall: probe.fall, rise: probe.rise };
    vantage_timeline(&settled(facts, &probe.name, agent), &rules.into(), span)
}

fn probe_states(facts: Facts<'_>, probe: &Probe, span: Interval) -> Timeline {
    let vantages: Vec<Timeline> = probe.agents.iter().map(|agent| vantage(facts, probe, agent, span)).collect();
    probe_timeline(&vantages.iter().collect::<Vec<_>>(), probe.quorum, span)
}

fn service_states(facts: Facts<'_>, name: &str, span: Interval) -> ServiceTimeline {
    let service = service(facts.scenario, name);
    let formula = &service.structure.formula;
    let timeline = |leaf: &ProbeId| probe_states(facts, probe_of(facts.scenario, leaf.child.as_str()), span);
    let probes = formula.leaves().iter().map(|leaf| (leaf.clone(), timeline(leaf))).collect();
    service_timeline(formula, &probes, span)
}

const fn window_kind(of: Kind) -> model::WindowKind {
    match of {
        Kind::Span(start, end) => {
            model::WindowKind::Stretch { start: Instant::from_ms(start), end: Instant::from_ms(end) }
        }
        Kind::Day => model::WindowKind::Day,
        Kind::Week => model::WindowKind::Week,
        Kind::Month => model::WindowKind::Month,
        Kind::Quarter => model::WindowKind::Quarter,
        Kind::Year => model::WindowKind::Year,
        Kind::Rolling(length_ms) => model::WindowKind::Rolling { length_ms },
    }
}

fn plain(of: &uphold_common::measure::target::Figure) -> Figures {
    let a = &of.availability;
    let Kinds { not_agreed, maintenance, excluded, up, degraded, down, unmeasured } = of.account.kinds;
    Figures {
        kinds: [not_agreed, maintenance, excluded, up, degraded, down, unmeasured],
        committed: a.committed,
        unmeasured: a.unmeasured,
        down: a.down,
        degraded: a.degraded,
        counted: a.counted,
        lost: a.lost,
        availability: fraction(a.ratio),
        availability_min: fraction(a.ratio_min),
        availability_max: fraction(a.ratio_max),
        coverage: fraction(a.coverage),
        met: met(a.verdict),
        not_proven: a.not_proven,
        breaks: of.breaks.all.iter().map(|b| (b.start.as_ms(), b.end.as_ms(), b.committed_ms)).collect(),
        mtrs: fraction(of.breaks.mtrs()),
        mtbf: fraction(of.breaks.mtbf()),
        mtbsi: fraction(of.breaks.mtbsi()),
        counted_whole: of.budget.whole_ms,
        budget: of.budget.budget_ms,
        remaining: of.budget.remaining_ms,
    }
}

pub(super) const fn met(verdict: Verdict) -> Option<bool> {
    match verdict {
        Verdict::Met => Some(true),
        Verdict::Breached => Some(false),
        Verdict::NoData => None,
    }
}

fn fraction(ratio: Option<Ratio>) -> Option<(i128, i128)> {
    ratio.map(|r| (r.numerator().into(), r.denominator().into()))
}

fn observation(seen: &super::Arrival) -> Observation {
    let outcome = match seen.out {
        Out::Up => Outcome::Up,
        Out::Degraded => Outcome::Degraded,
        Out::Down => Outcome::Down,
        Out::Unknown => Outcome::Unknown,
    };
    let total = seen.us.map_or(Micros::NONE, Micros::new);
    let (at, phases) = (Instant::from_ms(seen.at), Phases::default());
    Observation { at, outcome, cause: Cause::None, code: 0, total, phases }
}

const fn state(state: State) -> St {
    match state {
        State::Up => St::Up,
        State::Degraded => St::Degraded,
        State::Unmeasured => St::Unmeasured,
        State::Down => St::Down,
    }
}

fn interval((from, to): Span) -> Interval {
    Interval::new(Instant::from_ms(from), Instant::from_ms(to))
}

pub(super) fn id(name: &str) -> Id {
    Id::new(name).expect("a name that the catalogue could hold")
}

fn probe_of<'a>(scenario: &'a Scenario, name: &str) -> &'a Probe {
    scenario.probes.iter().find(|p| p.name == name).expect("a known probe")
}

fn service_of<'a>(scenario: &'a Scenario, name: &str) -> &'a Service {
    scenario.services.iter().find(|s| s.name == name).expect("a known service")
}

fn service(scenario: &Scenario, name: &str) -> model::Service {
    let (mut services, mut left) = (BTreeMap::new(), vec![id(name)]);
    while let Some(next) = left.pop() {
        let service = unlinked(scenario, service_of(scenario, next.as_str()));
        let unknown = |below: &&Id| !services.contains_key(*below);
        left.extend(service.built_on().into_iter().filter(unknown).cloned());
        services.insert(next, service);
    }
    formula::link(&mut services).expect("services that can be measured");
    services.remove(&id(name)).expect("a known service")
}

fn unlinked(scenario: &Scenario, service: &Service) -> model::Service {
    let own = scenario.probes.iter().filter(|p| p.service == service.name);
    model::Service {
        id: id(&service.name),
        name: service.name.clone(),
        outcome: None,
        owner: None,
        customers: Vec::new(),
        criticality: model::Criticality::Medium,
        since: service.since.map(Instant::from_ms),
        time_zone: scenario.clock.zone.clone(),
        calendar: None,
        weight: None,
        probes: own.map(|p| (id(&p.name), Arc::new(probe(p)))).collect(),
        available_when: expression(&service.expr),
        structure: model::Structure::default(),
    }
}

fn expression(of: &Expr) -> model::Expression {
    let all = |operands: &[Expr]| operands.iter().map(expression).collect();
    match of {
        Expr::Probe(name) => model::Expression::Probe(id(name)),
        Expr::Service(name) => model::Expression::Service(id(name)),
        Expr::All(operands) => model::Expression::all(all(operands)),
        Expr::Any(operands) => model::Expression::any(all(operands)),
        Expr::AtLeast(k, operands) => model::Expression::AtLeast { count: *k as usize, of: all(operands) },
    }
}

fn probe(probe: &Probe) -> model::Probe {
    model::Probe {
        id: uphold_common::ids::ProbeId::new(id(&probe.service), id(&probe.name)),
        component: None,
        agents: probe.agents.iter().map(|agent| id(agent)).collect(),
        interval_ms: probe.interval_ms,
        timeout_ms: probe.timeout_ms,
        stale_after_ms: probe.stale_after_ms,
        fall: probe.fall,
        rise: probe.rise,
        quorum: probe.quorum,
        slow_after_ms: None,
        check: Check::Tcp(TcpCheck { address: "192.0.2.1:443".to_owned() }),
    }
}
