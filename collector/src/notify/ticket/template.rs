//! Templates: text with values in braces, checked when the description is read, and rendered under bounds. Pure.
//!
//! How a value comes out depends on where the template stands: in a body of JSON as JSON, whatever is in it; in a path
//! percent-encoded; elsewhere as it is. So hostile text in an incident cannot leave its place. There is no way to mark a
//! value as safe, no template reads another, and a value that is not there is an error rather than nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};
use std::{fmt, io};

use base64::Engine as _;
use minijinja::value::{Object, ObjectRepr, Value};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, escape_formatter};
use uphold_common::yaml::words::{did_you_mean, listed, shown};

use super::plain::{html, plain};

/// Longest template, in bytes.
pub const TEMPLATE_BYTES_MAX: usize = 16 * 1024;
/// Most bytes that a template may become.
pub const RENDERED_BYTES_MAX: usize = 64 * 1024;
/// Steps that rendering may take; each also bounds what it allocates.
const FUEL: u64 = 50_000;
/// How paths are escaped, to the engine of the templates.
const PATH: &str = "path";

/// Where a template stands, which says how values come out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// As they are.
    Text,
    /// As JSON.
    Json,
    /// Percent-encoded.
    Path,
}

impl Style {
    /// The name under which the engine is told the style.
    const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Path => PATH,
        }
    }
}

/// An address out of the catalogue, which stands in a path as it is.
#[derive(Debug)]
struct Address(String);

impl Object for Address {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn render(self: &Arc<Self>, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// An address out of the catalogue as a value that no path escapes. It must hold nothing that anybody else wrote.
pub fn address(text: &str) -> Value {
    Value::from_object(Address(text.to_owned()))
}

/// A template that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    text: String,
    style: Style,
}

impl Template {
    /// Checks `text`, in which these words name values.
    pub fn new(text: &str, style: Style, words: &Words) -> Result<Self, String> {
        if text.len() > TEMPLATE_BYTES_MAX {
            return Err(format!("the template is longer than {TEMPLATE_BYTES_MAX} bytes"));
        }
        let named = ENGINE.template_from_named_str(style.name(), text).map_err(|error| said(&error))?;
        let used: BTreeSet<String> = named.undeclared_variables(true).into_iter().collect();
        used.iter().try_for_each(|name| words.check(name))?;
        Ok(Self { text: text.to_owned(), style })
    }

    /// The text with these values in it.
    pub fn render(&self, values: &Value) -> Result<String, String> {
        let template = ENGINE.template_from_named_str(self.style.name(), &self.text).map_err(|error| said(&error))?;
        let mut rendered = Bounded { bytes: Vec::new() };
        template.render_captured_to(values.clone(), &mut rendered).map_err(|error| said(&error))?;
        String::from_utf8(rendered.bytes).map_err(|_| "the template made no text".to_owned())
    }

    /// Whether the value called `word` may be looked at.
    pub fn uses(&self, word: &str) -> bool {
        let named = ENGINE.template_from_named_str(self.style.name(), &self.text);
        named.is_ok_and(|template| template.undeclared_variables(false).contains(word))
    }
}

/// What templates of one place may name.
#[derive(Clone, Debug, Default)]
pub struct Words {
    known: BTreeMap<&'static str, Option<BTreeSet<String>>>,
}

impl Words {
    /// Values by these names, whatever is in them.
    pub fn of(names: &[&'static str]) -> Self {
        Self { known: names.iter().map(|name| (*name, None)).collect() }
    }

    /// These and one more, in which there is nothing but `inside`.
    #[must_use]
    pub fn with(mut self, name: &'static str, inside: impl IntoIterator<Item = String>) -> Self {
        self.known.insert(name, Some(inside.into_iter().collect()));
        self
    }

    /// These and one more, whatever is in it.
    #[must_use]
    pub fn and(mut self, name: &'static str) -> Self {
        self.known.insert(name, None);
        self
    }

    /// These without one.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.known.remove(name);
        self
    }

    /// What there is in the value called `name`, as far as that is known.
    pub fn inside(&self, name: &str) -> impl Iterator<Item = String> {
        self.known.get(name).cloned().flatten().unwrap_or_default().into_iter()
    }

    /// Whether `path`, such as `incident.comment.text`, may be named.
    fn check(&self, path: &str) -> Result<(), String> {
        let (name, rest) = path.split_once('.').unwrap_or((path, ""));
        // A function of the engine.
        if name == "range" {
            return Ok(());
        }
        let Some(inside) = self.known.get(name) else {
            return Err(format!("nothing is called {} here{}", shown(name), hint(name, self.known.keys().copied())));
        };
        let second = rest.split('.').next().filter(|second| !second.is_empty());
        match (inside, second) {
            (Some(inside), Some(second)) if !inside.contains(second) => {
                let words = || inside.iter().map(String::as_str);
                Err(format!("there is no {} in \"{name}\"{}", shown(second), hint(second, words())))
            }
            _ => Ok(()),
        }
    }
}

/// The nearest word, or all there are.
fn hint<'w>(text: &str, words: impl Iterator<Item = &'w str> + Clone) -> String {
    match did_you_mean(text, words.clone()) {
        hint if !hint.is_empty() => hint,
        _ if words.clone().next().is_none() => " (nothing is)".to_owned(),
        _ => format!(" (here are: {})", listed(words)),
    }
}

/// What is wrong, and in which line of the template.
fn said(error: &Error) -> String {
    if error.kind() == ErrorKind::WriteFailure {
        return format!("the template becomes longer than {RENDERED_BYTES_MAX} bytes");
    }
    let what = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    error.line().map_or_else(|| what.clone(), |line| format!("{what} (line {line} of the template)"))
}

