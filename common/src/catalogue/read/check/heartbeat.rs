//! `heartbeat`: how often a job reports in, and how late it may be.

use std::ops::RangeInclusive;

use super::{Asking, Check, Read};
use crate::time::DAY_MS;
use crate::wire::check::HeartbeatCheck;
use crate::yaml::walk::At;

const EVERY_MS: RangeInclusive<i64> = 1_000..=366 * DAY_MS;
const GRACE_MS: RangeInclusive<i64> = 1_000..=31 * DAY_MS;

/// `{ every: 1d, grace: 30m }`
pub(super) fn read(at: &At<'_>, _: &Asking<'_>) -> Read<Check> {
    at.mapping(|keys| {
        let every = keys.required("every", |at| at.duration_ms(EVERY_MS));
        let grace = keys.required("grace", |at| at.duration_ms(GRACE_MS));
        Ok(Check::Heartbeat(HeartbeatCheck { every_ms: every?, grace_ms: grace? }))
    })
}
