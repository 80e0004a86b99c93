//! How incidents are handled: the walk through `response`, `escalation` and `major` of `incidents`, and through `problems`.

use std::collections::BTreeMap;

use super::raising::PRIORITIES;
use super::sections::Names;
use crate::catalogue::cause::Cause;
use crate::catalogue::handling::{
    Condition, EscalationRule, EscalationStep, Handling, MajorCondition, MajorRule, Recurrence, ResponseTarget, Unless,
};
use crate::catalogue::model::{Priority, Receiver};
use crate::ids::Id;
use crate::yaml::problem::Read;
use crate::yaml::walk::{At, Keys};

const UNLESS: [(&str, Unless); 2] =
    [(Unless::Acknowledged.as_str(), Unless::Acknowledged), (Unless::Resolved.as_str(), Unless::Resolved)];
const CAUSES: [(&str, Cause); Cause::ALL.len()] = {
    let mut words = [("", Cause::ServiceDown); Cause::ALL.len()];
    let mut place = 0;
    while place < words.len() {
        words[place] = (Cause::ALL[place].as_str(), Cause::ALL[place]);
        place += 1;
    }
    words
};

/// What is referred to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known<'k> {
    pub(super) names: &'k Names,
    /// The receivers, if all of them could be read.
    pub(super) receivers: Option<&'k BTreeMap<Id, Receiver>>,
}

/// The keys of `incidents` that say how they are handled.
pub(super) fn handling(keys: &Keys<'_>, known: Known<'_>) -> Read<Handling> {
    let response = keys.or("response", BTreeMap::new(), |at| response(at, known));
    let escalation = keys.or("escalation", Vec::new(), |at| {
        let rules = at.list(|at| escalation(at, known))?;
        if rules.len() > Handling::RULES_MAX {
            return Err(at.problem(format!("more than {} rules", Handling::RULES_MAX)));
        }
        Ok(rules)
    });
    let major = keys.optional("major", |at| major(at, known));
    let recurrence = Recurrence::default();
    Ok(Handling { response: response?, escalation: escalation?, major: major?, recurrence })
}

/// `{ recurrence: { raise: true, times: 3, within: 30d } }`
pub(super) fn problems(at: &At<'_>) -> Read<Recurrence> {
    at.mapping(|keys| {
        let default = Recurrence::default();
        keys.or("recurrence", default, |at| {
            at.mapping(|keys| {
                let raise = keys.or("raise", default.raise, At::flag);
                let times = keys.or("times", default.times, |at| at.small_count(Handling::TIMES));
                let within_ms = keys.or("within", default.within_ms, |at| at.duration_ms(Handling::RECURRENCE_MS));
                Ok(Recurrence { raise: raise?, times: times?, within_ms: within_ms? })
            })
        })
    })
}

/// `{ P1: { respond: 15m, restore: 4h }, P2: { respond: 1h, calendar: office-hours } }`
fn response(at: &At<'_>, known: Known<'_>) -> Read<BTreeMap<Priority, ResponseTarget>> {
    at.mapping(|keys| {
        let targets = PRIORITIES.map(|(word, priority)| {
            let target = keys.optional(word, |at| target(at, known))?;
            Ok(target.map(|target| (priority, target)))
        });
        Ok(super::every(targets)?.into_iter().flatten().collect())
    })
}

fn target(at: &At<'_>, known: Known<'_>) -> Read<ResponseTarget> {
    at.mapping(|keys| {
        let respond_ms = keys.optional("respond", within);
        let restore_ms = keys.optional("restore", within);
        let calendar = keys.optional("calendar", |at| known.names.calendars.refer(at));
        let (respond_ms, restore_ms) = (respond_ms?, restore_ms?);
        if respond_ms.or(restore_ms).is_none() {
            return Err(keys.at().problem("the time is missing: expected \"respond\", \"restore\" or both"));
        }
        Ok(ResponseTarget { respond_ms, restore_ms, calendar: calendar? })
    })
}

/// `{ when: { priority: [P1] }, calendar: office-hours, steps: [{ after: 15m, unless: acknowledged, to: duty }] }`
fn escalation(at: &At<'_>, known: Known<'_>) -> Read<EscalationRule> {
    at.mapping(|keys| {
        let when = keys.or("when", Condition::default(), |at| condition(at, known));
        let calendar = keys.optional("calendar", |at| known.names.calendars.refer(at));
        let steps = keys.required("steps", |at| steps(at, known));
        Ok(EscalationRule { when: when?, calendar: calendar?, steps: steps? })
    })
}

