//! The loop between the snapshots and the posts: at each snapshot it tells those Alertmanagers whose turn it is.
//!
//! It is driven by snapshots alone, and their instant is its clock: a collector that no longer measures tells nothing, as
//! if it were gone. There is at most one attempt for each Alertmanager, so that one that is slow holds up no other, and
//! at most [`AT_ONCE_MAX`] speak to the network at once. An Alertmanager that leaves the catalogue or is found elsewhere
//! from now on is told nothing more where it was.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use tokio::sync::{Semaphore, watch};
use tokio::task::{self, AbortHandle, JoinError, JoinSet};
use uphold_common::catalogue::model::{Alertmanager, Receiver, StateWay};
use uphold_common::ids::Id;
use uphold_common::time::Instant;

use super::rhythm::Rhythm;
use super::state::{self, Alert, Shape};
use crate::notify::board::Board;
use crate::notify::entry::bounded;
use crate::notify::post::{Post, Poster};
use crate::notify::verdict::{Attempt, Outcome, judge};
use crate::snapshot::Snapshot;

/// Most attempts at once.
pub const AT_ONCE_MAX: usize = 16;
/// Most alerts in one post.
pub const ALERTS_MAX: usize = 500;
/// Where an Alertmanager takes alerts, below its address.
const ALERTS_PATH: &str = "/api/v2/alerts";

/// What it is told over.
#[derive(Clone, Debug)]
pub struct Posters {
    /// To Alertmanagers, which are neighbours.
    pub alertmanagers: Poster,
    /// To whoever listens for heartbeats, who is elsewhere.
    pub heartbeats: Poster,
}

impl Posters {
    /// Tells one receiver.
    pub async fn tell(&self, way: &StateWay, alerts: &[Alert], now: Instant) -> Attempt {
        match way {
            StateWay::Alertmanager(alertmanager) => tell(&self.alertmanagers, alertmanager, alerts, now).await,
            StateWay::Heartbeat(heartbeat) => {
                let post = Post { url: &heartbeat.url, path: "", headers: HeaderMap::new(), body: String::new() };
                self.heartbeats.post(post).await
            }
        }
    }
}

/// Tells until `stop` says true, or until nobody is left who could say so or makes snapshots.
pub async fn run(
    mut snapshots: watch::Receiver<Arc<Snapshot>>,
    posters: Posters,
    board: Board,
    mut stop: watch::Receiver<bool>,
) {
    let mut teller = Teller {
        posters,
        board,
        turns: Arc::new(Semaphore::new(AT_ONCE_MAX)),
        courses: BTreeMap::new(),
        tasks: JoinSet::new(),
        out: HashMap::new(),
    };
    loop {
        let snapshot = Arc::clone(&snapshots.borrow_and_update());
        teller.keep_to(&snapshot);
        teller.begin(&snapshot);
        tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => break,
            Some(ended) = teller.tasks.join_next_with_id() => teller.ended(ended, snapshot.as_of),
            changed = snapshots.changed() => if changed.is_err() { break },
        }
    }
    teller.tasks.shutdown().await;
}

/// What was told, or was to be.
struct Told {
    shape: Shape,
    alerts: usize,
    as_of: Instant,
    attempt: Attempt,
}

/// One receiver.
struct Course {
    way: StateWay,
    rhythm: Rhythm,
    /// The attempt that is being made.
    out: Option<AbortHandle>,
}

struct Teller {
    posters: Posters,
    board: Board,
    turns: Arc<Semaphore>,
    courses: BTreeMap<Id, Course>,
    tasks: JoinSet<Told>,
    out: HashMap<task::Id, Id>,
}

impl Teller {
    /// Follows the catalogue: who is not in it as before is told nothing more.
    fn keep_to(&mut self, snapshot: &Snapshot) {
        let receivers = &snapshot.catalogue.receivers;
        self.courses.retain(|id, course| {
            let stays = receivers.get(id).and_then(Receiver::state) == Some(&course.way);
            if !stays {
                course.out.iter().for_each(AbortHandle::abort);
                self.board.forget(id);
            }
            stays
        });
        for (id, way) in receivers.iter().filter_map(|(id, one)| Some((id, one.state()?))) {
            self.courses.entry(id.clone()).or_insert_with(|| Course {
                way: way.clone(),
                rhythm: Rhythm::new(way.every_ms()),
                out: None,
            });
        }
    }

