//! What is read of a host: how much of a resource is in use, and how much flowed.
//!
//! What has a limit is a [`Resource`] and is read as a [`Reading`]; what has none is a [`Flow`], a demand that never counts as
//! a capacity. Their order is the order of the wire and of what is stored: whatever is new goes to the end.

use serde::{Deserialize, Serialize};

use crate::ids::Id;
use crate::time::Instant;

/// In what a resource is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourceUnit {
    /// Thousandths of a core.
    Millicores,
    /// Bytes.
    Bytes,
    /// Bytes a second.
    BytesPerSecond,
    /// Millionths of the time.
    TimePpm,
    /// So many.
    Count,
    /// Thousandths of whatever is measured.
    Thousandths,
}

impl ResourceUnit {
    /// How many of it make one in metrics: cores, bytes, bytes a second, a share of the time, a count.
    pub const fn per_base(self) -> u32 {
        match self {
            Self::Millicores | Self::Thousandths => 1_000,
            Self::TimePpm => 1_000_000,
            Self::Bytes | Self::BytesPerSecond | Self::Count => 1,
        }
    }
}

/// Which one of its kind something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// There is one of the whole host.
    Whole,
    /// One of several: what it is named by, and such a name.
    Each(&'static str, &'static str),
    /// One of these.
    Among(&'static [&'static str]),
}

impl Which {
    /// What has to be said, if something has to.
    pub fn expected(self) -> Option<String> {
        match self {
            Self::Whole => None,
            Self::Each(what, such_as) => Some(format!("{what}, such as \"{such_as}\"")),
            Self::Among(words) => Some(words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(" or ")),
        }
    }

    /// Whether something of this name can be there.
    pub fn admits(self, of: &str) -> bool {
        match self {
            // What was imported may tell parts of a whole apart.
            Self::Whole => true,
            Self::Each(..) => !of.is_empty(),
            Self::Among(words) => words.contains(&of),
        }
    }
}

const MOUNT: Which = Which::Each("a mount", "/var");
const INTERFACE: Which = Which::Each("an interface", "eth0");
const DISK: Which = Which::Each("a disk", "sda");
/// `some`: at least one task waited; `full`: all that had something to do waited.
const STALLED: Which = Which::Among(&["some", "full"]);

/// The resources of a host that have a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// Processor time, in thousandths of a core.
    Cpu,
    /// Memory that is not available, in bytes.
    Memory,
    /// Swap space, in bytes.
    Swap,
    /// A file system's space, in bytes; `of` is where it is mounted.
    Filesystem,
    /// A file system's inodes; `of` is where it is mounted.
    FilesystemInodes,
    /// Files that are open.
    OpenFiles,
    /// Threads of all processes, each of which takes a process number.
    Threads,
    /// Time in which a task waited for a processor; `of` is `some`.
    CpuPressure,
    /// Time in which tasks waited for memory; `of` is `some` or `full`.
    MemoryPressure,
    /// Time in which tasks waited for input and output; `of` is `some` or `full`.
    IoPressure,
    /// Time in which a disk had something to do; `of` is the disk.
    DiskBusy,
    /// What a link receives of what it can carry, in bytes a second; `of` is the interface.
    NetworkReceived,
    /// What a link sends of what it can carry, in bytes a second; `of` is the interface.
    NetworkSent,
    /// What a probe reads of a plugin or an exporter, in thousandths; `of` is what the probe calls it.
    Measured,
}

