//! What agents tell of their own measuring: kept before their push is acknowledged, answered in pages, put beside a figure
//! that is explained, and forgotten with the other records.
//!
//! A batch that has arrived before is looked at again when it tells of anything: the collector may have ended between the batch
//! and the record, and the agent, which heard of neither, sends it again.

use std::collections::{BTreeMap, BTreeSet};

use uphold_common::bytes::Hex;
use uphold_common::explain::quality::Quality;
use uphold_common::ids::Id;
use uphold_common::time::{Instant, Interval};
use uphold_common::wire::batch::AgentFact;
use uphold_common::wire::sheet::Sheet;
use uphold_common::yaml::words::did_you_mean;

use super::handle::{EngineHandle, Request, Unanswered};
use super::{Engine, EngineError, PAGE_RECORDS, damaged};
use crate::quality::bound::{Bounded, bounded, excess};
use crate::quality::key::{Key, prefix, within};
use crate::quality::model::{FactList, Kept, Told};
use crate::quality::remarks::{OFFSET_HOLDS_MS, remarks};
use crate::store::{KeyRange, Record, RecordChange, RecordKind, StoreError};

/// Most batches in one answer.
pub const PAGE_MAX: usize = 1_000;
/// How many there are without a word about it.
pub const PAGE_DEFAULT: usize = 100;
/// Most agents that are looked at for one explanation.
const AGENTS_MAX: usize = 20;

/// How many records there are of each agent that told something since the start.
#[derive(Debug, Default)]
pub(super) struct FactCounts(BTreeMap<Id, usize>);

/// What came with one batch.
#[derive(Clone, Debug)]
pub(super) struct Telling {
    key: Key,
    facts: Vec<AgentFact>,
}

impl Telling {
    /// What a batch tells, if it tells anything.
    pub(super) fn of(batch: &Sheet) -> Option<Self> {
        let told = || Self { key: Key::of(&batch.key, batch.closed_at), facts: batch.facts.clone() };
        (!batch.facts.is_empty()).then(told)
    }

    /// What it tells.
    pub(super) fn facts(&self) -> &[AgentFact] {
        &self.facts
    }
}

/// What is asked for of what an agent told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactsQuery {
    /// Which agent.
    pub agent: Id,
    /// Of batches that it closed then or later.
    pub from: Option<Instant>,
    /// Of batches that it closed before.
    pub to: Option<Instant>,
    /// What it told before this.
    pub after: Option<After>,
    /// Of at most how many batches.
    pub limit: usize,
}

/// Where an answer ended, for the next one to go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct After(Key);

impl After {
    /// Reads what [`FactList::next`] says.
    pub fn parse(text: &str) -> Option<Self> {
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let pair = |pair: &[u8]| u8::try_from(digit(*pair.first()?)? * 16 + digit(*pair.get(1)?)?).ok();
        let bytes: Vec<u8> = text.as_bytes().chunks(2).map(pair).collect::<Option<_>>()?;
        Key::read(&bytes).map(Self)
    }
}

impl FactsQuery {
    /// Everything that an agent told, from the newest on.
    pub const fn of(agent: Id) -> Self {
        Self { agent, from: None, to: None, after: None, limit: PAGE_DEFAULT }
    }

    fn range(&self) -> KeyRange {
        let span = Interval::new(self.from.unwrap_or(Instant::MIN), self.to.unwrap_or(Instant::MAX));
        let range = within(&self.agent, span).reversed();
        match &self.after {
            // What was told after the end of the page before may not come again.
            Some(After(key)) if key.agent == self.agent && key.closed_at < span.end => range.after(key.bytes()),
            _ => range,
        }
    }
}

/// Why nothing is told of an agent.
#[derive(Debug, thiserror::Error)]
pub enum FactsError {
    /// There is no such agent.
    #[error("there is no agent {agent} in any version of the catalogue{hint}")]
    NoAgent {
        /// What was asked for.
        agent: Id,
        /// The nearest that there is, as a phrase.
        hint: String,
    },
    /// What is on record cannot be read.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<StoreError> for FactsError {
    fn from(error: StoreError) -> Self {
        Self::Engine(error.into())
    }
}

impl EngineHandle {
    /// What an agent told of its own measuring.
    pub async fn facts(&self, query: FactsQuery) -> Result<Result<FactList, FactsError>, Unanswered> {
        self.ask(|answer| Request::Facts(query, answer)).await
    }
}

