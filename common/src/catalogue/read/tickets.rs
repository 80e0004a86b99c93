//! Receivers that are ticket or on-call systems: which description, where, as whom, with what.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::receivers::url;
use crate::catalogue::model::{Described, PRESETS, Tickets};
use crate::yaml::problem::Read;
use crate::yaml::scalars::TEXT_CHARS_MAX;
use crate::yaml::walk::At;

/// Most variables of a receiver.
const VARIABLES_MAX: usize = 50;
/// How often tickets may be looked at.
const POLL_MS: RangeInclusive<i64> = 1_000..=3_600_000;
const POLL_DEFAULT_MS: i64 = 60_000;

/// `{ preset: roundup, url: "https://tickets.example/t", user: uphold, password_file: /etc/uphold/tickets.password }`
pub(super) fn tickets(at: &At<'_>) -> Read<Tickets> {
    at.mapping(|keys| {
        let preset = keys.optional("preset", |at| at.word(&PRESETS.map(|name| (name, name))));
        let file = keys.optional("file", At::text);
        let url = url(keys, base_url);
        let token_file = keys.optional("token_file", At::text);
        let user = keys.optional("user", At::text);
        let password_file = keys.optional("password_file", At::text);
        let variables = keys.or("variables", BTreeMap::new(), variables);
        let poll_ms = keys.or("poll", POLL_DEFAULT_MS, |at| at.duration_ms(POLL_MS));
        let described = match (preset?, file?) {
            (Some(preset), None) => Described::Preset(preset),
            (None, Some(file)) => Described::File(file),
            (None, None) => {
                return Err(keys.at().problem("how it is spoken to is missing: expected \"preset\" or \"file\""));
            }
            (Some(_), Some(_)) => return Err(keys.at().problem("expected one of \"preset\" and \"file\", not both")),
        };
        let (url, token_file, user, password_file) = (url?, token_file?, user?, password_file?);
        let (variables, poll_ms) = (variables?, poll_ms?);
        Ok(Tickets { described, url, token_file, user, password_file, variables, poll_ms })
    })
}

/// A URL that paths are appended to.
fn base_url(at: &At<'_>) -> Read<String> {
    let text = at.url()?;
    if text.contains('#') {
        return Err(at.problem("expected an address without \"#\""));
    }
    Ok(text)
}

fn variables(at: &At<'_>) -> Read<BTreeMap<String, String>> {
    let pairs = at.pairs("variables", VARIABLES_MAX)?;
    let read = pairs.into_iter().map(|(name, at)| {
        let text = at.scalar("a text")?;
        if text.chars().nth(TEXT_CHARS_MAX).is_some() {
            return Err(at.problem(format!("the text is longer than {TEXT_CHARS_MAX} characters")));
        }
        Ok((name.to_owned(), text.to_owned()))
    });
    read.collect::<Vec<_>>().into_iter().collect()
}
