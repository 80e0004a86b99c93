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
//! [`judge`] decides; [`Reserve`] asks the system and says every change once in the log.

use std::io;
use std::path::PathBuf;

use uphold_common::time::Instant;

/// The reserve unless the configuration names one, and unless that is more than a [`DEFAULT_PARTS`]th of the disk.
pub const RESERVE_DEFAULT: u64 = 512 << 20;
/// Of a small disk the reserve is one of so many parts.
const DEFAULT_PARTS: u64 = 10;
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
            Room::Pushes => None,
            Room::Changes => Some("Pushes are refused: the disk has less free than its reserve."),
            Room::Last => Some("Pushes and changes by people are refused: the disk is nearly full."),
        }
    }

    /// What is refused and why, as a sentence with figures, if something is.
    pub fn warning(&self) -> Option<String> {
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

/// How the system is asked.
pub type AskSpace = Box<dyn FnMut() -> io::Result<DiskSpace> + Send>;

/// Watches the disk of the data directory.
pub struct Reserve {
    ask: AskSpace,
    configured: Option<u64>,
    shown: RoomSnapshot,
    unanswered: bool,
}

impl Reserve {
    /// Asks by `ask`, and keeps so many bytes free; without a number, the default.
    pub fn new(ask: AskSpace, configured: Option<u64>) -> Self {
        Self { ask, configured, shown: RoomSnapshot::default(), unanswered: false }
    }

    /// For the disk that a directory is on.
    pub fn of_dir(dir: PathBuf, configured: Option<u64>) -> Self {
        Self::new(Box::new(move || space_of(&dir)), configured)
    }

    /// Of a disk without end: nothing is ever refused.
    pub fn endless() -> Self {
        Self::new(Box::new(|| Ok(DiskSpace { free: u64::MAX, total: u64::MAX })), None)
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
                self.shown.space = None;
                return self.shown;
            }
        };
        self.unanswered = false;
        let before = self.shown.room;
        let reserve = self.configured.unwrap_or(RESERVE_DEFAULT.min(space.total / DEFAULT_PARTS));
        let room = judge(before, reserve, space.free);
        self.shown = RoomSnapshot { room, space: Some(space), reserve, ..self.shown };
        if room != before {
            self.shown.since = Some(now);
            if let Some(warning) = self.shown.warning() {
                tracing::warn!("{warning}");
            } else {
                tracing::info!("the disk has {} free: everything is taken again", shown(space.free));
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