fn steps(at: &At<'_>, known: Known<'_>) -> Read<Vec<EscalationStep>> {
    let items = at.items()?;
    if items.is_empty() || items.len() > Handling::STEPS_MAX {
        return Err(at.problem(format!("expected 1 to {} steps, found {}", Handling::STEPS_MAX, items.len())));
    }
    let mut before = 0;
    super::every(items.iter().map(|at| {
        let step = step(at, known)?;
        if step.after_ms <= before {
            return Err(at.problem("expected a step that comes later than the one before it"));
        }
        before = step.after_ms;
        Ok(step)
    }))
}

fn step(at: &At<'_>, known: Known<'_>) -> Read<EscalationStep> {
    at.mapping(|keys| {
        let after_ms = keys.required("after", within);
        let unless = keys.or("unless", Unless::Acknowledged, |at| at.word(&UNLESS));
        let to = keys.required("to", |at| told_in_messages(at, known));
        Ok(EscalationStep { after_ms: after_ms?, unless: unless?, to: to? })
    })
}

/// `{ priority: [P1], cause: [service_down], service: [webshop], customer: [retail] }`
fn condition(at: &At<'_>, known: Known<'_>) -> Read<Condition> {
    at.mapping(|keys| {
        let most = super::MEMBERS_MAX;
        let priorities = priorities(keys);
        let all = CAUSES.len();
        let causes = keys.or("cause", Vec::new(), |at| at.set("causes", all, |at| at.word(&CAUSES)));
        let services =
            keys.or("service", Vec::new(), |at| at.set("services", most, |at| known.names.services.refer(at)));
        let customers =
            keys.or("customer", Vec::new(), |at| at.set("customers", most, |at| known.names.customers.refer(at)));
        Ok(Condition { priorities: priorities?, causes: causes?, services: services?, customers: customers? })
    })
}

/// `{ when: [{ priority: [P1], services: 10 }], owner: "…", notice: management, review_within: 5d }`
fn major(at: &At<'_>, known: Known<'_>) -> Read<MajorRule> {
    at.mapping(|keys| {
        let when = keys.required("when", |at| at.set("ways", Handling::WAYS_MAX, major_condition));
        let owner = keys.required("owner", At::text);
        let notice = keys.optional("notice", |at| told_in_messages(at, known));
        let notice_within_ms = keys.or("notice_within", Handling::NOTICE_WITHIN_MS, within);
        let review_within_ms = keys.or("review_within", Handling::REVIEW_WITHIN_MS, within);
        Ok(MajorRule {
            when: when?,
            owner: owner?,
            notice: notice?,
            notice_within_ms: notice_within_ms?,
            review_within_ms: review_within_ms?,
        })
    })
}

fn major_condition(at: &At<'_>) -> Read<MajorCondition> {
    at.mapping(|keys| {
        let priorities = priorities(keys);
        let services = keys.optional("services", |at| at.small_count(Handling::MANY));
        let customers = keys.optional("customers", |at| at.small_count(Handling::MANY));
        let after_ms = keys.optional("after", within);
        let found =
            MajorCondition { priorities: priorities?, services: services?, customers: customers?, after_ms: after_ms? };
        let silent = found.priorities.is_empty() && found.services.or(found.customers).is_none();
        if silent && found.after_ms.is_none() {
            return Err(keys.at().problem("expected \"priority\", \"services\", \"customers\" or \"after\""));
        }
        Ok(found)
    })
}

fn priorities(keys: &Keys<'_>) -> Read<Vec<Priority>> {
    let all = PRIORITIES.len();
    keys.or("priority", Vec::new(), |at| at.set("priorities", all, |at| at.word(&PRIORITIES)))
}

fn within(at: &At<'_>) -> Read<i64> {
    at.duration_ms(Handling::WITHIN_MS)
}

/// A receiver that takes messages: who is told of the whole state alone would not be told of a step.
fn told_in_messages(at: &At<'_>, known: Known<'_>) -> Read<Id> {
    let id = known.names.receivers.refer(at)?;
    let receiver = known.receivers.and_then(|receivers| receivers.get(&id));
    if receiver.is_some_and(|receiver| receiver.channel().is_none()) {
        return Err(
            at.problem(format!("{id} is told the whole state and takes no messages: expected another receiver"))
        );
    }
    Ok(id)
}
