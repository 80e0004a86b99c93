//! What may have changed closed windows of a service since they were looked at: gathered, bounded, kept on record until
//! they were looked at again, and then told as the reasons of those revisions that it touched.
//!
//! What lies close together becomes one: an agent that delivers a day late touches that day in many pieces. Beyond
//! [`STRETCHES_MAX`] stretches of data, and as many records, further ones join the last, whose reach grows: then more windows
//! are looked at than need be, and none is revised because of it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use uphold_common::time::{Instant, Interval};

use super::model::{LateData, NAMED_MAX, RECORDS_NAMED_MAX, RecordDone, Why};

/// Most stretches of late data, and most records, that are held apart.
pub const STRETCHES_MAX: usize = 32;
/// Most names of those whose data came late that are held with one stretch, so that they can be counted.
const OF_MAX: usize = 100;

/// Everything that may have changed closed windows of one service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Causes {
    late: Vec<Late>,
    records: Vec<Recorded>,
    /// A version of the catalogue, and from when on it measures otherwise.
    catalogue: Option<(Instant, u64)>,
    /// From when on it is looked again because the collector has started. It does so with each start, so that is not kept.
    #[serde(skip)]
    started: Option<Instant>,
}

/// Data that came late.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Late {
    /// From the earliest of it to just after the latest.
    pub rows: Span,
    /// Where it may have changed what was seen.
    pub reach: Span,
    /// Whose it is.
    pub of: BTreeSet<String>,
}

/// A record that was added or revoked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Recorded {
    done: RecordDone,
    reach: Span,
    /// How many more joined it.
    others: u64,
}

/// An interval, as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span(Instant, Instant);

impl From<Interval> for Span {
    fn from(interval: Interval) -> Self {
        Self(interval.start, interval.end)
    }
}

impl Span {
    fn overlaps(self, window: Interval) -> bool {
        Interval::new(self.0, self.1).overlaps(window)
    }

    /// Whether nothing lies between them.
    fn meets(self, other: Self) -> bool {
        self.0 <= other.1 && other.0 <= self.1
    }

    fn grow(&mut self, other: Self) {
        *self = Self(self.0.min(other.0), self.1.max(other.1));
    }
}

impl Causes {
    /// Data came late.
    pub fn came_late(&mut self, late: Late) {
        let place = self.late.iter().position(|known| known.reach.meets(late.reach));
        let place = place.or_else(|| self.late.len().checked_sub(1).filter(|_| self.late.len() >= STRETCHES_MAX));
        let Some(known) = place.and_then(|place| self.late.get_mut(place)) else { return self.late.push(late) };
        known.rows.grow(late.rows);
        known.reach.grow(late.reach);
        for name in late.of {
            if known.of.len() >= OF_MAX {
                break;
            }
            known.of.insert(name);
        }
    }

    /// A record was added or revoked that speaks of `reach`.
    pub fn recorded(&mut self, done: RecordDone, reach: Interval) {
        let reach = reach.into();
        let is_full = self.records.len() >= STRETCHES_MAX;
        match self.records.last_mut() {
            Some(last) if is_full => {
                last.reach.grow(reach);
                last.others = last.others.saturating_add(1);
            }
            _ => self.records.push(Recorded { done, reach, others: 0 }),
        }
    }

    /// The catalogue measures otherwise from `from` on, as of `version`.
    pub fn restated(&mut self, from: Instant, version: u64) {
        let earliest = self.catalogue.map_or(from, |(earliest, _)| earliest.min(from));
        self.catalogue = Some((earliest, version));
    }

    /// The collector has started, and looks again from `from` on.
    pub const fn started(&mut self, from: Instant) {
        self.started = Some(from);
    }

    /// Adds everything of `other`.
    pub fn join(&mut self, other: Self) {
        other.late.into_iter().for_each(|late| self.came_late(late));
        for Recorded { done, reach, others } in other.records {
            self.recorded(done, Interval::new(reach.0, reach.1));
            if let Some(last) = self.records.last_mut() {
                last.others = last.others.saturating_add(others);
            }
        }
        if let Some((from, version)) = other.catalogue {
            self.restated(from, version);
        }
        self.started = self.started.into_iter().chain(other.started).min();
    }

    /// Whether there is nothing that has to be kept on record.
    pub fn is_unkept(&self) -> bool {
        Self { started: None, ..self.clone() } == Self::default()
    }

    /// Whether data is among it, of which there may be more to come.
    pub fn may_go_on(&self) -> bool {
        !self.late.is_empty()
    }

    /// Whether `window` may have changed because of any of it.
    pub fn touches(&self, window: Interval) -> bool {
        let from = |at: Instant| at < window.end;
        self.late.iter().any(|late| late.reach.overlaps(window))
            || self.records.iter().any(|record| record.reach.overlaps(window))
            || self.catalogue.is_some_and(|(at, _)| from(at))
            || self.started.is_some_and(from)
    }

