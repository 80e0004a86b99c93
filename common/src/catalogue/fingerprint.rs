//! Which version of the catalogue this is, and what it measures differently than another.
//!
//! A version is named by the SHA-256 of its files. Beside it, each service and each target has a text of everything
//! that decides how its past is measured, one `what: value` a line; names, owners and checks are not in it. Two
//! versions whose texts agree give the same figures for the same observations. The texts are stored with a version, so
//! their form is kept: a line may be added, never worded anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use sha2::{Digest, Sha256};

use super::calendar::Hours;
use super::model::{
    AlertRule, AvailabilityPromise, Calendar, CapacityPromise, Catalogue, Consequences, CreditStep, DegradedPolicy,
    Effective, MIN_BAD_DEFAULT, MaintenanceRules, Probe, Promise, ResponseBound, ResponsePromise, Service, Target,
    Threshold, UnmeasuredPolicy, WindowKind,
};
use crate::bytes::Hex;
use crate::ids::{Id, TargetId};
use crate::percent::Ppb;
use crate::yaml::scalars::exact_duration;

/// The days of the week, as the catalogue writes them.
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
/// Most dates that are listed.
const LISTED_MAX: usize = 12;

/// SHA-256 over the names and texts of the files in the order given, in hexadecimal.
pub fn content_hash<N: AsRef<str>, T: AsRef<str>>(files: &[(N, T)]) -> String {
    let mut hash = Sha256::new();
    for (name, text) in files {
        for part in [name.as_ref(), text.as_ref()] {
            // Lengths first, so that no two lists of files run together into the same bytes.
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
            hash.update(part.as_bytes());
        }
    }
    Hex(&hash.finalize()).to_string()
}

/// For each `service webshop` and each `target shop-sla/availability`, everything that decides how its past is measured.
pub fn measured_as(catalogue: &Catalogue) -> BTreeMap<String, String> {
    let services = catalogue.services.values().map(|one| (format!("service {}", one.id), service_text(catalogue, one)));
    let targets = catalogue.targets.values().map(|one| (format!("target {}", one.id), target_text(one)));
    services.chain(targets).collect()
}

/// What of a service holds for all of its past, so that no change of it can hold from an instant on.
const OF_ALL_PAST: [&str; 2] = ["since", "time zone"];

/// What `new` measures differently than `old` of what is in both: one sentence a difference, for people.
pub fn changes(old: &BTreeMap<String, String>, new: &BTreeMap<String, String>) -> Vec<String> {
    changes_of(old, new, |_| true)
}

/// Of these, those that would hold for all of the past.
pub fn changes_of_all_past(old: &BTreeMap<String, String>, new: &BTreeMap<String, String>) -> Vec<String> {
    changes_of(old, new, |key| OF_ALL_PAST.contains(&key))
}

/// The targets whose changes are to hold at once.
pub fn immediate(catalogue: &Catalogue) -> BTreeSet<TargetId> {
    let at_once = catalogue.targets.values().filter(|target| target.effective == Effective::Immediate);
    at_once.map(|target| target.id.clone()).collect()
}

/// What of `new` was hardly meant so after a catalogue with these texts, in which the targets in `immediate` were to change
/// at once: that a change is to hold at once counts with the change it comes with, and does nothing by itself.
pub fn in_vain(immediate: &BTreeSet<TargetId>, old: &BTreeMap<String, String>, new: &Catalogue) -> Vec<String> {
    let said = self::immediate(new);
    let targets = said.difference(immediate).filter_map(|id| new.targets.get(id));
    let alone = targets.filter(|target| old.get(&format!("target {}", target.id)) == Some(&target_text(target)));
    let told = |target: &Target| {
        let id = &target.id;
        format!(
            "target {id}: effective: immediate is new and nothing that it promises is: it does nothing by itself, and what \
             changed before does not hold at once because of it"
        )
    };
    alone.map(told).collect()
}

fn changes_of(
    old: &BTreeMap<String, String>,
    new: &BTreeMap<String, String>,
    counts: impl Fn(&str) -> bool,
) -> Vec<String> {
    let mut sentences = Vec::new();
    for (what, before) in old {
        let Some(after) = new.get(what).filter(|after| *after != before) else { continue };
        let lines = |text| lines(text, &counts);
        let (before, after) = (lines(before), lines(after));
        for (key, was) in &before {
            match after.get(key) {
                Some(is) if is == was => {}
                Some(is) => sentences.push(format!("{what}: {key} was {was} and is now {is}")),
                None => sentences.push(format!("{what}: {key} was {was} and is gone")),
            }
        }
        let added = after.iter().filter(|(key, _)| !before.contains_key(*key));
        sentences.extend(added.map(|(key, is)| format!("{what}: {key} is new, with {is}")));
    }
    sentences
}

