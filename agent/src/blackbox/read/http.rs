//! A module that asks for a page.

use std::collections::BTreeMap;

use hyper::header::{HeaderName, HeaderValue};
use hyper::{Method, Version};
use uphold_common::wire::check::{Basic, HttpCheck, HttpVersion, TlsOptions};
use uphold_common::yaml::problem::Read;
use uphold_common::yaml::walk::{At, Keys};

use super::super::module::Prober;
use super::{expression, list, tls};
use crate::probe::http::{Further, HeaderRule};

/// How many redirects are followed.
const REDIRECTS_MAX: u32 = 10;
/// Most headers of a request.
const HEADERS_MAX: usize = 100;
/// What that exporter understands and this agent cannot do. A secret stands in a file of its own.
const NOT_YET: [&str; 8] = [
    "compression",
    "body_size_limit",
    "proxy_url",
    "proxy_connect_header",
    "skip_resolve_phase_with_proxy",
    "oauth2",
    "bearer_token",
    "http_client_config",
];

pub(super) fn read(keys: &Keys<'_>) -> Read<Prober> {
    let (check, further) = (check(keys), further(keys));
    keys.not_yet(&NOT_YET)?;
    Ok(Prober::Http(Box::new(check?), further?))
}

fn check(keys: &Keys<'_>) -> Read<HttpCheck> {
    let code = |at: &At<'_>| at.count(100..=999).map(|code| u16::try_from(code).unwrap_or_default());
    let codes = list(keys, "valid_status_codes", code);
    let method = keys.optional("method", |at| {
        let text = at.text()?;
        text.parse::<Method>().map(|_| text).map_err(|_| at.expected("a method such as \"POST\""))
    });
    let headers = keys.or("headers", BTreeMap::new(), headers);
    let body = keys.optional("body", |at| at.scalar("a text").map(str::to_owned));
    let http2 = keys.or("enable_http2", true, At::flag);
    let follow = keys.optional("follow_redirects", At::flag);
    let no_follow = keys.optional("no_follow_redirects", |at| Ok((at.clone(), at.flag()?)));
    let basic = keys.optional("basic_auth", basic);
    let bearer_file = keys.optional("bearer_token_file", At::text);
    let authorization = keys.optional("authorization", authorization);
    let tls = keys.or("tls_config", TlsOptions::default(), tls);
    let (follow, basic) = (follow?, basic?);
    let follow = match (follow, no_follow?) {
        (Some(true), Some((at, true))) => return Err(at.problem("follow_redirects says the opposite")),
        (follow, no_follow) => follow.unwrap_or(true) && !no_follow.is_some_and(|(_, no)| no),
    };
    let bearer_file = bearer_file?.or(authorization?);
    if basic.is_some() && bearer_file.is_some() {
        return Err(keys.at().problem("only one of basic_auth, bearer_token_file and authorization can be shown"));
    }
    let version = if http2? { HttpVersion::Any } else { HttpVersion::V1_1 };
    let redirects = if follow { REDIRECTS_MAX } else { 0 };
    let (codes, method, headers, body, tls) = (codes?, method?, headers?, body?, tls?);
    Ok(HttpCheck { codes, method, headers, body, version, redirects, basic, bearer_file, tls, ..HttpCheck::default() })
}

fn further(keys: &Keys<'_>) -> Read<Further> {
    let versions = [("HTTP/1.0", Version::HTTP_10), ("HTTP/1.1", Version::HTTP_11), ("HTTP/2.0", Version::HTTP_2)];
    let versions = list(keys, "valid_http_versions", |at| at.word(&versions));
    let not_secure = keys.or("fail_if_ssl", false, At::flag);
    let secure = keys.or("fail_if_not_ssl", false, At::flag);
    let body_not_matches = list(keys, "fail_if_body_matches_regexp", expression);
    let body_matches = list(keys, "fail_if_body_not_matches_regexp", expression);
    let not_matching = list(keys, "fail_if_header_matches", |at| header_rule(at, false));
    let matching = list(keys, "fail_if_header_not_matches", |at| header_rule(at, true));
    let secure = match (secure?, not_secure?) {
        (true, true) => return Err(keys.at().problem("fail_if_ssl and fail_if_not_ssl leave no answer that is well")),
        (true, false) => Some(true),
        (false, true) => Some(false),
        (false, false) => None,
    };
    let headers = [not_matching?, matching?].concat();
    let (body_matches, body_not_matches) = (body_matches?, body_not_matches?);
    Ok(Further { body_matches, body_not_matches, headers, versions: versions?, secure })
}

fn headers(at: &At<'_>) -> Read<BTreeMap<String, String>> {
    let header = |(name, at): &(&str, At<'_>)| {
        let value = at.scalar("a text")?;
        let sound = name.parse::<HeaderName>().is_ok() && HeaderValue::from_str(value).is_ok();
        let counted = name.eq_ignore_ascii_case("content-length");
        if sound && !counted {
            Ok((name.to_ascii_lowercase(), value.to_owned()))
        } else {
            Err(at.problem("a header that cannot be sent"))
        }
    };
    let read: Vec<Read<(String, String)>> = at.pairs("headers", HEADERS_MAX)?.iter().map(header).collect();
    read.into_iter().collect()
}

fn header_rule(at: &At<'_>, matches: bool) -> Read<HeaderRule> {
    at.mapping(|keys| {
        let name = keys.required("header", |at| {
            let name = at.text()?;
            name.parse::<HeaderName>().map(|_| name).map_err(|_| at.expected("the name of a header"))
        });
        let expression = keys.required("regexp", expression);
        let may_be_missing = keys.or("allow_missing", false, At::flag);
        Ok(HeaderRule { name: name?, expression: expression?, matches, may_be_missing: may_be_missing? })
    })
}

fn basic(at: &At<'_>) -> Read<Basic> {
    at.mapping(|keys| {
        let user = keys.required("username", At::text);
        keys.not_yet(&["password"])?;
        let password_file = keys.required("password_file", At::text);
        Ok(Basic { user: user?, password_file: password_file? })
    })
}

/// The file of a bearer token.
fn authorization(at: &At<'_>) -> Read<String> {
    at.mapping(|keys| {
        let bearer = keys.or("type", (), |at| at.word(&[("Bearer", ())]));
        keys.not_yet(&["credentials"])?;
        let file = keys.required("credentials_file", At::text);
        bearer?;
        file
    })
}
