//! The page against its golden text, and the table of names against its documentation.

use super::*;
use crate::page::fixture;

/// The collector's part of the documentation, as it follows from the table.
fn documented() -> String {
    let row = |metric: &Metric| {
        let labels = metric.labels.iter().map(|label| format!("`{label}`")).collect::<Vec<_>>().join(", ");
        format!("| `{}` | {} | {labels} | {} |\n", metric.name, metric.kind.as_str(), metric.help)
    };
    let rows: String = names::ALL.iter().map(row).collect();
    format!("| name | type | labels | what it says |\n|---|---|---|---|\n{rows}")
}

#[test]
fn the_page_of_a_known_snapshot_is_known() {
    let page = render(&fixture::snapshot()).unwrap().replace(env!("CARGO_PKG_VERSION"), "VERSION");
    println!("{page}");
    assert_eq!(page, include_str!("golden.txt"), "the metrics changed: if so intended, write them to golden.txt");
}

#[test]
fn every_metric_is_documented_with_its_help() {
    let table = documented();
    println!("{table}");
    let docs = include_str!("../../../docs/metrics.md");
    assert!(docs.contains(&table), "docs/metrics.md must hold this table:\n{table}");
}

#[test]
fn names_tell_their_type_and_unit_and_help_is_a_sentence() {
    for (place, metric) in names::ALL.iter().enumerate() {
        assert!(metric.name.starts_with("uphold_"), "{}", metric.name);
        assert_eq!(metric.name.ends_with("_total"), metric.kind == Type::Counter, "{}", metric.name);
        assert!(metric.help.ends_with('.'), "{}", metric.name);
        assert!(names::ALL[..place].iter().all(|other| other.name != metric.name), "{} twice", metric.name);
    }
}

#[test]
fn what_has_no_figure_has_no_ratio_but_a_numerator_and_a_denominator() {
    let page = render(&fixture::snapshot()).unwrap();
    let of_archive: Vec<&str> = page.lines().filter(|line| line.contains("service=\"archive\"")).collect();
    let starts = |name: &str| of_archive.iter().any(|line| line.starts_with(name));
    assert!(!starts("uphold_availability_ratio"));
    for name in ["uphold_availability_good_seconds", "uphold_availability_counted_seconds"] {
        assert!(of_archive.iter().any(|line| line.starts_with(name) && line.ends_with("} 0")), "{name}");
    }
    assert!(!page.contains("uphold_probe_success{agent=\"geneva-1\",probe=\"door\""));
}

#[test]
fn hostile_labels_stay_inside_their_quotes() {
    let mut snapshot = fixture::snapshot();
    snapshot.readings[4].0.of = "/a\"} 1\nuphold_evil 1\\".to_owned();
    let page = render(&snapshot).unwrap();
    assert!(page.contains("of=\"/a\\\"} 1\\nuphold_evil 1\\\\\""), "{page}");
    assert!(!page.lines().any(|line| line.starts_with("uphold_evil")));
}
