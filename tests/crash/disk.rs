//! A small disk of the test's own: a file system in memory, in a name space that goes with the process that holds it.
//!
//! Whoever may make name spaces needs no more rights than that. What lies on the disk is reached from outside through the
//! process that holds it; a collector is started inside.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;
use uphold_tests::process::child::{Process, system_program};

use crate::site::Site;

/// How long it may take to be there.
const SOON: Duration = Duration::from_secs(20);
/// What is written at once when the disk is filled.
const PIECE: usize = 4_096;

/// The disk, and the process that holds it.
pub(crate) struct Disk {
    holder: Process,
    folder: TempDir,
}

impl Disk {
    /// A disk of so many megabytes; none, with the reason in the test's output, where name spaces are not to be had.
    pub(crate) fn mounted(megabytes: u32) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("disk")).unwrap();
        let mut command = Command::new(system_program("unshare").unwrap());
        let script =
            format!("mount -t tmpfs -o size={megabytes}m,mode=700 uphold \"$0\" && echo mounted && exec sleep 3600");
        command.args(["--map-root-user", "--mount", "sh", "-c", &script]).arg(folder.path().join("disk"));
        let mut holder = Process::start("holder", &mut command, folder.path()).unwrap();
        match holder.wait_for_line(SOON, "mounted") {
            Ok(_) => Some(Self { holder, folder }),
            Err(why) => {
                println!("SKIPPED: no file system can be mounted here, so nothing of this was tested: {why}");
                None
            }
        }
    }

    /// What a command stands behind that is to see the disk.
    pub(crate) fn inside(&self) -> Vec<String> {
        let nsenter = system_program("nsenter").unwrap().display().to_string();
        let target = self.holder.id().to_string();
        [&nsenter, "--target", &target, "--user", "--mount", "--preserve-credentials", "--"].map(str::to_owned).to_vec()
    }

    /// A site whose collector keeps its data on the disk.
    pub(crate) fn site(&self, present: i64, config: &str) -> Site {
        let mut site = Site::new(present, config);
        site.behind = self.inside();
        site.data = self.folder.path().join("disk/data");
        site
    }

    /// The disk as it is seen from outside.
    pub(crate) fn path(&self) -> PathBuf {
        let inside = self.folder.path().join("disk");
        Path::new("/proc").join(self.holder.id().to_string()).join("root").join(inside.strip_prefix("/").unwrap())
    }

    /// Makes it read-only, or writable again; nobody may have a file open for writing.
    pub(crate) fn remount(&self, how: &str) {
        let words = self.inside();
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).args(["mount", "-o", &format!("remount,{how}")]).arg(self.folder.path().join("disk"));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Somebody else's file of this size.
    pub(crate) fn put(&self, name: &str, bytes: usize) {
        fs::write(self.path().join(name), vec![1; bytes]).unwrap();
    }

    /// Somebody else's file that takes all that is left.
    pub(crate) fn fill(&self, name: &str) {
        let mut file = File::options().create(true).append(true).open(self.path().join(name)).unwrap();
        while file.write_all(&[1; PIECE]).is_ok() {}
    }

    /// Makes room again.
    pub(crate) fn remove(&self, name: &str) {
        fs::remove_file(self.path().join(name)).unwrap();
    }
}
