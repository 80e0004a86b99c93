//! What receivers are told: a decision → one message for each receiver that a route names. Pure.
//!
//! A message is an event after `CloudEvents` 1.0, in the structured JSON form. Its id names the store, the incident and
//! the last event it tells of, so it is the same at each attempt and no other message of the store has it. Everything
//! in it is copied from the decision and from the incident as that leaves it; nothing is computed here but the length
//! of an incident.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uphold_common::catalogue::model::{Catalogue, Priority, Receiver};
use uphold_common::ids::Id;
use uphold_common::time::Instant;
use uphold_common::wire::batch::Epoch;

use crate::incident::decide::Decision;
use crate::incident::model::{Change, Event, Incident, Resolved, Subject};

/// The media type of a message's body.
pub const CONTENT_TYPE: &str = "application/cloudevents+json";

/// One message to one receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Who is told.
    pub receiver: Id,
    /// Its id: the same at each attempt and at each receiver.
    pub id: String,
    /// What it tells of.
    pub kind: Kind,
    /// The event, in JSON.
    pub body: String,
}

/// What a message tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An incident was opened.
    Opened,
    /// It was resolved.
    Resolved,
    /// It was opened again.
    Reopened,
    /// It is over, but ended otherwise than was told.
    Amended,
    /// It was opened and resolved in one change: it was over before it became known.
    Recorded,
    /// Somebody took it on.
    Acknowledged,
    /// Somebody said something about it.
    Commented,
}

impl Kind {
    /// The `type` of the event.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "uphold.incident.opened",
            Self::Resolved => "uphold.incident.resolved",
            Self::Reopened => "uphold.incident.reopened",
            Self::Amended => "uphold.incident.amended",
            Self::Recorded => "uphold.incident.recorded",
            Self::Acknowledged => "uphold.incident.acknowledged",
            Self::Commented => "uphold.incident.commented",
        }
    }

    fn of(decision: &Decision, last: &Event) -> Self {
        let opens = decision.events.iter().any(|event| matches!(event.change, Change::Opened { .. }));
        match (&last.change, opens) {
            (Change::Opened { .. }, _) => Self::Opened,
            (Change::Resolved { .. }, true) => Self::Recorded,
            (Change::Resolved { .. }, false) => Self::Resolved,
            (Change::Reopened, _) => Self::Reopened,
            (Change::Amended { .. }, _) => Self::Amended,
            (Change::Acknowledged { .. }, _) => Self::Acknowledged,
            (Change::Commented { .. }, _) => Self::Commented,
        }
    }
}

/// The messages that tell of `decision`, in order of their receivers: one for each webhook that a route names for the
/// incident's priority, however many routes do. `after` is the incident as the decision leaves it.
pub fn compose(store: Epoch, catalogue: &Catalogue, decision: &Decision, after: &Incident) -> Vec<Message> {
    let Some(last) = decision.events.last() else { return Vec::new() };
    let receivers: Vec<&Id> =
        routed(catalogue, after.priority.0).filter(|one| one.webhook().is_some()).map(|one| &one.id).collect();
    if receivers.is_empty() {
        return Vec::new();
    }
    let kind = Kind::of(decision, last);
    let id = event_id(store, last);
    let body = json!({
        "specversion": "1.0",
        "id": id,
        "source": format!("urn:uphold:store:{store}"),
        "type": kind.as_str(),
        "subject": after.number.to_string(),
        "time": last.decided_at.to_string(),
        "datacontenttype": "application/json",
        "data": data(catalogue, after, &last.change),
    })
    .to_string();
    let to = |receiver: &Id| Message { receiver: receiver.clone(), id: id.clone(), kind, body: body.clone() };
    receivers.into_iter().map(to).collect()
}

/// Such as `0a1b2c3d-INC-7.2`: the store's first digits, the incident, the place of the event.
fn event_id(store: Epoch, event: &Event) -> String {
    format!("{}-{}.{}", store_digits(store), event.number, event.place)
}

/// The first digits of a store's name, which tell stores apart for people.
pub(super) fn store_digits(store: Epoch) -> String {
    store.to_string().chars().take(8).collect()
}

/// The receivers that a route names for incidents of this priority, each once, in order of their ids.
pub(super) fn routed(catalogue: &Catalogue, priority: Priority) -> impl Iterator<Item = &Receiver> {
    let routes = catalogue.routes.iter();
    let told = routes.filter(move |route| route.priorities.is_empty() || route.priorities.contains(&priority));
    let ids: BTreeSet<&Id> = told.map(|route| &route.to).collect();
    ids.into_iter().filter_map(|id| catalogue.receivers.get(id))
}

fn data(catalogue: &Catalogue, incident: &Incident, last: &Change) -> Map<String, Value> {
    let id = incident.subject.service();
    // A service that left the catalogue has no other name any more, and nobody it is for.
    let service = catalogue.services.get(id);
    let customers: Vec<&str> = service.map_or(Vec::new(), |service| service.customers.iter().map(Id::as_str).collect());
    let mut data = Map::new();
    let mut put = |key: &str, value: Value| {
        data.insert(key.to_owned(), value);
    };
    put("number", json!(incident.number.0));
    put("service", json!(id.as_str()));
    put("service_name", json!(service.map_or(id.as_str(), |service| service.name.as_str())));
    put("customers", json!(customers));
    put("priority", json!(incident.priority.0.as_str()));
    put("urgency", json!(incident.subject.urgency().as_str()));
    put("summary", json!(incident.summary));
    put("state", json!(if incident.is_open() { "open" } else { "resolved" }));
    match &incident.subject {
        Subject::ServiceDown { .. } => put("cause", json!("service_down")),
        Subject::TargetBreached { target, window_start, .. } => {
            put("cause", json!("target_breached"));
            put("target", json!(target.to_string()));
            if let Some(start) = window_start {
                put_instant(&mut put, "window_start", *start);
            }
        }
        Subject::CapacityAbove { target, threshold, .. } => {
            put("cause", json!("capacity_above"));
            put("target", json!(target.to_string()));
            put("threshold", json!(threshold.as_str()));
        }
    }
    put_instant(&mut put, "started", incident.started);
    put_instant(&mut put, "opened", incident.opened);
    if let Some(acknowledged) = &incident.acknowledged {
        put("acknowledged_by", json!(acknowledged.by.to_string()));
        put_instant(&mut put, "acknowledged", acknowledged.at);
    }
    if let Change::Acknowledged { by, text: Some(text) } | Change::Commented { by, text } = last {
        put("comment", json!({ "by": by.to_string(), "text": text }));
    }
    if let Some(resolved) = &incident.resolved {
        put("resolved", Value::Object(end(resolved)));
        put("duration_ms", json!(incident.interval().len_ms()));
    }
    data
}

fn end(resolved: &Resolved) -> Map<String, Value> {
    let mut end = Map::new();
    let mut put = |key: &str, value: Value| {
        end.insert(key.to_owned(), value);
    };
    put_instant(&mut put, "ended", resolved.ended);
    put_instant(&mut put, "decided", resolved.decided_at);
    put("resolution", json!(resolved.resolution));
    put("resolution_text", json!(resolved.resolution.as_str()));
    end
}

/// An instant twice: in milliseconds for programs, as RFC 3339 for people.
fn put_instant(put: &mut impl FnMut(&str, Value), key: &str, at: Instant) {
    put(&format!("{key}_ms"), json!(at.as_ms()));
    put(key, json!(at.to_string()));
}

#[cfg(test)]
#[path = "message_tests.rs"]
mod tests;
