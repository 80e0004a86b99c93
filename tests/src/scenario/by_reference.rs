//! Scenarios measured by the reference.
//!
//! The reference asks at every tick, so a tick is made as long as the scenario allows: the greatest length that
//! divides every time in it.

use std::cell::RefCell;
use std::collections::BTreeSet;

use super::naive_versions::{Held, leaves, looked_at, naive};
use super::{Alert, Responses, Window};
use super::{Facts, Measured, Measurer, Probe, Response, Span, St, Stretch, Subject, Target};
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
            Subject::Vantage(probe, agent) => ticks.vantage(probe, agent),
            Subject::Probe(probe) => ticks.probe(probe),
            Subject::Service(service) => ticks.service(service),
        };
        stretches(span, ticks.ms, &states)
    }

    fn figures(&self, facts: Facts<'_>, target: &Target) -> Measured {
        let window = target.span(facts.scenario, facts.now);
        let ticks = Ticks::new(facts, window, Some(target));
        let rolls = matches!(target.window, Window::Rolling(_));
        let Some(held) = ticks.held.promised(target, window, facts.now) else {
            return Measured { gone: true, ..Measured::default() };
        };
        let target = &held;
        let settles = ticks.held.settles_ms(&target.service, window.1);
        let settled = !rolls && facts.now >= window.1 + settles;
        if let Some(wanted) = &target.response {
            return Measured { response: Some(ticks.responses(target, wanted)), settled, ..Measured::default() };
        }
        let ask = ticks.ask(target, ticks.span);
        let exprs = ticks.expressions(&target.service);
        let probes = ticks.probe_states(&exprs);
        let states = ticks.service_states(&exprs, &probes);
        let told = |figure| figures::figures(&Ask { figure, ..ask.clone() }, &states);
        let contractual = told(Figure::Contractual);
        let leaf = |id: &str, t: i64| state_of(&probes, id, t - ticks.span.0);
        let in_force = |t: i64| &exprs[ticks.held.place(t * ticks.ms)];
        let is_closed = facts.now >= window.1 && !rolls;
        Measured {
            without_exclusions: told(Figure::WithoutExclusions),
            experienced: told(Figure::Experienced),
            charges: figures::charges(&ask, &in_force, &states, &leaf),
            breaks: judged::breaks(&target.breaks, &contractual),
            alerts: ticks.alerts(target, window),
            response: None,
            credit: judged::credit(&target.credits, &contractual, is_closed),
            figures: contractual,
            settled,
            gone: false,
        }
    }
}

/// A question in ticks.
struct Ticks<'a> {
    facts: Facts<'a>,
    held: Held<'a>,
    ms: i64,
    span: Span,
}

impl<'a> Ticks<'a> {
    fn new(facts: Facts<'a>, span: Span, target: Option<&Target>) -> Self {
        let scenario = facts.scenario;
        let times = scenario.arrivals.iter().map(|a| a.at).chain(scenario.ever_probes().map(|p| p.stale_after_ms));
        let versions = scenario.versions.iter().map(|version| version.from);
        let entries = scenario.services.iter().filter_map(|s| s.since);
        let works = scenario.maintenance.iter().flat_map(|m| [m.span.0, m.span.1, m.announced]);
        let exclusions = scenario.exclusions.iter().flat_map(|x| [x.span.0, x.span.1]);
        // Clocks are set, and hours open and close, at whole minutes.
        let minutes = (!scenario.calendars.is_empty()).then_some(60_000);
        let promised = scenario.versions.iter().flat_map(|version| &version.targets);
        let promised = promised.chain(target).filter(|t| target.is_some_and(|asked| asked.name == t.name));
        let lengths = promised.flat_map(|t| [t.min_notice_ms, t.allowance_ms.unwrap_or(0)]);
        let measure = times
            .chain(versions)
            .chain(entries)
            .chain(works)
            .chain(exclusions)
            .chain(minutes)
            .chain(lengths)
            .chain([span.0, span.1, facts.now])
            .fold(0, |measure, time| common_measure(measure, i128::from(time)));
        let ms = i64::try_from(measure).unwrap_or(1).max(1);
        Self { facts, held: Held::of(facts), ms, span: (span.0.div_euclid(ms), span.1.div_euclid(ms)) }
    }

