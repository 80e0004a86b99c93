//! Small bodies of requests: JSON for programs, forms for pages. Each is read under a bound and a deadline.

use std::collections::BTreeMap;

use axum::Extension;
use axum::body::Body;
use axum::extract::rejection::ExtensionRejection;
use axum::extract::{FromRequest, FromRequestParts as _, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::de::DeserializeOwned;

use super::problem::problem;
use crate::limits::Limit;
use crate::listen::Listening;
use crate::listen::budget::{NotReceived, Received};

/// Most bytes of a small body.
const BYTES_MAX: usize = 64 * 1024;

/// A body that is yet to be read, and what has to be known for that.
pub(super) struct Sent {
    listening: Listening,
    headers: HeaderMap,
    body: Body,
}

impl<S: Send + Sync> FromRequest<S> for Sent {
    type Rejection = ExtensionRejection;

    async fn from_request(request: Request, state: &S) -> Result<Self, ExtensionRejection> {
        let (mut parts, body) = request.into_parts();
        let Extension(listening) = Extension::from_request_parts(&mut parts, state).await?;
        Ok(Self { listening, headers: parts.headers, body })
    }
}

/// The JSON in a body.
pub(super) async fn json<T: DeserializeOwned>(sent: Sent) -> Result<T, Box<Response>> {
    expect_type(&sent.headers, "application/json")?;
    let received = read(&sent.listening, sent.body, BYTES_MAX).await?;
    serde_json::from_slice(&received.bytes).map_err(|error| {
        let detail = format!("The body is not understood: {error}.");
        Box::new(problem_of(StatusCode::BAD_REQUEST, "unsound-json", &detail))
    })
}

/// The fields of a form; of a field that is there twice the last one counts.
pub(super) async fn form(sent: Sent) -> Result<BTreeMap<String, String>, Box<Response>> {
    expect_type(&sent.headers, "application/x-www-form-urlencoded")?;
    Ok(url::form_urlencoded::parse(&read(&sent.listening, sent.body, BYTES_MAX).await?.bytes).into_owned().collect())
}

/// Whether the body is of this content type, whatever parameters it has.
pub(super) fn expect_type(headers: &HeaderMap, expected: &str) -> Result<(), Box<Response>> {
    let sent = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = sent.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case(expected) {
        return Ok(());
    }
    let detail = format!("The body must be {expected}, as the header Content-Type says.");
    Err(Box::new(problem_of(StatusCode::UNSUPPORTED_MEDIA_TYPE, "wrong-content-type", &detail)))
}

/// A body of at most so many bytes, or the problem that says why it did not come.
pub(super) async fn read(listening: &Listening, body: Body, bytes_max: usize) -> Result<Received, Box<Response>> {
    let received = listening.bodies.receive(body, bytes_max, listening.limits().time(Limit::BodyTime)).await;
    let refused = |why| match why {
        NotReceived::TooLarge => {
            let detail = format!("This body has at most {bytes_max} bytes.");
            problem_of(StatusCode::PAYLOAD_TOO_LARGE, "too-large", &detail)
        }
        NotReceived::TooSlow => {
            listening.limiter.reached(Limit::BodyTime);
            problem_of(StatusCode::REQUEST_TIMEOUT, "too-slow", "The body did not arrive in time.")
        }
        NotReceived::Cut => problem_of(StatusCode::BAD_REQUEST, "unsound-body", "The body ended too early."),
        NotReceived::NoRoom => {
            listening.limiter.reached(Limit::BodiesInMemory);
            let detail = "All bodies together hold as much memory as they may.";
            problem(StatusCode::SERVICE_UNAVAILABLE, "busy", detail, Some(1))
        }
    };
    received.map_err(|why| Box::new(refused(why)))
}

fn problem_of(status: StatusCode, word: &str, detail: &str) -> Response {
    problem(status, word, detail, None)
}
