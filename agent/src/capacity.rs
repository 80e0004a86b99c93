//! What this host has and uses: CPU, memory, swap, file systems, network.
//!
//! [`Probe`] reads the system and blocks while it does; [`rows`] turns what it read into rows and is pure. CPU time and
//! network volumes are differences, so their first rows come with the second reading. File systems that hold nothing of
//! their own (pseudo, in memory, layered) are left out, except what is mounted at `/`; each device counts once. File
//! systems and interfaces are bounded in number.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use sysinfo::{DiskRefreshKind, Disks, MemoryRefreshKind, Networks, System};
use tokio::sync::watch;
use uphold_common::ids::Id;
use uphold_common::observation::{Flow, FlowId, Reading, Resource, ResourceId, Volume};
use uphold_common::time::Instant;
use uphold_common::wire::OF_BYTES_MAX;
use uphold_common::wire::assignment::CAPACITY_INTERVAL_MS;
use uphold_common::wire::builder::Row;

use crate::clock::Clock;
use crate::recorder::Recorder;
use crate::runner::Assigned;
use crate::stop::Stop;

/// Most file systems that are read.
const FILE_SYSTEMS_MAX: usize = 64;
/// Most network interfaces that are read.
const INTERFACES_MAX: usize = 64;
/// File systems that hold nothing of their own.
const PSEUDO: [&str; 12] = [
    "tmpfs", "ramfs", "devtmpfs", "overlay", "aufs", "squashfs", "proc", "sysfs", "cgroup2", "nsfs", "tracefs",
    "debugfs",
];

/// One reading of the whole host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Thousandths of a core in use since the reading before, if there was one.
    pub cpu_used: Option<u64>,
    /// Thousandths of a core there are.
    pub cpu_limit: u64,
    /// Bytes of memory in use, and in all.
    pub memory: (u64, u64),
    /// Bytes of swap in use, and in all.
    pub swap: (u64, u64),
    /// File systems.
    pub file_systems: Vec<FileSystem>,
    /// Bytes received and sent by each interface since it came up.
    pub interfaces: BTreeMap<String, (u64, u64)>,
}

/// One file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSystem {
    /// Its device.
    pub device: String,
    /// Its kind.
    pub kind: String,
    /// Where it is mounted.
    pub mount: String,
    /// Bytes in use.
    pub used: u64,
    /// Bytes in all.
    pub limit: u64,
}

/// Reads the host.
#[derive(Debug)]
pub struct Probe {
    system: System,
    disks: Disks,
    networks: Networks,
    read_before: bool,
    logged: BTreeSet<&'static str>,
}

impl Probe {
    /// A reader that has read nothing yet; `Err` says what cannot be read on this system.
    pub fn new() -> Result<Self, sysinfo::Error> {
        let (system, disks, networks) = (System::new()?, Disks::new()?, Networks::new()?);
        Ok(Self { system, disks, networks, read_before: false, logged: BTreeSet::new() })
    }

    /// Reads everything now.
    pub fn read(&mut self) -> Snapshot {
        self.system.refresh_cpu_usage();
        self.system.refresh_memory_specifics(MemoryRefreshKind::everything());
        self.disks.refresh_specifics(true, DiskRefreshKind::nothing().with_storage());
        self.networks.refresh(true);
        let cores = self.system.cpus().len() as u64;
        let used = self.read_before.then(|| millicores(self.system.global_cpu_usage(), cores));
        self.read_before = true;
        let total = self.system.total_memory();
        let snapshot = Snapshot {
            cpu_used: used,
            cpu_limit: cores * 1_000,
            memory: (total.saturating_sub(self.system.available_memory()), total),
            swap: (self.system.used_swap(), self.system.total_swap()),
            file_systems: self.disks.iter().map(file_system).collect(),
            interfaces: self
                .networks
                .iter()
                .map(|(name, data)| (name.to_string_lossy().into_owned(), volumes(data)))
                .collect(),
        };
        self.miss("cpu", snapshot.cpu_limit == 0);
        self.miss("memory", total == 0);
        self.miss("file systems", snapshot.file_systems.is_empty());
        snapshot
    }

    /// Says once that something cannot be read.
    fn miss(&mut self, what: &'static str, missing: bool) {
        if missing && self.logged.insert(what) {
            tracing::warn!(what, "a resource of this host cannot be read");
        }
    }
}

fn file_system(disk: &sysinfo::Disk) -> FileSystem {
    FileSystem {
        device: disk.name().to_string_lossy().into_owned(),
        kind: disk.file_system().to_string_lossy().into_owned(),
        mount: disk.mount_point().to_string_lossy().into_owned(),
        used: disk.total_space().saturating_sub(disk.available_space()),
        limit: disk.total_space(),
    }
}

fn volumes(data: &sysinfo::NetworkData) -> (u64, u64) {
    (data.total_received(), data.total_transmitted())
}

