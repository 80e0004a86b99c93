//! What a target promises: an availability, a response time, or that a resource keeps below its thresholds.
//!
//! A target promises exactly one of them, so what belongs to one cannot be said of the other. Everything that decides
//! how the past is measured is in here, but for the target's service and window.

use crate::ids::Id;
use crate::observation::ResourceId;
use crate::percent::Ppb;

/// What a target promises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Promise {
    /// A share of time in which the service works.
    Availability(AvailabilityPromise),
    /// That a resource of a host is not used up.
    Capacity(CapacityPromise),
    /// That a probe is answered soon enough.
    Response(ResponsePromise),
}

/// How soon a probe of the service is answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ResponsePromise {
    /// Which one.
    pub probe: Id,
    /// How many of its observations must be that quick.
    pub bound: ResponseBound,
    /// The longest that keeps the promise, in microseconds.
    pub below_us: i64,
}

/// How many observations must be quick enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResponseBound {
    /// The one of this nearest rank; above zero.
    Percentile(Ppb),
    /// At least this share of them.
    Share(Ppb),
}

/// From when on a changed target holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Effective {
    /// From the next window on.
    #[default]
    NextWindow,
    /// At once, for the whole window in which it changes.
    Immediate,
}

/// What a target says of planned maintenance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct MaintenanceRules {
    /// How long before its start it must have been announced.
    pub min_notice_ms: i64,
    /// How much of it counts as such in a window; without one, all of it.
    pub allowance_ms: Option<i64>,
}

/// A share of time in which the service works, and how it is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AvailabilityPromise {
    /// The share of time promised.
    pub share: Ppb,
    /// What becomes of time that was not measured.
    pub unmeasured: UnmeasuredPolicy,
    /// What becomes of time that was degraded.
    pub degraded: DegradedPolicy,
    /// Targets on breaks.
    pub breaks: BreakTargets,
}

/// What becomes of time that was not measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum UnmeasuredPolicy {
    /// It is neither uptime nor downtime.
    #[default]
    Exclude,
    /// It is lost.
    CountAsDown,
    /// It is not lost.
    CountAsUp,
}

/// What becomes of time that was degraded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DegradedPolicy {
    /// It is not lost.
    #[default]
    CountAsUp,
    /// It is lost.
    CountAsDown,
}

/// Targets on breaks; each is optional.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct BreakTargets {
    /// At most so many.
    pub at_most: Option<u64>,
    /// None longer than this.
    pub longest_ms: Option<i64>,
    /// The mean time to restore service at most this.
    pub mtrs_ms: Option<i64>,
    /// The mean time between service incidents at least this.
    pub mtbsi_ms: Option<i64>,
}

/// How much of a resource may be in use, and for how long readings must say otherwise before an incident is raised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapacityPromise {
    /// Of which host, which resource.
    pub resource: ResourceId,
    /// The percentile of a window's readings that is held against the thresholds; above zero.
    pub percentile: Ppb,
    /// What must not be reached.
    pub thresholds: Thresholds,
    /// How long readings must be at or above a threshold before an incident is raised.
    pub held_ms: i64,
}

/// A level of use that must not be reached.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Threshold {
    /// Worth looking at.
    Warning,
    /// To be acted on.
    Critical,
}

impl Threshold {
    /// Both, the lower first.
    pub const ALL: [Self; 2] = [Self::Warning, Self::Critical];

    /// As the catalogue writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// The thresholds of a target: at least one, and with both the warning comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    warning: Option<Ppb>,
    critical: Option<Ppb>,
}

impl Thresholds {
    /// These thresholds; none when there is neither, or the warning is not below the critical one.
    pub fn new(warning: Option<Ppb>, critical: Option<Ppb>) -> Option<Self> {
        let sound = match (warning, critical) {
            (None, None) => false,
            (Some(warning), Some(critical)) => warning.parts() < critical.parts(),
            _ => true,
        };
        sound.then_some(Self { warning, critical })
    }

    /// Where this threshold lies, if there is one.
    pub const fn of(self, threshold: Threshold) -> Option<Ppb> {
        match threshold {
            Threshold::Warning => self.warning,
            Threshold::Critical => self.critical,
        }
    }
}
