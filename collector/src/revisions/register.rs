//! The newest revision of each window, in memory: enough to tell whether a window that was measured again is what it was.
//!
//! Of a target the newest [`WINDOWS_MAX`] windows of a kind are held, with 32 bytes each of what was issued: the store has
//! the revisions themselves. Of each service the keys of the last few that were issued are held beside them.

use std::collections::{BTreeMap, VecDeque};

use uphold_common::ids::{Id, TargetId};
use uphold_common::time::{Instant, Interval};
use uphold_common::wire::pack;

use super::WINDOWS_MAX;
use super::key::Key;
use super::model::Revision;
use crate::store::{KeyRange, RecordKind, Store, StoreError};

/// How many of the last that were issued are held of a service.
pub const RECENT_MAX: usize = 5;
/// Most records that are read at once.
const PAGE_RECORDS: usize = 1_000;

/// What was issued last of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Issued {
    /// The first instant after the window.
    pub end: Instant,
    /// Its number.
    pub number: u32,
    /// The form of the figures that its digest is made from.
    pub form: u32,
    /// What its digest begins with.
    digest: [u8; 16],
}

impl Issued {
    /// Whether it has this digest, which is of its form.
    pub fn is(&self, digest: &str) -> bool {
        self.digest == beginning(digest)
    }
}

/// A target by one kind of windows.
type ByKind = (TargetId, u8);

/// The newest revision of each window.
#[derive(Debug, Default)]
pub struct Register {
    windows: BTreeMap<ByKind, BTreeMap<Instant, Issued>>,
    targets: BTreeMap<Id, Vec<TargetId>>,
    recent: BTreeMap<Id, VecDeque<(Instant, Key)>>,
    /// Up to when anything was issued of each service.
    issued_to: BTreeMap<Id, Instant>,
}

/// Why what is on record cannot be taken up.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A record is damaged.
    #[error("{0}")]
    Damaged(String),
}

impl Register {
    /// Reads what was issued.
    pub fn load(store: &dyn Store) -> Result<Self, LoadError> {
        let mut register = Self::default();
        let mut range = KeyRange::all();
        loop {
            let page = store.records(RecordKind::Revision, &range, PAGE_RECORDS)?;
            let Some((last, _)) = page.last() else { return Ok(register) };
            range = range.after(last.clone());
            for (key, value) in &page {
                let key = Key::read(key).ok_or_else(|| LoadError::Damaged("a key is none of ours".to_owned()))?;
                let revision = pack::unpack(value).map_err(|error| LoadError::Damaged(error.to_string()))?;
                register.put(key, &revision);
            }
        }
    }

    /// Takes in a revision that was issued under `key`.
    pub fn put(&mut self, key: Key, revision: &Revision) {
        let targets = self.targets.entry(revision.service.clone()).or_default();
        if let Err(place) = targets.binary_search(&key.target) {
            targets.insert(place, key.target.clone());
        }
        let recent = self.recent.entry(revision.service.clone()).or_default();
        let place = recent.partition_point(|(issued_at, _)| *issued_at <= revision.issued_at_ms);
        recent.insert(place, (revision.issued_at_ms, key.clone()));
        while recent.len() > RECENT_MAX {
            recent.pop_front();
        }
        let issued_to = self.issued_to.entry(revision.service.clone()).or_insert(revision.window.end_ms);
        *issued_to = revision.window.end_ms.max(*issued_to);
        let Revision { window, form, sha256, .. } = revision;
        let issued = Issued { end: window.end_ms, number: key.number, form: *form, digest: beginning(sha256) };
        let windows = self.windows.entry((key.target, key.kind)).or_default();
        if windows.get(&key.start).is_none_or(|known| known.number <= key.number) {
            windows.insert(key.start, issued);
        }
        while windows.len() > WINDOWS_MAX {
            windows.pop_first();
        }
    }

    /// What was issued last of a window.
    pub fn get(&self, target: &TargetId, kind: u8, start: Instant) -> Option<&Issued> {
        self.windows.get(&(target.clone(), kind))?.get(&start)
    }