    /// The same ticks over another span, which may begin and end inside one.
    fn over(&self, span: Span) -> Self {
        Self { span, held: self.held.clone(), ..*self }
    }

    fn count(&self) -> usize {
        usize::try_from(self.span.1 - self.span.0).unwrap_or(0)
    }

    fn seen(&self, probe: &str, agent: &str) -> Vec<Seen> {
        let arrived = self.facts.arrived().filter(|a| a.probe == probe && a.agent == agent);
        arrived.map(|a| Seen { at: a.at / self.ms, out: a.out, us: a.us }).collect()
    }

    fn vantage(&self, probe: &str, agent: &str) -> Vec<St> {
        let of_version = |(from, probe): (i64, &Probe)| Settings {
            from: from.div_euclid(self.ms),
            reach: probe.stale_after_ms / self.ms,
            fall: probe.fall as usize,
            rise: probe.rise as usize,
        };
        let settings: Vec<Settings> = self.held.probe(probe).map(of_version).collect();
        vantage_states(&self.seen(probe, agent), &settings, self.facts.now / self.ms, self.span)
    }

    /// At each tick by who is assigned at it, and by the quorum in force at it.
    fn probe(&self, name: &str) -> Vec<St> {
        let vantages: Vec<(String, Vec<St>)> =
            self.held.agents(name).into_iter().map(|agent| (agent.clone(), self.vantage(name, &agent))).collect();
        let state = |t: i64| {
            let Some(probe) = self.held.at(t * self.ms).probe(name) else { return St::Unmeasured };
            let place = usize::try_from(t - self.span.0).unwrap_or(0);
            let assigned = vantages.iter().filter(|(agent, _)| probe.agents.contains(agent));
            let states: Vec<Vec<St>> = assigned.map(|(_, states)| vec![states[place]]).collect();
            probe_states(&states, probe.quorum.map(|k| k as usize), 1)[0]
        };
        (self.span.0..self.span.1).map(state).collect()
    }

    /// The expression of a service in each version.
    fn expressions(&self, service: &str) -> Vec<Naive> {
        self.held.all().iter().map(|(_, known)| naive(known, service)).collect()
    }

    fn service(&self, name: &str) -> Vec<St> {
        let exprs = self.expressions(name);
        self.service_states(&exprs, &self.probe_states(&exprs))
    }

    /// The states of all probes that any of the expressions looks at.
    fn probe_states(&self, exprs: &[Naive]) -> Vec<(String, Vec<St>)> {
        let ids: BTreeSet<String> = exprs.iter().flat_map(leaves).collect();
        let probes: BTreeSet<(String, &str)> =
            self.facts.scenario.ever_probes().map(|p| (p.id(), p.name.as_str())).collect();
        let wanted = probes.into_iter().filter(|(id, _)| ids.contains(id));
        wanted.map(|(id, name)| (id, self.probe(name))).collect()
    }

    fn service_states(&self, exprs: &[Naive], probes: &[(String, Vec<St>)]) -> Vec<St> {
        let mut last: Option<(usize, Vec<St>, St)> = None;
        let mut all = Vec::new();
        for t in 0..self.count() {
            let seen: Vec<St> = probes.iter().filter_map(|(_, states)| states.get(t).copied()).collect();
            // What the same states came to one tick before need not be asked again.
            let place = self.held.place((self.span.0 + t as i64) * self.ms);
            let state = match last {
                Some((same, before, state)) if same == place && before == seen => state,
                _ => exprs[place].state(&|id| state_of(probes, id, t as i64)),
            };
            all.push(state);
            last = Some((place, seen, state));
        }
        all
    }

