//! Incidents between people and the engine: what is asked for, and what is done to them.

use super::EngineError;
use super::command::{CommandError, History};
use super::handle::{EngineHandle, Request, Unanswered};
use crate::identity::deed::Actor;
use crate::incident::act::Intent;
use crate::incident::list::{IncidentList, IncidentsQuery};
use crate::incident::model::{Called, Incident};

impl EngineHandle {
    /// Does to an incident what `actor` wants; answered once it is durable.
    pub async fn act(
        &self,
        called: impl Into<Called>,
        what: impl Into<Intent>,
        actor: Actor,
    ) -> Result<Result<Incident, CommandError>, Unanswered> {
        let (called, what) = (called.into(), what.into());
        self.ask(|answer| Request::Act(called, what, actor, answer)).await
    }

    /// The incidents that are asked for, as they stand when the engine comes to it.
    pub async fn incidents(&self, query: IncidentsQuery) -> Result<IncidentList, Unanswered> {
        self.ask(|answer| Request::Incidents(query, answer)).await
    }

    /// The incident that is called so with everything that happened to it.
    pub async fn history(&self, called: impl Into<Called>) -> Result<Result<Option<History>, EngineError>, Unanswered> {
        let called = called.into();
        self.ask(|answer| Request::History(called, answer)).await
    }
}
