//! A group of pushes: admitted one by one, appended together, answered once they are durable.

use uphold_common::time::Instant;
use uphold_common::wire::batch::{AgentFact, BatchKey};
use uphold_common::wire::push::{PushAnswer, SeqRange};

use super::Engine;
use super::quality::Telling;
use crate::identity::token::Standing;
use crate::ingest::{self, Admission, Arrived, Backlog, Refusal};
use crate::store::{Admitted, Appended, Reckoned, StoreError};

/// What a push is answered.
pub(super) type Answer = Result<PushAnswer, Refusal>;

/// A batch on its way into the store: whose it is in the group, and what its answer will need.
struct Entering {
    place: usize,
    backlog: Backlog,
}

impl Engine {
    /// Takes in a group of pushes; the answers are in their order. An error means the store is dead: nothing of the
    /// group may be acknowledged.
    pub fn take_in(&mut self, group: Vec<Arrived>, now: Instant) -> Result<Vec<Answer>, StoreError> {
        let mut answers: Vec<Option<Answer>> = group.iter().map(|_| None).collect();
        let (mut batches, mut entering) = (Vec::new(), Vec::new());
        let (no_room, takes_from) = (self.no_room(now), self.takes_from());
        for (place, arrived) in group.into_iter().enumerate() {
            let backlog = arrived.backlog;
            let (key, told) = (arrived.key().clone(), Telling::of(&arrived.batch.batch));
            if let Some(refusal) = self.not_from(&arrived, now) {
                self.count(refusal.word());
                set(&mut answers, place, Err(refusal));
                continue;
            }
            let known = self.store.delivery(&key.agent, key.epoch);
            match ingest::decide(arrived, known) {
                Admission::Append(_) if let Some(refusal) = &no_room => {
                    self.count(refusal.word());
                    set(&mut answers, place, Err(refusal.clone()));
                }
                Admission::Append(batch) if let Some(refusal) = too_old(&batch, takes_from, now) => {
                    self.count_refused(&refusal);
                    set(&mut answers, place, Err(refusal));
                }
                Admission::Append(batch) => {
                    batches.push(batch);
                    entering.push(Entering { place, backlog });
                }
                Admission::Duplicate => {
                    let unkept = self.keep_or_refuse(told.into_iter().collect(), now)?;
                    self.count(unkept.as_ref().map_or("duplicate", Refusal::word));
                    let answer = unkept.map_or_else(|| Ok(self.acknowledged(&key, &backlog, &[], now)), Err);
                    set(&mut answers, place, answer);
                }
                Admission::Refuse(refusal) => {
                    self.count_refused(&refusal);
                    set(&mut answers, place, Err(refusal));
                }
            }
        }
        self.append(batches, &entering, &mut answers, now)?;
        let lost = Refusal::of_store_error(&StoreError::Dead);
        Ok(answers.into_iter().map(|answer| answer.unwrap_or(Err(lost.clone()))).collect())
    }

    /// Why nothing is taken from whoever sent this, if nothing is.
    fn not_from(&self, arrived: &Arrived, now: Instant) -> Option<Refusal> {
        // Tokens end and pushes are taken in one after the other, so nothing is taken from whom it was revoked.
        let standing = arrived.token.as_ref().map_or(Standing::Good, |token| self.standing_of(token, now));
        if standing != Standing::Good {
            return Some(Refusal::TokenEnded(standing));
        }
        // Where pushes are open to everyone a name proves nothing, so nothing is held against it.
        let stranger = arrived.authenticated.then(|| self.in_force.assigned.stranger(&arrived.batch.batch)).flatten();
        stranger.map(|stream| Refusal::NotAssigned { agent: arrived.key().agent.clone(), stream })
    }

    /// Puts on record what batches that are durable told; why their agents have to send them again, if there is no room for it.
    fn keep_or_refuse(&mut self, told: Vec<Telling>, now: Instant) -> Result<Option<Refusal>, StoreError> {
        match self.keep_facts(told, now) {
            Ok(()) => Ok(None),
            Err(full @ (StoreError::Full { .. } | StoreError::NoSpace { .. })) => {
                Ok(Some(Refusal::of_store_error(&full)))
            }
            Err(dead) => Err(dead),
        }
    }

