//! What each hour of a vantage point, a resource or a flow comes to: `GET /api/v1/rollups`, for graphs.
//!
//! An hour in which nothing was measured is not in the answer, so that whoever draws it shows a gap. The answer is bounded
//! by [`HOURS_MAX`], whatever is asked for.

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use uphold_common::ids::{Id, VantagePoint};
use uphold_common::observation::{Flow, FlowId, Resource, ResourceId, Which};
use uphold_common::time::{DAY_MS, Instant, Interval};
use uphold_common::wire::OF_BYTES_MAX;

use super::hours::HoursView;
use super::problem::{problem, unanswered};
use super::query::Asked;
use crate::engine::handle::EngineHandle;
use crate::store::{Hours, StreamId};

/// Most hours that are answered at once: 400 days.
pub(super) const HOURS_MAX: i64 = 9_600;
const HOUR_MS: i64 = 3_600_000;
/// How long before its end the stretch begins when nothing is said of that.
const DEFAULT_MS: i64 = 7 * DAY_MS;

/// What is asked about one of these is said with what follows it.
const KINDS: [(&str, &[&str]); 3] = [("probe", &["agent"]), ("resource", &["host", "of"]), ("flow", &["host", "of"])];

/// The roll-ups of a vantage point, a resource or a flow: `?probe=SERVICE/PROBE&agent=AGENT`,
/// `?host=HOST&resource=filesystem&of=/var` or `?host=HOST&flow=network_received&of=eth0`, each with
/// `&from=INSTANT&to=INSTANT`.
pub(super) async fn hours(State(engine): State<EngineHandle>, RawQuery(query): RawQuery) -> Response {
    let (of, span) = match asked(query.as_deref(), engine.snapshot().as_of) {
        Ok(asked) => asked,
        Err(refused) => return *refused,
    };
    match read(&engine, of.clone(), span).await {
        Ok(hours) => Json(HoursView::of(of, span, &hours)).into_response(),
        Err(refused) => *refused,
    }
}

/// The roll-ups of a stream, or the problem when there is no answer.
pub(super) async fn read(engine: &EngineHandle, of: StreamId, span: Interval) -> Result<Hours, Box<Response>> {
    match engine.rollups(of, span).await {
        Ok(Ok(hours)) => Ok(hours),
        Ok(Err(error)) => {
            tracing::error!(%error, "roll-ups could not be read");
            let detail = "The roll-ups could not be read; the log of the collector says why.";
            Err(Box::new(problem(StatusCode::INTERNAL_SERVER_ERROR, "rollups", detail, None)))
        }
        Err(why) => Err(Box::new(unanswered(why))),
    }
}

/// Of what, and over which stretch, whose first hour is asked for as a whole.
fn asked(query: Option<&str>, newest: Instant) -> Result<(StreamId, Interval), Box<Response>> {
    let asked = Asked::read(query, &["probe", "agent", "host", "resource", "flow", "of", "from", "to"])?;
    let of = stream(&asked)?;
    let instant = "an instant such as 2026-03-01T00:00:00Z, or milliseconds since 1970";
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
    Ok((of, Interval::new(start, end)))
}

/// Of what: exactly one of a probe, a resource and a flow, and nothing that goes with another.
pub(super) fn stream(asked: &Asked) -> Result<StreamId, Box<Response>> {
    let mut said = KINDS.iter().filter(|(kind, _)| asked.says(kind));
    let (Some((kind, with)), None) = (said.next(), said.next()) else {
        return Err(Box::new(bad("Expected exactly one of probe, resource and flow.")));
    };
    for name in ["agent", "host", "of"] {
        if asked.says(name) && !with.contains(&name) {
            let detail = format!("{name}: expected only {} beside {kind}.", with.join(" and "));
            return Err(Box::new(bad(&detail)));
        }
    }
    let of = |which: Which| {
        let expected = match which {
            Which::Whole => "which one of them".to_owned(),
            Which::Each(what, such_as) => format!("{what}, such as {such_as}"),
            Which::Among(_) => which.expected().unwrap_or_default(),
        };
        let bounded = |text: &str| (text.len() <= OF_BYTES_MAX).then(|| text.to_owned());
        let said = asked.get("of", &format!("{expected}, of at most {OF_BYTES_MAX} bytes"), bounded)?;
        match said.filter(|of| which.admits(of)) {
            None if which == Which::Whole => Ok(String::new()),
            said => needed("of", &expected, said),
        }
    };
    let id = |text: &str| text.parse::<Id>().ok();
    let (probe, agent) = ("a service and its probe, such as shop/web", "an agent, such as zurich-1");
    let host = "a host, such as web-1";
    let (resource, flow) = (asked.word("resource", &Resource::WORDS)?, asked.word("flow", &Flow::WORDS)?);
    if let Some(resource) = resource {
        let host = needed("host", host, asked.get("host", host, id)?)?;
        return Ok(StreamId::Capacity(ResourceId { host, resource, of: of(resource.which())? }));
    }
    if let Some(flow) = flow {
        let host = needed("host", host, asked.get("host", host, id)?)?;
        return Ok(StreamId::Volume(FlowId { host, flow, of: of(flow.which())? }));
    }
    Ok(StreamId::Probe(VantagePoint {
        probe: needed("probe", probe, asked.get("probe", probe, |text| text.parse().ok())?)?,
        agent: needed("agent", agent, asked.get("agent", agent, id)?)?,
    }))
}

