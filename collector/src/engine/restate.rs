//! The versions of the catalogue, for whoever asks; and a catalogue that is to measure the past differently, which takes
//! an approver and a reason.

use serde::{Deserialize, Serialize};
use uphold_common::time::Instant;
use utoipa::ToSchema;

use super::Engine;
use super::command::CommandError;
use super::handle::{EngineHandle, Request, Unanswered};
use super::reload::Reload;
use crate::identity::deed::Actor;
use crate::inforce::{CatalogueFile, Restatement};

/// Most bytes of an approver or a reason.
pub const TEXT_BYTES_MAX: usize = 1_000;

/// A version of the catalogue on record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VersionView {
    /// Its number.
    pub version: u64,
    /// When it was recorded.
    pub recorded_at_ms: Instant,
    /// From when on it holds; null for the first one, which has no version before it. It lies after `recorded_at_ms` where
    /// the clock had been set back: no version holds from before the one that it follows, unless somebody restates it.
    pub holds_from_ms: Option<Instant>,
    /// The SHA-256 of its files.
    pub hash: String,
    /// Who approved that it measures the past differently, and why; null if it does not.
    pub restated: Option<Restatement>,
    /// Why this program cannot read it, which was sound for the one that took it up, and what follows; null if it can.
    pub unreadable: Option<Unreadable>,
}

impl VersionView {
    /// That it does not hold since it was recorded, if that is so, as a sentence without its end.
    pub fn held_up(&self) -> Option<String> {
        let from = self.holds_from_ms.filter(|from| self.restated.is_none() && *from > self.recorded_at_ms)?;
        let recorded = self.recorded_at_ms;
        Some(format!(
            "the clock had been set back when it was recorded, at {recorded}: it holds from {from} on, after the version \
             before it, which measures until then"
        ))
    }
}

/// That a version is not sound for this program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Unreadable {
    /// The first of the problems.
    pub reason: String,
    /// The services that are unmeasured while it was in force, and the targets that have no figures in its windows: those
    /// that no other version measures alike.
    pub lost: Vec<String>,
}

/// All of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VersionList {
    /// Which is in force.
    pub in_force: u64,
    /// The newest first.
    pub versions: Vec<VersionView>,
}

/// What somebody offers to measure the past by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restated {
    /// The files of the catalogue.
    pub files: Vec<CatalogueFile>,
    /// Who approved it, and why.
    pub restatement: Restatement,
}

impl Restatement {
    /// Whether both of its texts can be said.
    pub fn is_sound(&self) -> bool {
        let said = |text: &str| {
            (1..=TEXT_BYTES_MAX).contains(&text.len()) && !text.trim().is_empty() && !text.chars().any(char::is_control)
        };
        said(&self.approver) && said(&self.reason)
    }
}

impl EngineHandle {
    /// The versions of the catalogue.
    pub async fn versions(&self) -> Result<VersionList, Unanswered> {
        self.ask(Request::Versions).await
    }

    /// Takes up a catalogue that may measure the past differently, for `actor`.
    pub async fn restate(&self, asked: Restated, actor: Actor) -> Result<Result<Reload, CommandError>, Unanswered> {
        self.ask(|answer| Request::Restate(Box::new(asked), actor, answer)).await
    }
}

impl Engine {
    /// The versions of the catalogue, the newest first.
    pub fn versions(&self) -> VersionList {
        let versions = self.in_force.versions.iter().rev().cloned().collect();
        VersionList { in_force: self.in_force.version, versions }
    }

    /// Takes up a catalogue that may measure the past differently; it is durable when this returns.
    pub fn restate(&mut self, asked: &Restated, actor: &Actor, now: Instant) -> Result<Reload, CommandError> {
        self.check_actor(actor, now)?;
        self.check_room(now)?;
        let done = self.take_up_for(&asked.files, Some(&asked.restatement), actor, now)?;
        if let Reload::TakenUp(version) = done {
            tracing::info!(version, "the catalogue was restated");
            self.health.reloads.wrong = None;
        }
        Ok(done)
    }
}
