//! How timelines go on, and how days are found, derived, kept and dropped.

use std::collections::btree_map::Entry;

use uphold_common::ids::VantagePoint;
use uphold_common::measure::law::VantageLaw;
use uphold_common::measure::timeline::Timeline;
use uphold_common::measure::vantage::vantage_timeline;
use uphold_common::time::{Instant, Interval};

use super::live::Live;
use super::{
    Known, LIVE_DAYS_MAX, Timelines, day_interval, derivable_from, derive, settled_day, settles_at, stretches,
};
use crate::store::{RecordChange, RecordKind, Store, StoreError};

impl Timelines {
    /// What is known of a point by these rules; what was derived by others is let go.
    pub(super) fn known(
        &mut self,
        store: &dyn Store,
        point: &VantagePoint,
        law: &VantageLaw,
    ) -> Result<&mut Known, StoreError> {
        match self.known.entry(point.clone()) {
            Entry::Occupied(known) => {
                let known = known.into_mut();
                if known.law != *law {
                    *known = Known { law: law.clone(), kept_to: known.kept_to, live: None, prepared_from: None };
                    self.days.remove(point, i64::MIN, i64::MAX);
                }
                Ok(known)
            }
            Entry::Vacant(unknown) => {
                let kept_to = stretches::newest(store, point)?.map_or(i64::MIN, |newest| newest.saturating_add(1));
                Ok(unknown.insert(Known { law: law.clone(), kept_to, live: None, prepared_from: None }))
            }
        }
    }

    /// Brings what is live to `as_of`; gives how many observations had to be read for it from the beginning.
    pub(super) fn go_on(
        &mut self,
        store: &dyn Store,
        point: &VantagePoint,
        law: &VantageLaw,
        as_of: Instant,
    ) -> Result<usize, StoreError> {
        let settled = settled_day(law, as_of);
        let known = self.known(store, point, law)?;
        if let Some(live) = &mut known.live
            && (settled - LIVE_DAYS_MAX..=settled).contains(&live.first_day())
            && live.advance(store, point, as_of)?
        {
            return Ok(0);
        }
        let (live, read) = Live::read(store, point, law, day_interval(settled).start, as_of)?;
        known.live = Some(live);
        self.nothing_settles_before = self.nothing_settles_before.min(settles_at(law, settled));
        Ok(read)
    }

    /// Where what is live begins, and the part of it inside `span`. Of an instant before the present it is read for this once.
    pub(super) fn live(
        &mut self,
        store: &dyn Store,
        point: &VantagePoint,
        law: &VantageLaw,
        span: Interval,
        as_of: Instant,
    ) -> Result<(Instant, Timeline), StoreError> {
        if as_of >= self.present {
            self.go_on(store, point, law, as_of)?;
        }
        let part = |live: &Live| {
            let from = day_interval(live.first_day()).start;
            (from, live.clip(Interval::new(span.start.max(from), span.end)))
        };
        let settled = settled_day(law, as_of);
        if settled < derivable_from(store, law) {
            // What was observed before an instant of so long ago nobody can tell from what came after it any more.
            let from = day_interval(settled).start;
            let span = Interval::new(span.start.max(from), span.end.max(from));
            return Ok((from, vantage_timeline(&[], law, span)));
        }
        let serves = |live: &&Live| live.law() == law && live.first_day() <= settled && live.holds(as_of);
        if let Some(live) = self.known.get(point).and_then(|known| known.live.as_ref()).filter(serves) {
            return Ok(part(live));
        }
        let from = day_interval(settled).start;
        if span.end <= from {
            return Ok((from, Timeline::new()));
        }
        Ok(part(&Live::read(store, point, law, from, as_of)?.0))
    }

