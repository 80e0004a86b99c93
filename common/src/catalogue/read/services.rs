//! Services: what they are, for whom, and of which probes their state is made.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::check::Asking;
use super::expression::{Stated, available_when};
use super::sections::Names;
use super::{Bounds, MEMBERS_MAX, entries, probes};
use crate::catalogue::model::{Criticality, Expression, Probe, Service, Structure};
use crate::ids::Id;
use crate::yaml::declared::{Declared, Item};
use crate::yaml::problem::Read;
use crate::yaml::walk::At;

/// The criticalities, by their words.
pub(super) const CRITICALITIES: [(&str, Criticality); 4] = [
    (Criticality::Low.as_str(), Criticality::Low),
    (Criticality::Medium.as_str(), Criticality::Medium),
    (Criticality::High.as_str(), Criticality::High),
    (Criticality::Critical.as_str(), Criticality::Critical),
];

/// The states of a service in its life, and whether this release knows what to do in them.
const STATES: [(&str, (&str, bool)); 3] =
    [("planned", ("planned", false)), ("live", ("live", true)), ("retired", ("retired", false))];

/// Users of a service.
const WEIGHT: RangeInclusive<u32> = 1..=1_000_000_000;

/// One service, without what only all of them can tell; `zone` is the organisation's. Its expression is `stated` even if
/// something else of it cannot be read.
pub(super) fn service<'t>(
    item: &Item<'t>,
    names: &Names,
    zone: &TimeZone,
    bounds: &Bounds,
    stated: &mut Stated<'t>,
) -> Read<Service> {
    item.mapping(|keys| {
        let name = keys.required("name", At::text);
        let outcome = keys.optional("outcome", At::text);
        let owner = keys.optional("owner", At::text);
        let customers =
            keys.or("customers", Vec::new(), |at| at.set("customers", MEMBERS_MAX, |at| names.customers.refer(at)));
        let criticality = keys.or("criticality", Criticality::Medium, |at| at.word(&CRITICALITIES));
        let state = keys.or("state", (), state);
        let since = keys.optional("since", At::instant);
        let time_zone = keys.or("time_zone", zone.clone(), At::time_zone);
        let calendar = keys.optional("calendar", |at| names.calendars.refer(at));
        let probe_items = keys.optional("probes", |at| {
            let (own, items) = Declared::read("probe", &[], &at.items()?);
            if items.is_empty() { Err(at.problem("expected at least one probe")) } else { Ok((own, items)) }
        });
        let probe_items = probe_items.map(|found| found.unwrap_or_else(|| Declared::read("probe", &[], &[])));
        let pattern_size_max = bounds.body_pattern_size_max;
        let asking = Asking { pattern_size_max, names: Some(names), agents: None, interval_ms: None, timeout_ms: None };
        let probe = |probe: &Item<'_>| probes::probe(probe, item.id.as_ref(), names, &asking);
        let probes = probe_items
            .as_ref()
            .map_err(|told| *told)
            .and_then(|(_, items)| entries(items, |item| probe(item).map(Arc::new)));
        let expression = keys.optional("available_when", |at| {
            let (own, _) = probe_items.as_ref().map_err(|told| *told)?;
            let expression = available_when(at, own, names)?;
            if let Ok(id) = &item.id {
                stated.insert(id.clone(), (at.clone(), expression.clone()));
            }
            Ok(expression)
        });
        let weight = keys.optional("weight", |at| at.small_count(WEIGHT));
        state?;
        let probes = probes?;
        Ok(Service {
            id: item.id.clone()?,
            name: name?,
            outcome: outcome?,
            owner: owner?,
            customers: customers?,
            criticality: criticality?,
            since: since?,
            time_zone: time_zone?,
            calendar: calendar?,
            weight: weight?,
            available_when: expression?.map_or_else(|| all_of(&probes, keys.at()), Ok)?,
            probes,
            structure: Structure::default(),
        })
    })
}

/// A service without an expression needs all of its own probes.
fn all_of(probes: &BTreeMap<Id, Arc<Probe>>, at: &At<'_>) -> Read<Expression> {
    if probes.is_empty() {
        return Err(at.problem("expected \"probes\", or \"available_when\" with the services that it is built on"));
    }
    Ok(Expression::all(probes.keys().cloned().map(Expression::Probe).collect()))
}

fn state(at: &At<'_>) -> Read<()> {
    let (word, supported) = at.word(&STATES)?;
    if supported { Ok(()) } else { Err(at.not_yet(&format!("\"{word}\""))) }
}
