//! The revisions that were issued: in pages, and the newest few of a service; and how those of long ago are forgotten.
//!
//! They are in order of their targets; of a target the newest window comes first, and of a window the newest revision.

use serde::{Deserialize, Serialize};
use uphold_common::bytes::Hex;
use uphold_common::catalogue::model::WindowKind;
use uphold_common::ids::{Id, TargetId};
use uphold_common::time::{DAY_MS, Instant, Interval};
use uphold_common::wire::pack;
use uphold_common::yaml::words::did_you_mean;
use utoipa::ToSchema;

use super::handle::{EngineHandle, Request, Unanswered};
use super::{Engine, EngineError, damaged};
use crate::revisions::key::{self, Key};
use crate::revisions::model::Revision;
use crate::store::{KeyRange, RecordChange, RecordKind, StoreError};

/// Most revisions in one answer.
pub const PAGE_MAX: usize = 1_000;
/// How many there are without a word about it.
pub const PAGE_DEFAULT: usize = 100;
/// Most records that are looked through for one answer.
const LOOKED_THROUGH_MAX: usize = 5_000;
/// How much longer than other records a revision is kept at least: the longest window begins so long before its end.
const LONGEST_WINDOW_MS: i64 = 367 * DAY_MS;
/// How many revisions a step of forgetting looks at.
const FORGOTTEN_AT_ONCE: usize = 1_000;
/// Most records that are read at once.
const READ_AT_ONCE: usize = 200;

/// Which revisions are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevisionsQuery {
    /// Of which service.
    pub service: Id,
    /// Of which target; none: of all.
    pub target: Option<TargetId>,
    /// Of which kind of window; none: of all.
    pub window: Option<WindowKind>,
    /// Of the windows that hold this instant.
    pub at: Option<Instant>,
    /// Those that come after this one.
    pub after: Option<After>,
    /// At most how many.
    pub limit: usize,
    /// Those that were issued last, whatever else is asked for.
    pub newest: bool,
}

/// Where an answer ended, for the next one to go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct After(Vec<u8>);

/// Revisions of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RevisionList {
    /// The service.
    pub service: Id,
    /// The revisions.
    pub revisions: Vec<Revision>,
    /// What `after` is given for those that follow; null where none does.
    pub next: Option<String>,
}

/// Why there are no revisions.
#[derive(Debug, thiserror::Error)]
pub enum RevisionsError {
    /// There is no such service.
    #[error("there is no service {service}{hint}")]
    NoService {
        /// What was asked for.
        service: Id,
        /// The nearest that there is, as a phrase.
        hint: String,
    },
    /// The service has no such target, and never had a revision of one.
    #[error("{service} has no target {target}{hint}")]
    NoTarget {
        /// The service.
        service: Id,
        /// What was asked for.
        target: TargetId,
        /// The nearest that there is, as a phrase.
        hint: String,
    },
    /// What is on record cannot be read.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<StoreError> for RevisionsError {
    fn from(error: StoreError) -> Self {
        Self::Engine(error.into())
    }
}

impl After {
    /// Reads what [`RevisionList::next`] says.
    pub fn parse(text: &str) -> Option<Self> {
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let pair = |pair: &[u8]| u8::try_from(digit(*pair.first()?)? * 16 + digit(*pair.get(1)?)?).ok();
        let bytes: Vec<u8> = text.as_bytes().chunks(2).map(pair).collect::<Option<_>>()?;
        Key::read(&bytes).map(|_| Self(bytes))
    }
}

impl RevisionsQuery {
    /// Those of a service, from the first on.
    pub const fn of(service: Id) -> Self {
        Self { service, target: None, window: None, at: None, after: None, limit: PAGE_DEFAULT, newest: false }
    }

    fn wants(&self, key: &Key) -> bool {
        self.window.is_none_or(|kind| key::number_of(kind) == Some(key.kind))
            && self.at.is_none_or(|at| key.start <= at)
    }

    fn holds(&self, revision: &Revision) -> bool {
        let window = Interval::new(revision.window.start_ms, revision.window.end_ms);
        self.at.is_none_or(|at| window.contains(at))
    }
}

impl EngineHandle {
    /// The revisions that are asked for.
    pub async fn revisions(&self, query: RevisionsQuery) -> Result<Result<RevisionList, RevisionsError>, Unanswered> {
        self.ask(|answer| Request::Revisions(query, answer)).await
    }
}

