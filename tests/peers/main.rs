//! What is shipped for Prometheus and Grafana, held against Prometheus's own checker and against the metrics that there
//! are. Nothing is started here; the real programs meet in `journey`.
//!
//! The checker reads files, so each test puts the shipped ones into a folder of its own.

#![expect(clippy::unwrap_used, reason = "a file that cannot be read fails the test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;
use uphold_tests::process::child::system_program;

/// What is shipped for Prometheus.
const FILES: [&str; 4] = ["prometheus.yml", "probes.yml", "uphold.rules.yml", "uphold-services.rules.yml"];
const RULES: [&str; 2] = ["uphold.rules.yml", "uphold-services.rules.yml"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

fn shipped(name: &str) -> String {
    read(&format!("config/prometheus/{name}"))
}

/// A folder with these files, each as `change` makes it.
fn folder(change: impl Fn(&str, String) -> String) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in FILES {
        fs::write(folder.path().join(name), change(name, shipped(name))).unwrap();
    }
    fs::write(folder.path().join("rules.test.yml"), read("tests/peers/rules.test.yml")).unwrap();
    fs::write(folder.path().join("uphold.token"), "a token\n").unwrap();
    folder
}

/// What the checker says, if it is not content.
fn promtool(folder: &TempDir, command: [&str; 2], file: &str) -> Result<(), String> {
    let mut promtool = Command::new(system_program("promtool").unwrap());
    let output = promtool.args(command).arg(folder.path().join(file)).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(()) } else { Err(format!("{command:?} {file}:\n{said}")) }
}

/// The metrics of a text, by their names.
fn metrics(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | ':'));
    words.filter(|word| word.starts_with("uphold_")).collect()
}

/// Those that `docs/metrics.md` has no line for.
fn undocumented(text: &str) -> Vec<&str> {
    let page = read("docs/metrics.md");
    let has = |start: &str| page.lines().any(|line| line.starts_with(start));
    // Of a histogram Prometheus sees three names.
    let parts =
        |name: &str| ["_bucket", "_count", "_sum"].iter().find_map(|part| Some(name.strip_suffix(part)?.to_owned()));
    let documented = |name: &&str| {
        has(&format!("| `{name}` |")) || parts(name).is_some_and(|base| has(&format!("| `{base}` | histogram |")))
    };
    metrics(text).into_iter().filter(|name| !documented(name)).collect()
}

/// The expressions of a rules file, without what else stands there.
fn without_comments(text: &str) -> String {
    text.lines().filter(|line| !line.trim_start().starts_with('#')).flat_map(|line| [line, "\n"]).collect()
}

/// The expressions of a dashboard.
fn expressions(dashboard: &Value) -> Vec<String> {
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.filter_map(|panel| panel["targets"].as_array()).flatten();
    targets.map(|target| target["expr"].as_str().unwrap().replace("$service", ".*")).collect()
}

fn dashboard() -> Value {
    serde_json::from_str(&read("config/grafana/uphold.json")).unwrap()
}

/// What the checker says of expressions, each as a rule.
fn check_expressions(expressions: &[String]) -> Result<(), String> {
    let rules: String = (0..)
        .zip(expressions)
        .map(|(number, expr)| format!("      - {{ record: 'a:{number}', expr: {} }}\n", Value::String(expr.clone())))
        .collect();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("rules.yml"), format!("groups:\n  - name: a\n    rules:\n{rules}")).unwrap();
    promtool(&folder, ["check", "rules"], "rules.yml")
}

#[test]
fn the_configuration_and_the_rules_are_sound() {
    let whole = folder(|_, text| text);
    for file in ["prometheus.yml", "probes.yml"] {
        promtool(&whole, ["check", "config"], file).unwrap();
    }
    for file in RULES {
        promtool(&whole, ["check", "rules"], file).unwrap();
    }
    let broken = folder(|_, text| text.replace("> 60", "> > 60"));
    assert!(promtool(&broken, ["check", "rules"], RULES[0]).is_err());
    let misspelt = folder(|_, text| text.replace("http_sd_configs", "http_sd_config"));
    assert!(promtool(&misspelt, ["check", "config"], "prometheus.yml").is_err());
}

