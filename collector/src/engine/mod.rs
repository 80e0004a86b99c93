//! The engine: the one decider of the collector. One thread owns the store, the timelines, the incidents and the
//! outbox; everybody else asks it over one bounded queue and reads the snapshots it publishes.
//!
//! | file | what it does |
//! |---|---|
//! | [`handle`] | the asynchronous side of the queue |
//! | [`run`] | the thread: takes what waits, ticks, shuts down |
//! | [`command`] | what people do: tokens, and what is done to incidents; each with its deed |
//! | `incidents` | incidents between people and the engine: asked for, and acted on |
//! | [`govern`] | what people put on record: added, revoked, and given to the measurement |
//! | [`compaction`] | sealing and merging everything that waits, because somebody asked for it |
//! | [`import`] | what somebody imports, who and until when |
//! | `intake` | a group of pushes → one durable append → their answers |
//! | `news` | whether a push brought what should not wait for the next second |
//! | `tick` | what was touched → timelines → incidents → one commit |
//! | `snapshots` | what a tick measured → a snapshot |
//! | `sight` | a service over a span → its timeline, carried on from tick to tick |
//! | `strip` | its last days |
//! | `measure` | a target in a window → its figures |
//! | `answers` | a target on response time → its figures |
//! | `alerts` | how fast the budget of a target burns |
//! | `use_of` | a target on capacity → its figures, and what its thresholds say |
//! | `handling` | what follows from incidents as time passes |
//! | `delivery` | which messages are due, and what became of them |
//! | `problems` | what follows for problems, and what people do to them |
//! | [`letters`] | those that could not be delivered: shown, sent again, let go |
//! | `postponed` | what a full disk does not take waits, and is tried again |
//! | `forget` | what is older than it is kept for goes, a little at a time |
//! | [`query`] | figures at any instant |
//! | [`weighted`] | several services together, weighted by their users |
//! | [`explain`] | what a figure is made of, down to the observation |
//! | `revise`, `closing`, `issue` | what touched closed windows → which are looked at → revisions |
//! | [`revised`] | the revisions that were issued |
//! | [`reload`] | a changed catalogue → the one in force, or refused |
//! | [`restate`] | its versions, and a change of the past that somebody approved |
//! | [`quality`] | what agents tell of their own measuring |
//! | [`told`] | the timelines that figures were taken from, for whoever wants to see them |
//! | [`rows`] | the rows themselves, in pages |
//! | `verify` | kept days and figures, held against their rows and their laws |
//! | [`agents`] | what is known of the agents, and which services are held because of them |
//!
//! Nothing in here reads a clock but [`run`]; all of it is synchronous.

pub mod agents;
mod agreed;
mod alerts;
mod answers;
mod closing;
pub mod command;
pub mod compaction;
mod delivery;
pub mod explain;
#[cfg(test)]
pub(crate) mod failing;
mod forget;
pub mod govern;
pub mod handle;
mod handling;
pub mod import;
mod incidents;
mod intake;
mod issue;
pub mod letters;
mod measure;
mod news;
mod postponed;
mod problems;
pub mod quality;
pub mod query;
pub mod reload;
pub mod restate;
mod revise;
pub mod revised;
pub mod rows;
pub mod run;
mod sight;
mod situation;
mod snapshots;
mod strip;
mod tick;
pub mod told;
mod use_of;
mod verify;
pub mod weighted;

use std::collections::BTreeMap;
use std::sync::Arc;

use uphold_common::catalogue::model::Catalogue;
use uphold_common::ids::Id;
use uphold_common::time::Instant;
use uphold_common::wire::pack;

use crate::attempts::Attempts;
use crate::capacity::Capacity;
use crate::governed::register::{LoadError, Register as Governed};
use crate::identity::keeper::{Keeper, KeeperError};
use crate::incident::model::{Event, Number};
use crate::incident::register::Register;
use crate::inforce::{self, CatalogueFile, InForce, TakeUpError};
use crate::listen::Listening;
use crate::notify::board::Board;
use crate::notify::outbox::{BadRecord, Outbox, OutboxPolicy};
use crate::reserve::Reserve;
use crate::retention::Retention;
use crate::snapshot::Health;
use crate::store::{KeyRange, Record, RecordKind, Store, StoreError};
use crate::timeline::Timelines;

