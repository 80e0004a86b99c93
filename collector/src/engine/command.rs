//! What people do: tokens, and what is done to incidents. Each is one commit, with the deed that says who did it.

use uphold_common::ids::Id;
use uphold_common::time::Instant;
use uphold_common::wire::pack;

pub use super::problems::Beside;
use super::problems::problem_records;
use super::tick::event_record;
use super::{Engine, EngineError, PAGE_RECORDS, damaged};
use crate::governed::GovernedError;
use crate::identity::deed::{Action, Actor, Deed};
use crate::identity::keeper::{self, KeeperError, NewToken};
use crate::identity::token::{Standing, Token, Tokens};
use crate::incident::act::{ActError, Intent, act};
use crate::incident::decide::Decision;
use crate::incident::list::{IncidentList, IncidentsQuery};
use crate::incident::model::{Called, Change, Event, Incident, Number};
use crate::notify::letters::LetterError;
use crate::notify::message;
use crate::notify::plan::Plan;
use crate::problem::act::ProblemError;
use crate::store::{KeyRange, RecordKind, StoreError};

/// What somebody wants done about tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenCommand {
    /// To add one.
    Add(NewToken),
    /// To revoke one.
    Revoke(Id),
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// About tokens.
    #[error(transparent)]
    Keeper(#[from] KeeperError),
    /// About incidents.
    #[error(transparent)]
    Act(#[from] ActError),
    /// About problems.
    #[error(transparent)]
    Problem(#[from] ProblemError),
    /// About dead letters.
    #[error(transparent)]
    Letter(#[from] LetterError),
    /// About governed records.
    #[error(transparent)]
    Governed(#[from] GovernedError),
    /// Whoever wants it did so with a token that has ended since.
    #[error("the token {name} is {standing} since this was asked for", standing = .standing.as_str())]
    Ended {
        /// The token.
        name: Id,
        /// What became of it.
        standing: Standing,
    },
    /// The disk has too little free.
    #[error("{0}")]
    NoRoom(String),
    /// The engine cannot go on.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl CommandError {
    /// The error with which the engine ends, if it cannot go on. On a full disk it can: nothing was done.
    pub fn fatal(self) -> Result<EngineError, Self> {
        match self {
            Self::Engine(EngineError::Store(StoreError::NoSpace { .. }))
            | Self::Keeper(KeeperError::Store(StoreError::NoSpace { .. })) => {
                Err(Self::NoRoom("The disk is full, so nothing of this was done.".to_owned()))
            }
            Self::Engine(error) => Ok(error),
            Self::Keeper(error @ (KeeperError::Store(_) | KeeperError::Damaged { .. })) => Ok(error.into()),
            other => Err(other),
        }
    }
}

/// An incident and everything that happened to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// The incident.
    pub incident: Incident,
    /// Its events, in order.
    pub events: Vec<Event>,
    /// What is said of it beside them.
    pub beside: Beside,
}

impl Engine {
    /// The tokens that were ever given.
    pub const fn tokens(&self) -> &Tokens {
        self.keeper.tokens()
    }

    /// Adds or revokes a token for `actor`; it is durable when this returns, and the token is as it stands then.
    pub fn token_command(&mut self, command: TokenCommand, actor: &Actor, now: Instant) -> Result<Token, CommandError> {
        self.check_actor(actor, now)?;
        // Whoever must be shut out is shut out, however little room there is.
        if matches!(command, TokenCommand::Add(_)) {
            self.check_room(now)?;
        }
        let store = self.store.as_mut();
        Ok(match command {
            TokenCommand::Add(new) => self.keeper.add(store, new, actor, now)?,
            TokenCommand::Revoke(name) => self.keeper.revoke(store, &name, actor, now)?,
        })
    }

    /// Does to an incident what `actor` wants; it is durable when this returns, and the incident is as it stands then.
    pub fn act(
        &mut self,
        called: impl Into<Called>,
        what: impl Into<Intent>,
        actor: &Actor,
        now: Instant,
    ) -> Result<Incident, CommandError> {
        self.check_actor(actor, now)?;
        self.check_room(now)?;
        let mut event = act(&self.register, called, what, actor, now)?;
        // Whoever declares one by hand says who answers for it; the management is told as the catalogue says.
        if let Change::Major { notice_to, .. } = &mut event.change {
            *notice_to = self.in_force.catalogue.handling.major.as_ref().and_then(|rule| rule.notice.clone());
        }
        let followed = self.follows_for_problems(&event)?;
        let unsound = || damaged("an incident", &"what was done to it cannot follow");
        let after = Incident::after(self.register.get(event.number).cloned(), &event).ok_or_else(unsound)?;
        let action = Action::of_change(event.number, &event.change).ok_or_else(unsound)?;
        let catalogue = self.catalogue();
        let decision = Decision { events: vec![event] };
        let behind = self.behind_after(&after, followed.as_ref());
        let messages = message::compose_knowing(self.store.id(), &catalogue, &decision, &after, behind.as_ref());
        let mut plan = Plan::default();
        let queued = self.outbox.enqueue(&mut plan, messages, now);
        queued.map_err(|error| damaged("the outbox", &error))?;
        let mut changes = vec![self.keeper.deed(actor, action, now)?];
        for event in &decision.events {
            changes.push(event_record(event)?);
        }
        changes.extend(problem_records(followed.as_slice())?);
        self.carry_out(plan, changes).map_err(EngineError::from)?;
        self.keeper.recorded();
        for event in &decision.events {
            self.register.apply(event).map_err(|error| damaged("an incident", &error))?;
        }
        self.take_problem_events(followed.as_slice())?;
        Ok(self.register.get(after.number).cloned().unwrap_or(after))
    }

    /// Whether the token of `actor` is still good. Much may pass between a request and its end, since a body may take its
    /// time; here tokens end and things are done one after the other, so nothing is done with a token that has ended.
    pub(super) fn check_actor(&self, actor: &Actor, now: Instant) -> Result<(), CommandError> {
        let Actor::Token { name, .. } = actor else { return Ok(()) };
        match self.standing_of(name, now) {
            Standing::Good => Ok(()),
            standing => Err(CommandError::Ended { name: name.clone(), standing }),
        }
    }

    /// What has become of a token.
    pub(super) fn standing_of(&self, token: &Id, now: Instant) -> Standing {
        self.tokens().get(token).map_or(Standing::Revoked, |token| token.standing(now))
    }

    /// Whether the disk has room for changes by people.
    pub(super) fn check_room(&mut self, now: Instant) -> Result<(), CommandError> {
        let room = self.reserve.look(now);
        let refused = room.warning().filter(|_| !room.takes_changes());
        refused.map_or(Ok(()), |why| Err(CommandError::NoRoom(why)))
    }

    /// The incidents that are asked for, as they stand now.
    pub fn listed(&self, query: &IncidentsQuery, now: Instant) -> IncidentList {
        IncidentList::of(&self.register, query, now)
    }

    /// The incident that is called so with all of its events. One that is not held any more is read from the store by its
    /// number; an id finds those that are held.
    pub fn history(&self, called: impl Into<Called>) -> Result<Option<History>, EngineError> {
        let called = called.into();
        let number = match (self.register.find(called), called) {
            (Some(incident), _) => incident.number,
            (None, Called::Number(number)) => number,
            (None, Called::Id(_)) => return Ok(None),
        };
        let events: Vec<Event> = self.events_of(number)?.into_iter().map(|(_, event)| event).collect();
        let incident = events.iter().try_fold(None, |before, event| Incident::after(before, event).map(Some));
        let incident = incident.ok_or_else(|| damaged("an incident", &"an event does not follow those before it"))?;
        Ok(incident.map(|mut incident| {
            incident.problem = self.tracked.problems.of(number).map(|problem| problem.number);
            History { incident, events, beside: Beside::default() }
        }))
    }

    /// The events of an incident that are on record, in order, each with its key.
    pub(super) fn events_of(&self, number: Number) -> Result<Vec<(Vec<u8>, Event)>, EngineError> {
        let mut events = Vec::new();
        let mut range = KeyRange::prefix(&number.0.to_be_bytes());
        loop {
            let page = self.store.records(RecordKind::IncidentEvent, &range, PAGE_RECORDS)?;
            let Some((last, _)) = page.last() else { return Ok(events) };
            range = range.after(last.clone());
            for (key, value) in page {
                let event = pack::unpack(&value).map_err(|error| damaged("an incident", &error))?;
                events.push((key, event));
            }
        }
    }

    /// The newest deeds, newest first.
    pub fn deeds(&self, limit: usize) -> Result<Vec<Deed>, EngineError> {
        Ok(keeper::deeds(self.store.as_ref(), limit)?)
    }
}
