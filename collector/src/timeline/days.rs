//! Settled days in memory, of all vantage points together bounded by bytes: those of the vantage point that was asked for
//! longest ago go first. The store has them all.

use std::collections::BTreeMap;

use uphold_common::ids::VantagePoint;
use uphold_common::measure::timeline::Timeline;

/// What a day takes beside its timeline: its key and its place in the maps.
const ENTRY_BYTES: usize = 48;

/// Settled days, by vantage point and day.
#[derive(Debug)]
pub(super) struct Days {
    by_point: BTreeMap<VantagePoint, Held>,
    /// Which vantage point was asked for at which turn.
    turns: BTreeMap<u64, VantagePoint>,
    turn: u64,
    bytes: usize,
    bytes_max: usize,
}

/// The days of one vantage point.
#[derive(Debug, Default)]
struct Held {
    turn: u64,
    days: BTreeMap<i64, Timeline>,
}

impl Days {
    /// None yet, and never more than `bytes_max` of them.
    pub(super) const fn new(bytes_max: usize) -> Self {
        Self { by_point: BTreeMap::new(), turns: BTreeMap::new(), turn: 0, bytes: 0, bytes_max }
    }

    /// The day of a vantage point.
    pub(super) fn get(&self, point: &VantagePoint, day: i64) -> Option<&Timeline> {
        self.by_point.get(point)?.days.get(&day)
    }

    /// Keeps a day, and lets others go until there is room.
    pub(super) fn insert(&mut self, point: &VantagePoint, day: i64, timeline: Timeline) {
        self.asked_for(point);
        self.bytes += timeline.bytes() + ENTRY_BYTES;
        if let Some(before) = self.by_point.entry(point.clone()).or_default().days.insert(day, timeline) {
            self.bytes = self.bytes.saturating_sub(before.bytes() + ENTRY_BYTES);
        }
        while self.bytes > self.bytes_max {
            let Some((_, oldest)) = self.turns.pop_first() else { break };
            if let Some(held) = self.by_point.remove(&oldest) {
                self.bytes = self.bytes.saturating_sub(held.bytes());
            }
        }
    }

    /// Notes that the days of a vantage point are needed now.
    fn asked_for(&mut self, point: &VantagePoint) {
        let held = self.by_point.entry(point.clone()).or_default();
        if held.turn != self.turn || self.turn == 0 {
            self.turns.remove(&held.turn);
            self.turn += 1;
            held.turn = self.turn;
            self.turns.insert(self.turn, point.clone());
        }
    }

    /// Lets the days of a vantage point from `first` to `last` go.
    pub(super) fn remove(&mut self, point: &VantagePoint, first: i64, last: i64) {
        let Some(held) = self.by_point.get_mut(point) else { return };
        if last < first {
            return;
        }
        let gone: Vec<i64> = held.days.range(first..=last).map(|(day, _)| *day).collect();
        for day in gone.iter().filter_map(|day| held.days.remove(day)) {
            self.bytes = self.bytes.saturating_sub(day.bytes() + ENTRY_BYTES);
        }
    }

    /// What they take in memory, about.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Held {
    fn bytes(&self) -> usize {
        self.days.values().map(|day| day.bytes() + ENTRY_BYTES).sum()
    }
}

#[cfg(test)]
mod tests {
    use uphold_common::ids::{Id, PathId};
    use uphold_common::observation::State;

    use super::*;
    use crate::timeline::day_interval;

    #[test]
    fn what_was_asked_for_longest_ago_goes_first_and_what_is_counted_is_what_is_held() {
        let point = |agent: &str| {
            let id = |text| Id::new(text).unwrap();
            VantagePoint { probe: PathId::new(id("shop"), id("web")), agent: id(agent) }
        };
        let day = |day| Timeline::constant(day_interval(day), State::Up);
        let one = day(0).bytes() + ENTRY_BYTES;
        let mut days = Days::new(4 * one);
        for (agent, number) in [("a", 5), ("b", 7), ("a", 6), ("b", 7), ("a", 4)] {
            days.insert(&point(agent), number, day(number));
        }
        assert_eq!(days.bytes(), 4 * one);
        days.insert(&point("c"), 1, day(1));
        assert_eq!(days.bytes(), 4 * one, "b went, which was asked for before a");
        assert!(days.get(&point("b"), 7).is_none() && days.get(&point("a"), 4).is_some());
        days.remove(&point("a"), 5, 9);
        assert!(days.get(&point("a"), 6).is_none() && days.get(&point("a"), 4).is_some());
        days.remove(&point("a"), i64::MIN, i64::MAX);
        assert_eq!(days.bytes(), one);
        let mut without_room = Days::new(one - 1);
        without_room.insert(&point("a"), 1, day(1));
        assert_eq!((without_room.bytes(), without_room.get(&point("a"), 1)), (0, None));
        assert!(without_room.by_point.is_empty() && without_room.turns.is_empty());
    }
}