    /// What of it touches `window`, as the reasons of its next revision.
    pub fn why(&self, window: Interval) -> Why {
        let mut late: Option<(Span, BTreeSet<&String>)> = None;
        for one in self.late.iter().filter(|late| late.reach.overlaps(window)) {
            let (span, of) = late.get_or_insert((one.rows, BTreeSet::new()));
            span.grow(one.rows);
            of.extend(&one.of);
        }
        let late_data = late.map(|(Span(from_ms, to_ms), of)| LateData {
            from_ms,
            to_ms,
            of_count: counted(of.len()),
            of: of.into_iter().take(NAMED_MAX).cloned().collect(),
        });
        let records: Vec<&Recorded> = self.records.iter().filter(|record| record.reach.overlaps(window)).collect();
        let others = records.iter().fold(0u64, |sum, record| sum.saturating_add(record.others));
        Why {
            settled: false,
            late_data,
            records_left_out: others.saturating_add(counted(records.len().saturating_sub(RECORDS_NAMED_MAX))),
            records: records.iter().take(RECORDS_NAMED_MAX).map(|record| record.done.clone()).collect(),
            catalogue_version: self.catalogue.filter(|(from, _)| *from < window.end).map(|(_, version)| version),
            found_at_start: self.started.is_some_and(|from| from < window.end),
        }
    }
}

fn counted(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

impl Late {
    /// Rows of `of` that may have changed what was seen from `before_ms` before the first to `after_ms` after the last.
    pub fn of(of: String, rows: Interval, (before_ms, after_ms): (i64, i64)) -> Self {
        let reach = Interval::new(rows.start.minus_ms(before_ms), rows.end.plus_ms(after_ms));
        Self { rows: rows.into(), reach: reach.into(), of: BTreeSet::from([of]) }
    }
}

#[cfg(test)]
mod tests {
    use uphold_common::ids::Id;

    use super::*;

    fn at(ms: i64) -> Instant {
        Instant::from_ms(ms)
    }

    fn span(start: i64, end: i64) -> Interval {
        Interval::new(at(start), at(end))
    }

    fn done(id: &str) -> RecordDone {
        RecordDone { sort: "exclusion".to_owned(), id: Id::new(id).unwrap(), revoked: false }
    }

    #[test]
    fn a_window_is_told_what_touches_it_and_nothing_else() {
        let mut causes = Causes::default();
        causes.came_late(Late::of("b".to_owned(), span(100, 200), (10, 10)));
        causes.came_late(Late::of("a".to_owned(), span(150, 160), (10, 10)));
        causes.came_late(Late::of("c".to_owned(), span(900, 910), (10, 10)));
        causes.recorded(done("storm"), span(300, 400));
        causes.restated(at(1_000), 7);
        for (window, late, records, catalogue) in [
            (span(0, 90), None, 0, None),
            (span(0, 91), Some((100, 200, 2)), 0, None),
            (span(209, 301), Some((100, 200, 2)), 1, None),
            (span(210, 300), None, 0, None),
            (span(0, 1_000), Some((100, 910, 3)), 1, None),
            (span(990, 1_001), None, 0, Some(7)),
        ] {
            let why = causes.why(window);
            let found = why.late_data.map(|l| (l.from_ms.as_ms(), l.to_ms.as_ms(), l.of_count));
            assert_eq!((found, why.records.len(), why.catalogue_version), (late, records, catalogue), "{window:?}");
            let any = late.is_some() || records > 0 || catalogue.is_some();
            assert_eq!(causes.touches(window), any, "{window:?}");
        }
    }

    #[test]
    fn however_much_comes_it_stays_bounded_and_nothing_is_missed() {
        let mut causes = Causes::default();
        for n in 0..1_000 {
            causes.came_late(Late::of(format!("point-{n}"), span(n * 100, n * 100 + 1), (1, 1)));
            causes.recorded(done("storm"), span(n * 100 + 50, n * 100 + 51));
        }
        assert!(causes.late.len() <= STRETCHES_MAX && causes.records.len() <= STRETCHES_MAX);
        for n in 0..1_000 {
            assert!(causes.touches(span(n * 100, n * 100 + 1)) && causes.touches(span(n * 100 + 50, n * 100 + 51)));
        }
        let why = causes.why(span(0, 100_000));
        let late = why.late_data.unwrap();
        assert_eq!((late.of.len(), late.of_count), (NAMED_MAX, counted(STRETCHES_MAX - 1 + OF_MAX)));
        assert_eq!(counted(why.records.len()) + why.records_left_out, 1_000);
    }

    #[test]
    fn what_is_joined_touches_as_much_as_its_parts_and_a_start_is_not_kept() {
        let (mut one, mut other) = (Causes::default(), Causes::default());
        one.came_late(Late::of("a".to_owned(), span(0, 10), (0, 0)));
        other.recorded(done("storm"), span(50, 60));
        other.restated(at(500), 2);
        other.started(at(800));
        assert!(!other.is_unkept() && !other.may_go_on() && one.may_go_on());
        one.join(other.clone());
        for window in [span(0, 1), span(55, 56), span(499, 501), span(799, 801)] {
            assert!(one.touches(window), "{window:?}");
        }
        assert!(!one.touches(span(10, 50)) && one.why(span(900, 901)).found_at_start);
        let mut only_started = Causes::default();
        only_started.started(at(0));
        assert!(only_started.is_unkept() && only_started.touches(span(5, 6)));
    }
}
