//! The asynchronous side of the engine's queue.
//!
//! The queue holds [`QUEUE_MAX`] requests. When it is full the request is refused at once, which a push passes on as 503
//! with `Retry-After`: nobody waits for room, so nothing piles up in front of the queue either.

use std::collections::BTreeMap;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot, watch};
use uphold_common::ids::{Id, TargetId};
use uphold_common::time::Interval;
use uphold_common::wire::push::PushAnswer;
use uphold_common::wire::sheet::Names;

use crate::clock::Stopwatch;
use crate::governed::register::Register;
use crate::identity::deed::{Actor, Deed};
use crate::identity::token::{Token, Tokens};
use crate::incident::act::Intent;
use crate::incident::list::{IncidentList, IncidentsQuery};
use crate::incident::model::{Called, Incident};
use crate::ingest::{Arrived, KnownNames, Refusal};
use crate::listen::budget::Held;
use crate::notify::board::Board;
use crate::notify::courier::Report;
use crate::notify::entry::Key;
use crate::notify::outbox::Delivery;
use crate::notify::worker::Desk;
use crate::quality::model::FactList;
use crate::snapshot::Snapshot;
use crate::store::{Admitted, Hours, StoreError, StreamId};

use super::EngineError;
use super::command::{CommandError, History, TokenCommand};
use super::compaction::Compaction;
use super::explain::ExplainQuery;
use super::govern::{GovernCommand, Governed};
use super::import::{ImportTaken, ImportTerms};
use super::letters::LettersAsk;
use super::problems::ProblemRequest;
use super::quality::{FactsError, FactsQuery};
use super::query::{FiguresQuery, QueryError};
use super::reload::{Offered, Reload};
use super::restate::{Restated, VersionList};
use super::revised::{RevisionList, RevisionsError, RevisionsQuery};
use super::rows::Page;
use super::weighted::{Asked, Found};

/// Most requests that wait for the engine.
pub const QUEUE_MAX: usize = 1_024;

/// A push on its way to the engine.
pub struct Pushed {
    /// What came.
    pub arrived: Arrived,
    /// The memory that it counts for. A sender that goes away does not take its batch out of the queue, so it counts until
    /// the engine is done with it.
    pub held: Held,
    /// Started when it came to the queue.
    pub since: Stopwatch,
    /// Who waits for the answer.
    pub answer: oneshot::Sender<Result<PushAnswer, Refusal>>,
}

/// A batch of an import on its way to the engine.
pub struct Imported {
    /// What came.
    pub batch: Admitted,
    /// The memory that it counts for, as of a push.
    pub held: Held,
    /// Who imports.
    pub actor: Actor,
    /// Who waits for the answer.
    pub answer: oneshot::Sender<Result<ImportTaken, Refusal>>,
}

/// What the engine can be asked.
pub enum Request {
    /// To take in a batch.
    Push(Box<Pushed>),
    /// To begin an import out of this.
    BeginImport(String, Actor, oneshot::Sender<Result<ImportTerms, CommandError>>),
    /// To end one.
    EndImport(oneshot::Sender<()>),
    /// To take in a batch of one.
    Import(Box<Imported>),
    /// For the figures of a service, in JSON.
    Figures(FiguresQuery, oneshot::Sender<Result<Vec<u8>, QueryError>>),
    /// For the availability of a target.
    Availability(TargetId, Asked, oneshot::Sender<Result<Option<Found>, QueryError>>),
    /// For what a figure is made of, in JSON.
    Explain(Box<ExplainQuery>, oneshot::Sender<Result<Vec<u8>, QueryError>>),
    /// For revisions of closed windows.
    Revisions(RevisionsQuery, oneshot::Sender<Result<RevisionList, RevisionsError>>),
    /// For what an agent told of its own measuring.
    Facts(FactsQuery, oneshot::Sender<Result<FactList, FactsError>>),
    /// For the roll-ups of a stream's hours.
    Rollups(StreamId, Interval, oneshot::Sender<Result<Hours, StoreError>>),
    /// For what was ever measured of a host and is still known.
    Measured(Id, oneshot::Sender<Vec<StreamId>>),
    /// For every stream that is known.
    Streams(oneshot::Sender<Vec<StreamId>>),
    /// For the first rows of a stream in a span.
    Rows(StreamId, Interval, oneshot::Sender<Result<Page, StoreError>>),
    /// For the messages that are due.
    Due(oneshot::Sender<Vec<Delivery>>),
    /// To add or revoke a token.
    Token(TokenCommand, Actor, oneshot::Sender<Result<Token, CommandError>>),
    /// About dead letters.
    Letters(LettersAsk),
    /// To do something to an incident.
    Act(Called, Intent, Actor, oneshot::Sender<Result<Incident, CommandError>>),
    /// About problems.
    Problems(ProblemRequest),
    /// To add or revoke a governed record.
    Govern(GovernCommand, Actor, oneshot::Sender<Result<Governed, CommandError>>),
    /// For incidents, as they stand.
    Incidents(IncidentsQuery, oneshot::Sender<IncidentList>),
    /// For an incident and everything that happened to it.
    History(Called, oneshot::Sender<Result<Option<History>, EngineError>>),
    /// For the newest deeds, at most so many.
    Deeds(usize, oneshot::Sender<Result<Vec<Deed>, EngineError>>),
    /// To begin a compaction of the store.
    Compact(Actor, oneshot::Sender<Result<Compaction, CommandError>>),
    /// For how far it has come.
    Compaction(oneshot::Sender<Compaction>),
    /// To take up what the catalogue's files say.
    Reload(Offered, oneshot::Sender<Reload>),
    /// For the versions of the catalogue.
    Versions(oneshot::Sender<VersionList>),
    /// To take up a catalogue that may measure the past differently.
    Restate(Box<Restated>, Actor, oneshot::Sender<Result<Reload, CommandError>>),
    /// To take note of what became of a message.
    Settle(Key, Report, oneshot::Sender<()>),
    /// To stop, once everything before it is done.
    Stop,
}

