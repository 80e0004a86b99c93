//! The rules of measurement a second time: slowly, instant by instant, and sharing no code with `uphold-common`.
//!
//! Two implementations that were written apart and agree on everything are the best evidence that either is right.
//! So this one is written from the rules' text alone, asks each question at each instant anew, and keeps no
//! intervals: a timeline is a list with one state per tick. It is for small domains, where a window is some
//! thousands of ticks long. A tick is a millisecond, or any longer unit that divides every time in the question.
//!
//! | file | rules |
//! |---|---|
//! | `local` | 1 what clocks show, 9 windows |
//! | `timeline` | 2 observations, 3 vantage timelines, 4 probes |
//! | `service` | 5 expressions and charges |
//! | `calendar` | 6 the hours of a calendar |
//! | `committed` | 6 entry, maintenance, exclusions: which instants are committed, for each of the three figures |
//! | `figures` | 6 the seven kinds, 7 availability, 8 breaks, 10 budget |
//! | `judged` | 7 users' weights, 8 targets on breaks, 13 credits |
//! | `burn` | 10 burn rates and alerts |
//! | `response` | 11 response times |
//! | `capacity` | 12 the use of a resource against its thresholds |
//!
//! Which version of the catalogue is in force at an instant (rule 9) says `scenario::naive_versions`.
//!
//! It must never name anything of `uphold_common`.

pub mod burn;
pub mod calendar;
pub mod capacity;
pub mod committed;
pub mod figures;
pub mod judged;
pub mod local;
pub mod response;
pub mod service;
pub mod timeline;

/// What one attempt said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Out {
    /// Answered.
    Up,
    /// Answered, but slowly.
    Degraded,
    /// Did not answer as it should.
    Down,
    /// Could not be measured.
    Unknown,
}

/// What holds at an instant, best first: the order the rules give for `quorum: k` and for expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum St {
    /// Works.
    Up,
    /// Works badly, or failed without being confirmed.
    Degraded,
    /// Nobody looked.
    Unmeasured,
    /// Failed, and confirmed.
    Down,
}

/// One attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// When it began.
    pub at: i64,
    /// What it said.
    pub out: Out,
    /// How long it took.
    pub us: Option<u64>,
}

impl Seen {
    /// An attempt without a duration.
    pub const fn new(at: i64, out: Out) -> Self {
        Self { at, out, us: None }
    }
}

/// How a probe's observations are read, from an instant on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// In force from here; the first holds for all time before it as well.
    pub from: i64,
    /// How long an observation speaks.
    pub reach: i64,
    /// Failures that confirm an outage.
    pub fall: usize,
    /// Successes that end one.
    pub rise: usize,
}

/// The greatest common divisor, by the oldest recipe there is.
pub(crate) fn common_measure(a: i128, b: i128) -> i128 {
    if b == 0 { a.abs() } else { common_measure(b, a % b) }
}

/// A fraction in lowest terms; none over nothing.
pub fn fraction(over: i128, under: i128) -> Option<(i128, i128)> {
    let measure = common_measure(over, under);
    (under > 0).then(|| (over / measure, under / measure))
}