    /// Begins to tell those whose turn it is.
    fn begin(&mut self, snapshot: &Snapshot) {
        for (id, course) in self.courses.iter_mut().filter(|(_, course)| course.out.is_none()) {
            let told = match &course.way {
                StateWay::Alertmanager(_) => state::told(snapshot, id),
                StateWay::Heartbeat(_) => Vec::new(),
            };
            let shape = state::shape(&told);
            if !course.rhythm.is_due(&shape, snapshot.as_of) {
                continue;
            }
            let alerts = match &course.way {
                StateWay::Alertmanager(alertmanager) => state::alerts(snapshot, &told, alertmanager),
                StateWay::Heartbeat(_) => Vec::new(),
            };
            let (posters, turns) = (self.posters.clone(), Arc::clone(&self.turns));
            let (way, as_of, count) = (course.way.clone(), snapshot.as_of, told.len());
            let handle = self.tasks.spawn(async move {
                let _turn = turns.acquire().await;
                let attempt = posters.tell(&way, &alerts, as_of).await;
                Told { shape, alerts: count, as_of, attempt }
            });
            self.out.insert(handle.id(), id.clone());
            course.out = Some(handle);
        }
    }

    /// Takes note of what became of an attempt.
    fn ended(&mut self, ended: Result<(task::Id, Told), JoinError>, now: Instant) {
        let (task, told) = match ended {
            Ok((task, told)) => (task, Some(told)),
            Err(error) => (error.id(), None),
        };
        let Some(id) = self.out.remove(&task) else { return };
        let Some(course) = self.courses.get_mut(&id) else { return };
        // The attempt of one that was there before under this name says nothing of this one.
        if course.out.as_ref().is_none_or(|out| out.id() != task) {
            return;
        }
        course.out = None;
        let broke_off = || Attempt::Unanswered { error: "the attempt broke off".to_owned() };
        let attempt = told.as_ref().map_or_else(broke_off, |told| told.attempt.clone());
        match (judge(&attempt, now), told) {
            (Outcome::Delivered, Some(told)) => {
                tracing::debug!(receiver = %id, alerts = told.alerts, "told");
                self.board.note(&id, |shown| {
                    shown.told = Some(told.as_of);
                    shown.alerts = u64::try_from(told.alerts).unwrap_or(u64::MAX);
                    shown.delivered += 1;
                    shown.last_error = None;
                });
                course.rhythm.delivered(told.shape, told.as_of);
            }
            (Outcome::Delivered, None) => {}
            (Outcome::Failed { retryable, retry_after_ms, error }, _) => {
                tracing::warn!(receiver = %id, error, "not told");
                self.board.note(&id, |shown| {
                    shown.failed_attempts += 1;
                    shown.last_error = Some(bounded(&error));
                });
                // Without random bits attempts are only spread less.
                course.rhythm.failed(retryable, retry_after_ms, now, getrandom::u32().unwrap_or(0));
            }
        }
    }
}

/// Posts all alerts, and stops at the first post that fails. One that is refused for good does not keep the others from being
/// told, and is the one that is spoken of. That there are none is told too: so it is known that the
/// Alertmanager can be reached before it has to be.
async fn tell(poster: &Poster, alertmanager: &Alertmanager, alerts: &[Alert], now: Instant) -> Attempt {
    let (mut rest, mut refused) = (alerts, None);
    loop {
        let (batch, later) = rest.split_at(rest.len().min(ALERTS_MAX));
        let attempt = post(poster, alertmanager, batch).await;
        match judge(&attempt, now) {
            Outcome::Failed { retryable: true, .. } => return attempt,
            Outcome::Failed { .. } if refused.is_none() => refused = Some(attempt.clone()),
            _ => {}
        }
        if later.is_empty() {
            return refused.unwrap_or(attempt);
        }
        rest = later;
    }
}

async fn post(poster: &Poster, alertmanager: &Alertmanager, alerts: &[Alert]) -> Attempt {
    let Ok(body) = serde_json::to_string(alerts) else {
        return Attempt::Unanswered { error: "the alerts could not be written".to_owned() };
    };
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    poster.post(Post { url: &alertmanager.url, path: ALERTS_PATH, headers, body }).await
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
