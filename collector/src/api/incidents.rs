//! Incidents over HTTP: the list and one with its history, for programs and as pages.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use uphold_common::catalogue::cause::Cause;
use uphold_common::catalogue::model::Priority;
use uphold_common::ids::Id;
use uphold_common::time::Instant;

use super::Shared;
use super::lists::leading_to;
use super::pages::{html, visitor};
use super::problem::{not_done, problem, unanswered};
use super::query::Asked;
use crate::access::caller::Caller;
use crate::engine::command::History;
use crate::engine::handle::EngineHandle;
use crate::incident::act::ActError;
use crate::incident::act::text::WHO_CHARS_MAX;
use crate::incident::list::{IncidentHistory, IncidentList, IncidentsQuery, LIST_DEFAULT, LIST_MAX, Wanted};
use crate::incident::model::{Called, Category, Number};
use crate::page;
use crate::problem::event::ProblemNumber;

/// How many incidents stand on a page.
const ON_PAGE: usize = 50;

/// The incidents, newest first: `?state=open&priority=P1&limit=100&after=INC-7` and more, all optional.
pub(super) async fn list(State(engine): State<EngineHandle>, RawQuery(query): RawQuery) -> Response {
    match listed(&engine, query.as_deref(), LIST_DEFAULT).await {
        Ok((asked, list)) => {
            let next = list.next.map(|after| format!("/api/v1/incidents?{}", asked.after(after).written()));
            leading_to(next, Json(list))
        }
        Err(refused) => *refused,
    }
}

/// The same as a page.
pub(super) async fn list_page(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    RawQuery(query): RawQuery,
) -> Response {
    match listed(&shared.engine, query.as_deref(), ON_PAGE).await {
        Ok((asked, list)) => {
            let (snapshot, visitor) = (shared.engine.snapshot(), visitor(&shared, &caller));
            html(StatusCode::OK, page::listed::render(&snapshot, &asked, &list, &visitor))
        }
        Err(refused) => *refused,
    }
}

async fn listed(
    engine: &EngineHandle,
    query: Option<&str>,
    limit: usize,
) -> Result<(IncidentsQuery, IncidentList), Box<Response>> {
    let asked = asked(query, limit)?;
    let list = engine.incidents(asked.clone()).await.map_err(|why| Box::new(unanswered(why)))?;
    Ok((asked, list))
}

/// Which incidents a query asks for.
fn asked(query: Option<&str>, limit: usize) -> Result<IncidentsQuery, Box<Response>> {
    let asked = Asked::read(query, &IncidentsQuery::KEYS)?;
    let instant = "an instant such as 2026-03-01T00:00:00Z, or milliseconds since 1970";
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    let bounded = |text: &str| digits(text).filter(|limit| (1..=LIST_MAX).contains(limit));
    let name = |text: &str| (1..=WHO_CHARS_MAX).contains(&text.chars().count()).then(|| text.to_owned());
    let yes_or_no = [("true", true), ("false", false)];
    Ok(IncidentsQuery {
        state: asked.word("state", &Wanted::WORDS)?.unwrap_or_default(),
        priority: asked.word("priority", &Priority::ALL.map(|one| (one.as_str(), one)))?,
        cause: asked.word("cause", &Cause::ALL.map(|one| (one.as_str(), one)))?,
        category: asked.word("category", &Category::ALL.map(|one| (one.as_str(), one)))?,
        service: asked.get("service", "the id of a service", |text| Id::new(text).ok())?,
        customer: asked.get("customer", "the id of a customer", |text| Id::new(text).ok())?,
        assignee: asked.get("assignee", &format!("a name of 1 to {WHO_CHARS_MAX} characters"), name)?,
        since: asked.get("since", instant, Instant::parse)?,
        until: asked.get("until", instant, Instant::parse)?,
        problem: asked.get("problem", "a number such as PRB-2", ProblemNumber::parse)?,
        quiet: asked.word("quiet", &yes_or_no)?,
        major: asked.word("major", &yes_or_no)?,
        after: asked.get("after", "a number such as INC-7", Number::parse)?,
        limit: asked.get("limit", &format!("a number from 1 to {LIST_MAX}"), bounded)?.unwrap_or(limit),
    })
}

/// The incident of a path, such as `INC-7`, `7`, or its id.
pub(super) type NumberPath = Result<Path<String>, PathRejection>;

/// One incident with everything that happened to it.
pub(super) async fn one(State(engine): State<EngineHandle>, number: NumberPath) -> Response {
    let which = match read(number) {
        Ok(which) => which,
        Err(refused) => return *refused,
    };
    match history(&engine, which).await {
        Ok(history) => Json(IncidentHistory::from(history)).into_response(),
        Err(refused) => *refused,
    }
}

/// The page of one incident.
pub(super) async fn page(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    number: NumberPath,
) -> Response {
    let which = match read(number) {
        Ok(which) => which,
        Err(refused) => return *refused,
    };
    match history(&shared.engine, which).await {
        Ok(history) => {
            let visitor = visitor(&shared, &caller);
            html(StatusCode::OK, page::incident::render(&shared.engine.snapshot(), history, &visitor))
        }
        Err(refused) => *refused,
    }
}

/// An incident with everything that happened to it.
pub(super) async fn history(engine: &EngineHandle, which: Called) -> Result<History, Box<Response>> {
    let refused = match engine.history(which).await {
        Ok(Ok(Some(history))) => return Ok(history),
        Ok(Ok(None)) => not_done(&ActError::NoIncident(which).into()),
        Ok(Err(error)) => {
            tracing::error!(%error, "an incident could not be given");
            let detail = "The incident could not be read; the log of the collector says why.";
            problem(StatusCode::INTERNAL_SERVER_ERROR, "incident", detail, None)
        }
        Err(why) => unanswered(why),
    };
    Err(Box::new(refused))
}

/// How a path calls an incident.
pub(super) fn read(number: NumberPath) -> Result<Called, Box<Response>> {
    let which = number.ok().and_then(|Path(text)| Called::parse(&text));
    let detail = "The incident is neither a number such as INC-7 nor an id of 32 hexadecimal digits.";
    which.ok_or_else(|| Box::new(problem(StatusCode::BAD_REQUEST, "bad-id", detail, None)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_read_and_the_next_page_is_asked_for_alike() {
        let query = "state=all&priority=P1&cause=service_down&category=availability&service=shop&customer=acme\
                     &assignee=B%C3%A4rbel+%26+co&since=1&until=2026-03-01T00:00:00Z&problem=PRB-2&quiet=false&major=true&limit=7";
        let read = asked(Some(query), LIST_DEFAULT).unwrap();
        assert_eq!((read.state, read.limit, read.assignee.as_deref()), (Wanted::All, 7, Some("Bärbel & co")));
        let next = read.clone().after(Number(9));
        assert_eq!(next.after, Some(Number(9)));
        assert_eq!(asked(Some(&next.written()), LIST_DEFAULT).unwrap(), next);
        assert_eq!(asked(None, LIST_DEFAULT).unwrap(), IncidentsQuery::default());
        for wrong in [
            "state=gone",
            "priority=P6",
            "cause=down",
            "limit=0",
            "limit=1001",
            "quiet=yes",
            "after=x",
            "problem=x",
            "assignee=",
            "x=1",
        ] {
            assert!(asked(Some(wrong), LIST_DEFAULT).is_err(), "{wrong}");
        }
    }
}
