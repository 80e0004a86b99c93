//! A timeline: a span of time cut into stretches of one state each, without holes and without equal neighbours.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::observation::State;
use crate::time::{Instant, Interval};

/// A stretch of time in one state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// When.
    pub interval: Interval,
    /// In which state.
    pub state: State,
}

/// A span of time cut into stretches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timeline {
    stretches: Vec<Stretch>,
}

impl Timeline {
    /// A timeline of nothing.
    pub const fn new() -> Self {
        Self { stretches: Vec::new() }
    }

    /// Nothing but `state` over `span`; no stretch at all when `span` is empty.
    pub fn constant(span: Interval, state: State) -> Self {
        let mut timeline = Self::default();
        timeline.push(span, state);
        timeline
    }

    /// The stretches, in order.
    pub fn stretches(&self) -> &[Stretch] {
        &self.stretches
    }

    /// The span that is covered, `None` when nothing is.
    pub fn span(&self) -> Option<Interval> {
        Some(Interval::new(self.stretches.first()?.interval.start, self.stretches.last()?.interval.end))
    }

    /// Adds `interval` at the end; what is empty is left out and what continues the last stretch lengthens it. A hole
    /// before `interval` becomes unmeasured, and what overlaps the end is cut off, so that a timeline never has either.
    pub fn push(&mut self, interval: Interval, state: State) {
        let mut interval = interval;
        if let Some(last) = self.stretches.last() {
            let end = last.interval.end;
            interval.start = interval.start.max(end);
            if interval.start > end && !interval.is_empty() {
                self.append(Interval::new(end, interval.start), State::Unmeasured);
            }
        }
        self.append(interval, state);
    }

    fn append(&mut self, interval: Interval, state: State) {
        if interval.is_empty() {
            return;
        }
        match self.stretches.last_mut() {
            Some(last) if last.state == state => last.interval.end = interval.end,
            _ => self.stretches.push(Stretch { interval, state }),
        }
    }

    /// The part inside `span`, unmeasured where this timeline says nothing.
    #[must_use]
    pub fn clip(&self, span: Interval) -> Self {
        let mut clipped = Self::default();
        if span.is_empty() {
            return clipped;
        }
        let first = self.stretches.partition_point(|s| s.interval.end <= span.start);
        let inside = self.stretches.iter().skip(first).take_while(|s| s.interval.start < span.end);
        let mut covered_to = span.start;
        for stretch in inside {
            let part = stretch.interval.intersect(span);
            clipped.push(Interval::new(covered_to, part.start), State::Unmeasured);
            clipped.push(part, stretch.state);
            covered_to = part.end;
        }
        clipped.push(Interval::new(covered_to, span.end), State::Unmeasured);
        clipped
    }

    /// Keeps only what lies before `at`.
    pub fn cut(&mut self, at: Instant) {
        self.stretches.truncate(self.stretches.partition_point(|s| s.interval.start < at));
        if let Some(last) = self.stretches.last_mut() {
            last.interval.end = last.interval.end.min(at);
        }
    }

    /// Puts `later` in the place of everything from `at` on; a hole before it becomes unmeasured.
    pub fn replace_from(&mut self, at: Instant, later: &Self) {
        self.cut(at);
        for stretch in &later.stretches {
            self.push(stretch.interval, stretch.state);
        }
    }

    /// Lets go of what lies before `at`.
    pub fn forget_before(&mut self, at: Instant) {
        self.stretches.drain(..self.stretches.partition_point(|s| s.interval.end <= at));
        if let Some(first) = self.stretches.first_mut() {
            first.interval.start = first.interval.start.max(at);
        }
    }

    /// What it takes in memory, about.
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + size_of_val(self.stretches.as_slice())
    }

    /// The state at `at`, unmeasured where this timeline says nothing.
    pub fn state_at(&self, at: Instant) -> State {
        let place = self.stretches.partition_point(|s| s.interval.end <= at);
        self.stretches.get(place).filter(|s| s.interval.contains(at)).map_or(State::Unmeasured, |s| s.state)
    }

    /// The place of the first stretch that is not over before `span`.
    fn starting(&self, span: Interval) -> usize {
        self.stretches.partition_point(|s| s.interval.end <= span.start)
    }

    /// The state at `at`, and until when it stays; `place` is that of a stretch at or before `at`, and moved on.
    fn from(&self, at: Instant, place: &mut usize) -> (State, Instant) {
        while self.stretches.get(*place).is_some_and(|s| s.interval.end <= at) {
            *place += 1;
        }
        match self.stretches.get(*place) {
            Some(stretch) if stretch.interval.start <= at => (stretch.state, stretch.interval.end),
            Some(later) => (State::Unmeasured, later.interval.start),
            None => (State::Unmeasured, Instant::MAX),
        }
    }

    /// The last stretch, if there is one.
    pub fn last(&self) -> Option<&Stretch> {
        self.stretches.last()
    }
}

