//! Requests → answers: a description's requests, carried out one after the other, each with what those before it left.
//!
//! Whoever asks for time in the middle of it gets it, within [`WAITS_MAX`]: from the beginning again, several requests might
//! never get through a system that takes few of them a minute, and leave half of the thing done each time.
//!
//! Nothing of an answer but what a description keeps goes anywhere, and no value of a request is logged.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use serde_json::{Map, Value as Json};

use super::description::{Body, Request};
use super::known::Known;
use super::reading::Answer;
use super::template::Template;
use super::values::Values;
use crate::notify::post::{Ask, Poster, retry_after};
use crate::notify::verdict::Attempt;

/// How long it waits in all for a system that asks for time, once something was changed there.
pub const WAITS_MAX: Duration = Duration::from_secs(45);
/// Most bytes of an answer that are read.
pub const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// A conversation with one system about one incident after the other.
pub struct Talk<'a> {
    /// Who sends.
    pub poster: &'a Poster,
    /// What is known of the system.
    pub known: &'a Known,
    /// What templates are given.
    pub values: Values,
    /// What was kept of what goes before anything else, once that was asked.
    opened: Option<Map<String, Json>>,
    /// Whether something was changed there.
    changed: bool,
    /// How long it may still wait.
    patience: Duration,
}

impl<'a> Talk<'a> {
    /// Begins one; nothing is sent yet.
    pub const fn new(poster: &'a Poster, known: &'a Known, values: Values) -> Self {
        Self { poster, known, values, opened: None, changed: false, patience: WAITS_MAX }
    }

    /// Goes on to another incident; what was opened before the first stays open.
    pub fn turn_to(&mut self, mut values: Values) {
        for (name, value) in self.opened.iter().flatten() {
            values.keep(name, value.clone());
        }
        (self.values, self.changed, self.patience) = (values, false, WAITS_MAX);
    }

    /// Ends it: what was opened is closed, as far as that can be had.
    pub async fn end(mut self) {
        if self.opened.is_none() {
            return;
        }
        // Nothing waits for it, and nothing was promised.
        self.patience = Duration::ZERO;
        for request in &self.known.description.after {
            if self.one(request).await.is_err() {
                return;
            }
        }
    }

    /// Sends these, and gives the last answer. What the description asks for before anything else goes first, once.
    pub async fn all(&mut self, requests: &[Request]) -> Result<Answer, Attempt> {
        if self.opened.is_none() {
            for request in &self.known.description.before {
                self.one(request).await?;
            }
            self.opened = Some(self.values.all_kept().clone());
        }
        let mut last = Answer::default();
        for request in requests {
            last = self.one(request).await?;
        }
        Ok(last)
    }

    /// Sends one, and keeps of its answer what it says.
    pub async fn one(&mut self, request: &Request) -> Result<Answer, Attempt> {
        loop {
            let attempt = match self.once(request).await {
                Ok(answer) => {
                    self.changed |= request.method != Method::GET;
                    return Ok(answer);
                }
                Err(attempt) => attempt,
            };
            let asked = wait_asked(&attempt).filter(|wait| self.changed && *wait <= self.patience);
            let Some(wait) = asked else { return Err(attempt) };
            self.patience -= wait;
            tokio::time::sleep(wait).await;
        }
    }

