//! The collector's clock: the only file that asks for the time.
//!
//! [`now`] is what everything is stamped and measured with. A [`Stopwatch`] measures how long something took and is
//! never used for an instant.

use uphold_common::time::Instant;

/// The present, by the host's wall clock.
#[expect(clippy::disallowed_methods, reason = "this is the one place that asks")]
pub fn now() -> Instant {
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let ms = since_epoch.map_or(0, |length| i64::try_from(length.as_millis()).unwrap_or(i64::MAX));
    Instant::from_ms(ms)
}

/// An instant as the libraries of the system take it.
pub fn system(at: Instant) -> std::time::SystemTime {
    std::time::UNIX_EPOCH + std::time::Duration::from_millis(u64::try_from(at.as_ms()).unwrap_or_default())
}

/// Measures how long something takes, whatever the wall clock does meanwhile.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch {
    started: std::time::Instant,
}

impl Stopwatch {
    /// Starts now.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks")]
    pub fn start() -> Self {
        Self { started: std::time::Instant::now() }
    }

    /// Since the start.
    pub fn elapsed(&self) -> std::time::Duration {
        self.started.elapsed()
    }

    /// Microseconds since the start.
    pub fn elapsed_us(&self) -> u64 {
        u64::try_from(self.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}
