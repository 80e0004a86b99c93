//! Escalation: who is told when nobody does in time what is to be done. Pure.
//!
//! An incident is escalated by the first rule of the catalogue that fits it. A step is due once its time has passed since
//! the incident was opened, in the hours of the rule's calendar, and is needless once somebody took the incident on or it
//! is over, as the step says. Each is told once, in order, also when the incident is opened again in between. Where several
//! became due while the collector was away, only the newest is told: those before it come too late to help.

use uphold_common::catalogue::model::{Calendar, Condition, EscalationRule, EscalationStep, Handling, Unless};
use uphold_common::measure::agreed::{agreed, length_ms};
use uphold_common::time::{Instant, Interval};
use uphold_common::yaml::scalars::exact_duration;

use super::model::{Change, Incident};

/// The step of an incident's escalation that is to be told now.
pub fn escalated(incident: &Incident, handling: &Handling, now: Instant) -> Option<Change> {
    if !incident.is_open() || incident.quiet.is_some() {
        return None;
    }
    let rule = handling.escalation.iter().find(|rule| fits(&rule.when, incident))?;
    let is_ahead = |(place, step): &(u32, &EscalationStep)| *place > incident.escalated && is_needed(step, incident);
    let ahead: Vec<(u32, &EscalationStep)> = (1..).zip(&rule.steps).filter(is_ahead).collect();
    let at_least_ms = ahead.first()?.1.after_ms;
    let waited_ms = now.since_ms(incident.opened);
    // Agreed time passes no faster than time does, so most of the time nothing has to be counted.
    if waited_ms < at_least_ms {
        return None;
    }
    let waited_ms = passed_ms(rule.calendar.as_deref(), Interval::new(incident.opened, now));
    let (step, due) = ahead.into_iter().rfind(|(_, step)| step.after_ms <= waited_ms)?;
    Some(Change::Escalated { step, to: due.to.clone(), because: because(rule, due) })
}

/// Whether whatever a condition says is so of an incident.
fn fits(when: &Condition, incident: &Incident) -> bool {
    let is_about = |services: &[_]| incident.subject.service().is_some_and(|service| services.contains(service));
    (when.priorities.is_empty() || when.priorities.contains(&incident.priority.0))
        && (when.causes.is_empty() || when.causes.contains(&incident.subject.cause()))
        && (when.services.is_empty() || is_about(&when.services))
        && (when.customers.is_empty() || when.customers.iter().any(|customer| incident.customers.contains(customer)))
}

fn is_needed(step: &EscalationStep, incident: &Incident) -> bool {
    match step.unless {
        Unless::Acknowledged => incident.acknowledged.is_none(),
        Unless::Resolved => true,
    }
}

/// How much of a span has passed in the hours of a calendar.
fn passed_ms(calendar: Option<&Calendar>, span: Interval) -> i64 {
    calendar.map_or(span.len_ms(), |calendar| length_ms(&agreed(calendar, span)))
}

fn because(rule: &EscalationRule, step: &EscalationStep) -> String {
    let within = exact_duration(step.after_ms);
    let within = match &rule.calendar {
        Some(calendar) => format!("{within} of {}", calendar.id),
        None => within,
    };
    match step.unless {
        Unless::Acknowledged => format!("nobody took it on within {within}"),
        Unless::Resolved => format!("it was not over within {within}"),
    }
}

#[cfg(test)]
#[path = "escalation_tests.rs"]
mod tests;