#[test]
fn the_rules_say_what_they_are_to_say() {
    promtool(&folder(|_, text| text), ["test", "rules"], "rules.test.yml").unwrap();
    for (from, to) in [
        ("== 0 or absent(", "== 2 or absent("),
        ("> 60", "> 600"),
        ("corrupt_chunks_total +", "corrupt_journal_total +"),
        ("uphold_store_takes{what=\"pushes\"} == 0", "uphold_store_takes == 0"),
        ("> 300", "> 3000"),
        ("(uphold_push_durable_timestamp_seconds or ", "(uphold_push_durable_timestamp_seconds and "),
        ("0.9 * increase", "0.5 * increase"),
        ("|disk-reserve", ""),
        ("unless uphold_pushes_total offset 15m", "and uphold_pushes_total offset 15m"),
        ("> 20", "> 200"),
        ("uphold_receiver_dead_letters > 0", "uphold_receiver_dead_letters > 9"),
        ("unless increase(", "and increase("),
        ("unless on (agent)", "and on (agent)"),
        ("up{job=\"uphold-agents\"} == 0", "up{job=\"uphold-agents\"} == 1"),
        ("spool_overflow_batches_total", "spool_corrupt_total"),
        ("abs(", "-abs("),
        ("state=\"down\"", "state=\"up\""),
        ("state=\"unmeasured\"", "state=\"up\""),
        ("uphold_target_breached == 1", "uphold_target_breached == 0"),
        ("< 0.25", "< 0.1"),
        ("and uphold_target_breached == 0", ""),
        ("state=~\"warning|critical\"", "state=\"ok\""),
        ("(uphold_error_budget_seconds > 0)", "uphold_error_budget_spent_seconds"),
    ] {
        assert!(RULES.iter().any(|name| shipped(name).contains(from)), "{from}");
        let changed = folder(|_, text| text.replace(from, to));
        assert!(promtool(&changed, ["test", "rules"], "rules.test.yml").is_err(), "nobody noticed {to}");
    }
}

#[test]
fn every_alert_has_a_summary_a_time_and_a_severity_and_is_tested() {
    let tests = read("tests/peers/rules.test.yml");
    for name in RULES {
        let text = shipped(name);
        let mut alerts = text.split("- alert: ").skip(1).peekable();
        assert!(alerts.peek().is_some());
        for alert in alerts {
            let called = alert.lines().next().unwrap();
            for key in ["expr: ", "for: ", "labels: { severity: ", "summary: \""] {
                assert!(alert.contains(key), "{called} has no {key}");
            }
            let expected = format!("alertname: {called}\n        exp_alerts:");
            assert!(tests.contains(&expected), "{called} is expected by no test");
        }
    }
}

#[test]
fn rules_and_dashboard_name_only_metrics_that_are_documented() {
    for name in RULES {
        assert_eq!(undocumented(&without_comments(&shipped(name))), [""; 0], "{name}");
    }
    assert_eq!(undocumented(&read("config/grafana/uphold.json")), [""; 0]);
    assert_eq!(undocumented("rate(uphold_agent_spool_bytes[5m]) > uphold_nothing"), ["uphold_nothing"]);
}

#[test]
fn every_expression_of_the_dashboard_is_one() {
    let expressions = expressions(&dashboard());
    assert!(expressions.len() >= 30, "only {} were found", expressions.len());
    check_expressions(&expressions).unwrap();
    assert!(check_expressions(&["sum(uphold_breaks".to_owned()]).is_err());
}

#[test]
fn the_dashboard_has_no_panel_twice_and_none_over_another() {
    let dashboard = dashboard();
    let (mut ids, mut fields) = (BTreeSet::new(), BTreeSet::new());
    for panel in dashboard["panels"].as_array().unwrap() {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{}", panel["title"]);
        let at = |key: &str| panel["gridPos"][key].as_u64().unwrap();
        assert!(at("x") + at("w") <= 24, "{}", panel["title"]);
        for field in (at("x")..at("x") + at("w")).flat_map(|x| (at("y")..at("y") + at("h")).map(move |y| (x, y))) {
            assert!(fields.insert(field), "{} lies over another", panel["title"]);
        }
        let said = panel["description"].as_str().is_some_and(|text| !text.is_empty());
        assert!(said || panel["type"] == "row", "{} says nothing of itself", panel["title"]);
    }
}
