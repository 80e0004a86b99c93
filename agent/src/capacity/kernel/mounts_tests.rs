//! Which file systems count, over what machines and containers have mounted.

use super::*;

fn points(text: &str) -> Vec<String> {
    chosen(text, |_| {}).into_iter().map(|mount| mount.point).collect()
}

/// A server, with everything that is left out.
const SERVER: &str = "\
22 27 0:21 / /proc rw,relatime - proc proc rw
24 27 0:6 / /dev rw,relatime shared:2 - devtmpfs udev rw,size=12334492k
25 24 0:23 / /dev/shm rw,relatime - tmpfs tmpfs rw
27 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,discard
31 27 253:0 / /var rw,relatime shared:5 - xfs /dev/mapper/vg-var rw
32 27 254:1 /srv/www /home/www rw,relatime shared:1 - ext4 /dev/vda1 rw
33 27 7:3 / /snap/core/1 ro,nodev,relatime shared:9 - squashfs /dev/loop3 ro
34 27 7:4 / /mnt/image rw - ext4 /dev/loop4 rw
35 27 1:0 / /mnt/ram rw - ext4 /dev/ram0 rw
36 27 252:0 / /var/log rw - ext4 /dev/zram0 rw
37 27 11:0 / /media/cd ro - iso9660 /dev/sr0 ro
38 27 0:50 / /srv/files rw - nfs4 files:/export rw,vers=4.2
39 27 0:51 / /home/files rw - nfs4 files:/export rw,vers=4.2
40 27 0:50 / /srv/more rw - nfs4 files:/more rw,vers=4.2
41 27 0:52 /@data /data rw - btrfs /dev/sdb rw,subvol=/@data
42 27 0:52 /@old /data/old rw - btrfs /dev/sdb rw,subvol=/@old
43 27 0:60 / /tank rw - zfs tank rw
44 27 0:61 / /tank/home rw - zfs tank/home rw
45 27 0:70 / /run/user/0/doc rw - fuse.portal portal rw
46 27 0:71 / /var/lib/docker/overlay2/x/merged rw - overlay overlay rw,lowerdir=/a
47 27 8:17 / /mnt/with\\040space\\134 rw - vfat /dev/sdb1 rw
48 27 0:29 / /net rw - autofs systemd-1 rw
";

/// A container: everything is of the one disk, and most of it in single files.
const CONTAINER: &str = "\
600 500 0:71 / / rw,relatime - overlay overlay rw,lowerdir=/a
601 600 0:72 / /proc rw - proc proc rw
602 600 254:1 /var/lib/docker/containers/x/resolv.conf /etc/resolv.conf rw - ext4 /dev/vda1 rw
603 600 254:1 /var/lib/docker/containers/x/hosts /etc/hosts rw - ext4 /dev/vda1 rw
604 600 254:1 /var/lib/docker/volumes/x/_data /data rw - ext4 /dev/vda1 rw
";

#[test]
fn what_holds_something_of_its_own_counts_once() {
    let expected = ["/", "/var", "/data", "/tank", "/srv/more", "/srv/files", "/tank/home", "/mnt/with space\\"];
    assert_eq!(points(SERVER), expected);
    assert_eq!(points(CONTAINER), ["/", "/data"]);
}

#[test]
fn of_what_is_mounted_at_one_place_the_last_is_seen() {
    let twice = "27 1 8:1 / /mnt rw - ext4 /dev/sda1 rw\n28 1 8:2 / /mnt rw - ext4 /dev/sda2 rw\n";
    assert_eq!(chosen(twice, |_| {})[0].source, "/dev/sda2");
    let hidden = "27 1 8:1 / /mnt rw - ext4 /dev/sda1 rw\n28 1 0:9 / /mnt rw - tmpfs tmpfs rw\n";
    assert_eq!(points(hidden), [""; 0]);
}

#[test]
fn labels_are_bounded_in_number_and_length() {
    let mut left_out = 0;
    let many: String = (0..100).map(|n| format!("1 1 8:{n} / /{n} rw - ext4 /dev/sda rw\n")).collect();
    assert_eq!(chosen(&many, |_| left_out += 1).len(), MOUNTS_MAX);
    assert_eq!(left_out, 100 - MOUNTS_MAX);
    let long = format!("1 1 8:1 / /{} rw - ext4 /dev/sda rw\n", "x".repeat(OF_BYTES_MAX));
    assert_eq!(points(&long), [""; 0]);
}

#[test]
fn lines_that_are_none_are_passed_over() {
    for line in ["", "27 1 254:1 / / rw", "27 1 254 / / rw - ext4 /dev/vda rw", "27 1 a:b / / rw - ext4 x rw", " - "] {
        assert_eq!(mount(line), None, "{line:?}");
    }
    assert_eq!(plain(r"/a\04"), r"/a\04");
    assert_eq!(plain(r"/a\377b"), "/a\u{fffd}b");
}
