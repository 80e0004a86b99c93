//! The reserve: space on the disk that is kept free, so that the database never meets a full disk.
//!
//! | free | pushes | changes by people | incidents with their messages, upkeep |
//! |---|---|---|---|
//! | the reserve and more | taken | taken | go on |
//! | less than the reserve | refused | taken | go on |
//! | less than the last reserve, an eighth of it | refused | refused | go on |
//!
//! The reserve itself is for what goes on: the seal that turns the journal into chunks, merges, incidents. Agents keep
//! what was refused and push it again. What was refused is taken again by itself, once an eighth more than the bound is
//! free, so that a disk at its bound does not change its mind at every push.
//!
//! It cannot keep others from filling the disk. When the store finds no room for what goes on, that has to be told
//! ([`Reserve::note_full`]): everything else is then refused, whatever the system says is free.
//!
//! [`judge`] decides; [`Reserve`] asks the system and says every change once in the log.

use std::io;
use std::path::PathBuf;

use uphold_common::time::Instant;

use crate::store::StoreOptions;

/// The reserve unless the configuration names one, and unless that is more than a [`DEFAULT_PARTS`]th of the disk.
pub const RESERVE_DEFAULT: u64 = 512 << 20;
/// Of a small disk the reserve is one of so many parts, or what the store needs to go on if that is more.
const DEFAULT_PARTS: u64 = 10;
/// But of the smallest disks it is one of so many parts.
const MOST_PARTS: u64 = 2;
/// A seal and a merge write a little more than rows: the ends of their files, and what the database writes beside them.
const BESIDE_BYTES: u64 = 4 << 20;
/// The last reserve is one of so many parts of the reserve.
const LAST_PARTS: u64 = 8;
/// One of so many parts of a bound must be free beyond it before what was refused is taken again.
const BEYOND_PARTS: u64 = 8;

/// What the disk of the data directory has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DiskSpace {
    /// Bytes that this program may still write.
    pub free: u64,
    /// All bytes.
    pub total: u64,
}

/// What there is room for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Room {
    /// Only for what cannot wait: incidents with their messages, and upkeep.
    Last,
    /// For changes by people too.
    Changes,
    /// For everything.
    #[default]
    Pushes,
}

/// The room there is, as it is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RoomSnapshot {
    /// What there is room for.
    pub room: Room,
    /// Since when that is so, if it ever changed since the collector started.
    pub since: Option<Instant>,
    /// What the disk has; none while the system does not say.
    pub space: Option<DiskSpace>,
    /// The reserve in bytes.
    pub reserve: u64,
    /// Whether there was no room even for incidents with their messages.
    pub full: bool,
}

impl RoomSnapshot {
    /// Whether pushes are taken.
    pub fn takes_pushes(&self) -> bool {
        self.room >= Room::Pushes
    }

    /// Whether changes by people are taken.
    pub fn takes_changes(&self) -> bool {
        self.room >= Room::Changes
    }

    /// The last reserve in bytes.
    pub const fn last_reserve(&self) -> u64 {
        self.reserve / LAST_PARTS
    }

    /// What is refused, as a sentence for anybody: without figures.
    pub const fn told(&self) -> Option<&'static str> {
        match self.room {
            _ if self.full => Some("Pushes and changes by people are refused, and incidents wait: the disk is full."),
            Room::Pushes => None,
            Room::Changes => Some("Pushes are refused: the disk has less free than its reserve."),
            Room::Last => Some("Pushes and changes by people are refused: the disk is nearly full."),
        }
    }

    /// What is refused and why, as a sentence with figures, if something is.
    pub fn warning(&self) -> Option<String> {
        if self.full {
            let free = self.space.map(|space| format!(" with {} free", shown(space.free))).unwrap_or_default();
            return Some(format!(
                "Pushes and changes by people are refused, and incidents wait: the disk took nothing more{free}."
            ));
        }
        let (what, kept) = match self.room {
            Room::Pushes => return None,
            Room::Changes => ("Pushes are", self.reserve),
            Room::Last => ("Pushes and changes by people are", self.last_reserve()),
        };
        let kept = shown(kept);
        Some(match self.space {
            Some(space) => {
                format!(
                    "{what} refused: the disk has {} free, and {kept} are kept free as a reserve.",
                    shown(space.free)
                )
            }
            None => {
                format!("{what} refused: the disk had less free than the reserve of {kept}, and tells nothing now.")
            }
        })
    }
}

/// What there is room for now, where there was room for `before`.
pub fn judge(before: Room, reserve: u64, free: u64) -> Room {
    let enough = |bound: u64, taken: bool| {
        let beyond = if taken { 0 } else { bound / BEYOND_PARTS };
        free >= bound.saturating_add(beyond)
    };
    match () {
        () if enough(reserve, before >= Room::Pushes) => Room::Pushes,
        () if enough(reserve / LAST_PARTS, before >= Room::Changes) => Room::Changes,
        () => Room::Last,
    }
}

