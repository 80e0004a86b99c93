//! Problems: what follows for them from the incidents, what people do to them, and what is known of an incident because of
//! them. Each change is one commit; what people do, with the deed that says who did it.

use tokio::sync::oneshot;
use uphold_common::catalogue::model::Recurrence;
use uphold_common::time::Instant;
use uphold_common::wire::pack;

use super::command::{CommandError, History};
use super::handle::{EngineHandle, Request, Unanswered};
use super::{Engine, EngineError, PAGE_RECORDS, damaged, read_all};
use crate::identity::deed::{Action, Actor};
use crate::incident::model::{Called, Event, Incident, Uid};
use crate::incident::register::Register;
use crate::incident::response::{Response, response};
use crate::problem::act::{ProblemAct, act};
use crate::problem::linking::follows;
use crate::problem::model::{ProblemChange, ProblemEvent, ProblemNumber};
use crate::problem::pareto::{Pareto, ParetoQuery, pareto};
use crate::problem::recurrence::recurring;
use crate::problem::register::{Behind, KnownErrorTold, Problems};
use crate::problem::view::{ProblemHistory, ProblemList, ProblemView, ProblemsHeld, ProblemsQuery};
use crate::store::{KeyRange, RecordChange, RecordKind, Store};

/// How often incidents are looked through for what comes again: thousands may be known, and nothing of it is urgent.
const LOOK_EVERY_MS: i64 = 10_000;
/// How many problems are forgotten at once.
const FORGOTTEN_AT_ONCE: usize = 20;

/// The problems, and when they were looked at last.
#[derive(Debug, Default)]
pub(super) struct Tracked {
    pub(super) problems: Problems,
    looked: Option<Instant>,
    /// How they stand, counted; none once something has happened to one since.
    held: Option<ProblemsHeld>,
    /// How many would open and found no place on record when that was last looked at.
    waiting: u64,
}

/// What the engine can be asked about problems.
pub enum ProblemRequest {
    /// For those that are asked for.
    List(ProblemsQuery, oneshot::Sender<ProblemList>),
    /// For one and everything that happened to it.
    One(ProblemNumber, oneshot::Sender<Result<Option<ProblemHistory>, EngineError>>),
    /// For what cost most over a time.
    Pareto(ParetoQuery, oneshot::Sender<Pareto>),
    /// To do something to one.
    Act(ProblemAct, Actor, oneshot::Sender<Result<ProblemView, CommandError>>),
}

/// What is said of an incident beside its own history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beside {
    /// By when it is to be taken on and to be over, and whether it was.
    pub response: Option<Response>,
    /// The problem behind it, such as `PRB-2`.
    pub problem: Option<ProblemNumber>,
    /// What is known of that, and how to live with it.
    pub known_error: Option<KnownErrorTold>,
}

impl Tracked {
    /// Folds the events on record, and notes with every incident which problem is behind it.
    pub(super) fn load(store: &dyn Store, register: &mut Register) -> Result<Self, EngineError> {
        let mut problems = Problems::default();
        for (_, value) in read_all(store, RecordKind::ProblemEvent)? {
            let event: ProblemEvent = pack::unpack(&value).map_err(|error| damaged("a problem", &error))?;
            problems.apply(&event).map_err(|error| damaged("a problem", &error))?;
        }
        problems.relink();
        for problem in problems.all() {
            for incident in &problem.incidents {
                register.put_behind(incident.number, Some(problem.number));
            }
        }
        Ok(Self { problems, ..Self::default() })
    }

    /// How they stand.
    pub(super) fn held(&mut self) -> ProblemsHeld {
        let held = *self.held.get_or_insert_with(|| ProblemsHeld::of(self.problems.all()));
        ProblemsHeld { waiting: self.waiting, ..held }
    }
}

impl EngineHandle {
    /// The problems that are asked for, as of now.
    pub async fn problems(&self, query: ProblemsQuery) -> Result<ProblemList, Unanswered> {
        self.ask(|answer| Request::Problems(ProblemRequest::List(query, answer))).await
    }

    /// A problem with everything that happened to it.
    pub async fn problem(
        &self,
        number: ProblemNumber,
    ) -> Result<Result<Option<ProblemHistory>, EngineError>, Unanswered> {
        self.ask(|answer| Request::Problems(ProblemRequest::One(number, answer))).await
    }

    /// What cost most over a time.
    pub async fn pareto(&self, query: ParetoQuery) -> Result<Pareto, Unanswered> {
        self.ask(|answer| Request::Problems(ProblemRequest::Pareto(query, answer))).await
    }

