//! This host as Linux tells it, in `/proc` and `/sys`.
//!
//! What is read again and again stays open, and all of it goes through one piece of memory. What cannot be read is said
//! once, with the reason, and has no reading. Nothing here can wait for long: files of the kernel answer at once, and file
//! systems are asked by [`Sizes`].

mod cgroup;
mod disks;
mod files;
mod memory;
mod mounts;
mod network;
mod processor;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};

use uphold_common::observation::{Flow, Resource};

use self::cgroup::Container;
use self::files::Kept;
use super::links::Link;
use super::sizes::{Answer, Sizes};
use super::snapshot::{Counted, Level, Mean, Paced, Snapshot};

/// Most things of which it is remembered that they were said.
const SAID_MAX: usize = 256;
/// A second, in the unit of what is a share of the time.
const SECOND_US: u64 = 1_000_000;

/// Reads this host.
#[derive(Debug)]
pub struct Host {
    root: PathBuf,
    links: Vec<Link>,
    proc: Proc,
    container: Container,
    /// Of each interface whether hardware stands behind it.
    hardware: BTreeMap<String, bool>,
    /// What stands behind each disk.
    devices: BTreeMap<String, Device>,
    /// Where the errors of each file system are counted, by its device.
    faults: BTreeMap<(u32, u32), Option<Kept>>,
    sizes: Sizes,
    log: Log,
    buffer: Vec<u8>,
}

/// What stands behind a disk.
#[derive(Debug)]
enum Device {
    /// Another disk, or memory.
    None,
    /// A device, and where its errors are counted, if they are.
    Some(Option<Kept>),
}

/// The files that there is one of.
#[derive(Debug)]
struct Proc {
    stat: Kept,
    loadavg: Kept,
    meminfo: Kept,
    files: Kept,
    pid_max: Kept,
    threads_max: Kept,
    pressure: [(Resource, Kept); 3],
    network: Kept,
    disks: Kept,
    mounts: Kept,
}

impl Host {
    /// A reader that has read nothing yet. It cannot fail here; on other systems it can.
    pub fn new(links: Vec<Link>) -> io::Result<Self> {
        Ok(Self::below(Path::new("/"), links))
    }

    fn below(root: &Path, links: Vec<Link>) -> Self {
        let proc = |name: &str| Kept::new(root.join("proc").join(name));
        let mut buffer = Vec::new();
        let mut mounts = proc("self/mountinfo");
        let container = mounts.read(&mut buffer, |text| Some(Container::below(root, text))).unwrap_or_default();
        let proc = Proc {
            stat: proc("stat"),
            loadavg: proc("loadavg"),
            meminfo: proc("meminfo"),
            files: proc("sys/fs/file-nr"),
            pid_max: proc("sys/kernel/pid_max"),
            threads_max: proc("sys/kernel/threads-max"),
            pressure: [
                (Resource::CpuPressure, proc("pressure/cpu")),
                (Resource::MemoryPressure, proc("pressure/memory")),
                (Resource::IoPressure, proc("pressure/io")),
            ],
            network: proc("net/dev"),
            disks: proc("diskstats"),
            mounts,
        };
        Self {
            root: root.to_owned(),
            links,
            proc,
            container,
            hardware: BTreeMap::new(),
            devices: BTreeMap::new(),
            faults: BTreeMap::new(),
            sizes: Sizes::default(),
            log: Log::default(),
            buffer,
        }
    }

    /// Reads everything now, what is counted first: it belongs to the instant at which this is called.
    pub fn read(&mut self) -> Snapshot {
        let mut found = Snapshot::default();
        self.processors(&mut found);
        self.stalls(&mut found);
        self.network(&mut found);
        self.disks(&mut found);
        self.memory(&mut found);
        self.tables(&mut found);
        self.file_systems(&mut found);
        found
    }

    fn processors(&mut self, found: &mut Snapshot) {
        let stat = self.proc.stat.read(&mut self.buffer, processor::stat);
        let Some(stat) = self.log.unless_said("processors", stat) else { return };
        let machine = (stat.busy_ms(), stat.processors * 1_000);
        let (count, limit) = tighter(machine, self.container.cpu(&mut self.buffer));
        found.paced.push(Paced { resource: Resource::Cpu, of: String::new(), count, limit });
        let kind = |(kind, ms): (&&str, u64)| Counted { flow: Flow::CpuTime, of: (*kind).to_owned(), count: ms };
        found.counted.extend(processor::KINDS.iter().zip(stat.kinds_ms).map(kind));
    }

