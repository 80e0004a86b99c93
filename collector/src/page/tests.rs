//! The page as a whole: what it says, what it never does.

use std::collections::BTreeMap;

use super::history::{About, Wanted};
use super::*;
use crate::reserve::{DiskSpace, Room};
use crate::store::{CapacityHour, Durations, Hours, ProbeHour, StreamId, VolumeHour};

/// The page as nobody known sees it.
fn rendered(snapshot: &Snapshot) -> String {
    render(snapshot, &Visitor::default())
}

/// The page of a service or a host with these hours of each of its streams.
fn history(snapshot: &Snapshot, about: About<'_>, wanted: &Wanted, hours: &[Hours], visitor: &Visitor<'_>) -> String {
    history::render(snapshot, about, &plot::Span::of(7, snapshot.as_of), wanted, hours, &[], visitor)
}

/// The page of the web shop, with hours of what took so long, and one in which all failed; each began so long ago.
fn shop(snapshot: &Snapshot, ago: &[(i64, u64)]) -> String {
    let service = &snapshot.catalogue.services[&fixture::id("webshop")];
    let hour = |(ago, us): &(i64, u64)| {
        let start = snapshot.as_of.minus_ms(ago * 3_600_000 + 202_000);
        let durations =
            Durations { count: 9, sum_us: us * 9, min_us: *us, p50_us: *us, p95_us: us + 1, max_us: us + 2 };
        let durations = (*us > 0).then_some(durations);
        let down = if *us > 0 { 0 } else { 120 };
        ProbeHour { start, up: 120 - down, degraded: 0, down, unknown: 0, durations }
    };
    let wanted = Wanted::of_service(service);
    let hours = vec![Hours::Probe(ago.iter().map(hour).collect()); wanted.streams.len()];
    history(snapshot, About::Service(service), &wanted, &hours, &Visitor::default())
}

/// The page of the fixture's host, whose every stream has one hour.
fn host(snapshot: &Snapshot) -> String {
    let (host, start) = (fixture::id("web-1"), snapshot.as_of.minus_ms(202_000 + 7_200_000));
    let resources = snapshot.readings.iter().map(|(of, _)| StreamId::Capacity(of.clone()));
    let flows = snapshot.volumes.iter().map(|(of, _)| StreamId::Volume(of.clone()));
    let wanted = Wanted::of_host(snapshot, resources.chain(flows).collect());
    let hours = |of: &StreamId| match of {
        StreamId::Volume(_) => {
            Hours::Volume(vec![VolumeHour { start, volumes: 240, amount: 7 << 30, over_ms: 3_600_000 }])
        }
        _ => Hours::Capacity(vec![CapacityHour {
            start,
            readings: 240,
            used_min: 1,
            used_max: 9,
            used_last: 3,
            limit_last: 9,
            peak_ppb: 999_999_999,
        }]),
    };
    let hours: Vec<Hours> = wanted.streams.iter().map(hours).collect();
    history(snapshot, About::Host(&host), &wanted, &hours, &Visitor::default())
}

