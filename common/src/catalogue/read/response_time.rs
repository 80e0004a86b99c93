//! A target on response time: of which probe, and either a percentile or a share of its observations.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use crate::catalogue::model::{ResponseBound, ResponsePromise, Service};
use crate::ids::Id;
use crate::time::DAY_MS;
use crate::yaml::problem::Read;
use crate::yaml::walk::{At, Keys};
use crate::yaml::words::{did_you_mean, listed, shown};

/// What is promised; a probe takes no longer than its deadline, which is at most a day.
const BELOW_MS: RangeInclusive<i64> = 1..=DAY_MS;

/// `{ probe: front-page, percentile: "95", below: 800ms }` or `{ probe: front-page, share: "99%", below: 800ms }`.
/// `service` is the target's; its probes are known unless a service could not be read.
pub(super) fn promise(
    keys: &Keys<'_>,
    service: Option<&Id>,
    services: Option<&BTreeMap<Id, Service>>,
) -> Read<ResponsePromise> {
    let service = service.and_then(|id| services?.get(id));
    let probe = keys.required("probe", |at| probe(at, service));
    let percentile = keys.optional("percentile", At::percentile);
    let share = keys.optional("share", At::percentage);
    let below_ms = keys.required("below", |at| at.duration_ms(BELOW_MS));
    let bound = match (percentile?, share?) {
        (Some(percentile), None) => ResponseBound::Percentile(percentile),
        (None, Some(share)) => ResponseBound::Share(share),
        _ => return Err(keys.at().problem("expected exactly one of \"percentile\" and \"share\"")),
    };
    Ok(ResponsePromise { probe: probe?, bound, below_us: below_ms? * 1_000 })
}

/// One of the service's own probes.
fn probe(at: &At<'_>, service: Option<&Service>) -> Read<Id> {
    let id = at.id()?;
    let Some(service) = service.filter(|service| !service.probes.contains_key(&id)) else { return Ok(id) };
    let words = || service.probes.keys().map(Id::as_str);
    let hint = match did_you_mean(id.as_str(), words()) {
        hint if hint.is_empty() => format!(" (declared: {})", listed(words())),
        hint => hint,
    };
    Err(at.problem(format!("the service \"{}\" has no probe {}{hint}", service.id, shown(id.as_str()))))
}
