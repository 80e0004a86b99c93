//! What a collector asked for again, and when it is sent: decided from what was heard, without touching anything.
//!
//! A replay must not make the live state look stale, so a batch is sent again only when nothing waits, and what comes to
//! wait meanwhile goes before the next: a fresh batch is held up by one push at most. Between two batches lies a pause,
//! which leaves most of an agent's rate, and of the collector, to everybody else.
//!
//! Nothing of it is kept over a restart: a collector asks with every answer for as long as it misses something. It is
//! obeyed as it says by its newest answer, upward and downward. One that asks again for what it has just acknowledged
//! waits ever longer for it, up to ten minutes, so that a collector out of its mind costs next to nothing.
//!
//! A collector of before version 2 asks once, in the first answer after it lost something, and with no later one. It is
//! sent everything from there on that had been acknowledged by then.

use uphold_common::time::Instant;
use uphold_common::wire::batch::Epoch;

/// The pause between two batches that are sent again: twenty a second, of the fifty requests that a collector admits.
const PAUSE_MS: i64 = 50;
/// The longest pause.
const PAUSE_MS_MAX: i64 = 10 * 60_000;

/// What was asked for again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) struct Replay {
    wish: Option<Wish>,
    /// How often in a row the collector asked for what it had just acknowledged.
    repeats: u32,
    /// The pause that runs, and since when.
    pause: Option<(Instant, i64)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Wish {
    epoch: Epoch,
    from: u64,
    /// The highest seq that had been acknowledged when it was asked.
    until: u64,
    /// Whether nothing of it is kept.
    in_vain: bool,
}

/// What is to be sent again now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Nothing.
    Nothing,
    /// Something, after a pause.
    In {
        /// Milliseconds.
        ms: u64,
    },
    /// The first batch that is kept from this seq on.
    Now {
        /// The seq.
        from: u64,
    },
}

/// A push that was acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answered {
    /// The batch's epoch.
    pub(super) epoch: Epoch,
    /// Its seq.
    pub(super) seq: u64,
    /// Whether it was sent again.
    pub(super) again: bool,
    /// The highest seq that was acknowledged before.
    pub(super) acknowledged_seq: u64,
    /// What the collector asks for.
    pub(super) replay_from: Option<u64>,
    /// Whether it asks with every answer, as since version 2.
    pub(super) asks_always: bool,
}

/// How a replay went on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Course {
    /// None is under way, or it goes on.
    Same,
    /// It begins.
    Begins {
        /// The first seq that is wanted.
        from: u64,
    },
    /// It is over.
    Ends,
}

impl Replay {
    /// From which seq on the collector wants what was acknowledged.
    pub(super) fn asked(&self) -> Option<u64> {
        self.wish.map(|wish| wish.from)
    }

    /// What is to be sent again, when nothing waits.
    pub(super) fn due(&self, now: Instant) -> Due {
        let Some(wish) = self.wish.filter(|wish| !wish.in_vain) else { return Due::Nothing };
        // A clock that was set back must not make the pause longer than it is.
        let left = |(since, ms): (Instant, i64)| (ms - now.since_ms(since)).min(ms);
        match self.pause.map_or(0, left) {
            left if left > 0 => Due::In { ms: left.unsigned_abs() },
            _ => Due::Now { from: wish.from },
        }
    }

    /// Takes in the answer to a push that was acknowledged.
    pub(super) fn answered(&mut self, answered: &Answered, now: Instant) -> Course {
        let Answered { epoch, seq, again, acknowledged_seq: until, replay_from, asks_always } = *answered;
        let before = self.wish.take().filter(|wish| wish.epoch == epoch);
        self.wish = match (replay_from, before) {
            (None, Some(wish)) if !asks_always => Some(Wish { from: if again { seq + 1 } else { wish.from }, ..wish }),
            (from, _) => from.map(|from| Wish { epoch, from, until, in_vain: false }),
        };
        self.wish = self.wish.filter(|wish| wish.from <= wish.until);
        if again {
            let same = self.wish.is_some_and(|wish| wish.from <= seq);
            self.repeats = if same { self.repeats.saturating_add(1) } else { 0 };
            self.pause = Some((now, doubled(PAUSE_MS, self.repeats)));
        }
        match (before, self.wish) {
            (None, Some(wish)) => Course::Begins { from: wish.from },
            (Some(_), None) => Course::Ends,
            _ => Course::Same,
        }
    }

    /// A batch could not be sent again, and this is how long to wait.
    pub(super) fn failed(&mut self, ms: u64, now: Instant) {
        self.pause = Some((now, i64::try_from(ms).unwrap_or(PAUSE_MS_MAX).max(PAUSE_MS)));
    }

