//! Agreements and their targets: what was promised to whom.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::sections::Names;
use super::{calendars, capacity, consequences, every, response_time};
use crate::catalogue::model::{
    AgreementKind, AvailabilityPromise, BreakTargets, Calendar, Consequences, DegradedPolicy, Effective,
    MaintenanceRules, Party, PartyKind, Promise, Service, Target, UnmeasuredPolicy, WindowKind,
};
use crate::ids::{Id, TargetId};
use crate::time::DAY_MS;
use crate::yaml::declared::{Declared, Item};
use crate::yaml::problem::Read;
use crate::yaml::walk::{At, Keys};

const KINDS: [(&str, AgreementKind); 3] = [
    (AgreementKind::Sla.as_str(), AgreementKind::Sla),
    (AgreementKind::Ola.as_str(), AgreementKind::Ola),
    (AgreementKind::Underpinning.as_str(), AgreementKind::Underpinning),
];
const UNMEASURED: [(&str, UnmeasuredPolicy); 3] = [
    ("exclude", UnmeasuredPolicy::Exclude),
    ("count_as_down", UnmeasuredPolicy::CountAsDown),
    ("count_as_up", UnmeasuredPolicy::CountAsUp),
];
const EFFECTIVE: [(&str, Effective); 2] = [("next_window", Effective::NextWindow), ("immediate", Effective::Immediate)];
const DEGRADED: [(&str, DegradedPolicy); 2] =
    [("count_as_up", DegradedPolicy::CountAsUp), ("count_as_down", DegradedPolicy::CountAsDown)];
const WINDOWS: [(&str, WindowKind); 5] = [
    ("day", WindowKind::Day),
    ("week", WindowKind::Week),
    ("month", WindowKind::Month),
    ("quarter", WindowKind::Quarter),
    ("year", WindowKind::Year),
];
const AVAILABILITY: &str = "availability";
const CAPACITY: &str = "capacity";
/// What a target can promise.
const PROMISES: [&str; 3] = [AVAILABILITY, CAPACITY, "response_time"];
/// What only a target that promises an availability can say.
const OF_AVAILABILITY: [&str; 6] = ["unmeasured", "degraded", "breaks", "credits", "min_bad", "alerts"];
const ROLLING_MS: RangeInclusive<i64> = 3_600_000..=366 * DAY_MS;
/// The lengths in a target on breaks.
const LENGTH_MS: RangeInclusive<i64> = 1..=366 * DAY_MS;
const BREAKS_MAX: u64 = 1_000_000;

/// What is known of everything else; of what could not be read, only the names.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) names: &'a Names,
    pub(super) parties: Option<&'a BTreeMap<Id, Party>>,
    pub(super) services: Option<&'a BTreeMap<Id, Service>>,
}

