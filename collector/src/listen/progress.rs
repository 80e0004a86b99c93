//! How far a connection is: what it waits for, and until when it may.
//!
//! ```text
//!            first byte           head complete           answered             all written
//! Waiting ───────────────▶ Head ─────────────────▶ Request ───────────▶ Writing ───────────▶ Waiting
//! ```
//!
//! The whole first head, with the TLS handshake before it, has the time for a head from the moment the connection was
//! accepted; each later one from its first byte. A byte now and then prolongs neither. In every other state it is
//! silence that ends a connection, and every byte read or written breaks it.
//!
//! In `Waiting` and `Head` nothing of ours is under way. What the HTTP library writes then is its own answer to a head
//! that it cannot read; it is kept back, and its status is said by a problem instead.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::room::Seat;
use crate::clock::Stopwatch;
use crate::limits::{Limit, Limits};

/// How long a connection may take for what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) head: Duration,
    pub(super) idle: Duration,
}

impl Times {
    pub(super) fn of(limits: &Limits) -> Self {
        Self { head: limits.time(Limit::HeadTime), idle: limits.time(Limit::IdleTime) }
    }
}

/// Where in the exchange a connection is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing of a request has come.
    #[default]
    Waiting,
    /// Some of a head has come.
    Head,
    /// A request is being answered.
    Request,
    /// The answer is complete and on its way.
    Writing,
}

/// What a connection took too long for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Late {
    /// For a head of which something has come.
    Head,
    /// For its first byte.
    FirstByte,
    /// For anything at all.
    Silent,
}

/// How far a connection is; times are since it was accepted.
#[derive(Debug, Default)]
pub(super) struct State {
    phase: Phase,
    /// When the phase began.
    since: Duration,
    /// When something was read or written last.
    active: Duration,
    /// Whether something of the present answer was written.
    begun: bool,
    /// Whether a request was answered before.
    answered: bool,
    /// The status of the library's own answer, if it gave one.
    own_status: Option<u16>,
}

impl State {
    fn enter(&mut self, phase: Phase, now: Duration) {
        (self.phase, self.since) = (phase, now);
    }

    /// Something was read.
    pub(super) fn read(&mut self, now: Duration) {
        self.active = now;
        if self.phase == Phase::Waiting {
            let since = if self.answered { now } else { Duration::ZERO };
            self.enter(Phase::Head, since);
        }
    }

    /// A head is complete.
    pub(super) fn begin(&mut self, now: Duration) {
        self.active = now;
        self.begun = false;
        self.enter(Phase::Request, now);
    }

    /// The answer is complete.
    pub(super) fn end(&mut self, now: Duration) {
        self.enter(Phase::Writing, now);
    }

    /// Whether what is written now is an answer of ours.
    pub(super) const fn is_ours(&self) -> bool {
        matches!(self.phase, Phase::Request | Phase::Writing)
    }

    /// Something of our answer was written.
    pub(super) fn wrote(&mut self, now: Duration) {
        self.active = now;
        self.begun = true;
    }

    /// The library gave an answer of its own, of which these are the first bytes.
    pub(super) fn kept_back(&mut self, bytes: &[u8]) {
        let code = bytes.get(9..12).and_then(|code| std::str::from_utf8(code).ok());
        self.own_status = self.own_status.or_else(|| code?.parse().ok());
    }

    /// The status of the library's own answer, if it gave one.
    pub(super) const fn own_status(&self) -> Option<u16> {
        self.own_status
    }

    /// Everything was written.
    pub(super) fn flushed(&mut self, now: Duration) {
        if self.phase == Phase::Writing {
            self.answered = true;
            self.begun = false;
            self.enter(Phase::Waiting, now);
        }
    }

    /// Whether no request is being answered.
    pub(super) const fn is_between_requests(&self) -> bool {
        matches!(self.phase, Phase::Waiting | Phase::Head)
    }

    /// Whether an answer can still be given to somebody who may be waiting for one: nothing of another was begun.
    pub(super) const fn can_be_told(&self) -> bool {
        match self.phase {
            Phase::Waiting => !self.answered,
            Phase::Head => true,
            Phase::Request => !self.begun,
            Phase::Writing => false,
        }
    }

    /// Until when the connection may be as it is, and what it is late for then.
    pub(super) fn deadline(&self, times: Times) -> (Duration, Late) {
        match self.phase {
            Phase::Waiting if !self.answered => (times.head, Late::FirstByte),
            Phase::Head => (self.since + times.head, Late::Head),
            Phase::Waiting | Phase::Request | Phase::Writing => (self.active + times.idle, Late::Silent),
        }
    }
}

/// The state as the connection, its stream and its requests share it.
#[derive(Clone, Debug)]
pub(super) struct Progress {
    state: Arc<Mutex<State>>,
    accepted: Stopwatch,
}

impl Progress {
    /// Of a connection that was accepted at the start of the stopwatch.
    pub(super) fn new(accepted: Stopwatch) -> Self {
        Self { state: Arc::default(), accepted }
    }

    /// Since the connection was accepted.
    pub(super) fn now(&self) -> Duration {
        self.accepted.elapsed()
    }

    /// Looks at the state, or changes it.
    pub(super) fn with<T>(&self, look: impl FnOnce(&mut State, Duration) -> T) -> T {
        let now = self.now();
        look(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner), now)
    }

    /// A request begins; it ends when what this gives is dropped, which is when its answer is complete.
    pub(super) fn begin(&self, seat: Option<Seat>) -> Busy {
        self.with(State::begin);
        if let Some(seat) = &seat {
            seat.begin();
        }
        Busy { progress: self.clone(), seat }
    }
}

/// A request that is being answered.
#[derive(Debug)]
pub(super) struct Busy {
    progress: Progress,
    seat: Option<Seat>,
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.progress.with(State::end);
        if let Some(seat) = &self.seat {
            seat.end();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMES: Times = Times { head: Duration::from_secs(10), idle: Duration::from_secs(45) };

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn each_phase_has_its_time() {
        let mut state = State::default();
        assert_eq!((state.deadline(TIMES), state.can_be_told()), ((s(10), Late::FirstByte), true));
        state.read(s(3));
        state.read(s(9));
        assert_eq!(state.deadline(TIMES), (s(10), Late::Head), "a byte now and then prolongs nothing");
        state.begin(s(9));
        assert_eq!((state.deadline(TIMES), state.can_be_told()), ((s(54), Late::Silent), true));
        state.read(s(20));
        assert_eq!(state.deadline(TIMES), (s(65), Late::Silent), "a body that arrives is no silence");
        state.wrote(s(30));
        assert_eq!((state.deadline(TIMES), state.can_be_told()), ((s(75), Late::Silent), false));
        state.flushed(s(31));
        assert!(!state.is_between_requests(), "more of the answer is to come");
        state.end(s(32));
        assert_eq!((state.deadline(TIMES), state.can_be_told()), ((s(75), Late::Silent), false));
        state.flushed(s(33));
        assert_eq!((state.deadline(TIMES), state.can_be_told()), ((s(75), Late::Silent), false));
        state.read(s(40));
        assert_eq!((state.deadline(TIMES), state.can_be_told()), ((s(50), Late::Head), true), "from its first byte");
    }

    #[test]
    fn the_status_of_an_answer_that_is_kept_back_is_known() {
        let mut state = State::default();
        state.read(s(1));
        assert!(!state.is_ours());
        state.kept_back(b"HTTP/1.1 431 Request Header Fields Too Large\r\n");
        state.kept_back(b"content-length: 0\r\n\r\n");
        assert_eq!(state.own_status(), Some(431));
    }
}
