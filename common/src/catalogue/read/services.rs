//! Services: what they are, for whom, and of which probes their state is made.

use jiff::tz::TimeZone;

use super::sections::Names;
use super::{Bounds, MEMBERS_MAX, entries, probes};
use crate::catalogue::model::{Criticality, Service};
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

/// One service; `zone` is the organisation's.
pub(super) fn service(item: &Item<'_>, names: &Names, zone: &TimeZone, bounds: &Bounds) -> Read<Service> {
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
        let probe_items = keys.required("probes", |at| {
            let (own, items) = Declared::read("probe", &[], &at.items()?);
            if items.is_empty() { Err(at.problem("expected at least one probe")) } else { Ok((own, items)) }
        });
        let probe =
            |probe: &Item<'_>| probes::probe(probe, item.id.as_ref(), &names.components, bounds.body_pattern_size_max);
        let probes = probe_items.as_ref().map_err(|told| *told).and_then(|(_, items)| entries(items, probe));
        let needs = keys.optional("available_when", |at| match &probe_items {
            Ok((own, _)) => available_when(at, own),
            Err(told) => Err(*told),
        });
        let not_yet = keys.not_yet(&["weight"]);
        state.and(not_yet)?;
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
            needs: needs?.unwrap_or_else(|| probes.keys().cloned().collect()),
            probes,
        })
    })
}

fn state(at: &At<'_>) -> Read<()> {
    let (word, supported) = at.word(&STATES)?;
    if supported { Ok(()) } else { Err(at.not_yet(&format!("\"{word}\""))) }
}

/// `{ all: [front-page, uplink] }`, the probes in order of their ids.
fn available_when(at: &At<'_>, own: &Declared) -> Read<Vec<Id>> {
    at.mapping(|keys| {
        let not_yet = keys.not_yet(&["any", "at_least", "of", "service"]);
        let all = keys.optional("all", |at| at.set("probes", MEMBERS_MAX, |at| operand(at, own)));
        not_yet?;
        let mut all = all?.ok_or_else(|| keys.at().problem("the key \"all\" is missing"))?;
        all.sort();
        Ok(all)
    })
}

fn operand(at: &At<'_>, own: &Declared) -> Read<Id> {
    if at.peek("service").is_some() {
        return Err(at.not_yet("\"service\""));
    }
    if at.is_mapping() {
        return Err(at.not_yet("an expression inside an expression"));
    }
    own.refer(at)
}
