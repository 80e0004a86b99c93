//! Probes: who asks what of whom, how often, and how long an answer speaks.

use std::ops::RangeInclusive;

use super::check::{self, Asking};
use super::sections::Names;
use crate::catalogue::model::Probe;
use crate::ids::{Id, ProbeId};
use crate::time::DAY_MS;
use crate::yaml::declared::Item;
use crate::yaml::problem::{Read, Told};
use crate::yaml::scalars::exact_duration;
use crate::yaml::walk::{At, Keys};

const INTERVAL_MS: RangeInclusive<i64> = 100..=DAY_MS;
const TIMEOUT_MS: RangeInclusive<i64> = 1..=600_000;
/// At least as long as the shortest interval, so that a probe that fails asks no more often than one could anyway.
const CONFIRM_AFTER_MS: RangeInclusive<i64> = 100..=600_000;
const STALE_AFTER_MS: RangeInclusive<i64> = 1..=31 * DAY_MS;
const RUN: RangeInclusive<u32> = 1..=100;
/// May be more than there are agents: then the worst of them decides, as the rules say.
const QUORUM: RangeInclusive<u32> = 1..=1_000;

/// One probe of a service.
pub(super) fn probe(item: &Item<'_>, service: Result<&Id, &Told>, names: &Names, asking: &Asking<'_>) -> Read<Probe> {
    item.mapping(|keys| {
        let component = keys.optional("component", |at| names.components.refer(at));
        let agents = keys.required("agents", |at| names.agents.chosen(at));
        let timing = Timing::read(keys);
        let fall = keys.or("fall", 2, |at| at.small_count(RUN));
        let rise = keys.or("rise", 1, |at| at.small_count(RUN));
        let quorum = keys.optional("quorum", |at| at.small_count(QUORUM));
        let slow_after = keys.optional("slow_after", |at| slow_after(at, timing.as_ref().ok()));
        let confirm_after = keys.optional("confirm_after", |at| confirm_after(at, timing.as_ref().ok(), fall.ok()));
        let of_timing = timing.as_ref().ok();
        let check = check::read(
            keys,
            &Asking {
                agents: agents.as_ref().ok().map(Vec::as_slice),
                interval_ms: of_timing.map(|timing| timing.interval_ms),
                timeout_ms: of_timing.map(|timing| timing.timeout_ms),
                ..*asking
            },
        );
        let timing = timing?;
        Ok(Probe {
            id: ProbeId::new(service.map_err(|told| *told)?.clone(), item.id.clone()?),
            component: component?,
            agents: agents?,
            interval_ms: timing.interval_ms,
            timeout_ms: timing.timeout_ms,
            stale_after_ms: timing.stale_after_ms,
            fall: fall?,
            rise: rise?,
            quorum: quorum?,
            slow_after_ms: slow_after?,
            confirm_after_ms: confirm_after?,
            check: check?,
        })
    })
}

fn slow_after(at: &At<'_>, timing: Option<&Timing>) -> Read<i64> {
    let slow_after = at.duration_ms(TIMEOUT_MS)?;
    match timing {
        Some(timing) if slow_after > timing.timeout_ms => {
            let timeout = exact_duration(timing.timeout_ms);
            Err(at.problem(format!("no answer is ever this slow: the timeout is {timeout}")))
        }
        _ => Ok(slow_after),
    }
}

/// How soon agents ask again after a failure; it changes no figure, only how many observations there are.
fn confirm_after(at: &At<'_>, timing: Option<&Timing>, fall: Option<u32>) -> Read<i64> {
    let confirm_after = at.duration_ms(CONFIRM_AFTER_MS)?;
    match timing {
        Some(timing) if confirm_after > timing.interval_ms => {
            let interval = exact_duration(timing.interval_ms);
            Err(at.problem(format!("the next attempt is made before: the interval is {interval}")))
        }
        _ => {
            if fall == Some(1) {
                at.remark("this changes nothing: with \"fall: 1\" the first failure is confirmed already");
            }
            Ok(confirm_after)
        }
    }
}

/// The three lengths that have to fit each other.
#[expect(clippy::struct_field_names, reason = "the unit belongs to the name")]
struct Timing {
    interval_ms: i64,
    timeout_ms: i64,
    stale_after_ms: i64,
}

impl Timing {
    fn read(keys: &Keys<'_>) -> Read<Self> {
        let interval = keys.required("interval", |at| at.duration_ms(INTERVAL_MS));
        let timeout = keys.required("timeout", |at| {
            let timeout = at.duration_ms(TIMEOUT_MS)?;
            match interval {
                Ok(interval) if timeout > interval => {
                    let interval = exact_duration(interval);
                    Err(at.problem(format!("longer than the interval of {interval}: attempts would overlap")))
                }
                _ => Ok(timeout),
            }
        });
        let stale_after = keys.optional("stale_after", |at| {
            let stale_after = at.duration_ms(STALE_AFTER_MS)?;
            match (interval, timeout) {
                (Ok(interval), Ok(timeout)) if stale_after < interval + timeout => {
                    let least = exact_duration(interval + timeout);
                    Err(at.problem(format!("shorter than interval + timeout, {least}: there would be gaps in between")))
                }
                _ => Ok(stale_after),
            }
        });
        let (interval_ms, timeout_ms) = (interval?, timeout?);
        let stale_after_ms = stale_after?.unwrap_or(2 * interval_ms + timeout_ms);
        Ok(Self { interval_ms, timeout_ms, stale_after_ms })
    }
}
