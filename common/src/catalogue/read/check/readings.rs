//! `readings`: numbers of an answer that are read as how much of something is in use, and of how much.

use super::{Asking, Read};
use crate::ids::Id;
use crate::wire::assignment::CAPACITY_INTERVAL_MS;
use crate::wire::check::ReadingSpec;
use crate::yaml::scalars::exact_duration;
use crate::yaml::walk::{At, Keys};

/// Most readings of a probe.
const READINGS_MAX: usize = 32;

/// How a kind of check writes which number it means, and how much there is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words {
    /// What `from` is.
    pub from: &'static str,
    /// Whether that is one.
    pub is_from: fn(&str) -> bool,
    /// What `limit` is.
    pub limit: &'static str,
    /// Whether that is one.
    pub is_limit: fn(&str) -> bool,
}

/// `readings: [{ from: "/var", host: web-1, of: var, limit: max }]`
pub(super) fn readings(keys: &Keys<'_>, asking: &Asking<'_>, words: &Words) -> Read<Vec<ReadingSpec>> {
    keys.or("readings", Vec::new(), |at| {
        let readings = at.set("readings", READINGS_MAX, |at| reading(at, asking, words));
        match asking.interval_ms {
            Some(interval_ms) if interval_ms > CAPACITY_INTERVAL_MS => {
                let (most, reach) = (exact_duration(CAPACITY_INTERVAL_MS), exact_duration(2 * CAPACITY_INTERVAL_MS));
                Err(at.problem(format!("the probe's interval is longer than {most}, and a reading speaks for {reach}")))
            }
            _ => readings,
        }
    })
}

fn reading(at: &At<'_>, asking: &Asking<'_>, words: &Words) -> Read<ReadingSpec> {
    at.mapping(|keys| {
        let from = keys.required("from", |at| one_of(at, words.from, words.is_from));
        let host = keys.required("host", |at| host(at, asking));
        let of = keys.required("of", At::id);
        let limit = keys.required("limit", |at| one_of(at, words.limit, words.is_limit));
        let (host, of) = (host?, of?);
        let measured = asking.names.map(|names| &names.measured);
        let first = measured.and_then(|all| all.borrow_mut().insert((host.clone(), of.clone()), at.place().clone()));
        match first {
            Some(first) => Err(at.problem(format!("{of} of {host} is read twice, first at {first}"))),
            None => Ok(ReadingSpec { from: from?, host, of, limit: limit? }),
        }
    })
}

/// A host that one of the probe's agents is: nobody else can tell how much of it is in use.
fn host(at: &At<'_>, asking: &Asking<'_>) -> Read<Id> {
    let Some(names) = asking.names else { return at.id() };
    let host = names.hosts.refer(at)?;
    match (names.agents_of_hosts.get(&host), asking.agents) {
        (Some(agent), Some(agents)) if !agents.contains(agent) => {
            Err(at.problem(format!("the agent of {host}, {agent}, does not run this probe")))
        }
        _ => Ok(host),
    }
}

fn one_of(at: &At<'_>, what: &str, is_one: fn(&str) -> bool) -> Read<String> {
    let text = at.text()?;
    if is_one(&text) { Ok(text) } else { Err(at.expected(what)) }
}