impl Resource {
    /// All of them, by their words.
    pub const WORDS: [(&'static str, Self); 14] = [
        (Self::Cpu.as_str(), Self::Cpu),
        (Self::Memory.as_str(), Self::Memory),
        (Self::Swap.as_str(), Self::Swap),
        (Self::Filesystem.as_str(), Self::Filesystem),
        (Self::FilesystemInodes.as_str(), Self::FilesystemInodes),
        (Self::OpenFiles.as_str(), Self::OpenFiles),
        (Self::Threads.as_str(), Self::Threads),
        (Self::CpuPressure.as_str(), Self::CpuPressure),
        (Self::MemoryPressure.as_str(), Self::MemoryPressure),
        (Self::IoPressure.as_str(), Self::IoPressure),
        (Self::DiskBusy.as_str(), Self::DiskBusy),
        (Self::NetworkReceived.as_str(), Self::NetworkReceived),
        (Self::NetworkSent.as_str(), Self::NetworkSent),
        (Self::Measured.as_str(), Self::Measured),
    ];

    /// As the catalogue writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Swap => "swap",
            Self::Filesystem => "filesystem",
            Self::FilesystemInodes => "filesystem_inodes",
            Self::OpenFiles => "open_files",
            Self::Threads => "threads",
            Self::CpuPressure => "cpu_pressure",
            Self::MemoryPressure => "memory_pressure",
            Self::IoPressure => "io_pressure",
            Self::DiskBusy => "disk_busy",
            Self::NetworkReceived => "network_received",
            Self::NetworkSent => "network_sent",
            Self::Measured => "measured",
        }
    }

    /// In what it is counted.
    pub const fn unit(self) -> ResourceUnit {
        match self {
            Self::Cpu => ResourceUnit::Millicores,
            Self::Memory | Self::Swap | Self::Filesystem => ResourceUnit::Bytes,
            Self::FilesystemInodes | Self::OpenFiles | Self::Threads => ResourceUnit::Count,
            Self::CpuPressure | Self::MemoryPressure | Self::IoPressure | Self::DiskBusy => ResourceUnit::TimePpm,
            Self::NetworkReceived | Self::NetworkSent => ResourceUnit::BytesPerSecond,
            Self::Measured => ResourceUnit::Thousandths,
        }
    }

    /// Which one of its kind is meant, and how that is said.
    pub const fn which(self) -> Which {
        match self {
            Self::Cpu | Self::Memory | Self::Swap | Self::OpenFiles | Self::Threads => Which::Whole,
            Self::Filesystem | Self::FilesystemInodes => MOUNT,
            Self::CpuPressure => Which::Among(&["some"]),
            Self::MemoryPressure | Self::IoPressure => STALLED,
            Self::DiskBusy => DISK,
            Self::NetworkReceived | Self::NetworkSent => INTERFACE,
            Self::Measured => Which::Each("what a probe calls its reading", "mail-queue"),
        }
    }
}

/// A resource of a host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ResourceId {
    /// The host, as the catalogue names it.
    pub host: Id,
    /// What is read.
    pub resource: Resource,
    /// Which one of its kind; empty where there is one only.
    pub of: String,
}

/// One reading of a resource. The limit is above zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reading {
    /// When it was read.
    pub at: Instant,
    /// How much was in use, in the resource's unit.
    pub used: u64,
    /// How much there was to use, in the resource's unit.
    pub limit: u64,
}

/// In what a flow is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowUnit {
    /// Bytes.
    Bytes,
    /// Milliseconds, of which there can be many in one: of several processors, or of several tasks.
    Milliseconds,
    /// So many.
    Count,
}

impl FlowUnit {
    /// How many of it make one in metrics: bytes, seconds, a count.
    pub const fn per_base(self) -> u32 {
        match self {
            Self::Milliseconds => 1_000,
            Self::Bytes | Self::Count => 1,
        }
    }
}

