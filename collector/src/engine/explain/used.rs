//! The observations behind a response time, and the readings behind the use of a resource.

use std::sync::Arc;

use uphold_common::catalogue::model::{CapacityPromise, ResponsePromise};
use uphold_common::explain::capacity::CapacityMade;
use uphold_common::explain::document::About;
use uphold_common::explain::response::ResponseMade;
use uphold_common::ids::ProbeId;
use uphold_common::measure::agreed::{length_ms, within};
use uphold_common::measure::capacity::since_entry;
use uphold_common::measure::response::is_within;
use uphold_common::time::{DAY_MS, Instant, Interval};

use super::super::Engine;
use crate::attempts::Counted;
use crate::capacity;
use crate::store::StoreError;

impl Engine {
    /// What a response time is made of: all observations of the window's committed time once more, a day at a time.
    pub(super) fn response_made(
        &mut self,
        about: &About<'_>,
        promise: &ResponsePromise,
    ) -> Result<Option<ResponseMade>, StoreError> {
        let (target, window) = (Arc::new(about.target.clone()), about.window);
        let committed = self.committed(about.service, about.target, &window).contractual.committed(window.elapsed());
        let one = (target, window);
        let Some(asked) = self.asked(about.service, &one) else { return Ok(None) };
        let figures = self.attempts.figures(self.store.as_ref(), &asked)?;
        let probe = ProbeId::new(about.service.id.clone(), promise.probe.clone());
        let mut made = ResponseMade::of(&figures, &probe, length_ms(&committed));
        for Counted { point, committed } in &asked.points {
            let (first, last) = (committed.first(), committed.last());
            let (mut from, end) =
                first.zip(last).map_or((Instant::MAX, Instant::MIN), |(first, last)| (first.start, last.end));
            made.look(&point.agent, promise, []);
            while from < end {
                let midnight = Instant::from_ms((from.utc_day() + 1).saturating_mul(DAY_MS));
                let part = Interval::new(from, midnight.min(end));
                let observations = self.store.observations(point, part)?;
                let counts = observations.iter().filter(|one| is_within(committed, one.at));
                made.look(&point.agent, promise, counts);
                from = part.end;
            }
        }
        Ok(Some(made.summed()))
    }

    /// What the use of a resource is made of: all readings of the window once more, a day at a time.
    pub(super) fn capacity_made(
        &mut self,
        about: &About<'_>,
        promise: &CapacityPromise,
    ) -> Result<CapacityMade, StoreError> {
        let About { service, target, window, entry, .. } = *about;
        let committed = self.committed(service, target, &window).contractual.committed(window.elapsed());
        let asked = capacity::Asked { target: &target.id, promise, entry, window, committed: &committed };
        let figures = self.capacity.figures(self.store.as_ref(), &asked)?;
        let mut made = CapacityMade::of(&figures, promise);
        capacity::walk(self.store.as_ref(), &promise.resource, since_entry(entry, &window), |part, readings| {
            within(&committed, part).for_each(|interval| made.look(promise, readings, interval));
        })?;
        Ok(made.summed())
    }
}
