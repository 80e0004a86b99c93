//! The versions of a scenario's catalogue as the core takes them up: each a whole catalogue.

use std::sync::{Arc, LazyLock};

use uphold_common::catalogue::course::Courses;
use uphold_common::catalogue::{self, formula, model};
use uphold_common::ids::{ProbeId, TargetId};
use uphold_common::time::Instant;
use uphold_common::wire::check::{Check, TcpCheck};

use super::by_core::{id, window_kind};
use super::core_terms::checked;
use super::{Catalogue, Expr, Facts, Probe, Scenario, Service, Target, core_promises};

/// What services and targets were through the versions on record by now. The target that is asked has its own window, and
/// is there if no version knows it.
pub(super) fn courses(facts: Facts<'_>, asked: Option<&Target>) -> Courses {
    let mut courses = Courses::default();
    let is_known = |asked: &Target| facts.versions().any(|(_, known)| known.target(&asked.name).is_some());
    let unknown = asked.filter(|asked| !is_known(asked));
    let mut whole = FRAME.clone();
    for (number, (from, known)) in (1..).zip(facts.versions()) {
        let services =
            known.services.iter().map(|service| (id(&service.name), unlinked(facts.scenario, known, service)));
        whole.services = services.collect();
        formula::link(&mut whole.services).expect("services that can be measured");
        let in_window = |target: &Target| match asked.filter(|asked| asked.name == target.name) {
            Some(asked) => Target { window: asked.window, at: asked.at, ..target.clone() },
            None => target.clone(),
        };
        let targets = known.targets.iter().chain(unknown).map(|target| promised(facts.scenario, &in_window(target)));
        whole.targets = targets.map(|target| (target.id.clone(), target)).collect();
        let from = if number == 1 { Instant::MIN } else { Instant::from_ms(from) };
        courses.take_up(&whole, number, from);
    }
    courses
}

/// A catalogue whose services and targets make room for those of each version.
static FRAME: LazyLock<model::Catalogue> = LazyLock::new(|| {
    let text = "organisation: { name: Example, time_zone: UTC }\n\
                services: [{ id: s, name: S, probes: [{ id: p, agents: [a], interval: 1m, timeout: 1s, tcp: { address: '192.0.2.1:1' } }] }]\n";
    catalogue::read(&[("scenario.yaml", text)]).expect("a sound catalogue")
});

/// The full name of a probe.
pub(super) fn probe_id(scenario: &Scenario, name: &str) -> ProbeId {
    let probe = scenario.probes.iter().find(|p| p.name == name).expect("a known probe");
    ProbeId::new(id(&probe.service), id(&probe.name))
}

/// The full name of a target.
pub(super) fn target_id(name: &str) -> TargetId {
    TargetId::new(id("scenario"), id(name))
}

fn promised(scenario: &Scenario, target: &Target) -> model::Target {
    let calendar = target.calendar.as_ref().and_then(|name| scenario.calendars.get(name));
    let promise = match &target.response {
        Some(wanted) => model::Promise::Response(core_promises::response(wanted)),
        None => model::Promise::Availability(core_promises::availability(target)),
    };
    model::Target {
        id: target_id(&target.name),
        kind: model::AgreementKind::Sla,
        party: id("customer"),
        service: id(&target.service),
        window: window_kind(target.window),
        calendar: calendar.map(|calendar| Arc::new(checked(calendar))),
        maintenance: model::MaintenanceRules { min_notice_ms: target.min_notice_ms, allowance_ms: target.allowance_ms },
        effective: if target.immediate { model::Effective::Immediate } else { model::Effective::NextWindow },
        promise,
        consequences: core_promises::consequences(target),
    }
}

fn unlinked(scenario: &Scenario, known: Catalogue<'_>, service: &Service) -> model::Service {
    let calendar = service.calendar.as_ref().and_then(|name| scenario.calendars.get(name));
    let own = known.probes.iter().filter(|p| p.service == service.name);
    model::Service {
        id: id(&service.name),
        name: service.name.clone(),
        outcome: None,
        owner: None,
        customers: Vec::new(),
        criticality: model::Criticality::Medium,
        since: service.since.map(Instant::from_ms),
        time_zone: scenario.clock.zone.clone(),
        calendar: calendar.map(|calendar| Arc::new(checked(calendar))),
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
        id: ProbeId::new(id(&probe.service), id(&probe.name)),
        component: None,
        agents: probe.agents.iter().map(|agent| id(agent)).collect(),
        interval_ms: probe.interval_ms,
        timeout_ms: probe.timeout_ms,
        stale_after_ms: probe.stale_after_ms,
        fall: probe.fall,
        rise: probe.rise,
        quorum: probe.quorum,
        slow_after_ms: None,
        confirm_after_ms: None,
        check: Check::Tcp(TcpCheck { address: "192.0.2.1:443".to_owned(), ..TcpCheck::default() }),
    }
}
