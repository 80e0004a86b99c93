//! `/probe?target=&module=`, as Prometheus asks `blackbox_exporter`.
//!
//! It is there only where the configuration names modules, and goes only where the host lets its agent go. A page in a
//! browser may not ask: it would look around in the agent's network for whoever made it.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, ORIGIN};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use url::form_urlencoded;

use crate::blackbox::{Blackbox, Refusal, Request};
use crate::clock::Clock;
use crate::metrics::Metrics;

/// In which a Prometheus says how long it waits.
const WAITS: HeaderName = HeaderName::from_static("x-prometheus-scrape-timeout-seconds");
/// In which browsers say who made a request.
const MADE_BY: HeaderName = HeaderName::from_static("sec-fetch-site");

#[derive(Clone)]
struct Asked {
    blackbox: Arc<Blackbox>,
    clock: Arc<Clock>,
    metrics: Arc<Metrics>,
}

/// The route of those who ask.
pub fn routes(blackbox: Arc<Blackbox>, clock: Arc<Clock>, metrics: Arc<Metrics>) -> Router {
    Router::new().route("/probe", get(answer)).with_state(Asked { blackbox, clock, metrics })
}

async fn answer(State(asked): State<Asked>, headers: HeaderMap, uri: Uri) -> Response {
    let request = request(&headers, uri.query().unwrap_or_default());
    let answered = match request {
        Ok(request) => asked.blackbox.answer(&request, asked.clock.now()).await,
        Err(refusal) => Err(refusal),
    };
    let (result, response) = match answered {
        Ok(text) => ("probed", ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()),
        Err(Refusal::Wrong(why)) => ("wrong", said(StatusCode::BAD_REQUEST, &why)),
        Err(Refusal::NotUnderstood(why)) => ("wrong", said(StatusCode::INTERNAL_SERVER_ERROR, &why)),
        Err(Refusal::NotTried(why)) => ("refused", said(StatusCode::FORBIDDEN, &why)),
        Err(Refusal::Busy) => ("busy", said(StatusCode::SERVICE_UNAVAILABLE, "too many probes are under way")),
    };
    asked.metrics.asked_to_probe(result);
    response
}

fn said(status: StatusCode, why: &str) -> Response {
    (status, format!("{why}\n")).into_response()
}

/// What a request asks for; of a parameter that is there twice the first counts, as it does there.
fn request(headers: &HeaderMap, query: &str) -> Result<Request, Refusal> {
    let made_by = headers.get(MADE_BY).map(HeaderValue::as_bytes);
    if headers.contains_key(ORIGIN) || made_by.is_some_and(|site| site != b"none" && site != b"same-origin") {
        return Err(Refusal::NotTried("a page in a browser cannot ask for probes".to_owned()));
    }
    let first = |name: &str| {
        let found = form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name);
        found.map(|(_, value)| value.into_owned()).unwrap_or_default()
    };
    if first("debug") == "true" {
        return Err(Refusal::Wrong("debug is not supported: uphold-agent probe tells what is seen".to_owned()));
    }
    let waits_s = headers.get(WAITS).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    Ok(Request { target: first("target"), module: first("module"), hostname: first("hostname"), waits_s })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_taken_apart() {
        let mut headers = HeaderMap::new();
        headers.insert(WAITS, HeaderValue::from_static("10"));
        let query = "target=https%3A%2F%2Fa.example%2F%3Fx&module=http_2xx&target=b&other=1&debug=false";
        let expected = Request {
            target: "https://a.example/?x".to_owned(),
            module: "http_2xx".to_owned(),
            hostname: String::new(),
            waits_s: Some("10".to_owned()),
        };
        assert_eq!(request(&headers, query), Ok(expected));
        assert_eq!(request(&HeaderMap::new(), ""), Ok(Request::default()));
        let told = request(&headers, "target=a&debug=true").unwrap_err();
        assert!(matches!(told, Refusal::Wrong(why) if why.contains("debug")));
    }

    #[test]
    fn pages_in_browsers_do_not_ask_and_people_do() {
        for (header, value, asks) in [
            (MADE_BY, "none", true),
            (MADE_BY, "same-origin", true),
            (MADE_BY, "cross-site", false),
            (MADE_BY, "same-site", false),
            (ORIGIN, "http://a.example", false),
        ] {
            let headers = HeaderMap::from_iter([(header.clone(), HeaderValue::from_static(value))]);
            assert_eq!(request(&headers, "target=a").is_ok(), asks, "{header}: {value}");
        }
    }
}
