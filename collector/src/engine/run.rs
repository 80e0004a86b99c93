//! The engine's thread: takes what waits, ticks, shuts down.
//!
//! It waits for a request until the next tick is due, then takes what else waits, up to `GROUP_MAX`, so that pushes
//! which arrive together share one flush and one sync. A tick is due every [`TICK_MS`], and sooner when a push brought
//! news, but never so often that ticks and what follows them take more than a twentieth of the time; one that takes long is not made up for.
//! While something still has to be derived, ticks follow one another, and what waits is served in between; while a
//! compaction is under way, its steps are. When the store is dead nothing can be promised any more: the thread ends with
//! the error, the program with an exit code of its own, and a restart finds everything that was acknowledged.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{Notify, oneshot, watch};
use uphold_common::time::Instant;

use super::command::CommandError;
use super::govern::{GovernCommand, Governed};
use super::handle::{Ends, EngineHandle, Imported, Pushed, QUEUE_MAX, Request};
use super::letters::LettersAsk;
use super::problems::ProblemRequest;
use super::reload::{Offered, Reload};
use super::restate::Restated;
use super::{Engine, EngineError};
use crate::clock::{self, Stopwatch};
use crate::governed::register::Register;
use crate::identity::deed::Actor;
use crate::identity::token::Tokens;
use crate::ingest::{Arrived, KnownNames};
use crate::snapshot::Snapshot;
use crate::store::StoreError;

/// How often a snapshot is made.
pub const TICK_MS: u64 = 1_000;
const TICK: Duration = Duration::from_millis(TICK_MS);
/// How soon after a tick news bring the next one: what fails at the same moment is mostly here by then.
const SOON: Duration = Duration::from_millis(100);
/// How many times as long as the last tick took they wait at least.
const SPARING: u32 = 20;
/// Most requests that are taken at once.
const GROUP_MAX: usize = 256;
/// Most steps of upkeep after a tick.
const UPKEEP_STEPS_MAX: usize = 64;
/// How long they take together before whoever waits has a turn.
const UPKEEP: Duration = Duration::from_millis(100);

/// Of how many vantage points a step of upkeep keeps the days that have settled.
const SETTLED_AT_ONCE: usize = 256;

/// A running engine.
pub struct Running {
    /// The asynchronous side.
    pub handle: EngineHandle,
    /// Ends when the engine has stopped, with why.
    pub ended: oneshot::Receiver<Result<(), EngineError>>,
    /// The thread, to be waited for once it has ended.
    pub thread: JoinHandle<()>,
}

/// Waits until the thread is gone, and the store with it.
pub fn join(thread: JoinHandle<()>) {
    if thread.join().is_err() {
        tracing::error!("the engine's thread panicked");
    }
}

/// Starts the thread; the first snapshot is there when this returns.
pub fn start(mut engine: Engine) -> Result<Running, EngineError> {
    let first = engine.tick(clock::now())?;
    let deriving = first.health.deriving;
    let (queue, requests) = sync_channel(QUEUE_MAX);
    let (publish, snapshots) = watch::channel(first);
    let (given, tokens) = watch::channel(Arc::new(engine.tokens().clone()));
    let (recorded, governed) = watch::channel(engine.governed());
    let messages = Arc::new(Notify::new());
    let handle = EngineHandle::of(Ends {
        queue,
        snapshots,
        tokens,
        governed,
        messages: Arc::clone(&messages),
        refused_early: engine.refused_early.clone(),
        refused_requests: engine.refused_requests.clone(),
        board: engine.board.clone(),
        names: KnownNames::default(),
    });
    let (sender, ended) = oneshot::channel();
    let body = move || {
        let result =
            Loop { engine, requests, publish, given, recorded, messages, soonest: SOON, deriving, deriving_said: 0 }
                .run();
        if sender.send(result).is_err() {
            tracing::debug!("nobody waited for the engine to end");
        }
    };
    let thread = std::thread::Builder::new().name("engine".to_owned()).spawn(body);
    let thread = thread.map_err(EngineError::Thread)?;
    Ok(Running { handle, ended, thread })
}

