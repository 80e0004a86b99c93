//! A disk that is full, or read-only: pushes are refused and told when to come again, nothing acknowledged is lost,
//! nobody panics, and it goes on once there is room.

use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use uphold_tests::process::child::{Process, system_program};
use uphold_tests::process::http::{self, Answer};
use uphold_tests::process::wait::rest;

use crate::disk::Disk;
use crate::kept::differences;
use crate::load::{Expected, batch, try_push, word};
use crate::site::{AGENTS, DEADLINE, SEALS_OFTEN, Site, copy_folder, present, retry_after, until};

/// How large the disk is, and how much of it somebody else has. Of so small a disk a tenth is the reserve, which is more
/// than a seal and some merges write.
const DISK_MEGABYTES: u32 = 192;
const OTHERS_BYTES: usize = 158 << 20;
/// A load that fills no disk is not one.
const BATCHES_MAX: u64 = 20_000;
/// How long to wait for a head that is full.
const AGAIN: Duration = Duration::from_millis(50);
/// What a collector ends with whose store died, and one that cannot open it.
const STORE_DIED: i32 = 4;
const UNAVAILABLE: i32 = 3;

/// Agents that push in turn: how many batches of each were acknowledged.
struct Turns {
    present: i64,
    acknowledged: [u64; AGENTS.len()],
    next: usize,
}

impl Turns {
    const fn new(present: i64) -> Self {
        Self { present, acknowledged: [0; AGENTS.len()], next: 0 }
    }

    /// Pushes the next batch; whoever is not told yes tries the same one next time.
    fn push(&mut self, site: &Site) -> std::io::Result<Answer> {
        let done = self.acknowledged[self.next];
        let answer = try_push(site.port, &batch(self.next, done + 1, self.present), done)?;
        if answer.code == 200 {
            let told: Value = answer.json()?;
            assert_eq!(told["replay_from"], Value::Null, "something acknowledged is missed: {told}");
            self.acknowledged[self.next] += 1;
            self.next = (self.next + 1) % AGENTS.len();
        }
        Ok(answer)
    }

    /// Pushes until that is refused; none when the collector has ended.
    fn push_until_refused(&mut self, site: &mut Site) -> Option<Answer> {
        for _ in 0..BATCHES_MAX {
            match self.push(site) {
                Ok(answer) if answer.code == 200 => {}
                // A head that is full is sealed at the next tick.
                Ok(answer) if ["busy", "head-full"].contains(&word(&answer).as_str()) => rest(AGAIN),
                Ok(answer) => return Some(answer),
                Err(_) if !site.collector.as_mut().is_some_and(Process::runs) => return None,
                // A machine with much else to do may answer too late.
                Err(_) => rest(AGAIN),
            }
        }
        panic!("{BATCHES_MAX} batches were taken, and nothing is full");
    }

    /// Everything acknowledged is on the disk, once.
    fn all_there(&self, disk: &Disk) {
        let copy = tempfile::tempdir().unwrap();
        copy_folder(&disk.path().join("data"), copy.path());
        let mut expected = Expected::default();
        for (agent, acknowledged) in self.acknowledged.iter().enumerate() {
            (1..=*acknowledged).for_each(|seq| expected.add(batch(agent, seq, self.present)));
        }
        let found = differences(copy.path(), &expected);
        assert!(found.is_empty(), "{found:?}");
    }

    fn total(&self) -> u64 {
        self.acknowledged.iter().sum()
    }
}

/// Whether the collector is there after it refused so; if it ended, then as one whose store died: with its code and a
/// sentence.
fn goes_on(site: &mut Site, refused: Option<&Answer>) -> bool {
    let answers = refused.is_some_and(|answer| word(answer) != "stopping") && site.collector.as_mut().unwrap().runs();
    if !answers {
        let status = site.collector.take().unwrap().wait_for_end(DEADLINE).unwrap();
        assert_eq!(status.code(), Some(STORE_DIED), "it said:\n{}", site.said());
        assert!(site.said().lines().any(|line| line.starts_with("uphold-collector: ")), "it said:\n{}", site.said());
    }
    nobody_panicked(site);
    answers
}

fn nobody_panicked(site: &Site) {
    assert!(!site.said().contains("panicked"), "it said:\n{}", site.said());
}

/// Starts a collector that cannot be expected to start; if it ends, then as one that says why.
fn starts_or_says_why(site: &mut Site) -> bool {
    let started = site.try_start();
    nobody_panicked(site);
    if let Err(code) = started {
        assert!(matches!(code, Some(UNAVAILABLE | STORE_DIED)), "{code:?}; it said:\n{}", site.said());
    }
    started.is_ok()
}

