//! Small bodies of requests: JSON for programs, forms for pages. Each is read under a bound and a deadline.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Bytes;
use serde::de::DeserializeOwned;

use super::problem::problem;

/// Most bytes of a small body.
const BYTES_MAX: usize = 64 * 1024;
/// How long it may take to arrive.
const TIME_MAX: Duration = Duration::from_secs(15);

/// The JSON in a body.
pub(super) async fn json<T: DeserializeOwned>(headers: &HeaderMap, body: Body) -> Result<T, Box<Response>> {
    expect_type(headers, "application/json")?;
    let bytes = read(body).await?;
    serde_json::from_slice(&bytes).map_err(|error| {
        let detail = format!("The body is not understood: {error}.");
        refused(StatusCode::BAD_REQUEST, "unsound-json", &detail)
    })
}

/// The fields of a form; of a field that is there twice the last one counts.
pub(super) async fn form(headers: &HeaderMap, body: Body) -> Result<BTreeMap<String, String>, Box<Response>> {
    expect_type(headers, "application/x-www-form-urlencoded")?;
    Ok(url::form_urlencoded::parse(&read(body).await?).into_owned().collect())
}

/// Whether the body is of this content type, whatever parameters it has.
pub(super) fn expect_type(headers: &HeaderMap, expected: &str) -> Result<(), Box<Response>> {
    let sent = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = sent.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case(expected) {
        return Ok(());
    }
    let detail = format!("The body must be {expected}, as the header Content-Type says.");
    Err(refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, "wrong-content-type", &detail))
}

async fn read(body: Body) -> Result<Bytes, Box<Response>> {
    match tokio::time::timeout(TIME_MAX, Limited::new(body, BYTES_MAX).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            let detail = format!("This body has at most {BYTES_MAX} bytes.");
            Err(refused(StatusCode::PAYLOAD_TOO_LARGE, "too-large", &detail))
        }
        Ok(Err(_)) => Err(refused(StatusCode::BAD_REQUEST, "unsound-body", "The body ended too early.")),
        Err(_) => Err(refused(StatusCode::REQUEST_TIMEOUT, "too-slow", "The body did not arrive in time.")),
    }
}

fn refused(status: StatusCode, word: &str, detail: &str) -> Box<Response> {
    Box::new(problem(status, word, detail, None))
}
