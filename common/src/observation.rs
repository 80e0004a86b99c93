//! What one attempt of a probe says, and, in `host`, what one reading of a resource says.
//!
//! An *outcome* is one attempt; a *state* is a stretch of time. The same vantage point and instant twice are settled
//! by [`Observation::settle`], whatever the order in which they arrived.

mod host;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::time::Instant;

pub use host::{Flow, FlowId, FlowUnit, Reading, Resource, ResourceId, ResourceUnit, Volume, Which};

/// The verdict on one attempt. The numbers stand on the wire and in chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Outcome {
    /// Answered as expected.
    Up = 0,
    /// Answered as expected, but slower than the probe's `slow_after`.
    Degraded = 1,
    /// Did not answer as expected.
    Down = 2,
    /// The agent could not measure, through no fault of the service.
    Unknown = 3,
}

impl Outcome {
    /// The outcome with this number, if there is one.
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Up),
            1 => Some(Self::Degraded),
            2 => Some(Self::Down),
            3 => Some(Self::Unknown),
            _ => None,
        }
    }

    /// As the rules write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Degraded => "degraded",
            Self::Down => "down",
            Self::Unknown => "unknown",
        }
    }

    /// How much it weighs when the same attempt is told twice: down, degraded, up, then unknown.
    const fn gravity(self) -> u8 {
        match self {
            Self::Unknown => 0,
            Self::Up => 1,
            Self::Degraded => 2,
            Self::Down => 3,
        }
    }
}

/// The state of a vantage point, a probe or a service over a stretch of time, ordered best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum State {
    /// Works.
    Up = 0,
    /// Works, but slowly, or with a failure that was not confirmed.
    Degraded = 1,
    /// Not seen.
    Unmeasured = 2,
    /// Confirmed not to work.
    Down = 3,
}

impl State {
    /// All states, best first.
    pub const ALL: [Self; 4] = [Self::Up, Self::Degraded, Self::Unmeasured, Self::Down];

    /// The state with this number, if there is one.
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Up),
            1 => Some(Self::Degraded),
            2 => Some(Self::Unmeasured),
            3 => Some(Self::Down),
            _ => None,
        }
    }

    /// As the rules write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Degraded => "degraded",
            Self::Unmeasured => "unmeasured",
            Self::Down => "down",
        }
    }
}

/// Why an attempt had the outcome it had. The numbers stand on the wire and in chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Cause {
    /// Nothing to explain.
    None = 0,
    /// Slower than `slow_after`.
    Slow = 1,
    /// The name did not resolve.
    Resolve = 2,
    /// The connection was refused.
    Refused = 3,
    /// The network reported the address unreachable, or the connection broke.
    Connection = 4,
    /// The deadline passed.
    Timeout = 5,
    /// TLS could not be agreed, or the certificate was not accepted.
    Tls = 6,
    /// The answer was not understood.
    Protocol = 7,
    /// The answer's code was not among those expected.
    Code = 8,
    /// The answer's body was not as expected.
    Body = 9,
    /// The agent itself could not measure.
    Agent = 10,
    /// Redirected in a circle, or too often.
    Redirect = 11,
    /// A certificate has expired or soon will.
    Certificate = 12,
    /// The answer's headers were not as expected.
    Header = 13,
}

impl Cause {
    /// The cause with this number, if there is one.
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::None,
            1 => Self::Slow,
            2 => Self::Resolve,
            3 => Self::Refused,
            4 => Self::Connection,
            5 => Self::Timeout,
            6 => Self::Tls,
            7 => Self::Protocol,
            8 => Self::Code,
            9 => Self::Body,
            10 => Self::Agent,
            11 => Self::Redirect,
            12 => Self::Certificate,
            13 => Self::Header,
            _ => return None,
        })
    }

    /// A phrase for people, such as `connection refused`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "as expected",
            Self::Slow => "slow",
            Self::Resolve => "name not resolved",
            Self::Refused => "connection refused",
            Self::Connection => "no connection",
            Self::Timeout => "timed out",
            Self::Tls => "TLS failed",
            Self::Protocol => "answer not understood",
            Self::Code => "unexpected code",
            Self::Body => "unexpected body",
            Self::Agent => "agent could not measure",
            Self::Redirect => "redirected too often",
            Self::Certificate => "certificate expiry",
            Self::Header => "unexpected header",
        }
    }
}

/// A duration of up to 71 minutes in microseconds, or none; four bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Micros(u32);

impl Micros {
    /// No duration: the phase was not reached.
    pub const NONE: Self = Self(0);

    /// `us` microseconds; what is longer than fits is the longest that does.
    pub fn new(us: u64) -> Self {
        Self(u32::try_from(us.saturating_add(1)).unwrap_or(u32::MAX))
    }

