//! A disk that is full, or read-only: pushes are refused and told when to come again, nothing acknowledged is lost,
//! nobody panics, and it goes on once there is room.

use std::fs;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use uphold_common::ids::ProbeId;
use uphold_common::observation::{Cause, Micros, Observation, Outcome, Phases};
use uphold_common::time::Instant;
use uphold_common::wire::batch::Batch;
use uphold_common::wire::columns::Rows;
use uphold_tests::process::child::{Process, system_program};
use uphold_tests::process::http::{self, Answer};
use uphold_tests::process::inbox::Inbox;
use uphold_tests::process::wait::{rest, wall_ms};

use crate::disk::Disk;
use crate::kept::differences;
use crate::load::{Expected, batch, id, key, try_push, word};
use crate::site::{
    AGENTS, DEADLINE, INTERVAL_MS, SEALS_OFTEN, Site, catalogue, copy_folder, present, retry_after, until,
};

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

/// How many receivers are told of an incident: each has a message in the incident's commit.
const RECEIVERS: usize = 12;
/// How long after it was pushed an outage begins: the disk is full by then.
const AHEAD_MS: i64 = 20_000;
/// So many tokens are revoked on the full disk at most before the last page of the journal is full too.
const TOKENS: usize = 60;

/// A site with one promise less: only an outage is an incident. All receivers are the inbox.
fn outages_only(disk: &Disk, present: i64, inbox: &Inbox) -> Site {
    let site = disk.site(present, "store: { cache: 8MiB }\n");
    let all = catalogue(present);
    let id = |n: usize| format!("duty-{n}");
    let receiver = |n| format!("  - {{ id: {}, webhook: {{ url: \"{}\" }} }}\n", id(n), inbox.url());
    let receivers: String = (0..RECEIVERS).map(receiver).collect();
    let routes: String = (0..RECEIVERS).map(|n| format!("  - {{ to: {} }}\n", id(n))).collect();
    let services = all.split("agreements:").next().unwrap();
    fs::write(site.path("catalogue.yaml"), format!("{services}receivers:\n{receivers}routes:\n{routes}")).unwrap();
    site
}

/// What an agent sees of both probes of the shop: up for a minute before `breaks`, down for a minute after it.
fn outage(agent: usize, breaks: i64) -> Batch {
    let at = |n: i64| breaks + n * INTERVAL_MS;
    let (outcome, cause) = (|n| if n < 0 { Outcome::Up } else { Outcome::Down }, Cause::Refused);
    let (code, total, phases) = (0, Micros::NONE, Phases::default());
    let seen = |n| Observation { at: Instant::from_ms(at(n)), outcome: outcome(n), cause, code, total, phases };
    let of = |probe| Rows::Probe(ProbeId::new(id("shop"), id(probe)), (-12..12).map(seen).collect());
    let streams = vec![of("front"), of("back")];
    Batch { key: key(agent, 1), closed_at: Instant::from_ms(at(12)), streams, facts: Vec::new() }
}

/// When each incident that is known began, as measured.
fn incidents(site: &Site) -> Vec<Option<i64>> {
    let list: Value = http::get(site.port, "/api/v1/incidents?state=all").unwrap().json().unwrap();
    list["incidents"].as_array().unwrap().iter().map(|incident| incident["started"].as_i64()).collect()
}

#[test]
fn an_incident_on_a_full_disk_is_raised_once_by_the_same_process_when_there_is_room() {
    let Some(disk) = Disk::mounted(DISK_MEGABYTES) else { return };
    let inbox = Inbox::start().unwrap();
    let mut site = outages_only(&disk, present(), &inbox);
    site.start();
    for n in 0..TOKENS {
        assert!(site.try_command(&["token", "add", &format!("token-{n}"), "--role", "viewer"]));
    }
    let breaks = wall_ms() + AHEAD_MS;
    for agent in 0..AGENTS.len() {
        let answer = try_push(site.port, &outage(agent, breaks), 0).unwrap();
        assert_eq!(answer.code, 200, "{}", answer.text());
    }
    disk.fill("others");
    // A token may be revoked with the last bytes there are, and then not even that is done.
    let revoked = (0..TOKENS).position(|n| !site.try_command(&["token", "revoke", &format!("token-{n}")]));
    let revoked = revoked.expect("the disk refuses some of it");
    assert!(wall_ms() < breaks, "the disk was full too late");
    let later = batch(0, 2, present());
    let refused = try_push(site.port, &later, 1).unwrap();
    assert_eq!((refused.code, word(&refused).as_str()), (503, "disk-reserve"));

    let postponed = |site: &Site| site.metric("uphold_store_postponed_total").filter(|count| *count >= 3.0);
    until("an incident that the disk does not take, at three ticks", || postponed(&site));
    assert_eq!((incidents(&site).len(), inbox.payloads().unwrap().len()), (0, 0), "nothing is half raised");
    let ready = http::get(site.port, "/readyz").unwrap();
    assert!(ready.code == 200 && ready.text().contains("incidents wait: the disk is full"), "{}", ready.text());
    assert_eq!(http::get(site.port, "/readyz?to=push").unwrap().code, 503);
    assert_eq!(try_push(site.port, &later, 1).unwrap().code, 503);

    disk.remove("others");
    until("the incident", || (!incidents(&site).is_empty()).then_some(()));
    until("a push to be taken again", || try_push(site.port, &later, 1).ok().filter(|answer| answer.code == 200));
    inbox.wait_for(RECEIVERS, DEADLINE).unwrap();
    site.measured();
    assert_eq!(incidents(&site), [Some(breaks)], "raised once, with the instant of the outage");
    assert_eq!(http::get(site.port, "/readyz?to=push").unwrap().text(), "ready\n");
    assert!(site.collector.as_mut().unwrap().runs(), "it said:\n{}", site.said());
    nobody_panicked(&site);
    assert!(site.try_command(&["token", "revoke", &format!("token-{revoked}")]), "what was refused was not done");
    site.stop();
    site.start();
    site.measured();
    assert_eq!((incidents(&site), inbox.payloads().unwrap().len()), (vec![Some(breaks)], RECEIVERS), "told once");
    site.stop();
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