    async fn once(&mut self, request: &Request) -> Result<Answer, Attempt> {
        let ask = self.ask(request).map_err(|error| self.refused(error))?;
        let heard = self.poster.ask(ask).await.map_err(|error| Attempt::Unanswered { error })?;
        let answers = &self.known.description.answers;
        if answers.again.contains(&heard.status) {
            return Err(Attempt::Unanswered { error: format!("the receiver answered {}", heard.status) });
        }
        if !(200..300).contains(&heard.status) {
            return Err(Attempt::Answered { status: heard.status, retry_after: retry_after(&heard.headers) });
        }
        let Some(body) = heard.body else {
            return Err(self.refused(format!("the answer is longer than {ANSWER_BYTES_MAX} bytes")));
        };
        let empty = body.iter().all(u8::is_ascii_whitespace);
        let json: Option<Json> = serde_json::from_slice(&body).ok();
        // A page of something in between, a proxy say, is no word of the system.
        let page = matches!(request.body, Some(Body::Json(_))) && is_page(&heard.headers);
        let needed = page || answers.error.is_some() || request.keep.iter().any(super::description::Keep::is_of_body);
        if json.is_none() && needed && !empty {
            return Err(Attempt::Unanswered {
                error: "the receiver answered with something else than JSON".to_owned(),
            });
        }
        let answer = Answer { status: heard.status, headers: heard.headers, json };
        if let Some(error) = answers.error.as_ref().and_then(|pointer| answer.at(pointer)) {
            return Err(self.refused(format!("the receiver answered {} with an error: {}", answer.status, cut(error))));
        }
        answer.keep(&request.keep, &mut self.values).map_err(|error| self.refused(error))?;
        let holds = request.expects.as_ref().map(|expects| self.rendered(expects)).transpose()?;
        if holds.is_some_and(|holds| !holds.trim().eq_ignore_ascii_case("true")) {
            let why = "the receiver said yes and left it undone: its rules or the user's rights forbid it";
            return Err(self.refused(why.to_owned()));
        }
        Ok(answer)
    }

    /// What a template makes of the values as they are now.
    pub fn rendered(&self, template: &Template) -> Result<String, Attempt> {
        template.render(&self.values.value()).map_err(|error| self.refused(error))
    }

    /// What is wrong in a way that stays.
    pub fn refused(&self, error: String) -> Attempt {
        Attempt::Refused { error: self.known.redacted(error) }
    }

    fn ask(&self, request: &Request) -> Result<Ask, String> {
        let values = self.values.value();
        let mut url = self.known.url.clone();
        if let Some(path) = &request.path {
            append(&mut url, &path.render(&values)?);
        }
        if !request.query.is_empty() {
            let pairs = fields(&request.query, &values)?;
            url.query_pairs_mut().extend_pairs(pairs);
        }
        let mut headers = HeaderMap::new();
        let body = match &request.body {
            None => Vec::new(),
            Some(Body::Json(template)) => {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                let text = template.render(&values)?;
                // A template may be no JSON by a comma; the receiver would only say 400.
                let json: Json =
                    serde_json::from_str(&text).map_err(|error| format!("the body is no JSON: {error}"))?;
                json.to_string().into_bytes()
            }
            Some(Body::Form(pairs)) => {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
                let mut form = url::form_urlencoded::Serializer::new(String::new());
                form.extend_pairs(fields(pairs, &values)?);
                form.finish().into_bytes()
            }
        };
        for (name, template) in self.known.description.headers.iter().chain(&request.headers) {
            headers.insert(name.clone(), header(name, &template.render(&values)?)?);
        }
        Ok(Ask { method: request.method.clone(), url, headers, body, answer_bytes_max: ANSWER_BYTES_MAX })
    }
}

/// Whether an answer is a page for people: who takes JSON answers with none.
fn is_page(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.trim_start().get(..9).is_some_and(|kind| kind.eq_ignore_ascii_case("text/html"))
}

/// How long a system that has too much to do asks to wait, in seconds as they all say it.
fn wait_asked(attempt: &Attempt) -> Option<Duration> {
    let Attempt::Answered { status: 429 | 503, retry_after: Some(text) } = attempt else { return None };
    text.trim().parse().ok().map(|seconds: u64| Duration::from_secs(seconds.max(1)))
}

/// Appends to the path of a URL; what is escaped stays so.
fn append(url: &mut Url, path: &str) {
    let path = format!("{}{path}", url.path().trim_end_matches('/'));
    url.set_path(&path);
}

fn fields(pairs: &[(String, Template)], values: &minijinja::Value) -> Result<Vec<(String, String)>, String> {
    pairs.iter().map(|(name, template)| Ok((name.clone(), template.render(values)?))).collect()
}

fn header(name: &HeaderName, text: &str) -> Result<HeaderValue, String> {
    let mut value = HeaderValue::from_str(text)
        .map_err(|_| format!("what was made for the header \"{name}\" cannot stand in one"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// An error's beginning, for people.
fn cut(error: &Json) -> String {
    let text = error.as_str().map_or_else(|| error.to_string(), str::to_owned);
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}
