//! Scenarios measured by the core, `uphold_common::measure`: the code that users' figures come from.
//!
//! Nothing is rounded on the way: observations, rules and
//! windows go in as the scenario has them, even where no catalogue could be written so small.

use std::sync::Arc;

use uphold_common::catalogue::course::{Courses, ServiceCourse};
use uphold_common::catalogue::model;
use uphold_common::ids::{Id, ProbeId};
use uphold_common::measure::availability::Verdict;
use uphold_common::measure::burn::AlertFigures;
use uphold_common::measure::committed::Committed;
use uphold_common::measure::credit::credit;
use uphold_common::measure::figures::{self, Figures as Json};
use uphold_common::measure::kinds::Kinds;
use uphold_common::measure::probe::probe_timeline;
use uphold_common::measure::service::{ServiceTimeline, service_timeline};
use uphold_common::measure::target::{TargetFigures, settling_ms};
use uphold_common::measure::timeline::Timeline;
use uphold_common::measure::vantage::vantage_timeline;
use uphold_common::measure::window::Window;
use uphold_common::observation::{Cause, Micros, Observation, Outcome, Phases, State, settle_all};
use uphold_common::percent::Ratio;
use uphold_common::time::{Instant, Interval};

use super::core_versions::{courses, probe_id, target_id};
use super::{
    Facts, Figures, Measured, Measurer, Out, Span, St, Stretch, Subject, Target, Window as Kind, core_promises,
    core_terms,
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
        let courses = courses(facts, None);
        let timeline = match subject {
            Subject::Vantage(probe, agent) => vantage(facts, &courses, &probe_id(facts.scenario, probe), agent, span),
            Subject::Probe(probe) => probe_states(facts, &courses, &probe_id(facts.scenario, probe), span),
            Subject::Service(name) => service_states(facts, &courses, course(&courses, name), span).states,
        };
        let stretch = |s: &uphold_common::measure::timeline::Stretch| {
            (s.interval.start.as_ms(), s.interval.end.as_ms(), state(s.state))
        };
        timeline.stretches().iter().map(stretch).collect()
    }

    fn figures(&self, facts: Facts<'_>, target: &Target) -> Measured {
        let courses = courses(facts, Some(target));
        let Some(asked) = Asked::new(facts, &courses, target) else {
            return Measured { gone: true, ..Measured::default() };
        };
        if let model::Promise::Response(promise) = &asked.target.promise {
            let settled = asked.window.is_settled(settling_ms(asked.course, &asked.window));
            let response = core_promises::responses(facts, promise, &asked, settled);
            return Measured { response: Some(response), settled, ..Measured::default() };
        }
        let told = Told::new(facts, asked);
        let guilty = told.figures.charges.iter().filter(|(_, ms)| **ms != 0);
        let earned =
            credit(&told.asked.target.consequences.credits, &told.figures.availability, told.asked.window.is_open());
        Measured {
            without_exclusions: plain(&told.figures.without_exclusions),
            experienced: plain(&told.figures.experienced),
            figures: plain(&told.figures.contractual),
            charges: guilty.map(|(probe, ms)| (probe.to_string(), *ms)).collect(),
            breaks: told.figures.break_verdicts.iter().map(|(name, verdict)| (*name, met(*verdict))).collect(),
            alerts: told.alerts.iter().map(core_promises::told).collect(),
            response: None,
            credit: earned.map(|step| step.percent.parts()),
            settled: told.figures.settled,
            gone: false,
        }
    }
}

impl Core {
    /// The figures of `target` as users get them.
    pub fn json(facts: Facts<'_>, target: &Target) -> serde_json::Value {
        let courses = courses(facts, Some(target));
        let asked = Asked::new(facts, &courses, target).expect("a target that has not left");
        let Told { asked, seen, figures, alerts } = Told::new(facts, asked);
        let measured =
            figures::Measured::Availability { target: &asked.target, figures: &figures, seen: &seen, alerts: &alerts };
        let (service, now) = (asked.service, Instant::from_ms(facts.now));
        let told = Json::of((service, asked.course), 1, now, &[measured]);
        serde_json::to_value(told).unwrap_or_default()
    }
}

/// Of what a target is asked, and when.
pub(super) struct Asked<'a> {
    pub(super) courses: &'a Courses,
    pub(super) course: &'a ServiceCourse,
    /// As it is by the newest version.
    pub(super) service: &'a model::Service,
    /// As it holds for the window.
    pub(super) target: Arc<model::Target>,
    pub(super) window: Window,
    pub(super) committed: Committed,
}

