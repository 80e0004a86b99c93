//! What people put on record: added and revoked, each in one commit with the deed that says who did it; and what the
//! measurement is given of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use uphold_common::governed::applied::{self, Overrun};
use uphold_common::governed::{Asked, Content, Selection, Sort};
use uphold_common::ids::{Id, TargetId};
use uphold_common::time::{Instant, Interval};
use uphold_common::wire::pack;

use super::command::CommandError;
use super::handle::{EngineHandle, Request, Unanswered};
use super::tick::Measured;
use super::{Engine, EngineError, damaged};
use crate::governed::register::{Added, Register};
use crate::governed::{Kept, kind_of};
use crate::identity::deed::{Action, Actor};
use crate::store::RecordChange;

/// What somebody wants done about governed records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GovernCommand {
    /// To add one.
    Add(Box<Asked>),
    /// To revoke one.
    Revoke {
        /// Its sort.
        sort: Sort,
        /// Its name.
        id: Id,
        /// Why.
        reason: String,
    },
}

/// A record as it stands after what was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Governed {
    /// The record.
    pub kept: Arc<Kept>,
    /// Whether something was done; not where the same was on record before.
    pub is_new: bool,
}

impl EngineHandle {
    /// What people put on record, as of the newest change to it.
    pub fn governed(&self) -> Arc<Register> {
        Arc::clone(&self.0.governed.borrow())
    }

    /// Adds or revokes a governed record for `actor`; answered once it is durable.
    pub async fn govern(
        &self,
        command: GovernCommand,
        actor: Actor,
    ) -> Result<Result<Governed, CommandError>, Unanswered> {
        self.ask(|answer| Request::Govern(command, actor, answer)).await
    }
}

impl Engine {
    /// Everything that people put on record, the revoked too.
    pub fn governed(&self) -> Arc<Register> {
        Arc::clone(&self.governed)
    }

    /// Adds or revokes a record for `actor`; it is durable when this returns, and counts from the next tick on.
    pub fn govern(&mut self, command: GovernCommand, actor: &Actor, now: Instant) -> Result<Governed, CommandError> {
        self.check_actor(actor, now)?;
        self.check_room(now)?;
        let catalogue = self.catalogue();
        let kept = match command {
            GovernCommand::Add(asked) => match self.governed.add(&asked, &catalogue, actor, now)? {
                Added::Known(kept) => return Ok(Governed { kept, is_new: false }),
                Added::New(kept) => kept,
            },
            GovernCommand::Revoke { sort, id, reason } => self.governed.revoke(sort, &id, &reason, actor, now)?,
        };
        let (sort, record) = (kept.content.sort(), kept.content.id().clone());
        let key = record.as_str().as_bytes().to_vec();
        let word = sort.as_str().to_owned();
        let action = if kept.is_in_force() {
            Action::RecordAdded { sort: word, record }
        } else {
            Action::RecordRevoked { sort: word, record }
        };
        let value = pack::pack(&*kept).map_err(|error| damaged("a governed record", &error))?;
        let bytes = value.len();
        let change = RecordChange { kind: kind_of(sort), key, value: Some(value) };
        let deed = self.keeper.deed(actor, action, now)?;
        let causes = self.causes_of(&kept);
        let changes = [vec![change, deed], self.keeping_causes(&causes).map_err(EngineError::from)?].concat();
        self.store.commit(&changes).map_err(EngineError::from)?;
        self.keeper.recorded();
        self.caused(causes);
        Arc::make_mut(&mut self.governed).put(Arc::clone(&kept), bytes);
        self.touched_by(&kept.content);
        Ok(Governed { kept, is_new: true })
    }

    /// The maintenance of a service that has an instant of `span`, each with when it was announced.
    pub fn planned_of(&self, service: &Id, span: Interval) -> Vec<(Interval, Instant)> {
        applied::planned_of(self.governed.maintenances_of(service), service, span)
    }

    /// What is excluded of a target of a service within `span`.
    pub fn excluded_of(&self, service: &Id, target: &TargetId, span: Interval) -> Vec<Interval> {
        applied::excluded_of(self.governed.exclusions_of(service), service, target, span)
    }

    /// Looks again at what a record changes: the windows of its services that closed after its first instant. What was
    /// seen of them stands: states do not depend on what people put on record.
    fn touched_by(&mut self, content: &Content) {
        if !content.is_measured() {
            return;
        }
        let from = content.span().start;
        let services: Vec<Id> = match content.services() {
            Selection::All => self.catalogue().services.keys().cloned().collect(),
            Selection::Named(named) => {
                named.iter().filter(|id| self.in_force.catalogue.services.contains_key(*id)).cloned().collect()
            }
        };
        for service in services {
            let earliest = self.touched_from.entry(service).or_insert(from);
            *earliest = from.min(*earliest);
        }
    }

    /// The maintenance that is over while its service, out of those that were measured, is still down.
    pub(super) fn overruns(&self, measured: &BTreeMap<Id, Measured>, as_of: Instant) -> Vec<Overrun> {
        let seen = measured.iter().map(|(id, measured)| (id, &measured.sight.seen.service.states)).collect();
        applied::overruns(self.governed.maintenances(), &seen, as_of)
    }
}
