//! How incidents are ranked, and which causes open them: the walk through `incidents`.

use super::handling::{Known, handling};
use super::services::CRITICALITIES;
use crate::catalogue::cause::Cause;
use crate::catalogue::model::{Criticality, Handling, Priorities, Priority, Urgency};
use crate::catalogue::raising::{CauseRule, Raising};
use crate::yaml::problem::Read;
use crate::yaml::walk::At;

pub(super) const PRIORITIES: [(&str, Priority); 5] = {
    let [p1, p2, p3, p4, p5] = Priority::ALL;
    [(p1.as_str(), p1), (p2.as_str(), p2), (p3.as_str(), p3), (p4.as_str(), p4), (p5.as_str(), p5)]
};
pub(super) const URGENCIES: [(&str, Urgency); 2] =
    [(Urgency::Urgent.as_str(), Urgency::Urgent), (Urgency::Normal.as_str(), Urgency::Normal)];

/// What `incidents` says.
#[derive(Debug, Default)]
pub(super) struct Incidents {
    pub(super) priorities: Priorities,
    pub(super) raising: Raising,
    pub(super) handling: Handling,
}

/// `{ priorities: { high: { urgent: P1, normal: P2 } }, causes: { agent_silent: { after: 2m } }, absorb: 10m }`; what is not
/// said stays as it is by default.
pub(super) fn incidents(at: &At<'_>, known: Known<'_>) -> Read<Incidents> {
    at.mapping(|keys| {
        let said = keys.or("priorities", Vec::new(), |at| matrix(at));
        let mut raising = Raising::default();
        let causes = keys.or("causes", Vec::new(), |at| causes(at));
        let absorb_ms = keys.or("absorb", raising.absorb_ms, |at| at.duration_ms(Raising::ABSORB_MS));
        let close_after_ms =
            keys.or("close_after", raising.close_after_ms, |at| at.duration_ms(Raising::CLOSE_AFTER_MS));
        let handling = handling(keys, known);
        let mut priorities = Priorities::default();
        priorities.0.extend(said?);
        raising.causes.extend(causes?);
        (raising.absorb_ms, raising.close_after_ms) = (absorb_ms?, close_after_ms?);
        Ok(Incidents { priorities, raising, handling: handling? })
    })
}

type Cell = ((Criticality, Urgency), Priority);

fn matrix(at: &At<'_>) -> Read<Vec<Cell>> {
    at.mapping(|keys| {
        let rows = CRITICALITIES.map(|(word, criticality)| keys.or(word, Vec::new(), |at| row(at, criticality)));
        Ok(super::every(rows)?.into_iter().flatten().collect())
    })
}

fn row(at: &At<'_>, criticality: Criticality) -> Read<Vec<Cell>> {
    at.mapping(|keys| {
        let cells = URGENCIES.map(|(word, urgency)| {
            let priority = keys.optional(word, |at| at.word(&PRIORITIES))?;
            Ok(priority.map(|priority| ((criticality, urgency), priority)))
        });
        Ok(super::every(cells)?.into_iter().flatten().collect())
    })
}

fn causes(at: &At<'_>) -> Read<Vec<(Cause, CauseRule)>> {
    at.mapping(|keys| {
        let rules = Cause::ALL.map(|cause| keys.optional(cause.as_str(), |at| rule(at, cause)));
        Ok(super::every(rules)?.into_iter().zip(Cause::ALL).filter_map(|(rule, cause)| Some((cause, rule?))).collect())
    })
}

/// `{ raise: true, urgency: normal, after: 2m }`; only what can be said of the cause.
fn rule(at: &At<'_>, cause: Cause) -> Read<CauseRule> {
    let default = CauseRule::default_of(cause);
    at.mapping(|keys| {
        let raise = keys.or("raise", default.raise, At::flag);
        let urgency = keys.optional("urgency", |at| at.word(&URGENCIES));
        let after_ms = match default.after_ms {
            Some(after_ms) => keys.or("after", after_ms, |at| at.duration_ms(Raising::AFTER_MS)).map(Some),
            None => Ok(None),
        };
        let beyond_ms = match default.beyond_ms {
            Some(beyond_ms) => keys.or("beyond", beyond_ms, |at| at.duration_ms(Raising::BEYOND_MS)).map(Some),
            None => Ok(None),
        };
        Ok(CauseRule { raise: raise?, urgency: urgency?, after_ms: after_ms?, beyond_ms: beyond_ms? })
    })
}