/// The targets of all agreements.
pub(super) fn targets(agreements: &[Item<'_>], known: &Known<'_>) -> Read<BTreeMap<TargetId, Target>> {
    let targets = every(agreements.iter().map(|item| agreement(item, known)))?;
    Ok(targets.into_iter().flatten().map(|target| (target.id.clone(), target)).collect())
}

fn agreement(item: &Item<'_>, known: &Known<'_>) -> Read<Vec<Target>> {
    item.mapping(|keys| {
        let kind = keys.required("kind", |at| at.word(&KINDS));
        let party = keys.required("party", |at| party(at, kind?, known));
        let targets = keys.required("targets", |at| {
            let (_, items) = Declared::read("target", &[], &at.items()?);
            if items.is_empty() { Err(at.problem("expected at least one target")) } else { Ok(items) }
        });
        let terms = targets.and_then(|targets| every(targets.iter().map(|target| terms(target, known))));
        let (agreement, kind, party) = (item.id.clone()?, kind?, party?);
        let target = |terms: Terms| terms.of(&agreement, kind, &party);
        Ok(terms?.into_iter().map(target).collect())
    })
}

/// A customer for an SLA; for the others the organisation itself, a group in it, or a supplier.
fn party(at: &At<'_>, kind: AgreementKind, known: &Known<'_>) -> Read<Id> {
    if kind == AgreementKind::Sla {
        return known.names.customers.refer(at);
    }
    let party = known.names.parties.refer(at)?;
    match known.parties.and_then(|parties| parties.get(&party)).map(|party| party.kind) {
        Some(PartyKind::Customer) => {
            let kind = kind.as_str();
            Err(at
                .problem(format!("an agreement of kind \"{kind}\" is with \"own\" or a supplier, not with a customer")))
        }
        _ => Ok(party),
    }
}

/// A target without the agreement it stands in.
struct Terms {
    id: Id,
    service: Id,
    window: WindowKind,
    calendar: Option<Arc<Calendar>>,
    maintenance: MaintenanceRules,
    effective: Effective,
    promise: Promise,
    consequences: Consequences,
}

impl Terms {
    fn of(self, agreement: &Id, kind: AgreementKind, party: &Id) -> Target {
        Target {
            id: TargetId::new(agreement.clone(), self.id),
            kind,
            party: party.clone(),
            service: self.service,
            window: self.window,
            calendar: self.calendar,
            maintenance: self.maintenance,
            effective: self.effective,
            promise: self.promise,
            consequences: self.consequences,
        }
    }
}

fn terms(item: &Item<'_>, known: &Known<'_>) -> Read<Terms> {
    item.mapping(|keys| {
        let service = keys.required("service", |at| known.names.services.refer(at));
        let window = keys.required("window", window);
        let calendar = keys.optional("calendar", |at| known.names.calendars.refer(at));
        let maintenance = calendars::maintenance(keys);
        let effective = keys.or("effective", Effective::default(), |at| at.word(&EFFECTIVE));
        let promised = promise(keys, service.as_ref().ok(), window.as_ref().ok().copied(), known);
        let (promise, consequences) = promised?;
        let (id, service, window) = (item.id.clone()?, service?, window?);
        let (calendar, maintenance, effective) = (calendar?, maintenance?, effective?);
        Ok(Terms { id, service, window, calendar, maintenance, effective, promise, consequences })
    })
}

/// Exactly one promise, and no key that belongs to another.
fn promise(
    keys: &Keys<'_>,
    service: Option<&Id>,
    window: Option<WindowKind>,
    known: &Known<'_>,
) -> Read<(Promise, Consequences)> {
    let written = PROMISES.map(|key| keys.get(key).map(|at| (key, at)));
    let mut written = written.into_iter().flatten();
    let Some((key, at)) = written.next() else {
        keys.known(&OF_AVAILABILITY);
        let message =
            "a target promises something: expected the key \"availability\", \"capacity\" or \"response_time\"";
        return Err(keys.at().problem(message));
    };
    if let Some((other, second)) = written.next() {
        keys.known(&OF_AVAILABILITY);
        let message = format!("a target promises \"{key}\" or \"{other}\", not both: make it two targets");
        return Err(second.problem(message));
    }
    if key == AVAILABILITY {
        let promise = availability(keys, &at);
        let share = promise.as_ref().ok().map(|promise| promise.share);
        let consequences = consequences::consequences(keys, share, window);
        return Ok((Promise::Availability(promise?), consequences?));
    }
    let not_of_it = |other| {
        let message = format!("belongs to a target that promises \"{AVAILABILITY}\", not to one on \"{key}\"");
        keys.optional(other, |at| Err::<(), _>(at.problem(message)))
    };
    let others = every(OF_AVAILABILITY.map(not_of_it));
    let promise = at.mapping(|keys| match key {
        CAPACITY => capacity::promise(keys, known.names).map(Promise::Capacity),
        _ => response_time::promise(keys, service, known.services).map(Promise::Response),
    });
    others?;
    Ok((promise?, Consequences::default()))
}

fn availability(keys: &Keys<'_>, share: &At<'_>) -> Read<AvailabilityPromise> {
    let share = share.percentage();
    let unmeasured = keys.or("unmeasured", UnmeasuredPolicy::default(), |at| at.word(&UNMEASURED));
    let degraded = keys.or("degraded", DegradedPolicy::default(), |at| at.word(&DEGRADED));
    let breaks = keys.or("breaks", BreakTargets::default(), |at| at.mapping(breaks));
    Ok(AvailabilityPromise { share: share?, unmeasured: unmeasured?, degraded: degraded?, breaks: breaks? })
}

/// A word for a window of the calendar, or the length of one that rolls: `30d`, `24h`.
fn window(at: &At<'_>) -> Read<WindowKind> {
    let wanted = "\"day\", \"week\", \"month\", \"quarter\", \"year\" or a length such as \"30d\" or \"24h\"";
    let text = at.scalar(wanted)?;
    let rolls = text.strip_suffix(['d', 'h']).is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    if rolls {
        return Ok(WindowKind::Rolling { length_ms: at.duration_ms(ROLLING_MS)? });
    }
    let known = WINDOWS.iter().find(|(word, _)| *word == text).map(|(_, kind)| *kind);
    known.ok_or_else(|| at.expected_word(wanted, WINDOWS.iter().map(|(word, _)| *word)))
}

/// `{ at_most: 3, longest: 30m, mtrs: 1h, mtbsi: 7d }`
fn breaks(keys: &Keys<'_>) -> Read<BreakTargets> {
    let at_most = keys.optional("at_most", |at| at.count(0..=BREAKS_MAX));
    let longest = keys.optional("longest", |at| at.duration_ms(LENGTH_MS));
    let mtrs = keys.optional("mtrs", |at| at.duration_ms(LENGTH_MS));
    let mtbsi = keys.optional("mtbsi", |at| at.duration_ms(LENGTH_MS));
    Ok(BreakTargets { at_most: at_most?, longest_ms: longest?, mtrs_ms: mtrs?, mtbsi_ms: mtbsi? })
}
