//! The reports of a known world against their golden text.

use super::*;
use crate::incident::model::Incident;
use crate::page::fixture;

fn view(service: &str) -> View {
    serde_json::from_str(&fixture::figures(service)).unwrap()
}

fn zurich() -> TimeZone {
    fixture::catalogue("", "").organisation.time_zone
}

fn incidents() -> (Vec<Incident>, uphold_common::time::Instant) {
    let snapshot = fixture::snapshot();
    let all: Vec<_> = snapshot.open_incidents.iter().chain(&snapshot.recent_incidents).collect();
    (serde_json::from_str(&serde_json::to_string(&all).unwrap()).unwrap(), snapshot.as_of)
}

#[test]
fn the_reports_of_known_figures_are_known() {
    let style = Style::default();
    let (incidents, now) = incidents();
    let text = [
        render(&view("webshop"), Some(&zurich()), style),
        render(&view("mail"), None, style),
        incidents::render(&incidents, now, Some(&zurich()), Style { width: 120, ..style }),
    ]
    .join("\n================\n\n");
    let text = text.replace(uphold_common::measure::figures::time_zone_data(), "RELEASE");
    println!("{text}");
    assert_eq!(text, include_str!("golden.txt"), "the report changed: if so intended, write it to golden.txt");
}

#[test]
fn lines_are_as_long_as_they_may_be_and_colours_are_only_where_wanted() {
    let (incidents, now) = incidents();
    for width in [60, 80, 132] {
        let style = Style { colour: false, width };
        let text = render(&view("webshop"), None, style)
            + &incidents::render(&incidents, now, None, Style { width: 132, ..style });
        assert!(!text.contains('\u{1b}'));
        let bar = text.lines().find(|line| line.starts_with("  ███")).unwrap();
        assert_eq!(bar.chars().count(), usize::from(width) - 2);
    }
    let coloured = render(&view("mail"), None, Style { colour: true, width: 80 });
    assert!(coloured.contains("\u{1b}[1m\u{1b}[31mbreached\u{1b}[0m"), "{coloured:?}");
}

#[test]
fn a_service_without_data_or_promise_is_told_in_words() {
    let text = render(&view("archive"), None, Style::default());
    assert!(text.contains("–") && text.contains("of 99 % promised: no data"), "{text}");
    let mut nothing = view("archive");
    nothing.targets.clear();
    assert!(render(&nothing, None, Style::default()).contains("Nothing was promised"));
    assert_eq!(incidents::render(&[], nothing.as_of, None, Style::default()), "No incidents.\n");
}

#[test]
fn added_keys_are_passed_over_and_control_characters_are_not_printed() {
    let text = fixture::figures("mail").replacen('{', r#"{"added": [1, {"more": 2}], "#, 1);
    assert!(serde_json::from_str::<View>(&text).is_ok());
    let (mut list, now) = incidents();
    list[0].summary = "\u{1b}[2Jgone\r".to_owned();
    assert!(!incidents::render(&list, now, None, Style::default()).contains('\u{1b}'));
}

#[test]
fn an_incident_says_what_is_due_and_whether_it_was_met_and_what_is_known() {
    let snapshot = fixture::snapshot();
    let incident = serde_json::to_value(&snapshot.open_incidents[1]).unwrap();
    let told = serde_json::json!({
        "incident": incident,
        "events": [],
        "response": { "respond_by": 1_795_352_400_000_i64, "respond": "missed",
                      "restore_by": 1_795_366_800_000_i64, "restore": "running" },
        "problem": "PRB-2",
        "known_error": { "problem": "PRB-2", "root_cause": "a leak\nof \u{1b}[31mconnections", "workaround": "restart" },
    });
    let history = |told: &serde_json::Value| serde_json::from_value::<incidents::HistoryView>(told.clone()).unwrap();
    let text = incidents::render_one(&history(&told), Style::default());
    for expected in [
        "  respond by    2026-11-22T13:00:00Z: missed\n",
        "  restore by    2026-11-22T17:00:00Z: running\n",
        "  problem       PRB-2\n",
        "  known error   a leak of \u{fffd}[31mconnections\n",
        "  what helps    restart\n",
    ] {
        assert!(text.contains(expected), "{expected:?} is not in:\n{text}");
    }
    assert!(!text.contains('\u{1b}'), "{text:?}");
    let coloured = incidents::render_one(&history(&told), Style { colour: true, ..Style::default() });
    assert!(coloured.contains("\u{1b}[1m\u{1b}[31mmissed"), "{coloured:?}");
    let nothing = serde_json::json!({ "incident": incident, "events": [], "response": null, "problem": null,
                                      "known_error": null });
    assert!(!incidents::render_one(&history(&nothing), Style::default()).contains("respond by"));
}