    /// Does to a problem what `actor` wants; answered once it is durable.
    pub async fn problem_act(
        &self,
        act: ProblemAct,
        actor: Actor,
    ) -> Result<Result<ProblemView, CommandError>, Unanswered> {
        self.ask(|answer| Request::Problems(ProblemRequest::Act(act, actor, answer))).await
    }
}

impl Engine {
    /// Opens problems behind incidents that come again, and links incidents to theirs.
    pub(super) fn look_for_problems(&mut self, now: Instant) -> Result<(), EngineError> {
        let just = |looked: Instant| (0..LOOK_EVERY_MS).contains(&now.since_ms(looked));
        if self.tracked.looked.is_some_and(just) {
            return Ok(());
        }
        let rule: Recurrence = self.in_force.catalogue.handling.recurrence;
        let found = recurring(&self.tracked.problems, self.register.all(), &rule, now, draw)?;
        if found.waiting > 0 && self.tracked.waiting == 0 {
            tracing::warn!(
                waiting = found.waiting,
                "incidents come again, and there is no place for more problems on record"
            );
        }
        self.tracked.waiting = found.waiting;
        let changes = problem_records(&found.events)?;
        let committed = if changes.is_empty() { Ok(()) } else { self.store.commit(&changes) };
        if self.took(committed)? {
            self.take_problem_events(&found.events)?;
            self.tracked.looked = Some(now);
        }
        Ok(())
    }

    /// Does to a problem what `actor` wants; it is durable when this returns, and the problem is as it stands then.
    pub fn problem_act(&mut self, what: ProblemAct, actor: &Actor, now: Instant) -> Result<ProblemView, CommandError> {
        self.check_actor(actor, now)?;
        self.check_room(now)?;
        let events = act(&self.tracked.problems, &self.register, what, actor, draw()?, now)?;
        let unsound = || damaged("a problem", &"what was done to it cannot follow");
        let first = events.first().ok_or_else(unsound)?;
        let problem = first.number.0;
        let action = match &first.change {
            ProblemChange::KnownError { .. } => Action::ProblemKnown { problem },
            ProblemChange::Fixed { .. } => Action::ProblemFixed { problem },
            ProblemChange::Closed { .. } => Action::ProblemClosed { problem },
            ProblemChange::Opened { .. } | ProblemChange::Linked { .. } | ProblemChange::Unlinked { .. } => {
                Action::ProblemOpened { problem }
            }
        };
        let number = first.number;
        let deed = self.keeper.deed(actor, action, now)?;
        let mut changes = problem_records(&events)?;
        changes.push(deed);
        self.store.commit(&changes).map_err(EngineError::from)?;
        self.keeper.recorded();
        self.take_problem_events(&events)?;
        let problem = self.tracked.problems.get(number).ok_or_else(unsound)?;
        Ok(ProblemView::of(problem, now))
    }

    /// Answers what changes nothing; whoever asked may have gone away since. What changes something is answered before.
    pub(super) fn tell_problems(&self, asked: ProblemRequest, now: Instant) {
        match asked {
            ProblemRequest::List(query, answer) => drop(answer.send(self.problems(&query, now))),
            ProblemRequest::One(number, answer) => drop(answer.send(self.problem(number, now))),
            ProblemRequest::Pareto(query, answer) => drop(answer.send(self.pareto(&query, now))),
            ProblemRequest::Act(..) => {}
        }
    }

    /// The problems that are asked for, newest first.
    pub fn problems(&self, query: &ProblemsQuery, now: Instant) -> ProblemList {
        ProblemList::of(&self.tracked.problems, query, now)
    }

    /// The problem of this number with all of its events.
    pub fn problem(&self, number: ProblemNumber, now: Instant) -> Result<Option<ProblemHistory>, EngineError> {
        let Some(problem) = self.tracked.problems.get(number) else { return Ok(None) };
        let mut events = Vec::new();
        let mut range = KeyRange::prefix(&number.0.to_be_bytes());
        loop {
            let page = self.store.records(RecordKind::ProblemEvent, &range, PAGE_RECORDS)?;
            let Some((last, _)) = page.last() else { break };
            range = range.after(last.clone());
            for (_, value) in &page {
                let event: ProblemEvent = pack::unpack(value).map_err(|error| damaged("a problem", &error))?;
                events.push(event.into());
            }
        }
        Ok(Some(ProblemHistory { problem: ProblemView::of(problem, now), events }))
    }

