//! Who is told of incidents: priorities, receivers, routes.

use std::ops::RangeInclusive;

use super::sections::Names;
use super::services::CRITICALITIES;
use crate::catalogue::model::{
    Alertmanager, Criticality, Priorities, Priority, Receiver, ReceiverUrl, Route, Urgency, Way,
};
use crate::yaml::declared::Item;
use crate::yaml::problem::Read;
use crate::yaml::walk::{At, Keys};

const PRIORITIES: [(&str, Priority); 5] = {
    let [p1, p2, p3, p4, p5] = Priority::ALL;
    [(p1.as_str(), p1), (p2.as_str(), p2), (p3.as_str(), p3), (p4.as_str(), p4), (p5.as_str(), p5)]
};
const URGENCIES: [(&str, Urgency); 2] =
    [(Urgency::Urgent.as_str(), Urgency::Urgent), (Urgency::Normal.as_str(), Urgency::Normal)];
/// Ways of telling that are known and not built.
const RECEIVERS_NOT_YET: [&str; 2] = ["email", "exec"];
/// How often an Alertmanager may be told: what was told stands for five times as long, so that it neither resolves at
/// one lost post nor stands for long after the collector is gone.
const EVERY_MS: RangeInclusive<i64> = 1_000..=300_000;
const EVERY_DEFAULT_MS: i64 = 60_000;
/// The end of the path under which an Alertmanager takes alerts.
const ALERTS: &str = "/alerts";
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
        let webhook = keys.optional("webhook", |at| at.mapping(|keys| url(keys, At::url)));
        let alertmanager = keys.optional("alertmanager", alertmanager);
        keys.not_yet(&RECEIVERS_NOT_YET)?;
        let way = match (webhook?, alertmanager?) {
            (Some(url), None) => Way::Webhook(url),
            (None, Some(alertmanager)) => Way::Alertmanager(alertmanager),
            (None, None) => {
                return Err(keys.at().problem("how it is told is missing: \"webhook\" or \"alertmanager\""));
            }
            (Some(_), Some(_)) => {
                return Err(keys.at().problem("it is told in one way, not by both \"webhook\" and \"alertmanager\""));
            }
        };
        Ok(Receiver { id: item.id.clone()?, way })
    })
}

/// `{ url: "http://127.0.0.1:9093", every: 1m }`
fn alertmanager(at: &At<'_>) -> Read<Alertmanager> {
    at.mapping(|keys| {
        let url = url(keys, base_url);
        let every_ms = keys.or("every", EVERY_DEFAULT_MS, |at| at.duration_ms(EVERY_MS));
        Ok(Alertmanager { url: url?, every_ms: every_ms? })
    })
}

/// A URL that a path is appended to. What is there of the path of the API already would stand there twice.
fn base_url(at: &At<'_>) -> Read<String> {
    let text = at.url()?;
    if text.contains(['?', '#']) {
        return Err(at.problem("expected the address of the Alertmanager alone, without \"?\" and \"#\""));
    }
    if text.trim_end_matches('/').ends_with(ALERTS) {
        return Err(at.problem("expected the address of the Alertmanager alone: the path of its API is appended"));
    }
    Ok(text)
}

/// One of `url`, which `read` reads, and `url_file`.
fn url<'t>(keys: &Keys<'t>, read: impl FnOnce(&At<'t>) -> Read<String>) -> Read<ReceiverUrl> {
    let url = keys.optional("url", read);
    let file = keys.optional("url_file", At::text);
    match (url?, file?) {
        (Some(url), None) => Ok(ReceiverUrl::Url(url)),
        (None, Some(file)) => Ok(ReceiverUrl::File(file)),
        (None, None) => Err(keys.at().problem("the URL is missing: expected \"url\" or \"url_file\"")),
        (Some(_), Some(_)) => Err(keys.at().problem("expected one of \"url\" and \"url_file\", not both")),
    }
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
