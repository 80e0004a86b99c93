//! `POST /api/v1/push`: a batch comes in.
//!
//! The bytes are read under a bound, a deadline and the memory that all bodies share, decoded beside the engine, and
//! handed to it. The answer is given once the batch is durable, never before.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use uphold_common::wire::push::PUSH_CONTENT_TYPE;

use super::body::expect_type;
use super::problem::{problem, refused, unanswered};
use crate::access::caller::Caller;
use crate::access::not_too_often;
use crate::clock;
use crate::engine::handle::EngineHandle;
use crate::ingest::{self, Arrived, PushBounds, Refusal};
use crate::limits::{Limit, Limits};
use crate::listen::budget::{Held, NotReceived, Received};
use crate::listen::{Listening, Peer};

pub(super) async fn push(
    State(engine): State<EngineHandle>,
    Extension(caller): Extension<Caller>,
    Extension(listening): Extension<Listening>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    if let Err(refused) = expect_type(&headers, PUSH_CONTENT_TYPE) {
        engine.refused_early("wrong-content-type");
        return *refused;
    }
    let limits = listening.limits();
    let received = listening.bodies.receive(body, limits.size(Limit::PushBytes), limits.time(Limit::BodyTime)).await;
    let Received { bytes, mut held } = match received {
        Ok(received) => received,
        Err(why) => return not_received(&engine, &listening, why),
    };
    let arrived = match unpacked(&bytes, &engine, &caller, limits, &mut held) {
        Ok(arrived) => arrived,
        Err(refusal) => return refused_early(&engine, &listening, &refusal),
    };
    drop(bytes);
    // The guard has counted the pushes of a token.
    if let (Caller::Anonymous { .. }, Some(address)) = (&caller, peer.as_ref().and_then(|peer| peer.counted_address()))
    {
        let identity = format!("address {address} agent {}", arrived.key().agent);
        if let Err(refused) = not_too_often(&listening, &identity) {
            engine.refused_early("too-many-requests");
            return *refused;
        }
    }
    match engine.push(arrived, held).await {
        Ok(Ok(answer)) => {
            if let Some(Extension(peer)) = peer {
                peer.proven();
            }
            Json(answer).into_response()
        }
        Ok(Err(refusal)) => refused(&refusal),
        Err(why) => {
            engine.refused_early(why.word());
            unanswered(why)
        }
    }
}

/// What a body says, as long as there is memory for what it is unpacked to.
fn unpacked(
    bytes: &[u8],
    engine: &EngineHandle,
    caller: &Caller,
    limits: &Limits,
    held: &mut Held,
) -> Result<Arrived, Refusal> {
    let (bounds, room) = (PushBounds::of(limits), |bytes| held.grow(bytes));
    let arrived = ingest::decode(bytes, caller.agent(), &bounds, engine.names(), room, clock::now())?;
    if !held.grow(arrived.batch.batch.bytes()) {
        return Err(Refusal::NoMemory { most: bounds.memory_bytes_max });
    }
    Ok(Arrived { token: caller.token().cloned(), ..arrived })
}

/// Counts and tells a refusal that the engine knows nothing of.
fn refused_early(engine: &EngineHandle, listening: &Listening, refusal: &Refusal) -> Response {
    if let Some(limit) = refusal.limit() {
        listening.limiter.reached(limit);
    }
    engine.refused_early(refusal.word());
    refused(refusal)
}

/// Counts and tells why the body did not come whole.
fn not_received(engine: &EngineHandle, listening: &Listening, why: NotReceived) -> Response {
    let limits = listening.limits();
    match why {
        NotReceived::TooLarge => {
            let what = format!("a push has at most {}", limits.shown(Limit::PushBytes));
            refused_early(engine, listening, &Refusal::TooLarge { what, limit: Some(Limit::PushBytes) })
        }
        NotReceived::NoRoom => {
            let most = limits.size(Limit::BodiesInMemory);
            refused_early(engine, listening, &Refusal::NoMemory { most })
        }
        NotReceived::Cut => {
            engine.refused_early("unsound-push");
            problem(StatusCode::BAD_REQUEST, "unsound-push", "The body ended too early.", None)
        }
        NotReceived::TooSlow => {
            listening.limiter.reached(Limit::BodyTime);
            engine.refused_early("too-slow");
            let detail = format!("The body did not arrive within {}.", limits.shown(Limit::BodyTime));
            problem(StatusCode::REQUEST_TIMEOUT, "too-slow", &detail, Some(1))
        }
    }
}
