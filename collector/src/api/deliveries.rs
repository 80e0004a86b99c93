//! Deliveries over HTTP: the letters that could not be delivered, and a test message to a receiver.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use uphold_common::ids::Id;
use utoipa::ToSchema;

use super::problem::{problem, unanswered};
use super::tokens::{actor, done};
use crate::access::caller::Caller;
use crate::clock;
use crate::engine::handle::EngineHandle;
use crate::notify::entry::Key;
use crate::notify::letters::{LetterCommand, LetterView};
use crate::notify::trial::Trial;

/// The dead letters.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct LetterList {
    /// Oldest first; at most a thousand are kept.
    pub(crate) dead_letters: Vec<LetterView>,
}

pub(super) async fn list(State(engine): State<EngineHandle>) -> Response {
    match engine.letters().await {
        Ok(dead_letters) => Json(LetterList { dead_letters }).into_response(),
        Err(why) => unanswered(why),
    }
}

/// The letter of a path: its receiver and its number.
type LetterPath = Result<Path<(String, String)>, PathRejection>;

pub(super) async fn resend(
    State(engine): State<EngineHandle>,
    Extension(caller): Extension<Caller>,
    letter: LetterPath,
) -> Response {
    answer(command(&engine, &caller, letter, LetterCommand::Resend).await)
}

pub(super) async fn drop_it(
    State(engine): State<EngineHandle>,
    Extension(caller): Extension<Caller>,
    letter: LetterPath,
) -> Response {
    answer(command(&engine, &caller, letter, LetterCommand::Drop).await)
}

async fn command(
    engine: &EngineHandle,
    caller: &Caller,
    letter: LetterPath,
    what: fn(Key) -> LetterCommand,
) -> Result<LetterView, Box<Response>> {
    let key = letter.ok().and_then(|Path((receiver, number))| {
        let digits = Some(number).filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()))?;
        Some(Key { receiver: Id::new(&receiver).ok()?, order: digits.parse().ok()? })
    });
    let detail = "The letter is not the id of a receiver and a number.";
    let key = key.ok_or_else(|| Box::new(problem(StatusCode::BAD_REQUEST, "bad-id", detail, None)))?;
    done(engine.letter_command(what(key), actor(caller)?).await)
}

fn answer(done: Result<LetterView, Box<Response>>) -> Response {
    done.map_or_else(|refused| *refused, |letter| Json(letter).into_response())
}

/// Sends a test message to a receiver, and says what became of it.
pub(super) async fn test(
    State(engine): State<EngineHandle>,
    Extension(trial): Extension<Trial>,
    receiver: Result<Path<String>, PathRejection>,
) -> Response {
    let snapshot = engine.snapshot();
    let id = receiver.ok().and_then(|Path(text)| Id::new(&text).ok());
    let Some(receiver) = id.and_then(|id| snapshot.catalogue.receivers.get(&id)) else {
        let detail = "The catalogue has no receiver of this name.";
        return problem(StatusCode::NOT_FOUND, "no-such-receiver", detail, None);
    };
    Json(trial.of(snapshot.store, receiver, clock::now()).await).into_response()
}
