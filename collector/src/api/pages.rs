//! The pages over HTTP: what is shown, signing in and out, and where forms come from.
//!
//! A form brings along the word of its session, which only our own pages know; the guard has seen to it that the form
//! was sent by one of them. After a change the browser is sent back to the page, so that loading it again repeats
//! nothing.

use std::collections::BTreeMap;

use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};

use super::problem::problem;
use super::{Shared, body, nothing_here};
use crate::access::caller::{BadToken, Caller, holder};
use crate::access::session::AGE_MS_MAX;
use crate::access::{browser_speaks_tls, cookie_name, session_cookie};
use crate::clock;
use crate::identity::role::Right;
use crate::listen::Peer;
use crate::page::{self, Visitor};

/// The page at `/`.
pub(super) async fn overview(State(shared): State<Shared>, Extension(caller): Extension<Caller>) -> Response {
    html(StatusCode::OK, page::render(&shared.engine.snapshot(), &visitor(&shared, &caller)))
}

/// Style, script and icon.
pub(super) async fn asset(uri: Uri) -> Response {
    match page::asset(uri.path()) {
        Some((content_type, text)) => {
            ([(CONTENT_TYPE, content_type), (CACHE_CONTROL, "no-cache")], text).into_response()
        }
        None => nothing_here(uri).await,
    }
}

/// The page on which somebody signs in: `?next=/incidents/INC-7` says where to go afterwards.
pub(super) async fn sign_in(State(shared): State<Shared>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let mut fields = url::form_urlencoded::parse(query.as_bytes());
    let next = fields.find(|(key, _)| key == "next").map_or_else(String::new, |(_, next)| local(&next).to_owned());
    html(StatusCode::OK, sign_in_page(&shared, &next, None))
}

/// The form with the token.
pub(super) async fn signed_in(
    State(shared): State<Shared>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    sent: body::Sent,
) -> Response {
    let form = match body::form(sent).await {
        Ok(form) => form,
        Err(refused) => return *refused,
    };
    let next = form.get("next").map_or("", |next| local(next));
    let token = form.get("token").map_or("", |token| token.trim());
    let now = clock::now();
    let begun = match holder(token, &shared.engine.tokens(), now) {
        Ok((_, role)) if !role.may(Right::Read) => {
            Err("A token of an agent is for its agent, not for pages.".to_owned())
        }
        Ok((name, _)) => shared.access.sessions().begin(name, now).map_err(|error| format!("No random bits: {error}.")),
        Err(why) => {
            shared.engine.refused_request(why.word());
            Err(match why {
                BadToken::Unreadable => "A token is uphold_ and 64 hexadecimal digits.".to_owned(),
                known => known.to_string(),
            })
        }
    };
    match begun {
        Ok(secret) => {
            let tls = browser_speaks_tls(&headers, peer.as_deref());
            let cookie = cookie(&secret.reveal(), AGE_MS_MAX / 1_000, tls);
            redirect(&format!(".{}", if next.is_empty() { "/" } else { next }), Some(&cookie))
        }
        Err(why) => html(StatusCode::FORBIDDEN, sign_in_page(&shared, next, Some(&why))),
    }
}

/// The form that ends a session.
pub(super) async fn sign_out(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    sent: body::Sent,
) -> Response {
    let tls = browser_speaks_tls(&headers, peer.as_deref());
    if caller.session().is_some() {
        if let Err(refused) = form_of(&shared, &caller, sent).await {
            return *refused;
        }
        if let Some(secret) = session_cookie(&headers, peer.is_some_and(|peer| peer.is_tls())) {
            shared.access.sessions().end(&secret);
        }
    }
    redirect("./", Some(&cookie("", 0, tls)))
}

/// The fields of a form.
pub(super) type Form = BTreeMap<String, String>;

/// The fields of a form that was sent from a page of the caller's session.
pub(super) async fn form_of(shared: &Shared, caller: &Caller, sent: body::Sent) -> Result<Form, Box<Response>> {
    let form = body::form(sent).await?;
    let expected = caller.session().map(|session| session.form_word.as_str());
    if expected.is_some() && form.get("word").map(String::as_str) == expected {
        return Ok(form);
    }
    shared.engine.refused_request("foreign-form");
    let detail = "This form is not of a page of your session; load the page again.";
    Err(Box::new(problem(StatusCode::FORBIDDEN, "foreign-form", detail, None)))
}

fn sign_in_page(shared: &Shared, next: &str, refusal: Option<&str>) -> String {
    let organisation = &shared.engine.snapshot().catalogue.organisation.name;
    let insecure = shared.access.insecure();
    page::sign_in::render(organisation, next, refusal, &Visitor { insecure, ..Visitor::default() })
}

pub(super) fn visitor<'a>(shared: &'a Shared, caller: &'a Caller) -> Visitor<'a> {
    let signed_in = match caller {
        Caller::Holder { name, role, .. } => Some((name.as_str(), role.as_str())),
        Caller::Local { .. } | Caller::Anonymous { .. } => None,
    };
    Visitor {
        signed_in,
        form_word: caller.session().map(|session| session.form_word.as_str()),
        may_act: caller.may(Right::Act),
        insecure: shared.access.insecure(),
    }
}

/// A path of ours, or nothing: a browser that has signed in is sent nowhere else.
fn local(next: &str) -> &str {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.');
    let leads_away = next.starts_with("//") || next.contains("..");
    if next.starts_with('/') && !leads_away && next.chars().all(plain) { next } else { "" }
}

/// The header that gives or takes away the session's cookie.
fn cookie(value: &str, age_s: i64, tls: bool) -> String {
    let secure = if tls { "; Secure" } else { "" };
    format!("{}={value}; Path=/; Max-Age={age_s}; HttpOnly; SameSite=Lax{secure}", cookie_name(tls))
}

pub(super) fn redirect(to: &str, cookie: Option<&str>) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    headers.insert(LOCATION, HeaderValue::try_from(to).unwrap_or(HeaderValue::from_static("./")));
    if let Some(Ok(cookie)) = cookie.map(HeaderValue::try_from) {
        headers.insert(SET_COOKIE, cookie);
    }
    response
}

/// A page.
pub(super) fn html(status: StatusCode, html: String) -> Response {
    let headers =
        [(CONTENT_TYPE, "text/html; charset=utf-8"), (CONTENT_SECURITY_POLICY, page::CONTENT_SECURITY_POLICY)];
    (status, headers, html).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_ours_are_next() {
        for next in ["/", "/incidents/INC-7", "/services/web_shop-2.eu"] {
            assert_eq!(local(next), next);
        }
        for next in
            ["", "//evil.example", "https://evil.example", "/\\evil.example", "/a?b", "/%2f", "/../x", "javascript:x"]
        {
            assert_eq!(local(next), "", "{next}");
        }
    }

    #[test]
    fn the_cookie_is_out_of_reach_of_scripts_and_other_sites() {
        let expected = "uphold_session=x; Path=/; Max-Age=9; HttpOnly; SameSite=Lax";
        assert_eq!(cookie("x", 9, false), expected);
        assert_eq!(cookie("x", 9, true), format!("__Host-{expected}; Secure"));
    }
}
