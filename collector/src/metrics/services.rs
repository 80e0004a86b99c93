//! What the metrics page says of services, targets, probes and hosts.

use uphold_common::catalogue::model::{Target, Threshold};
use uphold_common::governed::maintenance::Maintenance;
use uphold_common::ids::{Id, VantagePoint};
use uphold_common::measure::capacity::{CapacityFigures, CapacityState};
use uphold_common::measure::target::TargetFigures;
use uphold_common::observation::{Micros, Observation, Outcome, Phases, State};
use uphold_common::percent::BILLION;

use super::operation::whole;
use super::{MetricsError, Sheet, alerts, names, number, signed};
use crate::snapshot::{ServiceSnapshot, Snapshot};

pub(super) fn write(sheet: &mut Sheet, snapshot: &Snapshot) -> Result<(), MetricsError> {
    for (id, service) in &snapshot.services {
        states(sheet, &names::SERVICE_STATE, &[id.as_str()], service.state)?;
        sheet.seconds(&names::SERVICE_STATE_SINCE, &[id.as_str()], service.since.as_ms())?;
        let takes_place =
            |one: &&Maintenance| one.next(snapshot.as_of).is_some_and(|time| time.contains(snapshot.as_of));
        let running = snapshot.governed.maintenances_of(id).filter(takes_place).count();
        sheet.count(&names::SERVICE_MAINTENANCE, &[id.as_str()], whole(running))?;
        let overruns = snapshot.overruns.iter().filter(|overrun| overrun.service == *id).count();
        sheet.count(&names::SERVICE_OVERRUN, &[id.as_str()], whole(overruns))?;
        for (target, figures) in &service.targets {
            if let Some(target) = snapshot.catalogue.targets.get(target) {
                of_target(sheet, target, figures)?;
                let alerts = service.alerts.get(&target.id).map_or(&[][..], Vec::as_slice);
                alerts::of_target(sheet, target, alerts)?;
            }
        }
        for (target, figures) in &service.response {
            if let Some(target) = snapshot.catalogue.targets.get(target) {
                alerts::of_response(sheet, target, figures)?;
            }
        }
        for (target, figures) in &service.capacity {
            if let Some(target) = snapshot.catalogue.targets.get(target) {
                of_capacity(sheet, target, figures)?;
            }
        }
        probes(sheet, id, service)?;
    }
    hosts(sheet, snapshot)
}

/// One series for each state, so that a rule can name the state it waits for.
fn states(sheet: &mut Sheet, metric: &names::Metric, whose: &[&str], is: State) -> Result<(), MetricsError> {
    for state in State::ALL {
        let labels: Vec<&str> = whose.iter().copied().chain([state.as_str()]).collect();
        sheet.count(metric, &labels, u64::from(state == is))?;
    }
    Ok(())
}

fn of_target(sheet: &mut Sheet, target: &Target, figures: &TargetFigures) -> Result<(), MetricsError> {
    let window = target.window.text();
    let labels = [target.service.as_str(), target.id.parent.as_str(), target.id.child.as_str(), &window];
    let (a, budget) = (&figures.availability, &figures.budget);
    sheet.ratio(&names::AVAILABILITY, &labels, a.ratio)?;
    sheet.ratio(&names::AVAILABILITY_MIN, &labels, a.ratio_min)?;
    sheet.ratio(&names::AVAILABILITY_MAX, &labels, a.ratio_max)?;
    sheet.ratio(&names::COVERAGE, &labels, a.coverage)?;
    let promised = signed(figures.promise.share.parts()) / signed(BILLION);
    sheet.put(&names::AVAILABILITY_TARGET, &labels, promised)?;
    for (metric, ms) in [
        (&names::AVAILABILITY_GOOD, a.counted - a.lost),
        (&names::AVAILABILITY_COUNTED, a.counted),
        (&names::BUDGET, budget.budget_ms),
        (&names::BUDGET_SPENT, budget.spent_ms),
        (&names::BUDGET_REMAINING, budget.remaining_ms),
        (&names::DOWNTIME, a.down),
        (&names::DEGRADED, a.degraded),
        (&names::UNMEASURED, a.unmeasured),
    ] {
        sheet.seconds(metric, &labels, ms)?;
    }
    sheet.count(&names::BREACHED, &labels, u64::from(figures.is_breached()))?;
    sheet.count(&names::NOT_PROVEN, &labels, u64::from(a.not_proven))?;
    sheet.count(&names::BREAKS, &labels, u64::try_from(figures.breaks.all.len()).unwrap_or(u64::MAX))
}

