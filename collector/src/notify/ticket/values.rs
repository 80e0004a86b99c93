//! What templates are given: a copy of what is known, under the names that descriptions use. Pure.
//!
//! | name | what it is | where |
//! |---|---|---|
//! | `key` | the incident's key, the same as long as the store lives; a ticket must hold it to be found again | everywhere |
//! | `user`, `var` | what the catalogue says | everywhere |
//! | `url.base`, `url.origin` | the receiver's URL without a slash at its end, and its beginning; no `base` if it comes from a file | everywhere |
//! | `secret.token`, `secret.password` | what the files of credentials hold | headers, and bodies that say so |
//! | `event`, `what`, `incident` | the event's `id`, `type`, `time`, `subject`; its type in one word; its `data` | when something is told |
//! | `mark` | what a text begins with that was written here | when something is told |
//! | `text` | what the description's texts made of these | when something is told |
//! | `ticket.id`, `ticket.url` | the ticket | where there is one |
//! | `kept` | what was kept of answers | behind them |
//! | `item` | one entry of a list | where lists are read |

use std::collections::BTreeMap;

use minijinja::context;
use minijinja::value::{Serde, Value};
use reqwest::Url;
use serde_json::{Map, Value as Json, json};
use uphold_common::catalogue::model::ReceiverUrl;

use super::Ticket;
use super::known::Known;
use super::template::address;

/// What every text that is written into tickets begins with, before the event's id.
const MARK: &str = "[Uphold ";

/// The values of one attempt.
#[derive(Clone, Debug, Default)]
pub struct Values {
    all: Map<String, Json>,
    kept: Map<String, Json>,
}

impl Values {
    /// What is known of a receiver and of the incident with this key.
    pub fn new(known: &Known, key: &str) -> Self {
        let mut all = Map::new();
        all.insert("key".to_owned(), json!(key));
        all.insert("user".to_owned(), json!(known.user));
        all.insert("var".to_owned(), json!(known.variables));
        all.insert("url".to_owned(), addresses(&known.from, &known.url));
        all.insert("secret".to_owned(), json!({ "token": known.token, "password": known.password }));
        Self { all, kept: Map::new() }
    }

    /// These and an event, as it stands in a message's body.
    #[must_use]
    pub fn about(mut self, event: &Json) -> Self {
        let of = |name: &str| event.get(name).cloned().unwrap_or_default();
        let told = json!({ "id": of("id"), "type": of("type"), "time": of("time"), "subject": of("subject") });
        let kind = of("type");
        let what = kind.as_str().and_then(|kind| kind.rsplit('.').next()).unwrap_or_default();
        self.put("what", json!(what));
        self.put("incident", of("data"));
        self.put("mark", json!(mark(of("id").as_str().unwrap_or_default())));
        self.put("event", told);
        self
    }

    /// Names a value.
    pub fn put(&mut self, name: &str, value: Json) {
        self.all.insert(name.to_owned(), value);
    }

    /// Keeps a part of an answer.
    pub fn keep(&mut self, name: &str, value: Json) {
        self.kept.insert(name.to_owned(), value);
    }

    /// Names the ticket.
    pub fn ticket(&mut self, ticket: &Ticket) {
        self.put("ticket", json!({ "id": ticket.id, "url": ticket.url }));
    }

    /// For templates.
    pub fn value(&self) -> Value {
        let mut all = self.all.clone();
        all.insert("kept".to_owned(), Json::Object(self.kept.clone()));
        Value::from(Serde(all))
    }

    /// For the template of a link, which begins with an address.
    pub fn for_a_link(&self) -> Value {
        let of = |name: &str| Some((name.to_owned(), address(self.all.get("url")?.get(name)?.as_str()?)));
        let url: BTreeMap<String, Value> = ["base", "origin"].into_iter().filter_map(of).collect();
        context! { url => Value::from(url), ..self.value() }
    }

    /// What was kept.
    pub const fn all_kept(&self) -> &Map<String, Json> {
        &self.kept
    }
}

/// What a text begins with that tells of the event of this id.
pub fn mark(event: &str) -> String {
    format!("{MARK}{event}]")
}

/// Whether a text was written here about the incident with this key, and not by somebody who quotes it. Event ids are the
/// key and a place behind a dot.
pub fn is_ours(text: &str, key: &str) -> bool {
    let rest = text.trim_start().strip_prefix(MARK).and_then(|rest| rest.strip_prefix(key));
    rest.is_some_and(|rest| rest.starts_with('.'))
}

/// The key of the incident that an event with this id is about: the id without its place.
pub fn key_of(event: &str) -> &str {
    event.rsplit_once('.').map_or(event, |(key, _)| key)
}

fn addresses(from: &ReceiverUrl, url: &Url) -> Json {
    let origin = url.origin().ascii_serialization();
    match from {
        ReceiverUrl::Url(_) => json!({ "origin": origin, "base": url.as_str().trim_end_matches('/') }),
        ReceiverUrl::File(_) => json!({ "origin": origin }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_here_is_known_again_and_a_quotation_is_not() {
        let key = key_of("0a1b2c3d-INC-7.2");
        assert_eq!(key, "0a1b2c3d-INC-7");
        for (text, ours) in [
            (mark("0a1b2c3d-INC-7.2") + " a cable", true),
            ("\n ".to_owned() + &mark("0a1b2c3d-INC-7.12"), true),
            (mark("0a1b2c3d-INC-70.1"), false),
            (mark("ffffffff-INC-7.2"), false),
            ("> ".to_owned() + &mark("0a1b2c3d-INC-7.2"), false),
            ("Re: [Uphold 0a1b2c3d-INC-7.2]".to_owned(), false),
            (String::new(), false),
        ] {
            assert_eq!(is_ours(&text, key), ours, "{text:?}");
        }
    }
}
