//! What each hour of a vantage point comes to: `GET /api/v1/rollups`, for graphs.
//!
//! An hour without attempts is not in the answer, so that whoever draws it shows a gap. The answer is bounded by
//! [`HOURS_MAX`], whatever is asked for.

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use uphold_common::ids::{Id, PathId, VantagePoint};
use uphold_common::time::{DAY_MS, Instant, Interval};
use utoipa::ToSchema;

use super::problem::{problem, unanswered};
use super::query::Asked;
use crate::engine::handle::EngineHandle;
use crate::store::{Hours, ProbeHour, StreamId};

/// Most hours that are answered at once: 400 days.
pub(super) const HOURS_MAX: i64 = 9_600;
const HOUR_MS: i64 = 3_600_000;
/// How long before its end the stretch begins when nothing is said of that.
const DEFAULT_MS: i64 = 7 * DAY_MS;

/// How long the attempts of an hour took that have a duration. Percentiles are nearest-rank and exact.
#[derive(Serialize, ToSchema)]
pub(super) struct HourDurations {
    count: u64,
    sum_us: u64,
    min_us: u64,
    p50_us: u64,
    p95_us: u64,
    max_us: u64,
}

/// What an hour comes to: the attempts by outcome, and how long they took.
#[derive(Serialize, ToSchema)]
pub(super) struct ProbeHourView {
    start_ms: Instant,
    up: u64,
    degraded: u64,
    down: u64,
    unknown: u64,
    durations: Option<HourDurations>,
}

/// The hours of a probe as one agent saw it that have attempts, in their order.
#[derive(Serialize, ToSchema)]
pub(super) struct ProbeHours {
    probe: PathId,
    agent: Id,
    from_ms: Instant,
    to_ms: Instant,
    hours: Vec<ProbeHourView>,
}

impl ProbeHourView {
    fn of(hour: &ProbeHour) -> Self {
        let ProbeHour { start, up, degraded, down, unknown, durations } = *hour;
        let durations = durations.map(|of| HourDurations {
            count: of.count,
            sum_us: of.sum_us,
            min_us: of.min_us,
            p50_us: of.p50_us,
            p95_us: of.p95_us,
            max_us: of.max_us,
        });
        Self { start_ms: start, up, degraded, down, unknown, durations }
    }
}

/// The roll-ups of a vantage point: `?probe=SERVICE/PROBE&agent=AGENT&from=INSTANT&to=INSTANT`.
pub(super) async fn hours(State(engine): State<EngineHandle>, RawQuery(query): RawQuery) -> Response {
    let (VantagePoint { probe, agent }, span) = match asked(query.as_deref(), engine.snapshot().as_of) {
        Ok(asked) => asked,
        Err(refused) => return *refused,
    };
    let of = StreamId::Probe(VantagePoint { probe: probe.clone(), agent: agent.clone() });
    let hours = match engine.rollups(of, span).await {
        Ok(Ok(Hours::Probe(hours))) => hours.iter().map(ProbeHourView::of).collect(),
        Ok(Ok(_)) => Vec::new(),
        Ok(Err(error)) => {
            tracing::error!(%error, "roll-ups could not be read");
            let detail = "The roll-ups could not be read; the log of the collector says why.";
            return problem(StatusCode::INTERNAL_SERVER_ERROR, "rollups", detail, None);
        }
        Err(why) => return unanswered(why),
    };
    Json(ProbeHours { probe, agent, from_ms: span.start, to_ms: span.end, hours }).into_response()
}

/// Of whom, and over which stretch, whose first hour is asked for as a whole.
fn asked(query: Option<&str>, newest: Instant) -> Result<(VantagePoint, Interval), Box<Response>> {
    let asked = Asked::read(query, &["probe", "agent", "from", "to"])?;
    let (probe, agent) = ("a service and its probe, such as shop/web", "an agent, such as zurich-1");
    let instant = "an instant such as 2026-03-01T00:00:00Z, or milliseconds since 1970";
    let missing = |name: &str, expected: &str| Box::new(bad(&format!("{name}: expected {expected}; it is missing.")));
    let from = VantagePoint {
        probe: asked.get("probe", probe, |text| text.parse().ok())?.ok_or_else(|| missing("probe", probe))?,
        agent: asked.get("agent", agent, |text| text.parse().ok())?.ok_or_else(|| missing("agent", agent))?,
    };
    let end = asked.get("to", instant, Instant::parse)?.unwrap_or(newest);
    let begin = asked.get("from", instant, Instant::parse)?.unwrap_or_else(|| end.minus_ms(DEFAULT_MS));
    let start = Instant::from_ms(begin.as_ms().div_euclid(HOUR_MS) * HOUR_MS);
    if begin > end {
        return Err(Box::new(bad("from: expected an instant before to.")));
    }
    if end.since_ms(start) > HOURS_MAX * HOUR_MS {
        let detail = format!("from: expected at most {HOURS_MAX} hours before to.");
        return Err(Box::new(bad(&detail)));
    }
    Ok((from, Interval::new(start, end)))
}

fn bad(detail: &str) -> Response {
    problem(StatusCode::BAD_REQUEST, "bad-parameter", detail, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_is_whole_hours_at_its_beginning_and_bounded() {
        let newest = Instant::from_ms(100 * DAY_MS + 5);
        let span = |query: &str| {
            let (_, span) = asked(Some(&format!("probe=shop/web&agent=a{query}")), newest).ok()?;
            Some((span.start.as_ms(), span.end.as_ms()))
        };
        let (end, most) = (100 * DAY_MS + 5, HOURS_MAX * HOUR_MS);
        for (query, expected) in [
            (String::new(), Some((93 * DAY_MS, end))),
            (format!("&from={}", HOUR_MS + 7), Some((HOUR_MS, end))),
            (format!("&to={}", 8 * DAY_MS), Some((DAY_MS, 8 * DAY_MS))),
            (format!("&from=0&to={most}"), Some((0, most))),
            (format!("&from=0&to={}", most + 1), None),
            ("&from=7&to=7".to_owned(), Some((0, 7))),
            ("&from=8&to=7".to_owned(), None),
            ("&from=x".to_owned(), None),
            ("&probe=shop/web".to_owned(), None),
        ] {
            assert_eq!(span(&query), expected, "{query}");
        }
        for query in ["", "probe=shop/web", "agent=a", "probe=shop&agent=a", "probe=shop/web&agent=A"] {
            assert!(asked(Some(query), newest).is_err(), "{query}");
        }
    }
}
