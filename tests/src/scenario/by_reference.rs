//! Scenarios measured by the reference.
//!
//! The reference asks at every tick, so a tick is made as long as the scenario allows: the greatest length that
//! divides every time in it.

use super::{Expr, Facts, Measured, Measurer, Probe, Scenario, Span, St, Stretch, Subject, Target};
use crate::reference::figures::{self, Ask};
use crate::reference::service::Expr as Naive;
use crate::reference::timeline::{probe_states, vantage_states};
use crate::reference::{Seen, Settings, common_measure};

/// The rules, instant by instant.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reference;

impl Measurer for Reference {
    fn name(&self) -> &'static str {
        "the reference"
    }

    fn states(&self, facts: Facts<'_>, subject: &Subject, span: Span) -> Vec<Stretch> {
        let ticks = Ticks::new(facts, span);
        let states = match subject {
            Subject::Vantage(probe, agent) => ticks.vantage(ticks.probe_of(probe), agent),
            Subject::Probe(probe) => ticks.probe(ticks.probe_of(probe)),
            Subject::Service(service) => ticks.service(service),
        };
        stretches(span, ticks.ms, &states)
    }

    fn figures(&self, facts: Facts<'_>, target: &Target) -> Measured {
        let ticks = Ticks::new(facts, target.window);
        let service = facts.scenario.services.iter().find(|s| s.name == target.service).expect("a known service");
        let ask = Ask {
            window: ticks.span,
            entry: service.since.map_or(i64::MIN, |since| since.div_euclid(ticks.ms)),
            now: facts.now.div_euclid(ticks.ms),
            degraded_is_lost: target.degraded_is_lost,
            unmeasured: target.unmeasured,
            target_ppb: target.ppb,
            tick_ms: ticks.ms,
            ..Ask::default()
        };
        let states = ticks.service(&target.service);
        let naive = naive(facts.scenario, &service.expr);
        let probes: Vec<(String, Vec<St>)> = facts
            .scenario
            .probes
            .iter()
            .map(|p| (p.id(), p))
            .map(|(id, p)| {
                let wanted = leaves(&naive).contains(&id);
                (id, if wanted { ticks.probe(p) } else { Vec::new() })
            })
            .collect();
        let leaf = |id: &str, t: i64| state_of(&probes, id, t - ticks.span.0);
        Measured { figures: figures::figures(&ask, &states), charges: figures::charges(&ask, &naive, &leaf) }
    }
}

/// A question in ticks.
struct Ticks<'a> {
    facts: Facts<'a>,
    ms: i64,
    span: Span,
}

impl<'a> Ticks<'a> {
    fn new(facts: Facts<'a>, span: Span) -> Self {
        let scenario = facts.scenario;
        let times = scenario.arrivals.iter().map(|a| a.at).chain(scenario.probes.iter().map(|p| p.stale_after_ms));
        let entries = scenario.services.iter().filter_map(|s| s.since);
        let measure = times
            .chain(entries)
            .chain([span.0, span.1, facts.now])
            .fold(0, |measure, time| common_measure(measure, i128::from(time)));
        let ms = i64::try_from(measure).unwrap_or(1).max(1);
        Self { facts, ms, span: (span.0 / ms, span.1 / ms) }
    }

    fn count(&self) -> usize {
        usize::try_from(self.span.1 - self.span.0).unwrap_or(0)
    }

    fn probe_of(&self, name: &str) -> &'a Probe {
        self.facts.scenario.probes.iter().find(|p| p.name == name).expect("a known probe")
    }

    fn vantage(&self, probe: &Probe, agent: &str) -> Vec<St> {
        let arrived = self.facts.arrived().filter(|a| a.probe == probe.name && a.agent == agent);
        let seen: Vec<Seen> = arrived.map(|a| Seen::new(a.at / self.ms, a.out)).collect();
        let (fall, rise) = (probe.fall as usize, probe.rise as usize);
        let settings = Settings { from: 0, reach: probe.stale_after_ms / self.ms, fall, rise };
        vantage_states(&seen, &[settings], self.facts.now / self.ms, self.span)
    }

    fn probe(&self, probe: &Probe) -> Vec<St> {
        let vantages: Vec<Vec<St>> = probe.agents.iter().map(|agent| self.vantage(probe, agent)).collect();
        probe_states(&vantages, probe.quorum.map(|k| k as usize), self.count())
    }

    fn service(&self, name: &str) -> Vec<St> {
        let scenario = self.facts.scenario;
        let service = scenario.services.iter().find(|s| s.name == name).expect("a known service");
        let naive = naive(scenario, &service.expr);
        let ids = leaves(&naive);
        let wanted = scenario.probes.iter().filter(|p| ids.contains(&p.id()));
        let probes: Vec<(String, Vec<St>)> = wanted.map(|p| (p.id(), self.probe(p))).collect();
        (0..self.count() as i64).map(|t| naive.state(&|id| state_of(&probes, id, t))).collect()
    }
}

fn state_of(probes: &[(String, Vec<St>)], id: &str, tick: i64) -> St {
    let states = probes.iter().find(|(known, _)| known == id).map(|(_, states)| states);
    usize::try_from(tick).ok().and_then(|t| states?.get(t).copied()).unwrap_or(St::Unmeasured)
}

/// The expression with each service in it replaced by its own.
fn naive(scenario: &Scenario, expr: &Expr) -> Naive {
    let below = |operands: &[Expr]| operands.iter().map(|o| naive(scenario, o)).collect::<Vec<_>>();
    match expr {
        Expr::Probe(name) => {
            let probe = scenario.probes.iter().find(|p| p.name == *name).expect("a known probe");
            Naive::Leaf(probe.id())
        }
        Expr::Service(name) => {
            let service = scenario.services.iter().find(|s| s.name == *name).expect("a known service");
            naive(scenario, &service.expr)
        }
        Expr::All(operands) => Naive::all(below(operands)),
        Expr::Any(operands) => Naive::any(below(operands)),
        Expr::AtLeast(k, operands) => Naive::AtLeast(*k as usize, below(operands)),
    }
}

fn leaves(expr: &Naive) -> Vec<String> {
    match expr {
        Naive::Leaf(id) => vec![id.clone()],
        Naive::AtLeast(_, operands) => operands.iter().flat_map(leaves).collect(),
    }
}

/// Ticks of one state put together.
fn stretches(span: Span, tick_ms: i64, states: &[St]) -> Vec<Stretch> {
    let mut all: Vec<Stretch> = Vec::new();
    for (from, state) in (span.0..).step_by(usize::try_from(tick_ms).unwrap_or(1)).zip(states) {
        match all.last_mut() {
            Some(last) if last.2 == *state => last.1 = from + tick_ms,
            _ => all.push((from, from + tick_ms, *state)),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Unmeasured, read};

    #[test]
    fn a_service_without_an_entry_was_there_before_the_epoch() {
        let scenario = read("probe web every 60s from 08:00 up\nservice shop = all web\n").unwrap();
        let target = Target {
            name: "gold".to_owned(),
            service: "shop".to_owned(),
            ppb: 0,
            decimals: 2,
            window: (-60_000, 60_000),
            unmeasured: Unmeasured::Exclude,
            degraded_is_lost: false,
        };
        let told = Reference.figures(Facts { scenario: &scenario, now: 120_000 }, &target).figures;
        assert_eq!((told.kinds[0], told.unmeasured), (0, 120_000));
    }
}
