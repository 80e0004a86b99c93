//! What receivers are told: a decision → one message for each receiver that a route names. Pure.
//!
//! A message is an event after `CloudEvents` 1.0, in the structured JSON form. Its id names the store, the incident and
//! the last event it tells of, so it is the same at each attempt and no other message of the store has it. Everything
//! in it is copied from the decision and from the incident as that leaves it; nothing is computed here but the length
//! of an incident.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uphold_common::catalogue::model::{Catalogue, Occasion, Receiver, Target};
use uphold_common::ids::Id;
use uphold_common::time::Instant;
use uphold_common::wire::batch::Epoch;
use utoipa::ToSchema;

use crate::identity::deed::Actor;
use crate::incident::decide::Decision;
use crate::incident::model::{Change, Event, Incident, Number, Resolved, Subject};
use crate::problem::register::Behind;

/// The media type of a message's body.
pub const CONTENT_TYPE: &str = "application/cloudevents+json";

/// One message to one receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Who is told.
    pub receiver: Id,
    /// Its id: the same at each attempt and at each receiver.
    pub id: String,
    /// The incident that it tells of.
    pub incident: Number,
    /// What it tells of.
    pub kind: Kind,
    /// The event, in JSON.
    pub body: String,
}

/// What a message tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = MessageKind)]
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
    /// It was closed.
    Closed,
    /// Somebody took it on.
    Acknowledged,
    /// Somebody said something about it.
    Commented,
    /// It was given to somebody.
    Assigned,
    /// It was connected with something.
    Linked,
    /// What connected it with something was taken back.
    Unlinked,
    /// Further services are affected by it.
    Affected,
    /// Nobody did in time what was to be done.
    Escalated,
    /// It is a major incident.
    Major,
    /// Somebody is reminded of what follows from a major one.
    Reminded,
    /// The management has the notice.
    NoticeReceived,
    /// Its review was filed.
    Reviewed,
    /// Nothing happened: somebody tries whether a receiver can be told.
    Test,
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
            Self::Closed => "uphold.incident.closed",
            Self::Acknowledged => "uphold.incident.acknowledged",
            Self::Commented => "uphold.incident.commented",
            Self::Assigned => "uphold.incident.assigned",
            Self::Linked => "uphold.incident.linked",
            Self::Unlinked => "uphold.incident.unlinked",
            Self::Affected => "uphold.incident.affected",
            Self::Escalated => "uphold.incident.escalated",
            Self::Major => "uphold.incident.major",
            Self::Reminded => "uphold.incident.reminded",
            Self::NoticeReceived => "uphold.incident.notice_received",
            Self::Reviewed => "uphold.incident.reviewed",
            Self::Test => "uphold.test",
        }
    }

    /// What a decision tells of; none where nobody is told.
    fn of(decision: &Decision) -> Option<Self> {
        let mut found = None;
        for event in &decision.events {
            found = match (&event.change, found) {
                (Change::Opened(_), _) => Some(Self::Opened),
                (Change::Resolved { .. }, Some(Self::Opened)) => Some(Self::Recorded),
                (Change::Resolved { .. }, _) => Some(Self::Resolved),
                (Change::Reopened { .. }, _) => Some(Self::Reopened),
                (Change::Amended { .. }, _) => Some(Self::Amended),
                // What is closed as it is resolved says so in its resolution, and nobody waits for what is closed by itself.
                (Change::Closed { by: Some(_), .. }, None) => Some(Self::Closed),
                (Change::Acknowledged { .. }, _) => Some(Self::Acknowledged),
                (Change::Commented { .. }, _) => Some(Self::Commented),
                (Change::Assigned { .. }, _) => Some(Self::Assigned),
                (Change::Linked { .. }, _) => Some(Self::Linked),
                (Change::Unlinked { .. }, _) => Some(Self::Unlinked),
                // Whom an incident affects from its beginning is said as it is opened.
                (Change::Affected { .. }, None) => Some(Self::Affected),
                (Change::Escalated { .. }, _) => Some(Self::Escalated),
                (Change::Major { .. }, _) => Some(Self::Major),
                (Change::Reminded { .. }, _) => Some(Self::Reminded),
                (Change::NoticeReceived { .. }, _) => Some(Self::NoticeReceived),
                (Change::Reviewed { .. }, _) => Some(Self::Reviewed),
                (Change::Closed { .. } | Change::Affected { .. } | Change::Cleared | Change::Ticket { .. }, before) => {
                    before
                }
            };
        }
        found
    }
}

