//! What the metrics page says of incidents: how many, how old, and how long until they were taken on and restored; and how
//! problems stand.

use uphold_common::catalogue::cause::Cause;
use uphold_common::catalogue::model::Priority;

use super::{MetricsError, Sheet, names};
use crate::problem::model::ProblemState;
use crate::problem::view::ProblemsHeld;
use crate::snapshot::Snapshot;

pub(super) fn write(sheet: &mut Sheet, snapshot: &Snapshot) -> Result<(), MetricsError> {
    let (held, counted) = (&snapshot.incidents_held, &snapshot.incidents_counted);
    for ((state, priority, cause), count) in &held.counts {
        sheet.count(&names::INCIDENTS, &[state.as_str(), priority.as_str(), cause.as_str()], *count)?;
    }
    for priority in Priority::ALL {
        let labels = [priority.as_str()];
        let open = snapshot.open_incidents.iter().filter(|incident| incident.priority.0 == priority).count();
        sheet.count(&names::INCIDENTS_OPEN, &labels, open.try_into().unwrap_or(u64::MAX))?;
        if let Some(started) = held.oldest.get(&priority) {
            sheet.seconds(&names::INCIDENT_OLDEST, &labels, snapshot.as_of.since_ms(*started).max(0))?;
        }
        let acknowledged = counted.acknowledged.get(&priority).copied().unwrap_or_default();
        sheet.count(&names::INCIDENTS_ACKNOWLEDGED, &labels, acknowledged.count)?;
        sheet.seconds(&names::INCIDENTS_ACKNOWLEDGED_TIME, &labels, acknowledged.sum_ms)?;
        let restored = counted.restored.get(&priority).copied().unwrap_or_default();
        sheet.count(&names::INCIDENTS_RESTORED, &labels, restored.count)?;
        sheet.seconds(&names::INCIDENTS_RESTORED_TIME, &labels, restored.sum_ms)?;
    }
    for cause in Cause::ALL {
        let count = |all: &std::collections::BTreeMap<Cause, u64>| all.get(&cause).copied().unwrap_or(0);
        sheet.count(&names::INCIDENTS_OPENED, &[cause.as_str()], count(&counted.opened))?;
        sheet.count(&names::INCIDENTS_RESOLVED, &[cause.as_str()], count(&counted.resolved))?;
    }
    problems(sheet, &snapshot.problems_held)
}

fn problems(sheet: &mut Sheet, held: &ProblemsHeld) -> Result<(), MetricsError> {
    for (state, count) in ProblemState::ALL.into_iter().zip(held.states) {
        sheet.count(&names::PROBLEMS, &[state.as_str()], count)?;
    }
    sheet.count(&names::PROBLEMS_KNOWN, &[], held.known_errors)?;
    sheet.count(&names::PROBLEMS_CAME_BACK, &[], held.came_back)?;
    sheet.count(&names::PROBLEMS_SINCE_FIX, &[], held.since_fix)?;
    sheet.count(&names::PROBLEMS_WAITING, &[], held.waiting)
}
