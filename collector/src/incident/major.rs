//! Major incidents: which incidents are major ones by the catalogue's rule, and who is reminded of what follows. Pure.
//!
//! An open incident is a major one as soon as one of the rule's conditions holds, and stays one. The management gets a
//! notice and says that it has it; until then it is reminded while the incident is open. Once it is over its review is
//! filed; when that is overdue, somebody is reminded once a day. There are at most [`REMINDERS_MAX`] reminders of each: who
//! has not heard five times will not hear the sixth.

use serde::{Deserialize, Serialize};
use uphold_common::catalogue::model::{Handling, MajorCondition, MajorRule};
use uphold_common::time::{DAY_MS, Instant};
use uphold_common::yaml::scalars::exact_duration;
use utoipa::ToSchema;

use super::model::{Change, Incident, Major};

/// Most reminders of one thing.
pub const REMINDERS_MAX: u32 = 5;
/// How long after a reminder of a review comes the next.
const REVIEW_AGAIN_MS: i64 = DAY_MS;

/// What somebody is reminded of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reminder {
    /// To say that the notice was received.
    Notice,
    /// To file the review.
    Review,
}

/// That an incident is a major one from now on.
pub fn declared(incident: &Incident, handling: &Handling, now: Instant) -> Option<Change> {
    let rule = handling.major.as_ref()?;
    if !incident.is_open() || incident.major.is_some() || incident.quiet.is_some() {
        return None;
    }
    let because = rule.when.iter().find_map(|when| because(when, incident, now))?;
    Some(Change::Major { because, by: None, owner: rule.owner.clone(), notice_to: rule.notice.clone() })
}

/// Why a condition holds, if it does.
fn because(when: &MajorCondition, incident: &Incident, now: Instant) -> Option<String> {
    let services = incident.affected.len() + usize::from(incident.subject.service().is_some());
    let lasted_ms = now.since_ms(incident.started);
    let reaches = |asked: Option<u32>, has: usize| asked.is_none_or(|asked| has >= asked as usize);
    let holds = (when.priorities.is_empty() || when.priorities.contains(&incident.priority.0))
        && reaches(when.services, services)
        && reaches(when.customers, incident.customers.len())
        && when.after_ms.is_none_or(|after_ms| lasted_ms >= after_ms);
    if !holds {
        return None;
    }
    let mut said = Vec::new();
    if !when.priorities.is_empty() {
        said.push(format!("it is {}", incident.priority.0.as_str()));
    }
    if let Some(asked) = when.services {
        said.push(format!("{services} of its services fail, of {asked} that make it one"));
    }
    if let Some(asked) = when.customers {
        said.push(format!("{} customers are concerned, of {asked} that make it one", incident.customers.len()));
    }
    if let Some(after_ms) = when.after_ms {
        said.push(format!("it has lasted {}", exact_duration(after_ms)));
    }
    Some(said.join("; "))
}

/// What somebody is to be reminded of now.
pub fn reminded(incident: &Incident, handling: &Handling, now: Instant) -> Option<Change> {
    let major = incident.major.as_ref().filter(|_| incident.closed.is_none() && incident.quiet.is_none())?;
    let rule = handling.major.as_ref();
    let (of, because) = match &incident.resolved {
        None => (Reminder::Notice, notice(major, rule, now)?),
        Some(resolved) => (Reminder::Review, review(major, rule, resolved.decided_at, now)?),
    };
    Some(Change::Reminded { of, to: major.notice_to.clone(), because })
}

fn notice(major: &Major, rule: Option<&MajorRule>, now: Instant) -> Option<String> {
    major.notice_to.as_ref().filter(|_| major.notice_received.is_none())?;
    let within_ms = rule.map_or(Handling::NOTICE_WITHIN_MS, |rule| rule.notice_within_ms);
    let last = major.notice_reminded.map(|told| told.last);
    let is_due = now.since_ms(last.unwrap_or(major.declared)) >= within_ms;
    let may = major.notice_reminded.is_none_or(|told| told.times < REMINDERS_MAX);
    (is_due && may).then(|| format!("nobody said within {} that the notice was received", exact_duration(within_ms)))
}

fn review(major: &Major, rule: Option<&MajorRule>, over: Instant, now: Instant) -> Option<String> {
    if major.reviewed.is_some() {
        return None;
    }
    let within_ms = rule.map_or(Handling::REVIEW_WITHIN_MS, |rule| rule.review_within_ms);
    let told = major.review_reminded;
    let again = told.is_none_or(|told| now.since_ms(told.last) >= REVIEW_AGAIN_MS && told.times < REMINDERS_MAX);
    let is_due = now.since_ms(over) >= within_ms;
    (is_due && again).then(|| format!("its review was not filed within {}", exact_duration(within_ms)))
}

#[cfg(test)]
#[path = "major_tests.rs"]
mod tests;
