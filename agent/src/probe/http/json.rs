//! What a body says as JSON: the value at a pointer, found without keeping anything else of the document, and compared
//! exactly.

use std::borrow::Cow;
use std::fmt;

use regex::bytes::Regex;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use uphold_common::quantity::Quantity;
use uphold_common::wire::check::{JsonCondition, JsonValue};

use super::expected::compiled;

/// A place in a document, and what must stand there.
#[derive(Debug)]
pub(super) struct Condition {
    pointer: String,
    steps: Vec<String>,
    is: Is,
}

/// What must stand there, made ready.
#[derive(Debug)]
enum Is {
    Equal(Scalar),
    NotEqual(Scalar),
    AtLeast(Quantity),
    AtMost(Quantity),
    Above(Quantity),
    Below(Quantity),
    Matching(Regex),
    There(bool),
}

/// A text as it is written, and as a number if it is one.
#[derive(Debug)]
struct Scalar {
    text: String,
    number: Option<Quantity>,
}

impl Condition {
    /// Takes the pointer apart.
    pub(super) fn new(condition: &JsonCondition) -> Result<Self, String> {
        let number = |text: &String| Quantity::parse(text).ok_or_else(|| format!("{text:?} is no number"));
        let scalar = |text: &String| Scalar { text: text.clone(), number: Quantity::parse(text) };
        let is = match &condition.is {
            JsonValue::Equals(text) => Is::Equal(scalar(text)),
            JsonValue::NotEquals(text) => Is::NotEqual(scalar(text)),
            JsonValue::AtLeast(text) => Is::AtLeast(number(text)?),
            JsonValue::AtMost(text) => Is::AtMost(number(text)?),
            JsonValue::Above(text) => Is::Above(number(text)?),
            JsonValue::Below(text) => Is::Below(number(text)?),
            JsonValue::Matches(expression) => Is::Matching(compiled("JSON", expression)?),
            JsonValue::Exists(there) => Is::There(*there),
        };
        let pointer = condition.pointer.clone();
        if !pointer.is_empty() && !pointer.starts_with('/') {
            return Err(format!("{pointer:?} is no JSON pointer"));
        }
        let steps = pointer.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~")).collect();
        Ok(Self { pointer, steps, is })
    }

    /// What is not as expected, if anything is; it repeats nothing of the document.
    pub(super) fn unmet(&self, body: &[u8]) -> Option<String> {
        let Ok(value) = self.value(body) else { return Some("the body is no JSON".to_owned()) };
        if self.holds(value) {
            return None;
        }
        let place = if self.pointer.is_empty() { "the document" } else { &self.pointer };
        let what = match (&self.is, value) {
            (Is::There(true), _) | (_, None) => "is not there",
            (Is::There(false), _) => "is there",
            _ => "is not as expected",
        };
        Some(format!("{place} {what}"))
    }

    /// What stands at the place, as it is written, if anything does.
    fn value<'b>(&self, body: &'b [u8]) -> Result<Option<&'b str>, serde_json::Error> {
        // Bytes that are no text are none of JSON's either; what is passed over would not show it.
        let text = std::str::from_utf8(body).map_err(serde_json::Error::custom)?;
        let mut document = serde_json::Deserializer::from_str(text);
        let found = Place { steps: &self.steps }.deserialize(&mut document)?;
        document.end()?;
        Ok(found.map(RawValue::get))
    }

    fn holds(&self, value: Option<&str>) -> bool {
        let number = || value.and_then(Quantity::parse);
        match &self.is {
            Is::There(there) => value.is_some() == *there,
            Is::Equal(scalar) => value.is_some_and(|value| scalar.is(value)),
            Is::NotEqual(scalar) => value.is_some_and(|value| !scalar.is(value)),
            Is::AtLeast(least) => number().is_some_and(|number| number >= *least),
            Is::AtMost(most) => number().is_some_and(|number| number <= *most),
            Is::Above(bound) => number().is_some_and(|number| number > *bound),
            Is::Below(bound) => number().is_some_and(|number| number < *bound),
            Is::Matching(expression) => {
                value.and_then(text_of).is_some_and(|text| expression.is_match(text.as_bytes()))
            }
        }
    }
}

impl Scalar {
    /// Whether a value of JSON says the same.
    fn is(&self, value: &str) -> bool {
        match (&self.number, Quantity::parse(value)) {
            (Some(wanted), Some(number)) => *wanted == number,
            _ => text_of(value).is_some_and(|text| text == self.text),
        }
    }
}

/// The characters of a value that is one text, number or word.
fn text_of(value: &str) -> Option<Cow<'_, str>> {
    match value.as_bytes().first()? {
        b'"' => serde_json::from_str::<String>(value).ok().map(Cow::Owned),
        b'{' | b'[' => None,
        _ => Some(Cow::Borrowed(value)),
    }
}

