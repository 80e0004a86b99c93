//! What the promises of a scenario are to the core: shares of time with their consequences, response times, alerts.
//!
//! Questions are put as the collector puts them: an alert is accounted for in the windows that its look-backs touch, and
//! counts the failures of all vantage points of the service, with those of the services below.

use std::convert::Infallible;
use std::sync::Arc;

use uphold_common::catalogue::model;
use uphold_common::decimal::Decimal;
use uphold_common::ids::Id;
use uphold_common::measure::availability;
use uphold_common::measure::burn::{AlertFigures, Alerting};
use uphold_common::measure::committed::Cover;
use uphold_common::measure::kinds::Account;
use uphold_common::measure::response::{self, ResponseFigures, is_within};
use uphold_common::measure::service::ServiceTimeline;
use uphold_common::measure::window::Window;
use uphold_common::observation::Outcome;
use uphold_common::percent::{Ppb, WideRatio};
use uphold_common::time::{Instant, Interval};

use super::by_core::{Asked, id, met, settled};
use super::{Alert, Facts, Response, Responses, Target, Unmeasured};
use crate::reference::burn::Rule;
use crate::reference::response::Wanted;

/// All of it.
const ALL_TIME: Interval = Interval { start: Instant::MIN, end: Instant::MAX };
/// One, in billionths.
const BILLION: i128 = 1_000_000_000;

/// What a target promises of availability.
pub(super) fn availability(target: &Target) -> model::AvailabilityPromise {
    model::AvailabilityPromise {
        share: share(target.ppb),
        unmeasured: match target.unmeasured {
            Unmeasured::Exclude => model::UnmeasuredPolicy::Exclude,
            Unmeasured::CountAsDown => model::UnmeasuredPolicy::CountAsDown,
            Unmeasured::CountAsUp => model::UnmeasuredPolicy::CountAsUp,
        },
        degraded: if target.degraded_is_lost {
            model::DegradedPolicy::CountAsDown
        } else {
            model::DegradedPolicy::CountAsUp
        },
        breaks: model::BreakTargets {
            at_most: target.breaks.at_most.map(i64::unsigned_abs),
            longest_ms: target.breaks.longest,
            mtrs_ms: target.breaks.mtrs,
            mtbsi_ms: target.breaks.mtbsi,
        },
    }
}

/// What follows from it.
pub(super) fn consequences(target: &Target) -> model::Consequences {
    let step = |(below, percent): &(i64, i64)| model::CreditStep { below: share(*below), percent: share(*percent) };
    model::Consequences {
        credits: target.credits.iter().map(step).collect(),
        alerts: target.alerts.as_ref().map(|rules| rules.iter().map(rule).collect()),
        min_bad: target.min_bad,
    }
}

/// A share of so many parts per billion.
fn share(ppb: i64) -> Ppb {
    let percentage = format!("{}.{:07}%", ppb / 10_000_000, ppb % 10_000_000);
    Ppb::parse(&percentage).expect("a share of at most the whole")
}

fn rule(of: &Rule) -> model::AlertRule {
    let (over, under) = of.factor;
    assert_eq!(over * BILLION % under, 0, "a factor with nine decimals at most");
    let billionths = over * BILLION / under;
    let factor = format!("{}.{:09}", billionths / BILLION, billionths % BILLION);
    let factor = Decimal::parse(&factor).expect("a factor that the catalogue could hold");
    model::AlertRule { long_ms: of.long, short_ms: of.short, factor, urgent: of.urgent }
}

/// What is asked of a target's alerts. A window that is a span has none.
pub(super) fn alerting<'a>(
    rules: &'a [model::AlertRule],
    asked: &Asked<'a>,
    promise: &model::AvailabilityPromise,
) -> Alerting<'a> {
    let model::AvailabilityPromise { share, unmeasured, degraded, .. } = *promise;
    let promise = availability::Promise { target: share, unmeasured, degraded };
    let min_bad = asked.target.consequences.min_bad;
    Alerting { rules, min_bad, promise, window: asked.window, zone: &asked.service.time_zone }
}