/// Amounts that flow and have no limit of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flow {
    /// Bytes received on a network interface.
    NetworkReceived,
    /// Bytes sent on a network interface.
    NetworkSent,
    /// What arrived on a network interface and was wrong.
    NetworkReceiveErrors,
    /// What a network interface could not send.
    NetworkSendErrors,
    /// What arrived on a network interface, and nobody took or had room for.
    NetworkReceiveDrops,
    /// What was not sent on a network interface for want of room.
    NetworkSendDrops,
    /// Bytes read from a disk.
    DiskRead,
    /// Bytes written to a disk.
    DiskWritten,
    /// Requests that a disk failed.
    DiskErrors,
    /// Errors that a file system found in itself; `of` is where it is mounted.
    FilesystemErrors,
    /// Processor time, in milliseconds; `of` is its kind, as the kernel counts it.
    CpuTime,
    /// Tasks that ran or wanted to, times the milliseconds: the load.
    Load,
}

impl Flow {
    /// All of them, by their words.
    pub const WORDS: [(&'static str, Self); 12] = [
        (Self::NetworkReceived.as_str(), Self::NetworkReceived),
        (Self::NetworkSent.as_str(), Self::NetworkSent),
        (Self::NetworkReceiveErrors.as_str(), Self::NetworkReceiveErrors),
        (Self::NetworkSendErrors.as_str(), Self::NetworkSendErrors),
        (Self::NetworkReceiveDrops.as_str(), Self::NetworkReceiveDrops),
        (Self::NetworkSendDrops.as_str(), Self::NetworkSendDrops),
        (Self::DiskRead.as_str(), Self::DiskRead),
        (Self::DiskWritten.as_str(), Self::DiskWritten),
        (Self::DiskErrors.as_str(), Self::DiskErrors),
        (Self::FilesystemErrors.as_str(), Self::FilesystemErrors),
        (Self::CpuTime.as_str(), Self::CpuTime),
        (Self::Load.as_str(), Self::Load),
    ];

    /// As metrics and pages write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NetworkReceived => "network_received",
            Self::NetworkSent => "network_sent",
            Self::NetworkReceiveErrors => "network_receive_errors",
            Self::NetworkSendErrors => "network_send_errors",
            Self::NetworkReceiveDrops => "network_receive_drops",
            Self::NetworkSendDrops => "network_send_drops",
            Self::DiskRead => "disk_read",
            Self::DiskWritten => "disk_written",
            Self::DiskErrors => "disk_errors",
            Self::FilesystemErrors => "filesystem_errors",
            Self::CpuTime => "cpu_time",
            Self::Load => "load",
        }
    }

    /// In what it is counted.
    pub const fn unit(self) -> FlowUnit {
        match self {
            Self::NetworkReceived | Self::NetworkSent | Self::DiskRead | Self::DiskWritten => FlowUnit::Bytes,
            Self::CpuTime | Self::Load => FlowUnit::Milliseconds,
            Self::NetworkReceiveErrors
            | Self::NetworkSendErrors
            | Self::NetworkReceiveDrops
            | Self::NetworkSendDrops
            | Self::DiskErrors
            | Self::FilesystemErrors => FlowUnit::Count,
        }
    }

    /// Which one of its kind is meant, and how that is said.
    pub const fn which(self) -> Which {
        match self {
            Self::NetworkReceived
            | Self::NetworkSent
            | Self::NetworkReceiveErrors
            | Self::NetworkSendErrors
            | Self::NetworkReceiveDrops
            | Self::NetworkSendDrops => INTERFACE,
            Self::DiskRead | Self::DiskWritten | Self::DiskErrors => DISK,
            Self::FilesystemErrors => MOUNT,
            Self::CpuTime => Which::Each("a kind of processor time", "user"),
            Self::Load => Which::Whole,
        }
    }
}

/// A flow of a host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FlowId {
    /// The host, as the catalogue names it.
    pub host: Id,
    /// What flows.
    pub flow: Flow,
    /// Through what: the interface, the disk, the kind; empty where there is one only.
    pub of: String,
}

/// What flowed since the reading before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Volume {
    /// The end of the stretch it covers.
    pub at: Instant,
    /// The length of that stretch.
    pub over_ms: u32,
    /// How much flowed, in the flow's unit.
    pub amount: u64,
}
