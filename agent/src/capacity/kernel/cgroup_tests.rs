//! Limits of containers, of both versions of cgroups, over files as the kernel writes them.

use super::*;

const UNIFIED: &str = "30 23 0:26 / /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw,nsdelegate\n";
const SEVERAL: &str = "\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 /docker/4f1c /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct
34 31 0:32 /docker/4f1c /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory
39 31 0:36 /docker/4f1c /sys/fs/cgroup/pids ro - cgroup cgroup rw,pids
40 31 0:37 / /sys/fs/cgroup/systemd ro - cgroup cgroup rw,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified ro - cgroup2 cgroup2 rw
";

/// What is read where these files lie.
struct Seen {
    cpu: Option<Bound>,
    memory: Option<Bound>,
    swap: Option<Bound>,
    threads: Option<Bound>,
}

fn seen(mountinfo: &str, files: &[(&str, &str)]) -> Seen {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = root.path().join("sys/fs/cgroup").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let (mut container, mut buffer) = (Container::below(root.path(), mountinfo), Vec::new());
    let buffer = &mut buffer;
    Seen {
        cpu: container.cpu(buffer),
        memory: container.memory(buffer),
        swap: container.swap(buffer),
        threads: container.threads(buffer),
    }
}

#[test]
fn a_container_of_version_2_is_bounded_by_its_own_cgroup() {
    let seen = seen(
        UNIFIED,
        &[
            ("cpu.max", "150000 100000\n"),
            ("cpu.stat", "usage_usec 7654321\nuser_usec 1\nsystem_usec 2\nnr_periods 3\n"),
            ("memory.max", "536870912\n"),
            ("memory.current", "104857600\n"),
            ("memory.stat", "anon 1\nfile 9\nslab_reclaimable 2\ninactive_file 4857600\nactive_file 3\n"),
            ("memory.swap.max", "1048576\n"),
            ("memory.swap.current", "4096\n"),
            ("pids.max", "512\n"),
            ("pids.current", "17\n"),
        ],
    );
    assert_eq!(seen.cpu, Some((7_654, 1_500)));
    assert_eq!(seen.memory, Some((100_000_000, 536_870_912)));
    assert_eq!((seen.swap, seen.threads), (Some((4_096, 1_048_576)), Some((17, 512))));
}

#[test]
fn a_container_of_version_1_is_bounded_by_its_own_cgroups_and_those_above() {
    let seen = seen(
        SEVERAL,
        &[
            ("cpu,cpuacct/cpu.cfs_quota_us", "50000\n"),
            ("cpu,cpuacct/cpu.cfs_period_us", "100000\n"),
            ("cpu,cpuacct/cpuacct.usage", "7654321000\n"),
            ("memory/memory.usage_in_bytes", "104857600\n"),
            (
                "memory/memory.stat",
                "cache 9\nhierarchical_memory_limit 536870912\nhierarchical_memsw_limit 1073741824\n\
                 total_swap 4096\ntotal_inactive_file 4857600\n",
            ),
            ("pids/pids.max", "max\n"),
            ("pids/pids.current", "17\n"),
        ],
    );
    assert_eq!(seen.cpu, Some((7_654, 500)));
    assert_eq!(seen.memory, Some((100_000_000, 536_870_912)));
    assert_eq!((seen.swap, seen.threads), (Some((4_096, 536_870_912)), None));
}

#[test]
fn what_is_not_limited_has_no_bound() {
    let unlimited = seen(
        UNIFIED,
        &[
            ("cpu.max", "max 100000\n"),
            ("cpu.stat", "usage_usec 7654321\n"),
            ("memory.max", "max\n"),
            ("memory.current", "104857600\n"),
            ("memory.stat", "inactive_file 4857600\n"),
            ("pids.max", "max\n"),
            ("pids.current", "17\n"),
        ],
    );
    assert_eq!((unlimited.cpu, unlimited.memory, unlimited.swap, unlimited.threads), (None, None, None, None));
    let files = [
        ("cpu,cpuacct/cpu.cfs_quota_us", "-1\n"),
        ("cpu,cpuacct/cpu.cfs_period_us", "100000\n"),
        ("cpu,cpuacct/cpuacct.usage", "1\n"),
    ];
    assert_eq!(seen(SEVERAL, &files).cpu, None);
    // The root of a machine has these files only.
    let machine = seen(UNIFIED, &[("cpu.stat", "usage_usec 7654321\n"), ("memory.stat", "inactive_file 1\n")]);
    assert_eq!((machine.cpu, machine.memory, machine.threads), (None, None, None));
    assert_eq!(seen("", &[]).cpu, None);
}

#[test]
fn quotas_and_values_are_read() {
    for (text, expected) in [
        ("200000 100000", Some(2_000)),
        ("max 100000", None),
        ("1 0", None),
        ("0 100000", None),
        ("5", None),
        ("", None),
    ] {
        assert_eq!(quota(text), expected, "{text:?}");
    }
    for (text, expected) in [("a 1\nab 2\n", Some(2)), ("abc 2\n", None), ("ab x\n", None), ("", None)] {
        assert_eq!(value(text, "ab"), expected, "{text:?}");
    }
}