impl Engine {
    /// Puts on record what came with batches that are durable, in one commit; what is there already stays as it is.
    pub(super) fn keep_facts(&mut self, told: Vec<Telling>, now: Instant) -> Result<(), StoreError> {
        let mut new: BTreeMap<Id, BTreeMap<Key, Vec<AgentFact>>> = BTreeMap::new();
        for Telling { key, facts } in told {
            if !self.in_force.assigned.knows(&key.agent) {
                continue;
            }
            match self.store.record(RecordKind::AgentFact, &key.bytes()) {
                Ok(None) => drop(new.entry(key.agent.clone()).or_default().insert(key, facts)),
                // One that is damaged is there: whoever asks for it is told so, and no push waits for it.
                Ok(Some(_)) | Err(StoreError::Corrupt { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let (mut changes, mut counts) = (Vec::new(), Vec::new());
        for (agent, mut facts) in new {
            let on_record = self.facts_on_record(&agent)?;
            let excess = excess(on_record, facts.len());
            let oldest = self.oldest_facts(&agent, excess)?;
            let Bounded { put, gone } = bounded(&oldest, &facts.keys().cloned().collect(), excess);
            counts.push((agent, on_record + put.len() - gone.len()));
            let removed = gone.iter().map(|key| (key, None));
            let kept = put.iter().filter_map(|key| Some((key, Some(Kept::of(facts.remove(key)?, now)))));
            for (key, kept) in removed.chain(kept) {
                let value = kept.map(|kept| kept.pack()).transpose().map_err(|error| unsound(&error))?;
                changes.push(RecordChange { kind: RecordKind::AgentFact, key: key.bytes(), value });
            }
        }
        if !changes.is_empty() {
            self.store.commit(&changes)?;
            self.fact_counts.0.extend(counts);
        }
        Ok(())
    }

    fn facts_on_record(&self, agent: &Id) -> Result<usize, StoreError> {
        match self.fact_counts.0.get(agent) {
            Some(count) => Ok(*count),
            None => Ok(self.fact_records(KeyRange::prefix(&prefix(agent)))?.len()),
        }
    }

    /// The oldest records of an agent, so many of them.
    fn oldest_facts(&self, agent: &Id, count: usize) -> Result<BTreeSet<Key>, StoreError> {
        if count == 0 {
            return Ok(BTreeSet::new());
        }
        let oldest = self.store.records(RecordKind::AgentFact, &KeyRange::prefix(&prefix(agent)), count)?;
        oldest.iter().map(|(key, _)| Key::read(key).ok_or_else(|| unsound(&"a key is none of ours"))).collect()
    }

    /// All records in a range of one agent, of whom there is a most.
    fn fact_records(&self, mut range: KeyRange) -> Result<Vec<Record>, StoreError> {
        let mut all = Vec::new();
        loop {
            let page = self.store.records(RecordKind::AgentFact, &range, PAGE_RECORDS)?;
            let Some((last, _)) = page.last() else { return Ok(all) };
            range = range.after(last.clone());
            all.extend(page);
        }
    }

    /// What an agent told of its own measuring, the newest first.
    pub fn facts(&self, query: &FactsQuery) -> Result<FactList, FactsError> {
        let agent = query.agent.clone();
        if !self.in_force.assigned.knows(&agent) {
            let hint = did_you_mean(agent.as_str(), self.in_force.assigned.agents().map(Id::as_str));
            return Err(FactsError::NoAgent { agent, hint });
        }
        let range = query.range();
        let one_more = query.limit.saturating_add(1);
        let page =
            if range.is_empty() { Vec::new() } else { self.store.records(RecordKind::AgentFact, &range, one_more)? };
        let (mut told, mut next) = (Vec::new(), None);
        for (key, value) in page.iter().take(query.limit) {
            let (key, kept) = Kept::read(key, value).map_err(|error| damaged("what an agent told", &error))?;
            told.push(Told::of(&key, &kept));
        }
        if page.len() > query.limit {
            next = page.get(query.limit.saturating_sub(1)).map(|(key, _)| Hex(key).to_string());
        }
        Ok(FactList { agent, told, next })
    }

    /// What these agents told of `span`, for whoever looks at a figure over it.
    pub(super) fn quality(&self, agents: &BTreeSet<Id>, span: Interval) -> Result<Quality, StoreError> {
        let looked_at: Vec<Id> = agents.iter().take(AGENTS_MAX).cloned().collect();
        let mut all = Vec::new();
        for agent in &looked_at {
            // What was lost in it may have been told long after it.
            let from = Interval::new(span.start.minus_ms(OFFSET_HOLDS_MS), Instant::MAX);
            let records = self.fact_records(within(agent, from))?;
            let read = records.iter().map(|(key, value)| Kept::read(key, value));
            let records = read.collect::<Result<Vec<_>, _>>().map_err(|error| unsound(&error))?;
            all.extend(remarks(agent, &records, span));
        }
        let left_out = agents.len() - looked_at.len();
        Ok(Quality::of(looked_at, left_out, all))
    }

    /// A step of forgetting what was told before `before`, from a key on; the key to go on after, if there are more.
    pub(super) fn forget_facts(&mut self, from: &[u8], before: Instant) -> Result<Option<Vec<u8>>, StoreError> {
        let range = KeyRange::all().after(from.to_vec());
        let page = self.store.records(RecordKind::AgentFact, &range, PAGE_RECORDS)?;
        let Some((last, _)) = page.last() else { return Ok(None) };
        let old = page.iter().filter_map(|(key, _)| Key::read(key)).filter(|key| key.closed_at < before);
        let old: Vec<Key> = old.collect();
        if !old.is_empty() {
            let removed = |key: &Key| RecordChange { kind: RecordKind::AgentFact, key: key.bytes(), value: None };
            self.store.commit(&old.iter().map(removed).collect::<Vec<_>>())?;
            self.forgetting.forgotten.records += old.len() as u64;
            // They are counted anew when one of them tells something.
            self.fact_counts.0.retain(|agent, _| !old.iter().any(|key| key.agent == *agent));
        }
        Ok(Some(last.clone()))
    }
}

fn unsound(reason: &impl ToString) -> StoreError {
    StoreError::Corrupt { place: "what an agent told".to_owned(), reason: reason.to_string() }
}
