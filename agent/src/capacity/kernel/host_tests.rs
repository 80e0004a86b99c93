//! A whole host out of files: a machine, a container on it, and one of which little can be read.

use std::fs;
use std::os::unix::fs::symlink;

use uphold_common::ids::Id;
use uphold_common::time::Instant;

use super::super::snapshot::tests::named;
use super::*;

const STAT: &str = "cpu  100 0 50 1000 7 0 0 3 0 0\ncpu0 50 0 25 500 7 0 0 3 0 0\ncpu1 50 0 25 500 0 0 0 0 0 0\n";
const LATER: &str = "cpu  1100 0 50 2500 7 0 0 503 0 0\ncpu0 50 0 25 500 7 0 0 3 0 0\ncpu1 50 0 25 500 0 0 0 0 0 0\n";
const NETWORK: &str = "  lo: 9 9 0 0 0 0 0 0 9 9 0 0 0 0 0 0\neth0: 1000 1 0 0 0 0 0 0 2000 1 0 0 0 0 0 0\n\
                       br0: 1000 1 0 0 0 0 0 0 2000 1 0 0 0 0 0 0\n";
const MOUNTS: &str = "30 23 0:26 / /sys/fs/cgroup ro - cgroup2 cgroup rw\n27 1 254:1 / / rw - ext4 /dev/vda1 rw\n";

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn machine(root: &Path) {
    for (path, text) in [
        ("proc/stat", STAT),
        ("proc/loadavg", "0.50 1.09 1.28 1/86 31799\n"),
        ("proc/meminfo", "MemTotal: 1000 kB\nMemAvailable: 600 kB\nSwapTotal: 100 kB\nSwapFree: 75 kB\n"),
        ("proc/sys/fs/file-nr", "413\t0\t2466177\n"),
        ("proc/sys/kernel/pid_max", "32768\n"),
        ("proc/sys/kernel/threads-max", "9000\n"),
        ("proc/pressure/cpu", "some avg10=0.00 avg60=0.00 avg300=0.00 total=1000000\nfull avg10=0.00 total=0\n"),
        ("proc/pressure/io", "some avg10=0.00 avg60=0.00 avg300=0.00 total=5\nfull avg10=0.00 total=5\n"),
        ("proc/net/dev", NETWORK),
        (
            "proc/diskstats",
            " 8 0 sda 1 2 10 4 5 6 20 8 9 1000 11\n 8 1 sda1 1 2 3 4 5 6 7 8 9 10 11\n 7 0 loop0 1 2 3 4 5 6 7 8 9 10 11\n",
        ),
        ("proc/self/mountinfo", MOUNTS),
        ("sys/class/net/eth0/device/vendor", "0x1\n"),
        ("sys/class/net/eth0/speed", "1000\n"),
        ("sys/block/sda/device/ioerr_cnt", "0x3\n"),
        ("sys/block/loop0/size", "0\n"),
        ("sys/fs/ext4/vda1/errors_count", "2\n"),
        ("sys/devices/vda/vda1/size", "1\n"),
    ] {
        write(root, path, text);
    }
    fs::create_dir_all(root.join("sys/dev/block")).unwrap();
    symlink("../../devices/vda/vda1", root.join("sys/dev/block/254:1")).unwrap();
}

fn rows(host: &mut Host, root: &Path) -> Vec<String> {
    let first = host.read();
    for (path, text) in [
        ("proc/stat", LATER),
        ("proc/pressure/cpu", "some avg10=0.00 avg60=0.00 avg300=0.00 total=3500000\nfull avg10=0.00 total=0\n"),
        ("proc/net/dev", &NETWORK.replace("1000 1", "1251000 1").replace("2000 1", "62002000 1")),
        ("proc/diskstats", " 8 0 sda 1 2 12 4 5 6 24 8 9 3500 11\n 8 1 sda1 1 2 3 4 5 6 7 8 9 10 11\n"),
        ("sys/block/sda/device/ioerr_cnt", "0x13\n"),
    ] {
        write(root, path, text);
    }
    let second = host.read();
    let all = named(&second.rows(&[Id::new("web-1").unwrap()], Instant::from_ms(1), Some((10_000, &first))));
    // How full the root of this very machine is, is not in the files.
    all.into_iter().filter(|row| !row.starts_with("filesystem / ") && !row.starts_with("filesystem_inodes")).collect()
}