use agents::Agents;
use agreed::AgreedTimes;
use forget::Forgetting;
use handle::Tally;
use news::News;
use postponed::Postponed;
use problems::Tracked;
use quality::FactCounts;
use revise::Revising;
use sight::Sight;
use situation::ReliedOn;
use strip::Strip;
use tick::{HORIZON_MS, OBSERVATIONS_AT_ONCE};

/// The state of the one decider.
pub struct Engine {
    store: Box<dyn Store>,
    keeper: Keeper,
    in_force: InForce,
    timelines: Timelines,
    capacity: Capacity,
    attempts: Attempts,
    /// What was seen of each service at the last tick.
    sights: BTreeMap<Id, Sight>,
    strips: BTreeMap<Id, Strip>,
    agreed: AgreedTimes,
    register: Register,
    /// Since when conditions of open incidents do not hold any more.
    calm: BTreeMap<Number, Instant>,
    relied_on: Arc<ReliedOn>,
    /// What people put on record; those who read it share it.
    governed: Arc<Governed>,
    /// What lies behind incidents that come again.
    tracked: Tracked,
    outbox: Outbox,
    agents: Agents,
    /// How much of what agents told is on record.
    fact_counts: FactCounts,
    health: Health,
    refused_early: Tally,
    refused_requests: Tally,
    listening: Listening,
    reserve: Reserve,
    forgetting: Forgetting,
    board: Board,
    /// What pushes brought that should be looked at soon.
    news: News,
    /// From when on rows touched each service since the last tick: windows that closed after it are looked at again.
    touched_from: BTreeMap<Id, Instant>,
    started: Instant,
    /// Revisions of closed windows: what was issued, what waits.
    revising: Revising,
    /// Whether a compaction is under way.
    compacting: bool,
    /// What waits for room on the disk.
    postponed: Postponed,
    /// About how many observations a tick reads for what was not derived yet.
    observations_at_once: usize,
}

