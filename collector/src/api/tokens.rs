//! Tokens and deeds over HTTP: who one is, who may do what, who did what.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use uphold_common::ids::Id;
use uphold_common::yaml::words;
use utoipa::ToSchema;

use super::body;
use super::lists::bad_id;
use super::problem::{not_done, problem, unanswered};
use super::query::Asked;
use crate::access::caller::Caller;
use crate::clock;
use crate::engine::command::{CommandError, TokenCommand};
use crate::engine::handle::{EngineHandle, Unanswered};
use crate::identity::deed::Actor;
use crate::identity::keeper::{DEEDS_READ_MAX, NewToken};
use crate::identity::role::Role;
use crate::identity::secret::Secret;
use crate::identity::token::Token;
use crate::identity::view::{DeedList, LIFE_DEFAULT, TokenGiven, TokenList, TokenView, end_of_life};

/// How many deeds are listed unless another number is asked for.
pub(super) const DEEDS_DEFAULT: usize = 100;

/// Who the caller is.
#[derive(Serialize, ToSchema)]
pub(super) struct Whoami {
    /// The token's name; none for somebody on the collector's host, and for nobody known.
    name: Option<Id>,
    /// The word for the role, or `anonymous`.
    role: &'static str,
    /// The agent that the token is bound to, if it is.
    agent: Option<Id>,
}

pub(super) async fn whoami(Extension(caller): Extension<Caller>) -> Response {
    let agent = caller.agent().cloned();
    let (name, role) = match &caller {
        Caller::Local { .. } => (None, "administrator"),
        Caller::Holder { name, role, .. } => (Some(name.clone()), role.as_str()),
        Caller::Anonymous { .. } => (None, "anonymous"),
    };
    Json(Whoami { name, role, agent }).into_response()
}

pub(super) async fn list(State(engine): State<EngineHandle>) -> Response {
    Json(TokenList::of(&engine.tokens(), clock::now())).into_response()
}

/// A token that is wanted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    name: Id,
    role: String,
    agent: Option<Id>,
    expires: Option<String>,
}

pub(super) async fn add(
    State(engine): State<EngineHandle>,
    Extension(caller): Extension<Caller>,
    sent: body::Sent,
) -> Response {
    let wanted: Wanted = match body::json(sent).await {
        Ok(wanted) => wanted,
        Err(refused) => return *refused,
    };
    let now = clock::now();
    let unsound = |detail: &str| problem(StatusCode::UNPROCESSABLE_ENTITY, "unsound-token", detail, None);
    let Some(role) = Role::of(&wanted.role, wanted.agent) else {
        let hint = words::did_you_mean(&wanted.role, Role::WORDS);
        let roles = words::listed(Role::WORDS);
        return unsound(&format!("role: expected {roles}{hint}; an agent's token names its agent, and no other does."));
    };
    let Some(expires_at) = end_of_life(wanted.expires.as_deref().unwrap_or(LIFE_DEFAULT), now) else {
        return unsound(
            "expires: expected a length such as 90d of at most ten years, an instant within them, or never.",
        );
    };
    let Ok(secret) = Secret::draw() else {
        return problem(StatusCode::INTERNAL_SERVER_ERROR, "random", "The system gave no random bits.", None);
    };
    let new = NewToken { name: wanted.name, role, digest: secret.digest(), expires_at };
    match change(&engine, &caller, TokenCommand::Add(new)).await {
        Ok(token) => {
            let given = TokenGiven { token: TokenView::of(&token, now), secret: secret.reveal() };
            (StatusCode::CREATED, Json(given)).into_response()
        }
        Err(refused) => *refused,
    }
}

pub(super) async fn revoke(
    State(engine): State<EngineHandle>,
    Extension(caller): Extension<Caller>,
    name: Result<Path<Id>, PathRejection>,
) -> Response {
    let Ok(Path(name)) = name else { return bad_id("token") };
    match change(&engine, &caller, TokenCommand::Revoke(name)).await {
        Ok(token) => Json(TokenView::of(&token, clock::now())).into_response(),
        Err(refused) => *refused,
    }
}

/// Who did what, newest first: `?limit=100`.
pub(super) async fn deeds(State(engine): State<EngineHandle>, RawQuery(query): RawQuery) -> Response {
    let limit = match how_many(query.as_deref()) {
        Ok(limit) => limit.unwrap_or(DEEDS_DEFAULT),
        Err(refused) => return *refused,
    };
    match engine.deeds(limit).await {
        Ok(Ok(deeds)) => Json(DeedList { deeds: deeds.into_iter().map(Into::into).collect() }).into_response(),
        Ok(Err(error)) => {
            tracing::error!(%error, "deeds could not be given");
            let detail = "The deeds could not be read; the log of the collector says why.";
            problem(StatusCode::INTERNAL_SERVER_ERROR, "deeds", detail, None)
        }
        Err(why) => unanswered(why),
    }
}

/// How many deeds are asked for.
fn how_many(query: Option<&str>) -> Result<Option<usize>, Box<Response>> {
    let expected = format!("a number from 1 to {DEEDS_READ_MAX}");
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    let number = |text: &str| digits(text).filter(|limit| (1..=DEEDS_READ_MAX).contains(limit));
    Asked::read(query, &["limit"])?.get("limit", &expected, number)
}

async fn change(engine: &EngineHandle, caller: &Caller, command: TokenCommand) -> Result<Token, Box<Response>> {
    done(engine.token_command(command, actor(caller)?).await)
}

/// Under which name what the caller does is recorded.
pub(super) fn actor(caller: &Caller) -> Result<Actor, Box<Response>> {
    let detail = "This needs a token, so that it is known who did it.";
    caller.actor().ok_or_else(|| Box::new(problem(StatusCode::UNAUTHORIZED, "no-token", detail, None)))
}

/// What the engine did, or the problem that says why not.
pub(super) fn done<T>(answer: Result<Result<T, CommandError>, Unanswered>) -> Result<T, Box<Response>> {
    match answer {
        Ok(done) => done.map_err(|error| Box::new(not_done(&error))),
        Err(why) => Err(Box::new(unanswered(why))),
    }
}
