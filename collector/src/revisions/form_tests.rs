//! Digests by form, by table; and every key of the figures against the forms, so that none is added beside them.

use std::collections::BTreeMap;

use super::*;

/// A program that says more: a second form has added `later` and `kinds.later`, a third `days.last`.
const ADDED_LATER: [&[&str]; 2] = [&["later", "kinds.later"], &["days.last"]];

fn digest_of(block: &str, form: u32) -> String {
    digest_among(block.as_bytes(), form, &ADDED_LATER).unwrap()
}

#[test]
fn what_a_later_form_adds_changes_no_digest_of_an_earlier_one_and_every_value_does() {
    let first = r#"{"N":5,"kinds":{"up":1},"days":[{"date":"a"},{"date":"b"}]}"#;
    let second = r#"{"later":[{"x":1}],"kinds":{"later":7,"up":1},"N":5,"days":[{"date":"a"},{"date":"b"}]}"#;
    let third = r#"{"N":5,"later":[{"x":1}],"kinds":{"up":1,"later":7},"days":[{"last":1,"date":"a"},{"date":"b"}]}"#;
    let issued = digest_of(first, 1);
    assert_eq!((digest_of(second, 1), digest_of(third, 1)), (issued.clone(), issued.clone()));
    assert_eq!(digest_of(second, 2), digest_of(third, 2));
    assert_ne!(digest_of(second, 2), issued);
    assert_ne!(digest_of(third, 3), digest_of(third, 2));
    for other in [
        first.replace(":5", ":6"),
        first.replace("\"b\"", "\"c\""),
        first.replace("},{", ","),
        first.replace("\"up\":1", ""),
        first.replace("\"N\":5", "\"N\":5,\"M\":5"),
        first.replace("[{\"date\":\"a\"},{\"date\":\"b\"}]", "[]"),
    ] {
        assert_ne!(digest_of(&other, 1), issued, "{other}");
    }
    // A key of the same name somewhere else is no key that came later.
    assert_ne!(digest_of(&first.replace("\"date\":\"a\"", "\"date\":\"a\",\"later\":1"), 1), issued);
}

#[test]
fn the_digest_is_that_of_compact_json_with_its_keys_in_order() {
    let text = r#"{"a":{"b":null,"ä":"\"\n"},"z":[[1,-2,"x"],{},[]]}"#;
    let block = r#" { "z" : [ [ 1, -2, "x" ], {}, [] ], "a" : { "ä" : "\"\n", "b" : null } } "#;
    let expected = Hex(&Sha256::digest(text.as_bytes())).to_string();
    assert_eq!(digest(block.as_bytes(), FORM).unwrap(), expected);
    assert!(digest(b"{", FORM).is_err());
}

/// The keys of the first form below each of the three figures of an availability.
const OF_A_FIGURE: &str = "A A_max A_max_percent A_min A_min_percent A_percent C D G L MTBF_ms MTBSI_ms MTRS_ms N N_whole U \
    break_count break_verdicts breaks budget_ms charges_by_component_ms charges_by_party_ms charges_ms coverage \
    coverage_percent days days.charges_ms days.date days.kinds days.kinds.degraded days.kinds.down days.kinds.excluded \
    days.kinds.maintenance days.kinds.not_agreed days.kinds.unmeasured days.kinds.up kinds kinds.degraded kinds.down \
    kinds.excluded kinds.maintenance kinds.not_agreed kinds.unmeasured kinds.up longest_break_ms not_proven remaining_ms \
    spent_ms stretches target_ppb verdict";
/// All others of the first form.
const OF_A_BLOCK: &str = "alerts contractual credit experienced window without_exclusions window.before_entry_ms \
    window.end_ms window.kind window.measured_until_ms window.open window.settled window.start_ms capacity response";
/// And those of the other two kinds of targets.
const OF_OTHERS: &str = "capacity.committed_ms capacity.critical_ms capacity.critical_ppb capacity.n capacity.percentile \
    capacity.percentile_percent capacity.percentile_ppb capacity.rank capacity.state capacity.unmeasured_ms \
    capacity.warning_ms capacity.warning_ppb response.below_us response.failed response.n response.no_duration \
    response.percentile response.probe response.rank response.share response.unknown response.value_us response.verdict \
    response.within";

/// Every key below a schema, as the document of the API tells it.
fn paths(schemas: &Value, schema: &Value, path: &str, found: &mut BTreeSet<String>) {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.rsplit('/').next().unwrap();
        return paths(schemas, &schemas[name], path, found);
    }
    for one in ["oneOf", "anyOf"].iter().filter_map(|key| schema[key].as_array()).flatten() {
        paths(schemas, one, path, found);
    }
    if schema["items"].is_object() {
        paths(schemas, &schema["items"], path, found);
    }
    for (key, value) in schema["properties"].as_object().into_iter().flatten() {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        // Alerts are left empty.
        if path != "alerts" {
            paths(schemas, value, &path, found);
        }
        found.insert(path);
    }
}

#[test]
fn every_key_of_the_figures_belongs_to_a_form() {
    let document: Value = serde_json::from_str(include_str!("../../../docs/openapi.json")).unwrap();
    let schemas = &document["components"]["schemas"];
    let mut found = BTreeSet::new();
    paths(schemas, &schemas["TargetBlock"], "", &mut found);
    let figures = ["contractual", "without_exclusions", "experienced"];
    let of_figures = figures.iter().flat_map(|figure| OF_A_FIGURE.split(' ').map(move |key| format!("{figure}.{key}")));
    let mut first: BTreeSet<String> = of_figures.chain(OF_A_BLOCK.split(' ').map(str::to_owned)).collect();
    first.extend(OF_OTHERS.split(' ').map(str::to_owned));
    first.retain(|key| !key.is_empty());
    let mut since: BTreeMap<String, u32> = first.into_iter().map(|key| (key, 1)).collect();
    for (form, keys) in (2..).zip(ADDED) {
        for key in keys {
            assert_eq!(since.insert((*key).to_owned(), form), None, "{key} is in an earlier form");
        }
    }
    let told: BTreeSet<String> = since.into_keys().collect();
    let missing: Vec<_> = found.difference(&told).collect();
    assert!(missing.is_empty(), "these keys are new: they begin a form of their own in ADDED: {missing:?}");
    let gone: Vec<_> = told.difference(&found).collect();
    assert!(gone.is_empty(), "these keys are gone, which changes what is measured: {gone:?}");
}