/// The reserve of a disk of `total` bytes that nobody configured, where the store needs `needs` to go on.
pub fn default_of(total: u64, needs: u64) -> u64 {
    RESERVE_DEFAULT.min(total / DEFAULT_PARTS).max(needs).min(total / MOST_PARTS)
}

/// What a store of these bounds may need to go on when no more is taken: the seal of a full head, which pushes fill up to
/// twice its bound, beside a journal that is full too.
pub fn needs_of(options: &StoreOptions) -> u64 {
    let head = u64::try_from(options.head_bytes_max).unwrap_or(u64::MAX).saturating_mul(2);
    head.saturating_add(options.journal_bytes_max).saturating_add(BESIDE_BYTES)
}

/// How the system is asked.
pub type AskSpace = Box<dyn FnMut() -> io::Result<DiskSpace> + Send>;

/// Watches the disk of the data directory.
pub struct Reserve {
    ask: AskSpace,
    configured: Option<u64>,
    needs: u64,
    full: bool,
    shown: RoomSnapshot,
    unanswered: bool,
}

impl Reserve {
    /// Asks by `ask`, and keeps so many bytes free; without a number, the default.
    pub fn new(ask: AskSpace, configured: Option<u64>) -> Self {
        Self { ask, configured, needs: 0, full: false, shown: RoomSnapshot::default(), unanswered: false }
    }

    /// For the disk that a directory is on, with a store of these bounds in it.
    pub fn of_dir(dir: PathBuf, options: &StoreOptions) -> Self {
        let needs = needs_of(options);
        Self { needs, ..Self::new(Box::new(move || space_of(&dir)), options.reserve_bytes) }
    }

    /// Of a disk without end: nothing is ever refused.
    pub fn endless() -> Self {
        Self::new(Box::new(|| Ok(DiskSpace { free: u64::MAX, total: u64::MAX })), None)
    }

    /// Whether there was no room for what may use the reserve, or there is again.
    pub const fn note_full(&mut self, full: bool) {
        self.full = full;
    }

    /// What was noted of that last.
    pub const fn is_full(&self) -> bool {
        self.full
    }

    /// Asks the system, and gives what there is room for. While it does not answer, what was is taken to be still so.
    pub fn look(&mut self, now: Instant) -> RoomSnapshot {
        let space = match (self.ask)() {
            Ok(space) => space,
            Err(error) => {
                if !self.unanswered {
                    tracing::warn!(%error, "the free space of the disk cannot be told: the reserve is not watched");
                }
                self.unanswered = true;
                return self.show(RoomSnapshot { space: None, ..self.shown }, now);
            }
        };
        self.unanswered = false;
        let reserve = self.configured.unwrap_or_else(|| default_of(space.total, self.needs));
        let room = judge(self.shown.room, reserve, space.free);
        self.show(RoomSnapshot { room, space: Some(space), reserve, ..self.shown }, now)
    }

    /// Takes this to be so from `now` on, and says what changed.
    fn show(&mut self, found: RoomSnapshot, now: Instant) -> RoomSnapshot {
        let before = self.shown;
        let room = if self.full { Room::Last } else { found.room };
        self.shown = RoomSnapshot { room, full: self.full, ..found };
        if (room, self.full) != (before.room, before.full) {
            self.shown.since = Some(now);
            match (self.shown.warning(), self.shown.space) {
                (Some(warning), _) => tracing::warn!("{warning}"),
                (None, Some(space)) => {
                    tracing::info!("the disk has {} free: everything is taken again", shown(space.free));
                }
                (None, None) => tracing::info!("the disk has room: everything is taken again"),
            }
        }
        self.shown
    }

    /// What there was room for when the system was asked last.
    pub const fn shown(&self) -> RoomSnapshot {
        self.shown
    }
}

fn space_of(dir: &std::path::Path) -> io::Result<DiskSpace> {
    let told = rustix::fs::statvfs(dir)?;
    let bytes = |blocks: u64| blocks.saturating_mul(told.f_frsize);
    Ok(DiskSpace { free: bytes(told.f_bavail), total: bytes(told.f_blocks) })
}

