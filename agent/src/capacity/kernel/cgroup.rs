//! The limits of a container: what its cgroup may have, of either version of cgroups, and what it has. Pure but for
//! [`Container`], which reads.
//!
//! What counts is the cgroup at the top of the tree that the agent sees. On a machine that is the root, which has no limits, so
//! the machine's own count; in a container it is the container's. The cgroup that the agent itself is in, of its unit of
//! systemd, is not looked at: it bounds the agent and not the host.

use std::path::{Path, PathBuf};

use super::files::Kept;
use super::memory::number;
use super::mounts::mount;

/// Where the top of the tree is, by what it is in charge of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Tops {
    /// Of version 2, which is in charge of whatever version 1 is not.
    unified: Option<String>,
    cpu: Option<String>,
    cpuacct: Option<String>,
    memory: Option<String>,
    pids: Option<String>,
}

/// Reads `/proc/self/mountinfo`.
fn tops(text: &str) -> Tops {
    let mut tops = Tops::default();
    for mount in text.lines().filter_map(mount) {
        match mount.kind.as_str() {
            "cgroup2" => tops.unified = Some(mount.point),
            "cgroup" => {
                for controller in mount.options.split(',') {
                    let top = match controller {
                        "cpu" => &mut tops.cpu,
                        "cpuacct" => &mut tops.cpuacct,
                        "memory" => &mut tops.memory,
                        "pids" => &mut tops.pids,
                        _ => continue,
                    };
                    *top = Some(mount.point.clone());
                }
            }
            _ => {}
        }
    }
    tops
}

/// Thousandths of a core, from `200000 100000` or `max 100000`.
fn quota(text: &str) -> Option<u64> {
    let mut words = text.split_ascii_whitespace();
    by_period(words.next()?, words.next()?)
}

/// Thousandths of a core; a quota that is no positive number is none.
fn by_period(quota: &str, period: &str) -> Option<u64> {
    let (quota, period) = (quota.trim().parse::<u64>().ok()?, period.trim().parse::<u64>().ok()?);
    quota.checked_mul(1_000)?.checked_div(period).filter(|millicores| *millicores > 0)
}

/// The number behind this word.
fn value(text: &str, word: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(word)?.strip_prefix(' ')).and_then(number)
}

/// What is in use, and of how much.
pub(super) type Bound = (u64, u64);

/// Reads what bounds this container, if this is one.
#[derive(Debug, Default)]
pub(super) struct Container {
    cpu: Option<Cpu>,
    memory: Option<Memory>,
    pids: Option<[Kept; 2]>,
}

#[derive(Debug)]
enum Cpu {
    One { quota: Kept, period: Kept, used_ns: Kept },
    Two { max: Kept, stat: Kept },
}

#[derive(Debug)]
enum Memory {
    One { stat: Kept, usage: Kept },
    Two { max: Kept, current: Kept, stat: Kept, swap: Option<[Kept; 2]> },
}

impl Container {
    /// What can be read, by what is mounted below `root`.
    pub(super) fn below(root: &Path, mountinfo: &str) -> Self {
        let tops = tops(mountinfo);
        let path = |top: &str, name: &str| -> PathBuf { root.join(top.trim_start_matches('/')).join(name) };
        let kept = |top: &Option<String>, name: &str| Kept::existing(path(top.as_deref()?, name));
        let unified = |name: &str| kept(&tops.unified, name);
        let cpu_1 = || {
            let (quota, period) = (kept(&tops.cpu, "cpu.cfs_quota_us")?, kept(&tops.cpu, "cpu.cfs_period_us")?);
            Some(Cpu::One { quota, period, used_ns: kept(&tops.cpuacct, "cpuacct.usage")? })
        };
        let cpu_2 = || Some(Cpu::Two { max: unified("cpu.max")?, stat: unified("cpu.stat")? });
        let memory_1 = || {
            let (stat, usage) = (kept(&tops.memory, "memory.stat")?, kept(&tops.memory, "memory.usage_in_bytes")?);
            Some(Memory::One { stat, usage })
        };
        let pair = |one: Option<Kept>, other: Option<Kept>| Some([one?, other?]);
        let memory_2 = || {
            let (max, current) = (unified("memory.max")?, unified("memory.current")?);
            let swap = pair(unified("memory.swap.current"), unified("memory.swap.max"));
            Some(Memory::Two { max, current, stat: unified("memory.stat")?, swap })
        };
        Self {
            cpu: cpu_1().or_else(cpu_2),
            memory: memory_1().or_else(memory_2),
            pids: pair(kept(&tops.pids, "pids.current"), kept(&tops.pids, "pids.max"))
                .or_else(|| pair(unified("pids.current"), unified("pids.max"))),
        }
    }

    /// Milliseconds of processor time it has had, and how many thousandths of a core it may have.
    pub(super) fn cpu(&mut self, buffer: &mut Vec<u8>) -> Option<Bound> {
        match self.cpu.as_mut()? {
            Cpu::One { quota, period, used_ns } => {
                let own = |text: &str| Some(text.to_owned());
                let (quota, period) = (quota.read(buffer, own).ok()?, period.read(buffer, own).ok()?);
                let limit = by_period(&quota, &period)?;
                Some((used_ns.read(buffer, number).ok()? / 1_000_000, limit))
            }
            Cpu::Two { max, stat } => {
                let limit = max.read(buffer, quota).ok()?;
                Some((stat.read(buffer, |text| value(text, "usage_usec")).ok()? / 1_000, limit))
            }
        }
    }

    /// Bytes of memory that it cannot do without, of so many. What it has read from files and not lately used goes when it
    /// is needed elsewhere.
    pub(super) fn memory(&mut self, buffer: &mut Vec<u8>) -> Option<Bound> {
        let (used, spare, limit) = match self.memory.as_mut()? {
            Memory::One { stat, usage } => {
                let said =
                    |text: &str| Some((value(text, "total_inactive_file")?, value(text, "hierarchical_memory_limit")?));
                let (spare, limit) = stat.read(buffer, said).ok()?;
                (usage.read(buffer, number).ok()?, spare, limit)
            }
            Memory::Two { max, current, stat, .. } => {
                let limit = max.read(buffer, number).ok()?;
                let spare = stat.read(buffer, |text| value(text, "inactive_file")).ok()?;
                (current.read(buffer, number).ok()?, spare, limit)
            }
        };
        Some((used.saturating_sub(spare), limit))
    }

    /// Bytes of swap, of so many.
    pub(super) fn swap(&mut self, buffer: &mut Vec<u8>) -> Option<Bound> {
        match self.memory.as_mut()? {
            Memory::One { stat, .. } => {
                let said = |text: &str| {
                    let (memory, both) =
                        (value(text, "hierarchical_memory_limit")?, value(text, "hierarchical_memsw_limit")?);
                    Some((value(text, "total_swap")?, both.checked_sub(memory)?))
                };
                stat.read(buffer, said).ok()
            }
            Memory::Two { swap, .. } => read_pair(swap.as_mut()?, buffer),
        }
    }

    /// Threads, of so many.
    pub(super) fn threads(&mut self, buffer: &mut Vec<u8>) -> Option<Bound> {
        read_pair(self.pids.as_mut()?, buffer)
    }
}

/// What is in use, and the limit, unless that is `max`.
fn read_pair(pair: &mut [Kept; 2], buffer: &mut Vec<u8>) -> Option<Bound> {
    let [used, limit] = pair;
    let limit = limit.read(buffer, number).ok()?;
    Some((used.read(buffer, number).ok()?, limit))
}

#[cfg(test)]
#[path = "cgroup_tests.rs"]
mod tests;
