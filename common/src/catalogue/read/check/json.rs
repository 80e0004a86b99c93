//! `http.expect.json`: a pointer into a body, and what must stand there.

use super::pattern::read as pattern;
use super::{Asking, Read};
use crate::quantity::Quantity;
use crate::wire::check::{JsonCondition, JsonValue};
use crate::yaml::walk::At;

/// `{ pointer: /queue/length, at_most: 100 }`
pub(super) fn condition(at: &At<'_>, asking: &Asking) -> Read<JsonCondition> {
    at.mapping(|keys| {
        let pointer = keys.required("pointer", pointer);
        let values = [
            keys.optional("equals", |at| value(at).map(JsonValue::Equals)),
            keys.optional("not_equals", |at| value(at).map(JsonValue::NotEquals)),
            keys.optional("at_least", |at| number(at).map(JsonValue::AtLeast)),
            keys.optional("at_most", |at| number(at).map(JsonValue::AtMost)),
            keys.optional("above", |at| number(at).map(JsonValue::Above)),
            keys.optional("below", |at| number(at).map(JsonValue::Below)),
            keys.optional("matches", |at| pattern(at, asking).map(JsonValue::Matches)),
            keys.optional("exists", |at| at.flag().map(JsonValue::Exists)),
        ];
        let values: Read<Vec<_>> = values.into_iter().filter_map(Result::transpose).collect();
        let one = <[JsonValue; 1]>::try_from(values?).map(|[is]| is);
        let wanted = "a condition is one of \"equals\", \"not_equals\", \"at_least\", \"at_most\", \"above\", \"below\", \
                      \"matches\" and \"exists\"";
        Ok(JsonCondition { pointer: pointer?, is: one.map_err(|_| keys.at().problem(wanted))? })
    })
}

/// Empty for the whole document, else steps that each begin with `/`.
fn pointer(at: &At<'_>) -> Read<String> {
    let wanted = "a JSON pointer such as \"/queue/length\"";
    let text = at.scalar(wanted)?;
    let escapes = || text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    let sound = (text.is_empty() || text.starts_with('/')) && text.len() <= 1_000 && escapes();
    if sound { Ok(text.to_owned()) } else { Err(at.expected(wanted)) }
}

fn value(at: &At<'_>) -> Read<String> {
    at.scalar("a text, a number, \"true\", \"false\" or \"null\"").map(str::to_owned)
}

fn number(at: &At<'_>) -> Read<String> {
    let wanted = "a number such as \"100\" or \"-0.5\"";
    let text = at.scalar(wanted)?;
    if Quantity::parse(text).is_some() { Ok(text.to_owned()) } else { Err(at.expected(wanted)) }
}
