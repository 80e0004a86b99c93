//! The versions of the catalogue on record, and what services and targets were through them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use uphold_common::catalogue::course::Courses;
use uphold_common::catalogue::model::Catalogue;
use uphold_common::catalogue::{self, fingerprint};
use uphold_common::ids::TargetId;
use uphold_common::time::Instant;
use uphold_common::wire::pack;
use uphold_common::yaml::problem::Problems;
use utoipa::ToSchema;

use super::{CatalogueFile, InForce, TakeUpError};
use crate::engine::restate::{Unreadable, VersionView};
use crate::store::{KeyRange, RecordChange, RecordKind, Store};

/// Most versions on record. At one a day that is twenty years.
pub const VERSIONS_MAX: u64 = 8_000;
/// Most versions that are read at once.
const PAGE_VERSIONS: usize = 8;

/// That the past is to be measured differently, who approved it and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Restatement {
    /// Who approved it.
    pub approver: String,
    /// Why.
    pub reason: String,
}

/// A version on record.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Version {
    pub(super) number: u64,
    pub(super) recorded_at: Instant,
    pub(super) hash: String,
    pub(super) files: Vec<CatalogueFile>,
    /// How everything that was ever in the catalogue is measured.
    pub(super) measured_as: std::collections::BTreeMap<String, String>,
    /// From when on it holds; none: from when it was recorded, and the first one always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) holds_from: Option<Instant>,
    /// What it says itself of the instant from which on it is to hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) effective_from: Option<Instant>,
    /// If it was to measure the past differently.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) restated: Option<Restatement>,
}

impl Version {
    pub(super) fn holds_from(&self) -> Instant {
        let recorded = if self.number == 1 { Instant::MIN } else { self.recorded_at };
        self.holds_from.unwrap_or(recorded)
    }

    /// As it is shown.
    pub(super) fn view(&self) -> VersionView {
        VersionView {
            version: self.number,
            recorded_at_ms: self.recorded_at,
            holds_from_ms: Some(self.holds_from()).filter(|from| *from != Instant::MIN),
            hash: self.hash.clone(),
            restated: self.restated.clone(),
            unreadable: None,
        }
    }

    pub(super) fn record(&self) -> Result<RecordChange, TakeUpError> {
        let damaged = |error: pack::PackError| self.damaged(error.to_string());
        let value = pack::pack(self).map_err(damaged)?;
        let key = self.number.to_be_bytes().to_vec();
        Ok(RecordChange { kind: RecordKind::Catalogue, key, value: Some(value) })
    }

    fn damaged(&self, reason: String) -> TakeUpError {
        TakeUpError::Damaged { version: self.number, reason }
    }
}

/// The newest version on record.
pub(super) fn newest(store: &dyn Store) -> Result<Option<Version>, TakeUpError> {
    let newest = store.records(RecordKind::Catalogue, &KeyRange::all().reversed(), 1)?.pop();
    newest.map(|(key, value)| read(&key, &value)).transpose()
}

/// The newest version on record.
#[derive(Debug)]
pub(super) struct Newest {
    pub(super) number: u64,
    pub(super) hash: String,
    pub(super) effective_from: Option<Instant>,
    /// The targets whose changes are to hold at once; none where nobody knows.
    pub(super) immediate: Option<BTreeSet<TargetId>>,
}

/// What all versions on record say, in their order.
#[derive(Debug, Default)]
pub(super) struct OnRecord {
    pub(super) courses: Courses,
    pub(super) newest: Option<Newest>,
    /// From when on the newest of them that was not restated holds.
    pub(super) newest_from: Option<Instant>,
    /// All of them as they are shown.
    pub(super) views: Vec<VersionView>,
}

/// Reads all versions on record, page by page.
pub(super) fn all(store: &dyn Store) -> Result<OnRecord, TakeUpError> {
    let mut on_record = OnRecord::default();
    let mut range = KeyRange::all();
    loop {
        let page = store.records(RecordKind::Catalogue, &range, PAGE_VERSIONS)?;
        let Some((last, _)) = page.last() else { return Ok(on_record) };
        range = range.after(last.clone());
        for (key, value) in &page {
            let version = read(key, value)?;
            // It was sound under the limits of its time.
            let bounds = catalogue::Bounds { bytes_max: usize::MAX, ..catalogue::Bounds::default() };
            match catalogue::read_within(&version.files, &bounds) {
                Ok(catalogue) => on_record.add(version, &catalogue),
                Err(problems) => on_record.add_unreadable(version, &problems),
            }
        }
    }
}

