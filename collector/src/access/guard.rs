//! The guard around every route: host, origin, caller, right; and the headers that every answer carries.

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{
    AUTHORIZATION, CACHE_CONTROL, COOKIE, FORWARDED, HOST, LOCATION, ORIGIN, REFERRER_POLICY, WWW_AUTHENTICATE,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use uphold_common::yaml::words;

use super::caller::{BadToken, Caller, SessionKey};
use super::routes::{Need, need};
use super::{Access, host};
use crate::api::problem::problem;
use crate::clock;
use crate::config::TokensNeeded;
use crate::identity::role::Right;
use crate::identity::secret::Secret;
use crate::identity::token::Standing;
use crate::limits::Limit;
use crate::listen::{Listening, Peer, Way};

/// The name of the session's cookie; where the browser speaks TLS it holds it to this host and to TLS.
pub(crate) const fn cookie_name(tls: bool) -> &'static str {
    if tls { "__Host-uphold_session" } else { "uphold_session" }
}

/// Whether the browser that sent these headers speaks TLS: to us, or to a proxy before us.
pub(crate) fn browser_speaks_tls(headers: &HeaderMap, peer: Option<&Peer>) -> bool {
    let of_page = |origin: &HeaderValue| origin.as_bytes().starts_with(b"https://");
    peer.is_some_and(Peer::is_tls) || headers.get(ORIGIN).is_some_and(of_page)
}

/// Lets a request pass to its handler with its [`Caller`], or refuses it.
pub async fn guard(State(access): State<Access>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<Peer>().cloned();
    let mut response = match admit(&access, &request, peer.as_ref()) {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(refused) => {
            access.engine.refused_request(refused.word);
            *refused.response
        }
    };
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// The word of the problem when somebody asks too often.
const TOO_MANY_REQUESTS: &str = "too-many-requests";

/// A request that does not pass: the word that is counted, and what is answered.
struct Refused {
    word: &'static str,
    response: Box<Response>,
}

fn refused(status: StatusCode, word: &'static str, detail: &str) -> Refused {
    Refused { word, response: Box::new(problem(status, word, detail, None)) }
}

fn admit(access: &Access, request: &Request, peer: Option<&Peer>) -> Result<Caller, Refused> {
    if let Some(Way::Socket { uid }) = peer.map(Peer::way) {
        return Ok(Caller::Local { uid: Some(uid) });
    }
    let headers = request.headers();
    let host = asked_host(request)?;
    if !host::is_known(host, &access.config.hosts) {
        let detail = format!(
            "This collector does not go by the name {}; names are listed under `hosts` in its configuration.",
            words::shown(host)
        );
        return Err(refused(StatusCode::MISDIRECTED_REQUEST, "wrong-host", &detail));
    }
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if !reads {
        check_origin(headers, host, peer.is_some_and(Peer::is_tls))?;
    }
    // Where there is no route, the answer is that there is none.
    let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let need = path.map_or(Need::Open, |path| need(request.method(), path));
    let caller = caller(access, headers, peer.is_some_and(Peer::is_tls)).and_then(|caller| {
        // Agents without tokens may share an address: their pushes are counted once it is known whose they are.
        let counted_later = matches!(caller, Caller::Anonymous { welcome: true }) && need == Need::Right(Right::Push);
        if !counted_later {
            often(access, &caller, peer)?;
        }
        Ok(caller)
    });
    // Whoever guesses at tokens is held to the rate of their address.
    let caller = match caller {
        Err(refused) if refused.response.status() == StatusCode::UNAUTHORIZED => {
            often(access, &Caller::Anonymous { welcome: false }, peer)?;
            return Err(refused);
        }
        caller => caller?,
    };
    if let (Some(peer), Caller::Holder { .. }) = (peer, &caller) {
        peer.proven();
    }
    match need {
        Need::Open => {}
        Need::Right(right) if caller.may(right) => {
            if !reads && caller.session().is_some() {
                let detail = "A session is for pages; whatever changes something through the API sends its token.";
                return Err(refused(StatusCode::FORBIDDEN, "session-cannot", detail));
            }
        }
        Need::Page(right) if caller.may(right) => {
            if !reads && caller.session().is_none() {
                let detail = "This is the form of a page; programs use the API below /api/v1.";
                return Err(refused(StatusCode::FORBIDDEN, "no-session", detail));
            }
        }
        Need::Page(_) if matches!(caller, Caller::Anonymous { .. }) => return Err(sign_in_first(request)),
        Need::Right(right) | Need::Page(right) => return Err(not_allowed(&caller, right)),
    }
    Ok(caller)
}

/// Whether the caller asks too often: the holder of a token by its name, others by their address.
fn often(access: &Access, caller: &Caller, peer: Option<&Peer>) -> Result<(), Refused> {
    let identity = match (caller, peer.and_then(Peer::counted_address)) {
        (Caller::Holder { name, .. }, _) => format!("token {name}"),
        (_, Some(address)) => format!("address {address}"),
        (_, None) => return Ok(()),
    };
    let asked = not_too_often(&access.listening, &identity);
    asked.map_err(|response| Refused { word: TOO_MANY_REQUESTS, response })
}

/// Whether `identity` asks too often, as a problem that says when to come again.
pub(crate) fn not_too_often(listening: &Listening, identity: &str) -> Result<(), Box<Response>> {
    listening.rates.take(identity).map_err(|wait_s| {
        let (rate, burst) =
            (listening.limits().of(Limit::RequestsPerSecond), listening.limits().of(Limit::RequestBurst));
        let detail = format!("At most {rate} requests a second are taken of one caller, {burst} at once.");
        Box::new(problem(StatusCode::TOO_MANY_REQUESTS, TOO_MANY_REQUESTS, &detail, Some(wait_s)))
    })
}

/// The host that the request asks for, with its port.
fn asked_host(request: &Request) -> Result<&str, Refused> {
    let of_target = request.uri().authority().map(axum::http::uri::Authority::as_str);
    let mut of_headers = request.headers().get_all(HOST).iter();
    let header = of_headers.next().and_then(|host| host.to_str().ok());
    match (of_target.or(header), of_headers.next()) {
        (Some(host), None) => Ok(host),
        _ => Err(refused(StatusCode::BAD_REQUEST, "no-host", "The request has no Host, or more than one.")),
    }
}

/// What changes something must not be sent by another site's page. A request that says nothing of a page comes from
/// none, or carries nothing that a browser would add by itself.
fn check_origin(headers: &HeaderMap, host: &str, tls: bool) -> Result<(), Refused> {
    let text = |value: &HeaderValue| value.to_str().map(str::to_owned).unwrap_or_default();
    let foreign = headers.get_all(ORIGIN).iter().any(|origin| !host::is_ours(&text(origin), host, tls));
    let sites = headers.get_all("sec-fetch-site");
    let elsewhere = sites.iter().any(|site| !matches!(text(site).as_str(), "same-origin" | "none"));
    if foreign || elsewhere {
        let detail = "A page of another site sent this; only pages of this collector may change something.";
        return Err(refused(StatusCode::FORBIDDEN, "foreign-origin", detail));
    }
    Ok(())
}

/// Who asks. A token that is sent counts before a session, and one that is not good is never passed over.
fn caller(access: &Access, headers: &HeaderMap, tls: bool) -> Result<Caller, Refused> {
    let now = clock::now();
    let tokens = access.engine.tokens();
    let mut sent = headers.get_all(AUTHORIZATION).iter();
    if let Some(header) = sent.next() {
        let header = if sent.next().is_some() { "" } else { header.to_str().unwrap_or_default() };
        return Caller::bearer(header, &tokens, now).map_err(bad_token);
    }
    let cookie = session_cookie(headers, tls);
    let session = cookie.and_then(|secret| access.sessions().of(&secret, now));
    let token = session.as_ref().and_then(|session| tokens.get(&session.token));
    let token = token.filter(|token| token.standing(now) == Standing::Good);
    if let (Some(session), Some(token)) = (session, token) {
        return Ok(Caller::Holder {
            name: token.name.clone(),
            role: token.role.clone(),
            session: Some(SessionKey { form_word: session.form_word }),
        });
    }
    // Whoever comes through a proxy may be anybody, also where the proxy is on this host.
    let passed_on = headers.contains_key(FORWARDED) || headers.contains_key("x-forwarded-for");
    Ok(Caller::Anonymous { welcome: access.config.tokens == TokensNeeded::Optional && !passed_on })
}

/// The secret in the session's cookie, if there is one: under either name behind a proxy, which may speak TLS or not.
pub(crate) fn session_cookie(headers: &HeaderMap, tls: bool) -> Option<Secret> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut ours = pairs.filter(|(name, _)| *name == cookie_name(true) || (!tls && *name == cookie_name(false)));
    ours.find_map(|(_, value)| Secret::parse(value))
}

