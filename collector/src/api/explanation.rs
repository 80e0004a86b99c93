//! What a figure is made of: `GET /api/v1/services/{id}/explanation?target=AGREEMENT/TARGET`, with what the figures take and
//! `figure=contractual|without_exclusions|experienced`.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use uphold_common::explain::document::WhichFigure;
use uphold_common::ids::{Id, TargetId};

use super::lists::{bad_id, over_asked};
use super::problem::{no_figures, problem, unanswered};
use super::query::Asked;
use crate::engine::explain::ExplainQuery;
use crate::engine::handle::EngineHandle;

/// What is expected of a target.
const TARGET: &str = "a target of the service, such as shop-sla/availability";

/// What a figure of a service is made of.
pub(super) async fn explanation(
    State(engine): State<EngineHandle>,
    service: Result<Path<Id>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Response {
    let Ok(Path(service)) = service else { return bad_id("service") };
    let asked = match explanation_asked(service, query.as_deref()) {
        Ok(asked) => asked,
        Err(refused) => return *refused,
    };
    match engine.explain(asked).await {
        Ok(Ok(body)) => ([(CONTENT_TYPE, "application/json")], body).into_response(),
        Ok(Err(error)) => no_figures(&error),
        Err(why) => unanswered(why),
    }
}

fn explanation_asked(service: Id, query: Option<&str>) -> Result<ExplainQuery, Box<Response>> {
    let asked = Asked::read(query, &["target", "figure", "window", "at", "as_of", "from", "to"])?;
    let target = asked.get("target", TARGET, |text| TargetId::try_from(text.to_owned()).ok())?;
    let Some(target) = target else {
        let detail = format!("target: expected {TARGET}.");
        return Err(Box::new(problem(StatusCode::BAD_REQUEST, "bad-parameter", &detail, None)));
    };
    let which = asked.word("figure", &WhichFigure::WORDS)?.unwrap_or_default();
    Ok(ExplainQuery { figures: over_asked(service, &asked, false)?, target, which })
}