/// Most names of a list in a message; beside it stands how many there are.
pub const LISTED_MAX: usize = 100;

/// The messages that tell of `decision`, in order of their receivers: one for each that a route names for the incident,
/// however many routes do. `after` is the incident as the decision leaves it. Nobody is told of what began in maintenance,
/// and nobody of what came from there.
pub fn compose(store: Epoch, catalogue: &Catalogue, decision: &Decision, after: &Incident) -> Vec<Message> {
    compose_knowing(store, catalogue, decision, after, None)
}

/// The same, with the problem behind the incident and what is known of it.
pub fn compose_knowing(
    store: Epoch,
    catalogue: &Catalogue,
    decision: &Decision,
    after: &Incident,
    behind: Option<&Behind>,
) -> Vec<Message> {
    let (Some(last), Some(kind)) = (decision.events.last(), Kind::of(decision)) else { return Vec::new() };
    if after.quiet.is_some() {
        return Vec::new();
    }
    let receivers: Vec<&Id> = told(catalogue, &last.change, after)
        .into_iter()
        .filter_map(|id| catalogue.receivers.get(id))
        .filter(|receiver| receiver.channel().is_some())
        .map(|receiver| &receiver.id)
        .collect();
    if receivers.is_empty() {
        return Vec::new();
    }
    let id = event_id(store, last);
    let mut data = data(catalogue, after, &last.change);
    if let Some(behind) = behind {
        data.insert("problem".to_owned(), json!(behind.problem.to_string()));
        data.extend(behind.known_error.as_ref().map(|known| ("known_error".to_owned(), json!(known))));
    }
    let body = json!({
        "specversion": "1.0",
        "id": id,
        "source": format!("urn:uphold:store:{store}"),
        "type": kind.as_str(),
        "subject": after.number.to_string(),
        "time": last.decided_at.to_string(),
        "datacontenttype": "application/json",
        "data": data,
    })
    .to_string();
    let incident = after.number;
    let to = |receiver: &Id| Message { receiver: receiver.clone(), id: id.clone(), incident, kind, body: body.clone() };
    receivers.into_iter().map(to).collect()
}

/// Who is told of a change: whom a route names; of an escalation, whom its step names; of what is overdue, who was told; of a major incident, the management
/// too.
fn told<'a>(catalogue: &'a Catalogue, change: &'a Change, incident: &Incident) -> BTreeSet<&'a Id> {
    let mut ids: BTreeSet<&Id> = match change {
        Change::Escalated { to, .. } | Change::Reminded { to: Some(to), .. } => BTreeSet::from([to]),
        _ => routed(catalogue, incident).map(|receiver| &receiver.id).collect(),
    };
    if let Change::Major { notice_to: Some(to), .. } = change {
        ids.insert(to);
    }
    if let Some(Actor::Receiver { receiver, .. }) = change.by() {
        ids.remove(receiver);
    }
    ids
}

/// Such as `0a1b2c3d-INC-7.2`: the store's first digits, the incident, the place of the event.
fn event_id(store: Epoch, event: &Event) -> String {
    format!("{}-{}.{}", store_digits(store), event.number, event.place)
}

/// The first digits of a store's name, which tell stores apart for people.
pub(super) fn store_digits(store: Epoch) -> String {
    store.to_string().chars().take(8).collect()
}

/// The receivers that a route names for an incident, each once, in order of their ids.
pub(super) fn routed<'c>(catalogue: &'c Catalogue, incident: &Incident) -> impl Iterator<Item = &'c Receiver> {
    let agreements = touched(catalogue, incident);
    let of = Occasion {
        priority: incident.priority.0,
        urgency: incident.urgency.0,
        service: incident.subject.service(),
        affected: &incident.affected,
        customers: &incident.customers,
        agreements: &agreements,
        cause: incident.subject.cause(),
        criticality: incident.criticality.0,
        opened: incident.opened,
    };
    let told = catalogue.routes.iter().filter(|route| route.tells(&of, incident.late));
    let ids: BTreeSet<&Id> = told.map(|route| &route.to).collect();
    ids.into_iter().filter_map(|id| catalogue.receivers.get(id))
}

