//! How far this host's clock is off the collector's, measured with every push; pure.
//!
//! The collector's clock was read at some instant between the question and its answer. So in the middle of the two the
//! agent's clock was ahead of it by what is seen there, give or take half of what both took. It is said when
//! nothing was said yet, when it has changed by more than both measurements leave open, and once an hour.

use uphold_common::time::Instant;
use uphold_common::wire::batch::AgentFact;

/// A change of less is nothing that anybody has to know.
const CHANGE_MS_MIN: i64 = 100;
/// What is known less closely is not said.
const WITHIN_MS_MAX: i64 = 5_000;
/// How often it is said when nothing changes.
const EVERY_MS: i64 = 3_600_000;

/// A measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Offset {
    /// When, by this host's clock.
    pub(super) at: Instant,
    /// By how much it was ahead.
    pub(super) ahead_ms: i64,
    /// How far from that the truth may lie.
    pub(super) within_ms: i64,
}

impl Offset {
    /// Out of when a question was sent and its answer came, by this host's clock, and of what the collector's said meanwhile.
    /// None where this clock was set back in between.
    pub(super) fn measure(sent: Instant, came: Instant, theirs: Instant) -> Option<Self> {
        let took_ms = came.since_ms(sent);
        let half_ms = took_ms / 2;
        (took_ms >= 0).then(|| Self {
            at: came,
            ahead_ms: sent.plus_ms(half_ms).since_ms(theirs),
            // Both clocks are read in whole milliseconds.
            within_ms: took_ms - half_ms + 1,
        })
    }

    fn fact(self) -> AgentFact {
        let within_ms = u32::try_from(self.within_ms).unwrap_or(u32::MAX);
        AgentFact::ClockOffset { at: self.at, ahead_ms: self.ahead_ms, within_ms }
    }
}

/// What was said last.
#[derive(Debug, Default)]
pub(super) struct Offsets {
    said: Option<Offset>,
}

impl Offsets {
    /// What is to be said of a measurement, if anything is.
    pub(super) fn measured(&mut self, offset: Offset) -> Option<AgentFact> {
        if offset.within_ms > WITHIN_MS_MAX {
            return None;
        }
        let is_news = self.said.is_none_or(|said| {
            let change_ms = (offset.ahead_ms - said.ahead_ms).abs();
            let since_ms = offset.at.since_ms(said.at);
            let changed = change_ms > CHANGE_MS_MIN && change_ms > offset.within_ms + said.within_ms;
            changed || !(0..EVERY_MS).contains(&since_ms)
        });
        is_news.then(|| {
            self.said = Some(offset);
            offset.fact()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: i64) -> Instant {
        Instant::from_ms(ms)
    }

    #[test]
    fn the_offset_lies_in_the_middle_and_the_truth_within() {
        for (sent, came, theirs, ahead_ms, within_ms) in [
            (1_000, 1_000, 1_000, 0, 1),
            (1_000, 1_010, 1_005, 0, 6),
            (1_000, 1_011, 1_005, 0, 7),
            (61_000, 61_020, 1_010, 60_000, 11),
            (1_000, 1_020, 61_010, -60_000, 11),
        ] {
            let offset = Offset::measure(ms(sent), ms(came), ms(theirs)).unwrap();
            assert_eq!((offset.at, offset.ahead_ms, offset.within_ms), (ms(came), ahead_ms, within_ms));
        }
        assert_eq!(Offset::measure(ms(2), ms(1), ms(1)), None);
    }

    #[test]
    fn what_changed_by_more_than_is_left_open_is_said_and_the_rest_once_an_hour() {
        let mut offsets = Offsets::default();
        let mut said = |at, ahead_ms, within_ms| offsets.measured(Offset { at: ms(at), ahead_ms, within_ms }).is_some();
        assert!(!said(0, 0, 5_001), "known too loosely");
        assert!(said(0, 40, 10));
        assert!(!said(1_000, 140, 10), "too small a change");
        assert!(!said(2_000, 500, 460), "both may be the same");
        assert!(said(3_000, 500, 400));
        assert!(!said(4_000, 500, 5));
        assert!(said(3_603_000, 500, 5), "an hour has passed");
        assert!(said(3_000, 500, 5), "the clock was set back");
    }
}