static ENGINE: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut engine = Environment::new();
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.set_fuel(Some(FUEL));
    engine.set_recursion_limit(50);
    engine.set_auto_escape_callback(|name| match name {
        "json" => AutoEscape::Json,
        PATH => AutoEscape::Custom(PATH.into()),
        _ => AutoEscape::None,
    });
    engine.set_formatter(written);
    // They would let a value leave its place, or show all values at once.
    for name in ["safe", "escape", "e"] {
        engine.remove_filter(name);
    }
    engine.remove_global("debug");
    engine.add_filter("base64", |text: String| base64::engine::general_purpose::STANDARD.encode(text));
    engine.add_filter("html", |text: String| html(&text));
    engine.add_filter("plain", |text: String| plain(&text));
    engine.add_filter("cut", |text: String, most: usize| text.chars().take(most).collect::<String>());
    engine
});

fn written(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    if matches!(state.auto_escape(), AutoEscape::Custom(name) if *name == PATH) {
        if let Some(Address(address)) = value.downcast_object_ref() {
            return out.write_str(address).map_err(Error::from);
        }
        let text = value.to_string();
        if text.bytes().all(|byte| byte == b'.') {
            let why = "a value of dots alone, or of nothing, would lead to another folder";
            return Err(Error::new(ErrorKind::InvalidOperation, why));
        }
        return out.write_str(&percent_encoded(&text)).map_err(Error::from);
    }
    escape_formatter(out, state, value)
}

/// `text` as one segment of a path.
fn percent_encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~' | b'.');
    let one = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(one).collect()
}

/// What is written into it, up to [`RENDERED_BYTES_MAX`].
struct Bounded {
    bytes: Vec<u8>,
}

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > RENDERED_BYTES_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use minijinja::value::Serde;

    use super::*;

    const HOSTILE: &str = "a\"}, \"b\": {\"c\nd\\ </script> ü {{ 1 }}";

    fn values() -> Value {
        let values = serde_json::json!({
            "summary": HOSTILE, "id": "../7?x#y", "dots": "..", "number": 7, "none": null, "list": ["a", "b\""],
        });
        Value::from(Serde(values))
    }

    fn rendered(style: Style, text: &str) -> Result<String, String> {
        let words = Words::of(&["summary", "id", "dots", "number", "none", "list", "missing"]);
        let words = words.with("var", ["queue".to_owned()]).with("kept", []);
        Template::new(text, style, &words)?.render(&values())
    }

    #[test]
    fn whatever_stands_in_a_body_of_json_stays_in_its_place() {
        let body =
            r#"{"title": {{ "INC: " ~ summary }}, "n": {{ number }}, "list": {{ list | tojson }}, "no": {{ none }}}"#;
        let value: serde_json::Value = serde_json::from_str(&rendered(Style::Json, body).unwrap()).unwrap();
        assert_eq!(value["title"], format!("INC: {HOSTILE}"));
        assert_eq!(value["n"], 7);
        assert_eq!(value["list"], serde_json::json!(["a", "b\""]));
        assert_eq!(value["no"], serde_json::Value::Null);
        let upper: serde_json::Value =
            serde_json::from_str(&rendered(Style::Json, "[{{ summary | upper | tojson }}]").unwrap()).unwrap();
        assert_eq!(upper[0], HOSTILE.to_uppercase());
    }

    #[test]
    fn whatever_stands_in_a_path_is_one_segment() {
        assert_eq!(rendered(Style::Path, "/issue/{{ id }}/x").unwrap(), "/issue/..%2F7%3Fx%23y/x");
        let error = rendered(Style::Path, "/issue/{{ dots }}").unwrap_err();
        assert!(error.starts_with("a value of dots alone"), "{error}");
    }

    #[test]
    fn text_is_given_as_it_is() {
        assert_eq!(rendered(Style::Text, "{{ summary }}").unwrap(), HOSTILE);
        assert_eq!(rendered(Style::Text, "{{ (id ~ ':x') | base64 }}").unwrap(), "Li4vNz94I3k6eA==");
        assert_eq!(rendered(Style::Text, "{{ '<p>a &amp; b</p>' | plain }}{{ id | cut(2) }}").unwrap(), "a & b..");
    }

    #[test]
    fn what_is_wrong_is_said_when_it_is_read_or_rendered() {
        for (text, expected) in [
            ("{{ sumary }}", "nothing is called \"sumary\" here (did you mean \"summary\"?)"),
            ("{{ debug() }}", "nothing is called \"debug\" here (here are: "),
            ("{{ var.quue }}", "there is no \"quue\" in \"var\" (did you mean \"queue\"?)"),
            ("{{ kept.id }}", "there is no \"id\" in \"kept\" (nothing is)"),
            ("{{ summary", "unexpected end of input, expected end of variable block (line 1 of the template)"),
            ("\n{{ summary | safe }}", "filter safe is unknown (line 2 of the template)"),
            ("{{ missing }}", "undefined value (line 1 of the template)"),
            ("{% include 'x' %}", "unknown statement include (line 1 of the template)"),
            ("{% for i in range(9999) %}{{ i }}{% endfor %}", "engine ran out of fuel (line 1 of the template)"),
            (
                "{% for i in range(900) %}{{ summary ~ summary ~ summary }}{% endfor %}",
                "the template becomes longer than",
            ),
        ] {
            let error = rendered(Style::Text, text).unwrap_err();
            assert!(error.starts_with(expected), "{text}: {error}");
        }
        let long = "x".repeat(TEMPLATE_BYTES_MAX + 1);
        assert!(Template::new(&long, Style::Text, &Words::default()).is_err());
    }
}
