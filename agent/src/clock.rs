//! The one place of the agent that asks what time it is.
//!
//! An instant is a wall-clock anchor plus monotonic time, so that instants march on evenly while the wall clock is
//! slewed. When the wall clock and the anchor are more than a second apart (somebody stepped the clock, or the machine
//! slept), the clock takes a new anchor and keeps the step until it is asked for. A step back makes instants repeat:
//! whoever writes a stream of them skips what is not later than its last one.
//!
//! [`Anchor`] is the pure half; [`Clock`] reads the two system clocks and is shared by reference.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant as Monotonic, SystemTime};

use uphold_common::time::Instant;

/// Above this the wall clock was stepped; below, it is being slewed, or the two clocks were read apart.
const STEP_MS: i64 = 1_000;
/// Most steps that are kept until they are asked for; further ones are only counted.
const STEPS_MAX: usize = 16;

/// A step of the wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// When, by the new anchor.
    pub at: Instant,
    /// By how much; negative when it was set back.
    pub by_ms: i64,
}

/// Where wall-clock and monotonic time were last laid on each other.
#[derive(Clone, Copy, Debug)]
pub struct Anchor {
    wall_ms: i64,
    monotonic_ms: i64,
}

impl Anchor {
    /// Lays the two readings on each other.
    pub const fn new(wall_ms: i64, monotonic_ms: i64) -> Self {
        Self { wall_ms, monotonic_ms }
    }

    /// The instant of these two readings, and the step if there was one.
    pub fn read(&mut self, wall_ms: i64, monotonic_ms: i64) -> (Instant, Option<Step>) {
        let expected_ms = self.wall_ms.saturating_add(monotonic_ms.saturating_sub(self.monotonic_ms));
        let by_ms = wall_ms.saturating_sub(expected_ms);
        if by_ms.abs() <= STEP_MS {
            return (Instant::from_ms(expected_ms), None);
        }
        *self = Self::new(wall_ms, monotonic_ms);
        let at = Instant::from_ms(wall_ms);
        (at, Some(Step { at, by_ms }))
    }
}

/// The agent's clock.
#[derive(Debug)]
pub struct Clock {
    source: Source,
    state: Mutex<State>,
}

/// Where the two readings come from.
#[derive(Debug)]
enum Source {
    System {
        started: Monotonic,
    },
    /// Set by hand, for tests of hours that pass at once.
    #[cfg(test)]
    Hand(std::sync::Arc<Hand>),
}

/// What a clock that is set by hand reads, in milliseconds.
#[cfg(test)]
#[derive(Debug, Default)]
pub(crate) struct Hand {
    pub(crate) wall_ms: std::sync::atomic::AtomicI64,
    pub(crate) monotonic_ms: std::sync::atomic::AtomicI64,
}

impl Source {
    fn read(&self) -> (i64, i64) {
        match self {
            Self::System { started } => (wall_ms(), i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX)),
            #[cfg(test)]
            Self::Hand(hand) => {
                let read = |of: &std::sync::atomic::AtomicI64| of.load(std::sync::atomic::Ordering::Relaxed);
                (read(&hand.wall_ms), read(&hand.monotonic_ms))
            }
        }
    }
}

#[derive(Debug)]
struct State {
    anchor: Anchor,
    steps: Vec<Step>,
    steps_total: u64,
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock {
    /// A clock anchored at this moment.
    pub fn new() -> Self {
        Self::of(Source::System { started: monotonic() })
    }

    /// A clock that is set by hand.
    #[cfg(test)]
    pub(crate) fn by_hand(hand: &std::sync::Arc<Hand>) -> Self {
        Self::of(Source::Hand(std::sync::Arc::clone(hand)))
    }

    fn of(source: Source) -> Self {
        let (wall_ms, monotonic_ms) = source.read();
        let state = State { anchor: Anchor::new(wall_ms, monotonic_ms), steps: Vec::new(), steps_total: 0 };
        Self { source, state: Mutex::new(state) }
    }

    /// Now.
    pub fn now(&self) -> Instant {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (wall_ms, monotonic_ms) = self.source.read();
        let (now, step) = state.anchor.read(wall_ms, monotonic_ms);
        if let Some(step) = step {
            state.steps_total += 1;
            if state.steps.len() < STEPS_MAX {
                state.steps.push(step);
            }
        }
        now
    }

    /// The steps since the last call, and how many there were in all since the start.
    pub fn take_steps(&self) -> (Vec<Step>, u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        (std::mem::take(&mut state.steps), state.steps_total)
    }

    /// Measures how long something takes; the wall clock has no part in it.
    pub fn stopwatch() -> Stopwatch {
        let now = monotonic();
        Stopwatch { started: now, lap: now }
    }
}

/// Measures how long something takes.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch {
    started: Monotonic,
    lap: Monotonic,
}

impl Stopwatch {
    /// Since the start.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Microseconds since the start.
    pub fn elapsed_us(&self) -> u64 {
        micros(self.started.elapsed())
    }

    /// Microseconds since the last lap, or since the start.
    pub fn lap_us(&mut self) -> u64 {
        let now = monotonic();
        let lap = now.duration_since(self.lap);
        self.lap = now;
        micros(lap)
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[expect(clippy::disallowed_methods, reason = "this is the one file that asks for the time")]
fn monotonic() -> Monotonic {
    Monotonic::now()
}

#[expect(clippy::disallowed_methods, reason = "this is the one file that asks for the time")]
fn wall_ms() -> i64 {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    // A clock before 1970 counts as 1970: the collector shows such an agent as far behind.
    since_epoch.map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_of_over_a_second_takes_a_new_anchor() {
        let start = 1_767_225_600_000;
        // wall and monotonic milliseconds after the start; the instant, and the step
        for (name, wall_ms, monotonic_ms, at_ms, by_ms) in [
            ("both go on", 500, 500, 500, None),
            ("slewed: the anchor holds", 1_400, 500, 500, None),
            ("exactly a second is no step", 1_500, 500, 500, None),
            ("set forward", 3_600_500, 500, 3_600_500, Some(3_600_000)),
            ("set back", -86_399_500, 500, -86_399_500, Some(-86_400_000)),
            ("slept for an hour", 3_601_000, 1_000, 3_601_000, Some(3_600_000)),
            ("nothing moved", 0, 0, 0, None),
        ] {
            let mut anchor = Anchor::new(start, 40);
            let (at, step) = anchor.read(start + wall_ms, 40 + monotonic_ms);
            assert_eq!(at.as_ms() - start, at_ms, "{name}");
            assert_eq!(step.map(|s| s.by_ms), by_ms, "{name}");
            let (later, again) = anchor.read(start + wall_ms + 10, 40 + monotonic_ms + 10);
            assert_eq!((later.since_ms(at), again), (10, None), "{name}: afterwards time goes on evenly");
        }
        let (at, _) = Anchor::new(0, 0).read(i64::MAX, i64::MIN);
        assert_eq!(at, Instant::MAX, "absurd readings stay within the range of instants");
    }

    #[test]
    fn the_clock_and_its_stopwatch_never_go_back() {
        let clock = Clock::new();
        let mut watch = Clock::stopwatch();
        let before = clock.now();
        assert!(clock.now() >= before);
        assert!(watch.lap_us() <= watch.elapsed_us());
        assert_eq!(clock.take_steps(), (Vec::new(), 0));
    }
}
