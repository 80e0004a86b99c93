//! Revisions of closed windows over HTTP: `GET /api/v1/services/{id}/revisions`, a page at a time.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use uphold_common::catalogue::model::WindowKind;
use uphold_common::ids::{Id, TargetId};
use uphold_common::time::Instant;
use url::form_urlencoded;

use super::lists::{bad_id, leading_to};
use super::problem::{problem, unanswered};
use super::query::Asked;
use crate::engine::handle::EngineHandle;
use crate::engine::revised::{After, PAGE_DEFAULT, PAGE_MAX, RevisionsError, RevisionsQuery};
use crate::revisions::key::number_of;

/// The kinds of windows that close, as they are asked for.
pub const CLOSING: &str = "day, week, month, quarter or year";

/// The kind of window that this says, if it is one that closes.
pub fn closing(text: &str) -> Option<WindowKind> {
    WindowKind::parse(text).filter(|kind| number_of(*kind).is_some())
}

/// The revisions of a service: `?target=sla/availability&window=month&at=INSTANT&limit=100&after=…`, all optional.
pub(super) async fn list(
    State(engine): State<EngineHandle>,
    service: Result<Path<Id>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Response {
    let Ok(Path(service)) = service else { return bad_id("service") };
    let asked = match asked(service, query.as_deref()) {
        Ok(asked) => asked,
        Err(refused) => return *refused,
    };
    let listed = match engine.revisions(asked.clone()).await {
        Ok(Ok(listed)) => listed,
        Ok(Err(error)) => return refused(&error),
        Err(why) => return unanswered(why),
    };
    let next = listed.next.as_ref().map(|next| path(&asked, Some(next)));
    leading_to(next, Json(listed))
}

/// Where the revisions that are asked for are, from `after` on.
pub fn path(asked: &RevisionsQuery, after: Option<&str>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    if let Some(target) = &asked.target {
        query.append_pair("target", &target.to_string());
    }
    if let Some(window) = asked.window {
        query.append_pair("window", &window.text());
    }
    if let Some(at) = asked.at {
        query.append_pair("at", &at.as_ms().to_string());
    }
    query.append_pair("limit", &asked.limit.to_string());
    if let Some(after) = after {
        query.append_pair("after", after);
    }
    format!("/api/v1/services/{}/revisions?{}", asked.service, query.finish())
}

/// The problem when there are no revisions.
pub(super) fn refused(error: &RevisionsError) -> Response {
    match error {
        RevisionsError::NoService { .. } => {
            problem(StatusCode::NOT_FOUND, "no-such-service", &format!("{error}."), None)
        }
        RevisionsError::NoTarget { .. } => problem(StatusCode::NOT_FOUND, "no-such-target", &format!("{error}."), None),
        RevisionsError::Engine(_) => {
            tracing::error!(%error, "revisions could not be given");
            let detail = "The revisions could not be read; the log of the collector says why.";
            problem(StatusCode::INTERNAL_SERVER_ERROR, "revisions", detail, None)
        }
    }
}

fn asked(service: Id, query: Option<&str>) -> Result<RevisionsQuery, Box<Response>> {
    let asked = Asked::read(query, &["target", "window", "at", "limit", "after"])?;
    let instant = "an instant such as 2026-03-01T00:00:00Z, or milliseconds since 1970";
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    let limit = |text: &str| digits(text).filter(|limit| (1..=PAGE_MAX).contains(limit));
    Ok(RevisionsQuery {
        target: asked.get("target", "a target such as sla/availability", |text| text.parse::<TargetId>().ok())?,
        window: asked.get("window", CLOSING, closing)?,
        at: asked.get("at", instant, Instant::parse)?,
        after: asked.get("after", "what `next` said", After::parse)?,
        limit: asked.get("limit", &format!("a number from 1 to {PAGE_MAX}"), limit)?.unwrap_or(PAGE_DEFAULT),
        ..RevisionsQuery::of(service)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_read_and_the_next_page_is_asked_for_alike() {
        let shop = || Id::new("shop").unwrap();
        let key = "736c612f6461790080000000000000000100000001";
        let query = format!("target=sla%2Fday&window=day&at=2026-03-01T00:00:00Z&limit=7&after={key}");
        let read = asked(shop(), Some(&query)).unwrap();
        assert_eq!((read.window, read.limit, read.newest), (Some(WindowKind::Day), 7, false));
        let again = path(&read, Some(key));
        assert_eq!(asked(shop(), again.split_once('?').map(|(_, query)| query)).unwrap(), read);
        assert_eq!(asked(shop(), None).unwrap(), RevisionsQuery::of(shop()));
        for bad in ["window=30d", "window=stretch", "target=day", "limit=0", "limit=1001", "after=7", "at=x", "to=1"] {
            assert!(asked(shop(), Some(bad)).is_err(), "{bad}");
        }
    }
}