#[test]
fn a_disk_with_little_room_refuses_pushes_and_goes_on_by_itself() {
    let Some(disk) = Disk::mounted(DISK_MEGABYTES) else { return };
    let present = present();
    let (mut site, mut turns) = (disk.site(present, SEALS_OFTEN), Turns::new(present));
    disk.put("others", OTHERS_BYTES);
    site.start();
    let refused = turns.push_until_refused(&mut site);
    assert!(
        goes_on(&mut site, refused.as_ref()),
        "it ended after {} batches; it said:\n{}",
        turns.total(),
        site.said()
    );
    let refused = refused.unwrap();
    println!("after {} batches: {} {}", turns.total(), refused.code, refused.text());
    assert_eq!((refused.code, word(&refused).as_str()), (503, "disk-reserve"));
    assert!(retry_after(&refused).is_some());
    let ready = |code: u16| {
        until("/readyz to say so", || (http::get(site.port, "/readyz?to=push").ok()?.code == code).then_some(()));
    };
    ready(503);
    // It goes on measuring, sealing and merging with what it keeps for that.
    site.measured();
    assert_eq!(turns.push(&site).unwrap().code, 503);
    disk.remove("others");
    until("a push to be taken again", || turns.push(&site).ok().filter(|answer| answer.code == 200));
    ready(200);
    nobody_panicked(&site);
    site.stop();
    turns.all_there(&disk);
}

#[test]
fn a_disk_that_somebody_fills_to_the_last_byte_loses_nothing() {
    let Some(disk) = Disk::mounted(DISK_MEGABYTES) else { return };
    let present = present();
    let (mut site, mut turns) = (disk.site(present, SEALS_OFTEN), Turns::new(present));
    site.start();
    for _ in 0..50 {
        assert_eq!(turns.push(&site).unwrap().code, 200);
    }
    disk.fill("others");
    let refused = turns.push_until_refused(&mut site);
    let mut runs = goes_on(&mut site, refused.as_ref());
    println!("after {} batches: it goes on: {runs}, {:?}", turns.total(), refused.map(|answer| answer.text()));
    if !runs {
        runs = starts_or_says_why(&mut site);
        println!("on the full disk it starts again: {runs}");
    }
    disk.remove("others");
    // One that started on the full disk may have met it at its next tick.
    until("a push to be taken again", || {
        if !(runs && site.collector.as_mut().is_some_and(Process::runs)) {
            runs = starts_or_says_why(&mut site);
        }
        turns.push(&site).ok().filter(|answer| answer.code == 200)
    });
    site.stop();
    turns.all_there(&disk);
}

#[test]
fn a_disk_that_takes_nothing_any_more_ends_the_collector_and_loses_nothing() {
    let Some(disk) = Disk::mounted(DISK_MEGABYTES) else { return };
    let present = present();
    let (mut site, mut turns) = (disk.site(present, SEALS_OFTEN), Turns::new(present));
    for error in ["EROFS", "EIO"] {
        site.start();
        for _ in 0..20 {
            assert_eq!(turns.push(&site).unwrap().code, 200);
        }
        // A file system that the kernel makes read-only under whoever writes, as it does after an error of the disk, says
        // this to every write. None that is used can be made so by hand.
        let tracer = failing(&disk, &site, error);
        let refused = turns.push_until_refused(&mut site);
        assert!(refused.as_ref().is_none_or(|answer| answer.code == 503), "{refused:?}");
        assert!(
            !goes_on(&mut site, refused.as_ref()),
            "it goes on over a disk that takes nothing; it said:\n{}",
            site.said()
        );
        println!("{error}: {}", site.said().lines().last().unwrap_or_default());
        drop(tracer);
    }

    disk.remount("ro");
    assert!(!starts_or_says_why(&mut site), "it serves what it cannot write");
    println!("read-only: {}", site.said().lines().last().unwrap_or_default());
    disk.remount("rw");
    site.start();
    assert_eq!(turns.push(&site).unwrap().code, 200);
    site.stop();
    turns.all_there(&disk);
}

/// From now on every write and sync of the collector fails with this error.
fn failing(disk: &Disk, site: &Site, error: &str) -> Process {
    let calls = "pwrite64,pwritev,pwritev2,fdatasync,fsync,sync_file_range,ftruncate,fallocate";
    let id = site.collector.as_ref().unwrap().id().to_string();
    // Beside the collector, so that it may be traced by whoever may start it.
    let words = disk.inside();
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).arg(system_program("strace").unwrap());
    command.args(["-f", "-p", &id, "-e", &format!("trace={calls}"), "-e", &format!("inject={calls}:error={error}")]);
    let mut tracer = Process::start(&format!("tracer-{error}"), &mut command, site.folder.path()).unwrap();
    tracer.wait_for_line(DEADLINE, "attached").unwrap();
    tracer
}
