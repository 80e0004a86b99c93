//! This very host, read and held against what others say of it.

use uphold_common::observation::{Flow, Resource};
use uphold_common::time::Instant;
use uphold_common::wire::builder::Row;

use super::snapshot::Level;
use super::*;

fn level(snapshot: &Snapshot, resource: Resource) -> &Level {
    snapshot.levels.iter().find(|level| level.resource == resource).unwrap()
}

/// Whether two are the same but for what happened between the two readings.
fn near(one: u64, other: u64) -> bool {
    one.abs_diff(other) <= one.max(other) / 10
}

#[test]
fn this_host_is_read_as_sysinfo_reads_it() {
    let (mut host, mut other) = (Host::new(Vec::new()).unwrap(), elsewhere::Host::new(Vec::new()).unwrap());
    let (ours, theirs) = (host.read(), other.read());
    let (memory, same) = (level(&ours, Resource::Memory), level(&theirs, Resource::Memory));
    assert!(near(memory.used, same.used) && near(memory.limit, same.limit), "{memory:?} and {same:?}");
    // What only root may use is in use by its account, and not there by ours; what is free is the same.
    let (root, same) = (level(&ours, Resource::Filesystem), level(&theirs, Resource::Filesystem));
    assert_eq!(root.of, same.of);
    assert!(near(root.limit - root.used, same.limit - same.used), "{root:?} and {same:?}");
    let cpu = |snapshot: &Snapshot| snapshot.paced.iter().find(|paced| paced.resource == Resource::Cpu).cloned();
    let processors = other.read().levels.iter().find(|level| level.resource == Resource::Cpu).unwrap().limit;
    assert!(cpu(&ours).unwrap().limit <= processors, "{processors}");
    let received = |snapshot: &Snapshot, of: &str| {
        let counted = snapshot.counted.iter().find(|c| c.flow == Flow::NetworkReceived && c.of == of);
        counted.map(|counted| counted.count)
    };
    for counted in ours.counted.iter().filter(|counted| counted.flow == Flow::NetworkReceived) {
        let theirs = received(&theirs, &counted.of).unwrap();
        assert!(near(counted.count, theirs), "{counted:?} and {theirs}");
    }
}

#[test]
fn two_readings_of_this_host_give_rows_that_can_be_sent() {
    let mut host = Host::new(Vec::new()).unwrap();
    let first = host.read();
    let second = host.read();
    let rows = second.rows(&[Id::new("web-1").unwrap()], Instant::from_ms(2_000), Some((1_000, &first)));
    for row in &rows {
        match row {
            Row::Capacity(id, reading) => {
                assert!(reading.limit > 0 && id.resource.which().admits(&id.of), "{id:?} {reading:?}");
            }
            Row::Volume(id, volume) => {
                assert!(volume.over_ms == 1_000 && id.flow.which().admits(&id.of), "{id:?} {volume:?}");
            }
            Row::Probe(..) => panic!("nobody probed"),
        }
    }
    let has = |resource| rows.iter().any(|row| matches!(row, Row::Capacity(id, _) if id.resource == resource));
    for resource in [Resource::Cpu, Resource::Memory, Resource::Filesystem, Resource::OpenFiles, Resource::Threads] {
        assert!(has(resource), "{}", resource.as_str());
    }
}

#[test]
fn a_hundred_readings_hold_no_more_than_two() {
    let held = || ["fd", "task"].map(|of| std::fs::read_dir(format!("/proc/self/{of}")).unwrap().count());
    let mut host = Host::new(Vec::new()).unwrap();
    host.read();
    host.read();
    let before = held();
    for _ in 0..100 {
        host.read();
    }
    assert_eq!(held(), before, "files and threads");
}