/// What was refused before it came to the engine, by why: counted beside its queue, so that it takes no room in it.
#[derive(Clone, Debug, Default)]
pub struct Tally(Arc<Mutex<BTreeMap<&'static str, u64>>>);

impl Tally {
    /// Counts one; `word` is one of a few.
    pub fn count(&self, word: &'static str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(word).or_default() += 1;
    }

    /// All that were counted.
    pub fn counted(&self) -> BTreeMap<&'static str, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Why the engine gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// Its queue is full.
    #[error("the collector has too much to do")]
    Busy,
    /// It has stopped.
    #[error("the collector is stopping")]
    Stopped,
}

impl Unanswered {
    /// The word for programs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Stopped => "stopping",
        }
    }
}

/// The asynchronous side.
#[derive(Clone)]
pub struct EngineHandle(pub(super) Arc<Ends>);

/// The ends of everything that leads to the engine's thread and back.
pub(super) struct Ends {
    pub(super) queue: SyncSender<Request>,
    pub(super) snapshots: watch::Receiver<Arc<Snapshot>>,
    pub(super) tokens: watch::Receiver<Arc<Tokens>>,
    pub(super) governed: watch::Receiver<Arc<Register>>,
    pub(super) messages: Arc<Notify>,
    pub(super) refused_early: Tally,
    pub(super) refused_requests: Tally,
    pub(super) board: Board,
    pub(super) names: KnownNames,
}

impl EngineHandle {
    /// The handle with these ends.
    pub(super) fn of(ends: Ends) -> Self {
        Self(Arc::new(ends))
    }

    /// The names that batches which were kept came with.
    pub fn names(&self) -> &KnownNames {
        &self.0.names
    }

    /// The newest snapshot.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.0.snapshots.borrow())
    }

    /// The tokens that were ever given, as of the newest change to them.
    pub fn tokens(&self) -> Arc<Tokens> {
        Arc::clone(&self.0.tokens.borrow())
    }

    /// The snapshots as they are published.
    pub fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.0.snapshots.clone()
    }

    /// Where what is shown of the Alertmanagers is written.
    pub fn board(&self) -> Board {
        self.0.board.clone()
    }

    /// Counts a push that was refused before it came to the engine.
    pub fn refused_early(&self, word: &'static str) {
        self.0.refused_early.count(word);
    }

    /// Counts a request that was refused before it came to its handler.
    pub fn refused_request(&self, word: &'static str) {
        self.0.refused_requests.count(word);
    }

    /// Rung when messages may be due.
    pub fn messages(&self) -> Arc<Notify> {
        Arc::clone(&self.0.messages)
    }

    /// Takes in a batch; answered once it is durable.
    pub async fn push(&self, arrived: Arrived, held: Held) -> Result<Result<PushAnswer, Refusal>, Unanswered> {
        let (agent, names) = (arrived.key().agent.clone(), Names::clone(arrived.batch.batch.names()));
        let since = Stopwatch::start();
        let taken = self.ask(|answer| Request::Push(Box::new(Pushed { arrived, held, since, answer }))).await?;
        if taken.is_ok() {
            self.names().kept(&agent, &names);
        }
        Ok(taken)
    }

    /// The figures of a service, in JSON.
    pub async fn figures(&self, query: FiguresQuery) -> Result<Result<Vec<u8>, QueryError>, Unanswered> {
        self.ask(|answer| Request::Figures(query, answer)).await
    }

    /// The roll-ups of the hours of a stream that begin in `span`.
    pub async fn rollups(&self, of: StreamId, span: Interval) -> Result<Result<Hours, StoreError>, Unanswered> {
        self.ask(|answer| Request::Rollups(of, span, answer)).await
    }

    /// What was ever measured of a host and is still known: resources, then flows, each in order.
    pub async fn measured(&self, host: Id) -> Result<Vec<StreamId>, Unanswered> {
        self.ask(|answer| Request::Measured(host, answer)).await
    }

    /// Every stream that is known: probes, resources, flows, each in order.
    pub async fn streams(&self) -> Result<Vec<StreamId>, Unanswered> {
        self.ask(Request::Streams).await
    }

    /// The first rows of a stream in `span`.
    pub async fn page(&self, of: StreamId, span: Interval) -> Result<Result<Page, StoreError>, Unanswered> {
        self.ask(|answer| Request::Rows(of, span, answer)).await
    }

    /// Adds or revokes a token for `actor`; answered once it is durable.
    pub async fn token_command(
        &self,
        command: TokenCommand,
        actor: Actor,
    ) -> Result<Result<Token, CommandError>, Unanswered> {
        self.ask(|answer| Request::Token(command, actor, answer)).await
    }

    /// The newest deeds, newest first.
    pub async fn deeds(&self, limit: usize) -> Result<Result<Vec<Deed>, EngineError>, Unanswered> {
        self.ask(|answer| Request::Deeds(limit, answer)).await
    }

    /// Begins a compaction of the store for `actor`, unless one is under way; it goes on after the answer.
    pub async fn compact(&self, actor: Actor) -> Result<Result<Compaction, CommandError>, Unanswered> {
        self.ask(|answer| Request::Compact(actor, answer)).await
    }

    /// How far the compaction of the store has come.
    pub async fn compaction(&self) -> Result<Compaction, Unanswered> {
        self.ask(Request::Compaction).await
    }

    /// Asks the engine to stop, and waits for room in the queue if it must: a stop that is lost is never asked again.
    pub async fn stop(&self) {
        while let Err(Unanswered::Busy) = self.send(Request::Stop) {
            tokio::time::sleep(REPORT_AGAIN).await;
        }
    }

    pub(super) async fn ask<T>(&self, request: impl FnOnce(oneshot::Sender<T>) -> Request) -> Result<T, Unanswered> {
        let (sender, answer) = oneshot::channel();
        self.send(request(sender))?;
        answer.await.map_err(|_| Unanswered::Stopped)
    }

    fn send(&self, request: Request) -> Result<(), Unanswered> {
        self.0.queue.try_send(request).map_err(|error| match error {
            TrySendError::Full(_) => Unanswered::Busy,
            TrySendError::Disconnected(_) => Unanswered::Stopped,
        })
    }
}

