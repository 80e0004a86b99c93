//! Files that were damaged while nobody looked: bytes flipped, files cut, files gone.
//!
//! Every copy of the small store is looked at by a collector of its own. All that must never happen is collected, and the
//! test fails with the list of it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::Value;
use uphold_tests::process::free_port;

use crate::kept::differences;
use crate::load::Dice;
use crate::looked_at::{Seen, Verdict, judge, look};
use crate::site::{Site, copy_folder, present};
use crate::sizes::flips;
use crate::small::{self, Ending};

/// How many copies are looked at side by side.
const SIDE_BY_SIDE: usize = 3;
/// The neighbourhood within which a byte counts as part of what was written there.
const BLOCK: usize = 4_096;

/// What is done to a file of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Damage {
    /// The bits of this mask are flipped in the byte at this place.
    Flipped(u64, u8),
    /// It ends here.
    Cut(u64),
    /// It is gone.
    Gone,
}

/// A store that is sound, and what it says.
struct Sound {
    site: Site,
    present: i64,
    says: Value,
    /// Its files, by their paths in the data directory, with their bytes.
    files: BTreeMap<PathBuf, Vec<u8>>,
}

impl Sound {
    fn made(ending: Ending) -> Self {
        let present = present();
        let site = small::store(present, ending);
        let looked_into = tempfile::tempdir().unwrap();
        copy_folder(&site.data, looked_into.path());
        let found = differences(looked_into.path(), &small::expected(present));
        assert!(found.is_empty(), "{found:?}");
        let mut files = BTreeMap::new();
        read_files(&site.data.join("store"), Path::new("store"), &mut files);
        let mut sound = Self { site, present, says: Value::Null, files };
        for _ in 0..2 {
            let copy = sound.copy();
            match look(copy.path(), free_port().unwrap(), present) {
                Seen::Answers { said, alarms } if alarms.is_empty() => {
                    let same = crate::site::difference(&sound.says, &said);
                    assert!(
                        sound.says.is_null() || same.is_none(),
                        "the sound store says now this, now that: {same:?}"
                    );
                    sound.says = said;
                }
                other => panic!("the sound store is not: {other:?}"),
            }
        }
        sound
    }

    /// A copy to be damaged.
    fn copy(&self) -> tempfile::TempDir {
        let copy = tempfile::tempdir().unwrap();
        for name in ["catalogue.yaml", "collector.yaml", small::TOKEN] {
            fs::copy(self.site.path(name), copy.path().join(name)).unwrap();
        }
        copy_folder(&self.site.data, &copy.path().join("data"));
        copy
    }

    /// Looks at one damage after the other; gives the verdicts in their order.
    fn look_at(&self, all: &[(PathBuf, Damage)]) -> Vec<Verdict> {
        let next = AtomicUsize::new(0);
        let worker = || {
            let (port, mut seen) = (free_port().unwrap(), Vec::new());
            loop {
                let place = next.fetch_add(1, Ordering::Relaxed);
                let Some((path, damage)) = all.get(place) else { return seen };
                let copy = self.copy();
                apply(damage, &copy.path().join("data").join(path));
                seen.push((place, judge(&self.says, look(copy.path(), port, self.present))));
            }
        };
        let mut seen: Vec<(usize, Verdict)> = thread::scope(|scope| {
            let workers: Vec<_> = (0..SIDE_BY_SIDE).map(|_| scope.spawn(worker)).collect();
            workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
        });
        seen.sort_by_key(|(place, _)| *place);
        seen.into_iter().map(|(_, verdict)| verdict).collect()
    }

    /// Looks at all of it, tells what came of it, and fails with every violation.
    fn survives(&self, all: &[(PathBuf, Damage)]) {
        let verdicts = self.look_at(all);
        let (mut counts, mut violations) = (BTreeMap::<&str, usize>::new(), Vec::new());
        for ((path, damage), verdict) in all.iter().zip(&verdicts) {
            let kind = match verdict {
                Verdict::Equal => "nothing differs",
                Verdict::EqualAndSaid => "nothing differs, and damage is said",
                Verdict::Said(_) => "it differs, and that is said",
                Verdict::Refused(_) => "it is refused",
                Verdict::Violation(_) => "VIOLATION",
            };
            *counts.entry(kind).or_default() += 1;
            if let Verdict::Violation(what) = verdict {
                violations.push(format!("{} {damage:?}: {what}", path.display()));
            }
            println!("{} {damage:?}: {verdict:?}", path.display());
        }
        println!("{} damaged copies: {counts:?}", all.len());
        let (found, shown) = (violations.len(), violations.len().min(50));
        assert!(violations.is_empty(), "{found} of {} copies:\n{}", all.len(), violations[..shown].join("\n"));
    }
}

