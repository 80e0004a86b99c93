//! Rows out of two readings: what is there at once, what comes with the second, and what has none.

use super::*;

fn host() -> Vec<Id> {
    vec![Id::new("web-1").unwrap()]
}

/// Rows as text, so that a table of them can be read.
pub(crate) fn named(rows: &[Row]) -> Vec<String> {
    rows.iter()
        .map(|row| match row {
            Row::Capacity(id, r) => format!("{} {} {}/{}", id.resource.as_str(), id.of, r.used, r.limit),
            Row::Volume(id, v) => format!("{} {} {} over {}", id.flow.as_str(), id.of, v.amount, v.over_ms),
            Row::Probe(..) => String::new(),
        })
        .collect()
}

fn level(resource: Resource, of: &str, used: u64, limit: u64) -> Level {
    Level { resource, of: of.to_owned(), used, limit }
}

fn paced(resource: Resource, of: &str, count: u64, limit: u64) -> Paced {
    Paced { resource, of: of.to_owned(), count, limit }
}

fn counted(flow: Flow, of: &str, count: u64) -> Counted {
    Counted { flow, of: of.to_owned(), count }
}

#[test]
fn differences_come_with_the_second_reading() {
    let first = Snapshot {
        levels: vec![level(Resource::Memory, "", 3, 8), level(Resource::Swap, "", 0, 0)],
        paced: vec![
            paced(Resource::Cpu, "", 1_000, 4_000),
            paced(Resource::NetworkSent, "eth0", 0, 1_000),
            paced(Resource::DiskBusy, "sda", 9, 1_000_000),
        ],
        counted: vec![counted(Flow::NetworkReceived, "eth0", 100), counted(Flow::NetworkSent, "eth0", 200)],
        means: vec![Mean { flow: Flow::Load, of: String::new(), thousandths: 170 }],
    };
    let at = Instant::from_ms(16_000);
    assert_eq!(named(&first.rows(&host(), at, None)), ["memory  3/8"]);
    let second = Snapshot {
        paced: vec![
            paced(Resource::Cpu, "", 61_004, 4_000),
            paced(Resource::NetworkSent, "eth0", 30_000, 1_000),
            paced(Resource::DiskBusy, "sda", 8, 1_000_000),
            paced(Resource::DiskBusy, "sdb", 8, 1_000_000),
        ],
        counted: vec![
            counted(Flow::NetworkReceived, "eth0", 150),
            counted(Flow::NetworkSent, "eth0", 20),
            counted(Flow::NetworkSent, "new0", 20),
        ],
        ..first.clone()
    };
    assert_eq!(
        named(&second.rows(&host(), at, Some((15_000, &first)))),
        [
            "memory  3/8",
            "cpu  4000/4000",
            "network_sent eth0 2000/1000",
            "network_received eth0 50 over 15000",
            "load  2550 over 15000",
        ],
        "time is not fuller than it can be, a link may be; sda and eth0 began anew, sdb and new0 were not there before"
    );
    assert_eq!(second.rows(&host(), at, Some((0, &first))).len(), 1, "nothing flows in no time");
    let two = [host(), vec![Id::new("alias").unwrap()]].concat();
    assert_eq!(first.rows(&two, at, None).len(), 2, "one host under two names");
}

#[test]
fn a_limit_that_changed_meanwhile_and_a_name_that_is_too_long_have_no_row() {
    let before = Snapshot { paced: vec![paced(Resource::Cpu, "", 0, 4_000)], ..Snapshot::default() };
    let long = "x".repeat(OF_BYTES_MAX + 1);
    let now = Snapshot {
        paced: vec![paced(Resource::Cpu, "", 900, 2_000)],
        levels: vec![level(Resource::Filesystem, &long, 1, 2)],
        ..Snapshot::default()
    };
    assert_eq!(named(&now.rows(&host(), Instant::from_ms(1), Some((1_000, &before)))), [""; 0]);
}

#[test]
fn a_pace_is_rounded_and_cannot_overflow() {
    for (amount, over_ms, expected) in [(15, 15_000, 1), (7, 15_000, 0), (8, 15_000, 1), (u64::MAX, 1, u64::MAX)] {
        assert_eq!(by_second(amount, over_ms), expected);
    }
}