    /// What a target asks, of a window in ticks; its terms reach over `around` as well.
    fn ask(&self, target: &Target, around: Span) -> Ask {
        let ticks = |ms: i64| ms.div_euclid(self.ms);
        let since = self.held.all()[0].1.service(&target.service).and_then(|service| service.since);
        let works = self.facts.maintenance(&target.service);
        let exclusions = self.facts.exclusions(&target.service, &target.name);
        let terms = Terms {
            entry: since.map_or(i64::MIN, ticks),
            agreed: Some(self.agreed(target, around)),
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

    /// The agreed stretches: by the target's calendar, else by that of the service in force at each instant.
    fn agreed(&self, target: &Target, around: Span) -> Vec<Span> {
        let calendars = &self.facts.scenario.calendars;
        let by = |name: &Option<String>, around: Span| match name.as_ref().and_then(|name| calendars.get(name)) {
            Some(calendar) => agreed_ticks(calendar, around, self.ms),
            None => vec![around],
        };
        if target.calendar.is_some() {
            return by(&target.calendar, around);
        }
        let mut all = Vec::new();
        for (part, known) in self.held.parts() {
            let part = (part.0.div_euclid(self.ms).max(around.0), part.1.div_euclid(self.ms).min(around.1));
            let calendar = known.service(&target.service).and_then(|service| service.calendar.clone());
            let stretches = by(&calendar, around).into_iter();
            all.extend(stretches.map(|(from, to)| (from.max(part.0), to.min(part.1))).filter(|(from, to)| from < to));
        }
        all
    }

    /// What an agent saw of a probe while it was assigned to it, and the probe one of the service's.
    fn assigned(&self, service: &str, probe: &str, agent: &str) -> Vec<Seen> {
        let all = settled(&self.seen(probe, agent), self.facts.now.div_euclid(self.ms));
        let counts = |one: &Seen| {
            let known = self.held.at(one.at * self.ms);
            let assigned = known.probe(probe).is_some_and(|p| p.agents.iter().any(|a| a == agent));
            assigned && looked_at(known, service).iter().any(|p| p.name == probe)
        };
        all.into_iter().filter(counts).collect()
    }

    fn responses(&self, target: &Target, wanted: &Response) -> Responses {
        let ask = self.ask(target, self.span);
        let marks = ask.terms.marks(ask.window, Figure::Contractual);
        let committed =
            |t: i64| usize::try_from(t - ask.window.0).ok().and_then(|t| marks.get(t)) == Some(&Mark::Committed);
        let agents = self.held.agents(&wanted.probe).into_iter();
        let vantages: Vec<Vec<Seen>> =
            agents.map(|agent| self.assigned(&target.service, &wanted.probe, &agent)).collect();
        response::response(&vantages, &committed, wanted.wanted, wanted.below_us)
    }

    /// What the target's rules come to; before a window that is a span there is no other one to look back into.
    fn alerts(&self, target: &Target, window: Span) -> Vec<Alert> {
        if matches!(target.window, Window::Span(..)) {
            return Vec::new();
        }
        // A look-back ends where the window is measured to, so that a closed one stays as it is; at the start of one that
        // has not begun.
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
        // Each window by what was promised for it.
        let marks_of = |window: Span| {
            let in_ms = (window.0 * self.ms, window.1 * self.ms);
            let then = self.held.promised(target, in_ms, self.facts.now);
            self.ask(then.as_ref().unwrap_or(target), window).terms.marks(window, Figure::Contractual)
        };
        let probes: BTreeSet<&str> = self.facts.scenario.ever_probes().map(|p| p.name.as_str()).collect();
        let points = probes.iter().flat_map(|p| self.held.agents(p).into_iter().map(move |agent| (p, agent)));
        let seen: Vec<_> = points.map(|(p, agent)| self.assigned(&target.service, p, &agent)).collect();
        let state_of = |t: i64| state_of(t).unwrap_or(St::Unmeasured);
        let past = Past {
            ask: &ask,
            now_ms,
            window_of: &window_of,
            marks_of: &marks_of,
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
