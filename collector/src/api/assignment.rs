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
    use crate::engine::Engine;
    use crate::engine::reload::Reload;
    use crate::engine::run::{self, Running};
    use crate::store::{DataDir, EmbeddedStore, StoreOptions};

    /// Only a program that hangs waits for so long.
    const LONG: Duration = Duration::from_mins(1);

    /// A catalogue in which the agent `a` has a probe to this port, and nobody else has any.
    fn catalogue(port: u16) -> Vec<(String, String)> {
        let text = format!(
            "organisation: {{ name: E, time_zone: UTC }}\nservices:\n  - id: shop\n    name: Shop\n    probes:\n      \
             - {{ id: p, agents: [a], interval: 60s, timeout: 5s, tcp: {{ address: '127.0.0.1:{port}' }} }}\n"
        );
        vec![("catalogue.yaml".to_owned(), text)]
    }

    async fn reload(engine: &Running, port: u16) {
        assert!(matches!(engine.handle.reload(Ok(catalogue(port))).await, Ok(Reload::TakenUp(_))));
    }

    #[tokio::test]
    async fn whoever_waits_is_answered_once_their_assignment_is_another_and_when_the_collector_ends() {
        let folder = tempfile::tempdir().unwrap();
        let now = crate::clock::now();
        let dir = DataDir::claim(folder.path(), "test", now).unwrap();
        let store = EmbeddedStore::open(dir, StoreOptions::default()).unwrap();
        let engine = run::start(Engine::open(Box::new(store), &catalogue(1), now).unwrap()).unwrap();
        let (finish, finishing) = watch::channel(false);
        let waiting = Waiting::new(&Limits::default(), finishing);
        let wait = |name: &'static str, wait| {
            let (engine, waiting, name) = (engine.handle.clone(), waiting.clone(), Id::new(name).unwrap());
            let tag = tagged(&engine, &name).unwrap().tag;
            tokio::spawn(async move { another(&engine, waiting, &name, &tag, wait).await })
        };
        let free = waiting.room.available_permits();
        let (mine, other) = (wait("a", LONG), wait("b", LONG));
        while waiting.room.available_permits() > free - 2 {
            tokio::task::yield_now().await;
        }
        reload(&engine, 2).await;
        let told = mine.await.unwrap().unwrap().expect("another assignment");
        assert!(String::from_utf8(told.body).unwrap().contains("127.0.0.1:2"));
        assert!(!other.is_finished(), "what another agent is to observe wakes nobody");
        assert!(wait("a", Duration::ZERO).await.unwrap().unwrap().is_none(), "the time is over");
        let crowded = Waiting { room: Arc::new(Semaphore::new(0)), ..waiting.clone() };
        let (name, tag) = (Id::new("b").unwrap(), tagged(&engine.handle, &Id::new("b").unwrap()).unwrap().tag);
        assert!(another(&engine.handle, crowded, &name, &tag, LONG).await.unwrap().is_none(), "there is no room");
        finish.send_replace(true);
        assert!(other.await.unwrap().unwrap().is_none(), "nobody is kept when the collector ends");
        engine.handle.stop().await;
        drop(engine.handle);
        run::join(engine.thread);
    }

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
