//! One server that is asked: a URL taken apart, and where it redirects to.

use hyper::header::{HeaderMap, HeaderValue, LOCATION};
use hyper::{Method, StatusCode, Uri};
use url::{Host, Url};

use crate::probe::Happened;
use crate::probe::connect::Target;

/// A URL taken apart.
#[derive(Debug)]
pub(super) struct Hop {
    /// Without a fragment, which is nobody's but the reader's.
    pub(super) url: Url,
    /// Whom it names.
    pub(super) target: Target,
    /// Whether TLS is spoken.
    pub(super) secure: bool,
    /// The host as it is written, with a port that is not the usual one.
    pub(super) authority: HeaderValue,
    /// Path and query.
    pub(super) path: Uri,
    /// All of it.
    pub(super) absolute: Uri,
}

impl Hop {
    /// Takes a URL apart.
    pub(super) fn new(mut url: Url) -> Result<Self, String> {
        url.set_fragment(None);
        if !url.username().is_empty() || url.password().is_some() {
            return Err("a user or password does not belong into a URL".to_owned());
        }
        let secure = match url.scheme() {
            "http" => false,
            "https" => true,
            other => return Err(format!("a URL with {other}: http or https is expected")),
        };
        let host = match url.host() {
            Some(Host::Domain(name)) => name.to_owned(),
            Some(Host::Ipv4(address)) => address.to_string(),
            Some(Host::Ipv6(address)) => address.to_string(),
            None => return Err("the URL has no host".to_owned()),
        };
        let port = url.port_or_known_default().ok_or("the URL has no port")?;
        let path = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        let written = url.host_str().unwrap_or_default();
        let authority = url.port().map_or_else(|| written.to_owned(), |port| format!("{written}:{port}"));
        let authority = HeaderValue::try_from(authority);
        Ok(Self {
            target: Target { host, port },
            secure,
            authority: authority.map_err(|error| format!("the URL's host is not understood: {error}"))?,
            path: path.parse().map_err(|error| format!("the URL's path is not understood: {error}"))?,
            absolute: url.as_str().parse().map_err(|error| format!("the URL is not understood: {error}"))?,
            url,
        })
    }

    /// Whether secrets for `other` may be told to this one: the same scheme, host and port.
    pub(super) fn is_of(&self, other: &Self) -> bool {
        (self.secure, &self.target) == (other.secure, &other.target)
    }

    /// Where an answer with this code redirects to, if it does.
    pub(super) fn redirected(&self, code: StatusCode, headers: &HeaderMap) -> Result<Option<Self>, Happened> {
        if !matches!(code.as_u16(), 301 | 302 | 303 | 307 | 308) {
            return Ok(None);
        }
        let Some(location) = headers.get(LOCATION) else { return Ok(None) };
        // What is wrong is told without the address, which may hold a secret.
        let wrong = |why: String| Happened::NotUnderstood(format!("it redirects to what cannot be asked: {why}"));
        let location = location.to_str().map_err(|_| wrong("not a URL".to_owned()))?;
        let url = self.url.join(location).map_err(|error| wrong(error.to_string()))?;
        Self::new(url).map(Some).map_err(wrong)
    }
}

/// The method with which a redirect is followed, as browsers do it.
pub(super) fn method_after(code: StatusCode, method: &Method) -> Method {
    match (code.as_u16(), method) {
        (303, &Method::HEAD) => Method::HEAD,
        (303, _) | (301 | 302, &Method::POST) => Method::GET,
        _ => method.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hop(url: &str) -> Hop {
        Hop::new(Url::parse(url).unwrap()).unwrap()
    }

    #[test]
    fn redirects_lead_somewhere_or_are_answers() {
        for (code, location, expected) in [
            (302, Some("/b?c#d"), Ok(Some("https://a.example/b?c"))),
            (301, Some("//b.example/"), Ok(Some("https://b.example/"))),
            (308, Some("http://[::1]:8080/x"), Ok(Some("http://[::1]:8080/x"))),
            (307, Some("x"), Ok(Some("https://a.example/path/x"))),
            (304, Some("/b"), Ok(None)),
            (200, Some("/b"), Ok(None)),
            (302, None, Ok(None)),
            (302, Some("ftp://a.example/"), Err("ftp")),
            (302, Some("https://u:secret@a.example/"), Err("user or password")),
            (302, Some("https://"), Err("cannot be asked")),
        ] {
            let mut headers = HeaderMap::new();
            headers.extend(location.map(|location| (LOCATION, HeaderValue::from_static(location))));
            let next = hop("https://a.example/path/a").redirected(StatusCode::from_u16(code).unwrap(), &headers);
            match (next, expected) {
                (Ok(next), Ok(expected)) => assert_eq!(next.as_ref().map(|next| next.url.as_str()), expected),
                (Err(Happened::NotUnderstood(told)), Err(word)) => {
                    assert!(told.contains(word) && !told.contains("secret"), "{told}");
                }
                other => panic!("{location:?} {other:?}"),
            }
        }
    }

    #[test]
    fn secrets_are_for_one_scheme_host_and_port() {
        let first = hop("https://a.example/x");
        for (url, same) in [
            ("https://a.example/y", true),
            ("https://A.example:443/", true),
            ("http://a.example/x", false),
            ("https://a.example:8443/x", false),
            ("https://b.a.example/x", false),
        ] {
            assert_eq!(hop(url).is_of(&first), same, "{url}");
        }
    }

    #[test]
    fn methods_are_kept_where_browsers_keep_them() {
        for (code, method, after) in [
            (301, Method::POST, Method::GET),
            (302, Method::POST, Method::GET),
            (302, Method::PUT, Method::PUT),
            (303, Method::PUT, Method::GET),
            (303, Method::HEAD, Method::HEAD),
            (307, Method::POST, Method::POST),
            (308, Method::POST, Method::POST),
        ] {
            assert_eq!(method_after(StatusCode::from_u16(code).unwrap(), &method), after, "{code} {method}");
        }
    }
}