fn of_capacity(sheet: &mut Sheet, target: &Target, figures: &CapacityFigures) -> Result<(), MetricsError> {
    let window = target.window.text();
    let labels = [target.service.as_str(), target.id.parent.as_str(), target.id.child.as_str(), &window];
    let with = |last| [labels[0], labels[1], labels[2], labels[3], last];
    let share = |ppb: i64| signed(ppb) / signed(BILLION);
    if let Some(ppb) = figures.percentile_ppb {
        sheet.put(&names::CAPACITY_PERCENTILE, &labels, share(ppb))?;
    }
    for threshold in Threshold::ALL {
        if let (Some(at), Some(ms)) = (figures.thresholds.of(threshold), figures.above_ms(threshold)) {
            sheet.put(&names::CAPACITY_THRESHOLD, &with(threshold.as_str()), share(at.parts()))?;
            sheet.seconds(&names::CAPACITY_ABOVE, &with(threshold.as_str()), ms)?;
        }
    }
    for state in CapacityState::ALL {
        sheet.count(&names::CAPACITY_STATE, &with(state.as_str()), u64::from(state == figures.state))?;
    }
    sheet.seconds(&names::CAPACITY_UNMEASURED, &labels, figures.times.unmeasured)?;
    sheet.count(&names::CAPACITY_READINGS, &labels, figures.n)
}

fn probes(sheet: &mut Sheet, service: &Id, seen: &ServiceSnapshot) -> Result<(), MetricsError> {
    for (id, probe) in &seen.probes {
        states(sheet, &names::PROBE_STATE, &[service.as_str(), id.as_str()], probe.state)?;
        for (point, observation) in &probe.newest {
            newest(sheet, point, observation)?;
        }
    }
    Ok(())
}

fn newest(sheet: &mut Sheet, point: &VantagePoint, seen: &Observation) -> Result<(), MetricsError> {
    let labels = [point.probe.parent.as_str(), point.probe.child.as_str(), point.agent.as_str()];
    match seen.outcome {
        Outcome::Up | Outcome::Degraded => sheet.count(&names::PROBE_SUCCESS, &labels, 1)?,
        Outcome::Down => sheet.count(&names::PROBE_SUCCESS, &labels, 0)?,
        Outcome::Unknown => {}
    }
    sheet.seconds(&names::PROBE_TIME, &labels, seen.at.as_ms())?;
    micros(sheet, &names::PROBE_DURATION, &labels, seen.total)?;
    for (phase, took) in Phases::NAMES.into_iter().zip(seen.phases.to_array()) {
        micros(sheet, &names::PROBE_PHASE, &[labels[0], labels[1], labels[2], phase], took)?;
    }
    Ok(())
}

fn micros(sheet: &mut Sheet, metric: &names::Metric, labels: &[&str], took: Micros) -> Result<(), MetricsError> {
    took.get().map_or(Ok(()), |us| sheet.put(metric, labels, number(us) / 1_000_000.0))
}

fn hosts(sheet: &mut Sheet, snapshot: &Snapshot) -> Result<(), MetricsError> {
    for (id, reading) in &snapshot.readings {
        let labels = [id.host.as_str(), id.resource.as_str(), &id.of];
        let parts = f64::from(id.resource.unit().per_base());
        sheet.put(&names::CAPACITY_USED, &labels, number(reading.used) / parts)?;
        sheet.put(&names::CAPACITY_LIMIT, &labels, number(reading.limit) / parts)?;
    }
    for (id, volume) in snapshot.volumes.iter().filter(|(_, volume)| volume.over_ms > 0) {
        let amount = number(volume.amount) / f64::from(id.flow.unit().per_base());
        let rate = amount * 1_000.0 / f64::from(volume.over_ms);
        let labels = [id.host.as_str(), id.flow.as_str(), &id.of];
        sheet.put(&names::FLOW, &labels, rate)?;
    }
    Ok(())
}