fn lines(text: &str, counts: impl Fn(&str) -> bool) -> BTreeMap<&str, &str> {
    text.lines().filter_map(|line| line.split_once(": ")).filter(|(key, _)| counts(key)).collect()
}

/// With what it is made of in other services, so that a change of theirs is one of its own.
pub(super) fn service_text(catalogue: &Catalogue, service: &Service) -> String {
    let since = or_none(service.since, "its first record");
    let zone = service.time_zone.iana_name().unwrap_or("UTC");
    let needs = service.available_when.text();
    let mut lines = vec![format!("since: {since}"), format!("time zone: {zone}"), format!("needs: {needs}")];
    lines.extend(service.probes.values().flat_map(|probe| probe_lines(probe, probe.id.child.as_str())));
    let needs = |below: &Service| format!("needs of service {}: {}", below.id, below.available_when.text());
    lines.extend(below(catalogue, service).into_iter().map(needs));
    let others = service.looks_at().filter(|probe| probe.id.parent != service.id);
    lines.extend(others.flat_map(|probe| probe_lines(probe, &probe.id.to_string())));
    lines.extend(service.calendar.iter().flat_map(|calendar| calendar_lines(calendar)));
    lines.extend(service.looks_at().filter_map(|probe| component_line(catalogue, service, probe)));
    lines.join("\n")
}

/// Who answers for a probe, if anybody was named.
fn component_line(catalogue: &Catalogue, service: &Service, probe: &Probe) -> Option<String> {
    let component = catalogue.components.get(probe.component.as_ref()?)?;
    Some(format!("component of {}: {} of {}", service.name_of(&probe.id), component.id, component.party))
}

/// The services that one is built on, directly or through others, in order of their ids.
fn below<'a>(catalogue: &'a Catalogue, service: &'a Service) -> Vec<&'a Service> {
    let (mut found, mut left) = (BTreeMap::new(), service.built_on());
    while let Some(id) = left.pop() {
        let Some(below) = catalogue.services.get(id).filter(|_| !found.contains_key(id)) else { continue };
        left.extend(below.built_on());
        found.insert(id, below);
    }
    found.into_values().collect()
}

fn probe_lines(probe: &Probe, name: &str) -> [String; 6] {
    [
        format!("agents of {name}: {}", joined(&probe.agents)),
        format!("interval of {name}: {}", exact_duration(probe.interval_ms)),
        format!("stale_after of {name}: {}", exact_duration(probe.stale_after_ms)),
        format!("fall of {name}: {}", probe.fall),
        format!("rise of {name}: {}", probe.rise),
        format!("quorum of {name}: {}", or_none(probe.quorum, "half, rounded up")),
    ]
}

pub(super) fn target_text(target: &Target) -> String {
    let mut lines = vec![format!("service: {}", target.service), format!("window: {}", window_text(target.window))];
    match &target.promise {
        Promise::Availability(promise) => lines.extend(availability_lines(promise)),
        Promise::Capacity(promise) => lines.extend(capacity_lines(promise)),
        Promise::Response(promise) => lines.push(response_line(promise)),
    }
    lines.extend(target.calendar.iter().flat_map(|calendar| calendar_lines(calendar)));
    let maintenance = target.maintenance;
    if maintenance != MaintenanceRules::default() {
        lines.push(format!("min_notice: {}", exact_duration(maintenance.min_notice_ms)));
        lines.push(format!("maintenance_allowance: {}", or_none(maintenance.allowance_ms.map(exact_duration), "none")));
    }
    lines.extend(consequence_lines(&target.consequences));
    lines.join("\n")
}

/// What is agreed, whatever the calendar is called. A service or target without one has none of these lines.
fn calendar_lines(calendar: &Calendar) -> [String; 4] {
    let of_day = |hours: &[Hours]| hours.iter().map(|hours| hours.text()).collect::<Vec<_>>().join(" ");
    let weekly = DAYS.iter().zip(&calendar.weekly).filter(|(_, hours)| !hours.is_empty());
    let weekly = weekly.map(|(day, hours)| format!("{day} {}", of_day(hours)));
    let extra_days = calendar.extra_days.iter().map(|(date, hours)| match hours.as_slice() {
        [] => format!("{date} closed"),
        hours => format!("{date} {}", of_day(hours)),
    });
    let zone = calendar.time_zone.iana_name().unwrap_or("UTC");
    [
        format!("hours in time zone: {zone}"),
        format!("hours of the week: {}", listed_or_digest(weekly)),
        format!("holidays: {}", listed_or_digest(calendar.holidays.iter().map(ToString::to_string))),
        format!("extra days: {}", listed_or_digest(extra_days)),
    ]
}

