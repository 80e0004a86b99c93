//! Capacity: which file systems count, what flows between two readings, and that this host can be read at all.

use super::*;

fn file_system(device: &str, kind: &str, mount: &str, limit: u64) -> FileSystem {
    FileSystem { device: device.to_owned(), kind: kind.to_owned(), mount: mount.to_owned(), used: 1, limit }
}

fn host() -> Vec<Id> {
    vec![Id::new("web-1").unwrap()]
}

fn named(rows: &[Row]) -> Vec<String> {
    rows.iter()
        .map(|row| match row {
            Row::Capacity(id, r) => format!("{} {} {}/{}", id.resource.as_str(), id.of, r.used, r.limit),
            Row::Volume(id, v) => format!("{} {} {} over {}", id.flow.as_str(), id.of, v.amount, v.over_ms),
            Row::Probe(..) => String::new(),
        })
        .collect()
}

#[test]
fn pseudo_file_systems_and_second_mounts_are_left_out() {
    let all = [
        file_system("/dev/sda1", "ext4", "/var/lib/docker", 9),
        file_system("overlay", "overlay", "/", 9),
        file_system("overlay", "overlay", "/var/lib/docker/merged", 9),
        file_system("tmpfs", "tmpfs", "/run", 9),
        file_system("/dev/sda1", "ext4", "/var", 9),
        file_system("/dev/sdb1", "xfs", "/empty", 0),
        file_system("/dev/sdc1", "xfs", &"/x".repeat(200), 9),
    ];
    let snapshot = Snapshot { file_systems: all.to_vec(), ..Snapshot::default() };
    assert_eq!(
        named(&rows(&host(), Instant::from_ms(1), &snapshot, None)),
        ["filesystem / 1/9", "filesystem /var 1/9"]
    );
    let many: Vec<FileSystem> = (0..100).map(|n| file_system(&format!("d{n}"), "ext4", &format!("/{n}"), 9)).collect();
    let snapshot = Snapshot { file_systems: many, ..Snapshot::default() };
    assert_eq!(rows(&host(), Instant::from_ms(1), &snapshot, None).len(), FILE_SYSTEMS_MAX);
}

#[test]
fn differences_come_with_the_second_reading() {
    let interfaces = |received, sent| {
        [("lo", 5, 5), ("eth0", received, sent), ("eth1", 7, 7)].map(|(n, r, s)| (n.to_owned(), (r, s))).into()
    };
    let first = Snapshot {
        cpu_limit: 4_000,
        memory: (3, 8),
        swap: (0, 0),
        interfaces: interfaces(100, 200),
        ..Snapshot::default()
    };
    assert_eq!(named(&rows(&host(), Instant::from_ms(1_000), &first, None)), ["memory  3/8"]);
    let mut second = Snapshot { cpu_used: Some(1_500), swap: (1, 2), interfaces: interfaces(150, 20), ..first.clone() };
    second.interfaces.insert("new0".to_owned(), (9, 9));
    let found = rows(&host(), Instant::from_ms(16_000), &second, Some((Instant::from_ms(1_000), &first)));
    assert_eq!(
        named(&found),
        [
            "cpu  1500/4000",
            "memory  3/8",
            "swap  1/2",
            "network_received eth0 50 over 15000",
            "network_received eth1 0 over 15000",
            "network_sent eth1 0 over 15000",
        ],
        "eth0 began to count anew, new0 was not there before"
    );
    let back = rows(&host(), Instant::from_ms(500), &second, Some((Instant::from_ms(1_000), &first)));
    assert_eq!(back.len(), 3, "no volume over a time that went back");
    let two = [host(), vec![Id::new("alias").unwrap()]].concat();
    assert_eq!(rows(&two, Instant::from_ms(1), &first, None).len(), 2, "one host under two names");
    assert_eq!([millicores(12.5, 4), millicores(f32::NAN, 4), millicores(400.0, 2)], [500, 0, 2_000]);
}

#[test]
fn this_host_can_be_read() {
    let mut probe = Probe::new().unwrap();
    let first = probe.read();
    assert!(first.cpu_used.is_none() && first.cpu_limit >= 1_000 && first.memory.1 > first.memory.0);
    let second = probe.read();
    assert!(second.cpu_used.is_some_and(|used| used <= second.cpu_limit));
    let found = named(&rows(&host(), Instant::from_ms(2_000), &second, Some((Instant::from_ms(1_000), &first))));
    assert!(found.iter().any(|row| row.starts_with("cpu ")), "{found:?}");
}
