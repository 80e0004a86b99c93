//! Kept days held against what their rows say today.

use uphold_common::ids::VantagePoint;
use uphold_common::measure::law::VantageLaw;

use super::{derive, stretches};
use crate::store::{Store, StoreError};

/// Of the kept days of a vantage point from `first` on, at most `days_max` are derived anew, spread evenly, the newest
/// among them: how many they were, and those that come out otherwise.
pub fn recheck(
    store: &dyn Store,
    point: &VantagePoint,
    law: &VantageLaw,
    first: i64,
    days_max: usize,
) -> Result<(usize, Vec<i64>), StoreError> {
    let kept = stretches::kept(store, point, first, i64::MAX, law)?;
    let every = kept.len().div_ceil(days_max.max(1)).max(1);
    let (mut looked_at, mut wrong) = (0, Vec::new());
    for (day, timeline) in kept.iter().rev().step_by(every) {
        let derived = derive(store, point, law, *day)?;
        // A day whose rows are partly forgotten stands as it is.
        if !derived.whole {
            continue;
        }
        looked_at += 1;
        if derived.timeline != *timeline {
            wrong.push(*day);
        }
    }
    Ok((looked_at, wrong))
}