/// `512 MiB`, or `31 GiB` where that says enough, cut.
fn shown(bytes: u64) -> String {
    let (mib, gib) = (bytes >> 20, bytes >> 30);
    if gib >= 10 { format!("{gib} GiB") } else { format!("{mib} MiB") }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn what_was_refused_is_taken_again_only_with_an_eighth_more() {
        use Room::{Changes, Last, Pushes};
        // With a reserve of 512 MiB the last one is 64 MiB; they are left at 576 and 72 MiB.
        for (before, free, after) in [
            (Pushes, 512, Pushes),
            (Pushes, 511, Changes),
            (Changes, 575, Changes),
            (Changes, 576, Pushes),
            (Changes, 64, Changes),
            (Changes, 63, Last),
            (Pushes, 63, Last),
            (Last, 71, Last),
            (Last, 72, Changes),
            (Last, 575, Changes),
            (Last, 576, Pushes),
            (Pushes, 0, Last),
        ] {
            assert_eq!(judge(before, 512 * MIB, free * MIB), after, "{before:?} with {free} MiB");
        }
        assert_eq!(judge(Pushes, 0, 0), Pushes, "who keeps no reserve is refused nothing");
    }

    #[test]
    fn the_default_is_a_tenth_of_a_small_disk_and_what_is_configured_counts_on_any() {
        let reserve = |configured, total| {
            let mut reserve = Reserve::new(Box::new(move || Ok(DiskSpace { free: total, total })), configured);
            reserve.look(Instant::from_ms(0)).reserve
        };
        assert_eq!(reserve(None, 1_000 * MIB), 100 * MIB);
        assert_eq!(reserve(None, 100_000 * MIB), RESERVE_DEFAULT);
        assert_eq!(reserve(Some(700 * MIB), 1_000 * MIB), 700 * MIB);
    }

    #[test]
    fn the_default_is_enough_for_the_store_to_go_on_and_never_more_than_half_of_the_disk() {
        let needs = needs_of(&StoreOptions::default());
        assert_eq!(needs, (2 * 24 + 64 + 4) * MIB);
        for (total, reserve) in [(32, 16), (200, 100), (232, 116), (1_000, 116), (2_000, 200), (100_000, 512)] {
            assert_eq!(default_of(total * MIB, needs), reserve * MIB, "of {total} MiB");
        }
        let scratch = tempfile::tempdir().unwrap();
        let options = StoreOptions { head_bytes_max: 1 << 40, ..StoreOptions::default() };
        let mut small = Reserve::of_dir(scratch.path().to_owned(), &options);
        let shown = small.look(Instant::from_ms(0));
        assert_eq!(shown.reserve, shown.space.unwrap().total / 2, "the store's own bounds count");
    }

    #[test]
    fn a_disk_that_is_full_whatever_it_says_is_taken_at_its_word_again_once_it_took_something() {
        let ask = || Ok(DiskSpace { free: 600 * MIB, total: 10_000 * MIB });
        let mut reserve = Reserve::new(Box::new(ask), None);
        let mut look = |full, ms| {
            reserve.note_full(full);
            let shown = reserve.look(Instant::from_ms(ms));
            (shown.room, shown.since.map(Instant::as_ms), shown.warning().unwrap_or_default())
        };
        assert_eq!(look(false, 1), (Room::Pushes, None, String::new()));
        let full = "Pushes and changes by people are refused, and incidents wait: the disk took nothing more with 600 MiB free.";
        assert_eq!(look(true, 2), (Room::Last, Some(2), full.to_owned()));
        assert_eq!(look(true, 3).1, Some(2));
        assert_eq!(look(false, 4), (Room::Pushes, Some(4), String::new()));
    }

    #[test]
    fn each_change_has_its_instant_and_its_sentence() {
        let free = Arc::new(AtomicU64::new(600 * MIB));
        let asked = Arc::clone(&free);
        let ask = move || match asked.load(Ordering::Relaxed) {
            u64::MAX => Err(io::Error::other("no answer")),
            free => Ok(DiskSpace { free, total: 10_000 * MIB }),
        };
        let mut reserve = Reserve::new(Box::new(ask), None);
        let mut look = |mib: u64, ms| {
            free.store(mib.saturating_mul(MIB), Ordering::Relaxed);
            let shown = reserve.look(Instant::from_ms(ms));
            (shown.room, shown.since.map(Instant::as_ms), shown.warning().unwrap_or_default())
        };
        assert_eq!(look(600, 1), (Room::Pushes, None, String::new()));
        let refused = "Pushes are refused: the disk has 500 MiB free, and 512 MiB are kept free as a reserve.";
        assert_eq!(look(500, 2), (Room::Changes, Some(2), refused.to_owned()));
        let refused = "Pushes are refused: the disk had less free than the reserve of 512 MiB, and tells nothing now.";
        assert_eq!(look(u64::MAX, 3), (Room::Changes, Some(2), refused.to_owned()), "who is not told changes nothing");
        let refused =
            "Pushes and changes by people are refused: the disk has 9 MiB free, and 64 MiB are kept free as a reserve.";
        assert_eq!(look(9, 4), (Room::Last, Some(4), refused.to_owned()));
        assert_eq!(look(600, 5), (Room::Pushes, Some(5), String::new()));
    }

    #[test]
    fn the_system_is_really_asked() {
        let scratch = tempfile::tempdir().unwrap();
        let space = space_of(scratch.path()).unwrap();
        assert!(space.total > 0 && space.free <= space.total, "{space:?}");
        assert!(space_of(&scratch.path().join("nowhere")).is_err());
    }
}
