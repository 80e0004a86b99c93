//! The values that the schema names, held against the reader with the whole example: one value of it is changed at a
//! time, and the reader says whether it takes it, and which words it would have taken.

use std::collections::BTreeSet;

use serde_json::Value;
use uphold_common::catalogue::{self, SCHEMA};

use super::as_an_editor_reads;
use crate::examples::with_holidays;
use crate::pages::Page;

/// A value of the whole example, and what the schema says of it.
struct Shown {
    /// A JSON pointer into the example.
    pointer: String,
    /// The keys that lead there, without numbers.
    path: String,
    /// The schema, and what it refers to.
    rules: Vec<Value>,
}

impl Shown {
    fn rule(&self, word: &str) -> Option<&Value> {
        self.rules.iter().find_map(|rule| rule.get(word))
    }
}

fn whole() -> Value {
    as_an_editor_reads(&Page::read("common/src/catalogue/whole.yaml").text).unwrap()
}

/// What the reader finds wrong; JSON is YAML.
fn problems(document: &Value) -> Vec<String> {
    let text = document.to_string();
    let read = catalogue::read(&with_holidays(&text));
    read.err().map(|problems| problems.shown().iter().map(ToString::to_string).collect()).unwrap_or_default()
}

/// Every value of the example that the schema describes.
fn shown() -> Vec<Shown> {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let mut found = Vec::new();
    walk(&schema, &schema, &whole(), (String::new(), String::new()), &mut found);
    found
}

fn walk(schema: &Value, at: &Value, document: &Value, (pointer, path): (String, String), found: &mut Vec<Shown>) {
    let mut rules = vec![at.clone()];
    while let Some(target) = rules.last().and_then(|rule| rule["$ref"].as_str()) {
        let target = schema.pointer(target.trim_start_matches('#')).unwrap().clone();
        rules.push(target);
    }
    let branches: Vec<Value> = rules.iter().filter_map(|rule| rule["anyOf"].as_array().cloned()).flatten().collect();
    rules.extend(branches);
    for rule in &rules {
        for (key, below) in rule["properties"].as_object().into_iter().flatten() {
            if let Some(value) = document.get(key) {
                walk(schema, below, value, (format!("{pointer}/{key}"), format!("{path}.{key}")), found);
            }
        }
        if let (Some(items), Some(values)) = (rule.get("items"), document.as_array()) {
            for (index, value) in values.iter().enumerate() {
                walk(schema, items, value, (format!("{pointer}/{index}"), path.clone()), found);
            }
        }
    }
    found.push(Shown { pointer, path, rules });
}

/// The example with another value at this place.
fn with(pointer: &str, value: Value) -> Value {
    let mut document = whole();
    *document.pointer_mut(pointer).unwrap() = value;
    document
}

/// The example without the key at this place.
fn without(pointer: &str) -> Value {
    let (above, key) = pointer.rsplit_once('/').unwrap();
    let mut document = whole();
    document.pointer_mut(above).unwrap().as_object_mut().unwrap().remove(key);
    document
}

/// The words in `expected "a", "b" or "c", found …`.
fn words_in(problem: &str) -> BTreeSet<String> {
    let expected = problem.split("expected ").nth(1).unwrap_or_default();
    let expected = expected.split([';', '(']).next().unwrap_or_default();
    let expected = expected.split(", found").next().unwrap_or_default();
    let expected = expected.split(" or a length").next().unwrap_or_default();
    expected.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn the_words_of_the_schema_are_those_of_the_reader() {
    let mut seen = BTreeSet::new();
    for shown in shown() {
        let Some(words) = shown.rule("enum").and_then(Value::as_array) else { continue };
        let words: BTreeSet<String> = words.iter().map(|word| word.as_str().unwrap().to_owned()).collect();
        let told = problems(&with(&shown.pointer, Value::from("nonsense")));
        let told = told.iter().find(|problem| problem.contains("\"nonsense\"")).unwrap();
        let mut known = words_in(told);
        known.retain(|word| {
            let told = problems(&with(&shown.pointer, Value::from(word.as_str())));
            !told.iter().any(|problem| problem.contains(&format!("\"{word}\" is not supported yet")))
        });
        // Of many words only the first are told: those stand in the schema, and the reader takes the others too.
        if told.contains(" more, found") {
            let taken = |word: &String| problems(&with(&shown.pointer, Value::from(word.as_str())));
            known.extend(words.iter().filter(|word| !taken(word).iter().any(|p| p.contains("expected \""))).cloned());
            assert!(told.contains(&format!(" and {} more,", words.len() - words_in(told).len())), "{told}");
        }
        assert_eq!(known, words, "{}: {told}", shown.path);
        seen.insert(shown.path);
    }
    for path in [".services.criticality", ".agreements.targets.window", ".routes.when.priority"] {
        assert!(seen.contains(path), "{path} in {seen:?}");
    }
}

#[test]
fn the_defaults_of_the_schema_are_those_of_the_reader() {
    let read = |document: &Value| {
        let mut catalogue = catalogue::read(&with_holidays(&document.to_string())).unwrap();
        // Remarks name places, which are others in every text.
        catalogue.remarks.clear();
        format!("{catalogue:?}")
    };
    let mut seen = 0;
    for shown in shown() {
        let Some(default) = shown.rule("default") else { continue };
        assert_eq!(read(&without(&shown.pointer)), read(&with(&shown.pointer, default.clone())), "{}", shown.path);
        seen += 1;
    }
    assert!(seen >= 10, "only {seen} defaults are shown in the whole example");
}

#[test]
fn what_the_schema_requires_the_reader_misses() {
    let mut seen = 0;
    for shown in shown() {
        for key in shown.rule("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
            let pointer = format!("{}/{key}", shown.pointer);
            let told = problems(&without(&pointer));
            assert!(told.iter().any(|problem| problem.contains("missing")), "{pointer}: {told:?}");
            seen += 1;
        }
    }
    assert!(seen >= 30, "only {seen} required keys are shown in the whole example");
}

#[test]
fn the_examples_of_the_schema_are_taken_by_the_schema_and_the_reader() {
    let schema = super::Schema::new();
    let mut seen = 0;
    for shown in shown() {
        for example in shown.rule("examples").and_then(Value::as_array).into_iter().flatten() {
            let document = with(&shown.pointer, example.clone());
            assert_eq!(schema.refusal(&document), None, "{} {example}", shown.path);
            // An example of an id is an id, and need not be one that is declared here.
            let about = |problem: &&String| !problem.contains("there is no ") && !problem.contains("declared twice");
            let told = problems(&document);
            let expected = told.iter().filter(about).find(|problem| problem.contains("expected"));
            assert_eq!(expected, None, "{} {example}", shown.path);
            seen += 1;
        }
    }
    assert!(seen >= 30, "only {seen} examples belong to values that the whole example shows");
}
