//! The schema for editors against the walk, both ways: every key that the walk asks for stands in the schema, and every
//! key of the schema is asked for.
//!
//! The walk says what it asked for in the mappings it met, so `whole.yaml` shows each mapping at least once. Whoever adds
//! a key to the walk adds it to `schema.json`; whoever adds a mapping shows it in `whole.yaml` too. An expression inside
//! an expression is the same mapping again.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{SCHEMA, read};
use crate::yaml::asked;
use crate::yaml::problem::{Place, Report};
use crate::yaml::tree::{self, Node, Value as Tree};
use crate::yaml::walk::Asked;

const WHOLE: &str = include_str!("whole.yaml");
const HOLIDAYS: (&str, &str) = ("holidays-ch.ics", include_str!("../../../config/holidays-ch.ics"));

/// What is known of the mappings at one path, such as `services[].probes[]`.
#[derive(Debug, Default, PartialEq, Eq)]
struct Shape {
    keys: BTreeSet<String>,
    required: BTreeSet<String>,
}

type Shapes = BTreeMap<String, Shape>;

/// The path without the steps from an expression into one of its operands.
fn folded(path: &str) -> String {
    let Some((before, inside)) = path.split_once(EXPRESSION) else { return path.to_owned() };
    let mut inside = inside;
    while let Some(deeper) = OPERANDS.iter().find_map(|list| inside.strip_prefix(list)) {
        inside = deeper;
    }
    format!("{before}{EXPRESSION}{inside}")
}

const EXPRESSION: &str = ".available_when";
const OPERANDS: [&str; 3] = [".all[]", ".any[]", ".of[]"];

/// The mappings of the schema; a mapping that takes unknown keys is refused at once.
fn of_schema(schema: &Value, at: &Value, path: &str, shapes: &mut Shapes) {
    let target = at["$ref"].as_str().and_then(|target| schema.pointer(target.strip_prefix('#')?));
    // What stands in itself was described where it was first met.
    if let Some(target) = target.filter(|_| folded(path) == path) {
        of_schema(schema, target, path, shapes);
    }
    for branch in ["allOf", "anyOf", "oneOf"].iter().flat_map(|word| at[word].as_array().into_iter().flatten()) {
        of_schema(schema, branch, path, shapes);
    }
    if let Some(items) = at.get("items") {
        of_schema(schema, items, &format!("{path}[]"), shapes);
    }
    let Some(properties) = at["properties"].as_object() else { return };
    assert_eq!(at["additionalProperties"], Value::Bool(false), "{path} takes unknown keys");
    let shape = shapes.entry(path.to_owned()).or_default();
    shape.keys.extend(properties.keys().cloned());
    let required = at["required"].as_array().into_iter().flatten();
    shape.required.extend(required.filter_map(|key| key.as_str().map(str::to_owned)));
    for (key, below) in properties {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        of_schema(schema, below, &path, shapes);
    }
}

/// Where each mapping of a document begins, and its path.
fn paths(node: &Node, path: &str, found: &mut Vec<(Place, String)>) {
    match &node.value {
        Tree::Scalar { .. } => {}
        Tree::Sequence(items) => items.iter().for_each(|item| paths(item, &format!("{path}[]"), found)),
        Tree::Mapping(entries) => {
            found.push((node.place.clone(), path.to_owned()));
            for entry in entries {
                let below = if path.is_empty() { entry.key.clone() } else { format!("{path}.{}", entry.key) };
                paths(&entry.value, &below, found);
            }
        }
    }
}

/// The mappings of the walk, as far as the whole example shows them.
fn of_walk() -> Shapes {
    asked::taken();
    read(&[("whole.yaml", WHOLE), HOLIDAYS]).unwrap_or_else(|problems| panic!("{problems}"));
    let noted = asked::taken();
    let tree = tree::read("whole.yaml", WHOLE, &Report::default()).unwrap().unwrap();
    let mut places = Vec::new();
    paths(&tree, "", &mut places);
    let mut shapes = Shapes::new();
    for (place, asked) in noted {
        let (_, path) = places.iter().find(|(at, _)| *at == place).unwrap();
        let shape = shapes.entry(folded(path)).or_default();
        for (key, how) in asked {
            if how != Asked::NotYet {
                shape.keys.insert(key.to_owned());
            }
            if how == Asked::Required {
                shape.required.insert(key.to_owned());
            }
        }
    }
    shapes
}

/// What differs between the two, for people.
fn differences(schema: &Shapes, walk: &Shapes) -> Vec<String> {
    let mut told = Vec::new();
    let paths: BTreeSet<&String> = schema.keys().chain(walk.keys()).collect();
    for path in paths {
        let name = if path.is_empty() { "the top" } else { path };
        let (Some(written), Some(asked)) = (schema.get(path), walk.get(path)) else {
            let missing = if walk.contains_key(path) { "schema.json describes no" } else { "whole.yaml shows no" };
            told.push(format!("{missing} mapping at {name}"));
            continue;
        };
        told.extend(asked.keys.difference(&written.keys).map(|key| format!("schema.json lacks {key} at {name}")));
        told.extend(written.keys.difference(&asked.keys).map(|key| format!("the walk does not know {key} at {name}")));
        let required = asked.required.difference(&written.required);
        told.extend(required.map(|key| format!("schema.json does not require {key} at {name}")));
    }
    told
}

#[test]
fn every_key_of_the_walk_stands_in_the_schema_and_the_other_way_round() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let mut written = Shapes::new();
    of_schema(&schema, &schema, "", &mut written);
    assert_eq!(differences(&written, &of_walk()), [""; 0]);
}

#[test]
fn a_key_that_only_one_of_them_knows_is_told() {
    let without = |pointer: &str, key: &str| {
        let mut schema: Value = serde_json::from_str(SCHEMA).unwrap();
        let removed = match schema.pointer_mut(pointer).unwrap() {
            Value::Object(properties) => properties.remove(key).is_some(),
            Value::Array(required) => {
                let before = required.len();
                required.retain(|name| name != key);
                required.len() < before
            }
            _ => false,
        };
        assert!(removed, "{pointer} {key}");
        let mut shapes = Shapes::new();
        of_schema(&schema, &schema, "", &mut shapes);
        shapes
    };
    let walk = of_walk();
    for (pointer, key, told) in [
        ("/$defs/probe/properties", "rise", "schema.json lacks rise at services[].probes[]"),
        ("/$defs/probe/required", "interval", "schema.json does not require interval at services[].probes[]"),
        ("/$defs/step", "properties", "schema.json describes no mapping at services[].probes[].tcp.dialogue[]"),
    ] {
        assert_eq!(differences(&without(pointer, key), &walk), [told]);
    }
    let mut less = of_walk();
    less.get_mut("services[]").unwrap().keys.remove("owner");
    less.remove("routes[].when");
    let told = ["whole.yaml shows no mapping at routes[].when", "the walk does not know owner at services[]"];
    assert_eq!(differences(&without("/$defs/probe/required", "id"), &less), told);
}
