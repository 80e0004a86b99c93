//! Which receivers are told of which incidents: routes.

use super::raising::{PRIORITIES, URGENCIES};
use super::sections::Names;
use super::services::CRITICALITIES;
use crate::catalogue::cause::Cause;
use crate::catalogue::model::{Route, When};
use crate::ids::Id;
use crate::yaml::declared::Declared;
use crate::yaml::problem::Read;
use crate::yaml::walk::{At, Keys};

const CAUSES: [(&str, Cause); Cause::ALL.len()] = {
    let [a, b, c, d, e, f, g, h, i, j, k] = Cause::ALL;
    [
        (a.as_str(), a),
        (b.as_str(), b),
        (c.as_str(), c),
        (d.as_str(), d),
        (e.as_str(), e),
        (f.as_str(), f),
        (g.as_str(), g),
        (h.as_str(), h),
        (i.as_str(), i),
        (j.as_str(), j),
        (k.as_str(), k),
    ]
};
/// Most services, most customers, and most agreements of a route.
const NAMED_MAX: usize = 1_000;

/// `{ to: duty, when: { priority: [P1, P2], outside: office-hours }, late: true }`
pub(super) fn route(at: &At<'_>, names: &Names) -> Read<Route> {
    at.mapping(|keys| {
        let to = keys.required("to", |at| names.receivers.refer(at));
        let when = keys.or("when", When::default(), |at| at.mapping(|keys| when(keys, names)));
        let late = keys.or("late", false, At::flag);
        Ok(Route { to: to?, when: when?, late: late? })
    })
}

fn when(keys: &Keys<'_>, names: &Names) -> Read<When> {
    let priorities = words(keys, "priority", "priorities", &PRIORITIES);
    let urgencies = words(keys, "urgency", "urgencies", &URGENCIES);
    let services = named(keys, "service", "services", &names.services);
    let customers = named(keys, "customer", "customers", &names.customers);
    let agreements = named(keys, "agreement", "agreements", &names.agreements);
    let causes = words(keys, "cause", "causes", &CAUSES);
    let criticalities = words(keys, "criticality", "criticalities", &CRITICALITIES);
    let calendar = keys.optional("calendar", |at| names.calendars.refer(at));
    let outside = keys.optional("outside", |at| names.calendars.refer(at));
    Ok(When {
        priorities: priorities?,
        urgencies: urgencies?,
        services: services?,
        customers: customers?,
        agreements: agreements?,
        causes: causes?,
        criticalities: criticalities?,
        calendar: calendar?,
        outside: outside?,
    })
}

fn words<T: Copy + PartialEq>(
    keys: &Keys<'_>,
    key: &'static str,
    what: &str,
    words: &'static [(&'static str, T)],
) -> Read<Vec<T>> {
    keys.or(key, Vec::new(), |at| at.set(what, words.len(), |at| at.word(words)))
}

fn named(keys: &Keys<'_>, key: &'static str, what: &str, names: &Declared) -> Read<Vec<Id>> {
    keys.or(key, Vec::new(), |at| at.set(what, NAMED_MAX, |at| names.refer(at)))
}