/// The way to a value; everything beside it is passed over.
#[derive(Clone, Copy)]
struct Place<'p> {
    steps: &'p [String],
}

impl<'de> DeserializeSeed<'de> for Place<'_> {
    type Value = Option<&'de RawValue>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        if self.steps.is_empty() {
            <&RawValue as serde::Deserialize>::deserialize(deserializer).map(Some)
        } else {
            deserializer.deserialize_any(self)
        }
    }
}

impl<'de> Visitor<'de> for Place<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    /// Of a key that stands twice the last one counts, as most readers have it.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (step, steps) = self.steps.split_first().ok_or_else(|| A::Error::custom("no step"))?;
        let mut found = None;
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            if key == step.as_str() {
                found = map.next_value_seed(Place { steps })?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let (step, steps) = self.steps.split_first().ok_or_else(|| A::Error::custom("no step"))?;
        let written_once = step == "0" || !step.starts_with('0');
        let digits = !step.is_empty() && step.bytes().all(|byte| byte.is_ascii_digit());
        let index: Option<usize> = step.parse().ok().filter(|_| written_once && digits);
        for _ in 0..index.unwrap_or_default() {
            if items.next_element::<IgnoredAny>()?.is_none() {
                return Ok(None);
            }
        }
        let found = match index {
            Some(_) => items.next_element_seed(Place { steps })?.flatten(),
            None => None,
        };
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(found)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = r#"{ "status": "ok", "queue": { "length": 100.0, "big": 9007199254740993 }, "a/b~c": [0, [true, "x\n"]],
        "flag": false, "none": null, "status ": 1, "double": 1, "double": 2, "tiny": 1e-400, "text": "100" }"#;

    #[test]
    fn conditions_hold_or_do_not() {
        let text = str::to_owned;
        for (pointer, is, met) in [
            ("/status", JsonValue::Equals(text("ok")), true),
            ("/status", JsonValue::Equals(text("OK")), false),
            ("/status", JsonValue::NotEquals(text("OK")), true),
            ("/missing", JsonValue::NotEquals(text("OK")), false),
            ("/queue/length", JsonValue::AtMost(text("100")), true),
            ("/queue/length", JsonValue::Equals(text("1e2")), true),
            ("/queue/length", JsonValue::Below(text("100")), false),
            ("/queue/length", JsonValue::AtLeast(text("100.0001")), false),
            ("/queue/big", JsonValue::Above(text("9007199254740992")), true),
            ("/queue/big", JsonValue::Equals(text("9007199254740992")), false),
            ("/queue", JsonValue::AtMost(text("100")), false),
            ("/queue", JsonValue::Exists(true), true),
            ("/queue/length/deeper", JsonValue::Exists(true), false),
            ("/status/deeper", JsonValue::Exists(false), true),
            ("/a~1b~0c/1/0", JsonValue::Equals(text("true")), true),
            ("/a~1b~0c/1/1", JsonValue::Matches(text("^x\n$")), true),
            ("/a~1b~0c/2", JsonValue::Exists(true), false),
            ("/a~1b~0c/00", JsonValue::Exists(true), false),
            ("/a~1b~0c/+0", JsonValue::Exists(true), false),
            ("/flag", JsonValue::Equals(text("false")), true),
            ("/none", JsonValue::Equals(text("null")), true),
            ("/none", JsonValue::Exists(true), true),
            ("/double", JsonValue::Equals(text("2")), true),
            ("/tiny", JsonValue::Above(text("0")), true),
            ("/text", JsonValue::AtMost(text("100")), false),
            ("/text", JsonValue::Equals(text("100")), true),
            ("", JsonValue::Exists(true), true),
        ] {
            let condition = JsonCondition { pointer: pointer.to_owned(), is };
            let unmet = Condition::new(&condition).unwrap().unmet(BODY.as_bytes());
            assert_eq!(unmet.is_none(), met, "{condition:?}: {unmet:?}");
        }
    }

    #[test]
    fn what_is_no_json_has_nothing_in_it() {
        let condition = JsonCondition { pointer: "/a".to_owned(), is: JsonValue::Exists(false) };
        let condition = Condition::new(&condition).unwrap();
        let deep = format!("{{\"b\":{}", "[".repeat(100_000));
        for body in ["", "ok", "{\"a\": 1", "{\"b\": 1} 2", "{\"b\": \"\u{1}\"}", &deep] {
            assert_eq!(condition.unmet(body.as_bytes()), Some("the body is no JSON".to_owned()), "{body:.20}");
        }
        assert_eq!(condition.unmet(b"{\"b\": [\"\xff\"]}"), Some("the body is no JSON".to_owned()));
    }
}