/// The agreements that an incident touches, of those that routes ask for: that of its target, if it is about one, else each
/// with a target on its service or on one that it affects.
fn touched<'c>(catalogue: &'c Catalogue, incident: &Incident) -> BTreeSet<&'c Id> {
    let asked: BTreeSet<&Id> = catalogue.routes.iter().flat_map(|route| &route.when.agreements).collect();
    if asked.is_empty() {
        return asked;
    }
    let about = |service: &Id| incident.subject.service() == Some(service) || incident.affected.contains(service);
    let of_target = incident.subject.target().map(|target| &target.parent);
    let touches = |target: &&Target| match of_target {
        Some(agreement) => target.id.parent == *agreement,
        None => about(&target.service),
    };
    let of_all: BTreeSet<&Id> = catalogue.targets.values().filter(touches).map(|target| &target.id.parent).collect();
    asked.into_iter().filter(|agreement| of_all.contains(agreement)).collect()
}

fn data(catalogue: &Catalogue, incident: &Incident, last: &Change) -> Map<String, Value> {
    let name = incident.subject.name();
    // A service that left the catalogue has no other name any more.
    let service = incident.subject.service().and_then(|id| catalogue.services.get(id));
    let mut data = Map::new();
    let mut put = |key: &str, value: Value| {
        data.insert(key.to_owned(), value);
    };
    put("id", json!(incident.id));
    put("key", json!(incident.key));
    put("number", json!(incident.number.0));
    put("cause", json!(incident.subject.cause().as_str()));
    put("category", json!(incident.category.as_str()));
    match &incident.subject {
        Subject::AgentSilent { agent } | Subject::ClockOff { agent } => put("agent", json!(agent.as_str())),
        Subject::TargetBreached { window_start: Some(start), .. }
        | Subject::TargetUnreachable { window_start: start, .. } => put_instant(&mut put, "window_start", *start),
        Subject::CapacityAbove { threshold, .. } => put("threshold", json!(threshold.as_str())),
        Subject::CertificateExpiring { probe, .. } => put("probe", json!(probe.as_str())),
        Subject::MaintenanceOverrun { maintenance, .. } => put("maintenance", json!(maintenance.as_str())),
        _ => {}
    }
    if let Some(service) = incident.subject.service() {
        put("service", json!(service.as_str()));
    }
    if let Some(target) = incident.subject.target() {
        put("target", json!(target.to_string()));
    }
    put("service_name", json!(service.map_or(name.as_str(), |service| service.name.as_str())));
    match service.filter(|_| incident.customers.is_empty()) {
        Some(service) => put_list(&mut put, "customers", service.customers.iter()),
        None => put_list(&mut put, "customers", incident.customers.iter()),
    }
    put_list(&mut put, "components", incident.components.iter());
    put_list(&mut put, "affected", incident.affected.iter());
    put("criticality", json!(incident.criticality));
    put("urgency", json!(incident.urgency));
    put("priority", json!(incident.priority));
    put("summary", json!(incident.summary));
    put("state", json!(if incident.is_open() { "open" } else { "resolved" }));
    put("standing", json!(incident.state));
    put("owner", json!(incident.owner));
    put("assignee", json!(incident.assignee));
    put("returns", json!(incident.returns));
    put_life(&mut put, incident, last);
    data
}

/// What became of it, and when.
fn put_life(put: &mut impl FnMut(&str, Value), incident: &Incident, last: &Change) {
    put_instant(put, "started", incident.started);
    put_instant(put, "opened", incident.opened);
    if let Some(acknowledged) = &incident.acknowledged {
        put("acknowledged_by", json!(acknowledged.by.to_string()));
        put_instant(put, "acknowledged", acknowledged.at);
    }
    if let (Some(by), Some(text)) = (last.by(), last.said()) {
        put("comment", json!({ "by": by.to_string(), "text": text }));
    }
    put("happened", json!(last.to_string()));
    match last {
        Change::Linked { link, .. } | Change::Unlinked { link, .. } => put("link", json!(link)),
        Change::Escalated { step, because, .. } => put("escalation", json!({ "step": step, "because": because })),
        _ => {}
    }
    if let Some(major) = &incident.major {
        put("major", json!({ "because": major.because, "owner": major.owner }));
    }
    if let Some(resolved) = &incident.resolved {
        put("resolved", Value::Object(end(resolved)));
        put("duration_ms", json!(incident.interval().len_ms()));
    }
    if let Some(closed) = incident.closed {
        put_instant(put, "closed", closed);
    }
}

/// The first names of a list, and how many there are.
fn put_list<'a>(put: &mut impl FnMut(&str, Value), key: &str, names: impl ExactSizeIterator<Item = &'a Id>) {
    put(&format!("{key}_count"), json!(names.len()));
    put(key, json!(names.take(LISTED_MAX).map(Id::as_str).collect::<Vec<_>>()));
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
