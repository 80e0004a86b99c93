//! Agreed service time, worked out once for a calendar and a span, however many targets share them.
//!
//! What no tick asked for any more is let go by the next one but one, so what is kept is what is measured.

use std::collections::BTreeMap;
use std::sync::Arc;

use uphold_common::catalogue::model::Calendar;
use uphold_common::ids::Id;
use uphold_common::measure::agreed::agreed;
use uphold_common::time::{Instant, Interval};

/// Most of them; all are let go when there are more.
const KEPT_MAX: usize = 10_000;

/// The agreed service time of calendars in spans.
#[derive(Debug, Default)]
pub(super) struct AgreedTimes {
    kept: BTreeMap<(Id, Instant, Instant), Kept>,
}

#[derive(Debug)]
struct Kept {
    calendar: Arc<Calendar>,
    hours: Arc<[Interval]>,
    is_asked: bool,
}

impl AgreedTimes {
    /// A tick begins: what was not asked for since the last one is let go.
    pub(super) fn begin_tick(&mut self) {
        self.kept.retain(|_, kept| std::mem::take(&mut kept.is_asked));
    }

    /// The agreed service time of a calendar in `span`.
    pub(super) fn of(&mut self, calendar: &Arc<Calendar>, span: Interval) -> Arc<[Interval]> {
        let key = (calendar.id.clone(), span.start, span.end);
        // A later catalogue may have another calendar of the same name.
        if let Some(kept) = self.kept.get_mut(&key).filter(|kept| Arc::ptr_eq(&kept.calendar, calendar)) {
            kept.is_asked = true;
            return Arc::clone(&kept.hours);
        }
        if self.kept.len() >= KEPT_MAX {
            self.kept.clear();
        }
        let hours: Arc<[Interval]> = agreed(calendar, span).into();
        self.kept.insert(key, Kept { calendar: Arc::clone(calendar), hours: Arc::clone(&hours), is_asked: true });
        hours
    }
}

#[cfg(test)]
mod tests {
    use uphold_common::time::DAY_MS;

    use super::*;

    #[test]
    fn what_is_asked_for_is_kept_and_what_is_not_is_let_go() {
        let calendar = Arc::new(Calendar {
            id: Id::new("c").unwrap(),
            time_zone: jiff::tz::TimeZone::UTC,
            weekly: Default::default(),
            holidays: Vec::new(),
            extra_days: BTreeMap::new(),
        });
        let day = |day: i64| Interval::new(Instant::from_ms(day * DAY_MS), Instant::from_ms((day + 1) * DAY_MS));
        let mut times = AgreedTimes::default();
        let first = times.of(&calendar, day(0));
        times.of(&calendar, day(1));
        times.begin_tick();
        assert!(Arc::ptr_eq(&first, &times.of(&calendar, day(0))));
        times.begin_tick();
        assert_eq!(times.kept.len(), 1);
        let changed = Arc::new(Calendar { weekly: std::array::from_fn(|_| Vec::new()), ..(*calendar).clone() });
        assert!(!Arc::ptr_eq(&first, &times.of(&changed, day(0))), "it is another calendar");
    }
}