    fn append(
        &mut self,
        batches: Vec<Admitted>,
        entering: &[Entering],
        answers: &mut [Option<Answer>],
        now: Instant,
    ) -> Result<(), StoreError> {
        if batches.is_empty() {
            return Ok(());
        }
        for admitted in &batches {
            self.news.read(&admitted.batch);
        }
        let came = |b: &Admitted| (b.batch.key.clone(), b.batch.rows() as u64, Telling::of(&b.batch));
        let came: Vec<_> = batches.iter().map(came).collect();
        let outcomes = match self.store.append(now, batches) {
            Ok(outcomes) => outcomes,
            Err(full @ (StoreError::Full { .. } | StoreError::NoSpace { .. })) => {
                let refusal = Refusal::of_store_error(&full);
                for entry in entering {
                    self.count(refusal.word());
                    set(answers, entry.place, Err(refusal.clone()));
                }
                return Ok(());
            }
            Err(dead) => return Err(dead),
        };
        self.health.durable.groups.observe(entering.len() as u64);
        self.health.durable.newest = Some(now);
        let here = |outcome: &Appended| matches!(outcome, Appended::Kept | Appended::Duplicate);
        let told = outcomes.iter().zip(&came).filter(|(outcome, _)| here(outcome));
        let told = told.filter_map(|(_, (_, _, told))| told.clone()).collect();
        let unkept = self.keep_or_refuse(told, now)?;
        for ((outcome, entry), (key, rows, told)) in outcomes.into_iter().zip(entering).zip(came) {
            if let Some(refusal) = Refusal::of_appended(outcome, &key) {
                self.count_refused(&refusal);
                set(answers, entry.place, Err(refusal));
                continue;
            }
            let fresh = outcome == Appended::Kept;
            self.health.rows += if fresh { rows } else { 0 };
            if let Some(refusal) = unkept.as_ref().filter(|_| told.is_some()) {
                self.count(refusal.word());
                set(answers, entry.place, Err(refusal.clone()));
                continue;
            }
            self.count(if fresh { "accepted" } else { "duplicate" });
            let facts = told.as_ref().filter(|_| fresh).map_or(&[][..], Telling::facts);
            set(answers, entry.place, Ok(self.acknowledged(&key, &entry.backlog, facts, now)));
        }
        Ok(())
    }

    /// Why the disk has no room for pushes, if it has none. What has arrived before is acknowledged all the same.
    pub(super) fn no_room(&mut self, now: Instant) -> Option<Refusal> {
        let room = self.reserve.look(now);
        let why = room.warning().filter(|_| !room.takes_pushes())?;
        Some(Refusal::DiskReserve { why })
    }

    /// Takes notice of what came beside a batch that is durable, and gives the answer: what is missing is asked for again,
    /// and what is lost for good is said, once.
    fn acknowledged(&mut self, key: &BatchKey, backlog: &Backlog, facts: &[AgentFact], now: Instant) -> PushAnswer {
        let Reckoned { replay_from, missing, lost } = self.store.reckon(key, &backlog.told);
        for SeqRange { first, last } in lost.ranges() {
            let (agent, epoch, batches) = (&key.agent, key.epoch, (last - first).saturating_add(1));
            tracing::warn!(%agent, %epoch, first, last, batches, "batches that were acknowledged are not here and the agent no longer keeps them: they are lost for good");
        }
        self.agents.heard(&key.agent, backlog, missing, facts, now);
        PushAnswer { store: self.store.id(), acknowledged: key.seq, replay_from, now }
    }

    fn count_refused(&mut self, refusal: &Refusal) {
        if let Some(limit) = refusal.limit() {
            self.listening.limiter.reached(limit);
        }
        self.count(refusal.word());
    }

    fn count(&mut self, word: &'static str) {
        *self.health.pushes.entry(word).or_default() += 1;
    }
}

/// Why a batch is refused with a row before `takes_from`: what was kept of such a day stands.
pub(super) fn too_old(admitted: &Admitted, takes_from: Instant, now: Instant) -> Option<Refusal> {
    let earliest = admitted.batch.instants().min()?;
    let age_max_ms = now.since_ms(takes_from);
    (earliest < takes_from).then_some(Refusal::TooOld { earliest, age_max_ms })
}

fn set(answers: &mut [Option<Answer>], place: usize, answer: Answer) {
    if let Some(slot) = answers.get_mut(place) {
        *slot = Some(answer);
    }
}
