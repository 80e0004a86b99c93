//! What jobs report to this agent, kept on disk: a job hears that it was heard only once that is durable.
//!
//! Of each heartbeat that is assigned the agent keeps since when it listens, whether the job has begun, and how it ended last.
//! Nothing else is kept, so what is reported under another name is refused, and what is no longer assigned is forgotten. A
//! job that reports while the agent is away is told so by its own client, and nothing is made up for it later.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use uphold_common::ids::ProbeId;
use uphold_common::observation::Outcome;
use uphold_common::time::Instant;

use crate::spool::durable;

/// Most heartbeats of one agent: each beat writes all of them.
pub const HEARTBEATS_MAX: usize = 1_000;

/// What is known of one heartbeat; instants in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Heard {
    /// Since when the agent listens for it.
    pub since_ms: i64,
    /// When the job said that it began, if it has not ended since.
    pub began_ms: Option<i64>,
    /// How it ended last, if it ever did.
    pub ended: Option<End>,
}

/// How a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct End {
    /// When it said so.
    pub at_ms: i64,
    /// What it said of itself: never `unknown`.
    pub outcome: Outcome,
    /// Its exit code; 0 without one.
    pub code: u8,
    /// How long it took, if it had said that it began.
    pub took_ms: Option<i64>,
}

/// What a job says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// It begins.
    Begun,
    /// It has ended so, with this exit code.
    Ended(Outcome, u8),
}

impl Said {
    /// Reads `start`, `fail`, `degraded` or an exit code; nothing at all is a job that did well.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "" => Some(Self::Ended(Outcome::Up, 0)),
            "start" => Some(Self::Begun),
            "fail" => Some(Self::Ended(Outcome::Down, 0)),
            "degraded" => Some(Self::Ended(Outcome::Degraded, 0)),
            code => {
                let code: u8 = code.parse().ok().filter(|_| code.bytes().all(|byte| byte.is_ascii_digit()))?;
                Some(Self::Ended(if code == 0 { Outcome::Up } else { Outcome::Down }, code))
            }
        }
    }
}

impl Heard {
    /// Nothing yet, from now on.
    const fn since(now: Instant) -> Self {
        Self { since_ms: now.as_ms(), began_ms: None, ended: None }
    }

    /// After a job said this now.
    #[must_use]
    pub fn after(self, said: Said, now: Instant) -> Self {
        match said {
            Said::Begun => Self { began_ms: Some(now.as_ms()), ..self },
            Said::Ended(outcome, code) => {
                let took_ms = self.began_ms.map(|began| now.as_ms().saturating_sub(began).max(0));
                Self { began_ms: None, ended: Some(End { at_ms: now.as_ms(), outcome, code, took_ms }), ..self }
            }
        }
    }
}

/// Why a beat was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BeatError {
    /// Nobody listens for it here.
    #[error("this agent has no heartbeat of that name")]
    NotAssigned,
    /// The disk refuses.
    #[error("the beat could not be kept")]
    NotKept,
}

type All = BTreeMap<ProbeId, Heard>;

/// What jobs reported, and where it is kept.
#[derive(Debug)]
pub struct Heartbeats {
    path: PathBuf,
    /// As it is on disk.
    all: RwLock<Arc<All>>,
    /// Held by whoever writes.
    writing: Mutex<()>,
}

impl Heartbeats {
    /// Reads what was kept.
    pub fn open(data_dir: &Path) -> Self {
        let path = data_dir.join("heartbeats.json");
        let all = RwLock::new(Arc::new(read(&path)));
        Self { path, all, writing: Mutex::new(()) }
    }

    /// What was heard of this one, if it is listened for.
    pub fn of(&self, id: &ProbeId) -> Option<Heard> {
        self.now_known().get(id).copied()
    }

    /// These are assigned from now on, and no others.
    pub async fn assigned(&self, ids: impl Iterator<Item = &ProbeId>, now: Instant) {
        let _writing = self.writing.lock().await;
        let known = self.now_known();
        let heard = |id: &ProbeId| (id.clone(), known.get(id).copied().unwrap_or(Heard::since(now)));
        let all: All = ids.take(HEARTBEATS_MAX).map(heard).collect();
        if all == *known {
            return;
        }
        let all = Arc::new(all);
        if self.write(&all).await.is_err() {
            // It is listened for all the same; a restart would begin anew with what is new.
            tracing::error!(path = %self.path.display(), "which heartbeats are listened for could not be kept");
        }
        self.show(all);
    }

    /// A job says something now. It is kept once this returns without an error.
    pub async fn hear(&self, id: &ProbeId, said: Said, now: Instant) -> Result<(), BeatError> {
        let _writing = self.writing.lock().await;
        let known = self.now_known();
        let heard = known.get(id).ok_or(BeatError::NotAssigned)?.after(said, now);
        let mut all = All::clone(&known);
        all.insert(id.clone(), heard);
        let all = Arc::new(all);
        self.write(&all).await?;
        self.show(all);
        Ok(())
    }

    fn now_known(&self) -> Arc<All> {
        Arc::clone(&self.all.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn show(&self, all: Arc<All>) {
        *self.all.write().unwrap_or_else(PoisonError::into_inner) = all;
    }

    async fn write(&self, all: &Arc<All>) -> Result<(), BeatError> {
        let (path, all) = (self.path.clone(), Arc::clone(all));
        let write = move || durable::write(&path, &serde_json::to_vec(&List::of(&all))?);
        match tokio::task::spawn_blocking(write).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(BeatError::NotKept),
        }
    }
}

/// As it stands on disk.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    heartbeats: Vec<(ProbeId, Heard)>,
}

impl List {
    fn of(all: &All) -> Self {
        Self { heartbeats: all.iter().map(|(id, heard)| (id.clone(), *heard)).collect() }
    }
}

fn read(path: &Path) -> All {
    let Ok(bytes) = std::fs::read(path) else { return All::new() };
    match serde_json::from_slice::<List>(&bytes) {
        Ok(list) => list.heartbeats.into_iter().collect(),
        Err(error) => {
            tracing::error!(path = %path.display(), %error, "the kept heartbeats are not understood, and begin anew");
            All::new()
        }
    }
}

#[cfg(test)]
#[path = "heartbeats_tests.rs"]
mod tests;
