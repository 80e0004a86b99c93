//! The document against the table of routes and its golden text; its hand-written shapes against the code.

use std::collections::BTreeSet;

use axum::http::Method;
use regex::Regex;
use serde_json::Value;
use uphold_common::catalogue::model::{Priority, WindowKind};
use uphold_common::ids::Id;

use super::*;
use crate::access::routes::{Need, ROUTES};
use crate::identity::role::Role;
use crate::incident::model::{Called, Number};

/// What is served and not in the document: pages, what they are made of, and their forms.
const LEFT_OUT: [(&str, &str); 24] = [
    ("GET", "/"),
    ("GET", "/page.css"),
    ("GET", "/page.js"),
    ("GET", "/icon.svg"),
    ("GET", "/sign-in"),
    ("POST", "/sign-in"),
    ("POST", "/sign-out"),
    ("GET", "/services/{id}"),
    ("GET", "/hosts/{id}"),
    ("GET", "/agents/{name}"),
    ("GET", "/incidents"),
    ("GET", "/problems"),
    ("GET", "/incidents/{number}"),
    ("POST", "/incidents/{number}/acknowledge"),
    ("POST", "/incidents/{number}/comments"),
    ("POST", "/incidents/{number}/assign"),
    ("POST", "/incidents/{number}/resolve"),
    ("POST", "/incidents/{number}/close"),
    ("POST", "/incidents/{number}/reopen"),
    ("POST", "/incidents/{number}/links"),
    ("POST", "/incidents/{number}/unlink"),
    ("POST", "/incidents/{number}/major"),
    ("POST", "/incidents/{number}/notice"),
    ("POST", "/incidents/{number}/review"),
];

fn value() -> Value {
    serde_json::from_str(&TEXT).unwrap()
}

/// Each operation with its method and path.
fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            all.push((method.to_ascii_uppercase(), path.clone(), operation.clone()));
        }
    }
    all
}

#[test]
fn the_document_and_the_table_of_routes_name_the_same() {
    let routes = ROUTES.iter().map(|(method, path, _)| (method.as_str(), *path));
    let routes: BTreeSet<(&str, &str)> = routes.filter(|route| !LEFT_OUT.contains(route)).collect();
    let operations = operations(&value());
    let told: BTreeSet<(&str, &str)> = operations.iter().map(|(m, p, _)| (m.as_str(), p.as_str())).collect();
    assert_eq!(told, routes, "left: the document, right: the table");
    for left_out in LEFT_OUT {
        let known = ROUTES.iter().any(|(method, path, _)| (method.as_str(), *path) == left_out);
        assert!(known, "{left_out:?} is left out, and is no route");
    }
}

#[test]
fn the_roles_are_those_that_the_table_lets_pass() {
    for (method, path, operation) in operations(&value()) {
        let method: Method = method.parse().unwrap();
        let need = ROUTES.iter().find(|(m, p, _)| *m == method && *p == path).unwrap().2;
        for word in Role::WORDS {
            let role = Role::of(word, (word == "agent").then(|| Id::new("a").unwrap())).unwrap();
            let roles = operation["x-roles"].as_array().unwrap();
            match need {
                Need::Open => assert!(roles == &["anybody"] && operation["security"].is_null(), "{path}"),
                Need::Right(right) => assert_eq!(roles.contains(&word.into()), role.may(right), "{word} {path}"),
                Need::Page(_) => panic!("{path} is a page"),
            }
        }
    }
}

#[test]
fn every_operation_can_be_refused_by_the_guard() {
    for (method, path, operation) in operations(&value()) {
        for status in ["400", "401", "408", "421", "429", "431", "503"] {
            let answer = &operation["responses"][status];
            assert!(answer["content"]["application/problem+json"].is_object(), "{method} {path} {status}");
            let retry = answer["headers"]["Retry-After"].is_object();
            assert_eq!(retry, matches!(status, "408" | "429" | "503"), "{method} {path} {status}");
        }
    }
}

#[test]
fn the_document_is_the_one_in_the_documentation() {
    let golden = include_str!("../../../../docs/openapi.json");
    let text = TEXT.as_str();
    if text != golden {
        println!("{text}");
    }
    assert!(text == golden, "the API changed: if so intended, write GET /openapi.json to docs/openapi.json");
}

#[test]
fn what_is_referred_to_is_there() {
    fn references(value: &Value, all: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                all.extend(map.get("$ref").and_then(Value::as_str).map(str::to_owned));
                map.values().for_each(|value| references(value, all));
            }
            Value::Array(values) => values.iter().for_each(|value| references(value, all)),
            _ => {}
        }
    }
    let (document, mut all) = (value(), Vec::new());
    references(&document, &mut all);
    assert!(!all.is_empty());
    for reference in all {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
    }
}

#[test]
fn the_page_about_the_api_says_who_may() {
    let page = include_str!("../../../../docs/api.md");
    for (method, path, operation) in operations(&value()) {
        let roles = operation["x-roles"].as_array().unwrap();
        let words: Vec<&str> = roles.iter().filter_map(Value::as_str).collect();
        let words = if words == Role::WORDS { "any token".to_owned() } else { words.join(", ") };
        let row = format!("| `{method} {path}` | {words} | ");
        assert!(page.contains(&row), "docs/api.md must have a row that begins with {row}");
    }
}

/// The pattern of a schema.
fn pattern(schema: impl Into<utoipa::openapi::RefOr<utoipa::openapi::Schema>>) -> Regex {
    let schema = serde_json::to_value(schema.into()).unwrap();
    Regex::new(schema["pattern"].as_str().unwrap()).unwrap()
}

#[test]
fn patterns_take_what_the_code_takes() {
    let windows = pattern(schemas::window());
    let lengths = [0, 1, 9, 10, 99, 365, 999, 1000, 2999, 3000, 3599, 3600, 3659, 3660, 3661, 3999, 9999, 10_000]
        .into_iter()
        .chain([79_999, 80_000, 86_999, 87_000, 87_799, 87_800, 87_839, 87_840, 87_841, 87_900, 99_999, 1_000_000]);
    let lengths = lengths.flat_map(|n| [format!("{n}d"), format!("{n}h"), format!("00{n}d"), format!("{n}m")]);
    let words = ["day", "week", "month", "quarter", "year", "", "d", "h", "Day", "+1d", "-1d", " 1d", "1 d", "days"];
    for text in lengths.chain(words.map(str::to_owned)) {
        assert_eq!(windows.is_match(&text), WindowKind::parse(&text).is_some(), "{text}");
    }
    let (numbers, called) = (pattern(schemas::number()), pattern(schemas::called()));
    let long = ["9".repeat(19), "9".repeat(20), "0".repeat(20), format!("INC-{}", "9".repeat(20))];
    let ids = ["0a".repeat(16), "0A".repeat(16), "0g".repeat(16), "a".repeat(31), format!("INC-{}", "a".repeat(32))];
    let short = ["7", "INC-7", "", "INC-", "inc-7", "-7", "+7", "INC--7", "007", "7 ", "INC-INC-7"];
    for text in long.into_iter().chain(ids).chain(short.map(str::to_owned)) {
        assert_eq!(numbers.is_match(&text), Number::parse(&text).is_some(), "{text}");
        assert_eq!(called.is_match(&text), Called::parse(&text).is_some(), "{text}");
    }
    let priorities = pattern(<crate::incident::model::PriorityText as utoipa::PartialSchema>::schema());
    for text in ["P0", "P1", "P5", "P6", "p1", "P", "P11", ""] {
        assert_eq!(priorities.is_match(text), Priority::parse(text).is_some(), "{text}");
    }
}
