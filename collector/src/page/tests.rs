//! The page as a whole: what it says, what it never does.

use std::collections::BTreeMap;

use super::*;
use crate::reserve::{DiskSpace, Room};

/// The page as nobody known sees it.
fn rendered(snapshot: &Snapshot) -> String {
    render(snapshot, &Visitor::default())
}

/// The text of the page without its tags.
fn words(page: &str) -> String {
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
    let page = rendered(&snapshot);
    assert!(!page.contains("<script>alert") && !page.contains("\"1\""), "{page}");
    assert_eq!(page.matches("&lt;script&gt;alert").count(), 6, "the name twice, the others once or twice");
}

#[test]
fn everything_loaded_is_an_asset_and_nothing_is_inline() {
    let page = rendered(&fixture::snapshot());
    for elsewhere in ["http://", "https://", "//", "style=", "<style", "onclick", "javascript:"] {
        let found = page.find(elsewhere).map(|at| &page[at.saturating_sub(40)..(at + 60).min(page.len())]);
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
    let history = crate::engine::command::History { incident: snapshot.open_incidents[0].clone(), events: Vec::new() };
    for (insecure, expected) in [(Some("Everybody on the way can read it."), 1), (None, 0)] {
        let visitor = Visitor { insecure, ..Visitor::default() };
        for page in [
            render(&snapshot, &visitor),
            incident::render(&snapshot, history.clone(), &visitor),
            sign_in::render("Example Services", "/", None, &visitor),
        ] {
            assert_eq!(words(&page).matches("This way is not safe. Everybody on the way").count(), expected, "{page}");
        }
    }
}