    fn stalls(&mut self, found: &mut Snapshot) {
        for (resource, file) in &mut self.proc.pressure {
            let stalled = file.read(&mut self.buffer, |text| Some(processor::pressure(text)));
            let Some(stalled) = self.log.unless_said(resource.as_str(), stalled) else { continue };
            // Of processors the kernel tells "full" as 0, for the sake of the form.
            let full = stalled.full_us.filter(|_| *resource != Resource::CpuPressure);
            for (of, count) in [("some", stalled.some_us), ("full", full)] {
                let Some(count) = count else { continue };
                found.paced.push(Paced { resource: *resource, of: of.to_owned(), count, limit: SECOND_US });
            }
        }
    }

    fn network(&mut self, found: &mut Snapshot) {
        let Self { root, links, hardware, .. } = self;
        let class = root.join("sys/class/net");
        let read = self.proc.network.read(&mut self.buffer, |text| {
            let mut known = std::mem::take(hardware);
            for interface in network::interfaces(text) {
                let name = interface.name.to_owned();
                let is = known.remove(&name).unwrap_or_else(|| is_hardware(&class, &name));
                hardware.insert(name, is);
            }
            let named = |name: &str| links.iter().any(|link| link.interface == name);
            for interface in network::chosen(network::interfaces(text), hardware, named) {
                link(found, &class, links, &interface);
            }
            Some(())
        });
        self.log.unless_said("network", read);
    }

    fn disks(&mut self, found: &mut Snapshot) {
        let Self { root, devices, .. } = self;
        let block = root.join("sys/block");
        let read = self.proc.disks.read(&mut self.buffer, |text| {
            let mut known = std::mem::take(devices);
            let mut left = disks::DISKS_MAX;
            for disk in disks::disks(text) {
                let device = block.join(disk.name).join("device");
                let errors = || Device::Some(Kept::existing(device.join("ioerr_cnt")));
                let look = || if device.exists() { errors() } else { Device::None };
                let is = known.remove(disk.name).unwrap_or_else(look);
                if matches!(is, Device::Some(_)) && left > 0 {
                    left -= 1;
                    let of = || disk.name.to_owned();
                    let limit = SECOND_US;
                    found.paced.push(Paced { resource: Resource::DiskBusy, of: of(), count: disk.busy_us, limit });
                    found.counted.push(Counted { flow: Flow::DiskRead, of: of(), count: disk.read });
                    found.counted.push(Counted { flow: Flow::DiskWritten, of: of(), count: disk.written });
                }
                devices.insert(disk.name.to_owned(), is);
            }
            Some(())
        });
        self.log.unless_said("disks", read);
        let counting = self.devices.iter_mut().filter_map(|(of, device)| match device {
            Device::Some(Some(errors)) => Some((of, errors)),
            Device::Some(None) | Device::None => None,
        });
        for (of, errors) in counting.take(disks::DISKS_MAX) {
            if let Ok(count) = errors.read(&mut self.buffer, disks::errors) {
                found.counted.push(Counted { flow: Flow::DiskErrors, of: of.clone(), count });
            }
        }
    }

    fn memory(&mut self, found: &mut Snapshot) {
        let memory = self.proc.meminfo.read(&mut self.buffer, memory::meminfo);
        let Some(memory) = self.log.unless_said("memory", memory) else { return };
        let machine = (memory.total.saturating_sub(memory.available), memory.total);
        let swap = (memory.swap_total.saturating_sub(memory.swap_free), memory.swap_total);
        let buffer = &mut self.buffer;
        found.level(Resource::Memory, "", tighter(machine, self.container.memory(buffer)));
        found.level(Resource::Swap, "", tighter(swap, self.container.swap(buffer)));
    }

    /// What the kernel keeps tables of: open files, and threads.
    fn tables(&mut self, found: &mut Snapshot) {
        let buffer = &mut self.buffer;
        let open = self.proc.files.read(buffer, memory::files);
        if let Some(open) = self.log.unless_said("open files", open) {
            found.level(Resource::OpenFiles, "", open);
        }
        let load = self.proc.loadavg.read(buffer, processor::load);
        let Some(load) = self.log.unless_said("load", load) else { return };
        found.means.push(Mean { flow: Flow::Load, of: String::new(), thousandths: load.thousandths });
        let numbers = self.proc.pid_max.read(buffer, memory::number);
        let threads = self.proc.threads_max.read(buffer, memory::number);
        let both = numbers.and_then(|numbers| Ok(numbers.min(threads?)));
        let Some(limit) = self.log.unless_said("threads", both) else { return };
        found.level(Resource::Threads, "", tighter((load.threads, limit), self.container.threads(buffer)));
    }

