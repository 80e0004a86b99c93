//! Who is told of incidents: priorities, receivers, routes.

use super::sections::Names;
use super::services::CRITICALITIES;
use crate::catalogue::model::{Criticality, Priorities, Priority, Receiver, Route, Urgency, WebhookUrl};
use crate::yaml::declared::Item;
use crate::yaml::problem::Read;
use crate::yaml::walk::At;

const PRIORITIES: [(&str, Priority); 5] = {
    let [p1, p2, p3, p4, p5] = Priority::ALL;
    [(p1.as_str(), p1), (p2.as_str(), p2), (p3.as_str(), p3), (p4.as_str(), p4), (p5.as_str(), p5)]
};
const URGENCIES: [(&str, Urgency); 2] =
    [(Urgency::Urgent.as_str(), Urgency::Urgent), (Urgency::Normal.as_str(), Urgency::Normal)];
/// Ways of telling that are known and not built.
const RECEIVERS_NOT_YET: [&str; 2] = ["email", "exec"];
/// Conditions of routes that are known and not built.
const CONDITIONS_NOT_YET: [&str; 5] = ["service", "services", "criticality", "urgency", "agreement"];

/// `{ priorities: { high: { urgent: P1, normal: P2 } } }`; what is not said stays as in the full matrix.
pub(super) fn incidents(at: &At<'_>) -> Read<Priorities> {
    let said = at.mapping(|keys| keys.or("priorities", Vec::new(), |at| matrix(at)))?;
    let mut priorities = Priorities::default();
    priorities.0.extend(said);
    Ok(priorities)
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

/// `{ id: duty, webhook: { url_file: /etc/uphold/duty.url } }`
pub(super) fn receiver(item: &Item<'_>) -> Read<Receiver> {
    item.mapping(|keys| {
        let url = keys.optional("webhook", webhook);
        keys.not_yet(&RECEIVERS_NOT_YET)?;
        let url = url?.ok_or_else(|| keys.at().problem("the key \"webhook\" is missing"))?;
        Ok(Receiver { id: item.id.clone()?, url })
    })
}

fn webhook(at: &At<'_>) -> Read<WebhookUrl> {
    at.mapping(|keys| {
        let url = keys.optional("url", At::url);
        let file = keys.optional("url_file", At::text);
        match (url?, file?) {
            (Some(url), None) => Ok(WebhookUrl::Url(url)),
            (None, Some(file)) => Ok(WebhookUrl::File(file)),
            (None, None) => Err(keys.at().problem("the URL is missing: expected \"url\" or \"url_file\"")),
            (Some(_), Some(_)) => Err(keys.at().problem("expected one of \"url\" and \"url_file\", not both")),
        }
    })
}

/// `{ to: duty, when: { priority: [P1, P2] } }`
pub(super) fn route(at: &At<'_>, names: &Names) -> Read<Route> {
    at.mapping(|keys| {
        let to = keys.required("to", |at| names.receivers.refer(at));
        let priorities = keys.or("when", Vec::new(), |at| {
            at.mapping(|keys| {
                let not_yet = keys.not_yet(&CONDITIONS_NOT_YET);
                let all = PRIORITIES.len();
                let read = |at: &At<'_>| at.set("priorities", all, |at| at.word(&PRIORITIES));
                let priorities = keys.or("priority", Vec::new(), read);
                not_yet.and(priorities)
            })
        });
        Ok(Route { to: to?, priorities: priorities? })
    })
}