    /// Nothing is kept of what is wanted, which the next push says.
    pub(super) fn in_vain(&mut self) {
        if let Some(wish) = &mut self.wish {
            wish.in_vain = true;
        }
    }
}

fn doubled(ms: i64, times: u32) -> i64 {
    ms.saturating_mul(1_i64.checked_shl(times).filter(|factor| *factor > 0).unwrap_or(i64::MAX)).min(PAUSE_MS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPOCH: Epoch = Epoch([1; 16]);

    fn at(ms: i64) -> Instant {
        Instant::from_ms(ms)
    }

    fn fresh(seq: u64, replay_from: Option<u64>) -> Answered {
        Answered { epoch: EPOCH, seq, again: false, acknowledged_seq: seq - 1, replay_from, asks_always: true }
    }

    fn again(seq: u64, replay_from: Option<u64>) -> Answered {
        Answered { again: true, acknowledged_seq: 90, ..fresh(seq, replay_from) }
    }

    #[test]
    fn it_follows_what_the_newest_answer_asks_for() {
        let mut replay = Replay::default();
        assert_eq!((replay.due(at(0)), replay.asked()), (Due::Nothing, None));
        for (now, answered, course, due) in [
            (0, fresh(80, None), Course::Same, Due::Nothing),
            (0, fresh(81, Some(5)), Course::Begins { from: 5 }, Due::Now { from: 5 }),
            (10, again(5, Some(6)), Course::Same, Due::In { ms: 50 }),
            (60, fresh(82, Some(6)), Course::Same, Due::Now { from: 6 }),
            (60, again(6, Some(9)), Course::Same, Due::In { ms: 50 }),
            (80, fresh(83, Some(2)), Course::Same, Due::In { ms: 30 }),
            (110, fresh(84, Some(2)), Course::Same, Due::Now { from: 2 }),
            (200, again(2, None), Course::Ends, Due::Nothing),
            (300, fresh(85, Some(85)), Course::Same, Due::Nothing),
            (300, fresh(86, Some(7)), Course::Begins { from: 7 }, Due::Now { from: 7 }),
            (300, Answered { epoch: Epoch([2; 16]), ..fresh(87, None) }, Course::Same, Due::Nothing),
        ] {
            assert_eq!((replay.answered(&answered, at(now)), replay.due(at(now))), (course, due), "{answered:?}");
        }
    }

    #[test]
    fn who_asks_again_for_what_it_has_waits_ever_longer() {
        let mut replay = Replay::default();
        replay.answered(&fresh(90, Some(3)), at(0));
        for ms in [100, 200, 400, 800] {
            replay.answered(&again(3, Some(3)), at(0));
            assert_eq!(replay.due(at(0)), Due::In { ms });
            assert_eq!(replay.due(at(-99)), Due::In { ms }, "a clock that was set back makes it no longer");
        }
        for _ in 0..100 {
            replay.answered(&again(3, Some(3)), at(0));
        }
        assert_eq!(replay.due(at(0)), Due::In { ms: 600_000 });
        replay.answered(&fresh(91, Some(3)), at(1));
        assert_eq!(replay.due(at(1)), Due::In { ms: 599_999 }, "fresh batches do not hasten it");
        replay.answered(&again(3, Some(4)), at(2));
        assert_eq!(replay.due(at(2)), Due::In { ms: 50 });
    }

    #[test]
    fn what_is_not_kept_is_not_looked_for_until_it_is_asked_for_again() {
        let mut replay = Replay::default();
        replay.answered(&fresh(90, Some(3)), at(0));
        replay.in_vain();
        assert_eq!((replay.due(at(0)), replay.asked()), (Due::Nothing, Some(3)), "the next push is to say so");
        replay.answered(&fresh(91, Some(4)), at(0));
        assert_eq!(replay.due(at(0)), Due::Now { from: 4 });
        replay.failed(7_000, at(0));
        assert_eq!(replay.due(at(1_000)), Due::In { ms: 6_000 });
    }

    #[test]
    fn who_asks_once_gets_everything_up_to_there() {
        let once = |answered: Answered| Answered { asks_always: false, ..answered };
        let mut replay = Replay::default();
        replay.answered(&once(fresh(5, Some(2))), at(0));
        assert_eq!(replay.answered(&once(fresh(6, None)), at(0)), Course::Same);
        for (seq, course, asked) in [(2, Course::Same, Some(3)), (3, Course::Same, Some(4)), (4, Course::Ends, None)] {
            assert_eq!((replay.answered(&once(again(seq, None)), at(0)), replay.asked()), (course, asked), "{seq}");
        }
    }
}