/// All of them if they are few, else how many there are and their digest.
fn listed_or_digest(parts: impl Iterator<Item = String>) -> String {
    let parts: Vec<String> = parts.collect();
    match parts.len() {
        0 => "none".to_owned(),
        1..=LISTED_MAX => parts.join(", "),
        many => format!("{many} with the digest {}", Hex(&Sha256::digest(parts.join(", ").as_bytes()))),
    }
}

fn response_line(promise: &ResponsePromise) -> String {
    let bound = match promise.bound {
        ResponseBound::Percentile(percentile) => {
            format!("percentile {}", percent_text(percentile).trim_end_matches('%'))
        }
        ResponseBound::Share(share) => format!("{} of all", percent_text(share)),
    };
    format!("response time: {bound} of {} within {}", promise.probe, exact_duration(promise.below_us / 1_000))
}

/// Only what was written: a catalogue of before these could be written reads as it did.
fn consequence_lines(consequences: &Consequences) -> Vec<String> {
    let mut lines = Vec::new();
    if !consequences.credits.is_empty() {
        let step = |step: &CreditStep| format!("{} below {}", percent_text(step.percent), percent_text(step.below));
        lines.push(format!("credits: {}", consequences.credits.iter().map(step).collect::<Vec<_>>().join(", ")));
    }
    if let Some(rules) = &consequences.alerts {
        let rule = |rule: &AlertRule| {
            let urgent = if rule.urgent { ", urgent" } else { "" };
            let factor = trimmed(&rule.factor.to_string());
            format!("{} and {} at {factor}{urgent}", exact_duration(rule.long_ms), exact_duration(rule.short_ms))
        };
        lines.push(format!("alerts: {}", rules.iter().map(rule).collect::<Vec<_>>().join("; ")));
    }
    if consequences.min_bad != MIN_BAD_DEFAULT {
        lines.push(format!("min_bad: {}", consequences.min_bad));
    }
    lines
}

/// How long readings must hold is not among them: that decides when an incident is raised, and no figure.
fn capacity_lines(promise: &CapacityPromise) -> [String; 4] {
    let resource = &promise.resource;
    let of = if resource.of.is_empty() { String::new() } else { format!(" {}", resource.of) };
    let threshold = |one| or_none(promise.thresholds.of(one).map(percent_text), "none");
    [
        format!("capacity: {}{of} of {}", resource.resource.as_str(), resource.host),
        format!("percentile: {}", percent_text(promise.percentile).trim_end_matches('%')),
        format!("warning: {}", threshold(Threshold::Warning)),
        format!("critical: {}", threshold(Threshold::Critical)),
    ]
}

fn availability_lines(promise: &AvailabilityPromise) -> [String; 7] {
    let unmeasured = match promise.unmeasured {
        UnmeasuredPolicy::Exclude => "exclude",
        UnmeasuredPolicy::CountAsDown => "count_as_down",
        UnmeasuredPolicy::CountAsUp => "count_as_up",
    };
    let degraded = match promise.degraded {
        DegradedPolicy::CountAsUp => "count_as_up",
        DegradedPolicy::CountAsDown => "count_as_down",
    };
    let breaks = &promise.breaks;
    let length = |ms: Option<i64>| or_none(ms.map(exact_duration), "none");
    [
        format!("availability: {}", percent_text(promise.share)),
        format!("unmeasured: {unmeasured}"),
        format!("degraded: {degraded}"),
        format!("breaks at most: {}", or_none(breaks.at_most, "none")),
        format!("longest break: {}", length(breaks.longest_ms)),
        format!("mtrs: {}", length(breaks.mtrs_ms)),
        format!("mtbsi: {}", length(breaks.mtbsi_ms)),
    ]
}

/// Without the zeros that only say how figures are printed: `99.90%` promises what `99.9%` does.
fn percent_text(share: Ppb) -> String {
    let text = share.to_string();
    format!("{}%", trimmed(text.trim_end_matches('%')))
}

fn trimmed(number: &str) -> String {
    let number = if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number };
    number.to_owned()
}

fn window_text(window: WindowKind) -> String {
    match window {
        WindowKind::Day => "day".to_owned(),
        WindowKind::Week => "week".to_owned(),
        WindowKind::Month => "month".to_owned(),
        WindowKind::Quarter => "quarter".to_owned(),
        WindowKind::Year => "year".to_owned(),
        WindowKind::Rolling { length_ms } => format!("rolling {}", exact_duration(length_ms)),
        WindowKind::Stretch { start, end } => format!("from {start} to {end}"),
    }
}

fn joined(ids: &[Id]) -> String {
    ids.iter().map(Id::as_str).collect::<Vec<_>>().join(", ")
}

fn or_none(value: Option<impl Display>, none: &str) -> String {
    value.map_or_else(|| none.to_owned(), |value| value.to_string())
}
