//! The live part of a vantage point's timeline: from some midnight on, it goes on as observations arrive.
//!
//! It holds every observation before `known_to` that has arrived: those before the present in the tail, the others (an
//! agent's clock may be ahead) wait for it. Only what lies from `known_to` on has to be read from the store.

use uphold_common::ids::VantagePoint;
use uphold_common::measure::law::VantageLaw;
use uphold_common::measure::tail::VantageTail;
use uphold_common::measure::timeline::Timeline;
use uphold_common::observation::{Observation, settle_all};
use uphold_common::time::{DAY_MS, Instant, Interval};

use crate::store::{Store, StoreError, TouchedRows};

/// How far after the present observations are looked for, so that nothing is read again for a while.
const LOOK_AHEAD_MS: i64 = DAY_MS;
/// For how many that wait there is room without asking for more.
const WAITING_USUAL: usize = 8;
/// Most observations that wait for the present; later ones are read again in time.
const WAITING_MAX: usize = 1_000;

/// A tail, and what waits to be taken into it.
#[derive(Debug)]
pub(super) struct Live {
    tail: VantageTail,
    /// Later than the newest in the tail, settled and in order.
    waiting: Vec<Observation>,
    known_to: Instant,
}

impl Live {
    /// The live part from `from` on, by what was observed before `as_of`; and how many observations were read.
    pub(super) fn read(
        store: &dyn Store,
        point: &VantagePoint,
        law: &VantageLaw,
        from: Instant,
        as_of: Instant,
    ) -> Result<(Self, usize), StoreError> {
        let known_to = from.minus_ms(law.context_ms());
        let mut live = Self { tail: VantageTail::new(law.clone(), from), waiting: Vec::new(), known_to };
        let read = live.read_to(store, point, as_of)?;
        live.take_in(as_of);
        Ok((live, read))
    }

    /// Goes on to `as_of`; false if it cannot, because it has taken in what was observed at it or later.
    pub(super) fn advance(
        &mut self,
        store: &dyn Store,
        point: &VantagePoint,
        as_of: Instant,
    ) -> Result<bool, StoreError> {
        if self.tail.newest().is_some_and(|newest| newest.at >= as_of) {
            return Ok(false);
        }
        if as_of > self.known_to {
            self.read_to(store, point, as_of)?;
        }
        Ok(self.take_in(as_of))
    }

    fn read_to(&mut self, store: &dyn Store, point: &VantagePoint, as_of: Instant) -> Result<usize, StoreError> {
        let looked_to = as_of.plus_ms(LOOK_AHEAD_MS);
        let read = store.observations(point, Interval::new(self.known_to, looked_to))?;
        self.waiting.extend_from_slice(&read);
        self.known_to = looked_to;
        Ok(read.len())
    }

    fn take_in(&mut self, as_of: Instant) -> bool {
        let past = self.waiting.partition_point(|observation| observation.at < as_of);
        let taken = self.tail.extend(self.waiting.get(..past).unwrap_or_default());
        self.waiting.drain(..past);
        if let Some(beyond) = self.waiting.get(WAITING_MAX) {
            self.known_to = self.known_to.min(beyond.at);
            self.waiting.truncate(WAITING_MAX);
        }
        // The first time it was perhaps a whole day.
        self.waiting.shrink_to(WAITING_USUAL);
        taken
    }

    /// Takes notice of rows that arrived; false if some are late, and it must be derived anew.
    pub(super) fn touch(&mut self, touched: &TouchedRows) -> bool {
        // What lies so far before its beginning decides nothing of it.
        let context_ms = self.tail.law().context_ms();
        let decides = |at: Instant| at.plus_ms(context_ms) >= self.tail.from();
        let after = self.tail.newest().map_or(Instant::MIN, |newest| newest.at.plus_ms(1));
        if let Some(rows) = &touched.rows {
            let fresh: Vec<Observation> = rows.iter().copied().filter(|row| decides(row.at)).collect();
            if fresh.iter().any(|row| row.at < after) {
                return false;
            }
            self.waiting.extend(fresh.iter().filter(|row| row.at < self.known_to));
            settle_all(&mut self.waiting);
            return true;
        }
        let stretches = touched.days.values().filter(|stretch| decides(stretch.end));
        let Some(earliest) = stretches.map(|stretch| stretch.start).min() else { return true };
        self.known_to = self.known_to.min(earliest);
        self.waiting.retain(|observation| observation.at < earliest);
        after <= earliest
    }

    /// Whether it is what was observed before `as_of`, no more and no less.
    pub(super) fn holds(&self, as_of: Instant) -> bool {
        as_of <= self.known_to
            && self.tail.newest().is_none_or(|newest| newest.at < as_of)
            && self.waiting.first().is_none_or(|waits| as_of <= waits.at)
    }

    /// The first day that is not settled in it: where it begins.
    pub(super) const fn first_day(&self) -> i64 {
        self.tail.from().utc_day()
    }

    /// By which rules.
    pub(super) const fn law(&self) -> &VantageLaw {
        self.tail.law()
    }

    /// The newest observation that was taken in.
    pub(super) fn newest(&self) -> Option<&Observation> {
        self.tail.newest()
    }

    /// The part inside `span`, which begins no earlier than it.
    pub(super) fn clip(&self, span: Interval) -> Timeline {
        self.tail.clip(span)
    }

    /// Begins at `from`, if that is later.
    pub(super) fn forget_before(&mut self, from: Instant) {
        self.tail.forget_before(from);
    }

    /// What it takes in memory, about.
    pub(super) fn bytes(&self) -> usize {
        self.tail.bytes() + size_of_val(self.waiting.as_slice())
    }
}