    /// The windows of a target of which something was issued, each with the number of its kind; of a kind the oldest first.
    pub fn windows(&self, target: &TargetId) -> impl Iterator<Item = (u8, Interval)> {
        let of_it = self.windows.range((target.clone(), u8::MIN)..=(target.clone(), u8::MAX));
        of_it.flat_map(|((_, kind), all)| all.iter().map(|(start, issued)| (*kind, Interval::new(*start, issued.end))))
    }

    /// Up to when anything was issued of a service.
    pub fn issued_to(&self, service: &Id) -> Option<Instant> {
        self.issued_to.get(service).copied()
    }

    /// The targets of a service of which anything was ever issued, those that are gone too.
    pub fn targets(&self, service: &Id) -> &[TargetId] {
        self.targets.get(service).map_or(&[], Vec::as_slice)
    }

    /// The last few that were issued of a service, the newest first.
    pub fn recent(&self, service: &Id) -> impl Iterator<Item = &Key> {
        self.recent.get(service).into_iter().flatten().rev().map(|(_, key)| key)
    }

    /// Lets go of what was issued of windows that began before `before`.
    pub fn forget_before(&mut self, before: Instant) {
        self.windows.values_mut().for_each(|windows| windows.retain(|start, _| *start >= before));
        self.windows.retain(|_, windows| !windows.is_empty());
        self.recent.values_mut().for_each(|recent| recent.retain(|(_, key)| key.start >= before));
    }
}

/// The first half of a digest that is written in hexadecimal.
fn beginning(digest: &str) -> [u8; 16] {
    let mut bytes = [0; 16];
    for (byte, pair) in bytes.iter_mut().zip(digest.as_bytes().chunks_exact(2)) {
        *byte = std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()).unwrap_or(0);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::revisions::form::{FORM, digest};
    use crate::revisions::headline::Headline;
    use crate::revisions::model::{RevisedWindow, Why};

    fn issue(register: &mut Register, target: &str, day: i64, number: u32, block: &str) {
        let start = Instant::from_ms(day * 86_400_000);
        let end_ms = start.plus_ms(86_400_000);
        let revision = Revision {
            service: Id::new("shop").unwrap(),
            target: target.parse().unwrap(),
            window: RevisedWindow { kind: "day".to_owned(), start_ms: start, end_ms },
            number,
            issued_at_ms: end_ms.plus_ms(i64::from(number)),
            as_of_ms: end_ms,
            catalogue_version: 1,
            rules_version: 1,
            time_zone_data: "2026a".to_owned(),
            sha256: digest(block.as_bytes(), FORM).unwrap(),
            form: FORM,
            headline: Headline::default(),
            why: Why::settled(),
            changes: Vec::new(),
            changes_left_out: 0,
        };
        register.put(Key { target: target.parse().unwrap(), start, kind: 1, number }, &revision);
    }

    #[test]
    fn the_newest_of_each_window_is_known_and_the_newest_windows_are_held() {
        let mut register = Register::default();
        for day in 0..500 {
            issue(&mut register, "sla/day", day, 1, "1");
        }
        issue(&mut register, "sla/day", 450, 2, "2");
        issue(&mut register, "ola/day", 3, 1, "1");
        let target = "sla/day".parse().unwrap();
        assert_eq!(register.windows(&target).count(), WINDOWS_MAX);
        assert_eq!(register.windows(&target).next().unwrap().1.start.utc_day(), 100);
        let known =
            |register: &Register, day: i64| register.get(&target, 1, Instant::from_ms(day * 86_400_000)).copied();
        assert!(known(&register, 99).is_none() && known(&register, 500).is_none());
        assert!(
            known(&register, 449).unwrap().is(&digest(b"1", FORM).unwrap())
                && !known(&register, 449).unwrap().is(&digest(b"2", FORM).unwrap())
        );
        let newest = known(&register, 450).unwrap();
        assert!(newest.number == 2 && newest.is(&digest(b"2", FORM).unwrap()));
        assert_eq!(register.issued_to(&Id::new("shop").unwrap()).unwrap().utc_day(), 500);
        assert_eq!(register.targets(&Id::new("shop").unwrap()).len(), 2);
        let recent: Vec<i64> = register.recent(&Id::new("shop").unwrap()).map(|key| key.start.utc_day()).collect();
        assert_eq!(recent, [499, 498, 497, 496, 495]);
        register.forget_before(Instant::from_ms(498 * 86_400_000));
        assert_eq!(register.windows(&target).count(), 2);
    }
}
