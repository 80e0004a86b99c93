//! What the promises of a scenario are to the core: shares of time with their consequences, response times, alerts.
//!
//! Questions are put as the collector puts them: an alert is accounted for in the windows that its look-backs touch, and
//! counts the failures of all vantage points of the service, with those of the services below.

use std::convert::Infallible;
use std::sync::Arc;

use uphold_common::catalogue::model;
use uphold_common::decimal::Decimal;
use uphold_common::measure::availability;
use uphold_common::measure::burn::{AlertFigures, Alerting};
use uphold_common::measure::committed::{Committed, Cover};
use uphold_common::measure::kinds::Account;
use uphold_common::measure::response::{self, ResponseFigures, is_within};
use uphold_common::measure::service::ServiceTimeline;
use uphold_common::measure::target::settling_ms;
use uphold_common::measure::window::Window;
use uphold_common::observation::Outcome;
use uphold_common::percent::{Ppb, WideRatio};
use uphold_common::time::{Instant, Interval};

use super::by_core::{entry, id, met, settled};
use super::{Alert, Facts, Response, Responses, Target, Unmeasured};
use crate::reference::burn::Rule;
use crate::reference::response::Wanted;

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
    service: &'a model::Service,
    target: &Target,
    window: Window,
) -> Alerting<'a> {
    let model::AvailabilityPromise { share, unmeasured, degraded, .. } = availability(target);
    let promise = availability::Promise { target: share, unmeasured, degraded };
    Alerting { rules, min_bad: target.min_bad, promise, window, zone: &service.time_zone }
}

/// The rules by which a target alerts in a window.
pub(super) fn rules(target: &Target, window: Window) -> Vec<model::AlertRule> {
    match window.kind {
        model::WindowKind::Stretch { .. } => Vec::new(),
        _ => consequences(target).rules(availability(target).share, window.interval.len_ms()),
    }
}

/// The alerts of a target, out of what was seen of the service over at least its look-backs.
pub(super) fn alerts(
    facts: Facts<'_>,
    target: &Target,
    service: &model::Service,
    asked: &Alerting<'_>,
    seen: &ServiceTimeline,
) -> Vec<AlertFigures> {
    let entry = entry(service);
    let cover = |window: &Window| super::core_terms::committed(facts, target, entry, window.interval).contractual;
    let covers: Vec<(Window, Arc<Cover>)> = asked.windows().into_iter().map(|w| (w, cover(&w))).collect();
    let account = |window: &Window, part: Interval| {
        let (_, cover) = covers.iter().find(|(known, _)| known == window).expect("one of its windows");
        Account::over(part, cover, &seen.states)
    };
    let mut failures: Vec<Instant> = Vec::new();
    for probe in service.looks_at() {
        for agent in &probe.agents {
            let seen = settled(facts, probe.id.child.as_str(), agent.as_str());
            failures.extend(seen.iter().filter(|one| one.outcome == Outcome::Down).map(|one| one.at));
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

/// What a promise of response times comes to.
pub(super) fn responses(
    facts: Facts<'_>,
    wanted: &Response,
    service: &model::Service,
    window: Window,
    committed: &Committed,
) -> Responses {
    let promise = model::ResponsePromise {
        probe: id(&wanted.probe),
        bound: match wanted.wanted {
            Wanted::Percentile(parts) => model::ResponseBound::Percentile(share(parts)),
            Wanted::Share(parts) => model::ResponseBound::Share(share(parts)),
        },
        below_us: i64::try_from(wanted.below_us).expect("a bound that the catalogue could hold"),
    };
    let probe = service.probes.get(&promise.probe).expect("a probe of the service");
    let of_agent = |agent: &uphold_common::ids::Id| settled(facts, probe.id.child.as_str(), agent.as_str());
    let seen: Vec<_> = probe.agents.iter().flat_map(of_agent).collect();
    let settled = window.is_settled(settling_ms(&service.into(), &window));
    let asked = response::Asked { promise: &promise, window, settled, entry: committed.entry };
    let found = ResponseFigures::measure(&asked, &committed.contractual.committed(window.elapsed()), &seen);
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
