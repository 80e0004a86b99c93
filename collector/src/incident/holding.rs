//! Thresholds: from the levels of a resource to the episodes in which one was reached for long enough.
//!
//! An episode begins with the first reading at or above the threshold and ends with the first one below it. Time that
//! was not measured neither ends it nor counts towards its length: nobody saw the use go down, and nobody saw it stay.

use uphold_common::catalogue::model::Threshold;
use uphold_common::measure::capacity::Level;
use uphold_common::time::{Instant, Interval};

use super::episode::Episode;

/// Most episodes that are held; the oldest are let go.
const EPISODES_MAX: usize = 5_000;

/// The episodes of one threshold, while the levels come in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    threshold: Threshold,
    held_ms: i64,
    ended: Vec<Episode>,
    running: Option<Running>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Running {
    started: Instant,
    /// How long the threshold was seen to be reached.
    above_ms: i64,
}

impl Holding {
    /// Nothing so far; a threshold must be reached for `held_ms`.
    pub const fn new(threshold: Threshold, held_ms: i64) -> Self {
        Self { threshold, held_ms, ended: Vec::new(), running: None }
    }

    /// Which threshold it is about.
    pub const fn threshold(&self) -> Threshold {
        self.threshold
    }

    /// Takes in the next stretch.
    pub fn push(&mut self, interval: Interval, level: Level) {
        match level.reaches(self.threshold) {
            Some(true) => {
                let running = self.running.get_or_insert(Running { started: interval.start, above_ms: 0 });
                running.above_ms += interval.len_ms();
            }
            Some(false) => {
                if let Some(running) = self.running.take().filter(|running| running.above_ms >= self.held_ms) {
                    let ended = Some(interval.start);
                    self.ended.push(Episode { started: running.started, ended, is_enough: true });
                    if self.ended.len() > EPISODES_MAX {
                        self.ended.remove(0);
                    }
                }
            }
            None => {}
        }
    }

    /// Forgets what ended by `at`.
    pub fn forget_before(&mut self, at: Instant) {
        self.ended.retain(|episode| episode.ended.is_none_or(|ended| ended > at));
    }

    /// The episodes so far. One that still runs but is too short is told too: it raises nothing, and ends nothing that
    /// was raised. What was over by `known_from` raises nothing any more.
    pub fn episodes(&self, known_from: Instant) -> Vec<Episode> {
        let ended = self.ended.iter().map(|episode| {
            let after = episode.ended.is_none_or(|ended| ended > known_from);
            Episode { is_enough: episode.is_enough && after, ..*episode }
        });
        let running = self.running.map(|running| {
            let is_enough = running.above_ms >= self.held_ms;
            Episode { started: running.started, ended: None, is_enough }
        });
        ended.chain(running).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten milliseconds a character: `c` critical, `w` warning, `o` below, `.` not measured.
    fn holding(threshold: Threshold, held_ms: i64, row: &str) -> Vec<(i64, Option<i64>, bool)> {
        let mut holding = Holding::new(threshold, held_ms);
        for (i, c) in row.chars().enumerate() {
            let start = Instant::from_ms(10 * i64::try_from(i).unwrap());
            let level = match c {
                'c' => Level::Critical,
                'w' => Level::Warning,
                'o' => Level::Below,
                _ => Level::Unmeasured,
            };
            holding.push(Interval::new(start, start.plus_ms(10)), level);
        }
        let shown = |e: Episode| (e.started.as_ms(), e.ended.map(Instant::as_ms), e.is_enough);
        holding.episodes(Instant::from_ms(45)).into_iter().map(shown).collect()
    }

    #[test]
    fn a_threshold_must_hold_and_silence_neither_holds_nor_ends_it() {
        use Threshold::{Critical, Warning};
        for (threshold, held_ms, row, expected) in [
            (Warning, 30, "owwo", vec![]),
            (Warning, 30, "owwwo", vec![(10, Some(40), false)]),
            (Warning, 30, "ooowcwo", vec![(30, Some(60), true)]),
            (Warning, 30, "oww", vec![(10, None, false)]),
            (Warning, 30, "owww", vec![(10, None, true)]),
            (Warning, 30, "oww.......", vec![(10, None, false)]),
            (Warning, 30, "oww.......co", vec![(10, Some(110), true)]),
            (Critical, 20, "wwccwcco", vec![(20, Some(40), false), (50, Some(70), true)]),
            (Critical, 20, "wcwcwww", vec![]),
            (Critical, 0, "ooooooc", vec![(60, None, true)]),
        ] {
            assert_eq!(holding(threshold, held_ms, row), expected, "{threshold:?} {row}");
        }
    }
}
