//! The catalogue as people meet it: the worked example is read whole, every mistake is told, nothing makes it panic.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::model::{
    Alertmanager, AvailabilityPromise, CapacityPromise, Catalogue, Channel, Criticality, MaintenanceRules, Priority,
    Promise, ReceiverUrl, StateWay, Threshold, Urgency, Way, Webhook, When, WindowKind,
};
use super::{BODY_PATTERN_SIZE_MAX, Bounds, assign, fingerprint, read, read_within};
use crate::ids::{Id, TargetId};
use crate::observation::Resource;
use crate::percent::Ppb;
use crate::time::DAY_MS;
use crate::wire::check::Check;

const EXAMPLE: &str = include_str!("../../../config/catalogue.yaml");
/// The holidays that the example refers to.
const HOLIDAYS: (&str, &str) = ("holidays-ch.ics", include_str!("../../../config/holidays-ch.ics"));

fn example() -> Catalogue {
    read(&[("catalogue.yaml", EXAMPLE), HOLIDAYS]).unwrap_or_else(|problems| panic!("{problems}"))
}

fn id(text: &str) -> Id {
    Id::new(text).unwrap()
}

/// The fixtures, by name, with the lines they expect.
fn fixtures() -> Vec<(String, String, Vec<String>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/catalogue/fixtures");
    let mut fixtures: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let expected = text.lines().filter_map(|line| line.strip_prefix("# expect: ")).map(str::to_owned).collect();
            (path.file_name().unwrap().to_str().unwrap().to_owned(), text, expected)
        })
        .collect();
    fixtures.sort();
    fixtures
}

