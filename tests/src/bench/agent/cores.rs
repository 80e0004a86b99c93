//! Which core a process runs on: the one under measurement has one for itself, everything else the others.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::process::{Command, Stdio};

/// The cores this program may run on.
#[derive(Clone, Debug)]
pub(super) struct Cores {
    all: Vec<u32>,
}

impl Cores {
    /// Those of this program.
    pub(super) fn of_this_program() -> io::Result<Self> {
        let text = fs::read_to_string("/proc/self/status")?;
        let listed = text.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
        let all =
            listed.and_then(read).ok_or_else(|| io::Error::other("the system does not say which cores there are"))?;
        Ok(Self { all })
    }

    /// Moves this program, and whatever it starts from now on, away from the first core, until the answer is dropped.
    pub(super) fn keep_off_the_first(&self) -> io::Result<KeptOff> {
        let Some((first, others)) = self.all.split_first().filter(|(_, others)| !others.is_empty()) else {
            return Err(io::Error::other("two cores are needed, one for whoever is measured"));
        };
        move_to(others)?;
        Ok(KeptOff { first: *first, all: self.all.clone() })
    }
}

/// While it lives, this program is kept off one core.
#[derive(Debug)]
pub(super) struct KeptOff {
    first: u32,
    all: Vec<u32>,
}

impl KeptOff {
    /// The core that is free of this program.
    pub(super) const fn core(&self) -> u32 {
        self.first
    }
}

impl Drop for KeptOff {
    fn drop(&mut self) {
        // What runs after this would only be slower.
        let _ = move_to(&self.all);
    }
}

/// A command, on that core alone if one is said.
pub(super) fn on(core: Option<u32>, program: impl AsRef<OsStr>) -> Command {
    let Some(core) = core else { return Command::new(program) };
    let mut command = Command::new("taskset");
    command.args(["-c", &core.to_string()]).arg(program);
    command
}

fn move_to(cores: &[u32]) -> io::Result<()> {
    let list = cores.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
    let mut command = Command::new("taskset");
    command.args(["-a", "-c", "-p", &list, &std::process::id().to_string()]).stdout(Stdio::null());
    if command.status()?.success() {
        Ok(())
    } else {
        Err(io::Error::other(format!("taskset refused the cores {list}")))
    }
}

/// `0-3,8` as a list.
fn read(text: &str) -> Option<Vec<u32>> {
    let mut cores = Vec::new();
    for part in text.trim().split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        cores.extend(first.parse().ok()?..=last.parse::<u32>().ok()?);
    }
    Some(cores)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_cores_are_read() {
        assert_eq!(read("\t0-2,5\n"), Some(vec![0, 1, 2, 5]));
        assert_eq!(read("3"), Some(vec![3]));
        assert_eq!(read("none"), None);
    }
}
