//! What is wrong with a line, in words: the place, what was expected, what is there, and the nearest valid word.

use std::fmt;

use serde::Deserialize;
use serde_json::{Map, Value};
use uphold_common::observation::{Flow, Resource};
use uphold_common::yaml::words::{did_you_mean, listed, shown};

use super::line::{At, Keys};

/// How an instant is written.
pub(super) const INSTANT: &str = "an instant: whole milliseconds since 1970, or such as \"2026-03-01T00:00:00Z\"";

/// The keys that a line may have.
const KEYS: [&str; 20] = [
    "probe",
    "agent",
    "host",
    "resource",
    "flow",
    "of",
    "at",
    "outcome",
    "cause",
    "code",
    "duration_us",
    "resolve_us",
    "connect_us",
    "tls_us",
    "first_byte_us",
    "transfer_us",
    "used",
    "limit",
    "over_ms",
    "amount",
];
const OUTCOMES: [&str; 4] = ["up", "degraded", "down", "unknown"];
const CAUSES: [&str; 11] =
    ["none", "slow", "resolve", "refused", "connection", "timeout", "tls", "protocol", "code", "body", "agent"];

/// Why a line is no row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// In which column, where the line is no JSON.
    pub column: Option<usize>,
    /// At which of its keys.
    pub key: Option<&'static str>,
    /// What is wrong.
    pub what: String,
}

impl BadLine {
    /// About the line as a whole.
    pub fn whole(what: impl Into<String>) -> Self {
        Self { column: None, key: None, what: what.into() }
    }

    /// About the value of a key.
    pub fn at_key(key: &'static str, what: impl Into<String>) -> Self {
        Self { column: None, key: Some(key), what: what.into() }
    }
}

/// As the end of `line 7`.
impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(column) = self.column {
            write!(f, ", column {column}")?;
        }
        match self.key {
            Some(key) => write!(f, ": {key}: {}", self.what),
            None => write!(f, ": {}", self.what),
        }
    }
}

/// Reads a line that was not read quickly: key by key, so that what is wrong can be said. Text with escapes is right, and
/// only takes longer.
pub(super) fn slowly<T>(
    line: &[u8],
    error: &serde_json::Error,
    then: impl FnOnce(&Keys<'_>) -> Result<T, BadLine>,
) -> Result<T, BadLine> {
    if std::str::from_utf8(line).is_err() {
        return Err(BadLine::whole("expected text in UTF-8"));
    }
    let object: Map<String, Value> = match serde_json::from_slice(line) {
        Ok(Value::Object(object)) => object,
        Ok(other) => return Err(BadLine::whole(format!("expected a JSON object, found {}", described(&other)))),
        Err(syntax) => return Err(unsound(&syntax)),
    };
    let keys = read_keys(&object)?;
    // Of a key that is there twice a map keeps the last, and nobody knows which was meant.
    let twice = error.to_string();
    match twice.strip_prefix("duplicate field `").and_then(|rest| rest.split_once('`')) {
        Some((key, _)) => Err(BadLine::whole(format!("the key {} is there twice", shown(key)))),
        None => then(&keys),
    }
}

fn unsound(syntax: &serde_json::Error) -> BadLine {
    let said = syntax.to_string();
    let what = said.split_once(" at line ").map_or(said.as_str(), |(what, _)| what);
    BadLine { column: Some(syntax.column()), key: None, what: format!("expected JSON: {what}") }
}

fn read_keys(object: &Map<String, Value>) -> Result<Keys<'_>, BadLine> {
    let mut keys = Keys::default();
    for (name, value) in object {
        let Some(key) = KEYS.into_iter().find(|key| key == name) else {
            let hint = did_you_mean(name, KEYS);
            return Err(BadLine::whole(format!("there is no key {}{hint}", shown(name))));
        };
        if value.is_null() {
            continue;
        }
        let number = || read::<u64>(key, value, "a whole number");
        match key {
            "probe" => keys.probe = Some(text(key, value)?),
            "agent" => keys.agent = Some(text(key, value)?),
            "host" => keys.host = Some(text(key, value)?),
            "of" => keys.of = Some(text(key, value)?),
            "at" => keys.at = Some(read::<At>(key, value, INSTANT)?),
            "resource" => keys.resource = Some(word(key, value, &Resource::WORDS.map(|(word, _)| word))?),
            "flow" => keys.flow = Some(word(key, value, &Flow::WORDS.map(|(word, _)| word))?),
            "outcome" => keys.outcome = Some(word(key, value, &OUTCOMES)?),
            "cause" => keys.cause = Some(word(key, value, &CAUSES)?),
            "code" => keys.code = Some(read(key, value, "a whole number up to 65535")?),
            "over_ms" => keys.over_ms = Some(read(key, value, "a whole number of milliseconds, of less than 50 days")?),
            "duration_us" => keys.duration_us = Some(number()?),
            "resolve_us" => keys.resolve_us = Some(number()?),
            "connect_us" => keys.connect_us = Some(number()?),
            "tls_us" => keys.tls_us = Some(number()?),
            "first_byte_us" => keys.first_byte_us = Some(number()?),
            "transfer_us" => keys.transfer_us = Some(number()?),
            "used" => keys.used = Some(number()?),
            "limit" => keys.limit = Some(number()?),
            _ => keys.amount = Some(number()?),
        }
    }
    Ok(keys)
}

fn text<'v>(key: &'static str, value: &'v Value) -> Result<&'v str, BadLine> {
    value.as_str().ok_or_else(|| BadLine::at_key(key, format!("expected text, found {}", described(value))))
}

fn read<'v, T: Deserialize<'v>>(key: &'static str, value: &'v Value, expected: &str) -> Result<T, BadLine> {
    T::deserialize(value).map_err(|_| BadLine::at_key(key, format!("expected {expected}, found {}", described(value))))
}

fn word<'v, T: Deserialize<'v>>(key: &'static str, value: &'v Value, words: &[&str]) -> Result<T, BadLine> {
    let hint = value.as_str().map(|said| did_you_mean(said, words.iter().copied())).unwrap_or_default();
    let expected = || format!("expected {}, found {}{hint}", listed(words.iter().copied()), described(value));
    T::deserialize(value).map_err(|_| BadLine::at_key(key, expected()))
}

fn described(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => shown(text),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}