    /// The timeline over `span`, all days of which are settled.
    pub(super) fn settled(
        &mut self,
        store: &mut dyn Store,
        point: &VantagePoint,
        law: &VantageLaw,
        span: Interval,
    ) -> Result<Timeline, StoreError> {
        let mut timeline = Timeline::new();
        if span.is_empty() {
            return Ok(timeline);
        }
        self.known(store, point, law)?;
        let last = span.end.minus_ms(1).utc_day();
        let (mut kept, mut changes) = (None, Vec::new());
        for day in span.start.utc_day()..=last {
            if let Some(known) = self.days.get(point, day) {
                add(&mut timeline, known, span);
                continue;
            }
            let kept = match &mut kept {
                Some(kept) => kept,
                none => none.insert(stretches::kept(store, point, day, last, law)?),
            };
            let found = if let Some(found) = kept.remove(&day) {
                found
            } else {
                let derived = derive(store, point, law, day)?;
                self.derived += 1;
                changes.extend(derived.change(point, day, law)?);
                derived.timeline
            };
            add(&mut timeline, &found, span);
            self.days.insert(point, day, found);
        }
        self.keep(store, point, law, &changes, last)?;
        Ok(timeline)
    }

    /// Makes sure that the days from `first` to `last`, all of them settled, are kept, so that their observations may go;
    /// gives how many observations were read for it.
    pub fn secure(
        &mut self,
        store: &mut dyn Store,
        point: &VantagePoint,
        law: &VantageLaw,
        first: i64,
        last: i64,
    ) -> Result<usize, StoreError> {
        let kept = stretches::kept(store, point, first, last, law)?;
        let (mut changes, mut read) = (Vec::new(), 0);
        for day in (first..=last).filter(|day| !kept.contains_key(day)) {
            let derived = derive(store, point, law, day)?;
            self.derived += 1;
            changes.extend(derived.change(point, day, law)?);
            read += derived.read;
        }
        self.keep(store, point, law, &changes, last)?;
        Ok(read)
    }

    /// Forgets what is kept of at most `most` days before `day`; how many that were. They must have no observations any more.
    pub fn forget_before(
        &mut self,
        store: &mut dyn Store,
        point: &VantagePoint,
        day: i64,
        most: usize,
    ) -> Result<usize, StoreError> {
        let last = day.saturating_sub(1);
        self.days.remove(point, i64::MIN, last);
        let old = store.records(RecordKind::Stretches, &stretches::days(point, i64::MIN, last), most)?;
        let gone = |(key, _)| RecordChange { kind: RecordKind::Stretches, key, value: None };
        let gone: Vec<RecordChange> = old.into_iter().map(gone).collect();
        if !gone.is_empty() {
            store.commit_derived(&gone)?;
        }
        Ok(gone.len())
    }

    /// Keeps derived days in the store, none of which is after `last`.
    pub(super) fn keep(
        &mut self,
        store: &mut dyn Store,
        point: &VantagePoint,
        law: &VantageLaw,
        changes: &[RecordChange],
        last: i64,
    ) -> Result<(), StoreError> {
        if changes.is_empty() {
            return Ok(());
        }
        let known = self.known(store, point, law)?;
        known.kept_to = known.kept_to.max(last.saturating_add(1));
        store.commit_derived(changes)
    }

    /// Drops the days from `first` to `last`, in the store too if any of them may be kept there.
    pub(super) fn drop_days(
        &mut self,
        store: &mut dyn Store,
        point: &VantagePoint,
        first: i64,
        last: i64,
    ) -> Result<(), StoreError> {
        self.days.remove(point, first, last);
        let known = self.known.get_mut(point);
        if known.as_ref().is_some_and(|known| known.kept_to <= first) {
            return Ok(());
        }
        let kept = store.records(RecordKind::Stretches, &stretches::days(point, first, last), usize::MAX)?;
        let drop = |(key, _)| RecordChange { kind: RecordKind::Stretches, key, value: None };
        let dropped: Vec<RecordChange> = kept.into_iter().map(drop).collect();
        if let Some(known) = known {
            known.prepared_from = None;
            if known.kept_to <= last.saturating_add(1) {
                known.kept_to = first;
            }
        }
        if dropped.is_empty() { Ok(()) } else { store.commit_derived(&dropped) }
    }
}

/// Adds the part of a day inside `span`.
fn add(timeline: &mut Timeline, day: &Timeline, span: Interval) {
    for stretch in day.stretches() {
        timeline.push(stretch.interval.intersect(span), stretch.state);
    }
}
