//! Imports: history that somebody brings, in batches like those of agents.
//!
//! An import is begun with a deed that says who did it; its batches are taken for [`IMPORT_HOLDS_MS`] after that and
//! after each of them, or until all that were begun were ended. They pass the same admission as pushes: streams that were assigned to their agent, instants
//! within the bounds, room on the disk. They are no deliveries of the agents that they name, so nothing is concluded from
//! them about what an agent has pushed or when. The same rows again are settled, so an import may be repeated.
//!
//! While an import is under way nothing is forgotten, because rows may come in any order, and what they touch is derived
//! a second at a time.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uphold_common::ids::{Id, ProbeId};
use uphold_common::time::Instant;
use uphold_common::wire::batch::Epoch;
use utoipa::ToSchema;

use super::command::CommandError;
use super::handle::{EngineHandle, Imported, Request, Unanswered};
use super::intake::too_old;
use super::{Engine, EngineError};
use crate::identity::deed::{Action, Actor};
use crate::identity::token::Standing;
use crate::ingest::Refusal;
use crate::limits::Limit;
use crate::listen::budget::Held;
use crate::store::{Admitted, StoreError};

/// How long an import counts as under way after it was begun, and after each of its batches.
pub const IMPORT_HOLDS_MS: i64 = 10 * 60_000;
/// Most bytes of what an import says it comes from.
pub const SOURCE_BYTES_MAX: usize = 200;

/// What an import has to keep to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportTerms {
    /// The id of the store that it goes into.
    pub store: Epoch,
    /// The collector's clock.
    pub now_ms: Instant,
    /// Rows before this are not taken.
    pub earliest_ms: Instant,
    /// How far ahead of the collector's clock a row may lie.
    pub ahead_max_ms: i64,
    /// Each probe, with the agents that were ever assigned it.
    pub probes: BTreeMap<ProbeId, Vec<Id>>,
    /// Each host, with the agent under whose name its rows are brought.
    pub hosts: BTreeMap<Id, Id>,
}

/// A batch that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportTaken {
    /// How many rows it has.
    pub rows: usize,
}

/// Whether this can be said of where an import comes from.
pub fn is_source(text: &str) -> bool {
    (1..=SOURCE_BYTES_MAX).contains(&text.len()) && !text.chars().any(char::is_control)
}

impl EngineHandle {
    /// Begins an import out of `source` for `actor`; answered once that is on record.
    pub async fn begin_import(
        &self,
        source: String,
        actor: Actor,
    ) -> Result<Result<ImportTerms, CommandError>, Unanswered> {
        self.ask(|answer| Request::BeginImport(source, actor, answer)).await
    }

    /// Ends an import: nothing more of it comes.
    pub async fn end_import(&self) -> Result<(), Unanswered> {
        self.ask(Request::EndImport).await
    }

    /// Takes in a batch of an import; answered once it is durable.
    pub async fn import(
        &self,
        batch: Admitted,
        held: Held,
        actor: Actor,
    ) -> Result<Result<ImportTaken, Refusal>, Unanswered> {
        self.ask(|answer| Request::Import(Box::new(Imported { batch, held, actor, answer }))).await
    }
}

impl Engine {
    /// Begins an import out of `source` for `actor`. That it was begun is durable when this returns.
    pub fn begin_import(&mut self, source: &str, actor: &Actor, now: Instant) -> Result<ImportTerms, CommandError> {
        self.check_actor(actor, now)?;
        self.check_room(now)?;
        let deed = self.keeper.deed(actor, Action::ImportBegun { source: source.to_owned() }, now)?;
        self.store.commit(&[deed]).map_err(EngineError::from)?;
        self.keeper.recorded();
        let others = if self.imports(now) { self.forgetting.importing } else { 0 };
        self.forgetting.importing = others.saturating_add(1);
        self.forgetting.importing_until = now.plus_ms(IMPORT_HOLDS_MS);
        let limits = self.listening.limits();
        let oldest = now.minus_ms(limits.ms(Limit::BatchAge));
        let mut hosts = self.in_force.assigned.hosts();
        hosts.extend(self.in_force.catalogue.hosts.values().map(|host| (host.id.clone(), host.agent.clone())));
        Ok(ImportTerms {
            store: self.store.id(),
            now_ms: now,
            earliest_ms: self.takes_from().max(oldest),
            ahead_max_ms: limits.ms(Limit::BatchAhead),
            probes: self.in_force.assigned.probes(),
            hosts,
        })
    }

    /// Ends an import. With the last one that was begun none is under way any more; one that was killed counts until its time
    /// is over.
    pub fn end_import(&mut self) {
        self.forgetting.importing = self.forgetting.importing.saturating_sub(1);
        if self.forgetting.importing == 0 {
            self.forgetting.importing_until = Instant::MIN;
        }
    }

    /// Takes in a batch of an import; it is durable when this returns. An error means the store is dead.
    pub fn import(
        &mut self,
        batch: Admitted,
        actor: &Actor,
        now: Instant,
    ) -> Result<Result<ImportTaken, Refusal>, EngineError> {
        let rows = batch.batch.rows() as u64;
        let done = self.bring(batch, actor, now)?;
        let counts = &mut self.health.imports;
        match &done {
            Ok(_) => (counts.taken, counts.rows) = (counts.taken + 1, counts.rows + rows),
            Err(_) => counts.refused += 1,
        }
        Ok(done)
    }

    fn bring(
        &mut self,
        batch: Admitted,
        actor: &Actor,
        now: Instant,
    ) -> Result<Result<ImportTaken, Refusal>, EngineError> {
        if let Some(refusal) = self.refuses(&batch, actor, now) {
            return Ok(Err(refusal));
        }
        self.forgetting.importing_until = now.plus_ms(IMPORT_HOLDS_MS);
        // What is brought is sealed as it comes, so that pushes find room in the head beside it.
        self.upkeep(now)?;
        let (key, rows) = (batch.batch.key.clone(), batch.batch.rows());
        match self.store.append(now, vec![batch]) {
            Ok(appended) => {
                let refusal = appended.into_iter().find_map(|appended| Refusal::of_appended(appended, &key));
                Ok(refusal.map_or(Ok(ImportTaken { rows }), Err))
            }
            Err(full @ (StoreError::Full { .. } | StoreError::NoSpace { .. })) => {
                Ok(Err(Refusal::of_store_error(&full)))
            }
            Err(dead) => Err(dead.into()),
        }
    }

    /// Whether an import is under way.
    pub(super) fn imports(&self, now: Instant) -> bool {
        // A clock that was set back must not hold for longer than an import does.
        (1..=IMPORT_HOLDS_MS).contains(&self.forgetting.importing_until.since_ms(now))
    }

    fn refuses(&mut self, batch: &Admitted, actor: &Actor, now: Instant) -> Option<Refusal> {
        if let Actor::Token { name, .. } = actor {
            let standing = self.standing_of(name, now);
            if standing != Standing::Good {
                return Some(Refusal::TokenEnded(standing));
            }
        }
        if !self.imports(now) {
            return Some(Refusal::NoImport);
        }
        if let Some(stream) = self.in_force.assigned.stranger(&batch.batch) {
            return Some(Refusal::NotAssigned { agent: batch.batch.key.agent.clone(), stream });
        }
        too_old(batch, self.takes_from(), now).or_else(|| self.no_room(now))
    }
}