fn needed<T>(name: &str, expected: &str, said: Option<T>) -> Result<T, Box<Response>> {
    said.ok_or_else(|| Box::new(bad(&format!("{name}: expected {expected}; it is missing."))))
}

fn bad(detail: &str) -> Response {
    problem(StatusCode::BAD_REQUEST, "bad-parameter", detail, None)
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    const NEWEST: Instant = Instant::from_ms(100 * DAY_MS + 5);

    #[test]
    fn a_stretch_is_whole_hours_at_its_beginning_and_bounded() {
        let span = |query: &str| {
            let (_, span) = asked(Some(&format!("probe=shop/web&agent=a{query}")), NEWEST).ok()?;
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
    }

    #[test]
    fn one_stream_is_asked_for() {
        let id = |text: &str| Id::new(text).unwrap();
        let resource =
            |resource, of: &str| StreamId::Capacity(ResourceId { host: id("web-1"), resource, of: of.to_owned() });
        let flow = |flow, of: &str| StreamId::Volume(FlowId { host: id("web-1"), flow, of: of.to_owned() });
        let probe = StreamId::Probe(VantagePoint { probe: "shop/web".parse().unwrap(), agent: id("a") });
        for (query, expected) in [
            ("probe=shop/web&agent=a", probe),
            ("host=web-1&resource=cpu", resource(Resource::Cpu, "")),
            ("host=web-1&resource=swap&of=", resource(Resource::Swap, "")),
            ("host=web-1&resource=filesystem&of=/var", resource(Resource::Filesystem, "/var")),
            ("host=web-1&resource=memory_pressure&of=full", resource(Resource::MemoryPressure, "full")),
            ("of=eth0&flow=network_sent&host=web-1", flow(Flow::NetworkSent, "eth0")),
            ("flow=load&host=web-1", flow(Flow::Load, "")),
        ] {
            assert_eq!(asked(Some(query), NEWEST).map(|(of, _)| of).map_err(|_| ()), Ok(expected), "{query}");
        }
    }

    #[tokio::test]
    async fn whatever_else_is_refused_with_what_was_expected() {
        let long = format!("host=a&resource=filesystem&of={}", "x".repeat(OF_BYTES_MAX + 1));
        for (query, expected) in [
            ("", "Expected exactly one of probe, resource and flow."),
            ("agent=a", "Expected exactly one of probe, resource and flow."),
            ("host=a&of=/var", "Expected exactly one of probe, resource and flow."),
            ("host=a&resource=cpu&flow=network_sent", "Expected exactly one of probe, resource and flow."),
            ("probe=shop/web", "agent: expected an agent, such as zurich-1; it is missing."),
            ("probe=shop&agent=a", "probe: expected a service and its probe, such as shop/web."),
            ("probe=shop/web&agent=A", "agent: expected an agent, such as zurich-1."),
            ("probe=shop/web&agent=a&host=a", "host: expected only agent beside probe."),
            ("resource=cpu", "host: expected a host, such as web-1; it is missing."),
            ("resource=cpu&host=A", "host: expected a host, such as web-1."),
            ("resource=cpu&host=a&agent=a", "agent: expected only host and of beside resource."),
            ("resource=filesytem&host=a&of=/", "resource: expected \"cpu\", \"memory\", \"swap\", "),
            ("resource=memory_pressure&host=a", "of: expected \"some\" or \"full\"; it is missing."),
            ("resource=memory_pressure&host=a&of=ful", "of: expected \"some\" or \"full\"; it is missing."),
            ("resource=filesystem&host=a", "of: expected a mount, such as /var; it is missing."),
            ("resource=filesystem&host=a&of=", "of: expected a mount, such as /var; it is missing."),
            (long.as_str(), "of: expected a mount, such as /var, of at most "),
            ("flow=network_recieved&host=a&of=eth0", "flow: expected \"network_received\", \"network_sent\", "),
            ("flow=network_sent&host=a", "of: expected an interface, such as eth0; it is missing."),
            ("flow=network_sent&hots=a&of=eth0", "There is no parameter \"hots\" (did you mean \"host\"?)."),
        ] {
            let refused = asked(Some(query), NEWEST).expect_err(query);
            assert_eq!(refused.status(), StatusCode::BAD_REQUEST, "{query}");
            let body = refused.into_body().collect().await.unwrap().to_bytes();
            let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.starts_with(expected), "{query}: {detail}");
        }
    }
}
