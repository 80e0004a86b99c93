//! Scenarios measured by the reference.
//!
//! The reference asks at every tick, so a tick is made as long as the scenario allows: the greatest length that
//! divides every time in it.

use std::cell::RefCell;

use super::{Alert, Responses, Window};
use super::{Expr, Facts, Measured, Measurer, Probe, Response, Scenario, Service, Span, St, Stretch, Subject, Target};
use crate::reference::burn::{Past, defaults};
use crate::reference::committed::{Figure, Mark, Terms, Work, agreed_ticks};
use crate::reference::figures::{self, Ask};
use crate::reference::judged;
use crate::reference::service::Expr as Naive;
use crate::reference::timeline::{probe_states, settled, vantage_states};
use crate::reference::{Seen, Settings, common_measure, response};

/// The rules, instant by instant.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reference;

impl Measurer for Reference {
    fn name(&self) -> &'static str {
        "the reference"
    }

    fn states(&self, facts: Facts<'_>, subject: &Subject, span: Span) -> Vec<Stretch> {
        let ticks = Ticks::new(facts, span, None);
        let states = match subject {
            Subject::Vantage(probe, agent) => ticks.vantage(ticks.probe_of(probe), agent),
            Subject::Probe(probe) => ticks.probe(ticks.probe_of(probe)),
            Subject::Service(service) => ticks.service(service),
        };
        stretches(span, ticks.ms, &states)
    }

    fn figures(&self, facts: Facts<'_>, target: &Target) -> Measured {
        let window = target.span(facts.scenario, facts.now);
        let ticks = Ticks::new(facts, window, Some(target));
        if let Some(wanted) = &target.response {
            return Measured { response: Some(ticks.responses(target, wanted)), ..Measured::default() };
        }
        let ask = ticks.ask(target, ticks.span);
        let naive = ticks.expression(&target.service);
        let wanted = leaves(&naive);
        let probes = ticks.probe_states(&wanted);
        let states = ticks.service_states(&naive, &probes);
        let told = |figure| figures::figures(&Ask { figure, ..ask.clone() }, &states);
        let contractual = told(Figure::Contractual);
        let leaf = |id: &str, t: i64| state_of(&probes, id, t - ticks.span.0);
        let is_closed = facts.now >= window.1 && !matches!(target.window, Window::Rolling(_));
        Measured {
            without_exclusions: told(Figure::WithoutExclusions),
            experienced: told(Figure::Experienced),
            charges: figures::charges(&ask, &naive, &states, &leaf),
            breaks: judged::breaks(&target.breaks, &contractual),
            alerts: ticks.alerts(target, window, &wanted),
            response: None,
            credit: judged::credit(&target.credits, &contractual, is_closed),
            figures: contractual,
        }
    }
}

/// A question in ticks.
struct Ticks<'a> {
    facts: Facts<'a>,
    ms: i64,
    span: Span,
}

impl<'a> Ticks<'a> {
    fn new(facts: Facts<'a>, span: Span, target: Option<&Target>) -> Self {
        let scenario = facts.scenario;
        let times = scenario.arrivals.iter().map(|a| a.at).chain(scenario.probes.iter().map(|p| p.stale_after_ms));
        let entries = scenario.services.iter().filter_map(|s| s.since);
        let works = scenario.maintenance.iter().flat_map(|m| [m.span.0, m.span.1, m.announced]);
        let exclusions = scenario.exclusions.iter().flat_map(|x| [x.span.0, x.span.1]);
        // Clocks are set, and hours open and close, at whole minutes.
        let minutes = (!scenario.calendars.is_empty()).then_some(60_000);
        let lengths = target.into_iter().flat_map(|t| [t.min_notice_ms, t.allowance_ms.unwrap_or(0)]);
        let measure = times
            .chain(entries)
            .chain(works)
            .chain(exclusions)
            .chain(minutes)
            .chain(lengths)
            .chain([span.0, span.1, facts.now])
            .fold(0, |measure, time| common_measure(measure, i128::from(time)));
        let ms = i64::try_from(measure).unwrap_or(1).max(1);
        Self { facts, ms, span: (span.0.div_euclid(ms), span.1.div_euclid(ms)) }
    }

    /// The same ticks over another span, which may begin and end inside one.
    const fn over(&self, span: Span) -> Self {
        Self { span, ..*self }
    }

    fn count(&self) -> usize {
        usize::try_from(self.span.1 - self.span.0).unwrap_or(0)
    }

