//! What an agent is to observe: `GET /api/v1/agents/{name}/assignment`, at once or as soon as it is another.
//!
//! An agent that holds an assignment already says so with `If-None-Match`, and that it would rather wait for another one
//! with `Prefer: wait=25`. Then the answer comes when the assignment has changed, or when that time is over. Whoever waits keeps
//! a connection that serves nobody else, so at most a quarter of the connections wait at once; others are
//! answered at once, as is everybody when the collector ends.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::sync::{Semaphore, watch};
use uphold_common::bytes::Hex;
use uphold_common::catalogue::assign;
use uphold_common::ids::Id;
use uphold_common::wire::assignment::{STORE_HEADER, WAIT_S_MAX};
use uphold_common::wire::batch;

use super::lists::{bad_id, not_of_agent};
use super::problem::problem;
use crate::access::caller::Caller;
use crate::engine::handle::EngineHandle;
use crate::limits::{Limit, Limits};

/// One of so many connections may wait.
const SHARE: usize = 4;

/// How many may wait, and until when.
#[derive(Clone)]
pub struct Waiting {
    room: Arc<Semaphore>,
    finishing: watch::Receiver<bool>,
}

impl Waiting {
    /// As many as these limits leave, until `finishing` is told.
    pub fn new(limits: &Limits, finishing: watch::Receiver<bool>) -> Self {
        Self { room: Arc::new(Semaphore::new(limits.size(Limit::Connections) / SHARE)), finishing }
    }
}

/// An assignment as it is answered.
#[derive(PartialEq, Eq)]
struct Tagged {
    tag: String,
    body: Vec<u8>,
}

/// What an agent is to observe. An agent that the catalogue does not name has nothing to observe.
pub(super) async fn assignment(
    State(engine): State<EngineHandle>,
    Extension(caller): Extension<Caller>,
    Extension(waiting): Extension<Waiting>,
    name: Result<Path<Id>, PathRejection>,
    headers: HeaderMap,
) -> Response {
    let Ok(Path(name)) = name else { return bad_id("agent") };
    if let Some(own) = caller.agent().filter(|own| **own != name) {
        return not_of_agent(&engine, own, &format!("read the assignment of {name}"));
    }
    let store = [(HeaderName::from_static(STORE_HEADER), engine.snapshot().store.to_string())];
    let Some(mut now) = tagged(&engine, &name) else { return unwritten() };
    if is_held(&headers, &now.tag) {
        if let Some(wait) = asked_wait(&headers) {
            match another(&engine, waiting, &name, &now.tag, wait).await {
                Ok(Some(other)) => now = other,
                Ok(None) => {}
                Err(()) => return unwritten(),
            }
        }
        if is_held(&headers, &now.tag) {
            return (StatusCode::NOT_MODIFIED, store, [(ETAG, now.tag)]).into_response();
        }
    }
    (store, [(ETAG, now.tag), (CONTENT_TYPE, "application/json".to_owned())], now.body).into_response()
}

/// The first assignment that is another than the one with this tag, if there is one within this time.
async fn another(
    engine: &EngineHandle,
    mut waiting: Waiting,
    name: &Id,
    tag: &str,
    wait: Duration,
) -> Result<Option<Tagged>, ()> {
    let Ok(_room) = waiting.room.clone().try_acquire_owned() else { return Ok(None) };
    let mut snapshots = engine.snapshots();
    let mut version = snapshots.borrow_and_update().catalogue_version;
    let changed = async {
        loop {
            if snapshots.changed().await.is_err() {
                return Ok(None);
            }
            let newest = snapshots.borrow_and_update().catalogue_version;
            if std::mem::replace(&mut version, newest) == newest {
                continue;
            }
            let other = tagged(engine, name).ok_or(())?;
            if other.tag != tag {
                return Ok(Some(other));
            }
        }
    };
    tokio::select! {
        _ = waiting.finishing.wait_for(|finishing| *finishing) => Ok(None),
        changed = tokio::time::timeout(wait, changed) => changed.unwrap_or(Ok(None)),
    }
}

fn tagged(engine: &EngineHandle, name: &Id) -> Option<Tagged> {
    let body = serde_json::to_vec(&assign::assignment(&engine.snapshot().catalogue, name)).ok()?;
    Some(Tagged { tag: format!("\"{}\"", Hex(&batch::digest(&body))), body })
}

fn is_held(headers: &HeaderMap, tag: &str) -> bool {
    let held = headers.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    held.is_some_and(|held| held.split(',').any(|one| matches!(one.trim(), "*") || one.trim() == tag))
}

/// `Prefer: wait=10`, as RFC 7240 has it; for longer than [`WAIT_S_MAX`] nobody waits.
fn asked_wait(headers: &HeaderMap) -> Option<Duration> {
    let preferred = headers.get("prefer").and_then(|value| value.to_str().ok())?;
    let seconds = preferred.split([',', ';']).find_map(|one| one.trim().strip_prefix("wait="))?;
    let seconds: u64 = seconds.trim().parse().ok()?;
    Some(Duration::from_secs(seconds.min(WAIT_S_MAX)))
}

fn unwritten() -> Response {
    problem(StatusCode::INTERNAL_SERVER_ERROR, "assignment", "It could not be written.", None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_somebody_would_wait_is_read_and_bounded() {
        for (prefer, seconds) in [
            ("wait=10", Some(10)),
            ("respond-async, wait=7", Some(7)),
            ("wait=7; foo", Some(7)),
            ("wait=86400", Some(WAIT_S_MAX)),
            ("wait=0", Some(0)),
            ("wait=-1", None),
            ("wait=soon", None),
            ("return=minimal", None),
        ] {
            let headers = HeaderMap::from_iter([(HeaderName::from_static("prefer"), prefer.parse().unwrap())]);
            assert_eq!(asked_wait(&headers), seconds.map(Duration::from_secs), "{prefer}");
        }
        assert_eq!(asked_wait(&HeaderMap::new()), None);
    }
}