fn read_files(folder: &Path, name: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = name.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            read_files(&entry.path(), &name, files);
        } else {
            files.insert(name, fs::read(entry.path()).unwrap());
        }
    }
}

fn apply(damage: &Damage, path: &Path) {
    match damage {
        Damage::Flipped(place, mask) => {
            let mut file = File::options().read(true).write(true).open(path).unwrap();
            let mut byte = [0];
            file.seek(SeekFrom::Start(*place)).unwrap();
            file.read_exact(&mut byte).unwrap();
            file.seek(SeekFrom::Start(*place)).unwrap();
            file.write_all(&[byte[0] ^ mask]).unwrap();
        }
        Damage::Cut(length) => File::options().write(true).open(path).unwrap().set_len(*length).unwrap(),
        Damage::Gone if path.is_dir() => fs::remove_dir_all(path).unwrap(),
        Damage::Gone => fs::remove_file(path).unwrap(),
    }
}

/// Places to flip bits at, spread over all files: of small files every few bytes, of large ones most where something was
/// written, and some where nothing was.
fn sample(files: &BTreeMap<PathBuf, Vec<u8>>, wanted: usize) -> Vec<(PathBuf, Damage)> {
    let mut dice = Dice(4);
    let mut all = Vec::new();
    let mut flip = |path: &PathBuf, place: usize, dice: &mut Dice| {
        let mask = u8::try_from(1 + dice.below(255)).unwrap();
        all.push((path.clone(), Damage::Flipped(place as u64, mask)));
    };
    if wanted == usize::MAX {
        for (path, bytes) in files {
            (0..bytes.len()).for_each(|place| flip(path, place, &mut dice));
        }
        return all;
    }
    let small = |bytes: &[u8]| bytes.len() < 16 * BLOCK;
    let of_small = wanted / 10 / files.values().filter(|bytes| small(bytes)).count().max(1);
    for (path, bytes) in files.iter().filter(|(_, bytes)| small(bytes)) {
        let every = bytes.len().div_ceil(of_small.max(1)).max(1);
        (0..bytes.len()).step_by(every).for_each(|place| flip(path, place, &mut dice));
    }
    for (path, bytes) in files.iter().filter(|(_, bytes)| !small(bytes)) {
        let written = |block: &&usize| bytes[**block..(**block + BLOCK).min(bytes.len())].iter().any(|byte| *byte != 0);
        let blocks: Vec<usize> = (0..bytes.len()).step_by(BLOCK).collect();
        let (full, empty): (Vec<usize>, Vec<usize>) = blocks.iter().partition(|block| written(block));
        for (blocks, wanted) in [(full, wanted * 8 / 10), (empty, wanted / 10)] {
            for number in 0..wanted.min(blocks.len() * BLOCK) {
                let block = blocks[number * blocks.len() / wanted];
                let within = usize::try_from(dice.below(BLOCK as u64)).unwrap();
                flip(path, (block + within).min(bytes.len() - 1), &mut dice);
            }
        }
    }
    all
}

/// Cuts of every file: to nothing, by a byte, and here and there in between.
fn cuts(files: &BTreeMap<PathBuf, Vec<u8>>, between: u64) -> Vec<(PathBuf, Damage)> {
    let mut dice = Dice(5);
    let mut all = vec![(PathBuf::from("store"), Damage::Gone)];
    for (path, bytes) in files {
        let length = bytes.len() as u64;
        let places = [0, length.saturating_sub(1)].into_iter().chain((0..between).map(|part| {
            let slice = length / between;
            part * slice + dice.below(slice)
        }));
        all.extend(places.filter(|place| *place < length).map(|place| (path.clone(), Damage::Cut(place))));
        all.push((path.clone(), Damage::Gone));
    }
    all
}

#[test]
fn flipped_bits_are_refused_or_said_or_change_nothing() {
    let sound = Sound::made(Ending::Settled);
    sound.survives(&sample(&sound.files, flips()));
}

#[test]
fn files_that_are_cut_or_gone_are_refused_or_said_or_change_nothing() {
    let sound = Sound::made(Ending::Settled);
    sound.survives(&cuts(&sound.files, cuts_of_a_file()));
}

#[test]
fn flipped_bits_of_what_a_kill_left_are_refused_or_said_or_change_nothing() {
    let sound = Sound::made(Ending::Killed);
    sound.survives(&sample(&sound.files, flips()));
}

#[test]
fn files_that_a_kill_left_and_are_cut_or_gone_are_refused_or_said_or_change_nothing() {
    let sound = Sound::made(Ending::Killed);
    sound.survives(&cuts(&sound.files, cuts_of_a_file()));
}

/// How often each file is cut, beside to nothing and by a byte.
fn cuts_of_a_file() -> u64 {
    (flips() as u64 / 15).clamp(4, 200)
}
