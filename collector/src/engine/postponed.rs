//! What a full disk does not take: it waits, and is tried again.
//!
//! | what | how it waits |
//! |---|---|
//! | incidents and messages that a tick decides | nothing of them is kept; the next tick decides them again |
//! | what became of messages that were sent | here: at most one message of each receiver is out, and it stays out |
//! | seals and merges, forgetting | a pause, twice as long each time, of at most [`PAUSE_MS_MAX`] |
//!
//! What people want done is refused instead, and pushes are refused as long as anything of the first two waits.

use std::collections::BTreeMap;

use uphold_common::time::Instant;

use super::tick::event_record;
use super::{Engine, EngineError, damaged};
use crate::notify::entry::Key;
use crate::notify::plan::Plan;
use crate::notify::verdict::Outcome;
use crate::store::StoreError;

/// The first pause.
const PAUSE_MS: i64 = 1_000;
/// The longest.
const PAUSE_MS_MAX: i64 = 60_000;

/// What waits for room on the disk.
#[derive(Debug, Default)]
pub(super) struct Postponed {
    /// Seals and merges.
    pub(super) upkeep: Pause,
    pub(super) forgetting: Pause,
    /// What became of messages, and when that was known.
    outcomes: BTreeMap<Key, (Settled, Instant)>,
}

/// What becomes of a message after an attempt, and what its receiver gave.
#[derive(Debug)]
pub(super) struct Settled {
    pub(super) outcome: Outcome,
    pub(super) kept: Option<Vec<u8>>,
}

/// A pause after each attempt that found the disk full.
#[derive(Debug, Default)]
pub(super) struct Pause(Option<(Instant, i64)>);

impl Pause {
    /// Whether it may be tried.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        // After a clock was set back nothing says how long it has lasted.
        self.0.is_none_or(|(since, ms)| !(0..ms).contains(&now.since_ms(since)))
    }

    /// The disk was full. True the first time since it was not.
    pub(super) fn begin(&mut self, now: Instant) -> bool {
        let ms = self.0.map_or(PAUSE_MS, |(_, ms)| ms.saturating_mul(2).min(PAUSE_MS_MAX));
        self.0.replace((now, ms)).is_none()
    }

    /// There was room. True if there was none before.
    pub(super) const fn end(&mut self) -> bool {
        self.0.take().is_some()
    }
}

impl Engine {
    /// Whether the disk was full when something was tried last.
    pub(super) fn is_full(&self, now: Instant) -> bool {
        self.reserve.is_full() || !self.postponed.upkeep.is_over(now)
    }

    /// Whether the disk took what cannot be refused: incidents, messages, what became of them. That it did not is noted, and
    /// shown until a tick finds room.
    pub(super) fn took(&mut self, committed: Result<(), StoreError>) -> Result<bool, EngineError> {
        match committed {
            Ok(()) => Ok(true),
            Err(StoreError::NoSpace { .. }) => {
                self.health.postponed += 1;
                self.reserve.note_full(true);
                Ok(false)
            }
            Err(failed) => Err(failed.into()),
        }
    }

    /// Notes what became of a message that is out. On a full disk it stays out until that is durable.
    pub(super) fn settle_outcome(&mut self, key: Key, settled: Settled, at: Instant) -> Result<(), EngineError> {
        let mut plan = Plan::default();
        // Without random bits attempts are only spread less.
        let random = getrandom::u32().unwrap_or(0);
        let became = (&settled.outcome, settled.kept.as_deref());
        let planned = self.outbox.settle(&mut plan, &key, became, at, random);
        planned.map_err(|error| damaged("the outbox", &error))?;
        let event = self.ticket_event(&key, settled.kept.as_deref(), at);
        let record = event.as_ref().map(event_record).transpose()?;
        let committed = self.carry_out(plan, record.into_iter().collect());
        if !self.took(committed)? {
            self.postponed.outcomes.insert(key, (settled, at));
        } else if let Some(event) = event {
            self.register.apply(&event).map_err(|error| damaged("an incident", &error))?;
        }
        Ok(())
    }

    /// After a tick's own commit, for which there was room: settles what could not be settled before.
    pub(super) fn settle_postponed(&mut self) -> Result<(), EngineError> {
        self.reserve.note_full(false);
        for (key, (settled, at)) in std::mem::take(&mut self.postponed.outcomes) {
            if self.reserve.is_full() {
                self.postponed.outcomes.insert(key, (settled, at));
            } else {
                self.settle_outcome(key, settled, at)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_minute_and_begin_anew_after_there_was_room() {
        let at = Instant::from_ms;
        let mut pause = Pause::default();
        let (mut now, mut lasted) = (0, Vec::new());
        for _ in 0..8 {
            assert!(pause.is_over(at(now)));
            assert_eq!(pause.begin(at(now)), lasted.is_empty());
            let ms = (0..=PAUSE_MS_MAX).find(|ms| pause.is_over(at(now + ms))).unwrap();
            lasted.push(ms / 1_000);
            now += ms;
        }
        assert_eq!(lasted, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert!(!pause.begin(at(now)) && pause.is_over(at(now - 1)), "after the clock was set back");
        assert!(pause.end() && !pause.end() && pause.is_over(at(now)));
        assert!(pause.begin(at(now)) && !pause.is_over(at(now + 999)) && pause.is_over(at(now + 1_000)));
    }
}
