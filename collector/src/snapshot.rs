//! The snapshot: everything that is shown or decided, as of one instant.
//!
//! Each tick the engine publishes one, immutable. The page, the metrics, the incidents and the lists of the API read it;
//! none of them computes a figure of its own, so at the same `as_of` they all show the same.

use std::collections::BTreeMap;
use std::sync::Arc;

use uphold_common::catalogue::model::Catalogue;
use uphold_common::governed::applied::Overrun;
use uphold_common::ids::{Id, TargetId, VantagePoint};
use uphold_common::measure::burn::AlertFigures;
use uphold_common::measure::capacity::CapacityFigures;
use uphold_common::measure::kinds::Kinds;
use uphold_common::measure::response::ResponseFigures;
use uphold_common::measure::target::TargetFigures;
use uphold_common::observation::{FlowId, Observation, Reading, ResourceId, State, Volume};
use uphold_common::time::Instant;
use uphold_common::wire::batch::Epoch;

use crate::engine::reload::CatalogueReloads;
use crate::governed::register::Register;
use crate::histogram::{Histogram, Scale};
use crate::incident::model::Incident;
use crate::incident::tally::{Counts, Held};
use crate::limits::Limit;
use crate::listen::tls::Reloads;
use crate::problem::view::ProblemsHeld;
use crate::reserve::RoomSnapshot;
use crate::retention::RetentionSnapshot;
use crate::store::Gaps;

/// How many days the strip of a service shows.
pub const STRIP_DAYS: usize = 90;

/// Everything that is shown or decided, as of one instant.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The instant: observations at or after it took no part.
    pub as_of: Instant,
    /// The store that it was taken from.
    pub store: Epoch,
    /// The catalogue in force.
    pub catalogue: Arc<Catalogue>,
    /// Its version, counted from 1.
    pub catalogue_version: u64,
    /// The services, by id.
    pub services: BTreeMap<Id, ServiceSnapshot>,
    /// The newest readings of the catalogue's hosts that still speak for the present.
    pub readings: Vec<(ResourceId, Reading)>,
    /// The newest volumes of the catalogue's hosts that still speak for the present.
    pub volumes: Vec<(FlowId, Volume)>,
    /// What people put on record.
    pub governed: Arc<Register>,
    /// Maintenance that is over while its service is still down.
    pub overruns: Vec<Overrun>,
    /// The open incidents, oldest first.
    pub open_incidents: Vec<Incident>,
    /// The newest resolved incidents, newest first, at most [`RECENT_INCIDENTS`].
    pub recent_incidents: Vec<Incident>,
    /// All that were resolved a short while ago, for those who are told the state.
    pub lately_resolved: Vec<Incident>,
    /// How many incidents are held, and how old the open ones are.
    pub incidents_held: Held,
    /// What happened to incidents since the collector started.
    pub incidents_counted: Counts,
    /// How problems stand.
    pub problems_held: ProblemsHeld,
    /// The agents that the catalogue names or that have pushed, by name.
    pub agents: BTreeMap<Id, AgentSnapshot>,
    /// The receivers that are told in messages, by id.
    pub receivers: BTreeMap<Id, ReceiverSnapshot>,
    /// The receivers that are told the whole state, by id.
    pub state_receivers: BTreeMap<Id, StateReceiverSnapshot>,
    /// The program's own health.
    pub health: Health,
}

/// How many resolved incidents a snapshot holds.
pub const RECENT_INCIDENTS: usize = 50;

/// One service.
#[derive(Clone, Debug)]
pub struct ServiceSnapshot {
    /// Its state now.
    pub state: State,
    /// Since when it has been in it, as far back as its windows reach.
    pub since: Instant,
    /// Its entry into the catalogue.
    pub entry: Instant,
    /// Its probes, by id.
    pub probes: BTreeMap<Id, ProbeSnapshot>,
    /// Its targets on availability in the windows that hold now.
    pub targets: BTreeMap<TargetId, TargetFigures>,
    /// Its targets on capacity in the windows that hold now.
    pub capacity: BTreeMap<TargetId, CapacityFigures>,
    /// Its targets on response time in the windows that hold now.
    pub response: BTreeMap<TargetId, ResponseFigures>,
    /// The alerts of its targets on availability.
    pub alerts: BTreeMap<TargetId, Vec<AlertFigures>>,
    /// Its last days, oldest first: at most [`STRIP_DAYS`], today last.
    pub strip: Vec<StripDay>,
}

/// One local day of a service, measured for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StripDay {
    /// Its date.
    pub date: jiff::civil::Date,
    /// What it was made of.
    pub kinds: Kinds,
}

/// One probe.
#[derive(Clone, Debug)]
pub struct ProbeSnapshot {
    /// Its state now.
    pub state: State,
    /// The newest observation of each vantage point that has one.
    pub newest: Vec<(VantagePoint, Observation)>,
}

/// One agent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgentSnapshot {
    /// When it pushed last, since the collector started.
    pub last_push: Option<Instant>,
    /// How many batches waited behind that push.
    pub backlog_batches: u64,
    /// Since when after each of its pushes some waited there or were missing here; none when after the last one none did.
    pub backlog_since: Option<Instant>,
    /// The agent's clock less the collector's at that push; what travelled in between is part of it.
    pub clock_offset_ms: i64,
    /// When it ended as it was asked to; none since it pushed anything after that.
    pub stopped_at: Option<Instant>,
    /// What it reported of its own measuring, since the collector started.
    pub facts: FactCounts,
    /// What it delivered once and is not here.
    pub gaps: Gaps,
}