#[test]
fn a_machine_is_told_by_all_of_its_files() {
    let root = tempfile::tempdir().unwrap();
    machine(root.path());
    let mut host = Host::below(root.path(), Vec::new());
    assert_eq!(
        rows(&mut host, root.path()),
        [
            "memory  409600/1024000",
            "swap  25600/102400",
            "open_files  413/2466177",
            "threads  86/9000",
            "cpu  1500/2000",
            "cpu_pressure some 250000/1000000",
            "io_pressure some 0/1000000",
            "io_pressure full 0/1000000",
            "network_received eth0 125000/125000000",
            "network_sent eth0 6200000/125000000",
            "disk_busy sda 250000/1000000",
            "cpu_time user 10000 over 10000",
            "cpu_time nice 0 over 10000",
            "cpu_time system 0 over 10000",
            "cpu_time iowait 0 over 10000",
            "cpu_time irq 0 over 10000",
            "cpu_time softirq 0 over 10000",
            "cpu_time steal 5000 over 10000",
            "cpu_time guest 0 over 10000",
            "network_received eth0 1250000 over 10000",
            "network_sent eth0 62000000 over 10000",
            "network_receive_errors eth0 0 over 10000",
            "network_send_errors eth0 0 over 10000",
            "network_receive_drops eth0 0 over 10000",
            "network_send_drops eth0 0 over 10000",
            "disk_read sda 1024 over 10000",
            "disk_written sda 2048 over 10000",
            "disk_errors sda 16 over 10000",
            "filesystem_errors / 0 over 10000",
            "load  5000 over 10000",
        ]
    );
    let said: Vec<_> = host.log.said.iter().map(String::as_str).collect();
    assert_eq!(said, ["memory_pressure"], "what is not there is said, and only that");
}

#[test]
fn a_container_is_bounded_where_its_limit_is_below_that_of_the_machine() {
    let root = tempfile::tempdir().unwrap();
    machine(root.path());
    for (file, text) in [
        ("cpu.max", "50000 100000\n"),
        ("cpu.stat", "usage_usec 1000000\n"),
        ("memory.max", "900000000\n"),
        ("memory.current", "1000\n"),
        ("memory.stat", "inactive_file 1\n"),
        ("pids.max", "64\n"),
        ("pids.current", "7\n"),
    ] {
        write(root.path(), &format!("sys/fs/cgroup/{file}"), text);
    }
    let mut host = Host::below(root.path(), Vec::new());
    let first = host.read();
    write(root.path(), "sys/fs/cgroup/cpu.stat", "usage_usec 5000000\n");
    let second = host.read();
    let rows = named(&second.rows(&[Id::new("web-1").unwrap()], Instant::from_ms(1), Some((10_000, &first))));
    for expected in ["cpu  400/500", "threads  7/64", "memory  409600/1024000"] {
        assert!(rows.iter().any(|row| row == expected), "{expected} in {rows:#?}");
    }
}

#[test]
fn a_link_carries_what_was_said_of_it() {
    let root = tempfile::tempdir().unwrap();
    machine(root.path());
    let link = |interface: &str, sent| Link { interface: interface.to_owned(), received: None, sent };
    let mut host = Host::below(root.path(), vec![link("br0", Some(10)), link("eth0", Some(1_000_000))]);
    let rows = rows(&mut host, root.path());
    let network: Vec<_> = rows.iter().filter(|row| row.starts_with("network_") && row.contains('/')).collect();
    let expected =
        ["network_received eth0 125000/125000000", "network_sent eth0 6200000/1000000", "network_sent br0 6200000/10"];
    assert_eq!(network, expected, "of br0 nothing says how much it can receive");
}

#[test]
fn a_host_of_which_nothing_can_be_read_has_no_readings_and_says_so_once() {
    let root = tempfile::tempdir().unwrap();
    let mut host = Host::below(root.path(), Vec::new());
    assert_eq!(host.read(), Snapshot::default());
    let said = host.log.said.len();
    assert_eq!(host.read(), Snapshot::default());
    assert_eq!((said, host.log.said.len()), (10, 10), "{:?}", host.log.said);
    write(root.path(), "proc/loadavg", "0.50 1.09 1.28 1/86 31799\n");
    assert_eq!(host.read().means.len(), 1, "it is looked for each time");
}