impl OnRecord {
    /// As what is in force knows them. Reading all of them again takes the longer the more there are.
    pub(super) fn of(in_force: &InForce) -> Self {
        let InForce { catalogue, courses, version, hash, versions, .. } = in_force;
        let (number, hash, immediate) = (*version, hash.clone(), Some(fingerprint::immediate(catalogue)));
        let newest = Newest { number, hash, effective_from: catalogue.effective_from, immediate };
        Self {
            courses: Courses::clone(courses),
            newest: Some(newest),
            newest_from: versions.iter().map(|one| one.holds_from_ms.unwrap_or(Instant::MIN)).max(),
            views: versions.clone(),
        }
    }

    fn add(&mut self, version: Version, catalogue: &Catalogue) {
        let from = version.holds_from();
        self.courses.take_up(catalogue, version.number, from);
        self.views.push(version.view());
        self.newest_from = self.newest_from.max(Some(from));
        let Version { number, hash, .. } = version;
        let immediate = Some(fingerprint::immediate(catalogue));
        self.newest = Some(Newest { number, hash, effective_from: catalogue.effective_from, immediate });
    }

    /// The reader of today refuses it. What was measured by it is known as far as other versions say the same.
    fn add_unreadable(&mut self, version: Version, problems: &Problems) {
        let from = version.holds_from();
        self.courses.take_up_unread(&version.measured_as, version.number, from);
        let reason = problems.shown().first().map(ToString::to_string).unwrap_or_default();
        self.views.push(VersionView { unreadable: Some(Unreadable { reason, lost: Vec::new() }), ..version.view() });
        self.newest_from = self.newest_from.max(Some(from));
        let Version { number, hash, effective_from, .. } = version;
        self.newest = Some(Newest { number, hash, effective_from, immediate: None });
    }

    /// Once all are there: what follows from those that could not be read.
    pub(super) fn find_lost(&mut self) {
        for view in &mut self.views {
            if let Some(unreadable) = &mut view.unreadable {
                unreadable.lost = self.courses.unread_by(view.version);
            }
        }
    }

    /// Says so in the log.
    pub(super) fn say_what_is_lost(&self) {
        for view in &self.views {
            let (version, Some(Unreadable { reason, lost })) = (view.version, &view.unreadable) else { continue };
            if lost.is_empty() {
                tracing::warn!(
                    version,
                    reason,
                    "a version of the catalogue on record is not sound for this program; all that it measured is known from other versions"
                );
            } else {
                let lost = lost.join(", ");
                tracing::error!(
                    version,
                    reason,
                    lost,
                    "a version of the catalogue on record is not sound for this program: while it was in force these services are unmeasured, and these targets have no figures"
                );
            }
        }
    }

    /// What `catalogue` measures differently than the newest version that had it: one sentence a difference.
    pub(super) fn changes(&self, catalogue: &Catalogue) -> Vec<String> {
        fingerprint::changes(&self.courses.texts(), &fingerprint::measured_as(catalogue))
    }

    /// What of it was hardly meant so, coming after the newest.
    pub(super) fn in_vain(&self, catalogue: &Catalogue) -> Vec<String> {
        let immediate = self.newest.as_ref().and_then(|newest| newest.immediate.as_ref());
        immediate.map_or_else(Vec::new, |immediate| fingerprint::in_vain(immediate, &self.courses.texts(), catalogue))
    }

    /// Whether the newest says already from when on somebody restates it, and holds only since it was recorded.
    pub(super) fn may_be_restated(&self, catalogue: &Catalogue) -> bool {
        let later = |newest: &VersionView| {
            let both = catalogue.effective_from.zip(newest.holds_from_ms);
            newest.restated.is_none() && both.is_some_and(|(asked, holds)| asked < holds)
        };
        self.views.last().is_some_and(later)
    }

    /// What of it holds for all of the past whenever it changes.
    pub(super) fn changes_of_all_past(&self, catalogue: &Catalogue) -> Vec<String> {
        fingerprint::changes_of_all_past(&self.courses.texts(), &fingerprint::measured_as(catalogue))
    }
}

fn read(key: &[u8], value: &[u8]) -> Result<Version, TakeUpError> {
    let version = <[u8; 8]>::try_from(key).map_or(0, u64::from_be_bytes);
    pack::unpack(value).map_err(|error| TakeUpError::Damaged { version, reason: error.to_string() })
}

/// Whether there is room for one more.
pub(super) fn room_for(number: u64) -> Result<(), TakeUpError> {
    if number > VERSIONS_MAX { Err(TakeUpError::TooMany) } else { Ok(()) }
}

/// That a change reaches back to before the rows that are kept.
pub(super) fn reaches_rows(store: &dyn Store, from: Instant) -> Result<(), TakeUpError> {
    let Some(kept_from) = store.raw_from().map(crate::retention::start_of) else { return Ok(()) };
    if from < kept_from { Err(TakeUpError::Forgotten { from, kept_from }) } else { Ok(()) }
}