fn bad_token(why: BadToken) -> Refused {
    let mut refused = refused(StatusCode::UNAUTHORIZED, why.word(), &why.to_string());
    let challenge = HeaderValue::from_static("Bearer realm=\"uphold\", error=\"invalid_token\"");
    refused.response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    refused
}

/// The problem when a token has ended; one that is good never comes here.
pub(crate) fn token_ended(standing: Standing) -> Response {
    let refused = bad_token(BadToken::of_ended(standing));
    *refused.response
}

fn not_allowed(caller: &Caller, right: Right) -> Refused {
    match caller {
        Caller::Holder { name, role, .. } => {
            let detail = format!("{name} is a token of the role {}, which may not {}.", role.as_str(), right.as_str());
            refused(StatusCode::FORBIDDEN, "not-allowed", &detail)
        }
        Caller::Local { .. } | Caller::Anonymous { .. } => {
            let detail = "This needs a token, sent as the header Authorization: Bearer TOKEN.";
            let mut refused = refused(StatusCode::UNAUTHORIZED, "no-token", detail);
            let challenge = HeaderValue::from_static("Bearer realm=\"uphold\"");
            refused.response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
            refused
        }
    }
}

/// To the sign-in page, and from there back to the page that was asked for. The way is told relative to the path, so
/// that it holds behind a proxy that serves the collector below a path of its own.
fn sign_in_first(request: &Request) -> Refused {
    let path = request.uri().path();
    let up = "../".repeat(path.matches('/').count().saturating_sub(1));
    let up = if up.is_empty() { "./".to_owned() } else { up };
    let next: String = url::form_urlencoded::byte_serialize(path.as_bytes()).collect();
    let location =
        if *request.method() == Method::GET { format!("{up}sign-in?next={next}") } else { format!("{up}sign-in") };
    let location = HeaderValue::try_from(location).unwrap_or(HeaderValue::from_static("./sign-in"));
    let response = (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response();
    Refused { word: "no-token", response: Box::new(response) }
}
