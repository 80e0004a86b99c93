//! The metrics as they are served, and their page of documentation.

use super::*;
use uphold_common::ids::Id;
use uphold_common::observation::{Cause, Flow, Micros, Outcome, Phases, Resource};
use uphold_common::time::Instant;

fn observation(outcome: Outcome) -> Observation {
    let phases = Phases { connect: Micros::new(250_000), ..Phases::default() };
    Observation { at: Instant::from_ms(1), outcome, cause: Cause::None, code: 0, total: Micros::new(1_500_000), phases }
}

#[test]
fn series_stand_in_base_units_and_go_with_their_probe() {
    let metrics = Metrics::new().unwrap();
    let probe = ProbeId::new(Id::new("webshop").unwrap(), Id::new("web").unwrap());
    metrics.observed(&probe, &observation(Outcome::Up));
    let text = metrics.text().unwrap();
    for line in [
        r#"uphold_probe_success{probe="web",service="webshop"} 1"#,
        r#"uphold_probe_duration_seconds{probe="web",service="webshop"} 1.5"#,
        r#"uphold_probe_phase_seconds{phase="connect",probe="web",service="webshop"} 0.25"#,
        r#"uphold_probe_attempts_total{outcome="up",probe="web",service="webshop"} 1"#,
    ] {
        assert!(text.contains(line), "{line} in\n{text}");
    }
    metrics.observed(&probe, &observation(Outcome::Unknown));
    let text = metrics.text().unwrap();
    assert!(!text.contains("uphold_probe_success"), "a metric without a series has no head either: {text}");
    for outcome in ["up", "unknown"] {
        let line = format!(r#"uphold_probe_attempts_total{{outcome="{outcome}",probe="web",service="webshop"}} 1"#);
        assert!(text.contains(&line), "{line} in\n{text}");
    }
    metrics.forget_unless(|_| false);
    assert!(!metrics.text().unwrap().contains("webshop"));
}

#[test]
fn what_is_no_longer_read_is_removed() {
    let metrics = Metrics::new().unwrap();
    let host = Id::new("web-1").unwrap();
    let cpu = ResourceId { host: host.clone(), resource: Resource::Cpu, of: String::new() };
    let disk = ResourceId { host, resource: Resource::Filesystem, of: "/var".to_owned() };
    let reading = Reading { at: Instant::from_ms(1), used: 1_500, limit: 4_000 };
    let (cpu, disk) = (Row::Capacity(cpu, reading), Row::Capacity(disk, reading));
    let load = FlowId { host: Id::new("web-1").unwrap(), flow: Flow::Load, of: String::new() };
    let load = Row::Volume(load, Volume { at: Instant::from_ms(1), over_ms: 15_000, amount: 2_500 });
    metrics.read(&[cpu.clone(), disk, load.clone()]);
    metrics.read(&[cpu.clone(), load]);
    let text = metrics.text().unwrap();
    assert!(text.contains(r#"uphold_capacity_used{host="web-1",of="",resource="cpu"} 1.5"#), "{text}");
    assert!(text.contains(r#"uphold_flow_total{flow="load",host="web-1",of=""} 5"#), "{text}");
    assert!(!text.contains("/var"), "{text}");
    metrics.read(&[cpu]);
    assert!(!metrics.text().unwrap().contains("uphold_flow_total{"));
}

/// One row of documentation a metric, as it follows from what is served; labels in the order of the alphabet.
fn rows(text: &str) -> BTreeSet<String> {
    let mut rows = BTreeSet::new();
    let mut head = (String::new(), String::new(), String::new());
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, help) = help.split_once(' ').unwrap();
            head = (name.to_owned(), help.to_owned(), String::new());
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            kind.rsplit_once(' ').unwrap().1.clone_into(&mut head.2);
        } else {
            let labels = line.split_once('{').map_or("", |(_, rest)| rest.split_once('}').unwrap().0);
            let labels: Vec<&str> = labels.split(',').filter_map(|l| l.split_once('=').map(|(l, _)| l)).collect();
            rows.insert(format!("{} {} {} {}", head.0, head.2, labels.join(","), head.1));
        }
    }
    rows
}

#[test]
fn what_probes_read_is_shown_for_as_long_as_it_is_read() {
    let metrics = Metrics::new().unwrap();
    let of = |of: &str| ResourceId { host: Id::new("web-1").unwrap(), resource: Resource::Measured, of: of.to_owned() };
    let reading = Reading { at: Instant::from_ms(1), used: 1_500, limit: 4_000 };
    let line = r#"uphold_capacity_used{host="web-1",of="queue",resource="measured"} 1.5"#;
    metrics.measured(&of("queue"), Some(&reading));
    metrics.read(&[]);
    assert!(metrics.text().unwrap().contains(line), "the host's own readings are others");
    metrics.measured(&of("other"), None);
    assert!(metrics.text().unwrap().contains(line));
    metrics.measured(&of("queue"), None);
    assert!(!metrics.text().unwrap().contains("queue"));
    metrics.measured(&of("queue"), Some(&reading));
    metrics.forget_measured_unless(|id| *id != of("queue"));
    assert!(!metrics.text().unwrap().contains("queue"));
}

#[test]
fn everything_that_is_served_is_documented_word_by_word_and_nothing_else_is() {
    let metrics = Metrics::new().unwrap();
    let probe = ProbeId::new(Id::new("webshop").unwrap(), Id::new("web").unwrap());
    metrics.observed(&probe, &observation(Outcome::Up));
    metrics.clock_offset(1, 1);
    metrics.asked_to_probe("probed");
    let cpu = ResourceId { host: Id::new("web-1").unwrap(), resource: Resource::Cpu, of: String::new() };
    let load = FlowId { host: Id::new("web-1").unwrap(), flow: Flow::Load, of: String::new() };
    let at = Instant::from_ms(1);
    metrics.read(&[
        Row::Capacity(cpu, Reading { at, used: 1, limit: 2 }),
        Row::Volume(load, Volume { at, over_ms: 1, amount: 1 }),
    ]);
    let served = rows(&metrics.text().unwrap());

    let (_, section) = include_str!("../../docs/metrics.md").split_once("## Agent\n").unwrap();
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let mut labels: Vec<&str> = cells[3].split(", ").map(|l| l.trim_matches('`')).collect();
        labels.sort_unstable();
        format!("{} {} {} {}", cells[1].trim_matches('`'), cells[2], labels.join(","), cells[4])
    };
    let documented: BTreeSet<String> = section.lines().filter(|line| line.starts_with("| `")).map(row).collect();
    assert_eq!(served, documented, "docs/metrics.md, section Agent");
}
