//! The strip of a service: its last days, each measured for itself in the hours of the service's calendar. Those that have settled are kept until late data
//! touches one.

use std::collections::VecDeque;

use uphold_common::catalogue::model::{Service, WindowKind};
use uphold_common::measure::committed::Cover;
use uphold_common::measure::kinds::Account;
use uphold_common::measure::window::{Window, local_days};
use uphold_common::time::{DAY_MS, Instant, Interval};

use super::Engine;
use super::sight::Sight;
use crate::snapshot::{STRIP_DAYS, StripDay};
use crate::store::StoreError;

/// The finished days of a strip, without a hole between them.
#[derive(Debug, Default)]
pub(super) struct Strip {
    days: VecDeque<(Interval, StripDay)>,
}

impl Strip {
    /// Drops the days that rows from `from` on may have changed.
    pub(super) fn touched_from(&mut self, from: Instant) {
        while self.days.back().is_some_and(|(day, _)| day.end > from) {
            self.days.pop_back();
        }
    }

    /// Lets go of what lies before `first`; of all, if it does not begin there.
    fn begin(&mut self, first: Instant) {
        while self.days.front().is_some_and(|(day, _)| day.start < first) {
            self.days.pop_front();
        }
        if self.days.front().is_some_and(|(day, _)| day.start != first) {
            self.days.clear();
        }
    }

    fn missing_from(&self, first: Instant) -> Instant {
        self.days.back().map_or(first, |(day, _)| day.end)
    }
}

impl Engine {
    /// From when on days of the strip have to be measured.
    pub(super) fn strip_from(&mut self, service: &Service, as_of: Instant) -> Instant {
        let days = i64::try_from(STRIP_DAYS).unwrap_or(i64::MAX);
        let start = as_of.minus_ms((days - 1).saturating_mul(DAY_MS));
        let first = Window::holding(WindowKind::Day, &service.time_zone, start, as_of).interval.start;
        let first = first.max(self.entry(&service.id));
        let strip = self.strips.entry(service.id.clone()).or_default();
        strip.begin(first);
        strip.missing_from(first)
    }

    /// The last days of a service up to `as_of`, out of what is kept and what was seen.
    pub(super) fn strip(
        &mut self,
        service: &Service,
        sight: &Sight,
        as_of: Instant,
    ) -> Result<Vec<StripDay>, StoreError> {
        let entry = self.entry(&service.id);
        let missing = Interval::new(self.strip_from(service, as_of), as_of);
        let further = (missing.start < sight.span.start).then(|| self.see(service, missing, as_of)).transpose()?;
        let states = &further.as_ref().unwrap_or(&sight.seen).service.states;
        let hours = self.hours_of(&service.id, missing);
        let settled_to = as_of.minus_ms(self.context_ms(&service.id));
        let strip = self.strips.entry(service.id.clone()).or_default();
        let mut newest = Vec::new();
        for (date, part) in local_days(&service.time_zone, missing) {
            let cover = Cover::agreed(part, entry, hours.as_deref());
            let day = StripDay { date, kinds: Account::over(part, &cover, states).kinds };
            if part.end <= settled_to {
                strip.days.push_back((part, day));
            } else {
                newest.push(day);
            }
        }
        Ok(strip.days.iter().map(|(_, day)| *day).chain(newest).collect())
    }
}
