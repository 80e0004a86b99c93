//! The page against its golden text, and the table of names against its documentation.

use std::sync::Arc;

use serde_json::json;
use uphold_common::governed::applied::Overrun;
use uphold_common::governed::{Asked, Defaults};
use uphold_common::ids::Id;

use super::*;
use crate::governed::Kept;
use crate::governed::register::Register;
use crate::identity::deed::Actor;
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
fn maintenance_that_takes_place_and_that_has_overrun_is_counted_by_service() {
    let mut snapshot = fixture::snapshot();
    let now = snapshot.as_of;
    let mut register = Register::default();
    for (name, services, start_ms) in
        [("one", json!(["webshop"]), -1_000), ("two", json!("all"), -1_000), ("next", json!("all"), 1_000)]
    {
        let (start, end) = (now.plus_ms(start_ms), now.plus_ms(start_ms + 60_000));
        let written = json!({ "services": services, "start": start.as_ms(), "end": end.as_ms() });
        let asked = Asked::Maintenance(serde_json::from_value(written).unwrap());
        let content = asked.read(Id::new(name).unwrap(), &Defaults { at: now, time_zone: None }).unwrap();
        let kept = Kept { content, recorded_at: now, recorded_by: Actor::Collector, revoked: None };
        register.put(Arc::new(kept), 1);
    }
    snapshot.governed = Arc::new(register);
    let (maintenance, service) = (Id::new("over").unwrap(), Id::new("mail").unwrap());
    snapshot.overruns = vec![Overrun { maintenance, service, since: now.minus_ms(5) }];
    let page = render(&snapshot).unwrap();
    for line in [
        "uphold_service_maintenance{service=\"webshop\"} 2",
        "uphold_service_maintenance{service=\"mail\"} 1",
        "uphold_service_maintenance_overrun{service=\"mail\"} 1",
        "uphold_service_maintenance_overrun{service=\"webshop\"} 0",
        "uphold_records{sort=\"maintenance\"} 3",
    ] {
        assert!(page.lines().any(|there| there == line), "{line}");
    }
}

#[test]
fn hostile_labels_stay_inside_their_quotes() {
    let mut snapshot = fixture::snapshot();
    snapshot.readings[4].0.of = "/a\"} 1\nuphold_evil 1\\".to_owned();
    let page = render(&snapshot).unwrap();
    assert!(page.contains("of=\"/a\\\"} 1\\nuphold_evil 1\\\\\""), "{page}");
    assert!(!page.lines().any(|line| line.starts_with("uphold_evil")));
}
