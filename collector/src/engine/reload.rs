//! Taking up a changed catalogue while the collector runs.
//!
//! What is sound is a new version, and in force from now on with the answer; what would change the past takes a
//! restatement, with an approver and a reason. All else is refused whole: the version in force stays, and it is said in the log, on the page and in the metrics until the files
//! are put right.

use std::sync::Arc;

use uphold_common::catalogue::fingerprint;
use uphold_common::time::Instant;

use super::handle::{EngineHandle, Request, Unanswered};
use super::{Engine, EngineError};
use crate::identity::deed::Actor;
use crate::identity::keeper::KeeperError;
use crate::inforce::{self, CatalogueFile, InForce, Offer, Restatement, TakeUpError};
use crate::store::StoreError;

/// The files as they were read, or why they could not be.
pub type Offered = Result<Vec<CatalogueFile>, String>;

/// What became of files that were offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reload {
    /// They say what is in force.
    Unchanged,
    /// They are in force, as this version.
    TakenUp(u64),
    /// The disk is too full to record that they are in force.
    NoRoom(String),
    /// They are refused, with everything that is wrong.
    Refused(String),
    /// They are refused for what stands in other files, which may be put right while these stay as they are.
    Undescribed(String),
}

/// How often files were offered, and what is wrong with those that were offered last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CatalogueReloads {
    /// Taken up.
    pub taken: u64,
    /// Refused.
    pub refused: u64,
    /// Why what the files say is not in force; none when it is.
    pub wrong: Option<String>,
}

impl EngineHandle {
    /// Has it take up what the catalogue's files say.
    pub async fn reload(&self, offered: Offered) -> Result<Reload, Unanswered> {
        self.ask(|answer| Request::Reload(offered, answer)).await
    }
}

impl Engine {
    /// Takes up what is offered, or refuses it. An error means that the engine cannot go on.
    pub fn reload(&mut self, offered: Offered, now: Instant) -> Result<Reload, EngineError> {
        let done = match offered {
            Ok(files) => self.take_up(&files, now)?,
            Err(unreadable) => Reload::Refused(unreadable),
        };
        let reloads = &mut self.health.reloads;
        match &done {
            Reload::Unchanged => reloads.wrong = None,
            Reload::TakenUp(version) => {
                tracing::info!(version, "the catalogue was changed, and the new version is in force");
                (reloads.taken, reloads.wrong) = (reloads.taken.saturating_add(1), None);
            }
            Reload::NoRoom(why) => {
                if reloads.wrong.as_ref() != Some(why) {
                    tracing::warn!(why, "the catalogue was changed and is not taken up yet");
                }
                reloads.wrong = Some(why.clone());
            }
            // Offered again and again, told once.
            Reload::Undescribed(why) if reloads.wrong.as_ref() == Some(why) => {}
            Reload::Refused(why) | Reload::Undescribed(why) => {
                tracing::error!("the catalogue was changed and is refused; what was in force stays in force:\n{why}");
                (reloads.refused, reloads.wrong) = (reloads.refused.saturating_add(1), Some(why.clone()));
            }
        }
        Ok(done)
    }

    fn take_up(&mut self, files: &[CatalogueFile], now: Instant) -> Result<Reload, EngineError> {
        if fingerprint::content_hash(files) == self.in_force.hash && !self.in_force.is_older {
            return Ok(Reload::Unchanged);
        }
        self.take_up_for(files, None, &Actor::Collector, now)
    }

    /// Takes up what somebody offers, who may be allowed to measure the past differently.
    pub(super) fn take_up_for(
        &mut self,
        files: &[CatalogueFile],
        restatement: Option<&Restatement>,
        actor: &Actor,
        now: Instant,
    ) -> Result<Reload, EngineError> {
        let bounds = self.listening.limits().of_catalogue();
        let offer = Offer { files, bounds: &bounds, restatement, actor, known: Some(&self.in_force) };
        let in_force = match inforce::take_up_offer(self.store.as_mut(), &mut self.keeper, &offer, now) {
            Ok(in_force) => in_force,
            Err(
                TakeUpError::Store(StoreError::NoSpace { .. })
                | TakeUpError::Keeper(KeeperError::Store(StoreError::NoSpace { .. })),
            ) => return Ok(Reload::NoRoom("the disk is too full to record a new version".to_owned())),
            Err(fatal @ (TakeUpError::Store(_) | TakeUpError::Keeper(_) | TakeUpError::Damaged { .. })) => {
                return Err(fatal.into());
            }
            Err(refused @ TakeUpError::Receivers(_)) => return Ok(Reload::Undescribed(refused.to_string())),
            Err(refused) => return Ok(Reload::Refused(refused.to_string())),
        };
        if in_force.version == self.in_force.version && !self.in_force.is_older {
            return Ok(Reload::Unchanged);
        }
        self.come_into_force(in_force);
        Ok(Reload::TakenUp(self.in_force.version))
    }

    /// Where the past was restated, windows that have closed may be judged otherwise, though nothing else was seen in them.
    fn look_at_restated(&mut self) {
        let newest = self.in_force.versions.last().filter(|newest| newest.restated.is_some());
        let Some(from) = newest.and_then(|newest| newest.holds_from_ms) else { return };
        for service in self.in_force.catalogue.services.keys() {
            let earliest = self.touched_from.entry(service.clone()).or_insert(from);
            *earliest = from.min(*earliest);
        }
    }

    /// What follows from a version that is on record.
    fn come_into_force(&mut self, in_force: InForce) {
        self.agents.assign(&in_force.catalogue);
        let before = std::mem::replace(&mut self.in_force, in_force);
        let courses = Arc::clone(&self.in_force.courses);
        for (service, from) in courses.differs_from(&before.courses) {
            // Their pieces are others, so nothing that was seen of them goes on.
            self.sights.remove(&service);
            self.look_again(&service, from);
            self.restated(&service, from, self.in_force.version);
        }
        self.look_at_restated();
        self.revise_anew(&before.courses);
        let services = &self.in_force.catalogue.services;
        self.sights.retain(|id, _| services.contains_key(id));
        self.strips.retain(|id, _| services.contains_key(id));
        // What is kept of targets and vantage points that are gone would be kept for ever.
        let targets = self.in_force.catalogue.targets.keys().cloned().collect();
        self.attempts.retain(&targets, &courses.vantage_points().into_keys().collect());
        // A vantage point that nobody measured may be measured now.
        self.store.ask_anew();
        self.health.catalogue_is_older = false;
    }
}