/// How long what must not be lost waits for room in the queue before it is tried again.
const REPORT_AGAIN: Duration = Duration::from_millis(200);

/// Whoever delivers asks the engine. While it is busy nothing is due, and a report waits until there is room for it.
impl Desk for EngineHandle {
    async fn due(&self) -> Vec<Delivery> {
        self.ask(Request::Due).await.unwrap_or_default()
    }

    async fn settle(&self, key: Key, report: Report) {
        while let Err(Unanswered::Busy) = self.ask(|answer| Request::Settle(key.clone(), report.clone(), answer)).await
        {
            tokio::time::sleep(REPORT_AGAIN).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Waker};

    use uphold_common::time::Instant;
    use uphold_common::wire::batch::{Batch, BatchKey, Epoch};

    use super::*;
    use crate::ingest::Backlog;
    use crate::listen::budget::Bodies;
    use crate::store::Told;

    fn arrived() -> Arrived {
        let key = BatchKey { agent: Id::new("zurich-1").unwrap(), epoch: Epoch([1; 16]), seq: 1 };
        let batch = Batch { key, closed_at: Instant::from_ms(0), streams: Vec::new(), facts: Vec::new() };
        let backlog = Backlog { told: Told::default(), batches: 0, oldest: None, sent_at: Instant::from_ms(0) };
        let batch = Admitted { digest: [0; 16], framed: batch.encode().unwrap(), batch: batch.into() };
        Arrived { authenticated: false, token: None, backlog, batch }
    }

    #[tokio::test]
    async fn a_push_whose_sender_goes_away_keeps_its_memory_until_the_engine_has_taken_it() {
        let (queue, requests) = std::sync::mpsc::sync_channel(1);
        let (_publish, snapshots) = watch::channel(Arc::new(crate::page::fixture::snapshot()));
        let (_given, tokens) = watch::channel(Arc::new(Tokens::default()));
        let (_recorded, governed) = watch::channel(Arc::new(Register::default()));
        let handle = EngineHandle::of(Ends {
            queue,
            snapshots,
            tokens,
            governed,
            messages: Arc::default(),
            refused_early: Tally::default(),
            refused_requests: Tally::default(),
            board: Board::default(),
            names: KnownNames::default(),
        });
        let bodies = Bodies::new(1_000);
        let mut held = bodies.nothing();
        assert!(held.grow(700));
        let mut pushing = Box::pin(handle.push(arrived(), held));
        assert!(pushing.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending(), "it waits for the engine");
        drop(pushing);
        assert_eq!(bodies.held(), 700);
        assert!(matches!(handle.push(arrived(), bodies.nothing()).await, Err(Unanswered::Busy)), "the queue is full");
        drop(requests.recv().unwrap());
        assert_eq!(bodies.held(), 0);
    }
}
