//! What Linux says of its disks: `/proc/diskstats`, and which of them count. Pure.
//!
//! A disk counts when the kernel knows a device behind it. Partitions, mapped and mirrored ones (`dm-`, `md`), loops and
//! those in memory have none: what they carry passes a disk that has, and would be told twice. Drives whose medium is put
//! in and taken out, optical ones and floppies, are left out.

/// Most disks that are read.
pub(super) const DISKS_MAX: usize = 64;
/// A sector in these counts, whatever the disk's own are.
const SECTOR_BYTES: u64 = 512;
/// The major numbers of floppies and of optical drives.
const MEDIA: [u32; 2] = [2, 11];

/// One line of `/proc/diskstats`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Disk<'a> {
    /// Its name.
    pub(super) name: &'a str,
    /// Bytes read.
    pub(super) read: u64,
    /// Bytes written.
    pub(super) written: u64,
    /// Microseconds in which it had something to do, told by the millisecond.
    pub(super) busy_us: u64,
}

/// Reads `/proc/diskstats`, without drives for media.
pub(super) fn disks(text: &str) -> impl Iterator<Item = Disk<'_>> {
    text.lines().filter_map(|line| {
        let mut words = line.split_ascii_whitespace();
        let major: u32 = words.next()?.parse().ok()?;
        let name = words.nth(1)?;
        let mut numbers = [0_u64; 10];
        for number in &mut numbers {
            *number = words.next()?.parse().ok()?;
        }
        let [_, _, read, _, _, _, written, _, _, busy] = numbers;
        let bytes = |sectors: u64| sectors.saturating_mul(SECTOR_BYTES);
        let busy_us = busy.saturating_mul(1_000);
        (!MEDIA.contains(&major)).then(|| Disk { name, read: bytes(read), written: bytes(written), busy_us })
    })
}

/// Reads how many requests failed, as SCSI and SATA disks count them: `0x1f`.
pub(super) fn errors(text: &str) -> Option<u64> {
    u64::from_str_radix(text.trim().strip_prefix("0x")?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sectors_become_bytes() {
        let text = "   7       0 loop0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n \
                    254       0 vda 21868180 1018245 1289527234 39935506 15993058 3526363 1678432816 8655240 0 3012900 \
                    49414127 2519690 378 1486277280 477894 3299321 345486\n  \
                    8       1 sda1 1 2 3 4 5 6 7 8 9 10 11\n  11 0 sr0 1 2 3 4 5 6 7 8 9 10 11\n   2 0 fd0 1 2\n torn 1\n";
        let found: Vec<_> = disks(text).collect();
        assert_eq!(found.iter().map(|disk| disk.name).collect::<Vec<_>>(), ["loop0", "vda", "sda1"]);
        assert_eq!(
            found[1],
            Disk { name: "vda", read: 1_289_527_234 * 512, written: 1_678_432_816 * 512, busy_us: 3_012_900_000 }
        );
    }

    #[test]
    fn failed_requests_are_counted_in_hexadecimal() {
        assert_eq!([errors("0x1f\n"), errors("0x0"), errors("31\n"), errors("")], [Some(31), Some(0), None, None]);
    }
}