impl<'a> Asked<'a> {
    /// None of a target that had left before its window began.
    fn new(facts: Facts<'_>, courses: &'a Courses, target: &Target) -> Option<Self> {
        let course = course(courses, &target.service);
        let service = &*course.newest().expect("a service has a version").service;
        let (at, as_of) = (Instant::from_ms(target.at), Instant::from_ms(facts.now));
        let (id, zone) = (target_id(&target.name), &service.time_zone);
        let window = |kind| Window::holding(kind, zone, at, as_of);
        courses.targets_of(&service.id, window).find(|known| **known == id)?;
        let (target, window) = courses.in_window(&id, zone, at, as_of)?;
        let committed = core_terms::committed(facts, course, &target, window.interval);
        Some(Self { courses, course, service, target, window, committed })
    }
}

/// When a service entered the catalogue; without an entry it was there before everything.
pub(super) fn entry(course: &ServiceCourse) -> Instant {
    course.newest().and_then(|piece| piece.service.since).unwrap_or(Instant::MIN)
}

/// Everything the core makes of a target on availability.
struct Told<'a> {
    asked: Asked<'a>,
    seen: ServiceTimeline,
    figures: TargetFigures,
    alerts: Vec<AlertFigures>,
}

impl<'a> Told<'a> {
    fn new(facts: Facts<'_>, asked: Asked<'a>) -> Self {
        let model::Promise::Availability(promise) = asked.target.promise else {
            unreachable!("scenarios promise availability or response times");
        };
        let rules = core_promises::rules(&asked.target, promise.share, asked.window);
        let alerting = core_promises::alerting(&rules, &asked, &promise);
        let elapsed = asked.window.elapsed();
        let from = alerting.longest().map_or(elapsed.start, |span| span.start.min(elapsed.start));
        let seen = service_states(facts, asked.courses, asked.course, Interval::new(from, elapsed.end));
        let figures = TargetFigures::measure(promise, asked.course, asked.window, &asked.committed, &seen);
        let alerts = core_promises::alerts(facts, &asked, &alerting, &seen);
        Self { asked, seen, figures, alerts }
    }
}

/// What counts of what an agent saw of a probe, in order.
pub(super) fn settled(facts: Facts<'_>, probe: &str, agent: &str) -> Vec<Observation> {
    let of_it = |a: &&super::Arrival| a.probe == probe && a.agent == agent && a.at < facts.now;
    let mut seen: Vec<Observation> = facts.arrived().filter(of_it).map(observation).collect();
    settle_all(&mut seen);
    seen
}

fn course<'a>(courses: &'a Courses, service: &str) -> &'a ServiceCourse {
    courses.service(&id(service)).expect("a known service")
}

fn vantage(facts: Facts<'_>, courses: &Courses, probe: &ProbeId, agent: &str, span: Interval) -> Timeline {
    let law = courses.law(probe).expect("a probe that some version has");
    vantage_timeline(&settled(facts, probe.child.as_str(), agent), law, span)
}

/// What is seen of a probe while it is as one version has it.
fn seen_of(facts: Facts<'_>, courses: &Courses, probe: &model::Probe, part: Interval) -> Timeline {
    let vantage = |agent: &Id| vantage(facts, courses, &probe.id, agent.as_str(), part);
    let vantages: Vec<Timeline> = probe.agents.iter().map(vantage).collect();
    probe_timeline(&vantages.iter().collect::<Vec<_>>(), probe.quorum, part)
}

fn probe_states(facts: Facts<'_>, courses: &Courses, probe: &ProbeId, span: Interval) -> Timeline {
    let mut states = Timeline::default();
    for (part, piece) in course(courses, probe.parent.as_str()).within(span) {
        let probe = piece.service.probes.get(&probe.child).expect("versions take no probes away");
        for stretch in seen_of(facts, courses, probe, part).stretches() {
            states.push(stretch.interval, stretch.state);
        }
    }
    states
}

fn service_states(facts: Facts<'_>, courses: &Courses, course: &ServiceCourse, span: Interval) -> ServiceTimeline {
    let mut seen = ServiceTimeline::default();
    for (part, piece) in course.within(span) {
        let probes = piece.service.looks_at();
        let probes = probes.map(|probe| (probe.id.clone(), seen_of(facts, courses, probe, part))).collect();
        seen.append(service_timeline(&piece.service.structure.formula, &probes, part));
    }
    seen
}

pub(super) const fn window_kind(of: Kind) -> model::WindowKind {
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