/// What an agent reported of its own measuring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FactCounts {
    /// Batches that its full spool let go.
    pub spool_overflow_batches: u64,
    /// Spool files that could not be read.
    pub spool_corrupt: u64,
    /// Batches refused for good.
    pub quarantined: u64,
    /// Steps of its clock.
    pub clock_steps: u64,
    /// Attempts due and not made.
    pub skipped_attempts: u64,
    /// Starts after an end that was none: it was killed, or its host failed.
    pub abrupt_ends: u64,
}

/// One receiver that is told in messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReceiverSnapshot {
    /// Messages that wait.
    pub waiting: u64,
    /// Messages delivered since the collector started.
    pub delivered: u64,
    /// Attempts that failed since the collector started.
    pub failed_attempts: u64,
    /// Messages given up, kept to be looked at.
    pub dead_letters: u64,
    /// Whether it failed so often in a row that what waits is held back, and it is only probed.
    pub breaker_open: bool,
    /// Why the last attempt failed, if it did.
    pub last_error: Option<String>,
    /// The looks at its tickets, if it is a ticket system whose tickets are looked at.
    pub looks: Option<LooksSnapshot>,
}

/// The rounds in which the tickets of one receiver were looked at, since the collector started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LooksSnapshot {
    /// How many there were.
    pub made: u64,
    /// How many of them failed.
    pub failed: u64,
    /// When the last one ended that did not fail.
    pub last: Option<Instant>,
}

/// One receiver that is told the whole state: nothing waits for it, and nothing is given up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StateReceiverSnapshot {
    /// The instant of the state that it was told last, since the collector started.
    pub told: Option<Instant>,
    /// How many alerts that state had.
    pub alerts: u64,
    /// How often it was told since the collector started.
    pub delivered: u64,
    /// How often it could not be told since the collector started.
    pub failed_attempts: u64,
    /// Why the last attempt failed, if it did.
    pub last_error: Option<String>,
}

/// The program's own health.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// When the collector started.
    pub started_ms: i64,
    /// What the store says of itself.
    pub store: crate::store::StoreStats,
    /// Since when damage in the store is known; none while there is none.
    pub damaged_since: Option<Instant>,
    /// How pushes become durable.
    pub durable: Durable,
    /// What keeping up the store took.
    pub upkeep: UpkeepCounts,
    /// How much room the disk has.
    pub room: RoomSnapshot,
    /// How often incidents, messages or what became of them found the disk full, and were left to a later tick.
    pub postponed: u64,
    /// Dead letters that made room for newer ones since the start.
    pub letters_dropped: u64,
    /// Whether the files of the catalogue say something newer, which could not be recorded because the disk was full.
    pub catalogue_is_older: bool,
    /// What became of changes of the catalogue's files since the start.
    pub reloads: CatalogueReloads,
    /// What is forgotten.
    pub retention: RetentionSnapshot,
    /// How long the tick before this snapshot's took, in microseconds; 0 for the first.
    pub tick_us: u64,
    /// Pushes by what became of them: `accepted`, `duplicate`, or the word of the problem.
    pub pushes: BTreeMap<&'static str, u64>,
    /// Requests that did not pass to their handler, by the word of the problem.
    pub requests_refused: BTreeMap<&'static str, u64>,
    /// Rows taken in since the start.
    pub rows: u64,
    /// What imports brought since the start.
    pub imports: ImportCounts,
    /// Services and targets on capacity that are left out because their history is still being read.
    pub deriving: u64,
    /// Bytes of timelines in memory.
    pub timeline_bytes: u64,
    /// Days of vantage points that were derived from their observations since the start.
    pub days_derived: u64,
    /// How revisions of closed windows go.
    pub revisions: RevisionsSnapshot,
    /// How it listens.
    pub listening: ListeningSnapshot,
}

/// What imports brought since the collector started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportCounts {
    /// Batches that were taken.
    pub taken: u64,
    /// Batches that were refused.
    pub refused: u64,
    /// Rows of those that were taken, some of which may have been there before.
    pub rows: u64,
}

/// How revisions of closed windows go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RevisionsSnapshot {
    /// Closed windows that are to be looked at, as far as they were counted.
    pub waiting: u64,
    /// Revisions issued since the start, by the word for why.
    pub issued: BTreeMap<&'static str, u64>,
}

/// How pushes became durable since the collector started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Durable {
    /// How long each took from the engine's queue until it was durable, in microseconds.
    pub lag: Histogram,
    /// How many batches were made durable at once.
    pub groups: Histogram,
    /// When one became durable last.
    pub newest: Option<Instant>,
}

impl Default for Durable {
    fn default() -> Self {
        Self { lag: Histogram::new(Scale::Times), groups: Histogram::new(Scale::Sizes), newest: None }
    }
}

/// What keeping up the store took since the collector started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UpkeepCounts {
    /// Rows that were sealed.
    pub sealed_rows: u64,
    /// How long the seals took in all, in microseconds.
    pub seal_us: u64,
    /// How long the merges took in all, in microseconds.
    pub merge_us: u64,
}

/// How the collector listens, and how its limits are faring.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListeningSnapshot {
    /// Every limit, in the order in which they are documented.
    pub limits: Vec<LimitSnapshot>,
    /// Connections to the port that are open.
    pub connections: u64,
    /// Bytes of memory that bodies hold.
    pub body_bytes: u64,
    /// How often the files of the certificate changed; none without TLS.
    pub certificate_reloads: Option<Reloads>,
    /// Why listening like this is insecure, as a sentence, if it is.
    pub insecure: Option<String>,
}

/// One limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitSnapshot {
    /// Which.
    pub limit: Limit,
    /// What it is, in its unit.
    pub value: u64,
    /// How often it was reached since the collector started.
    pub reached: u64,
}
