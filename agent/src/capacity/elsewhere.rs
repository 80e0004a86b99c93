//! This host as sysinfo tells it, on systems other than Linux: processors, memory, swap, file systems and network.
//!
//! On Linux it is built for tests only, which hold what is read there against it.

use sysinfo::{DiskRefreshKind, Disks, MemoryRefreshKind, Networks, System};
use uphold_common::observation::{Flow, Resource};

use super::links::Link;
use super::snapshot::{Counted, Level, Paced, Snapshot};

/// Most file systems and interfaces that are read.
const EACH_MAX: usize = 64;

/// Reads this host.
#[derive(Debug)]
pub struct Host {
    links: Vec<Link>,
    system: System,
    disks: Disks,
    networks: Networks,
    read_before: bool,
}

impl Host {
    /// A reader that has read nothing yet; `Err` says what cannot be read on this system.
    pub fn new(links: Vec<Link>) -> Result<Self, sysinfo::Error> {
        let (system, disks, networks) = (System::new()?, Disks::new()?, Networks::new()?);
        Ok(Self { links, system, disks, networks, read_before: false })
    }

    /// Reads everything now.
    pub fn read(&mut self) -> Snapshot {
        self.system.refresh_cpu_usage();
        self.system.refresh_memory_specifics(MemoryRefreshKind::everything());
        self.disks.refresh_specifics(true, DiskRefreshKind::nothing().with_storage());
        self.networks.refresh(true);
        let mut found = Snapshot::default();
        let mut level = |resource, of: &str, used, limit| {
            found.levels.push(Level { resource, of: of.to_owned(), used, limit });
        };
        let cores = self.system.cpus().len() as u64;
        // What is in use is told since the reading before.
        if std::mem::replace(&mut self.read_before, true) {
            level(Resource::Cpu, "", millicores(self.system.global_cpu_usage(), cores), cores * 1_000);
        }
        let total = self.system.total_memory();
        level(Resource::Memory, "", total.saturating_sub(self.system.available_memory()), total);
        level(Resource::Swap, "", self.system.used_swap(), self.system.total_swap());
        for disk in self.disks.iter().take(EACH_MAX) {
            let (free, total) = (disk.available_space(), disk.total_space());
            level(Resource::Filesystem, &disk.mount_point().to_string_lossy(), total.saturating_sub(free), total);
        }
        let loopback = |name: &str| name == "lo" || name == "lo0";
        for (name, data) in self.networks.iter().take(EACH_MAX) {
            let name = name.to_string_lossy();
            let link = self.links.iter().find(|link| link.interface == name);
            if link.is_none() && loopback(&name) {
                continue;
            }
            let (received, sent) = (data.total_received(), data.total_transmitted());
            let (into, out) = link.map_or((None, None), |link| (link.received, link.sent));
            for (flow, resource, count, limit) in [
                (Flow::NetworkReceived, Resource::NetworkReceived, received, into),
                (Flow::NetworkSent, Resource::NetworkSent, sent, out),
            ] {
                found.counted.push(Counted { flow, of: name.to_string(), count });
                found.paced.extend(limit.map(|limit| Paced { resource, of: name.to_string(), count, limit }));
            }
        }
        found
    }
}

/// Thousandths of a core from a share of all cores in percent.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "held between 0 and all cores first")]
#[expect(clippy::cast_precision_loss, reason = "no machine has so many cores")]
fn millicores(percent: f32, cores: u64) -> u64 {
    (f64::from(percent.clamp(0.0, 100.0)) * 10.0 * cores as f64).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_of_all_cores_are_thousandths_of_one() {
        assert_eq!([millicores(12.5, 4), millicores(f32::NAN, 4), millicores(400.0, 2)], [500, 0, 2_000]);
    }
}