/// Thousandths of a core from a share of all cores in percent.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "held between 0 and all cores first")]
#[expect(clippy::cast_precision_loss, reason = "no machine has so many cores")]
fn millicores(percent: f32, cores: u64) -> u64 {
    (f64::from(percent.clamp(0.0, 100.0)) * 10.0 * cores as f64).round() as u64
}

/// The rows of a reading at `at` under each name of the host, given the reading before and when it was made.
pub fn rows(hosts: &[Id], at: Instant, now: &Snapshot, before: Option<(Instant, &Snapshot)>) -> Vec<Row> {
    let mut rows = Vec::new();
    for host in hosts {
        let mut put = |resource, of: &str, used: u64, limit: u64| {
            if limit > 0 && of.len() <= OF_BYTES_MAX {
                let id = ResourceId { host: host.clone(), resource, of: of.to_owned() };
                rows.push(Row::Capacity(id, Reading { at, used, limit }));
            }
        };
        if let Some(used) = now.cpu_used {
            put(Resource::Cpu, "", used, now.cpu_limit);
        }
        put(Resource::Memory, "", now.memory.0, now.memory.1);
        put(Resource::Swap, "", now.swap.0, now.swap.1);
        for file_system in chosen(&now.file_systems) {
            put(Resource::Filesystem, &file_system.mount, file_system.used, file_system.limit);
        }
        if let Some((then, before)) = before {
            flows(&mut rows, host, at, now, then, before);
        }
    }
    rows
}

/// What flowed through each interface. One whose counters went back, or that was not there, has no volume this time.
fn flows(rows: &mut Vec<Row>, host: &Id, at: Instant, now: &Snapshot, then: Instant, before: &Snapshot) {
    let Some(over_ms) = u32::try_from(at.since_ms(then)).ok().filter(|ms| *ms > 0) else { return };
    let named = now.interfaces.iter().filter(|(name, _)| *name != "lo" && name.len() <= OF_BYTES_MAX);
    for (name, (received, sent)) in named.take(INTERFACES_MAX) {
        let Some((received_before, sent_before)) = before.interfaces.get(name) else { continue };
        let differences = (received.checked_sub(*received_before), sent.checked_sub(*sent_before));
        for (flow, amount) in [(Flow::NetworkReceived, differences.0), (Flow::NetworkSent, differences.1)] {
            let Some(amount) = amount else { continue };
            let id = FlowId { host: host.clone(), flow, of: name.clone() };
            rows.push(Row::Volume(id, Volume { at, over_ms, amount }));
        }
    }
}

/// The file systems that count, each device once under its shortest mount point.
fn chosen(all: &[FileSystem]) -> Vec<&FileSystem> {
    let mut all: Vec<&FileSystem> = all.iter().collect();
    all.sort_by_key(|file_system| (file_system.mount.len(), &file_system.mount));
    let (mut devices, mut mounts) = (BTreeSet::new(), BTreeSet::new());
    all.retain(|file_system| {
        let real = !PSEUDO.contains(&file_system.kind.as_str()) || file_system.mount == "/";
        real && mounts.insert(&file_system.mount) && devices.insert(&file_system.device)
    });
    all.truncate(FILE_SYSTEMS_MAX);
    all
}

/// Reads the host for as long as it is assigned, until `stop`.
pub async fn run(mut assigned: watch::Receiver<Assigned>, clock: Arc<Clock>, recorder: Recorder, mut stop: Stop) {
    let mut probe = match Probe::new() {
        Ok(probe) => probe,
        Err(error) => {
            tracing::error!(%error, "this host's capacity cannot be read");
            return;
        }
    };
    let mut before: Option<(Instant, Snapshot)> = None;
    let interval = Duration::from_millis(CAPACITY_INTERVAL_MS.unsigned_abs());
    loop {
        let hosts = assigned.borrow_and_update().as_ref().map(|a| a.hosts.clone()).unwrap_or_default();
        if !hosts.is_empty() {
            let reading = tokio::task::spawn_blocking(move || {
                let snapshot = probe.read();
                (probe, snapshot)
            });
            let Ok((returned, snapshot)) = reading.await else { return };
            probe = returned;
            let at = clock.now();
            recorder.read(rows(&hosts, at, &snapshot, before.as_ref().map(|(then, s)| (*then, s)))).await;
            before = Some((at, snapshot));
        }
        if !pause(&mut assigned, interval, &hosts, &mut stop).await {
            return;
        }
    }
}

/// Waits for the next reading, or for other hosts; `false` when it is time to end.
async fn pause(assigned: &mut watch::Receiver<Assigned>, interval: Duration, hosts: &[Id], stop: &mut Stop) -> bool {
    let other = assigned.wait_for(|now| now.as_ref().is_some_and(|now| now.hosts != hosts));
    let other = async {
        if other.await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = stop.asked() => false,
        () = other => true,
        () = tokio::time::sleep(interval) => true,
    }
}

#[cfg(test)]
#[path = "capacity_tests.rs"]
mod tests;
