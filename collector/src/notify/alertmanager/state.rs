//! A snapshot → the alerts that one Alertmanager is to have. Pure.
//!
//! An alert is known by all of its labels, so these stay what they were over the life of an incident: they are copied
//! from its opening. What people may change meanwhile, such as a name, is an annotation.

use std::collections::BTreeMap;

use serde::Serialize;
use uphold_common::catalogue::model::Alertmanager;
use uphold_common::catalogue::promise::Threshold;
use uphold_common::ids::Id;
use uphold_common::time::Instant;

use crate::incident::model::{Incident, Number, Resolved, Subject};
use crate::notify::message::{LISTED_MAX, routed, store_digits};
use crate::snapshot::Snapshot;

/// How long an incident that was resolved is told of, so that its end is known also after a restart or a failure.
pub const RESOLVED_TOLD_MS: i64 = 15 * 60_000;
/// How many rhythms an alert stands when it is not told anew.
const STANDS: i64 = 5;

/// An alert, as the API of an Alertmanager takes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Alert {
    /// What it is known by.
    pub labels: BTreeMap<&'static str, String>,
    /// What is said of it.
    pub annotations: BTreeMap<&'static str, String>,
    /// When what it is about began, as measured.
    pub starts_at: String,
    /// When it ends, or has ended.
    pub ends_at: String,
}

/// Which incidents are told, and when each has ended: what has to be told at once when there is something new in it.
pub type Shape = Vec<(Number, Option<Instant>)>;

/// The incidents that a receiver is told of: those that are open, and those that were resolved a short while ago.
pub fn told<'s>(snapshot: &'s Snapshot, receiver: &Id) -> Vec<&'s Incident> {
    let incidents = snapshot.open_incidents.iter().chain(&snapshot.lately_resolved);
    let incidents = incidents.filter(|incident| is_told_of(incident, snapshot.as_of));
    let goes_there = |incident: &&Incident| routed(&snapshot.catalogue, incident).any(|one| one.id == *receiver);
    incidents.filter(goes_there).collect()
}

/// Whether an incident belongs to the state: it is open, or was resolved a short while ago, and did not begin in maintenance.
pub fn is_told_of(incident: &Incident, as_of: Instant) -> bool {
    let lately = |resolved: &Resolved| as_of.since_ms(resolved.decided_at) <= RESOLVED_TOLD_MS;
    incident.quiet.is_none() && incident.resolved.as_ref().is_none_or(lately)
}

/// What is told, in short.
pub fn shape(told: &[&Incident]) -> Shape {
    told.iter().map(|incident| (incident.number, incident.resolved.as_ref().map(|resolved| resolved.ended))).collect()
}

/// The alerts about these incidents. Those of open ones stand for a few rhythms of this Alertmanager.
pub fn alerts(snapshot: &Snapshot, told: &[&Incident], alertmanager: &Alertmanager) -> Vec<Alert> {
    let stands_to = snapshot.as_of.plus_ms(alertmanager.every_ms.saturating_mul(STANDS));
    let watchdog = alertmanager.watchdog.then(|| watchdog(snapshot, stands_to));
    told.iter().map(|incident| alert(snapshot, incident, stands_to)).chain(watchdog).collect()
}

/// An alert that says nothing but that the collector measures: what is wrong is its end.
fn watchdog(snapshot: &Snapshot, stands_to: Instant) -> Alert {
    let summary = "Uphold measures, and reaches this Alertmanager: this alert always stands".to_owned();
    let organisation = snapshot.catalogue.organisation.name.clone();
    Alert {
        labels: BTreeMap::from([("alertname", "Watchdog".to_owned()), ("store", store_digits(snapshot.store))]),
        annotations: BTreeMap::from([("summary", summary), ("organisation", organisation)]),
        starts_at: snapshot.as_of.to_string(),
        ends_at: stands_to.to_string(),
    }
}

fn alert(snapshot: &Snapshot, incident: &Incident, stands_to: Instant) -> Alert {
    // An Alertmanager refuses an alert that ends before it starts.
    let ends = incident.resolved.as_ref().map_or(stands_to, |resolved| resolved.ended).max(incident.started);
    Alert {
        labels: labels(snapshot, incident),
        annotations: annotations(snapshot, incident),
        starts_at: incident.started.to_string(),
        ends_at: ends.to_string(),
    }
}

fn labels(snapshot: &Snapshot, incident: &Incident) -> BTreeMap<&'static str, String> {
    let subject = &incident.subject;
    let mut labels = BTreeMap::from([
        ("alertname", alertname(subject).to_owned()),
        ("priority", incident.priority.0.as_str().to_owned()),
        ("incident", incident.number.to_string()),
        ("store", store_digits(snapshot.store)),
    ]);
    match subject.service() {
        Some(service) => labels.insert("service", service.to_string()),
        None => labels.insert("agent", subject.name().to_string()),
    };
    if let Some(target) = subject.target() {
        labels.insert("target", target.to_string());
    }
    labels
}

/// By what is wrong.
const fn alertname(subject: &Subject) -> &'static str {
    match subject {
        Subject::ServiceDown { .. } => "UpholdServiceDown",
        Subject::ServiceDegraded { .. } => "UpholdServiceDegraded",
        Subject::TargetBreached { .. } => "UpholdTargetBreached",
        Subject::TargetUnreachable { .. } => "UpholdTargetUnreachable",
        Subject::BudgetBurning { .. } => "UpholdBudgetBurning",
        Subject::AgentSilent { .. } => "UpholdAgentSilent",
        Subject::ServiceUnmeasured { .. } => "UpholdServiceUnmeasured",
        Subject::CertificateExpiring { .. } => "UpholdCertificateExpiring",
        Subject::MaintenanceOverrun { .. } => "UpholdMaintenanceOverrun",
        Subject::ClockOff { .. } => "UpholdClockOff",
        Subject::CapacityAbove { threshold: Threshold::Warning, .. } => "UpholdCapacityWarning",
        Subject::CapacityAbove { threshold: Threshold::Critical, .. } => "UpholdCapacityCritical",
    }
}

fn annotations(snapshot: &Snapshot, incident: &Incident) -> BTreeMap<&'static str, String> {
    let catalogue = &snapshot.catalogue;
    let mut annotations =
        BTreeMap::from([("summary", incident.summary.clone()), ("organisation", catalogue.organisation.name.clone())]);
    // A service that left the catalogue has no other name any more, and nobody it is for.
    if let Some(service) = incident.subject.service().and_then(|id| catalogue.services.get(id)) {
        annotations.insert("service_name", service.name.clone());
    }
    if !incident.customers.is_empty() {
        let customers: Vec<&str> = incident.customers.iter().take(LISTED_MAX).map(Id::as_str).collect();
        annotations.insert("customers", customers.join(", "));
    }
    if !incident.affected.is_empty() {
        annotations.insert("affected", incident.affected.len().to_string());
    }
    if let Some(resolved) = &incident.resolved {
        annotations.insert("resolution", resolved.resolution.as_str().to_owned());
    }
    annotations
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