    /// The microseconds, if there is a duration.
    pub fn get(self) -> Option<u64> {
        self.0.checked_sub(1).map(u64::from)
    }

    /// How it stands in columns: 0 for none, else microseconds and one.
    pub const fn code(self) -> u32 {
        self.0
    }

    /// Back from [`Self::code`].
    pub const fn from_code(code: u32) -> Self {
        Self(code)
    }
}

/// The phases of an attempt, each from the end of the one before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Phases {
    /// From the start to the resolved name.
    pub resolve: Micros,
    /// To the connection.
    pub connect: Micros,
    /// To the agreed TLS session.
    pub tls: Micros,
    /// To the first byte of the answer.
    pub first_byte: Micros,
    /// To the last byte of the answer.
    pub transfer: Micros,
}

impl Phases {
    /// Their names, in order.
    pub const NAMES: [&'static str; 5] = ["resolve", "connect", "tls", "first_byte", "transfer"];

    /// In the order of [`Self::NAMES`].
    pub const fn to_array(self) -> [Micros; 5] {
        [self.resolve, self.connect, self.tls, self.first_byte, self.transfer]
    }

    /// Back from [`Self::to_array`].
    pub const fn from_array([resolve, connect, tls, first_byte, transfer]: [Micros; 5]) -> Self {
        Self { resolve, connect, tls, first_byte, transfer }
    }
}

/// One attempt of one probe by one agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Observation {
    /// When the attempt began.
    pub at: Instant,
    /// What became of it.
    pub outcome: Outcome,
    /// Why.
    pub cause: Cause,
    /// The answer's code (HTTP), 0 when there was none.
    pub code: u16,
    /// How long it took in all.
    pub total: Micros,
    /// Where the time went.
    pub phases: Phases,
}

impl Observation {
    /// Of two observations of the same vantage point and instant, the one that counts: the worse outcome with its
    /// own durations, and among equal outcomes the longest. The remaining fields settle what is still equal, so that
    /// the order of arrival never matters.
    #[must_use]
    pub fn settle(self, other: Self) -> Self {
        if self.rank() >= other.rank() { self } else { other }
    }

    fn rank(&self) -> (u8, Micros, Phases, Cause, u16) {
        (self.outcome.gravity(), self.total, self.phases, self.cause, self.code)
    }
}

/// Sorts by instant and settles what was told twice, in place.
pub fn settle_all(observations: &mut Vec<Observation>) {
    observations.sort_by_key(|o| (o.at, std::cmp::Reverse(o.rank())));
    observations.dedup_by_key(|o| o.at);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(at: i64, outcome: Outcome, total: Micros) -> Observation {
        let (cause, code, phases) = (Cause::None, 0, Phases::default());
        Observation { at: Instant::from_ms(at), outcome, cause, code, total, phases }
    }

    #[test]
    fn the_worse_outcome_counts_with_its_own_duration() {
        let order = [Outcome::Unknown, Outcome::Up, Outcome::Degraded, Outcome::Down];
        for (i, better) in order.iter().enumerate() {
            for worse in &order[i + 1..] {
                let (slow, quick) = (seen(0, *better, Micros::new(900)), seen(0, *worse, Micros::new(1)));
                assert_eq!(slow.settle(quick), quick);
                assert_eq!(quick.settle(slow), quick);
            }
        }
    }

    #[test]
    fn equal_outcomes_are_settled_by_the_longest_and_none_is_the_shortest() {
        let (none, zero, long) = (
            seen(0, Outcome::Up, Micros::NONE),
            seen(0, Outcome::Up, Micros::new(0)),
            seen(0, Outcome::Up, Micros::new(5)),
        );
        assert_eq!(none.settle(zero), zero);
        assert_eq!(long.settle(zero), long);
        let mut all = vec![long, none, zero, seen(-1, Outcome::Down, Micros::NONE)];
        settle_all(&mut all);
        assert_eq!(all, vec![seen(-1, Outcome::Down, Micros::NONE), long]);
    }

    #[test]
    fn codes_lead_back_to_what_they_came_from() {
        for code in 0..=u8::MAX {
            assert_eq!(Outcome::from_code(code).map_or(code, |o| o as u8), code);
            assert_eq!(Cause::from_code(code).map_or(code, |c| c as u8), code);
            assert_eq!(State::from_code(code).map_or(code, |s| s as u8), code);
        }
        assert!(Cause::from_code(14).is_none() && Outcome::from_code(4).is_none() && State::from_code(4).is_none());
        assert_eq!(Micros::new(u64::MAX).get(), Some(u64::from(u32::MAX) - 1));
        assert_eq!(Micros::new(0).get(), Some(0));
        assert_eq!(Micros::NONE.get(), None);
    }
}