struct Loop {
    engine: Engine,
    requests: Receiver<Request>,
    publish: watch::Sender<Arc<Snapshot>>,
    given: watch::Sender<Arc<Tokens>>,
    recorded: watch::Sender<Arc<Register>>,
    messages: Arc<Notify>,
    /// How soon after the last tick the next one may begin.
    soonest: Duration,
    /// How many services and targets still have to be derived, and how many the log said last.
    deriving: u64,
    deriving_said: u64,
}

impl Loop {
    fn run(mut self) -> Result<(), EngineError> {
        let mut since_tick = Stopwatch::start();
        loop {
            // What still has to be derived is not made to wait for the next second, unless an import brings more of it.
            let hurries = self.deriving > 0 && !self.engine.imports(clock::now());
            let due = match (hurries, self.engine.news.waits()) {
                (true, _) => Duration::ZERO,
                (false, true) => self.soonest,
                (false, false) => TICK,
            };
            let compacts = self.engine.compacts(clock::now());
            let wait = if compacts { Duration::ZERO } else { due.saturating_sub(since_tick.elapsed()) };
            match self.requests.recv_timeout(wait) {
                Ok(first) => {
                    if !self.serve(first, &since_tick)? {
                        return self.stop();
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return self.stop(),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if since_tick.elapsed() >= due {
                since_tick = Stopwatch::start();
                self.tick(clock::now())?;
            } else if compacts {
                self.engine.upkeep(clock::now())?;
            }
        }
    }

    /// Serves a request and what else waits, as long as no tick is due; false when it was told to stop.
    fn serve(&mut self, first: Request, since_tick: &Stopwatch) -> Result<bool, EngineError> {
        let mut pushes: Vec<Pushed> = Vec::new();
        let mut goes_on = true;
        let mut next = Some(first);
        let mut taken = 0;
        while let Some(request) = next {
            taken += 1;
            match request {
                Request::Push(push) => pushes.push(*push),
                Request::Stop => goes_on = false,
                other => self.answer(other)?,
            }
            // What was taken out of the queue is always served, so nothing is taken out that would not be.
            let enough = !goes_on || taken >= GROUP_MAX || since_tick.elapsed() >= TICK;
            next = if enough { None } else { self.requests.try_recv().ok() };
        }
        self.take_in(pushes)?;
        // Whoever pushes next finds room, and is not told to come back after the next tick.
        if self.engine.store.wants_a_seal() {
            self.engine.upkeep(clock::now())?;
        }
        Ok(goes_on)
    }

    fn take_in(&mut self, pushes: Vec<Pushed>) -> Result<(), StoreError> {
        if pushes.is_empty() {
            return Ok(());
        }
        let apart = |Pushed { arrived, held, since, answer }| (arrived, (held, since, answer));
        let (group, waiting): (Vec<Arrived>, Vec<_>) = pushes.into_iter().map(apart).unzip();
        let answers = self.engine.take_in(group, clock::now())?;
        for (answer, (held, since, waiting)) in answers.into_iter().zip(waiting) {
            drop(held);
            if answer.is_ok() {
                self.engine.health.durable.lag.observe(since.elapsed_us());
            }
            // An agent that went away pushes again and learns that the batch is here.
            let _ = waiting.send(answer);
        }
        Ok(())
    }

    /// Does what is asked for, and answers.
    fn answer(&mut self, request: Request) -> Result<(), EngineError> {
        match request {
            Request::BeginImport(source, actor, answer) => {
                let done = survived(self.engine.begin_import(&source, &actor, clock::now()))?;
                drop(answer.send(done));
            }
            Request::EndImport(answer) => {
                self.engine.end_import();
                let _ = answer.send(());
            }
            Request::Import(imported) => {
                let Imported { batch, held, actor, answer } = *imported;
                let done = self.engine.import(batch, &actor, clock::now())?;
                drop(held);
                drop(answer.send(done));
            }
            Request::Due(answer) => drop(answer.send(self.engine.due(clock::now())?)),
            Request::Settle(key, report, answer) => {
                self.engine.settle(&key, report, clock::now())?;
                // Whoever asked may have ended meanwhile.
                let _ = answer.send(());
            }
            Request::Token(command, actor, answer) => {
                let done = survived(self.engine.token_command(command, &actor, clock::now()))?;
                // Before the answer: whoever is told that a token is revoked may rely on it.
                self.given.send_replace(Arc::new(self.engine.tokens().clone()));
                drop(answer.send(done));
            }
            Request::Act(called, what, actor, answer) => {
                let done = survived(self.engine.act(called, what, &actor, clock::now()))?;
                self.messages.notify_one();
                drop(answer.send(done));
            }
            Request::Problems(ProblemRequest::Act(act, actor, answer)) => {
                drop(answer.send(survived(self.engine.problem_act(act, &actor, clock::now()))?));
            }
            Request::Letters(LettersAsk::List(answer)) => drop(answer.send(self.engine.letters())),
            Request::Letters(LettersAsk::Do(command, actor, answer)) => {
                let done = survived(self.engine.letter_command(&command, &actor, clock::now()))?;
                self.messages.notify_one();
                drop(answer.send(done));
            }
            Request::Govern(command, actor, answer) => drop(answer.send(self.govern(command, &actor)?)),
            Request::Compact(actor, answer) => {
                let done = survived(self.engine.compact(&actor, clock::now()))?;
                drop(answer.send(done));
            }
            Request::Reload(offered, answer) => drop(answer.send(self.reload(offered)?)),
            Request::Restate(asked, actor, answer) => drop(answer.send(self.restate(&asked, &actor)?)),
            question => self.tell(question),
        }
        Ok(())
    }

    /// Answers what changes nothing. Who asked for figures and has gone away since is not worked for: they ask again.
    fn tell(&mut self, question: Request) {
        let newest = self.publish.borrow().as_of;
        match question {
            Request::Figures(query, answer) if !answer.is_closed() => {
                drop(answer.send(self.engine.figures_in_turn(&query, newest, clock::now())));
            }
            Request::Availability(target, asked, answer) if !answer.is_closed() => {
                drop(answer.send(self.engine.availability_in_turn(&target, asked, newest, clock::now())));
            }
            Request::Explain(query, answer) if !answer.is_closed() => {
                drop(answer.send(self.engine.explain(&query, newest, clock::now())));
            }
            Request::Incidents(query, answer) => {
                drop(answer.send(self.engine.listed(&query, clock::now())));
            }
            Request::History(called, answer) => drop(answer.send(self.engine.told_history(called, clock::now()))),
            Request::Problems(asked) => self.engine.tell_problems(asked, clock::now()),
            Request::Compaction(answer) => drop(answer.send(self.engine.compaction())),
            Request::Revisions(query, answer) => drop(answer.send(self.engine.revisions(&query))),
            Request::Facts(query, answer) => drop(answer.send(self.engine.facts(&query))),
            Request::Rollups(of, span, answer) => drop(answer.send(self.engine.rollups(&of, span))),
            Request::Streams(answer) => drop(answer.send(self.engine.streams())),
            Request::Rows(of, span, answer) => drop(answer.send(self.engine.page(&of, span))),
            Request::Measured(host, answer) => drop(answer.send(self.engine.measured(&host))),
            Request::Versions(answer) => drop(answer.send(self.engine.versions())),
            Request::Deeds(limit, answer) => drop(answer.send(self.engine.deeds(limit))),
            _ => {}
        }
    }

    /// Does what a command says about records. A tick comes before the answer, so that whoever asks after it finds one number
    /// everywhere.
    fn govern(&mut self, command: GovernCommand, actor: &Actor) -> Result<Result<Governed, CommandError>, EngineError> {
        let done = survived(self.engine.govern(command, actor, clock::now()))?;
        if done.is_ok() {
            self.tick(clock::now())?;
        }
        // Whoever is told that something is on record finds it there.
        self.recorded.send_replace(self.engine.governed());
        Ok(done)
    }

    /// Takes up a changed catalogue, with a tick before the answer.
    fn reload(&mut self, offered: Offered) -> Result<Reload, EngineError> {
        let done = self.engine.reload(offered, clock::now())?;
        if matches!(done, Reload::TakenUp(_)) {
            self.tick(clock::now())?;
        }
        Ok(done)
    }

    /// Takes up a catalogue that may measure the past differently, with a tick before the answer.
    fn restate(&mut self, asked: &Restated, actor: &Actor) -> Result<Result<Reload, CommandError>, EngineError> {
        let done = survived(self.engine.restate(asked, actor, clock::now()))?;
        if matches!(done, Ok(Reload::TakenUp(_))) {
            self.tick(clock::now())?;
        }
        Ok(done)
    }

    fn tick(&mut self, now: Instant) -> Result<(), EngineError> {
        let took = Stopwatch::start();
        let snapshot = self.engine.tick(now)?;
        self.engine.health.tick_us = took.elapsed_us();
        self.progress(snapshot.health.deriving);
        self.publish.send_replace(snapshot);
        self.messages.notify_one();
        let upkeep = Stopwatch::start();
        for _ in 0..UPKEEP_STEPS_MAX {
            if !self.engine.upkeep(clock::now())? || upkeep.elapsed() >= UPKEEP {
                break;
            }
        }
        self.soonest = took.elapsed().saturating_mul(SPARING).clamp(SOON, TICK);
        Ok(())
    }

    /// Says in the log how far deriving has come: when it begins, each time half of it is done, and at its end.
    fn progress(&mut self, deriving: u64) {
        let said = self.deriving_said;
        match (said, deriving) {
            (0, 0) => {}
            (_, 0) => tracing::info!("everything is derived and shown"),
            _ if said == 0 || deriving > said || deriving <= said / 2 => {
                tracing::info!(left = deriving, "services and targets on capacity are still being derived");
            }
            _ => {
                self.deriving = deriving;
                return;
            }
        }
        (self.deriving, self.deriving_said) = (deriving, deriving);
    }

    fn stop(mut self) -> Result<(), EngineError> {
        Ok(self.engine.store.close()?)
    }
}

/// What was done or refused, unless the engine cannot go on.
fn survived<T>(done: Result<T, CommandError>) -> Result<Result<T, CommandError>, EngineError> {
    match done.map_err(CommandError::fatal) {
        Ok(done) => Ok(Ok(done)),
        Err(Err(refused)) => Ok(Err(refused)),
        Err(Ok(fatal)) => Err(fatal),
    }
}

impl Engine {
    /// One step of upkeep; whether there is more to do. What pushes touched since the tick is dealt with first.
    pub fn upkeep(&mut self, now: Instant) -> Result<bool, EngineError> {
        self.drop_touched()?;
        // What can be derived again does not take the last room.
        let settles = !self.is_full(now) && self.timelines.settle(self.store.as_mut(), SETTLED_AT_ONCE)?;
        let took = Stopwatch::start();
        let done = self.keep_up(now)?;
        let counts = &mut self.health.upkeep;
        if let Some(rows) = done.sealed_rows {
            counts.sealed_rows += rows as u64;
            counts.seal_us += took.elapsed_us();
        } else if done.merged_streams > 0 {
            counts.merge_us += took.elapsed_us();
        }
        let forgets = self.forget_if_room(now)?;
        Ok(done.more || settles || forgets)
    }
}