/// Why the engine could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The catalogue cannot be taken up.
    #[error(transparent)]
    TakeUp(#[from] TakeUpError),
    /// The tokens, or who did what, cannot be read or recorded.
    #[error(transparent)]
    Keeper(#[from] KeeperError),
    /// What people put on record cannot be read.
    #[error("what is on record cannot be read: {0}")]
    Governed(#[from] LoadError),
    /// A record cannot be read or written.
    #[error("{what} is damaged: {reason}")]
    Record {
        /// Of what.
        what: &'static str,
        /// How that was noticed.
        reason: String,
    },
    /// The operating system gave no thread.
    #[error("no thread for the engine: {0}")]
    Thread(std::io::Error),
}

fn tell_bad(record: &BadRecord) {
    tracing::error!(place = ?record.place, reason = record.reason, "a message cannot be read and is left where it is");
}

/// How many records are read from the store at once.
const PAGE_RECORDS: usize = 1_000;

impl Engine {
    /// Takes up the catalogue and everything on record, where nothing listens.
    pub fn open(store: Box<dyn Store>, files: &[CatalogueFile], now: Instant) -> Result<Self, EngineError> {
        Self::open_listening(store, files, Listening::default(), now)
    }

    /// Takes up the catalogue and everything on record, under the limits of what listens.
    pub fn open_listening(
        mut store: Box<dyn Store>,
        files: &[CatalogueFile],
        listening: Listening,
        now: Instant,
    ) -> Result<Self, EngineError> {
        let mut keeper = Keeper::load(store.as_ref())?;
        let in_force = inforce::take_up(store.as_mut(), &mut keeper, files, &listening.limits().of_catalogue(), now)?;
        let mut register = read_register(store.as_ref())?;
        let tracked = Tracked::load(store.as_ref(), &mut register)?;
        let governed = Arc::new(Governed::load(store.as_ref())?);
        let waiting = read_all(store.as_ref(), RecordKind::Outbox)?;
        let dead = read_all(store.as_ref(), RecordKind::DeadLetter)?;
        let (outbox, bad) = Outbox::load(OutboxPolicy::default(), waiting, dead);
        bad.iter().for_each(tell_bad);
        let revising = Revising::load(store.as_ref(), &in_force.courses)?;
        let mut engine = Self {
            store,
            keeper,
            timelines: Timelines::default(),
            capacity: Capacity::default(),
            attempts: Attempts::default(),
            sights: BTreeMap::new(),
            strips: BTreeMap::new(),
            agreed: AgreedTimes::default(),
            register,
            calm: BTreeMap::new(),
            relied_on: Arc::default(),
            governed,
            tracked,
            outbox,
            agents: Agents::new(&in_force.catalogue, now),
            fact_counts: FactCounts::default(),
            health: Health { started_ms: now.as_ms(), catalogue_is_older: in_force.is_older, ..Health::default() },
            refused_early: Tally::default(),
            refused_requests: Tally::default(),
            listening,
            reserve: Reserve::endless(),
            forgetting: Forgetting::by(Retention::endless()),
            board: Board::default(),
            news: News::default(),
            touched_from: BTreeMap::new(),
            in_force,
            started: now,
            revising,
            compacting: false,
            postponed: Postponed::default(),
            observations_at_once: OBSERVATIONS_AT_ONCE,
        };
        engine.look_once(now)?;
        Ok(engine)
    }

    /// What the journal gave back may have touched days that were kept before the end, and what rows and records touched
    /// then is not on record: every window that may still change is looked at once.
    fn look_once(&mut self, now: Instant) -> Result<(), EngineError> {
        self.drop_touched()?;
        for service in self.catalogue().services.keys() {
            self.touched_from.insert(service.clone(), now.minus_ms(HORIZON_MS));
        }
        let present = self.vouched(now).unwrap_or(now);
        let courses = Arc::clone(&self.in_force.courses);
        self.revising.begin(&courses, present.minus_ms(HORIZON_MS));
        Ok(())
    }

    /// Keeps this reserve of the disk free from now on; until it is told, the disk is taken to be without end.
    #[must_use]
    pub fn keeping(mut self, reserve: Reserve) -> Self {
        self.reserve = reserve;
        self
    }

    /// The open incidents, or `all` of them.
    #[cfg(test)]
    pub fn incidents(&self, all: bool, now: Instant) -> crate::incident::list::IncidentList {
        let state = if all { crate::incident::list::Wanted::All } else { crate::incident::list::Wanted::Open };
        self.listed(&crate::incident::list::IncidentsQuery { state, ..Default::default() }, now)
    }

    /// The catalogue in force.
    pub fn catalogue(&self) -> Arc<Catalogue> {
        Arc::clone(&self.in_force.catalogue)
    }
}

fn damaged(what: &'static str, reason: &impl ToString) -> EngineError {
    EngineError::Record { what, reason: reason.to_string() }
}

fn read_all(store: &dyn Store, kind: RecordKind) -> Result<Vec<Record>, StoreError> {
    let mut all = Vec::new();
    let mut range = KeyRange::all();
    loop {
        let page = store.records(kind, &range, PAGE_RECORDS)?;
        let Some((last, _)) = page.last() else { return Ok(all) };
        range = range.after(last.clone());
        all.extend(page);
    }
}

/// Folds the events on record; keys are (number, place), so they come in the order in which they happened.
fn read_register(store: &dyn Store) -> Result<Register, EngineError> {
    let mut register = Register::default();
    let mut range = KeyRange::all();
    loop {
        let page = store.records(RecordKind::IncidentEvent, &range, PAGE_RECORDS)?;
        let Some((last, _)) = page.last() else {
            register.begin_counting();
            return Ok(register);
        };
        range = range.after(last.clone());
        for (_, value) in &page {
            let event: Event = pack::unpack(value).map_err(|error| damaged("an incident", &error))?;
            register.apply(&event).map_err(|error| damaged("an incident", &error))?;
        }
        register.forget_oldest();
    }
}

#[cfg(test)]
mod capacity_tests;
#[cfg(test)]
#[path = "engine_tests.rs"]
mod tests;

#[cfg(test)]
mod answers_tests;
#[cfg(test)]
mod full_tests;

#[cfg(test)]
mod import_tests;

#[cfg(test)]
mod problems_tests;

#[cfg(test)]
mod quality_tests;

#[cfg(test)]
mod replay_tests;

#[cfg(test)]
mod revise_tests;

#[cfg(test)]
mod versions_tests;
