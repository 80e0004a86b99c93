//! What the system says that processes and files take: Linux' `/proc`, and allocated blocks.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use super::chance::Chance;
use super::server::OnDisk;

/// The clock ticks of a second in which `/proc` counts time, on every architecture we build for.
const TICKS_PER_SECOND: u32 = 100;
/// How many numbers the fixed work draws: some tenths of a second.
const FIXED_WORK: u32 = 200_000_000;
/// The unit in which `st_blocks` counts, whatever the file system.
const BLOCK_BYTES: u64 = 512;

/// Processor time of a process and its threads, in user and system mode.
pub(super) fn processor_time(pid: u32) -> io::Result<Duration> {
    let path = format!("/proc/{pid}/stat");
    let text = fs::read_to_string(&path)?;
    // The name of the program may hold anything but stands in brackets; after it come the state and the numbers.
    let (_, rest) = text.rsplit_once(')').ok_or_else(|| odd(&path))?;
    let numbers: Vec<&str> = rest.split_ascii_whitespace().collect();
    let ticks = |place: usize| numbers.get(place).and_then(|n| n.parse::<u32>().ok()).ok_or_else(|| odd(&path));
    Ok(of_ticks(ticks(11)? + ticks(12)?))
}

/// Processor time that the whole machine has used, whoever used it.
pub(super) fn machine_time() -> io::Result<Duration> {
    let path = "/proc/stat";
    let text = fs::read_to_string(path)?;
    let numbers = text.lines().next().and_then(|line| line.strip_prefix("cpu ")).ok_or_else(|| odd(path))?;
    let mut used = 0_u64;
    // user nice system idle iowait irq softirq steal; guests are counted in the first two already.
    for (place, number) in numbers.split_ascii_whitespace().take(8).enumerate() {
        if place != 3 && place != 4 {
            used += number.parse::<u64>().map_err(|_| odd(path))?;
        }
    }
    Ok(Duration::from_millis(used * 1_000 / u64::from(TICKS_PER_SECOND)))
}

/// Processor time of a piece of work that is always the same: how quick the machine is just now.
pub(super) fn of_fixed_work() -> io::Result<Duration> {
    let before = processor_time(std::process::id())?;
    let mut chance = Chance::new(1);
    for _ in 0..FIXED_WORK {
        std::hint::black_box(chance.next());
    }
    Ok(processor_time(std::process::id())?.saturating_sub(before))
}

/// What a process holds in memory, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Memory {
    /// The most it ever held: `VmHWM`.
    pub(super) peak: u64,
    /// What it holds that no file backs: `RssAnon`.
    pub(super) anonymous: u64,
    /// What it holds now: `VmRSS`.
    pub(super) resident: u64,
}

/// The memory of a process.
pub(super) fn memory(pid: u32) -> io::Result<Memory> {
    let path = format!("/proc/{pid}/status");
    let text = fs::read_to_string(&path)?;
    let bytes = |key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key)).ok_or_else(|| odd(&path))?;
        let kib = line.trim_matches(|c: char| !c.is_ascii_digit()).parse::<u64>().map_err(|_| odd(&path))?;
        Ok::<u64, io::Error>(kib * 1_024)
    };
    Ok(Memory { peak: bytes("VmHWM:")?, anonymous: bytes("RssAnon:")?, resident: bytes("VmRSS:")? })
}

/// The bytes that are allocated for everything under `path`, as `du` counts them, by what `kind` says of each path from
/// there. Files are synced first: what was only written has no blocks yet.
pub(super) fn on_disk(path: &Path, kind: impl Fn(&Path) -> String) -> io::Result<OnDisk> {
    let mut by_kind = BTreeMap::<String, u64>::new();
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
                continue;
            }
            let file = entry.path();
            match blocks(&file) {
                Ok(blocks) => {
                    let kind = kind(file.strip_prefix(path).unwrap_or(&file));
                    *by_kind.entry(kind).or_default() += blocks * BLOCK_BYTES;
                }
                // Servers put files away while they are looked at.
                Err(gone) if gone.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(OnDisk { all_bytes: by_kind.values().sum(), by_kind: by_kind.into_iter().collect() })
}

/// The blocks of a file, once it is on disk. What is no file, such as a socket, has none.
fn blocks(path: &Path) -> io::Result<u64> {
    if !fs::symlink_metadata(path)?.is_file() {
        return Ok(0);
    }
    let file = File::open(path)?;
    file.sync_all()?;
    Ok(file.metadata()?.blocks())
}

fn of_ticks(ticks: u32) -> Duration {
    Duration::from_secs(1) * ticks / TICKS_PER_SECOND
}

fn odd(path: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{path} is not as expected"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_time_and_memory_and_files_take_blocks() {
        let pid = std::process::id();
        let before = processor_time(pid).unwrap();
        let mut number = 1_u64;
        while processor_time(pid).unwrap() == before {
            number = std::hint::black_box(number.wrapping_mul(3));
        }
        assert!(machine_time().unwrap() >= before);
        let memory = memory(pid).unwrap();
        assert!(memory.peak > memory.anonymous && memory.anonymous > 100_000, "{memory:?}");
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("inner");
        fs::create_dir(&inner).unwrap();
        fs::write(inner.join("file"), vec![1; 100_000]).unwrap();
        let found = on_disk(folder.path(), |path| path.display().to_string()).unwrap();
        assert!((100_000..200_000).contains(&found.all_bytes), "{found:?}");
        assert_eq!(found.by_kind, [("inner/file".to_owned(), found.all_bytes)]);
    }
}
