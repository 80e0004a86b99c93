//! The pages of a service and of a host over HTTP: `GET /services/{id}` and `GET /hosts/{id}`, with `?days=7`.
//!
//! Each plot is one request to the engine, one after the other, so that pushes come in between.

use axum::Extension;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use uphold_common::ids::Id;
use uphold_common::yaml::words;

use super::lists::bad_id;
use super::pages::{html, visitor};
use super::problem::{no_figures, problem, unanswered};
use super::query::Asked;
use super::{Shared, revisions, rollups};
use crate::access::caller::Caller;
use crate::engine::query::QueryError;
use crate::engine::revised::RevisionsQuery;
use crate::page::history::{About, Wanted, render};
use crate::page::plot::{DAYS_DEFAULT, DAYS_MAX, Span};
use crate::revisions::model::Revision;
use crate::revisions::register::RECENT_MAX;
use crate::snapshot::Snapshot;

/// The page of a service.
pub(super) async fn service(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    id: Result<Path<Id>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Response {
    let Ok(Path(id)) = id else { return bad_id("service") };
    let snapshot = shared.engine.snapshot();
    let Some(service) = snapshot.catalogue.services.get(&id) else {
        let hint = words::did_you_mean(id.as_str(), snapshot.catalogue.services.keys().map(Id::as_str));
        return no_figures(&QueryError::NoService { service: id, hint });
    };
    let wanted = Wanted::of_service(service);
    show(&shared, &caller, &snapshot, About::Service(service), &wanted, query.as_deref()).await
}

/// The page of a host.
pub(super) async fn host(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    id: Result<Path<Id>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Response {
    let Ok(Path(id)) = id else { return bad_id("host") };
    let snapshot = shared.engine.snapshot();
    if !snapshot.catalogue.hosts.contains_key(&id) {
        let hint = words::did_you_mean(id.as_str(), snapshot.catalogue.hosts.keys().map(Id::as_str));
        return problem(StatusCode::NOT_FOUND, "no-such-host", &format!("There is no host {id}{hint}."), None);
    }
    let wanted = match shared.engine.measured(id.clone()).await {
        Ok(measured) => Wanted::of_host(&snapshot, measured),
        Err(why) => return unanswered(why),
    };
    show(&shared, &caller, &snapshot, About::Host(&id), &wanted, query.as_deref()).await
}

async fn show(
    shared: &Shared,
    caller: &Caller,
    snapshot: &Snapshot,
    about: About<'_>,
    wanted: &Wanted,
    query: Option<&str>,
) -> Response {
    let days = match days(query) {
        Ok(days) => days,
        Err(refused) => return *refused,
    };
    let span = Span::of(days, snapshot.as_of);
    let mut hours = Vec::with_capacity(wanted.streams.len());
    for of in &wanted.streams {
        match rollups::read(&shared.engine, of.clone(), span.interval()).await {
            Ok(read) => hours.push(read),
            Err(refused) => return *refused,
        }
    }
    let revised = match newest_revisions(shared, about).await {
        Ok(revised) => revised,
        Err(refused) => return *refused,
    };
    html(StatusCode::OK, render(snapshot, about, &span, wanted, &hours, &revised, &visitor(shared, caller)))
}

/// The revisions of a service that were issued last.
async fn newest_revisions(shared: &Shared, about: About<'_>) -> Result<Vec<Revision>, Box<Response>> {
    let About::Service(service) = about else { return Ok(Vec::new()) };
    let newest = RevisionsQuery { newest: true, limit: RECENT_MAX, ..RevisionsQuery::of(service.id.clone()) };
    match shared.engine.revisions(newest).await {
        Ok(Ok(list)) => Ok(list.revisions),
        Ok(Err(error)) => Err(Box::new(revisions::refused(&error))),
        Err(why) => Err(Box::new(unanswered(why))),
    }
}

/// How many days are asked for.
fn days(query: Option<&str>) -> Result<u16, Box<Response>> {
    let sound = |text: &str| text.parse().ok().filter(|days| (1..=DAYS_MAX).contains(days));
    let expected = format!("a whole number of days from 1 to {DAYS_MAX}");
    Ok(Asked::read(query, &["days"])?.get("days", &expected, sound)?.unwrap_or(DAYS_DEFAULT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_days_are_shown_as_are_asked_for_and_there_is_a_most() {
        for (query, expected) in [
            (None, Some(7)),
            (Some(""), Some(7)),
            (Some("days=1"), Some(1)),
            (Some("days=31"), Some(31)),
            (Some("days=32"), None),
            (Some("days=0"), None),
            (Some("days=-1"), None),
            (Some("days=x"), None),
            (Some("day=7"), None),
        ] {
            assert_eq!(days(query).ok(), expected, "{query:?}");
        }
    }
}