/// Walks several timelines side by side over `span`: calls `each` with every interval on which none of them changes
/// and with their states, in their order.
pub fn side_by_side(timelines: &[&Timeline], span: Interval, mut each: impl FnMut(Interval, &[State])) {
    let mut places: Vec<usize> = timelines.iter().map(|timeline| timeline.starting(span)).collect();
    let mut states = vec![State::Unmeasured; timelines.len()];
    let mut at = span.start;
    while at < span.end {
        let mut next = span.end;
        for ((timeline, place), state) in timelines.iter().zip(&mut places).zip(&mut states) {
            let (now, until) = timeline.from(at, place);
            *state = now;
            next = next.min(until);
        }
        each(Interval::new(at, next), &states);
        at = next;
    }
}

/// As [`side_by_side`], for many timelines: calls `each` with the places and states of those that changed, which are all at
/// the start of `span`.
pub fn changes(timelines: &[&Timeline], span: Interval, mut each: impl FnMut(Interval, &[(usize, State)])) {
    let mut places: Vec<usize> = timelines.iter().map(|timeline| timeline.starting(span)).collect();
    let mut due: BinaryHeap<Reverse<(Instant, usize)>> =
        (0..timelines.len()).map(|place| Reverse((span.start, place))).collect();
    let mut changed = Vec::with_capacity(timelines.len());
    let mut at = span.start;
    while at < span.end {
        changed.clear();
        while let Some(Reverse((_, which))) = due.peek().copied().filter(|Reverse((when, _))| *when <= at) {
            due.pop();
            let (Some(timeline), Some(place)) = (timelines.get(which), places.get_mut(which)) else { continue };
            let (state, until) = timeline.from(at, place);
            changed.push((which, state));
            if until < span.end {
                due.push(Reverse((until, which)));
            }
        }
        let next = due.peek().map_or(span.end, |Reverse((when, _))| *when);
        each(Interval::new(at, next), &changed);
        at = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start: i64, end: i64) -> Interval {
        Interval::new(Instant::from_ms(start), Instant::from_ms(end))
    }

    #[test]
    fn holes_become_unmeasured_and_equal_neighbours_one() {
        let mut timeline = Timeline::default();
        timeline.push(span(0, 10), State::Up);
        timeline.push(span(10, 20), State::Up);
        timeline.push(span(30, 30), State::Down);
        timeline.push(span(30, 40), State::Down);
        timeline.push(span(35, 50), State::Up);
        let expected = [(0, 20, State::Up), (20, 30, State::Unmeasured), (30, 40, State::Down), (40, 50, State::Up)];
        let found: Vec<_> =
            timeline.stretches().iter().map(|s| (s.interval.start.as_ms(), s.interval.end.as_ms(), s.state)).collect();
        assert_eq!(found, expected);
        assert_eq!(timeline.clip(span(-5, 5)).span(), Some(span(-5, 5)));
        assert_eq!(timeline.clip(span(-5, 5)).state_at(Instant::from_ms(-1)), State::Unmeasured);
        assert_eq!(timeline.clip(span(45, 60)).state_at(Instant::from_ms(50)), State::Unmeasured);
        assert!(timeline.clip(span(7, 7)).stretches().is_empty());
    }

    #[test]
    fn a_timeline_that_is_cut_anywhere_and_goes_on_is_the_same() {
        let mut whole = Timeline::default();
        for (i, state) in
            [State::Up, State::Down, State::Up, State::Unmeasured, State::Degraded].into_iter().enumerate()
        {
            let start = i64::try_from(i).unwrap() * 10;
            whole.push(span(start, start + 10), state);
        }
        for at in 0..=50 {
            let (mut cut, mut rest) = (whole.clone(), whole.clone());
            cut.cut(Instant::from_ms(at));
            rest.forget_before(Instant::from_ms(at));
            assert_eq!((&cut, &rest), (&whole.clip(span(0, at)), &whole.clip(span(at, 50))), "{at}");
            let mut again = whole.clone();
            again.replace_from(Instant::from_ms(at), &rest);
            assert_eq!(again, whole, "{at}");
        }
    }

    #[test]
    fn timelines_are_walked_where_none_changes() {
        let a = Timeline::constant(span(0, 10), State::Up);
        let b = Timeline::constant(span(5, 20), State::Down);
        let mut seen = Vec::new();
        side_by_side(&[&a, &b], span(-1, 21), |i, s| seen.push((i.start.as_ms(), i.end.as_ms(), s[0], s[1])));
        let (up, down, none) = (State::Up, State::Down, State::Unmeasured);
        assert_eq!(
            seen,
            [(-1, 0, none, none), (0, 5, up, none), (5, 10, up, down), (10, 20, none, down), (20, 21, none, none)]
        );
    }
}
