//! The parts of a description that are about single requests and templates, read and checked.

use reqwest::Method;
use reqwest::header::HeaderName;
use uphold_common::yaml::problem::Read;
use uphold_common::yaml::tree::Value;
use uphold_common::yaml::walk::At;

use super::description::{Body, Keep, Part, Request};
use super::template::{Style, Template, Words};

/// Most headers, fields or parameters of a request, and most that is kept of its answer.
const PAIRS_MAX: usize = 50;
/// Longest JSON pointer, in bytes.
const POINTER_BYTES_MAX: usize = 500;
/// What is set by whoever sends, never by a description.
const HEADERS_OF_OURS: [&str; 4] = ["host", "content-length", "transfer-encoding", "connection"];
const METHODS: [(&str, Verb); 5] =
    [("GET", Verb::Get), ("POST", Verb::Post), ("PUT", Verb::Put), ("PATCH", Verb::Patch), ("DELETE", Verb::Delete)];

#[derive(Clone, Copy)]
enum Verb {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

/// Where a template stands, by which it may name secrets or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In what only the receiver sees.
    Sent,
    /// In what is logged, kept or shown.
    Shown,
}

impl Place {
    /// The words that templates may name there.
    pub(super) fn words(self, words: &Words) -> Words {
        match self {
            Self::Sent => words.clone(),
            Self::Shown => words.clone().without("secret"),
        }
    }
}

/// `{ method: POST, path: /issues.json, headers: …, query: …, json: …, keep: … }`
pub(super) fn request(at: &At<'_>, words: &Words) -> Read<Request> {
    at.mapping(|keys| {
        let shown = Place::Shown.words(words);
        let method = keys.required("method", |at| at.word(&METHODS));
        let path = keys.optional("path", |at| path(at, &shown));
        let query = keys.or("query", Vec::new(), |at| templates(at, "parameters", &shown));
        let headers_read = keys.or("headers", Vec::new(), |at| headers(at, words));
        let secret = keys.or("secret_in_body", false, At::flag);
        let of_body = if secret? { Place::Sent.words(words) } else { shown.clone() };
        let json = keys.optional("json", |at| template(at, Style::Json, &of_body));
        let form = keys.optional("form", |at| templates(at, "fields", &of_body));
        let keep = keys.or("keep", Vec::new(), keep);
        let kept = shown.clone().with("kept", shown.inside("kept").chain(kept_names(at)));
        let expects = keys.optional("expects", |at| template(at, Style::Text, &kept));
        let method = match method? {
            Verb::Get => Method::GET,
            Verb::Post => Method::POST,
            Verb::Put => Method::PUT,
            Verb::Patch => Method::PATCH,
            Verb::Delete => Method::DELETE,
        };
        let body = match (json?, form?) {
            (None, None) => None,
            (Some(json), None) => Some(Body::Json(json)),
            (None, Some(form)) => Some(Body::Form(form)),
            (Some(_), Some(_)) => return Err(keys.at().problem("expected one of \"json\" and \"form\", not both")),
        };
        Ok(Request { method, path: path?, query: query?, headers: headers_read?, body, keep: keep?, expects: expects? })
    })
}

/// A template and its problems at its place.
pub(super) fn template(at: &At<'_>, style: Style, words: &Words) -> Read<Template> {
    let text = at.scalar("a template")?;
    Template::new(text, style, words).map_err(|why| at.problem(why))
}

fn path(at: &At<'_>, words: &Words) -> Read<Template> {
    let text = at.scalar("a path such as \"/issues.json\"")?;
    if !text.starts_with('/')
        || text.contains(['?', '#'])
        || text.chars().any(char::is_whitespace) && !text.contains("{{")
    {
        return Err(
            at.problem("expected a path that begins with \"/\", without \"?\" and \"#\": \"query\" holds those")
        );
    }
    template(at, Style::Path, words)
}

/// `{ X-Requested-With: uphold }`
pub(super) fn headers(at: &At<'_>, words: &Words) -> Read<Vec<(HeaderName, Template)>> {
    let pairs = at.pairs("headers", PAIRS_MAX)?;
    let read = pairs.into_iter().map(|(name, at)| {
        let header = header_name(&at, name)?;
        if HEADERS_OF_OURS.contains(&header.as_str()) {
            return Err(at.problem(format!("the header \"{header}\" is set by whoever sends")));
        }
        Ok((header, template(&at, Style::Text, words)?))
    });
    read.collect::<Vec<_>>().into_iter().collect()
}

fn header_name(at: &At<'_>, name: &str) -> Read<HeaderName> {
    HeaderName::from_bytes(name.as_bytes()).map_err(|_| at.problem("expected the name of a header such as \"ETag\""))
}

/// `{ name: template, … }`
pub(super) fn templates(at: &At<'_>, what: &str, words: &Words) -> Read<Vec<(String, Template)>> {
    let pairs = at.pairs(what, PAIRS_MAX)?;
    let read = pairs.into_iter().map(|(name, at)| Ok((name.to_owned(), template(&at, Style::Text, words)?)));
    read.collect::<Vec<_>>().into_iter().collect()
}

/// `{ id: { pointer: /data/id }, etag: { header: ETag } }`
pub(super) fn keep(at: &At<'_>) -> Read<Vec<Keep>> {
    let pairs = at.pairs("values to keep", PAIRS_MAX)?;
    let read = pairs.into_iter().map(|(name, at)| {
        at.mapping(|keys| {
            let pointer = keys.optional("pointer", pointer);
            let name_of = |at: &At<'_>| header_name(at, at.scalar("the name of a header")?);
            let header = keys.optional("header", name_of);
            let last_of = keys.optional("last_of", name_of);
            let optional = keys.or("optional", false, At::flag);
            let from = match (pointer?, header?, last_of?) {
                (Some(pointer), None, None) => Part::Pointer(pointer),
                (None, Some(header), None) => Part::Header(header),
                (None, None, Some(header)) => Part::LastOf(header),
                _ => return Err(keys.at().problem("expected one of \"pointer\", \"header\" and \"last_of\"")),
            };
            Ok(Keep { name: name.to_owned(), from, optional: optional? })
        })
    });
    read.collect::<Vec<_>>().into_iter().collect()
}

/// The names under which a request keeps something, sound or not.
pub(super) fn kept_names(at: &At<'_>) -> Vec<String> {
    match at.peek("keep").map(|keep| &keep.node().value) {
        Some(Value::Mapping(entries)) => entries.iter().map(|entry| entry.key.clone()).collect(),
        _ => Vec::new(),
    }
}

/// A JSON pointer after RFC 6901; empty for the whole answer.
pub(super) fn pointer(at: &At<'_>) -> Read<String> {
    let wanted = "a JSON pointer such as \"/data/id\"";
    let text = at.scalar(wanted)?;
    let sound = text.is_empty() || text.starts_with('/');
    if !sound || text.len() > POINTER_BYTES_MAX {
        return Err(at.expected(wanted));
    }
    Ok(text.to_owned())
}
