//! What Linux has mounted, `/proc/self/mountinfo`, and which file systems count. Pure.
//!
//! A file system counts when it holds something of its own: when a block device is behind it, or a server, or when it
//! spreads over several devices by itself. So those in memory, of the kernel's own making, or layered over others are left
//! out, except what is mounted at `/`; so are images that can never be fuller, those on loops and in memory, and what the
//! runtime of a container lays over single files. Each device, and each export of a server, counts once, where its path is shortest.

use std::collections::BTreeSet;

use uphold_common::wire::OF_BYTES_MAX;

/// Most file systems that are read.
pub(super) const MOUNTS_MAX: usize = 64;
/// They lie on a server.
const REMOTE: [&str; 14] = [
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "ceph",
    "9p",
    "virtiofs",
    "glusterfs",
    "fuse.glusterfs",
    "fuse.ceph",
    "lustre",
    "beegfs",
    "afs",
];
/// They look after their devices themselves, so that none is told.
const SPREAD: [&str; 3] = ["btrfs", "zfs", "bcachefs"];
/// They are full from the beginning.
const IMAGES: [&str; 6] = ["squashfs", "erofs", "iso9660", "udf", "cramfs", "romfs"];
/// The major numbers of disks in memory and of loops.
const NO_DISK: [u32; 2] = [1, 7];
/// What runtimes of containers mount over single files.
const LAID_OVER: [&str; 4] = ["/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/dev/termination-log"];

/// One file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mount {
    /// Where it is mounted.
    pub(super) point: String,
    /// Its kind.
    pub(super) kind: String,
    /// The numbers of its device; the first is 0 where it has none.
    pub(super) device: (u32, u32),
    /// What is mounted: the device, or the export of a server.
    pub(super) source: String,
    /// What is said beside: which controllers, of a cgroup.
    pub(super) options: String,
}

/// Reads one line: `27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw`.
pub(super) fn mount(line: &str) -> Option<Mount> {
    let (before, after) = line.split_once(" - ")?;
    let mut before = before.split(' ').skip(2);
    let (major, minor) = before.next()?.split_once(':')?;
    let point = before.nth(1)?;
    let mut after = after.split(' ');
    let (kind, source, options) = (after.next()?, after.next()?, after.next().unwrap_or_default());
    Some(Mount {
        point: plain(point),
        kind: kind.to_owned(),
        device: (major.parse().ok()?, minor.parse().ok()?),
        source: plain(source),
        options: options.to_owned(),
    })
}

/// Those that count, the shortest path first; `left_out` is told of those that are too many or have too long a path.
pub(super) fn chosen(text: &str, mut left_out: impl FnMut(&Mount)) -> Vec<Mount> {
    // Of what is mounted at one place the last hides the others.
    let mut hidden = BTreeSet::new();
    let mut all: Vec<Mount> = text.lines().rev().filter_map(mount).filter(|m| hidden.insert(m.point.clone())).collect();
    all.retain(counts);
    all.sort_by(|one, other| (one.point.len(), &one.point).cmp(&(other.point.len(), &other.point)));
    let mut seen = BTreeSet::new();
    all.retain(|mount| {
        let share = REMOTE.contains(&mount.kind.as_str()).then(|| mount.source.clone());
        // Exports of one server may share a device, and one export may be mounted as several.
        seen.insert(share.map_or_else(|| Err(mount.device), Ok))
    });
    let mut place = 0;
    all.retain(|mount| {
        place += 1;
        let kept = place <= MOUNTS_MAX && mount.point.len() <= OF_BYTES_MAX;
        if !kept {
            left_out(mount);
        }
        kept
    });
    all
}

fn counts(mount: &Mount) -> bool {
    let kind = mount.kind.as_str();
    if mount.point == "/" || REMOTE.contains(&kind) || SPREAD.contains(&kind) {
        return true;
    }
    let disk = mount.device.0 != 0 && !NO_DISK.contains(&mount.device.0) && !mount.source.starts_with("/dev/zram");
    disk && !IMAGES.contains(&kind) && !LAID_OVER.contains(&mount.point.as_str())
}

/// A path as it is: the kernel writes what would break its line as three octal digits.
fn plain(written: &str) -> String {
    if !written.contains('\\') {
        return written.to_owned();
    }
    let (mut out, mut rest) = (Vec::with_capacity(written.len()), written.as_bytes());
    while let Some((byte, after)) = rest.split_first() {
        let octal = after.get(..3).filter(|_| *byte == b'\\').and_then(|digits| std::str::from_utf8(digits).ok());
        let meant = octal.and_then(|digits| u8::from_str_radix(digits, 8).ok());
        out.push(meant.unwrap_or(*byte));
        rest = if meant.is_some() { after.get(3..).unwrap_or_default() } else { after };
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
#[path = "mounts_tests.rs"]
mod tests;