    fn probe_of(&self, name: &str) -> &'a Probe {
        self.facts.scenario.probes.iter().find(|p| p.name == name).expect("a known probe")
    }

    fn service_of(&self, name: &str) -> &'a Service {
        self.facts.scenario.services.iter().find(|s| s.name == name).expect("a known service")
    }

    fn seen(&self, probe: &Probe, agent: &str) -> Vec<Seen> {
        let arrived = self.facts.arrived().filter(|a| a.probe == probe.name && a.agent == agent);
        arrived.map(|a| Seen { at: a.at / self.ms, out: a.out, us: a.us }).collect()
    }

    fn vantage(&self, probe: &Probe, agent: &str) -> Vec<St> {
        let (fall, rise) = (probe.fall as usize, probe.rise as usize);
        let settings = Settings { from: 0, reach: probe.stale_after_ms / self.ms, fall, rise };
        vantage_states(&self.seen(probe, agent), &[settings], self.facts.now / self.ms, self.span)
    }

    fn probe(&self, probe: &Probe) -> Vec<St> {
        let vantages: Vec<Vec<St>> = probe.agents.iter().map(|agent| self.vantage(probe, agent)).collect();
        probe_states(&vantages, probe.quorum.map(|k| k as usize), self.count())
    }

    fn probes(&self, ids: &[String]) -> impl Iterator<Item = &'a Probe> {
        self.facts.scenario.probes.iter().filter(move |p| ids.contains(&p.id()))
    }

    fn expression(&self, service: &str) -> Naive {
        naive(self.facts.scenario, &self.service_of(service).expr)
    }

    fn service(&self, name: &str) -> Vec<St> {
        let naive = self.expression(name);
        self.service_states(&naive, &self.probe_states(&leaves(&naive)))
    }

    fn probe_states(&self, ids: &[String]) -> Vec<(String, Vec<St>)> {
        self.probes(ids).map(|p| (p.id(), self.probe(p))).collect()
    }

    fn service_states(&self, naive: &Naive, probes: &[(String, Vec<St>)]) -> Vec<St> {
        let mut last: Option<(Vec<St>, St)> = None;
        let mut all = Vec::new();
        for t in 0..self.count() {
            let seen: Vec<St> = probes.iter().filter_map(|(_, states)| states.get(t).copied()).collect();
            // What the same states came to one tick before need not be asked again.
            let state = match last {
                Some((before, state)) if before == seen => state,
                _ => naive.state(&|id| state_of(probes, id, t as i64)),
            };
            all.push(state);
            last = Some((seen, state));
        }
        all
    }

    /// What a target asks, of a window in ticks; its terms reach over `around` as well.
    fn ask(&self, target: &Target, around: Span) -> Ask {
        let service = self.service_of(&target.service);
        let ticks = |ms: i64| ms.div_euclid(self.ms);
        let calendar = target.calendar.as_ref().or(service.calendar.as_ref());
        let calendar = calendar.and_then(|name| self.facts.scenario.calendars.get(name));
        let works = self.facts.maintenance(&service.name);
        let exclusions = self.facts.exclusions(target);
        let terms = Terms {
            entry: service.since.map_or(i64::MIN, ticks),
            agreed: calendar.map(|calendar| agreed_ticks(calendar, around, self.ms)),
            maintenance: works
                .map(|m| Work { start: ticks(m.span.0), end: ticks(m.span.1), announced: ticks(m.announced) })
                .collect(),
            min_notice: ticks(target.min_notice_ms),
            allowance: target.allowance_ms.map(ticks),
            exclusions: exclusions.map(|x| (ticks(x.span.0), ticks(x.span.1))).collect(),
        };
        Ask {
            window: self.span,
            now: ticks(self.facts.now),
            terms,
            figure: Figure::Contractual,
            degraded_is_lost: target.degraded_is_lost,
            unmeasured: target.unmeasured,
            target_ppb: target.ppb,
            tick_ms: self.ms,
        }
    }

    fn responses(&self, target: &Target, wanted: &Response) -> Responses {
        let ask = self.ask(target, self.span);
        let marks = ask.terms.marks(ask.window, Figure::Contractual);
        let committed =
            |t: i64| usize::try_from(t - ask.window.0).ok().and_then(|t| marks.get(t)) == Some(&Mark::Committed);
        let probe = self.probe_of(&wanted.probe);
        let vantages = probe.agents.iter().map(|agent| settled(&self.seen(probe, agent), ask.now)).collect::<Vec<_>>();
        response::response(&vantages, &committed, wanted.wanted, wanted.below_us)
    }

    /// What the target's rules come to; before a window that is a span there is no other one to look back into.
    fn alerts(&self, target: &Target, window: Span, leaves: &[String]) -> Vec<Alert> {
        if matches!(target.window, Window::Span(..)) {
            return Vec::new();
        }
        // A look-back ends where the window is measured to, so that a closed one stays as it is.
        let now_ms = self.facts.now.clamp(window.0, window.1);
        let rules = target.alerts.clone().unwrap_or_else(|| defaults(window.1 - window.0, target.ppb));
        let longest = rules.iter().map(|rule| rule.long.max(rule.short)).max().unwrap_or(0);
        let back = self.over(((now_ms - longest).div_euclid(self.ms), now_ms.div_euclid(self.ms)));
        let states = back.service(&target.service);
        let state_of = |t: i64| usize::try_from(t - back.span.0).ok().and_then(|t| states.get(t).copied());
        let window_of = |t: i64, back_ms: i64| {
            let window = match target.window {
                Window::Rolling(length) => (now_ms - length.max(back_ms), now_ms),
                window => window.holding(&self.facts.scenario.clock.zone, t * self.ms, now_ms),
            };
            (window.0.div_euclid(self.ms), window.1.div_euclid(self.ms))
        };
        let first = window_of(back.span.0, longest).0;
        let ask = self.ask(target, (first.min(self.span.0), self.span.1));
        let now = ask.now;
        let seen: Vec<_> = self
            .probes(leaves)
            .flat_map(|p| p.agents.iter().map(move |agent| (p, agent)))
            .map(|(p, agent)| settled(&self.seen(p, agent), now))
            .collect();
        let state_of = |t: i64| state_of(t).unwrap_or(St::Unmeasured);
        let past = Past {
            ask: &ask,
            now_ms,
            window_of: &window_of,
            state_of: &state_of,
            seen: &seen,
            marks: RefCell::default(),
        };
        rules.into_iter().map(|rule| past.judge(rule, target.min_bad)).collect()
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
    use crate::scenario::read;

    #[test]
    fn a_service_without_an_entry_was_there_before_the_epoch() {
        let scenario = read("probe web every 60s from 08:00 up\nservice shop = all web\n").unwrap();
        let target = Target::new("gold", "shop", 0, (-60_000, 60_000));
        let told = Reference.figures(Facts { scenario: &scenario, now: 120_000 }, &target).figures;
        assert_eq!((told.kinds[0], told.unmeasured), (0, 120_000));
    }
}