    fn file_systems(&mut self, found: &mut Snapshot) {
        let log = &mut self.log;
        let read = self.proc.mounts.read(&mut self.buffer, |text| {
            let left_out =
                |mount: &mounts::Mount| log.once(&mount.point, &"its path is too long, or there are too many");
            Some(mounts::chosen(text, left_out))
        });
        let Some(mounted) = self.log.unless_said("file systems", read) else { return };
        let answers = self.sizes.read(mounted.iter().map(|mount| mount.point.as_str()));
        let mut known = std::mem::take(&mut self.faults);
        for (mount, answer) in mounted.iter().zip(answers) {
            match answer {
                Answer::Size(size) => {
                    found.level(Resource::Filesystem, &mount.point, size.bytes);
                    found.level(Resource::FilesystemInodes, &mount.point, size.inodes);
                }
                Answer::None(why) => self.log.once(&mount.point, &why),
            }
            if mount.kind == "ext4" {
                let mut faults = known.remove(&mount.device).unwrap_or_else(|| faults(&self.root, mount.device));
                if let Some(Ok(count)) = faults.as_mut().map(|file| file.read(&mut self.buffer, memory::number)) {
                    let of = mount.point.clone();
                    found.counted.push(Counted { flow: Flow::FilesystemErrors, of, count });
                }
                self.faults.insert(mount.device, faults);
            }
        }
    }
}

impl Snapshot {
    fn level(&mut self, resource: Resource, of: &str, (used, limit): (u64, u64)) {
        self.levels.push(Level { resource, of: of.to_owned(), used, limit });
    }
}

/// The bound of the container where it is below the machine's, and else the machine's.
fn tighter(machine: (u64, u64), container: Option<(u64, u64)>) -> (u64, u64) {
    container.filter(|(_, limit)| *limit < machine.1).unwrap_or(machine)
}

/// What is told of one interface; in use is what it carries where it is known how much that can be.
fn link(found: &mut Snapshot, class: &Path, links: &[Link], interface: &network::Interface<'_>) {
    let name = interface.name;
    let count = |(flow, count): (&Flow, u64)| Counted { flow: *flow, of: name.to_owned(), count };
    found.counted.extend(network::FLOWS.iter().zip(interface.counts).map(count));
    let said = links.iter().find(|link| link.interface == name);
    let (received, sent) = said.map_or((None, None), |link| (link.received, link.sent));
    let speed = || network::speed(&std::fs::read_to_string(class.join(name).join("speed")).ok()?);
    let speed = if received.is_some() && sent.is_some() { None } else { speed() };
    let [into, out, ..] = interface.counts;
    let directions = [(Resource::NetworkReceived, into, received), (Resource::NetworkSent, out, sent)];
    for (resource, count, limit) in directions {
        let Some(limit) = limit.or(speed) else { continue };
        found.paced.push(Paced { resource, of: name.to_owned(), count, limit });
    }
}

/// Whether hardware stands behind an interface, and no other one that has the same traffic in its own counts.
fn is_hardware(class: &Path, name: &str) -> bool {
    let interface = class.join(name);
    interface.join("device").exists() && !interface.join("master/device").exists()
}

/// Where a file system of ext4 counts the errors that it found in itself: below the name of its device.
fn faults(root: &Path, (major, minor): (u32, u32)) -> Option<Kept> {
    let device = std::fs::read_link(root.join(format!("sys/dev/block/{major}:{minor}"))).ok()?;
    Kept::existing(root.join("sys/fs/ext4").join(device.file_name()?).join("errors_count"))
}

/// What was said already.
#[derive(Debug, Default)]
struct Log {
    said: BTreeSet<String>,
}

impl Log {
    /// What was read; why it was not is said once.
    fn unless_said<T>(&mut self, what: &str, read: io::Result<T>) -> Option<T> {
        read.map_err(|error| self.once(what, &error)).ok()
    }

    fn once(&mut self, what: &str, why: &dyn Display) {
        if self.said.len() < SAID_MAX && self.said.insert(what.to_owned()) {
            tracing::warn!(what, %why, "this is not read of this host");
        }
    }
}

#[cfg(test)]
#[path = "host_tests.rs"]
mod tests;
