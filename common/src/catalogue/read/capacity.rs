//! A target on capacity: which resource of which host, the percentile, the thresholds, and how long they must hold.

use std::ops::RangeInclusive;

use super::sections::Names;
use crate::catalogue::model::{CapacityPromise, Thresholds};
use crate::observation::{Resource, ResourceId, Which};
use crate::percent::Ppb;
use crate::time::DAY_MS;
use crate::wire::OF_BYTES_MAX;
use crate::yaml::problem::Read;
use crate::yaml::walk::{At, Keys};
use crate::yaml::words::did_you_mean;

/// The percentile if none is written.
const PERCENTILE_DEFAULT: Ppb = Ppb::whole_percent(95);
const HELD_MS: RangeInclusive<i64> = 0..=DAY_MS;
/// As far ahead as the rules forecast.
const LEAD_TIME_MS: RangeInclusive<i64> = 1..=730 * DAY_MS;
/// How long readings must hold if nothing is written.
const HELD_MS_DEFAULT: i64 = 5 * 60_000;

/// `{ host: web-1, resource: filesystem, of: /var, percentile: "95", warning: "80%", critical: "90%", for: 5m }`
pub(super) fn promise(keys: &Keys<'_>, names: &Names) -> Read<CapacityPromise> {
    let host = keys.required("host", |at| names.hosts.refer(at));
    let resource = keys.required("resource", |at| at.word(&Resource::WORDS));
    let of = of(keys, resource.as_ref().ok().copied());
    let percentile = keys.optional("percentile", At::percentile);
    let thresholds = thresholds(keys);
    let held_ms = keys.or("for", HELD_MS_DEFAULT, |at| at.duration_ms(HELD_MS));
    keys.optional("lead_time", lead_time)?;
    let resource = ResourceId { host: host?, resource: resource?, of: of? };
    is_read(keys, names, &resource)?;
    Ok(CapacityPromise {
        resource,
        percentile: percentile?.unwrap_or(PERCENTILE_DEFAULT),
        thresholds: thresholds?,
        held_ms: held_ms?,
    })
}

/// How long before a threshold is reached somebody should be told. Nothing is forecast yet: that is said.
fn lead_time(at: &At<'_>) -> Read<()> {
    at.duration_ms(LEAD_TIME_MS)?;
    at.remark("nothing is forecast yet: an incident is raised once a threshold is reached, and none before");
    Ok(())
}

/// Which one of its kind: said where there can be several, and nowhere else.
fn of(keys: &Keys<'_>, resource: Option<Resource>) -> Read<String> {
    let which = resource.map_or(Which::Whole, Resource::which);
    match (resource, keys.get("of")) {
        (_, None) => match which.expected() {
            Some(expected) => Err(keys.at().problem(format!("the key \"of\" is missing: expected {expected}"))),
            None => Ok(String::new()),
        },
        (Some(resource), Some(at)) if which == Which::Whole => Err(at.problem(format!(
            "{} is read of the whole host, so there is nothing to choose: leave it out",
            resource.as_str()
        ))),
        (_, Some(at)) => {
            if let Which::Among(words) = which {
                let words: Vec<_> = words.iter().map(|word| (*word, *word)).collect();
                return at.word(&words).map(str::to_owned);
            }
            let text = at.text()?;
            if text.len() > OF_BYTES_MAX {
                return Err(
                    at.problem(format!("the name is longer than {OF_BYTES_MAX} bytes, so nothing is read under it"))
                );
            }
            Ok(text)
        }
    }
}

/// What probes read has to be read by one.
fn is_read(keys: &Keys<'_>, names: &Names, resource: &ResourceId) -> Read<()> {
    let measured = names.measured.borrow();
    let of_host = || measured.keys().filter(|(host, _)| *host == resource.host).map(|(_, of)| of.as_str());
    if resource.resource != Resource::Measured || of_host().any(|of| of == resource.of) {
        return Ok(());
    }
    let (host, of) = (&resource.host, &resource.of);
    let hint = did_you_mean(of, of_host());
    Err(keys.at().problem(format!("no probe has {of} of {host} among its readings{hint}")))
}

fn thresholds(keys: &Keys<'_>) -> Read<Thresholds> {
    let warning = keys.optional("warning", At::percentage);
    let critical = keys.optional("critical", At::percentage);
    let (warning, critical) = (warning?, critical?);
    Thresholds::new(warning, critical).ok_or_else(|| match (warning, critical) {
        (Some(warning), Some(critical)) => {
            let message = format!("the warning at {warning} is not below the critical threshold at {critical}");
            keys.at().problem(message)
        }
        _ => keys.at().problem("there is no threshold: expected \"warning\", \"critical\" or both"),
    })
}
