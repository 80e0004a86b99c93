//! Waiting with a deadline. The one file of the tests that asks for the time and the one that sleeps.

use std::io;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// How long it is from one look to the next.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Waits until `done` gives something, at most `deadline`; the error says `what` it waited for.
pub fn wait_for<T>(deadline: Duration, what: &str, mut done: impl FnMut() -> Option<T>) -> io::Result<T> {
    let began = now();
    loop {
        if let Some(found) = done() {
            return Ok(found);
        }
        if now() - began > deadline {
            return Err(io::Error::new(io::ErrorKind::TimedOut, format!("waited {deadline:?} in vain for {what}")));
        }
        pause();
    }
}

/// Waits until `done`, at most `deadline`; the error says `what` it waited for.
pub fn wait_until(deadline: Duration, what: &str, mut done: impl FnMut() -> bool) -> io::Result<()> {
    wait_for(deadline, what, || done().then_some(()))
}

/// The wall clock, in milliseconds since 1970: what the programs' figures are compared with.
#[expect(clippy::disallowed_methods, reason = "what the programs saw is held against the same clock")]
pub fn wall_ms() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Measures how long something takes.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    pub fn start() -> Self {
        Self(now())
    }

    /// Since the start.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// Keeps a rhythm: what sends something every so often has nothing else to wait on in between.
#[expect(clippy::disallowed_methods, reason = "a rhythm is kept in real time")]
pub fn rest(length: Duration) {
    thread::sleep(length);
}

#[expect(clippy::disallowed_methods, reason = "a deadline for real processes is in real time")]
fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "between two looks at another process there is nothing to wait on")]
fn pause() {
    thread::sleep(LOOK_AGAIN);
}