/// The rules by which a target alerts in a window.
pub(super) fn rules(target: &model::Target, share: Ppb, window: Window) -> Vec<model::AlertRule> {
    match window.kind {
        model::WindowKind::Stretch { .. } => Vec::new(),
        _ => target.consequences.rules(share, window.interval.len_ms()),
    }
}

/// The alerts of a target, out of what was seen of the service over at least its look-backs.
pub(super) fn alerts(
    facts: Facts<'_>,
    of: &Asked<'_>,
    asked: &Alerting<'_>,
    seen: &ServiceTimeline,
) -> Vec<AlertFigures> {
    let cover = |window: &Window| {
        let then = of.courses.target(&of.target.id, window).unwrap_or_else(|| Arc::clone(&of.target));
        super::core_terms::committed(facts, of.course, &then, window.interval).contractual
    };
    let covers: Vec<(Window, Arc<Cover>)> = asked.windows().into_iter().map(|w| (w, cover(&w))).collect();
    let account = |window: &Window, part: Interval| {
        let (_, cover) = covers.iter().find(|(known, _)| known == window).expect("one of its windows");
        Account::over(part, cover, &seen.states)
    };
    let reported = |part: Interval, probe: &model::Probe, agent: &Id| {
        let seen = settled(facts, probe.id.child.as_str(), agent.as_str());
        let failures = seen.into_iter().filter(|one| one.outcome == Outcome::Down && part.contains(one.at));
        failures.map(|one| one.at).collect::<Vec<_>>()
    };
    let mut failures: Vec<Instant> = Vec::new();
    for (part, piece) in of.course.within(ALL_TIME) {
        for probe in piece.service.looks_at() {
            failures.extend(probe.agents.iter().flat_map(|agent| reported(part, probe, agent)));
        }
    }
    let bad = |committed: &[Interval]| {
        Ok::<_, Infallible>(failures.iter().filter(|at| is_within(committed, **at)).count() as u64)
    };
    let Ok(figures) = asked.figures(account, bad);
    figures
}

/// An alert as scenarios have it.
pub(super) fn told(of: &AlertFigures) -> Alert {
    let plain = |ratio: WideRatio| (ratio.numerator(), ratio.denominator());
    let factor = WideRatio::new(of.rule.factor.billionths().into(), BILLION).map(plain);
    Alert {
        rule: Rule {
            long: of.rule.long_ms,
            short: of.rule.short_ms,
            factor: factor.expect("a fraction over a billion"),
            urgent: of.rule.urgent,
        },
        long_rate: of.long_rate.map(plain),
        short_rate: of.short_rate.map(plain),
        bad: of.bad,
        alerting: of.alerting,
    }
}

/// What a target promises of response times.
pub(super) fn response(wanted: &Response) -> model::ResponsePromise {
    model::ResponsePromise {
        probe: id(&wanted.probe),
        bound: match wanted.wanted {
            Wanted::Percentile(parts) => model::ResponseBound::Percentile(share(parts)),
            Wanted::Share(parts) => model::ResponseBound::Share(share(parts)),
        },
        below_us: i64::try_from(wanted.below_us).expect("a bound that the catalogue could hold"),
    }
}

/// What a promise of response times comes to: of each vantage point while it was assigned.
pub(super) fn responses(
    facts: Facts<'_>,
    promise: &model::ResponsePromise,
    of: &Asked<'_>,
    settled_already: bool,
) -> Responses {
    let mut seen = Vec::new();
    for (part, piece) in of.course.within(ALL_TIME) {
        let probe = piece.service.probes.get(&promise.probe).expect("a probe of the service");
        for agent in &probe.agents {
            let all = settled(facts, probe.id.child.as_str(), agent.as_str());
            seen.extend(all.into_iter().filter(|one| part.contains(one.at)));
        }
    }
    let asked = response::Asked { promise, window: of.window, settled: settled_already, entry: of.committed.entry };
    let committed = of.committed.contractual.committed(of.window.elapsed());
    let found = ResponseFigures::measure(&asked, &committed, &seen);
    Responses {
        n: found.tally.n,
        failed: found.tally.failed,
        unknown: found.tally.unknown,
        no_duration: found.tally.no_duration,
        rank: found.rank,
        value_us: found.value_us.map(u64::from),
        met: met(found.verdict),
    }
}