    /// What cost most over a time.
    pub fn pareto(&self, query: &ParetoQuery, now: Instant) -> Pareto {
        pareto(self.register.all(), query, self.register.known_from(), now)
    }

    /// The incident of this number with all of its events, and what is said of it beside them.
    pub fn told_history(&self, called: impl Into<Called>, now: Instant) -> Result<Option<History>, EngineError> {
        let history = self.history(called)?;
        Ok(history.map(|history| History { beside: self.beside(&history.incident, now), ..history }))
    }

    fn beside(&self, incident: &Incident, now: Instant) -> Beside {
        let problems = &self.tracked.problems;
        Beside {
            response: response(incident, &self.in_force.catalogue.handling, now),
            problem: problems.behind(incident).map(|problem| problem.number),
            known_error: problems.known_error(incident),
        }
    }

    /// The problem behind an incident and what is known of it, for whoever is told of the incident.
    pub(super) fn problem_behind(&self, incident: &Incident) -> Option<Behind> {
        self.tracked.problems.behind(incident).map(Behind::from)
    }

    /// The same, once what `followed` for a problem has happened.
    pub(super) fn behind_after(&self, incident: &Incident, followed: Option<&ProblemEvent>) -> Option<Behind> {
        match followed {
            Some(ProblemEvent { change: ProblemChange::Unlinked { .. }, .. }) => None,
            Some(event) => self.tracked.problems.get(event.number).map(Behind::from),
            None => self.problem_behind(incident),
        }
    }

    /// What follows for a problem from what is done to an incident.
    pub(super) fn follows_for_problems(&self, done: &Event) -> Result<Option<ProblemEvent>, CommandError> {
        let Some(incident) = self.register.get(done.number) else { return Ok(None) };
        Ok(follows(&self.tracked.problems, incident, done)?)
    }

    /// Forgets problems that were closed before this, each whole; whether there may be more.
    pub(super) fn forget_problems(&mut self, before: Instant) -> Result<bool, EngineError> {
        let gone: Vec<ProblemNumber> = self.tracked.problems.closed_before(before).take(FORGOTTEN_AT_ONCE).collect();
        let mut changes = Vec::new();
        for number in &gone {
            let mut range = KeyRange::prefix(&number.0.to_be_bytes());
            loop {
                let page = self.store.records(RecordKind::ProblemEvent, &range, PAGE_RECORDS)?;
                let Some((last, _)) = page.last() else { break };
                range = range.after(last.clone());
                let removal = |(key, _)| RecordChange { kind: RecordKind::ProblemEvent, key, value: None };
                changes.extend(page.into_iter().map(removal));
            }
        }
        if changes.is_empty() {
            return Ok(false);
        }
        self.store.commit(&changes)?;
        for number in &gone {
            for incident in self.tracked.problems.forget(*number) {
                self.register.put_behind(incident, None);
            }
        }
        self.tracked.held = None;
        Ok(gone.len() == FORGOTTEN_AT_ONCE)
    }

    pub(super) fn take_problem_events(&mut self, events: &[ProblemEvent]) -> Result<(), EngineError> {
        for event in events {
            self.tracked.problems.apply(event).map_err(|error| damaged("a problem", &error))?;
            self.tracked.held = None;
            match &event.change {
                ProblemChange::Linked { incidents, .. } => {
                    for incident in incidents {
                        let behind = self.tracked.problems.of(incident.number).map(|problem| problem.number);
                        self.register.put_behind(incident.number, behind);
                    }
                }
                ProblemChange::Unlinked { incident, .. } => self.register.put_behind(*incident, None),
                _ => {}
            }
            tracing::info!(problem = %event.number, "{}", event.change);
        }
        Ok(())
    }
}

/// The records of events.
pub(super) fn problem_records(events: &[ProblemEvent]) -> Result<Vec<RecordChange>, EngineError> {
    let record = |event: &ProblemEvent| {
        let mut key = event.number.0.to_be_bytes().to_vec();
        key.extend_from_slice(&event.place.to_be_bytes());
        let value = pack::pack(event).map_err(|error| damaged("a problem", &error))?;
        Ok(RecordChange { kind: RecordKind::ProblemEvent, key, value: Some(value) })
    };
    events.iter().map(record).collect()
}

/// An id that nothing else has.
fn draw() -> Result<Uid, EngineError> {
    let half = || getrandom::u64().map(u128::from).map_err(|error| damaged("the source of random bits", &error));
    Ok(Uid(half()? << 64 | half()?))
}