/// The text of the page without its tags.
pub(super) fn words(page: &str) -> String {
    let mut text = String::new();
    let mut inside = false;
    for c in page.chars() {
        match c {
            '<' => inside = true,
            '>' => {
                inside = false;
                text.push(' ');
            }
            c if !inside => text.push(c),
            _ => {}
        }
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_page_says_what_the_snapshot_holds() {
    let page = rendered(&fixture::snapshot());
    println!("{page}");
    let text = words(&page);
    for expected in [
        "1 of 4 services up, 2 incidents open",
        "As of 14:03:22 on Sunday, 22 November 2026 (Europe/Zurich)",
        "P1 Mail is down: smtp, connection refused INC-9 · open for 18m 42s, since 13:44:40",
        "November 2026 agreed with Retail division",
        "of 99.9 % promised met",
        "Measured 98.64 % of the time; between 98.60 % and 99.95 %.",
        "No observation yet; the first is expected within a few seconds.",
        "Below the promise so far; by the end of the window it can still be met.",
        "Error budget overspent by",
        "/var/lib/postgresql of web-1, November 2026 agreed with Retail division 87.11 % in use warning",
        "At least 95 % of 121454 readings were at or below this. Thresholds warning at 85 %, critical at 90 %",
        "At or above the warning for 8d 9h 23m 22s, the critical threshold for 0s; not measured for 11h 59m 45s.",
        "1.3 of 4 cores",
        "11.5 of 16 GiB",
        "none yet",
        "Store Pushes are taken Disk 31 of 80 GiB free, 512 MiB kept free",
        "In memory until it is sealed 0.2 of 64 MiB Newest durable push 2s ago",
        "Pushes are durable half within 2.5 ms, 99 % within 10 ms Flushes take half within 2.5 ms, 99 % within 10 ms",
        "Journal 40 batches, 50 KiB, the oldest 22m 22s ago On disk 71 MiB: journal 1 MiB, parts 4 MiB, days 60 MiB, rollups 1 MiB, database 5 MiB Holds 95 dates, 5 streams, 2 agents",
        "connections connections to the port at once 512 12 connections_per_address",
        "bodies_in_memory memory of all bodies being received, with what they decompress to 64 MiB never",
        "Catalogue version 3 · store 5e5e5e5e",
    ] {
        assert!(text.contains(expected), "{expected:?} is not in:\n{text}");
    }
}

#[test]
fn a_service_built_on_others_shows_them_and_who_of_them_lost_the_time() {
    let built = "  - id: portal
    name: Portal
    since: 2026-01-01T00:00:00+01:00
    available_when: { all: [{ service: webshop }, { service: mail }] }
agreements:
  - { id: portal-ola, kind: ola, party: own, targets: [{ id: a, service: portal, window: month, availability: 99% }] }
";
    let snapshot = fixture::of(fixture::catalogue("agreements:\n", built));
    let page = rendered(&snapshot);
    let card = page.split("id=\"service-portal\"").nth(1).unwrap().split("</article>").next().unwrap();
    for expected in ["data-built-on=\"mail\" data-state=\"down\"", "data-built-on=\"webshop\" data-state=\"up\""] {
        assert!(card.contains(expected), "{expected:?} is not in:\n{card}");
    }
    assert!(!card.contains("data-probe"), "it has no probes of its own:\n{card}");
    let text = words(card);
    for expected in ["down for 18m 42s", "lost by mail/smtp", "lost by webshop/front-page"] {
        assert!(text.contains(expected), "{expected:?} is not in:\n{text}");
    }
    let service = &snapshot.catalogue.services[&fixture::id("portal")];
    let wanted = Wanted::of_service(service);
    let hours = vec![Hours::Probe(Vec::new()); wanted.streams.len()];
    let text = words(&history(&snapshot, About::Service(service), &wanted, &hours, &Visitor::default()));
    assert!(text.contains("mail/smtp from zurich-1"), "{text}");
}

#[test]
fn figures_stand_in_data_attributes_as_whole_milliseconds() {
    let snapshot = fixture::snapshot();
    let page = rendered(&snapshot);
    for (id, service) in &snapshot.services {
        for (target, figures) in &service.targets {
            let a = &figures.availability;
            let expected = format!(
                "data-service=\"{id}\" data-target=\"{target}\" data-good-ms=\"{}\" data-counted-ms=\"{}\"",
                a.counted - a.lost,
                a.counted
            );
            assert!(page.contains(&expected), "{expected}");
        }
    }
}

#[test]
fn hostile_names_stay_text() {
    let hostile = r#"<script>alert("1")</script>' onload='x"#;
    let quoted = format!("name: \"{}\"", hostile.replace('"', "\\\""));
    let mut snapshot = fixture::of(fixture::catalogue("name: Web shop\n", &format!("{quoted}\n")));
    hostile.clone_into(&mut snapshot.open_incidents[0].summary);
    hostile.clone_into(&mut snapshot.readings[3].0.of);
    let receiver = snapshot.receivers.get_mut(&fixture::id("duty")).unwrap();
    receiver.last_error = Some(hostile.to_owned());
    for page in [rendered(&snapshot), shop(&snapshot, &[(1, 5)]), host(&snapshot)] {
        assert!(page.contains("&lt;script&gt;alert"), "{page}");
        assert!(!page.contains("<script>alert") && !page.contains("\"1\""), "{page}");
    }
    let page = rendered(&snapshot);
    assert_eq!(page.matches("&lt;script&gt;alert").count(), 6, "the name twice, the others once or twice");
}

#[test]
fn everything_loaded_is_an_asset_and_nothing_is_inline() {
    let snapshot = fixture::snapshot();
    let page = rendered(&snapshot);
    let all = [page.as_str(), &shop(&snapshot, &[(1, 5)]), &host(&snapshot)].concat();
    for elsewhere in ["http://", "https://", "//", "style=", "<style", "onclick", "javascript:"] {
        let found = all.find(elsewhere).map(|at| &all[at.saturating_sub(40)..(at + 60).min(all.len())]);
        assert_eq!(found, None, "{elsewhere}");
    }
    for path in ["/page.css", "/page.js", "/icon.svg"] {
        assert!(page.contains(&format!("=\"{}\"", &path[1..])) && asset(path).is_some(), "{path}");
    }
    let css = asset("/page.css").unwrap().1;
    assert!(!css.contains("url(") && !css.contains("@import"));
    assert_eq!(asset("/page.html"), None);
}

#[test]
fn an_empty_catalogue_and_a_collector_just_started_have_words() {
    let mut snapshot = fixture::snapshot();
    snapshot.services = BTreeMap::new();
    snapshot.health.deriving = 4;
    snapshot.readings.clear();
    let text = words(&rendered(&snapshot));
    assert!(text.contains("0 of 4 services up") && text.contains("4 not measured"), "{text}");
    assert_eq!(text.matches("Its history is still being read;").count(), 4);
    assert!(text.contains("Histories are still being read: 4 services and targets are left out"), "{text}");
    assert!(text.contains("Nothing was read here lately."));
    let mut catalogue = fixture::catalogue("", "");
    catalogue.services.clear();
    catalogue.hosts.clear();
    snapshot.catalogue = std::sync::Arc::new(catalogue);
    snapshot.agents.clear();
    snapshot.open_incidents.clear();
    let text = words(&rendered(&snapshot));
    assert!(text.contains("No services yet, no incident open") && text.contains("none has pushed"), "{text}");
}

#[test]
fn a_store_that_refuses_or_is_damaged_says_so_in_words() {
    let mut snapshot = fixture::snapshot();
    let health = &mut snapshot.health;
    health.room.room = Room::Changes;
    health.room.since = Some(snapshot.as_of.minus_ms(60_000));
    health.room.space = Some(DiskSpace { free: 500 << 20, total: 80 << 30 });
    health.damaged_since = Some(snapshot.as_of.minus_ms(3_600_000));
    (health.store.corrupt_chunks, health.store.corrupt_journal) = (2, 1);
    let page = rendered(&snapshot);
    assert!(page.contains("data-takes-pushes=\"false\" data-damaged=\"3\""), "{page}");
    for expected in [
        "1 not measured pushes refused store damaged As of",
        "Pushes are refused since 14:02:22",
        "Pushes are refused: the disk has 500 MiB free, and 512 MiB are kept free as a reserve.",
        "Damage is known since 13:03:22 : 2 chunks, 1 entry of the journal. The log names the places.",
    ] {
        assert!(words(&page).contains(expected), "{expected:?} is not in:\n{}", words(&page));
    }
}

#[test]
fn every_page_says_that_the_way_to_it_is_not_safe_and_no_other_does() {
    let snapshot = fixture::snapshot();
    let events = crate::engine::command::History {
        incident: snapshot.open_incidents[0].clone(),
        events: Vec::new(),
        beside: crate::engine::command::Beside::default(),
    };
    let service = &snapshot.catalogue.services[&fixture::id("webshop")];
    let about = About::Service(service);
    for (insecure, expected) in [(Some("Everybody on the way can read it."), 1), (None, 0)] {
        let visitor = Visitor { insecure, ..Visitor::default() };
        for page in [
            render(&snapshot, &visitor),
            incident::render(&snapshot, events.clone(), &visitor),
            history(&snapshot, about, &Wanted::of_service(service), &[], &visitor),
            sign_in::render("Example Services", "/", None, &visitor),
        ] {
            assert_eq!(words(&page).matches("This way is not safe. Everybody on the way").count(), expected, "{page}");
        }
    }
}

#[test]
fn the_page_of_a_service_says_its_hours_in_words_too() {
    let text = words(&shop(&fixture::snapshot(), &[(30, 45_000), (29, 0), (2, 51_250), (1, 50_000)]));
    for expected in [
        "Web shop",
        "The last 3 days 7 days 31 days",
        "median of the hour up to what 95 % took no attempts failed slow not made",
        "Hourly medians 45 to 51 ms; 95 % within 51 ms in the slowest hour. 480 attempts: 120 failed. 164 hours without attempts.",
        "Day by day Day Attempts Not up Medians 95 % within 22 Nov 240 0 50 to 51 ms 51 ms 21 Nov 240 120 45 ms 45 ms",
    ] {
        assert!(text.contains(expected), "{expected:?} is not in:\n{text}");
    }
    let text = words(&shop(&fixture::snapshot(), &[]));
    assert!(text.contains("Nothing was measured here in this time."), "{text}");
    let all_failed = words(&shop(&fixture::snapshot(), &[(1, 0)]));
    assert!(all_failed.contains("120 attempts: 120 failed. 167 hours without attempts."), "{all_failed}");
}

#[test]
fn the_page_of_a_host_says_what_is_in_use_and_what_flows() {
    let text = words(&host(&fixture::snapshot()));
    for expected in [
        "at the end of the hour up to the highest in it nothing read",
        "Highest 99.9 %, newest 33.3 %. 167 hours without readings.",
        "7 GiB in all; 1.9 MiB/s in the busiest hour. 167 hours without readings.",
    ] {
        assert!(text.contains(expected), "{expected:?} is not in:\n{text}");
    }
}

#[test]
fn a_page_of_hours_is_bounded_however_much_there_is() {
    let mut catalogue = fixture::catalogue("", "");
    let service = catalogue.services.get_mut(&fixture::id("webshop")).unwrap();
    let probe = service.probes.values().next().unwrap().clone();
    for n in 0..40 {
        service.probes.insert(fixture::id(&format!("probe-{n}")), probe.clone());
    }
    let snapshot = fixture::of(catalogue);
    let hours: Vec<(i64, u64)> = (0..168_i64).rev().map(|ago| (ago, 10_000 + 1_000 * ago.unsigned_abs())).collect();
    let page = shop(&snapshot, &hours);
    assert_eq!(page.matches("class=\"middle\"").count(), history::PLOTS_MAX);
    assert!(words(&page).contains("more are not plotted here; the API answers the hours of each."), "{page}");
    assert!(page.len() < history::PLOTS_MAX * 8_000, "{} bytes", page.len());
}