impl Engine {
    /// The revisions that are asked for.
    pub fn revisions(&self, query: &RevisionsQuery) -> Result<RevisionList, RevisionsError> {
        let service = query.service.clone();
        let targets = self.revised_targets(query)?;
        if query.newest {
            let recent = self.revising.register.recent(&service).take(query.limit);
            let revisions = recent.map(|key| self.revision_at(key)).collect::<Result<Vec<_>, _>>()?;
            return Ok(RevisionList { service, revisions: revisions.into_iter().flatten().collect(), next: None });
        }
        let after = query.after.as_ref().and_then(|After(bytes)| Some((Key::read(bytes)?.target, bytes)));
        let (mut revisions, mut looked_through) = (Vec::new(), 0);
        for target in &targets {
            let mut range = KeyRange::prefix(&key::prefix(target)).reversed();
            match &after {
                Some((begun, _)) if target < begun => continue,
                Some((begun, bytes)) if target == begun => range = range.after((*bytes).clone()),
                _ => {}
            }
            loop {
                let page = self.store.records(RecordKind::Revision, &range, READ_AT_ONCE)?;
                let Some((last, _)) = page.last() else { break };
                range = range.after(last.clone());
                for (bytes, value) in page {
                    looked_through += 1;
                    let key = Key::read(&bytes).ok_or_else(|| damaged("a revision", &"its key is none of ours"))?;
                    if query.wants(&key) {
                        let revision: Revision = pack::unpack(&value).map_err(|error| damaged("a revision", &error))?;
                        revisions.extend(Some(revision).filter(|revision| query.holds(revision)));
                    }
                    if revisions.len() >= query.limit || looked_through >= LOOKED_THROUGH_MAX {
                        return Ok(RevisionList { service, revisions, next: Some(Hex(&bytes).to_string()) });
                    }
                }
            }
        }
        Ok(RevisionList { service, revisions, next: None })
    }

    /// The targets that are asked for, in order: those that are promised, and those that are gone and were revised.
    fn revised_targets(&self, query: &RevisionsQuery) -> Result<Vec<TargetId>, RevisionsError> {
        let (service, services) = (&query.service, &self.in_force.catalogue.services);
        let mut targets = self.revising.register.targets(service).to_vec();
        if targets.is_empty() && !services.contains_key(service) {
            let hint = did_you_mean(service.as_str(), services.keys().map(Id::as_str));
            return Err(RevisionsError::NoService { service: service.clone(), hint });
        }
        let present = self.in_force.catalogue.targets.values().filter(|target| target.service == *service);
        targets.extend(present.map(|target| target.id.clone()));
        targets.sort_unstable();
        targets.dedup();
        let Some(only) = &query.target else { return Ok(targets) };
        if targets.contains(only) {
            return Ok(vec![only.clone()]);
        }
        let words: Vec<String> = targets.iter().map(ToString::to_string).collect();
        let hint = did_you_mean(&only.to_string(), words.iter().map(String::as_str));
        Err(RevisionsError::NoTarget { service: service.clone(), target: only.clone(), hint })
    }

    /// A step of forgetting the revisions of windows that ended before `before`, from a key on; the key to go on after, if
    /// there are more.
    pub(super) fn forget_revisions(&mut self, from: &[u8], before: Instant) -> Result<Option<Vec<u8>>, StoreError> {
        let before = before.minus_ms(LONGEST_WINDOW_MS);
        let range = KeyRange::all().after(from.to_vec());
        let page = self.store.records(RecordKind::Revision, &range, FORGOTTEN_AT_ONCE)?;
        let Some((last, _)) = page.last() else {
            self.revising.register.forget_before(before);
            return Ok(None);
        };
        let is_old = |bytes: &&Vec<u8>| key::Key::read(bytes).is_some_and(|key| key.start < before);
        let old = page.iter().map(|(key, _)| key).filter(is_old);
        let removed = |key: &Vec<u8>| RecordChange { kind: RecordKind::Revision, key: key.clone(), value: None };
        let changes: Vec<RecordChange> = old.map(removed).collect();
        if !changes.is_empty() {
            self.store.commit(&changes)?;
            self.forgetting.forgotten.records += changes.len() as u64;
        }
        Ok(Some(last.clone()))
    }
}
