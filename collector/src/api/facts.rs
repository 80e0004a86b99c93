//! What an agent told of its own measuring: `GET /api/v1/agents/{name}/facts`, a page at a time, and the page `/agents/{name}`.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::{Extension, Json};
use uphold_common::ids::Id;
use uphold_common::time::Instant;
use url::form_urlencoded;

use super::Shared;
use super::lists::{bad_id, leading_to};
use super::pages::{html, visitor};
use super::problem::{problem, unanswered};
use super::query::Asked;
use crate::access::caller::Caller;
use crate::engine::handle::EngineHandle;
use crate::engine::quality::{After, FactsError, FactsQuery, PAGE_DEFAULT, PAGE_MAX};
use crate::page::agent;
use crate::quality::model::FactList;

/// What an agent told: `?from=INSTANT&to=INSTANT&limit=100&after=…`, all optional.
pub(super) async fn list(
    State(engine): State<EngineHandle>,
    name: Result<Path<Id>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Response {
    let Ok(Path(name)) = name else { return bad_id("agent") };
    let asked = match asked(name, query.as_deref()) {
        Ok(asked) => asked,
        Err(refused) => return *refused,
    };
    let listed = match engine.facts(asked.clone()).await {
        Ok(Ok(listed)) => listed,
        Ok(Err(error)) => return refused(&error),
        Err(why) => return unanswered(why),
    };
    let next = listed.next.as_ref().map(|next| path(&asked, Some(next)));
    leading_to(next, Json(listed))
}

/// The page of an agent.
pub(super) async fn page(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    name: Result<Path<Id>, PathRejection>,
) -> Response {
    let Ok(Path(name)) = name else { return bad_id("agent") };
    let (snapshot, visitor) = (shared.engine.snapshot(), visitor(&shared, &caller));
    let listed = match shared.engine.facts(FactsQuery::of(name)).await {
        Ok(Ok(listed)) => listed,
        // It has pushed, so it stands on the page at / and has one too; of what it tells nothing is kept.
        Ok(Err(FactsError::NoAgent { agent, .. })) if snapshot.agents.contains_key(&agent) => {
            FactList { agent, told: Vec::new(), next: None }
        }
        Ok(Err(error)) => return refused(&error),
        Err(why) => return unanswered(why),
    };
    html(StatusCode::OK, agent::render(&snapshot, &listed, &visitor))
}

/// Where what is asked for is, from `after` on.
pub fn path(asked: &FactsQuery, after: Option<&str>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (key, at) in [("from", asked.from), ("to", asked.to)] {
        if let Some(at) = at {
            query.append_pair(key, &at.as_ms().to_string());
        }
    }
    query.append_pair("limit", &asked.limit.to_string());
    if let Some(after) = after {
        query.append_pair("after", after);
    }
    format!("/api/v1/agents/{}/facts?{}", asked.agent, query.finish())
}

fn refused(error: &FactsError) -> Response {
    match error {
        FactsError::NoAgent { .. } => problem(StatusCode::NOT_FOUND, "no-such-agent", &format!("{error}."), None),
        FactsError::Engine(_) => {
            tracing::error!(%error, "what an agent told could not be given");
            let detail = "What the agent told could not be read; the log of the collector says why.";
            problem(StatusCode::INTERNAL_SERVER_ERROR, "facts", detail, None)
        }
    }
}

fn asked(agent: Id, query: Option<&str>) -> Result<FactsQuery, Box<Response>> {
    let asked = Asked::read(query, &["from", "to", "limit", "after"])?;
    let instant = "an instant such as 2026-03-01T00:00:00Z, or milliseconds since 1970";
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    let limit = |text: &str| digits(text).filter(|limit| (1..=PAGE_MAX).contains(limit));
    Ok(FactsQuery {
        from: asked.get("from", instant, Instant::parse)?,
        to: asked.get("to", instant, Instant::parse)?,
        after: asked.get("after", "what `next` said", After::parse)?,
        limit: asked.get("limit", &format!("a number from 1 to {PAGE_MAX}"), limit)?.unwrap_or(PAGE_DEFAULT),
        ..FactsQuery::of(agent)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_read_and_the_next_page_is_asked_for_alike() {
        let zurich = || Id::new("zurich-1").unwrap();
        let key = format!("7a75726963682d3100{}", "80".repeat(32));
        let query = format!("from=2026-03-01T00:00:00Z&to=1773100800000&limit=7&after={key}");
        let read = asked(zurich(), Some(&query)).unwrap();
        assert_eq!((read.limit, read.to), (7, Some(Instant::from_ms(1_773_100_800_000))));
        assert!(read.after.is_some());
        let again = path(&read, Some(&key));
        assert_eq!(asked(zurich(), again.split_once('?').map(|(_, query)| query)).unwrap(), read);
        assert_eq!(asked(zurich(), None).unwrap(), FactsQuery::of(zurich()));
        for bad in ["limit=0", "limit=1001", "after=7", "from=x", "at=1", "to=1&to=1"] {
            assert!(asked(zurich(), Some(bad)).is_err(), "{bad}");
        }
    }
}