#[test]
fn each_fixture_is_refused_with_the_problems_it_expects() {
    let fixtures = fixtures();
    assert!(fixtures.len() >= 100, "only {} fixtures were found", fixtures.len());
    let mut wrong = Vec::new();
    for (name, text, expected) in fixtures {
        let found: Vec<String> = match read(&[("catalogue.yaml", text.as_str())]) {
            Ok(_) => vec!["nothing".to_owned()],
            Err(problems) => problems.shown().iter().map(ToString::to_string).collect(),
        };
        if found != expected {
            wrong.push(format!("{name}\n  expected {expected:#?}\n  found {found:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_problem_repeats_a_secret() {
    for (name, text, expected) in fixtures() {
        let body = text.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n");
        if body.contains("s3cret") {
            assert!(!expected.iter().any(|line| line.contains("s3cret")), "{name}");
        }
    }
}

#[test]
fn ten_mistakes_are_told_in_one_run() {
    let (_, _, expected) = fixtures().into_iter().find(|(name, ..)| name == "ten-mistakes.yaml").unwrap();
    let lines: BTreeSet<&str> = expected.iter().filter_map(|line| line.split(':').nth(1)).collect();
    assert!(lines.len() >= 10, "{lines:?}");
}

fn capacity<'a>(catalogue: &'a Catalogue, agreement: &str, target: &str) -> &'a CapacityPromise {
    match &catalogue.targets[&TargetId::new(id(agreement), id(target))].promise {
        Promise::Capacity(promise) => promise,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_example_is_read_whole() {
    let catalogue = example();
    let service = &catalogue.services[&id("webshop")];
    assert_eq!(service.available_when.text(), "front-page, uplink");
    assert_eq!(service.criticality, Criticality::High);
    let front_page = &service.probes[&id("front-page")];
    assert_eq!(front_page.agents, [id("geneva-1"), id("zurich-1")]);
    assert_eq!((front_page.quorum, front_page.slow_after_ms), (Some(1), Some(800)));
    let Check::Http(http) = &front_page.check else { panic!("{front_page:?}") };
    assert_eq!((http.codes.as_slice(), http.body_matches.as_deref()), ([200].as_slice(), Some("ok")));

    let uplink = &service.probes[&id("uplink")];
    assert_eq!((uplink.stale_after_ms, uplink.fall, uplink.rise, uplink.quorum), (32_000, 2, 1, None));

    let sla = &catalogue.targets[&TargetId::new(id("shop-sla"), id("availability"))];
    let Promise::Availability(AvailabilityPromise { share, breaks, .. }) = sla.promise else { panic!("{sla:?}") };
    assert_eq!((sla.window, share.parts(), breaks.at_most), (WindowKind::Month, 999_000_000, Some(3)));
    let calendar = sla.agreed_in(service).unwrap();
    assert_eq!((calendar.id.as_str(), calendar.extra_days.len(), calendar.weekly[4].len()), ("office-hours", 1, 2));
    assert_eq!(calendar.holidays.iter().filter(|date| date.year() == 2026).count(), 7);
    assert_eq!((sla.maintenance.min_notice_ms, sla.maintenance.allowance_ms), (2 * DAY_MS, Some(DAY_MS / 6)));
    let disk = capacity(&catalogue, "shop-sla", "disk");
    assert_eq!(
        (disk.resource.host.as_str(), disk.resource.resource, disk.resource.of.as_str()),
        ("web-1", Resource::Filesystem, "/var")
    );
    assert_eq!((disk.percentile.parts(), disk.held_ms), (950_000_000, 600_000));
    let thresholds = Threshold::ALL.map(|one| disk.thresholds.of(one).map(Ppb::parts));
    assert_eq!(thresholds, [Some(800_000_000), Some(900_000_000)]);
    let follows = &sla.consequences;
    assert_eq!(follows.credits.iter().map(|step| step.below.parts()).collect::<Vec<_>>(), [990_000_000, 999_000_000]);
    assert_eq!((follows.min_bad, follows.alerts.as_ref().map(Vec::len)), (3, Some(2)));
    let Promise::Response(response) = &catalogue.targets[&TargetId::new(id("shop-sla"), id("response"))].promise else {
        panic!("it promises a response time");
    };
    assert_eq!((response.probe.as_str(), response.below_us), ("front-page", 800_000));
    let contract = &catalogue.targets[&TargetId::new(id("carrier-contract"), id("availability"))];
    assert_eq!(contract.window, WindowKind::Rolling { length_ms: 30 * DAY_MS });

    assert_eq!(catalogue.parties.keys().map(Id::as_str).collect::<Vec<_>>(), ["isp", "own"]);
    assert_eq!(catalogue.components[&id("shop-web")].party, Id::own());
    assert_eq!(catalogue.priorities.of(Criticality::Low, Urgency::Urgent), Priority::parse("P3").unwrap());
    let found: Vec<_> = catalogue.agents.values().map(|agent| (agent.id.as_str(), agent.metrics.as_deref())).collect();
    assert_eq!(found, [("geneva-1", Some("web-2.example:9417")), ("zurich-1", Some("web-1.example:9417"))]);
    let url = ReceiverUrl::Url("http://127.0.0.1:9093".to_owned());
    let alertmanager = Alertmanager { url, every_ms: 60_000, watchdog: true };
    let alerts = Way::State(StateWay::Alertmanager(alertmanager));
    assert_eq!(catalogue.receivers[&id("alerts")].way, alerts);
    let duty = &catalogue.receivers[&id("duty")];
    let webhook = Webhook {
        url: ReceiverUrl::File("/etc/uphold/duty.url".to_owned()),
        secret_file: Some("/etc/uphold/duty.secret".to_owned()),
    };
    assert_eq!(duty.channel().map(|channel| &**channel), Some(&Channel::Webhook(webhook)));
    assert_eq!(duty.state(), None);
    assert_eq!(catalogue.routes[0].when.priorities, [Priority::parse("P1").unwrap(), Priority::parse("P2").unwrap()]);
}

#[test]
fn what_is_left_out_has_the_documented_default() {
    let text = "
organisation: { name: Example, time_zone: Europe/Zurich }
services:
  - id: webshop
    name: Web shop
    probes:
      - { id: b, agents: [a], interval: 10s, timeout: 1s, http: { url: 'https://shop.example' } }
      - { id: a, agents: [a], interval: 1m, timeout: 10s, tcp: { address: 'shop.example:443' } }
customers: [{ id: retail, name: Retail }]
agreements:
  - id: x
    kind: sla
    party: retail
    targets:
      - { id: y, service: webshop, window: 24h, availability: 99% }
      - { id: m, service: webshop, window: 24h, capacity: { host: h, resource: memory, critical: 95% } }
hosts: [{ id: h, agent: a }]
receivers:
  - { id: duty, webhook: { url: 'https://hooks.example/x' } }
  - { id: alerts, alertmanager: { url: 'https://hooks.example/y' } }
routes: [{ to: duty }, { to: duty, when: { urgency: [urgent], agreement: [x] } }]
";
    let catalogue = read(&[("catalogue.yaml", text)]).unwrap();
    let service = &catalogue.services[&id("webshop")];
    assert_eq!(service.available_when.text(), "a, b");
    assert_eq!(service.time_zone.iana_name(), Some("Europe/Zurich"));
    assert_eq!((service.criticality, service.since, service.customers.len()), (Criticality::Medium, None, 0));
    assert_eq!(service.probes[&id("a")].stale_after_ms, 130_000);
    let target = &catalogue.targets[&TargetId::new(id("x"), id("y"))];
    let Promise::Availability(promise) = target.promise else { panic!("{target:?}") };
    assert_eq!((promise.unmeasured, promise.degraded, promise.breaks), Default::default());
    assert_eq!((target.maintenance, target.agreed_in(service)), (MaintenanceRules::default(), None));
    let memory = capacity(&catalogue, "x", "m");
    assert_eq!((memory.percentile.parts(), memory.held_ms, memory.resource.of.as_str()), (950_000_000, 300_000, ""));
    assert_eq!(memory.thresholds.of(Threshold::Warning), None);
    assert_eq!(catalogue.routes[0].when, When::default());
    let when = When { urgencies: vec![Urgency::Urgent], agreements: vec![id("x")], ..When::default() };
    assert_eq!(catalogue.routes[1].when, when);
    assert_eq!(catalogue.receivers[&id("alerts")].state().unwrap().every_ms(), 60_000);
    assert!(catalogue.agents.is_empty());
    assert!(!format!("{catalogue:?}").contains("hooks.example"));
}

#[test]
fn several_files_are_one_catalogue_in_any_order() {
    let organisation = ("a.yaml", "organisation: { name: Example, time_zone: UTC }\ncustomers: [{ id: x, name: X }]\n");
    let services = (
        "b.yaml",
        "services: [{ id: s, name: S, customers: [x], probes: [{ id: p, agents: [a], interval: 1m, timeout: 1s, \
         tcp: { address: 'a:1' } }] }]\n",
    );
    let empty = ("c.yaml", "# nothing yet\n");
    for files in [[organisation, services, empty], [empty, services, organisation]] {
        assert_eq!(read(&files).unwrap().services[&id("s")].customers, [id("x")]);
    }
    let twice = ("d.yaml", "organisation: { name: Other, time_zone: UTC }\ncustomers: [{ id: x, name: X }]\n");
    assert_eq!(
        read(&[organisation, services, twice]).unwrap_err().to_string(),
        "d.yaml:1:15: organisation: is said once in all files, and was already at a.yaml:1:15\n\
         d.yaml:2:13: customers.x: the customer \"x\" is declared twice, first at a.yaml:2:13\n\
         2 problems in d.yaml"
    );
    let broken = ("e.yaml", "customers: [\n");
    let problems = read(&[organisation, services, broken]).unwrap_err();
    assert!(problems.shown().iter().all(|problem| &*problem.place.file == "e.yaml"), "{problems}");
    assert_eq!(read::<&str, &str>(&[]).unwrap_err().count(), 2);
}

#[test]
fn each_agent_is_assigned_its_probes_and_hosts() {
    let catalogue = example();
    assert_eq!(assign::agents(&catalogue), BTreeSet::from([id("geneva-1"), id("zurich-1")]));
    let probes = |agent| -> Vec<String> {
        assign::assignment(&catalogue, &id(agent)).probes.iter().map(|probe| probe.id.to_string()).collect()
    };
    assert_eq!(probes("zurich-1"), ["webshop/front-page", "webshop/uplink"]);
    assert_eq!(probes("geneva-1"), ["webshop/front-page"]);
    assert_eq!(probes("elsewhere"), [""; 0]);
    assert_eq!(assign::assignment(&catalogue, &id("zurich-1")).hosts, [id("web-1")]);
    assert!(assign::assignment(&catalogue, &id("geneva-1")).hosts.is_empty());
}

#[test]
fn a_version_is_named_by_its_files() {
    let hash = fingerprint::content_hash(&[("a", "bc")]);
    assert_eq!(hash.len(), 64);
    assert_eq!(hash, fingerprint::content_hash(&[("a".to_owned(), "bc".to_owned())]));
    assert_ne!(hash, fingerprint::content_hash(&[("ab", "c")]));
    assert_ne!(hash, fingerprint::content_hash(&[("a", "bc"), ("", "")]));
}

/// The sentences for the example with one text replaced.
fn changes(from: &str, to: &str) -> Vec<String> {
    assert!(EXAMPLE.contains(from), "{from}");
    let changed = read(&[("catalogue.yaml", EXAMPLE.replacen(from, to, 1).as_str()), HOLIDAYS]).unwrap();
    fingerprint::changes(&fingerprint::measured_as(&example()), &fingerprint::measured_as(&changed))
}

#[test]
fn what_measures_the_past_differently_is_said() {
    for (from, to, sentence) in [
        (
            "since: 2026-01-01T00:00:00+01:00",
            "since: 2026-02-01T00:00:00+01:00",
            "service webshop: since was 2025-12-31T23:00:00Z and is now 2026-01-31T23:00:00Z",
        ),
        ("rise: 1 ", "rise: 2 ", "service webshop: rise of front-page was 1 and is now 2"),
        ("stale_after: 65s", "stale_after: 66s", "service webshop: stale_after of front-page was 65s and is now 66s"),
        (
            "[geneva-1, zurich-1]",
            "[zurich-1]",
            "service webshop: agents of front-page was geneva-1, zurich-1 and is now zurich-1",
        ),
        ("quorum: 1 ", "# ", "service webshop: quorum of front-page was 1 and is now half, rounded up"),
        ("[front-page, uplink]", "[uplink]", "service webshop: needs was front-page, uplink and is now uplink"),
        (
            "all: [front-page, uplink]",
            "any: [uplink, { at_least: 1, of: [front-page] }]",
            "service webshop: needs was front-page, uplink and is now any of (front-page, uplink)",
        ),
        ("\"99.9%\"", "\"99.95%\"", "target shop-sla/availability: availability was 99.9% and is now 99.95%"),
        ("window: 30d", "window: week", "target carrier-contract/availability: window was rolling 30d and is now week"),
        ("warning: \"80%\"", "warning: \"81%\"", "target shop-sla/disk: warning was 80% and is now 81%"),
        ("percentile: \"95\"", "percentile: \"99.9\"", "target shop-sla/disk: percentile was 95 and is now 99.9"),
        (
            "of: /var",
            "of: /srv",
            "target shop-sla/disk: capacity was filesystem /var of web-1 and is now filesystem /srv of web-1",
        ),
        (
            "[mon, tue, wed, thu, fri]",
            "[mon]",
            "target shop-sla/availability: hours of the week was mon 08:00-18:00, tue 08:00-18:00, wed 08:00-18:00, \
             thu 08:00-18:00, fri 08:00-18:00 22:00-02:00 and is now mon 08:00-18:00, fri 22:00-02:00",
        ),
        (
            "\"09:00-16:00\"",
            "",
            "target shop-sla/availability: extra days was 2026-12-19 09:00-16:00 and is now 2026-12-19 closed",
        ),
        ("min_notice: 48h", "min_notice: 2d1m", "target shop-sla/availability: min_notice was 2d and is now 2881m"),
        (
            "maintenance_allowance: 4h",
            "# ",
            "target shop-sla/availability: maintenance_allowance was 4h and is now none",
        ),
        (", mtbsi: 7d", "", "target shop-sla/availability: mtbsi was 7d and is now none"),
        (
            "percent: \"25\"",
            "percent: \"30\"",
            "target shop-sla/availability: credits was 25% below 99%, 10% below 99.9% and is now 30% below 99%, 10% below 99.9%",
        ),
        ("min_bad: 3", "min_bad: 4", "target shop-sla/availability: min_bad is new, with 4"),
        (
            "below: 800ms",
            "below: 801ms",
            "target shop-sla/response: response time was percentile 95 of front-page within 800ms and is now percentile 95 of front-page within 801ms",
        ),
    ] {
        assert_eq!(changes(from, to), [sentence], "{from}");
    }
}

/// One service of its own, one built on it and an expression, and one built on that.
fn built(low: &str, mid: &str) -> BTreeMap<String, String> {
    let text = format!(
        "organisation: {{ name: A, time_zone: UTC }}
services:
  - id: low
    name: Low
    probes: [{{ id: p, agents: [a, b], {low}, timeout: 1s, tcp: {{ address: 'a:1' }} }}]
  - id: mid
    name: Mid
    probes: [{{ id: p, agents: [a], interval: 1m, timeout: 1s, tcp: {{ address: 'a:1' }} }}]
    available_when: {mid}
  - {{ id: top, name: Top, available_when: {{ service: mid }} }}
"
    );
    fingerprint::measured_as(&read(&[("catalogue.yaml", text)]).unwrap_or_else(|problems| panic!("{problems}")))
}

#[test]
fn a_service_is_measured_differently_when_one_is_that_it_is_built_on() {
    let before = built("interval: 1m", "{ all: [p, { service: low }] }");
    let change = |low, mid| fingerprint::changes(&before, &built(low, mid));
    assert_eq!(change("interval: 1m", "{ all: [{ service: low }, p] }"), [""; 0], "the order says nothing");
    assert_eq!(
        change("interval: 1m, quorum: 3", "{ all: [p, { service: low }] }"),
        [
            "service low: quorum of p was half, rounded up and is now 3",
            "service mid: quorum of low/p was half, rounded up and is now 3",
            "service top: quorum of low/p was half, rounded up and is now 3",
        ]
    );
    assert_eq!(
        change("interval: 1m", "{ any: [p, { service: low }] }"),
        [
            "service mid: needs was all of (p, service low) and is now any of (p, service low)",
            "service top: needs of service mid was all of (p, service low) and is now any of (p, service low)",
        ]
    );
}

#[test]
fn what_does_not_touch_the_past_is_not_said() {
    for (from, to) in [
        ("name: Web shop", "name: The web shop"),
        ("criticality: high", "criticality: low"),
        ("slow_after: 800ms", "slow_after: 1s"),
        ("shop.example/health", "shop.example/healthz"),
        ("\"99.9%\"", "\"99.90%\""),
        ("for: 10m", "for: 1h"),
        ("[2026-12-24, { file", "[2026-12-24, 2026-12-25, { file"),
        ("id: carrier-contract", "id: another-contract"),
    ] {
        assert_eq!(changes(from, to), [""; 0], "{from}");
    }
}

#[test]
fn no_prefix_and_no_changed_byte_makes_it_panic() {
    let lines = EXAMPLE.lines().map(|line| line.split(" #").next().unwrap_or_default());
    let text: String =
        lines.filter(|line| !line.starts_with('#') && !line.is_empty()).flat_map(|l| [l, "\n"]).collect();
    assert!(read(&[("a.yaml", text.as_str()), HOLIDAYS]).is_ok());
    for (cut, _) in text.char_indices() {
        let _ = read(&[("a.yaml", text.get(..cut).unwrap())]);
    }
    for at in 0..text.len() {
        // Four of the bytes that mean something to YAML, in turn.
        for turn in 0..4 {
            let byte = b"\t\n:-{]\"'&*!|#%?\0~"[(at * 4 + turn) % 17];
            let mut bytes = text.clone().into_bytes();
            bytes[at] = byte;
            if let Ok(changed) = String::from_utf8(bytes) {
                let _ = read(&[("a.yaml", changed)]);
            }
        }
    }
}

#[test]
fn bounds_that_the_reader_was_told_hold() {
    let told = |bounds: Bounds, text: &str| {
        let problems = read_within(&[("a.yaml", EXAMPLE), HOLIDAYS, ("b.yaml", text)], &bounds).unwrap_err();
        problems.shown()[0].to_string()
    };
    let bytes = Bounds { bytes_max: EXAMPLE.len() + HOLIDAYS.1.len() + 9, ..Bounds::default() };
    let refused = told(bytes, "# a remark");
    assert!(refused.starts_with("b.yaml:1:1: up to here the catalogue has "), "{refused}");
    assert!(read_within(&[("a.yaml", EXAMPLE), HOLIDAYS, ("b.yaml", "# remarks")], &bytes).is_ok());

    let text = "organisation: { name: A, time_zone: UTC }\nservices:\n  - id: a\n    name: A\n    probes:\n      - { id: b, \
                agents: [c], interval: 5s, timeout: 1s, http: { url: \"http://a.example/\", expect: { body_matches: \
                \"a{9}[0-9]{99}\" } } }\n";
    let small = Bounds { body_pattern_size_max: 1_000, ..Bounds::default() };
    let refused = read_within(&[("a.yaml", text)], &small).unwrap_err().shown()[0].to_string();
    assert!(refused.ends_with("larger than 1000 bytes once compiled"), "{refused}");
    let large = Bounds { body_pattern_size_max: usize::MAX, ..small };
    assert!(read_within(&[("a.yaml", text)], &large).is_ok(), "up to {BODY_PATTERN_SIZE_MAX}");
}
