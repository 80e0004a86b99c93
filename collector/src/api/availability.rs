//! `GET /api/v1/availability`: several services together, weighted by their users.

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use uphold_common::catalogue::model::WindowKind;
use uphold_common::ids::Id;
use uphold_common::measure::weighted::Measured;
use uphold_common::time::Instant;
use uphold_common::yaml::words;

use super::problem::{no_figures, problem, unanswered};
use super::query::Asked as Query;
use crate::engine::handle::EngineHandle;
use crate::engine::query::{BadStretch, Over, WINDOWS};
use crate::engine::weighted::{Asked, WINDOW_DEFAULT, added_up, needed};

/// `?customer=retail&window=month&at=INSTANT&as_of=INSTANT`, all optional; in place of `window` and `at`,
/// `from=INSTANT&to=INSTANT` is any stretch. Each target is one request to the engine, one after the other.
pub(super) async fn show(State(engine): State<EngineHandle>, RawQuery(query): RawQuery) -> Response {
    let snapshot = engine.snapshot();
    let catalogue = &snapshot.catalogue;
    let (customer, asked) = match read(query.as_deref(), snapshot.as_of) {
        Ok(read) => read,
        Err(refused) => return *refused,
    };
    if let Some(customer) = customer.as_ref().filter(|customer| !catalogue.customers.contains_key(*customer)) {
        let hint = words::did_you_mean(customer.as_str(), catalogue.customers.keys().map(Id::as_str));
        let detail = format!("There is no customer {customer}{hint}.");
        return problem(StatusCode::NOT_FOUND, "no-such-customer", &detail, None);
    }
    let mut measured = Measured::new();
    for target in needed(catalogue, customer.as_ref()) {
        match engine.availability(target.clone(), asked).await {
            Ok(Ok(found)) => measured.extend(found.map(|found| (target, found))),
            Ok(Err(error)) => return no_figures(&error),
            Err(why) => return unanswered(why),
        }
    }
    Json(added_up((catalogue, snapshot.catalogue_version), customer.as_ref(), asked, &measured)).into_response()
}

fn read(query: Option<&str>, newest: Instant) -> Result<(Option<Id>, Asked), Box<Response>> {
    let query = Query::read(query, &["customer", "window", "at", "as_of", "from", "to"])?;
    let instant = "an instant such as 2026-03-01T00:00:00Z, or milliseconds since 1970";
    let over = Over {
        window: query.get("window", WINDOWS, WindowKind::parse)?,
        at: query.get("at", instant, Instant::parse)?,
        from: query.get("from", instant, Instant::parse)?,
        to: query.get("to", instant, Instant::parse)?,
    };
    let bad = |why: BadStretch| Box::new(problem(StatusCode::BAD_REQUEST, "bad-parameter", &format!("{why}."), None));
    let window = over.window().map_err(bad)?.unwrap_or(WINDOW_DEFAULT);
    let as_of = query.get("as_of", instant, Instant::parse)?.unwrap_or(newest);
    let customer = query.get("customer", "the id of a customer", |text| Id::new(text).ok())?;
    Ok((customer, Asked { window, at: over.at.unwrap_or(as_of), as_of }))
}
