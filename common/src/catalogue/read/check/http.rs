//! `http`: a URL, how it is asked, and what its answer must be.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use url::Url;

use super::expect::expect;
use super::options;
use super::{Asking, Check, Read};
use crate::wire::check::{Basic, HttpCheck, HttpVersion};
use crate::yaml::walk::{At, Keys};

/// Most redirects that are followed.
const REDIRECTS: RangeInclusive<u32> = 0..=20;
/// Longest body of a request, in bytes.
const BODY_BYTES_MAX: usize = 64 * 1024;
/// Most headers of a request, and most that are looked at in an answer.
pub(super) const HEADERS_MAX: usize = 32;
/// The methods; none of them opens a tunnel or sends back what it was sent.
const METHODS: [(&str, &str); 7] = [
    ("GET", "GET"),
    ("HEAD", "HEAD"),
    ("POST", "POST"),
    ("PUT", "PUT"),
    ("PATCH", "PATCH"),
    ("DELETE", "DELETE"),
    ("OPTIONS", "OPTIONS"),
];
/// Headers that say how the request itself is sent, which is the agent's affair.
const HEADERS_OF_THE_AGENT: [&str; 9] = [
    "connection",
    "content-length",
    "expect",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
/// Headers that carry secrets.
const HEADERS_WITH_SECRETS: [&str; 3] = ["authorization", "cookie", "proxy-authorization"];

/// `{ url: "https://shop.example/health", expect: { code: [200], body_matches: "ok" } }`
pub(super) fn read(at: &At<'_>, asking: &Asking<'_>) -> Read<Check> {
    at.mapping(|keys| {
        let url = keys.required("url", At::url);
        let request = request(keys);
        let way = way(keys);
        let expected = keys.or("expect", HttpCheck::default(), |at| expect(at, asking));
        let url = url?;
        let check = HttpCheck { url, ..merged(request?, way?, expected?) };
        fit(keys, &check)?;
        Ok(Check::Http(Box::new(check)))
    })
}

/// One check out of its three parts.
fn merged(request: HttpCheck, way: HttpCheck, expected: HttpCheck) -> HttpCheck {
    HttpCheck {
        method: request.method,
        headers: request.headers,
        body: request.body,
        basic: request.basic,
        bearer_file: request.bearer_file,
        version: way.version,
        redirects: way.redirects,
        proxy: way.proxy,
        connect_to: way.connect_to,
        ip: way.ip,
        tls: way.tls,
        ..expected
    }
}

/// What is asked.
fn request(keys: &Keys<'_>) -> Read<HttpCheck> {
    let method = keys.optional("method", |at| at.word(&METHODS));
    let headers = keys.or("headers", BTreeMap::new(), headers);
    let body = keys.optional("body", body);
    let basic = keys.optional("basic", basic);
    let bearer_file = keys.optional("bearer_file", options::file);
    let method = method?.filter(|method| *method != "GET").map(str::to_owned);
    let (headers, body, basic, bearer_file) = (headers?, body?, basic?, bearer_file?);
    Ok(HttpCheck { method, headers, body, basic, bearer_file, ..HttpCheck::default() })
}

/// How the server is reached.
fn way(keys: &Keys<'_>) -> Read<HttpCheck> {
    let version = keys.or("version", HttpVersion::Any, |at| at.word(&HttpVersion::WORDS));
    let redirects = keys.or("redirects", 0, |at| at.small_count(REDIRECTS));
    let proxy = keys.optional("proxy", proxy);
    let connect_to = keys.optional("connect_to", At::host_and_port);
    let ip = options::ip(keys);
    let tls = keys.optional("tls", options::tls);
    let (version, redirects, proxy, connect_to) = (version?, redirects?, proxy?, connect_to?);
    Ok(HttpCheck {
        version,
        redirects,
        proxy,
        connect_to,
        ip: ip?,
        tls: tls?.unwrap_or_default(),
        ..HttpCheck::default()
    })
}

/// What cannot stand together.
fn fit(keys: &Keys<'_>, check: &HttpCheck) -> Read<()> {
    let refuse = |why: &str| Err(keys.at().problem(why));
    let in_the_clear = check.url.starts_with("http:");
    if check.basic.is_some() && check.bearer_file.is_some() {
        return refuse("a request has one authorization, not both \"basic\" and \"bearer_file\"");
    }
    if check.proxy.is_some() && check.connect_to.is_some() {
        return refuse("the proxy chooses where it connects to: expected \"proxy\" or \"connect_to\", not both");
    }
    if check.proxy.is_some() && check.version == HttpVersion::V2 && in_the_clear {
        return refuse("a proxy is asked over HTTP/1.1: \"version: 2\" needs an https URL here");
    }
    if in_the_clear && check.redirects == 0 && !check.tls.is_default() {
        return refuse("\"tls\" says nothing of an http URL whose redirects are not followed");
    }
    if check.body.is_some() && check.method.as_deref().is_none_or(|method| method == "HEAD") {
        return refuse("GET and HEAD have no body: a \"method\" such as \"POST\" is missing");
    }
    Ok(())
}

/// `{ accept: application/json }`
fn headers(at: &At<'_>) -> Read<BTreeMap<String, String>> {
    let mut headers = BTreeMap::new();
    for (name, at) in at.pairs("headers", HEADERS_MAX)? {
        let name = header_name(name, &at)?;
        if HEADERS_WITH_SECRETS.contains(&name.as_str()) {
            return Err(
                at.problem("a secret does not belong here: \"basic\" and \"bearer_file\" read theirs from files")
            );
        }
        if HEADERS_OF_THE_AGENT.contains(&name.as_str()) {
            return Err(at.problem(format!("how a request is sent is the agent's affair, and so is {name}")));
        }
        let value = at.text()?;
        if !value.is_ascii() {
            return Err(at.expected("a header of ASCII characters"));
        }
        if headers.insert(name, value).is_some() {
            return Err(at.expected("each header only once"));
        }
    }
    Ok(headers)
}

/// The name of a header in small letters.
pub(super) fn header_name(name: &str, at: &At<'_>) -> Read<String> {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || name.len() > 100 || !name.bytes().all(token) {
        return Err(at.problem("expected the name of a header, such as \"content-type\""));
    }
    Ok(name.to_ascii_lowercase())
}

fn body(at: &At<'_>) -> Read<String> {
    let text = at.scalar("a text")?;
    if text.len() > BODY_BYTES_MAX {
        return Err(at.problem(format!("the body is longer than {BODY_BYTES_MAX} bytes")));
    }
    Ok(text.to_owned())
}

/// `{ user: probe, password_file: /etc/uphold/probes/shop.password }`
fn basic(at: &At<'_>) -> Read<Basic> {
    at.mapping(|keys| {
        let user = keys.required("user", |at| {
            let user = at.text()?;
            if user.contains(':') { Err(at.expected("a user without a colon")) } else { Ok(user) }
        });
        let password_file = keys.required("password_file", options::file);
        Ok(Basic { user: user?, password_file: password_file? })
    })
}

/// `http://proxy.example:3128`
fn proxy(at: &At<'_>) -> Read<String> {
    let text = at.url()?;
    let bare = |url: &Url| {
        url.scheme() == "http" && matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none()
    };
    match Url::parse(&text) {
        Ok(url) if bare(&url) => Ok(text),
        _ => Err(
            at.problem("expected a proxy such as \"http://proxy.example:3128\"; one that speaks TLS is not supported")
        ),
    }
}
